"""What has to be set in AccountView once an administration that came from elsewhere is here."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import PureWindowsPath
from typing import NamedTuple

from avplugin.installation.model import Folder, Installation, Kind
from avplugin.installation.windows_path import (
    PathError,
    is_windows_path,
    name_key,
    split_windows_path,
)
from avplugin.restore.check import Preparation, locate
from avplugin.restore.targets import Part
from avplugin.restore.where import New
from avplugin.sessions.windows_paths import NoWindowsNameError, WindowsPaths


class ToSet(NamedTuple):
    """A folder that AccountView has to be told of.

    `here` is its Windows path, or its path on this machine where that is not known. `there` is the
    Windows path it had where the package was made, or empty.
    """

    kind: Kind
    here: str
    there: str


def folders_to_set(preparation: Preparation) -> Iterator[ToSet]:
    """Yield the folders that AccountView may have otherwise.

    The list of administrations is part of an installation, and knows an administration's folder;
    where its copy documents lie the administration's own tables say, which come from elsewhere.
    """
    configuration = preparation.configuration
    installation = locate(configuration)[0]
    drives = configuration.drives if configuration is not None else {}
    parts = [part for target in preparation.targets for part in target.parts]
    for part in parts:
        here = _windows_path(part, parts[0], installation, drives)
        there = part.folder.windows_path
        is_own = part.folder.kind is Kind.ADMINISTRATION
        if isinstance(preparation.where, New) or (not is_own and not _same(here, there)):
            was = there if is_windows_path(there) else ""
            yield ToSet(part.folder.kind, here or str(part.path), was)


def _windows_path(
    part: Part, own: Part, installation: Installation | None, drives: Mapping[str, str]
) -> str:
    """Return the Windows path of what is put there, as far as this office knows it; or empty.

    A folder that the configuration or the register calls by its path on this machine has no Windows
    path there, and may still lie where a drive leads to.
    """
    known = {
        one.path: one.windows_path
        for one in (installation.folders if installation else ())
        if is_windows_path(one.windows_path)
    }
    if found := known.get(str(part.path)):
        return found
    around = known.get(str(own.path), "")
    if around and own.path in part.path.parents:
        return str(PureWindowsPath(around, *part.path.relative_to(own.path).parts))
    place = Folder(part.folder.kind, part.folder.code, "", os.path.realpath(part.path), "")
    # Of two drives that lead to one folder, the one that is written first.
    folders = {folder: windows for windows, folder in reversed(tuple(drives.items()))}
    try:
        return WindowsPaths(folders, is_guest=False).find(place) or ""
    except NoWindowsNameError:
        return ""


def _same(one: str, other: str) -> bool:
    try:
        keys = [[name_key(part) for part in split_windows_path(path)] for path in (one, other)]
    except PathError:
        return one == other
    return keys[0] == keys[1]
