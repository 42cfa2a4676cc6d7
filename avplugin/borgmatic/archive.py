"""Archives and their names; the name says whether an archive was proven clean."""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections.abc import Iterable

UNVERIFIED = ".unverified"
HOLD = ".hold"

_NAME = re.compile(
    r"(?P<series>.+)-(?P<when>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)"
    r"(?P<state>\.unverified|\.hold)?(?P<checkpoint>\.checkpoint(\.\d+)?)?"
)
_WHEN = "%Y-%m-%dT%H:%M:%S"


@dataclasses.dataclass(frozen=True, slots=True)
class Series:
    """The archives of one set of one installation."""

    installation: str
    set: str

    def __str__(self) -> str:
        """Return what the names of the series begin with."""
        return f"{self.installation}-{self.set}"

    @property
    def name_format(self) -> str:
        """The archive_name_format that borgmatic has to use."""
        return f"{self}-{{now:{_WHEN}}}{UNVERIFIED}"

    @property
    def match_archives(self) -> str:
        """The match_archives that borgmatic has to use: clean archives, neither held nor not."""
        return f"sh:{self}-????-??-??T??:??:??"

    @property
    def held_pattern(self) -> str:
        """A glob pattern for held archives alone: what stands before it holds no glob characters.

        Sources: the schema's patterns for `installation.name` and the names of sets.
        """
        return f"{self}-????-??-??T??:??:??{HOLD}"


@dataclasses.dataclass(frozen=True, slots=True)
class Archive:
    """One archive of a repository. `time` is when it was begun, in UTC, as Borg noted it."""

    name: str
    id: str
    time: datetime.datetime

    @property
    def series(self) -> str:
        """What the name begins with; empty if avplugin's hooks did not make the archive."""
        match = _NAME.fullmatch(self.name)
        return match["series"] if match else ""

    @property
    def is_clean(self) -> bool:
        """Whether the archive was proven clean."""
        match = _NAME.fullmatch(self.name)
        return match is not None and match["state"] != UNVERIFIED and not match["checkpoint"]

    @property
    def is_held(self) -> bool:
        """Whether the archive is a clean one that pruning must not touch."""
        return self.is_clean and self.name.endswith(HOLD)

    def is_called(self, name: str) -> bool:
        """Return whether the archive is meant: what was held since is still the same one."""
        return self.name.removesuffix(HOLD) == name.removesuffix(HOLD)

    @property
    def is_unverified(self) -> bool:
        """Whether the archive is one of a series, and was not proven clean."""
        return bool(self.series) and not self.is_clean

    @property
    def is_checkpoint(self) -> bool:
        """Whether the archive is what an interrupted run left."""
        match = _NAME.fullmatch(self.name)
        return match is not None and match["checkpoint"] is not None


def clean_name(unverified: str, taken: Iterable[str]) -> str:
    """Return the final name for the archive `unverified`.

    The second in the name is moved on while the name is taken: a clock that jumped back, or the
    hour that comes twice in autumn, can bring the same time again.
    """
    names = set(taken)
    stem = unverified.removesuffix(UNVERIFIED)
    match = _NAME.fullmatch(stem)
    if match is None:
        raise ValueError(f"{unverified} is no name of a series")
    when = datetime.datetime.strptime(match["when"], _WHEN)
    while stem in names or stem + HOLD in names:
        when += datetime.timedelta(seconds=1)
        stem = f"{match['series']}-{when:{_WHEN}}"
    return stem


def of_series(archives: Iterable[Archive], series: Series) -> list[Archive]:
    """Return the archives of the series, newest first by Borg's time, not by name."""
    mine = [archive for archive in archives if archive.series == str(series)]
    return sorted(mine, key=lambda archive: archive.time, reverse=True)
