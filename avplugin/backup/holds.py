"""Keeping retention away from the last clean copies of folders that a night leaves out.

borgmatic's prune counts an incomplete snapshot like a complete one. An archive whose name ends in
`.hold` it does not see.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from avplugin.backup.call import Call
from avplugin.borgmatic import borg
from avplugin.borgmatic.archive import HOLD, Archive, of_series
from avplugin.snapshots.reader import SnapshotReader


def hold_last_copies(call: Call, reader: SnapshotReader, labels: Iterable[str]) -> None:
    """Hold the newest clean archive of each of these folders, before one without them counts.

    Raise BorgError if a name cannot be changed.
    """
    for archive, is_needed in _clean_archives(call, reader, labels):
        if is_needed and not archive.name.endswith(HOLD):
            borg.rename_archive(call.repository, archive.name, archive.name + HOLD)


def release_holds(call: Call, reader: SnapshotReader, labels: Iterable[str]) -> None:
    """Hand the archives that no longer hold the newest copy of these folders back to retention.

    Raise BorgError if a name cannot be changed.
    """
    for archive, is_needed in _clean_archives(call, reader, labels):
        if not is_needed and archive.name.endswith(HOLD):
            borg.rename_archive(call.repository, archive.name, archive.name.removesuffix(HOLD))


def _clean_archives(
    call: Call, reader: SnapshotReader, labels: Iterable[str]
) -> Iterator[tuple[Archive, bool]]:
    """Yield the clean archives, each with whether it holds the newest copy of these folders."""
    left = set(labels)
    for archive in of_series(reader.listing.archives, call.series):
        if archive.is_clean:
            manifest = reader.manifest(archive) if left else None
            found = left & {part.label for part in manifest.stored} if manifest else set()
            left -= found
            yield archive, bool(found)
