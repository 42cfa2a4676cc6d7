"""When the next backup of a set is due."""

from __future__ import annotations

import dataclasses
import datetime

import pytest
from backup_sets import PLAIN

from avplugin.backup.due import due_since, is_overdue, when_due
from avplugin.configuration.window import Window
from avplugin.state.outcomes import CLEAN, UNCHANGED, Outcome

pytestmark = pytest.mark.usefixtures("amsterdam")

HOUR = 3600.0
DAY = 24 * HOUR
DAILY = dataclasses.replace(PLAIN, interval=DAY)
NIGHTLY = dataclasses.replace(
    PLAIN, interval=DAY, window=Window(datetime.time(20), datetime.time(6))
)


def at(text: str) -> datetime.datetime:
    """Return a moment by the clock on the wall."""
    return datetime.datetime.fromisoformat(text).astimezone()


def good(text: str, status: str = CLEAN) -> Outcome:
    moment = at(text).astimezone(datetime.UTC).isoformat()
    return Outcome("r", "/repo", "1", moment, moment, status)


def test_without_an_interval_it_is_due_at_every_start() -> None:
    assert when_due(PLAIN, good("2026-11-22T02:00"), at("2026-11-22T02:01")).is_now


def test_what_was_never_backed_up_is_due() -> None:
    assert when_due(DAILY, None, at("2026-11-22T12:00")).is_now


def test_it_is_not_due_before_the_interval_has_passed_and_says_until_when() -> None:
    due = when_due(DAILY, good("2026-11-22T02:00"), at("2026-11-22T12:00"))

    assert not due.is_now
    assert due.why == "the next one is due at 2026-11-23 01:00"


@pytest.mark.parametrize("status", [CLEAN, UNCHANGED])
def test_a_schedule_that_starts_seconds_early_is_not_put_off_by_a_day(status: str) -> None:
    last = good("2026-11-22T02:00:07", status)

    assert when_due(DAILY, last, at("2026-11-23T02:00:01")).is_now


def test_a_day_of_23_hours_is_a_day() -> None:
    assert when_due(DAILY, good("2026-03-28T02:30:05"), at("2026-03-29T03:30:05")).is_now


def test_the_window_says_from_when_on() -> None:
    due = when_due(NIGHTLY, good("2026-11-21T20:10"), at("2026-11-22T19:50"))

    assert not due.is_now
    assert due.why == "backups begin from 20:00 to 06:00"
    assert due.at == at("2026-11-22T20:00")
    assert when_due(NIGHTLY, good("2026-11-21T20:10"), at("2026-11-22T20:00")).is_now


def test_a_last_user_who_leaves_late_does_not_put_off_the_next_night() -> None:
    last = good("2026-11-22T05:50")  # in the window that opened the evening before

    assert when_due(NIGHTLY, last, at("2026-11-22T20:00")).is_now


def test_one_backup_a_window_is_enough_also_where_an_hour_comes_twice() -> None:
    nightly = dataclasses.replace(PLAIN, window=Window(datetime.time(2), datetime.time(3)))
    first = datetime.datetime(2026, 10, 25, 0, 10, tzinfo=datetime.UTC)
    last = Outcome("r", "/repo", "1", first.isoformat(), first.isoformat(), CLEAN)

    assert not when_due(nightly, last, first + datetime.timedelta(hours=1)).is_now
    assert when_due(nightly, last, first + datetime.timedelta(hours=25)).is_now


def test_a_clock_that_jumped_back_a_day_does_not_stop_backups() -> None:
    assert when_due(DAILY, good("2026-11-23T02:00"), at("2026-11-22T02:00")).is_now


def test_what_is_no_moment_counts_for_nothing() -> None:
    damaged = Outcome("r", "/repo", "1", "yesterday", "", CLEAN)

    assert when_due(DAILY, damaged, at("2026-11-22T02:00")).is_now
    assert is_overdue(DAILY, damaged, at("2026-11-22T02:00"))


def test_a_machine_that_was_off_leaves_it_due_since_then() -> None:
    last = good("2026-11-10T02:00")

    assert due_since(DAILY, last, at("2026-11-22T09:00")) == at("2026-11-11T01:00")
    assert is_overdue(DAILY, last, at("2026-11-22T09:00"))


def test_it_is_overdue_only_after_an_interval_and_what_is_granted_besides() -> None:
    last = good("2026-11-10T02:00")

    assert not is_overdue(DAILY, last, at("2026-11-13T01:59"))
    assert is_overdue(DAILY, last, at("2026-11-13T02:00"))
    assert not is_overdue(DAILY, None, at("2026-11-13T02:00"))


def test_who_had_to_be_left_out_is_missing_until_the_hour_is_over() -> None:
    last = dataclasses.replace(
        good("2026-11-22T20:10"), in_use=("BAKKER26: in use: jan", "extra:Layouts: in use: jan")
    )

    later = when_due(NIGHTLY, last, at("2026-11-22T21:00"))
    by_day = when_due(NIGHTLY, last, at("2026-11-23T09:00"))

    assert not later.is_now
    assert later.missing == {"BAKKER26", "extra:Layouts"}
    assert not by_day.is_now
    assert by_day.missing == frozenset()
