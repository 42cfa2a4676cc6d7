"""What of the status somebody has to look at: the only place that decides it."""

from __future__ import annotations

import dataclasses
import datetime
import enum
from collections.abc import Iterator

from avplugin.state.outcomes import FAILED, UNVERIFIED
from avplugin.status.model import FolderStatus, RepositoryStatus, Status, Trouble
from avplugin.wording import some


class Concern(enum.StrEnum):
    """What somebody has to look at, the most urgent first; the values stand in --json."""

    BRAKE = "brake"
    OVERDUE = "overdue"
    NEVER = "no snapshot"
    FAILED = "failed"
    UNVERIFIED = "unverified"
    NO_RUN = "no run"
    UNREACHABLE = "unreachable"
    CUT_OFF = "restore cut off"
    LEFT_OUT = "left out"
    IN_USE = "in use"
    DRILL_FAILED = "drill failed"
    DAMAGED = "damaged"
    OLD = "old"
    UNREGISTERED = "unregistered"
    REGISTER = "register"
    NO_SCHEDULE = "no schedule"
    DRILL_LATE = "drill late"
    STATE = "state"


_OF_TROUBLE = {
    Trouble.LEFT_OUT: Concern.LEFT_OUT,
    Trouble.IN_USE: Concern.IN_USE,
    Trouble.DAMAGED: Concern.DAMAGED,
    Trouble.DRILL_FAILED: Concern.DRILL_FAILED,
    Trouble.OLD: Concern.OLD,
}
_ORDER = {concern: place for place, concern in enumerate(Concern)}


@dataclasses.dataclass(frozen=True, slots=True)
class Attention:
    """One thing to look at.

    `what` is a set and a repository, a folder's label, or a path. `when` is the moment that
    matters: since when, or when it was. `people` are those in the way. `detail` is the program's
    own message.
    """

    concern: Concern
    what: str
    when: datetime.datetime | None = None
    detail: str = ""
    people: tuple[str, ...] = ()


def attention(status: Status) -> tuple[Attention, ...]:
    """Return all that somebody has to look at, the most urgent first; nothing if all is well."""
    found = [
        *(Attention(Concern.STATE, "", detail=problem) for problem in status.problems),
        *(Attention(Concern.CUT_OFF, what) for what in status.cut_off),
        *(item for one in status.repositories for item in _of_repository(one)),
        *(item for one in status.troubled for item in _of_folder(one)),
        *(Attention(Concern.UNREGISTERED, one.path, one.since) for one in status.unregistered),
        *(
            Attention(Concern.REGISTER, one.file, one.exported)
            for one in status.registers
            if one.is_outdated(status.moment)
        ),
    ]
    return tuple(sorted(found, key=lambda item: _ORDER[item.concern]))


def _of_repository(one: RepositoryStatus) -> Iterator[Attention]:
    if one.unreachable:
        yield Attention(Concern.UNREACHABLE, one.what, detail=one.unreachable)
    if one.braked is not None:
        worst = sorted(one.braked.losses.items(), key=lambda pair: (-pair[1].size, pair[0]))
        lost = some([f"{label} ({loss.size})" for label, loss in worst], 5)
        yield Attention(Concern.BRAKE, one.what, one.braked_since, lost)
    if one.overdue_since is not None:
        yield Attention(Concern.OVERDUE, one.what, one.good, _reason(one), one.people)
    elif one.clean is None:
        yield Attention(Concern.NEVER, one.what, None, _reason(one), one.people)
    elif one.braked is None and one.last is not None and one.last.status == FAILED:
        yield Attention(Concern.FAILED, one.what, one.last.begun, _reason(one))
    elif one.braked is None and one.last is not None and one.last.status == UNVERIFIED:
        yield Attention(Concern.UNVERIFIED, one.what, one.last.begun, _reason(one))
    if one.schedule_stopped:
        yield Attention(Concern.NO_SCHEDULE, one.what, one.last_start)
    if one.drills.late:
        yield Attention(Concern.DRILL_LATE, one.what, one.drills.last)


def _of_folder(one: FolderStatus) -> Iterator[Attention]:
    for fault in one.faults:
        if fault.is_serious:
            people = (fault.detail,) if fault.trouble is Trouble.IN_USE else ()
            detail = "" if people else fault.detail
            yield Attention(_OF_TROUBLE[fault.trouble], one.label, fault.since, detail, people)


def _reason(one: RepositoryStatus) -> str:
    """Return the first line of why the last run came to nothing good."""
    if one.last is None or one.last.is_good or not one.last.reasons:
        return ""
    lines = one.last.reasons[0].splitlines()
    return lines[0].removeprefix(f"{one.set.name}: ") if lines else ""
