"""What borgmatic adds to an archive by itself: its configuration files and a list of them.

That is its bootstrap hook, on unless `bootstrap: {store_config_files: false}`.
"""

from __future__ import annotations

import json
import os

from avplugin.borgmatic import borg
from avplugin.borgmatic.borg import BorgError, ItemList
from avplugin.borgmatic.configuration import Repository
from avplugin.borgmatic.open_repository import OpenRepository

_FOLDER = "borgmatic/bootstrap"
_LIST = b"borgmatic/bootstrap/manifest.json"


def stored_by_borgmatic(
    repository: Repository, archive: str, items: ItemList, opened: OpenRepository
) -> frozenset[bytes]:
    """Return the paths in the archive that borgmatic's bootstrap hook put there.

    `opened` is closed for it if need be: a second Borg would wait for the first.
    Nobody meant them, and nothing is wrong with them. Raise BorgError if its list cannot be read.
    """
    if _LIST not in items:
        return frozenset()
    opened.close()
    try:
        document = json.loads(borg.read_files(repository, archive, _FOLDER))
        named = [os.fsencode(path.lstrip("/")) for path in document["config_paths"]]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BorgError(
            f"{archive} holds a {_LIST.decode()} that borgmatic did not write: {error}."
        ) from error
    return frozenset([b"borgmatic", _FOLDER.encode(), _LIST, *named])
