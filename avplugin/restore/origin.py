"""Where folders that are put back come from: an archive of Borg, or a package."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from avplugin.installation.scan import Contents
from avplugin.state.manifest import FolderManifest


@dataclasses.dataclass(frozen=True, slots=True)
class Extracted:
    """What came out: the contents of each folder, by label, and warnings."""

    contents: dict[str, Contents]
    warnings: tuple[str, ...]


class Origin(Protocol):
    """One archive or package that folders are taken out of."""

    @property
    def name(self) -> str:
        """What people know it by, such as the archive's name."""

    @property
    def place(self) -> str:
        """Where it lies, such as the repository."""

    @property
    def time(self) -> datetime.datetime:
        """When what it holds was copied."""

    @property
    def own_places(self) -> Mapping[Path, str]:
        """What must not have a target inside it, by path, such as the repository."""

    @property
    def knows_places(self) -> bool:
        """Whether the paths in its manifest are where the folders lay in this installation."""

    @property
    def keeps_permissions(self) -> bool:
        """Whether owners and permissions come out as they were."""

    def extract(
        self, folders: Sequence[FolderManifest], into: Path, progress: Callable[[int], None] | None
    ) -> Extracted:
        """Extract the folders below `into`, each at its `archived_path`, and prove them.

        Folders inside them that are folders of their own come along only if they are in `folders`
        too. `progress` is called with the bytes done so far, if anybody wants to know. Raise
        AvpluginError or OSError; what lies in `into` then is worthless.
        """
