"""Keeping retention away from clean archives that have what newer ones lack.

That is the last clean copy of a folder that a night leaves out: borgmatic's prune counts an
incomplete snapshot like a complete one. And it is the last copy in which a table that is damaged
now was sound. An archive whose name ends in `.hold` prune does not see.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from avplugin.backup.call import Call
from avplugin.borgmatic import borg
from avplugin.borgmatic.archive import HOLD, Archive, of_series
from avplugin.snapshots.reader import SnapshotReader
from avplugin.state.manifest import NOT_CHECKED, FolderManifest, Manifest


def hold_what_is_missing(call: Call, reader: SnapshotReader, manifest: Manifest) -> None:
    """Hold the archives that have what the archive of this manifest lacks, before that one counts.

    Raise BorgError if a name cannot be changed.
    """
    archives = of_series(reader.listing.archives, call.series)
    for archive, is_needed in clean_archives(archives, manifest, reader):
        if is_needed and not archive.name.endswith(HOLD):
            borg.rename_archive(call.repository, archive.name, archive.name + HOLD)


def release_holds(call: Call, reader: SnapshotReader, manifest: Manifest) -> None:
    """Hand the archives that have nothing this manifest lacks back to retention.

    Raise BorgError if a name cannot be changed.
    """
    archives = of_series(reader.listing.archives, call.series)
    for archive, is_needed in clean_archives(archives, manifest, reader):
        if not is_needed and archive.name.endswith(HOLD):
            borg.rename_archive(call.repository, archive.name, archive.name.removesuffix(HOLD))


class _Needs:
    """What is still looked for, from the newest archive to the oldest."""

    def __init__(self, manifest: Manifest) -> None:
        self._folders = {part.label for part in manifest.left_out}
        self._tables: dict[str, frozenset[str]] = {}  # to be found sound, by label
        for part in manifest.stored:
            self._look_for(part.label, part.damaged_tables)

    @property
    def labels(self) -> set[str]:
        """The folders of which something is looked for."""
        return self._folders | self._tables.keys()

    def are_met_by(self, label: str, part: FolderManifest) -> bool:
        """Return whether this copy of a folder is, or has, what is looked for; that is found then.

        The last copy of a folder that is left out may have damaged tables itself.
        """
        damaged = part.damaged_tables
        if label in self._folders:
            self._folders.remove(label)
            self._look_for(label, damaged)
            return True
        wanted = self._tables[label]
        if part.table_health == NOT_CHECKED or wanted <= damaged:
            return False
        self._look_for(label, wanted & damaged)
        return True

    def _look_for(self, label: str, tables: frozenset[str]) -> None:
        self._tables.pop(label, None)
        if tables:
            self._tables[label] = tables


def clean_archives(
    archives: Iterable[Archive], manifest: Manifest, reader: SnapshotReader
) -> Iterator[tuple[Archive, bool]]:
    """Yield the clean ones of the archives, which come newest first.

    With each comes whether it has what the archive of this manifest lacks, and no newer one has.
    """
    needs = _Needs(manifest)
    for archive in archives:
        if archive.is_clean:
            copies = {label: reader.stored_folder(archive, label) for label in needs.labels}
            met = [needs.are_met_by(label, part) for label, part in copies.items() if part]
            yield archive, any(met)
