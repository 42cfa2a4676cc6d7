"""How the backups are, as values."""

from __future__ import annotations

import dataclasses
import datetime
import enum

from avplugin.configuration.model import BackupSet
from avplugin.installation.model import Kind
from avplugin.installation.register_age import RegisterAge
from avplugin.state.brake import Braked
from avplugin.state.drills import Drilled
from avplugin.state.moments import as_moment
from avplugin.state.outcomes import Outcome


class Trouble(enum.StrEnum):
    """What can be wrong with one folder."""

    LEFT_OUT = "left out"
    IN_USE = "in use"
    DAMAGED = "damaged"
    DRILL_FAILED = "drill failed"
    OLD = "old"  # the last clean copy is, and nothing says why


@dataclasses.dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a folder in one repository. `is_serious` calls for attention."""

    trouble: Trouble
    repository: str
    since: datetime.datetime | None
    detail: str
    is_serious: bool = True


@dataclasses.dataclass(frozen=True, slots=True)
class FolderStatus:
    """One folder of a set. `last_clean` is its newest clean copy in whichever repository."""

    kind: Kind
    label: str
    name: str
    set: str
    last_clean: datetime.datetime | None
    faults: tuple[Fault, ...] = ()

    @property
    def has_trouble(self) -> bool:
        """Whether anything is wrong with it."""
        return bool(self.faults)

    @property
    def is_serious(self) -> bool:
        """Whether somebody has to look at it."""
        return any(fault.is_serious for fault in self.faults)


@dataclasses.dataclass(frozen=True, slots=True)
class Growth:
    """How large a repository is, and by how much a set makes it grow; bytes as stored.

    `night` is the average of the nights of the last week, `week` all of them together; None where
    that is not known.
    """

    size: int | None = None
    night: int | None = None
    week: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class DrillStatus:
    """What restore drills of a set in a repository have come to.

    `last` is when one was due and done, `late` whether the next should have been long ago.
    `proven` is the newest proof of any folder, `failed` are the failures that stand.
    """

    is_on: bool
    last: datetime.datetime | None = None
    late: bool = False
    proven: Drilled | None = None
    failed: tuple[Drilled, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class RepositoryStatus:
    """One set in one repository.

    `archive` is the last clean snapshot, begun at `clean`. `good` is up to when that is known to
    hold all there was: nothing may have changed since. `due` is None where a backup is due each
    time that borgmatic is started. `people` are those in the way since the last good outcome.
    `held` are the names of held archives, None if the repository was never looked at; `listed` is
    when it last was. `unreachable` says why it could not be looked at now, if that was tried.
    """

    set: BackupSet
    repository: str
    path: str
    archive: str = ""
    clean: datetime.datetime | None = None
    good: datetime.datetime | None = None
    due: datetime.datetime | None = None
    overdue_since: datetime.datetime | None = None
    last: Outcome | None = None
    people: tuple[str, ...] = ()
    held: tuple[str, ...] | None = None
    listed: datetime.datetime | None = None
    growth: Growth = Growth()
    drills: DrillStatus = DrillStatus(is_on=False)
    braked: Braked | None = None
    last_start: datetime.datetime | None = None
    schedule_stopped: bool = False
    unreachable: str = ""
    outcomes: tuple[Outcome, ...] = dataclasses.field(default=(), repr=False)  # oldest first

    @property
    def what(self) -> str:
        """The set and the repository, in messages."""
        return f"{self.set.name} in {self.repository}"

    @property
    def braked_since(self) -> datetime.datetime | None:
        """Since when the brake is on; None if it is off."""
        return None if self.braked is None else as_moment(self.braked.since)


@dataclasses.dataclass(frozen=True, slots=True)
class Unregistered:
    """A folder that looks like an administration but is in no list."""

    path: str
    since: datetime.datetime


@dataclasses.dataclass(frozen=True, slots=True)
class Status:
    """All of an installation at a moment. `problems` are lines about what could not be read.

    `is_unscheduled` says of a young one that nothing was found which starts its nights.
    """

    moment: datetime.datetime
    installation: str
    repositories: tuple[RepositoryStatus, ...]
    folders: tuple[FolderStatus, ...]
    sessions_checked: bool
    unregistered: tuple[Unregistered, ...]
    registers: tuple[RegisterAge, ...]
    cut_off: tuple[str, ...]  # what restores that were cut off were putting back
    problems: tuple[str, ...]
    is_unscheduled: bool = False

    @property
    def administrations(self) -> tuple[FolderStatus, ...]:
        """The administrations among the folders."""
        return tuple(one for one in self.folders if one.kind is Kind.ADMINISTRATION)

    @property
    def troubled(self) -> tuple[FolderStatus, ...]:
        """The folders with trouble, the worst first."""
        return tuple(
            sorted(
                (one for one in self.folders if one.has_trouble),
                key=lambda one: (
                    not one.is_serious,
                    one.kind is not Kind.ADMINISTRATION,
                    one.label,
                ),
            )
        )
