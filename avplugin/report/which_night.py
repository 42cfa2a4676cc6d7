"""Which night is to be mailed now: once it is over, or when people have to hear in any case."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from avplugin.configuration.model import Configuration
from avplugin.report.nights import deadline, is_expected, night_of, nights_of, span
from avplugin.state.outcomes import Outcome
from avplugin.state.run import SetState
from avplugin.status.model import RepositoryStatus, Status

_DAY = datetime.timedelta(days=1)


def night_to_tell(
    configuration: Configuration, status: Status, last: datetime.date | None
) -> datetime.date | None:
    """Return the night that is to be told now, by the day on which it began; None if none is.

    `last` is the one that was told last. Of several only the newest is told.
    """
    tonight = night_of(status.moment, None)
    # A set with a window by day has its own night begun while that of the others goes on.
    for night in (tonight + _DAY, tonight, tonight - _DAY):
        if last is not None and night <= last:
            return None
        if status.moment >= deadline(night, configuration.report.at):
            return night
        if is_over(configuration, status, night):
            return night
    return None


def is_over(configuration: Configuration, status: Status, night: datetime.date) -> bool:
    """Return whether no backup is to come any more in the night, and at least one came.

    A backup that runs now is waited for.
    """
    if not any(_outcomes(one, night) for one in status.repositories):
        return False
    if any(_is_at_work(configuration, one) for one in status.repositories):
        return False
    return all(_is_final(one, night, status.moment) for one in status.repositories)


def _is_final(one: RepositoryStatus, night: datetime.date, now: datetime.datetime) -> bool:
    """Return whether what the night came to for a set in a repository will not change."""
    if not is_expected(one.set, one.outcomes, night) and one.outcomes:
        return True
    outcomes = _outcomes(one, night)
    _, end = span(night, one.set.window)
    if now >= end:
        return True
    is_frequent = one.set.interval is not None or one.set.window is not None
    if not is_frequent:
        return bool(outcomes)
    # Where borgmatic is started now and then until it succeeds, and again for those who were left
    # out because somebody was in, it is too early to say.
    good = [outcome for outcome in outcomes if outcome.is_good]
    return bool(good) and not good[-1].in_use


def _outcomes(one: RepositoryStatus, night: datetime.date) -> Sequence[Outcome]:
    return nights_of(one.set, one.outcomes, [night], ())[0].outcomes


def _is_at_work(configuration: Configuration, one: RepositoryStatus) -> bool:
    run = SetState(configuration.state, one.set.name).current_run()
    return run is not None and run.owner.is_borgmatic()
