"""Whether something starts the nights by itself, and has been seen to do so."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence

from avplugin.doctor.finding import Finding, fine, warning
from avplugin.schedule.model import Present

_LATE = datetime.timedelta(days=2)


def check(
    installed: Sequence[Present],
    others: Sequence[str],
    started: Mapping[str, datetime.datetime | None],
    now: datetime.datetime,
) -> Iterator[Finding]:
    """Look at the schedules that are there, and at what they were seen to do.

    `others` are places that start borgmatic too, and are not avplugin's. `started` is, for each
    set, when borgmatic was last started for it by nobody at a terminal; None if never.
    """
    for one in installed:
        said = f"{one.scheduler}: {', '.join(one.places)}"
        if one.fault:
            yield warning(f"{said}, but it may not start", one.fault)
        else:
            yield fine(said)
    if installed and others:
        yield warning(
            f"borgmatic is started by {', '.join(others)} as well",
            "Keep one of them: two nights at once are in each other's way.",
        )
    elif others:
        yield fine(f"borgmatic is started by {', '.join(others)}")
    elif not installed:
        yield warning(
            "nothing starts the nights by itself",
            "'avplugin schedule install' makes cron, systemd or Windows do it.",
        )
    for name, time in started.items():
        yield _proof(name, time, now)


def _proof(name: str, time: datetime.datetime | None, now: datetime.datetime) -> Finding:
    """Tell whether a night of a set was seen to start with nobody at a terminal."""
    if time is None:
        return warning(
            f"no night of the set {name} was started by a schedule yet, so it is not proven that"
            " one runs without anyone logged on",
            "Look again the morning after, before anyone logs on.",
        )
    said = (
        f"the set {name} was last started without a terminal on {time.astimezone():%Y-%m-%d %H:%M}"
    )
    if now - time > _LATE:
        return warning(said, "Is the schedule still there, and was the machine on?")
    return fine(said)
