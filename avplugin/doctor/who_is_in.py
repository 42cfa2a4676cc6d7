"""Whether it can be found out who is in, and which way answers for what."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from avplugin.configuration.model import Configuration
from avplugin.doctor.finding import Finding, error, fine, some_of, warning
from avplugin.errors import AvpluginError
from avplugin.sessions.overview import Overview, look_around

_TOLD = 5


def check(configuration: Configuration) -> Iterator[Finding]:
    """Ask each way by itself, and say which folders none of them knows about."""
    settings = configuration.sessions
    if not settings.probes:
        yield warning(
            "nobody looks who is in (assume_nobody): every snapshot notes 'not checked'",
            "Take one of configs/sessions/ that fits.",
        )
        return
    covered: set[str] = set()
    asked: tuple[str, ...] = ()
    for probe in settings.probes:
        alone = dataclasses.replace(settings, probes=(probe,))
        try:
            overview = look_around(dataclasses.replace(configuration, sessions=alone))
        except AvpluginError as failure:
            yield error(f"{probe.name}: {failure}", "docs/sessions.md says what this way needs.")
            continue
        asked = overview.asked
        covered |= overview.answer.covers
        yield from _way(probe.name, overview)
        for tables in overview.trusted:
            yield warning(
                f"{probe.name} tries only {', '.join(tables)}: that trusts AccountView to have one"
                " of these open whenever somebody is in",
                "Leave 'tables' out where the server is fast enough.",
            )
    alone_in = [label for label in asked if label not in covered]
    yield from some_of(
        [
            error(
                f"no way finds out who is in {label}",
                "Name a way for it under 'sessions: probes'.",
            )
            for label in alone_in
        ],
        _TOLD,
        "and {} more folders of which no way finds out who is in",
    )
    if settings.fence and settings.fence_tables:
        yield warning(
            f"the fence holds only {', '.join(settings.fence_tables)}: it trusts AccountView to"
            " open one of these first",
            "Leave 'fence_tables' out where the server is fast enough.",
        )


def _way(name: str, overview: Overview) -> Iterator[Finding]:
    answer = overview.answer
    doubts = [
        error(
            f"{name} could not find out, {doubt.folder or 'about all'}: {doubt.why}",
            "docs/sessions.md says what this way needs.",
        )
        for doubt in answer.doubts
    ]
    yield from some_of(doubts, _TOLD, f"and {{}} more that {name} could not find out")
    covers = sum(label in answer.covers for label in overview.asked)
    writing = sum(session.writing for session in answer.sessions)
    if covers or not doubts:
        yield fine(
            f"{name} answers for {covers} of {len(overview.asked)} folders; in now: {writing}"
        )
