"""How one set is in one repository."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Mapping, Sequence

from avplugin.backup.due import is_overdue, overdue_since, when_due
from avplugin.borgmatic.archive import HOLD, Archive, Series, of_series
from avplugin.borgmatic.configuration import Repository
from avplugin.configuration.model import BackupSet, DrillSettings
from avplugin.state.brake import Braked
from avplugin.state.catalogue import Listed
from avplugin.state.drills import DRILL, KnownDrills
from avplugin.state.outcomes import CLEAN, Outcome, last_good
from avplugin.state.waiting import Waiting
from avplugin.status.model import DrillStatus, Growth, RepositoryStatus

_DAY = datetime.timedelta(days=1)
_WEEK = datetime.timedelta(days=7)


@dataclasses.dataclass(frozen=True, slots=True)
class Facts:
    """All that this machine knows of a set in a repository.

    `outcomes` are those in this very repository, oldest first; `size` is how large it was last
    seen, in bytes; `waiting` are those without a new clean copy because somebody is in, by label.
    """

    set: BackupSet
    repository: Repository
    id: str
    series: Series
    outcomes: Sequence[Outcome]
    size: int | None
    listed: Listed | None
    drills: KnownDrills
    drill_settings: DrillSettings
    braked: Braked | None
    waiting: Mapping[str, Waiting]
    last_start: datetime.datetime | None
    unreachable: str = ""

    @property
    def archives(self) -> list[Archive]:
        """The archives of the set, newest first, as last seen."""
        return [] if self.listed is None else of_series(self.listed.archives, self.series)

    @property
    def clean(self) -> list[Archive]:
        """The clean ones among them, newest first."""
        return [archive for archive in self.archives if archive.is_clean]


def sizes_by_path(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """Return how large each repository was last seen, in bytes, by its path."""
    newest: dict[str, tuple[str, int]] = {}
    for outcome in outcomes:
        if outcome.repository_size is not None:
            seen = outcome.ended, outcome.repository_size
            newest[outcome.repository] = max(seen, newest.get(outcome.repository, seen))
    return {path: size for path, (_, size) in newest.items()}


def repository_status(facts: Facts, now: datetime.datetime) -> RepositoryStatus:
    """Return how the set is in the repository at this moment."""
    last = last_good(facts.outcomes, facts.repository.path, facts.id)
    newest = next(iter(facts.clean), None)
    stored = next((one for one in reversed(facts.outcomes) if one.status == CLEAN), None)
    clean = stored.seen if stored is not None else None
    archive = stored.archive if stored is not None else ""
    if newest is not None and (clean is None or newest.time >= clean):
        clean, archive = newest.time, newest.name
    at_every_start = facts.set.interval is None and facts.set.window is None
    return RepositoryStatus(
        set=facts.set,
        repository=str(facts.repository),
        path=facts.repository.path,
        archive=archive,
        clean=clean,
        good=last.seen if last is not None else clean,
        due=None if at_every_start else when_due(facts.set, last, now).at,
        overdue_since=_overdue_since(facts, last, now),
        last=facts.outcomes[-1] if facts.outcomes else None,
        people=_people(facts.outcomes),
        held=_held(facts),
        listed=None if facts.listed is None else facts.listed.seen,
        growth=_growth(facts, now),
        drills=_drills(facts, now),
        braked=facts.braked,
        last_start=facts.last_start,
        schedule_stopped=_schedule_stopped(facts, now),
        unreachable=facts.unreachable,
        outcomes=tuple(facts.outcomes),
    )


def _overdue_since(
    facts: Facts, last: Outcome | None, now: datetime.datetime
) -> datetime.datetime | None:
    """Return since when it is overdue; what never came to anything is from its first try on."""
    if last is not None:
        return overdue_since(facts.set, last) if is_overdue(facts.set, last, now) else None
    first = next((one.begun for one in facts.outcomes if one.begun is not None), None)
    if first is None:
        return None
    since = first + datetime.timedelta(seconds=facts.set.overdue_after)
    return since if since <= now else None


def _people(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """Return who was in the way since the last good outcome, each once."""
    found: dict[str, None] = {}
    for outcome in reversed(outcomes):
        if outcome.is_good and not outcome.people:
            break
        found |= dict.fromkeys(outcome.people)
        if outcome.is_good:
            break
    return tuple(found)


def _held(facts: Facts) -> tuple[str, ...] | None:
    if facts.listed is None:
        return None
    return tuple(one.name for one in facts.archives if one.name.endswith(HOLD))


def _growth(facts: Facts, now: datetime.datetime) -> Growth:
    begun = [one.begun for one in facts.outcomes if one.begun is not None]
    new = [
        one.new
        for one in facts.outcomes
        if one.new is not None and one.begun is not None and now - _WEEK <= one.begun <= now
    ]
    # The first snapshot of all is no growth.
    first = next((one for one in facts.outcomes if one.new is not None), None)
    if first is not None and first.begun is not None and first.begun >= now - _WEEK:
        new = new[1:]
    if not begun or (not new and now - min(begun) < _DAY):
        return Growth(facts.size)
    nights = max(1, min(7, round((now - min(begun)) / _DAY)))
    return Growth(facts.size, round(sum(new) / nights), sum(new))


def _drills(facts: Facts, now: datetime.datetime) -> DrillStatus:
    folders = facts.drills.of_series(facts.id, str(facts.series))
    failed = tuple(one.failure for one in folders if one.failure is not None)
    proven = [one.proven for one in folders if one.proven is not None]
    last = facts.drills.last_done(facts.id, str(facts.series), DRILL)
    every = datetime.timedelta(seconds=facts.drill_settings.every)
    is_on = facts.drill_settings.sample > 0
    first = next((one.seen for one in facts.outcomes if one.is_good), None)
    since = last or first
    return DrillStatus(
        is_on=is_on,
        last=last,
        late=is_on and since is not None and now - since > 2 * every,
        proven=max(proven, key=lambda one: one.when, default=None),
        failed=failed,
    )


def _schedule_stopped(facts: Facts, now: datetime.datetime) -> bool:
    """Return whether no schedule has started borgmatic for so long that the set is overdue."""
    if facts.last_start is None:
        return True
    interval = facts.set.interval if facts.set.interval is not None else _DAY.total_seconds()
    limit = datetime.timedelta(seconds=interval + facts.set.overdue_after)
    return now - facts.last_start > limit
