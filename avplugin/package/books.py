"""What a package is made of: an administration out of a snapshot, or as it lies there now."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

from avplugin.borgmatic import borg
from avplugin.borgmatic.borg import StreamedItem
from avplugin.restore.choose import Choice
from avplugin.restore.extract import ArchiveOrigin
from avplugin.state.manifest import FolderManifest, RunManifest


class Books(Protocol):
    """One administration with the copy documents that are to come along."""

    @property
    def run(self) -> RunManifest:
        """What made the snapshot, or this copy."""

    @property
    def taken(self) -> datetime.datetime:
        """When the books were copied."""

    @property
    def snapshot(self) -> str:
        """The archive's name; empty without one."""

    @property
    def doubt(self) -> str:
        """Why they were not proven clean; empty if they were."""

    @property
    def folders(self) -> tuple[FolderManifest, ...]:
        """The administration's own folder, and behind it those of its copy documents."""

    @property
    def own_places(self) -> Mapping[Path, str]:
        """What must not have a package in it, by path, such as the repository."""

    def read(self) -> contextlib.AbstractContextManager[Iterator[StreamedItem]]:
        """Open all that is in the folders, with paths from the root of the machine on.

        What was read counts only once the block has ended without an AvpluginError.
        """


class SnapshotBooks:
    """An administration out of a snapshot."""

    def __init__(self, choice: Choice) -> None:
        """Take what was chosen. Raise TypeError if it does not come out of an archive."""
        if not isinstance(choice.origin, ArchiveOrigin):
            raise TypeError(choice.origin)
        self._origin = choice.origin
        self.run = choice.run
        self.taken = choice.origin.time
        self.snapshot = choice.origin.name
        self.doubt = choice.doubt
        self.folders = (choice.folder, *choice.copy_documents)
        self.own_places = choice.origin.own_places

    @contextlib.contextmanager
    def read(self) -> Iterator[Iterator[StreamedItem]]:
        """Read it out of the archive, as Books says."""
        paths = [folder.archived_path for folder in self.folders]
        kept = {folder.path for folder in self.folders}
        without = [
            inner.lstrip("/") for part in self.folders for inner in part.inside if inner not in kept
        ]
        repository = self._origin.source.reader.repository
        with borg.streamed(repository, self._origin.archive.name, paths, without) as items:
            yield items
