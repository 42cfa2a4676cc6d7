"""Whether something starts the nights by itself, and has been seen to do so."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from avplugin.doctor.finding import Finding, fine, warning
from avplugin.state.run import Outcome

_LATE = datetime.timedelta(days=2)


class Installed(Protocol):
    """A schedule that is there; `fault` is why it may not start, or nothing."""

    @property
    def scheduler(self) -> str:
        """Its name."""

    @property
    def places(self) -> tuple[str, ...]:
        """Its files or tasks."""

    @property
    def fault(self) -> str:
        """What is wrong with it, or nothing."""


def check(
    installed: Sequence[Installed],
    others: Sequence[str],
    outcomes: Mapping[str, Sequence[Outcome]],
    now: datetime.datetime,
) -> Iterator[Finding]:
    """Look at the schedules that are there, and at the `outcomes` of each set, oldest first.

    `others` are places that start borgmatic too, and are not avplugin's.
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
    yield from _proven(outcomes, now)


def _proven(outcomes: Mapping[str, Sequence[Outcome]], now: datetime.datetime) -> Iterator[Finding]:
    """Tell of each set whether a schedule has been seen at work, with nobody at a terminal."""
    for name, all_of_them in outcomes.items():
        seen = [one for one in all_of_them if one.started_by in SCHEDULERS]
        if not seen:
            yield warning(
                f"no night of the set {name} was started by a schedule yet, so it is not proven"
                " that one runs without anyone logged on",
                "Look again the morning after.",
            )
            continue
        last = seen[-1]
        started = datetime.datetime.fromisoformat(last.started)
        said = (
            f"{last.started_by} started the set {name} on {started.astimezone():%Y-%m-%d %H:%M},"
            f" without a terminal: {last.status}"
        )
        if now - started > _LATE:
            yield warning(
                f"{said}; it has not since", "Is the schedule still there, and was the machine on?"
            )
        else:
            yield fine(said)
