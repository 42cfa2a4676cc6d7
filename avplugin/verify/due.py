"""When a drill is due, and which folders it takes."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from avplugin.state.drills import KnownDrills
from avplugin.verify.candidates import Candidate

_EARLY = 3 * 3600.0  # seconds


def is_due(last: datetime.datetime | None, every: float, now: datetime.datetime) -> bool:
    """Return whether `every` seconds have passed since `last`, which is None for never.

    Up to a tenth of that, and three hours, too early counts too: else a nightly check that starts
    a minute earlier puts a daily drill off to the next night. A moment in the future is a clock
    that was wrong; it counts as long ago.
    """
    if last is None:
        return True
    passed = (now - last).total_seconds()
    return passed < 0 or passed >= every - min(every / 10, _EARLY)


def longest_unproven(
    candidates: Sequence[Candidate], drills: KnownDrills, count: int, now: datetime.datetime
) -> list[Candidate]:
    """Return `count` candidates: those that failed, then never proven ones, then the oldest proof.

    Ties go by label. A proof in the future is none: a clock was wrong.
    """
    failed = failing(candidates, drills)
    others = [candidate for candidate in candidates if candidate not in failed]

    def order(candidate: Candidate) -> tuple[float, str]:
        proven = candidate.known(drills, candidate.folder).proven
        when = proven.when if proven is not None and proven.when <= now else None
        return (when.timestamp() if when is not None else float("-inf"), candidate.folder.label)

    return [*failed, *sorted(others, key=order)][:count]


def failing(candidates: Sequence[Candidate], drills: KnownDrills) -> list[Candidate]:
    """Return the candidates of which the last drill failed, the one not tried for longest first."""

    def last_tried(candidate: Candidate) -> tuple[float, str] | None:
        failures = [candidate.known(drills, part).failure for part in candidate.folders]
        times = [failure.when.timestamp() for failure in failures if failure is not None]
        return (max(times), candidate.folder.label) if times else None

    found = [(when, one) for one in candidates if (when := last_tried(one)) is not None]
    return [candidate for _, candidate in sorted(found, key=lambda pair: pair[0])]
