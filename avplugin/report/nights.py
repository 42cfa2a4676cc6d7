"""What each night was for each administration, out of what the runs came to.

A night counts for the day on which it began: it lasts from noon to noon, unless the set has a
window; then a run in a window belongs to the day on which that opened.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime
import enum
from collections.abc import Container, Iterable, Sequence

from avplugin.backup.due import due_since
from avplugin.configuration.model import BackupSet
from avplugin.configuration.window import Window
from avplugin.state.outcomes import CLEAN, NOT_NOW, UNCHANGED, Outcome

_NOON = datetime.timedelta(hours=12)
_DAY = datetime.timedelta(days=1)


class Night(enum.StrEnum):
    """What a night came to, for a set or one folder; the better one first."""

    CLEAN = "clean"
    UNCHANGED = "unchanged"
    LEFT_OUT = "left out"
    POSTPONED = "postponed"
    FAILED = "failed"
    NOTHING = "nothing"  # no backup ran, and none was due
    MISSED = "missed"  # no backup ran, though one was due


_BEST_FIRST = (
    Night.CLEAN,
    Night.UNCHANGED,
    Night.LEFT_OUT,
    Night.FAILED,
    Night.POSTPONED,
)
_WORST_FIRST = (
    Night.FAILED,
    Night.MISSED,
    Night.LEFT_OUT,
    Night.POSTPONED,
    Night.CLEAN,
    Night.UNCHANGED,
    Night.NOTHING,
)


def night_of(moment: datetime.datetime, window: Window | None) -> datetime.date:
    """Return the day on which the night began that the moment belongs to."""
    if window is not None:
        opening = window.opening(moment)
        if opening is not None:
            return opening.astimezone().date()
    return (moment.astimezone().replace(tzinfo=None) - _NOON).date()


def span(day: datetime.date, window: Window | None) -> tuple[datetime.datetime, datetime.datetime]:
    """Return when backups of the night that began on a day may begin, from and up to."""
    if window is not None:
        return window.hours(day)
    noon = datetime.datetime.combine(day, datetime.time(12))
    begin, end = noon.timestamp(), (noon + _DAY).timestamp()
    return (
        datetime.datetime.fromtimestamp(begin, datetime.UTC),
        datetime.datetime.fromtimestamp(end, datetime.UTC),
    )


@dataclasses.dataclass(frozen=True, slots=True)
class SetNight:
    """One night of a set in one repository. `outcomes` are in the order in which they were."""

    day: datetime.date
    outcomes: tuple[Outcome, ...]
    was_due: bool

    @property
    def best(self) -> Outcome | None:
        """The outcome that counts: of good ones the one that stored, else the last."""
        for status in (CLEAN, UNCHANGED):
            for outcome in reversed(self.outcomes):
                if outcome.status == status:
                    return outcome
        return self.outcomes[-1] if self.outcomes else None

    @property
    def came_to(self) -> Night:
        """What the night came to for the set as a whole."""
        best = self.best
        if best is None:
            return Night.MISSED if self.was_due else Night.NOTHING
        if best.status == CLEAN:
            return Night.CLEAN
        if best.status == UNCHANGED:
            return Night.UNCHANGED
        if best.status == NOT_NOW:
            return Night.POSTPONED
        return Night.FAILED

    def of_folder(self, label: str) -> Night:
        """Return what the night came to for one folder of the set."""
        found = [_of_folder(outcome, label) for outcome in self.outcomes]
        if not found:
            return self.came_to
        return min(found, key=_BEST_FIRST.index)

    @property
    def people(self) -> tuple[str, ...]:
        """Who was in the way, each once."""
        return tuple(dict.fromkeys(who for one in self.outcomes for who in one.people))


def _of_folder(outcome: Outcome, label: str) -> Night:
    if outcome.is_good:
        if label in outcome.missing:
            return Night.LEFT_OUT
        return Night.CLEAN if label in outcome.changed else Night.UNCHANGED
    return Night.POSTPONED if outcome.status == NOT_NOW else Night.FAILED


def deadline(day: datetime.date, at: datetime.time) -> datetime.datetime:
    """Return when, at the latest, people hear what the night that began on a day came to.

    `at` is a time of the next day.
    """
    moment = datetime.datetime.combine(day + _DAY, at)
    return datetime.datetime.fromtimestamp(moment.timestamp(), datetime.UTC)


def nights_of(
    backup_set: BackupSet,
    outcomes: Sequence[Outcome],
    days: Sequence[datetime.date],
    over: Container[datetime.date],
) -> tuple[SetNight, ...]:
    """Return each of these nights of a set in one repository; `outcomes` are its own, oldest first.

    Only a night that is `over` can have been missed, and none before the first run of all.
    """
    by_day: dict[datetime.date, list[Outcome]] = collections.defaultdict(list)
    for outcome in outcomes:
        if outcome.begun is not None:
            by_day[night_of(outcome.begun, backup_set.window)].append(outcome)
    return tuple(
        SetNight(
            day,
            tuple(by_day[day]) if day in by_day else (),
            day in over and is_expected(backup_set, outcomes, day),
        )
        for day in days
    )


def is_expected(backup_set: BackupSet, outcomes: Sequence[Outcome], day: datetime.date) -> bool:
    """Return whether a backup was to come in the night that began on a day.

    Where there is neither an interval nor a window, each night brings one, from the first on.
    """
    begin, end = span(day, backup_set.window)
    before = [one for one in outcomes if one.begun is not None and one.begun < begin]
    if not before:
        return False
    last = next((one for one in reversed(before) if one.is_good), None)
    if last is None or (backup_set.interval is None and backup_set.window is None):
        return True
    return due_since(backup_set, last, begin) < end


def worst(nights: Iterable[Night]) -> Night:
    """Return the worst of what one night came to in several repositories."""
    return min(nights, key=_WORST_FIRST.index, default=Night.NOTHING)


def first_seen(outcomes: Sequence[Outcome], label: str) -> datetime.datetime | None:
    """Return when a folder first came along; None if it did from the beginning on, or always has.

    Only where the very first snapshot is known can it be told that a folder was not there yet.
    """
    first = next((one for one in outcomes if one.status == CLEAN), None)
    if first is None or len(first.changed) < first.folders:
        return None
    for outcome in outcomes:
        if label in outcome.changed or label in outcome.missing:
            return None if outcome is first else outcome.begun
    return None


def times_in_the_way(
    nights: Iterable[Sequence[SetNight]],
) -> dict[str, int]:
    """Return in how many of these nights each of the people was in the way, most often first."""
    days: dict[str, set[datetime.date]] = collections.defaultdict(set)
    for part in nights:
        for night in part:
            for who in night.people:
                days[who].add(night.day)
    counted = {who: len(found) for who, found in days.items()}
    return dict(sorted(counted.items(), key=lambda item: (-item[1], item[0])))
