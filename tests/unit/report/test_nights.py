"""What each night was, and which one is to be mailed."""

from __future__ import annotations

import dataclasses
import datetime
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from backup_sets import PLAIN
from past import Past

from avplugin.borgmatic.process import find_process
from avplugin.configuration.load import load_configuration
from avplugin.configuration.window import Window
from avplugin.language import texts_in
from avplugin.report.content import SetRow, make_report
from avplugin.report.nights import (
    Night,
    deadline,
    first_seen,
    is_expected,
    night_of,
    nights_of,
    span,
    times_in_the_way,
    worst,
)
from avplugin.report.verdict import last_night_of
from avplugin.report.which_night import night_to_tell
from avplugin.state.outcomes import CLEAN, FAILED, NOT_NOW, UNCHANGED, UNVERIFIED, Outcome
from avplugin.state.run import Run, SetState
from avplugin.status.gather import gather

pytestmark = pytest.mark.usefixtures("amsterdam")

DAY = 86400.0
WINDOW = Window(datetime.time(20), datetime.time(6))
BY_DAY = Window(datetime.time(9), datetime.time(15))


def at(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text).astimezone()


def day(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)


def outcome(text: str, status: str = CLEAN, **fields: object) -> Outcome:
    moment = at(text).astimezone(datetime.UTC).isoformat()
    known: dict[str, object] = {
        **{"run": "r", "repository": "/repo", "repository_id": "1"},
        **{"started": moment, "ended": moment, "status": status},
    }
    return Outcome(**{**known, **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("moment", "window", "expected"),
    [
        ("2026-11-25T20:10", None, "2026-11-25"),
        ("2026-11-26T02:00", None, "2026-11-25"),
        ("2026-11-26T11:59", None, "2026-11-25"),
        ("2026-11-26T12:00", None, "2026-11-26"),
        ("2026-11-26T05:59", WINDOW, "2026-11-25"),
        ("2026-11-25T20:00", WINDOW, "2026-11-25"),
        ("2026-11-26T09:30", BY_DAY, "2026-11-26"),  # else it would be the night before
        ("2026-11-26T14:30", BY_DAY, "2026-11-26"),
        ("2026-03-29T03:30", WINDOW, "2026-03-28"),  # the clock was put forward
        ("2026-10-25T02:30", WINDOW, "2026-10-24"),  # this hour comes twice
    ],
)
def test_a_night_counts_for_the_day_on_which_it_began(
    moment: str, window: Window | None, expected: str
) -> None:
    assert night_of(at(moment), window) == day(expected)


def test_a_night_lasts_from_noon_to_noon_also_when_the_clock_changes() -> None:
    begin, end = span(day("2026-10-24"), None)

    assert (begin, end) == (at("2026-10-24T12:00"), at("2026-10-25T12:00"))
    assert end - begin == datetime.timedelta(hours=25)


def test_people_hear_the_next_morning_or_later_that_day() -> None:
    assert deadline(day("2026-11-25"), datetime.time(7, 30)) == at("2026-11-26T07:30")
    assert deadline(day("2026-11-25"), datetime.time(16)) == at("2026-11-26T16:00")


def test_each_folder_gets_its_own_night_out_of_the_outcome() -> None:
    one = outcome(
        "2026-11-26T02:00",
        changed=("A",),
        left_out=("C: is not there",),
        in_use=("extra:D: in use: PIET",),
    )
    [night] = nights_of(PLAIN, [one], [day("2026-11-25")], ())

    assert [night.of_folder(label) for label in ("A", "B", "C", "extra:D")] == [
        Night.CLEAN,
        Night.UNCHANGED,
        Night.LEFT_OUT,
        Night.LEFT_OUT,
    ]


def test_the_best_attempt_of_a_night_counts() -> None:
    tries = [
        outcome("2026-11-25T20:00", NOT_NOW, people=("PIET",)),
        outcome("2026-11-25T22:00", FAILED),
        outcome("2026-11-26T01:00", in_use=("A: in use",), people=("ANNA", "PIET")),
        outcome("2026-11-26T02:00", UNCHANGED),
    ]
    [night] = nights_of(PLAIN, tries, [day("2026-11-25")], ())

    assert night.came_to is Night.CLEAN
    assert night.of_folder("A") is Night.UNCHANGED
    assert night.people == ("PIET", "ANNA")


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (UNVERIFIED, Night.FAILED),
        (FAILED, Night.FAILED),
        (NOT_NOW, Night.POSTPONED),
        (UNCHANGED, Night.UNCHANGED),
    ],
)
def test_a_night_without_a_clean_snapshot_says_so(status: str, expected: Night) -> None:
    [night] = nights_of(PLAIN, [outcome("2026-11-26T02:00", status)], [day("2026-11-25")], ())

    assert night.came_to is expected
    assert night.of_folder("A") is expected


def test_a_night_in_which_nothing_ran_was_missed_once_it_is_over() -> None:
    known = [outcome("2026-11-24T02:00")]
    days = [day("2026-11-25"), day("2026-11-24"), day("2026-11-23"), day("2026-11-22")]

    found = nights_of(PLAIN, known, days, {day("2026-11-24"), day("2026-11-22")})

    assert [night.came_to for night in found] == [
        Night.NOTHING,  # it goes on
        Night.MISSED,
        Night.CLEAN,
        Night.NOTHING,  # before the first of all
    ]


def test_a_set_with_a_week_between_its_backups_misses_no_night_between() -> None:
    weekly = dataclasses.replace(PLAIN, interval=7 * DAY)
    known = [outcome("2026-11-20T02:00")]

    assert not is_expected(weekly, known, day("2026-11-24"))
    assert is_expected(weekly, known, day("2026-11-26"))


def test_a_folder_that_came_later_was_not_there_before() -> None:
    first = outcome("2026-11-20T02:00", changed=("A", "B"), folders=2)
    later = outcome("2026-11-22T02:00", changed=("NEW",), folders=3)

    assert first_seen([first, later], "NEW") == at("2026-11-22T02:00")
    assert first_seen([first, later], "A") is None
    # Where the beginning is not known, nobody can say.
    assert first_seen([dataclasses.replace(first, folders=9), later], "NEW") is None


def test_two_repositories_show_the_worse_night_and_people_count_once_a_night() -> None:
    assert worst([Night.CLEAN, Night.FAILED]) is Night.FAILED
    assert worst([Night.UNCHANGED, Night.CLEAN]) is Night.CLEAN
    days = [day("2026-11-25"), day("2026-11-24")]
    tries = [
        outcome("2026-11-25T02:00", NOT_NOW, people=("ANNA",)),
        outcome("2026-11-26T02:00", NOT_NOW, people=("ANNA", "PIET")),
    ]
    nights = nights_of(PLAIN, tries, days, ())

    assert times_in_the_way([nights, nights]) == {"ANNA": 2, "PIET": 1}


# Which night is mailed


@pytest.fixture
def past(tmp_path: Path) -> Past:
    made = Past(tmp_path, at("2026-11-26T08:15"), ["A", "B"])
    made.quiet_months(10)
    return made


def with_sets(past: Past, **settings: object) -> None:
    sets = {
        name: {part: what, "borgmatic": str(past.folder / f"{name}.yaml"), **settings}
        for name, part, what in (
            ("system", "folders", ["program", "system"]),
            ("administrations", "select", "all"),
        )
    }
    past.configure(sets=sets)


def told(past: Past, now: str, last: str = "2026-11-24") -> datetime.date | None:
    configuration = load_configuration(str(past.configuration))
    return night_to_tell(configuration, gather(configuration, at(now)), day(last))


def cut(past: Past, number: int, *then: Outcome, set_name: str = "administrations") -> None:
    """Take away the last outcomes of a set, and add others."""
    known = SetState(past.state, set_name).outcomes()
    past.write([*known[: len(known) - number], *then], set_name)


def test_a_night_is_told_once_all_sets_are_done(past: Past) -> None:
    cut(past, 1)
    assert told(past, "2026-11-26T03:00") is None

    cut(past, 0, past.outcome(0))
    assert told(past, "2026-11-26T03:00") == day("2026-11-25")
    assert told(past, "2026-11-26T03:00", last="2026-11-25") is None


def test_a_night_in_which_nothing_ran_is_told_when_the_time_has_come(past: Past) -> None:
    cut(past, 1)
    cut(past, 1, set_name="system")

    assert told(past, "2026-11-26T07:29") is None
    assert told(past, "2026-11-26T07:30") == day("2026-11-25")


def test_a_machine_that_was_off_in_the_morning_tells_it_in_the_afternoon(past: Past) -> None:
    cut(past, 1)

    assert told(past, "2026-11-26T15:00") == day("2026-11-25")
    assert told(past, "2026-11-29T15:00") == day("2026-11-28")


def test_where_borgmatic_comes_once_a_night_a_failure_is_final(past: Past) -> None:
    cut(past, 1, past.outcome(0, FAILED))

    assert told(past, "2026-11-26T03:00") == day("2026-11-25")


def test_where_it_comes_every_ten_minutes_a_failure_is_final_when_the_window_closes(
    past: Past,
) -> None:
    with_sets(past, **{"interval": "1d", "from": "20:00", "until": "06:00"})
    cut(past, 1, past.outcome(0, FAILED))

    assert told(past, "2026-11-26T03:00") is None
    assert told(past, "2026-11-26T06:00") == day("2026-11-25")


def test_one_who_is_still_left_out_is_waited_for_until_the_window_closes(past: Past) -> None:
    with_sets(past, **{"interval": "1d", "from": "20:00", "until": "06:00"})
    cut(past, 1, past.outcome(0, in_use=("A: in use: PIET",)))

    assert told(past, "2026-11-26T03:00") is None
    assert told(past, "2026-11-26T06:00") == day("2026-11-25")


def test_before_the_window_opens_the_night_is_not_over(past: Past) -> None:
    with_sets(past, **{"interval": "1d", "from": "20:00", "until": "06:00"})

    assert told(past, "2026-11-26T19:00", last="2026-11-25") is None


def test_a_backup_that_runs_is_waited_for(past: Past) -> None:
    program = past.folder / "borgmatic"
    program.write_text("import sys\nsys.stdin.read()\n")
    state = SetState(past.state, "system")
    with subprocess.Popen([sys.executable, program], stdin=subprocess.PIPE) as borgmatic:
        owner = find_process(borgmatic.pid)
        assert owner is not None
        run = Run("r", "system", str(past.repository), "1", owner, "", (), (), {}, 0)
        state.begin_run(run, {}, {}, ())

        assert told(past, "2026-11-26T03:00") is None
        assert told(past, "2026-11-26T07:30") == day("2026-11-25")  # people hear in any case

        borgmatic.communicate(timeout=30)
    assert told(past, "2026-11-26T03:00") == day("2026-11-25")


def test_a_set_that_is_not_due_this_night_is_not_waited_for(past: Past) -> None:
    with_sets(past, interval="1w")
    cut(past, 1)  # the last one was a night before

    assert told(past, "2026-11-26T03:00") == day("2026-11-25")


def test_the_report_of_a_night_without_a_backup_says_so_at_its_time(past: Past) -> None:
    cut(past, 1)
    configuration = load_configuration(str(past.configuration))

    early = make_report(configuration, at("2026-11-26T07:00"), day("2026-11-25"))
    late = make_report(configuration, at("2026-11-26T07:30"), day("2026-11-25"))

    assert early.items == ()
    assert [(item.concern, item.what) for item in late.items] == [
        ("no run", "administrations in nas")
    ]


def test_the_report_puts_those_with_trouble_first_and_folds_the_quiet_ones(tmp_path: Path) -> None:
    codes = ["A", "B", "C", "D", "E", "F", "Q"]
    past = Past(tmp_path, at("2026-11-26T08:15"), codes)
    past.bad_weeks()
    outcomes = SetState(past.state, "administrations").outcomes()
    changed = [
        dataclasses.replace(one, changed=tuple(c for c in one.changed if c != "Q"))
        for one in outcomes
    ]
    past.write(changed)

    report = make_report(load_configuration(str(past.configuration)), past.now)

    assert [row.folder.label for row in report.rows] == ["A", "B", "C", "E", "D", "F", "Q"]
    assert [row.folder.label for row in report.rows if row.folder.has_trouble] == list("ABCE")
    assert len(report.days) == 35
    assert report.days[0] == day("2026-11-25")
    assert report.rows[0].nights[:6] == (*[Night.LEFT_OUT] * 5, Night.UNCHANGED)
    assert report.rows[0].nights[10] is Night.MISSED
    assert report.rows[0].nights[14:16] == (Night.FAILED, Night.FAILED)
    assert [row.folder.label for row in report.rows if row.is_quiet] == ["Q"]
    assert report.people == {"MARIEKE on WS-1": 4, "PIET on WS-2": 2}


def test_a_try_that_failed_behind_a_good_one_is_told_as_well() -> None:
    tries = [
        outcome("2026-11-26T01:00", folders=2, changed=("A",)),
        outcome("2026-11-26T02:10", FAILED),
    ]
    [night] = nights_of(PLAIN, tries, [day("2026-11-25")], ())
    unknown: Any = None

    said = last_night_of(SetRow(unknown, (night,)), texts_in("en"))

    assert said.startswith("Backed up and proven clean: 2 folders, 1 changed")
    assert said.endswith(" A later try in the same night failed (2026-11-26 02:10).")
