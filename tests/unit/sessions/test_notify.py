"""Telling people that a backup waits for them."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import pytest

from avplugin.configuration.sessions import People, Sessions
from avplugin.sessions.model import Session, SessionKind
from avplugin.sessions.notify import BEGIN, END, Notifier


def settings(*command: str) -> Sessions:
    """Return settings with nothing but this command."""
    return Sessions((), 60, People(), {}, command, (), (), False, (), 60)


def session(user: str, machine: str = "PC7") -> Session:
    """Return a session of this user."""
    return Session(SessionKind.USER, user, machine, "A", "A", "A.DBF", "", "samba", True)


@pytest.fixture
def told(tmp_path: Path) -> Path:
    """The file in which the command writes down what it was told."""
    return tmp_path / "told"


def notifier(told: Path, *words: str) -> Notifier:
    """Return one whose command writes down its words."""
    script = f'line=$(printf "%s|" "$@"); echo "$line" >>{told}'  # several at once
    return Notifier(settings("sh", "-c", script, "sh", *words), pytest.fail)


def test_each_user_and_machine_is_told_once_at_each_moment(told: Path) -> None:
    one = notifier(told, "{moment}", "{user}", "{machine}", "{minutes}")

    for _ in range(2):
        one.tell(BEGIN, [session("jan"), session("jan", "PC8"), session("piet")], 61)
    one.tell(END, [session("jan")], 1)

    assert sorted(told.read_text().splitlines()) == [
        "begin|jan|PC7|2|",
        "begin|jan|PC8|2|",
        "begin|piet|PC7|2|",
        "end|jan|PC7|1|",
    ]


def test_who_has_no_name_is_told_nothing(told: Path) -> None:
    notifier(told, "{user}").tell(BEGIN, [session("", "")], 60)

    assert not told.exists()


@pytest.mark.parametrize("name", ["{machine}", "$(id)", "; id", "a b", "café", "-x"])
def test_a_name_is_one_word_and_nothing_else(told: Path, name: str) -> None:
    notifier(told, "voor {user} nu").tell(BEGIN, [session(name)], 60)

    assert told.read_text() == f"voor {name} nu|\n"


def test_a_message_that_does_not_arrive_is_told_and_no_more() -> None:
    said: list[str] = []
    for command in (["sh", "-c", "echo weg >&2; exit 3"], ["/does/not/exist"]):
        Notifier(settings(*command), said.append).tell(BEGIN, [session("jan")], 60)

    assert said == [
        "sessions.notify: sh failed: weg",
        "sessions.notify: /does/not/exist cannot be started: No such file or directory",
    ]


def test_one_machine_that_is_off_does_not_keep_the_others_waiting(told: Path) -> None:
    script = f'[ "$0" != off ] || exec sleep 20; echo "$0" >>{told}'
    said: list[str] = []
    one = Notifier(settings("sh", "-c", script, "{user}"), said.append)

    began = time.monotonic()
    one.tell(END, [session("off"), session("jan"), session("piet")], 1)

    assert time.monotonic() - began < 5
    assert sorted(told.read_text().split()) == ["jan", "piet"]
    assert said == ["sessions.notify: sh did not end within 1 s"]


def test_all_that_somebody_has_open_is_named_in_one_message(told: Path) -> None:
    sessions = [
        dataclasses.replace(session("jan"), administration=code) for code in ("A", "", "B", "A")
    ]

    notifier(told, "{administration}").tell(BEGIN, sessions, 60)

    assert told.read_text() == "A, B|\n"
