"""Extract whole folders out of an archive, and prove that they are what their manifests say.

A repository is not trusted input. Borg itself, from the oldest version that avplugin takes, writes
neither through a symbolic link nor outside its folder.
"""

from __future__ import annotations

import dataclasses
import datetime
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from avplugin.borgmatic import borg
from avplugin.borgmatic.archive import Archive
from avplugin.restore.origin import Extracted
from avplugin.restore.prove import prove
from avplugin.snapshots.reader import SnapshotReader
from avplugin.snapshots.sources import Source
from avplugin.state.manifest import FolderManifest


@dataclasses.dataclass(frozen=True, slots=True)
class ArchiveOrigin:
    """An archive as what folders are taken out of; see Origin."""

    source: Source
    archive: Archive

    @property
    def name(self) -> str:
        """The archive's name."""
        return self.archive.name

    @property
    def place(self) -> str:
        """The repository."""
        return str(self.source.reader.repository)

    @property
    def time(self) -> datetime.datetime:
        """When the archive was made."""
        return self.archive.time

    @property
    def own_places(self) -> Mapping[Path, str]:
        """The repository, where it is a folder, and what is known of it."""
        return {
            Path(os.path.realpath(self.source.reader.repository.path)): "the repository",
            Path(os.path.realpath(self.source.state)): "avplugin's own folder",
        }

    @property
    def knows_places(self) -> bool:
        """An archive keeps folders under the paths they had."""
        return True

    @property
    def keeps_permissions(self) -> bool:
        """Borg keeps them, as far as this user may set them."""
        return True

    def extract(
        self, folders: Sequence[FolderManifest], into: Path, progress: Callable[[int], None] | None
    ) -> Extracted:
        """Extract and prove, as Origin says. Raise BorgError, ExtractError or OSError."""
        is_proven = self.archive.is_clean
        reader = self.source.reader
        return extract_folders(reader, self.archive, folders, into, progress, is_proven=is_proven)


def extract_folders(
    reader: SnapshotReader,
    archive: Archive,
    folders: Sequence[FolderManifest],
    into: Path,
    progress: Callable[[int], None] | None,
    *,
    is_proven: bool = True,
) -> Extracted:
    """Extract the folders below `into`, each at its path in the archive, and prove them.

    Folders inside them that are folders of their own come along only if they are in `folders` too.
    `progress` is called with the bytes done so far. An archive that is not clean can differ from
    its manifest: with `is_proven` false that is warned about. Raise BorgError, ExtractError or
    OSError; what lies in `into` then is worthless.
    """
    kept = {part.path for part in folders}
    without = [inner.lstrip("/") for part in folders for inner in part.inside if inner not in kept]
    paths = [part.archived_path for part in folders]
    said = borg.extract(reader.repository, archive.name, paths, without, into, progress)
    warnings = [f"{folders[0].label}: {warning}" for warning in said]
    hint = "'borgmatic check' tests the repository."
    proven = prove(folders, into, is_proven=is_proven, hint=hint)
    return dataclasses.replace(proven, warnings=tuple(dict.fromkeys([*warnings, *proven.warnings])))
