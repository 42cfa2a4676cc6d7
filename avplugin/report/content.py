"""What the report says, as values; how it looks is up to whoever shows it."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping, Sequence

from avplugin.configuration.model import Configuration
from avplugin.report.nights import (
    Night,
    SetNight,
    deadline,
    first_seen,
    night_of,
    nights_of,
    times_in_the_way,
    worst,
)
from avplugin.status.attention import Attention, Concern, attention
from avplugin.status.gather import gather
from avplugin.status.model import FolderStatus, RepositoryStatus, Status

_NIGHTS = 35  # five weeks
_DAY = datetime.timedelta(days=1)
_GROWTH = datetime.timedelta(days=180)


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One administration in the calendar; None where it was not there yet. The last night first."""

    folder: FolderStatus
    nights: tuple[Night | None, ...]

    @property
    def is_quiet(self) -> bool:
        """Whether its nights say no more than those of its whole set, and nothing is wrong."""
        own = {Night.CLEAN, Night.LEFT_OUT}
        return not self.folder.has_trouble and own.isdisjoint(self.nights)


@dataclasses.dataclass(frozen=True, slots=True)
class SetRow:
    """One set in one repository in the calendar. The last night first."""

    status: RepositoryStatus
    nights: tuple[SetNight, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Size:
    """How large a repository was, in bytes as stored."""

    when: datetime.datetime
    bytes: int


@dataclasses.dataclass(frozen=True, slots=True)
class Report:
    """All of a report. `night` is the day on which the last night began that it tells of."""

    status: Status
    night: datetime.date
    items: tuple[Attention, ...]
    days: tuple[datetime.date, ...]
    sets: tuple[SetRow, ...]
    rows: tuple[Row, ...]
    people: Mapping[str, int]  # in how many of the nights somebody was in the way
    sizes: Mapping[str, tuple[Size, ...]]  # by the name of the repository

    @property
    def is_safe(self) -> bool:
        """Whether nobody has to look at anything."""
        return not self.items


def make_report(
    configuration: Configuration, now: datetime.datetime, night: datetime.date | None = None
) -> Report:
    """Return the report of the nights up to this one, or up to the last one that is over."""
    status = gather(configuration, now)
    at = configuration.report.at
    if night is None:
        night = last_night(status, at)
    days = tuple(night - number * _DAY for number in range(_NIGHTS))
    over = {day for day in days if now >= deadline(day, at) or day < night}
    sets = tuple(
        SetRow(one, nights_of(one.set, one.outcomes, days, over)) for one in status.repositories
    )
    items = (*attention(status), *_missed(sets))
    order = list(Concern)
    return Report(
        status=status,
        night=night,
        items=tuple(sorted(items, key=lambda item: order.index(item.concern))),
        days=days,
        sets=sets,
        rows=_rows(status, sets, days),
        people=times_in_the_way(row.nights for row in sets),
        sizes=_sizes(status),
    )


def last_night(status: Status, at: datetime.time) -> datetime.date:
    """Return the night that is under way if anything is known of it, else the one before."""
    now = status.moment
    tonight = night_of(now, None)
    ran = any(
        outcome.begun is not None and night_of(outcome.begun, one.set.window) >= tonight
        for one in status.repositories
        for outcome in one.outcomes[-1:]
    )
    return tonight if ran or now >= deadline(tonight, at) else tonight - _DAY


def _missed(sets: Sequence[SetRow]) -> list[Attention]:
    """Return the sets that did not even try in the last night, though that is not overdue yet."""
    return [
        Attention(Concern.NO_RUN, row.status.what)
        for row in sets
        if row.nights and row.nights[0].came_to is Night.MISSED
    ]


def _rows(status: Status, sets: Sequence[SetRow], days: Sequence[datetime.date]) -> tuple[Row, ...]:
    """Return all administrations, those with trouble first, then those that changed."""
    rows = [
        Row(
            folder,
            _nights(folder, [row for row in sets if row.status.set.name == folder.set], days),
        )
        for folder in status.administrations
    ]
    return tuple(
        sorted(
            rows,
            key=lambda row: (
                not row.folder.is_serious,
                not row.folder.has_trouble,
                row.is_quiet,
                row.folder.label,
            ),
        )
    )


def _nights(
    folder: FolderStatus, sets: Sequence[SetRow], days: Sequence[datetime.date]
) -> tuple[Night | None, ...]:
    firsts = [first_seen(row.status.outcomes, folder.label) for row in sets]
    first = None
    if firsts and all(firsts):
        first = min(
            night_of(moment, row.status.set.window)
            for moment, row in zip(firsts, sets, strict=True)
            if moment is not None
        )
    return tuple(
        None
        if first is not None and day < first
        else worst(row.nights[place].of_folder(folder.label) for row in sets)
        for place, day in enumerate(days)
    )


def _sizes(status: Status) -> dict[str, tuple[Size, ...]]:
    """Return how large each repository was, oldest first."""
    found: dict[str, list[Size]] = {}
    for one in status.repositories:
        for outcome in one.outcomes:
            when = outcome.finished
            if outcome.repository_size is None or when is None:
                continue
            if when >= status.moment - _GROWTH:
                sizes = found.setdefault(one.repository, [])
                sizes.append(Size(when, outcome.repository_size))
    return {name: tuple(sorted(sizes, key=lambda size: size.when)) for name, sizes in found.items()}
