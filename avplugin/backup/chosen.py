"""How many snapshots of chosen administrations are kept: borgmatic does not prune that series."""

from __future__ import annotations

import collections
from collections.abc import Sequence

from avplugin.borgmatic.archive import Archive
from avplugin.snapshots.order import newest_first
from avplugin.snapshots.reader import SnapshotReader
from avplugin.state.catalogue import folder_key


def too_many(reader: SnapshotReader, archives: Sequence[Archive], keep: int) -> list[Archive]:
    """Return the clean ones of a series that hold nothing the newest `keep` lack.

    That counts for each administration by itself. One whose manifest cannot be understood stays.
    Raise BorgError if one cannot be read.
    """
    copies: collections.Counter[str] = collections.Counter()
    left_over = []
    clean = [archive for archive in archives if archive.is_clean]
    for archive in newest_first(clean, reader.number):
        manifest = reader.manifest(archive)
        if manifest is None:
            continue
        labels = {folder_key(part.label) for part in manifest.stored}
        if all(copies[label] >= keep for label in labels):
            left_over.append(archive)
        copies.update(labels)
    return left_over
