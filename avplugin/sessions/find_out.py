"""Ask all configured ways at once who is in."""

from __future__ import annotations

import dataclasses
import importlib
import threading
from collections.abc import Iterable, Mapping, Sequence

from avplugin.configuration.sessions import People, Probe, Sessions
from avplugin.installation.model import Folder
from avplugin.sessions.model import (
    Answer,
    CannotFindOut,
    Doubt,
    Place,
    Question,
    Session,
    SessionKind,
)

_GRACE = 5.0  # seconds that a way may take to end after its limit


def find_out(
    settings: Sessions,
    places: Sequence[Place],
    folders: Sequence[Folder],
    drives: Mapping[str, str],
    *,
    exclusive: bool = False,
) -> Answer:
    """Ask every way side by side who is in, and return all that they saw.

    `places` are the folders about which to be sure, `folders` all of the installation. With
    `exclusive` readers are looked for as well. A way that fails, or hangs past its limit, is a
    doubt about every folder: could not find out is not nobody.
    """
    asked = [
        _Asked(probe, Question(tuple(places), tuple(folders), drives, exclusive, probe.limit))
        for probe in settings.probes
    ]
    for one in asked:
        one.start()
    answers = [one.answer() for one in asked]
    sessions = [session for answer in answers for session in answer.sessions]
    return Answer(
        sessions=tuple(dict.fromkeys(_with_kinds(sessions, settings.known_as))),
        covers=frozenset().union(*(answer.covers for answer in answers)),
        doubts=tuple(doubt for answer in answers for doubt in answer.doubts),
    )


class _Asked:
    """One way at work in a thread of its own, which is left to itself if it hangs."""

    def __init__(self, probe: Probe, question: Question) -> None:
        self._probe = probe
        self._question = question
        self._answer: Answer | None = None
        self._thread = threading.Thread(target=self._ask, name=probe.name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def answer(self) -> Answer:
        self._thread.join(self._probe.limit + _GRACE)
        if self._answer is None:
            return self._doubt(f"no answer within {self._probe.limit:g} s")
        return self._answer

    def _ask(self) -> None:
        try:
            way = importlib.import_module(f"avplugin.sessions.{self._probe.name}")
            self._answer = way.find_sessions(self._probe, self._question)
        except CannotFindOut as error:
            self._answer = self._doubt(str(error))
        except Exception as error:  # a fault of ours must not read as nobody either
            self._answer = self._doubt(f"{type(error).__name__}: {error}")

    def _doubt(self, why: str) -> Answer:
        return Answer((), frozenset(), (Doubt(self._probe.name, "", why),))


def _with_kinds(sessions: Iterable[Session], known_as: Mapping[str, People]) -> Iterable[Session]:
    """Yield the sessions; who is known as a COM link or the Backoffice Server gets that kind."""
    for session in sessions:
        kind = next(
            (
                SessionKind(name)
                for name, people in known_as.items()
                if people.include(session.user, session.machine)
            ),
            session.kind,
        )
        yield dataclasses.replace(session, kind=kind)
