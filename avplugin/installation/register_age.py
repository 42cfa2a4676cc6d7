"""How old the exports are that say which administrations there are."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable
from pathlib import Path

from avplugin.installation.locate import AdministrationSource, Register
from avplugin.installation.windows_path import Drives, PathError, is_windows_path


@dataclasses.dataclass(frozen=True, slots=True)
class RegisterAge:
    """When a register was exported: the time of its file. None if it cannot be looked at."""

    file: str
    exported: datetime.datetime | None
    outdated_after: float  # seconds

    def is_outdated(self, now: datetime.datetime) -> bool:
        """Return whether it should be exported again."""
        return (
            self.exported is not None
            and (now - self.exported).total_seconds() > self.outdated_after
        )


def register_ages(
    sources: Iterable[AdministrationSource], drives: Drives
) -> tuple[RegisterAge, ...]:
    """Return the age of each register among the sources."""
    return tuple(
        RegisterAge(source.file, _exported(source.file, drives), source.outdated_after)
        for source in sources
        if isinstance(source, Register)
    )


def _exported(file: str, drives: Drives) -> datetime.datetime | None:
    try:
        local = drives.resolve(file) if is_windows_path(file) else file
        modified = Path(local).stat().st_mtime
        return datetime.datetime.fromtimestamp(modified, datetime.UTC)
    except (OSError, PathError, OverflowError, ValueError):
        return None
