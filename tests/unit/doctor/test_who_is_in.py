import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest

from avplugin.configuration.load_sessions import make_sessions
from avplugin.doctor import who_is_in
from avplugin.errors import AvpluginError
from avplugin.sessions.model import Answer, Doubt, Session, SessionKind
from avplugin.sessions.overview import Overview


@dataclasses.dataclass(frozen=True)
class Stub:
    """As much of a configuration as is looked at."""

    sessions: Any


def session() -> Session:
    return Session(
        kind=SessionKind.USER,
        user="anneke",
        machine="pc1",
        folder="A",
        administration="A",
        table="",
        since="",
        way="samba",
        writing=True,
        note="",
    )


def about(
    monkeypatch: pytest.MonkeyPatch,
    sessions: dict[str, Any],
    answers: Mapping[str, Overview | None],
) -> list[str]:
    """Return the lines about these settings, if each way answers so, or fails."""

    def look_around(configuration: Any) -> Overview:
        [probe] = configuration.sessions.probes
        overview = answers[probe.name]
        if overview is None:
            raise AvpluginError("the register is gone")
        return overview

    monkeypatch.setattr(who_is_in, "look_around", look_around)
    stub: Any = Stub(make_sessions(sessions, lambda name: name))  # type: ignore[arg-type, return-value]
    return [f"{one.level}: {one.what}" for one in who_is_in.check(stub)]


BOTH = {"probes": [{"samba": {}}, {"command": ["x"]}]}


def overview(answer: Answer, *trusted: str) -> Overview:
    return Overview(answer, ("A", "B", "C"), (), (trusted,) if trusted else ())


def test_each_way_says_for_what_it_answers_and_what_none_knows_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = {
        "samba": overview(Answer((session(),), frozenset("A"))),
        "command": overview(Answer((), frozenset("B"), (Doubt("command", "C", "no answer"),))),
    }

    assert about(monkeypatch, BOTH, answers) == [
        "fine: samba answers for 1 of 3 folders; in now: 1",
        "error: command could not find out, C: no answer",
        "fine: command answers for 1 of 3 folders; in now: 0",
        "error: no way finds out who is in C",
    ]


def test_a_way_that_fails_does_not_keep_the_others_from_being_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = {"samba": None, "command": overview(Answer((), frozenset("ABC")))}

    assert about(monkeypatch, BOTH, answers) == [
        "error: samba: the register is gone",
        "fine: command answers for 3 of 3 folders; in now: 0",
    ]


def test_trusting_a_few_tables_and_nobody_looking_are_warnings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = {"samba": overview(Answer((), frozenset("ABC")), "USERS.DBF")}
    settings = {"probes": [{"samba": {}}], "fence": True, "fence_tables": ["KEY*.DBF"]}

    [_, tries, holds] = about(monkeypatch, settings, answers)
    assert tries.startswith("warning: samba tries only USERS.DBF")
    assert holds.startswith("warning: the fence holds only KEY*.DBF")

    assert about(monkeypatch, {"assume_nobody": True}, {}) == [
        "warning: nobody looks who is in (assume_nobody): every snapshot notes 'not checked'"
    ]
