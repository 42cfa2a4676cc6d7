"""Keeping retention away from the last clean copies of folders that a night leaves out.

borgmatic's prune counts an incomplete snapshot like a complete one. An archive whose name ends in
`.hold` it does not see.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from avplugin.backup.call import Call
from avplugin.borgmatic import borg
from avplugin.borgmatic.archive import HOLD, Archive, of_series
from avplugin.snapshots.reader import SnapshotReader


def hold_last_copies(call: Call, reader: SnapshotReader, labels: Iterable[str]) -> None:
    """Hold the newest clean archive of each of these folders, before one without them counts.

    Raise BorgError if a name cannot be changed.
    """
    clean = _clean(call, reader)
    needed = _holding(reader, clean, labels)
    for archive in clean:
        if archive.name in needed and not archive.name.endswith(HOLD):
            borg.rename_archive(call.repository, archive.name, archive.name + HOLD)


def release_holds(call: Call, reader: SnapshotReader, labels: Iterable[str]) -> None:
    """Hand the archives that no longer hold the newest copy of these folders back to retention.

    Raise BorgError if a name cannot be changed.
    """
    clean = _clean(call, reader)
    needed = _holding(reader, clean, labels)
    for archive in clean:
        if archive.name not in needed and archive.name.endswith(HOLD):
            borg.rename_archive(call.repository, archive.name, archive.name.removesuffix(HOLD))


def _clean(call: Call, reader: SnapshotReader) -> list[Archive]:
    archives = of_series(reader.listing.archives, call.series)
    return [archive for archive in archives if archive.is_clean]


def _holding(
    reader: SnapshotReader, archives: Sequence[Archive], labels: Iterable[str]
) -> set[str]:
    """Return the names of the newest archives (given newest first) that hold these folders."""
    left = set(labels)
    names = set()
    for archive in archives:
        if not left:
            break
        manifest = reader.manifest(archive)
        found = left & {part.label for part in manifest.stored} if manifest else set()
        if found:
            names.add(archive.name)
            left -= found
    return names
