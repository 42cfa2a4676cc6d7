"""Any program may say who is in, if it says so without a contradiction."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest

from avplugin.configuration.sessions import CommandProbe
from avplugin.installation.model import Folder, Kind
from avplugin.sessions.command import find_sessions
from avplugin.sessions.model import (
    Answer,
    CannotFindOut,
    Doubt,
    Place,
    Question,
    Session,
    SessionKind,
)
from avplugin.sessions.report import to_document

TST = Folder(Kind.ADMINISTRATION, "TST", "", "/srv/tst", "")
SESSION = Session(
    kind=SessionKind.COM_LINK,
    user="",
    machine="WEB1",
    folder="TST",
    administration="TST",
    table="",
    since="",
    way="their own",
    writing=True,
)
NOBODY = to_document(Answer((), frozenset({"TST"})), ["TST"])
SOMEBODY = to_document(Answer((SESSION,), frozenset({"TST"})), ["TST"])
UNKNOWN = to_document(Answer((), frozenset(), (Doubt("theirs", "", "it is off"),)), ["TST"])


def ask(script: str, limit: float = 10) -> Answer:
    probe = CommandProbe(("sh", "-c", script), name="portal")
    return find_sessions(probe, Question((Place(TST, ()),), (TST,), {}, False, limit))


def say(document: dict[str, Any], status: int) -> str:
    return f"echo {shlex.quote(json.dumps(document))}; exit {status}"


def complaint(script: str, limit: float = 10) -> str:
    with pytest.raises(CannotFindOut) as caught:
        ask(script, limit)
    return str(caught.value)


def test_a_program_that_says_nobody_is_in_covers_what_it_names() -> None:
    assert ask(say(NOBODY, 0)) == Answer((), frozenset({"TST"}))
    assert ask(say({**NOBODY, "covers": "all"}, 0)).covers == {"TST"}
    assert ask(say({**NOBODY, "covers": []}, 0)).covers == frozenset()


def test_sessions_and_doubts_get_the_name_of_the_probe() -> None:
    (session,) = ask(say(SOMEBODY, 75)).sessions
    (doubt,) = ask(say(UNKNOWN, 75)).doubts

    assert (session.way, session.kind, session.machine) == ("portal", SessionKind.COM_LINK, "WEB1")
    assert (doubt.way, doubt.why) == ("portal", "it is off")


@pytest.mark.parametrize("status", [2, 76, 127])
def test_another_exit_status_is_a_failure_whatever_it_prints(status: int) -> None:
    said = complaint(f"echo no licence >&2; {say(NOBODY, status)}")

    assert "failed: no licence" in said


def test_a_program_that_does_not_know_ends_in_1_and_says_what() -> None:
    """As avplugin itself does, so that one can ask another."""
    (doubt,) = ask(say(UNKNOWN, 1)).doubts

    assert doubt.why == "it is off"
    assert "failed: no licence" in complaint("echo no licence >&2; exit 1")
    assert "its answer is nobody, and its exit status 1" in complaint(say(NOBODY, 1))


def test_a_program_that_was_killed_has_failed() -> None:
    assert "failed: signal 9" in complaint("kill -9 $$")


@pytest.mark.parametrize(("document", "status"), [(NOBODY, 75), (SOMEBODY, 0), (UNKNOWN, 0)])
def test_an_exit_status_that_contradicts_the_answer_is_a_fault(
    document: dict[str, Any], status: int
) -> None:
    said = complaint(say(document, status))

    assert f"malformed answer: its answer is {document['answer']}, and its exit status" in said


@pytest.mark.parametrize(
    "script",
    [
        "exit 0",
        "echo nobody",
        "echo '[]'",
        "printf '\\377\\376{'",
        say({**NOBODY, "sessions": [{}]}, 0),
        f"echo '{json.dumps(NOBODY)}' '{json.dumps(NOBODY)}'",
        "head -c 200000 /dev/zero | tr '\\0' '['",
    ],
)
def test_what_is_no_such_document_is_malformed(script: str) -> None:
    assert "gives a malformed answer: " in complaint(script)


def test_the_first_fault_is_named() -> None:
    assert "sessions[0].kind is 'robot'" in complaint(
        say({**SOMEBODY, "sessions": [{**SOMEBODY["sessions"][0], "kind": "robot"}]}, 75)
    )


def test_a_program_that_hangs_or_is_missing_is_not_nobody() -> None:
    assert "did not answer within 0.3 s" in complaint("sleep 60", limit=0.3)
    with pytest.raises(CannotFindOut, match="/nowhere/program cannot be started"):
        find_sessions(CommandProbe(("/nowhere/program",)), Question((), (), {}, False, 10))
