"""Since when folders wait because somebody is in."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from avplugin.state.waiting import Waiting, WaitingList

NOW = datetime.datetime(2026, 11, 22, 2, 0, tzinfo=datetime.UTC)
DAY = 86400.0


def at(days: float) -> str:
    """Return the moment that many days before now."""
    return (NOW - datetime.timedelta(days=days)).isoformat()


def test_the_first_night_stays_the_beginning(tmp_path: Path) -> None:
    waiting = WaitingList(tmp_path)
    waiting.note("/r", {"A": "jan"}, at(2))
    waiting.note("/r", {"A": "piet", "B": "jan"}, at(1))

    assert waiting.entries("/r") == {"A": Waiting(at(2), "piet"), "B": Waiting(at(1), "jan")}
    assert waiting.entries("/other") == {}


def test_a_clean_copy_ends_the_wait_in_its_own_repository_only(tmp_path: Path) -> None:
    waiting = WaitingList(tmp_path)
    for repository in ("/r", "/other"):
        waiting.note(repository, {"A": "jan", "B": "jan"}, at(1))

    waiting.clear("/r", ["A", "C"])

    assert set(waiting.entries("/r")) == {"B"}
    assert set(waiting.entries("/other")) == {"A", "B"}


@pytest.mark.parametrize(
    ("since", "copied", "overdue", "wants_copy"),
    [
        (1.9, None, False, False),
        (2, None, True, True),
        (9, 1, True, False),
        (9, 2, True, True),
        (-1, None, True, True),  # a clock that was set back
        (9, -1, True, True),
    ],
)
def test_who_waited_too_long_wants_a_copy_unless_there_is_a_recent_one(
    since: float, copied: float | None, overdue: bool, wants_copy: bool
) -> None:
    entry = Waiting(at(since), "jan", at(copied) if copied is not None else "")

    assert entry.is_overdue(NOW, 2 * DAY) == overdue
    assert entry.wants_copy(NOW, 2 * DAY) == wants_copy


def test_a_copy_is_noted_for_those_that_wait(tmp_path: Path) -> None:
    waiting = WaitingList(tmp_path)
    waiting.note("/r", {"A": "jan"}, at(3))

    waiting.note_copied("/r", ["A", "B"], at(0))

    assert waiting.entries("/r") == {"A": Waiting(at(3), "jan", at(0))}
