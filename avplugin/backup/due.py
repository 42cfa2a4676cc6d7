"""Whether it is time for a backup of a set, before the repository is looked at."""

from __future__ import annotations

import datetime
from typing import NamedTuple

from avplugin.configuration.model import BackupSet
from avplugin.state.outcomes import Outcome

_DAY = 86400.0
# A schedule that starts at the same time each day is seconds early as often as late, and an hour
# early, by the time that passes, when the clock is put forward.
_EARLY = 24


class Due(NamedTuple):
    """When the next backup may begin; `why` says what is waited for, empty if it may now.

    `missing` are labels of folders that the last one had to leave out because somebody was in:
    once one of these is free there is another backup, as long as the hour allows it.
    """

    at: datetime.datetime
    why: str
    missing: frozenset[str] = frozenset()

    @property
    def is_now(self) -> bool:
        """Whether it may begin now."""
        return not self.why


def when_due(backup_set: BackupSet, last: Outcome | None, now: datetime.datetime) -> Due:
    """Return when the set is due in a repository whose last good outcome is `last`.

    With a window the interval counts from when it opened, so that a night in which the last user
    stays late does not put off the following ones. A last time in the future is a clock that was
    wrong, and counts for nothing.
    """
    at = max(due_since(backup_set, last, now), now)
    window = backup_set.window
    if window is not None and window.opening(at) is None:
        at = window.next_opening(at)
    if at <= now:
        return Due(now, "")
    if window is not None and window.opening(now) is None:
        return Due(at, f"backups begin from {window}")
    in_use = (line.partition(": ")[0] for line in (last.in_use if last is not None else ()))
    said = f"the next one is due at {at.astimezone():%Y-%m-%d %H:%M}"
    return Due(at, said, frozenset(in_use))


def due_since(
    backup_set: BackupSet, last: Outcome | None, now: datetime.datetime
) -> datetime.datetime:
    """Return since when the set has been due, or when it will be, whatever the hour.

    Without an interval it is due each time that borgmatic is started, once a window.
    """
    if last is None:
        return now
    moment = last.seen
    if moment is None or moment > now:
        return now
    window = backup_set.window
    interval = backup_set.interval
    if interval is None and window is None:
        return now
    reference = (window.opening(moment) if window is not None else None) or moment
    length = interval if interval is not None else _DAY
    return reference + datetime.timedelta(seconds=length - length / _EARLY)


def is_overdue(backup_set: BackupSet, last: Outcome | None, now: datetime.datetime) -> bool:
    """Return whether the set has been due for too long in a repository, if it ever had one good.

    Without an interval a day counts as one.
    """
    return last is not None and overdue_since(backup_set, last) <= now


def overdue_since(backup_set: BackupSet, last: Outcome) -> datetime.datetime:
    """Return from when on the set is overdue behind its last good outcome."""
    moment = last.seen
    if moment is None:
        return datetime.datetime.min.replace(tzinfo=datetime.UTC)
    interval = backup_set.interval if backup_set.interval is not None else _DAY
    return moment + datetime.timedelta(seconds=interval + backup_set.overdue_after)
