"""The hours in which a backup may begin, across midnight and both changes of clock."""

from __future__ import annotations

import datetime

import pytest

from avplugin.configuration.window import Window

pytestmark = pytest.mark.usefixtures("amsterdam")

NIGHT = Window(datetime.time(20), datetime.time(6))
SMALL_HOURS = Window(datetime.time(2), datetime.time(3))


def utc(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(f"{text}+00:00")


@pytest.mark.parametrize(
    ("moment", "opened"),
    [
        ("2026-11-22T18:59:59", None),  # 19:59:59 there
        ("2026-11-22T19:00:00", "2026-11-22T19:00:00"),
        ("2026-11-23T04:59:59", "2026-11-22T19:00:00"),
        ("2026-11-23T05:00:00", None),
        ("2026-11-23T12:00:00", None),
    ],
)
def test_a_window_may_pass_midnight(moment: str, opened: str | None) -> None:
    expected = utc(opened) if opened else None

    assert NIGHT.opening(utc(moment)) == expected


def test_it_opens_next_today_or_tomorrow() -> None:
    assert NIGHT.next_opening(utc("2026-11-22T12:00:00")) == utc("2026-11-22T19:00:00")
    assert NIGHT.next_opening(utc("2026-11-22T19:00:00")) == utc("2026-11-22T19:00:00")
    assert NIGHT.next_opening(utc("2026-11-22T19:00:01")) == utc("2026-11-23T19:00:00")


def test_an_hour_that_the_clock_leaves_out_is_not_left_out() -> None:
    # On 29 March 2026, 02:00 to 03:00 does not exist: 01:00 in UTC is both 02:00 and 03:00.
    assert SMALL_HOURS.opening(utc("2026-03-29T01:00:00")) == utc("2026-03-29T01:00:00")
    assert SMALL_HOURS.opening(utc("2026-03-29T01:59:59")) == utc("2026-03-29T01:00:00")
    assert SMALL_HOURS.opening(utc("2026-03-29T02:00:00")) is None


def test_an_hour_that_comes_twice_is_one_window() -> None:
    # On 25 October 2026, 02:00 to 03:00 is there twice: from 00:00 to 02:00 in UTC.
    opened = utc("2026-10-25T00:00:00")

    assert SMALL_HOURS.opening(utc("2026-10-24T23:59:59")) is None
    assert SMALL_HOURS.opening(utc("2026-10-25T00:30:00")) == opened
    assert SMALL_HOURS.opening(utc("2026-10-25T01:30:00")) == opened
    assert SMALL_HOURS.opening(utc("2026-10-25T02:00:00")) is None


def test_every_day_of_the_year_has_one_opening() -> None:
    for window in (NIGHT, SMALL_HOURS):
        moment = utc("2026-01-01T00:00:00")
        openings = []
        while moment.year == 2026:
            moment = window.next_opening(moment)
            openings.append(moment.astimezone().date())
            moment += datetime.timedelta(seconds=1)

        assert len(openings) == len(set(openings)) == 366  # and the first of 2027
