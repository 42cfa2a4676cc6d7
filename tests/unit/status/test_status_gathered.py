"""How the backups are, out of state on disk."""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
import time
from pathlib import Path

import pytest
from past import REPOSITORY_ID, Past

from avplugin.borgmatic.archive import Archive
from avplugin.configuration.load import load_configuration
from avplugin.language import Texts
from avplugin.state.brake import Braked, BrakeFile
from avplugin.state.outcomes import FAILED, NOT_NOW, UNCHANGED
from avplugin.state.run import SetState
from avplugin.state.unregistered import UnregisteredFile
from avplugin.status.attention import Concern, attention
from avplugin.status.gather import gather
from avplugin.status.model import Status, Trouble
from avplugin.status.prometheus import metrics
from avplugin.status.sentences import sentence, to_do

NOW = datetime.datetime(2026, 11, 26, 8, 15).astimezone()
DAY = datetime.timedelta(days=1)


@pytest.fixture
def past(tmp_path: Path) -> Past:
    """An office of six administrations in which 40 nights went well."""
    made = Past(tmp_path, NOW, ["AALBERS26", "BAKKER26", "CAFE26", "DEVRIES26", "EIK26", "FIETS26"])
    made.quiet_months()
    return made


def look(past: Past, now: datetime.datetime = NOW) -> Status:
    return gather(load_configuration(str(past.configuration)), now)


def concerns(past: Past, now: datetime.datetime = NOW) -> list[tuple[Concern, str]]:
    return [(item.concern, item.what) for item in attention(look(past, now))]


def test_after_good_nights_there_is_nothing_to_look_at(past: Past) -> None:
    status = look(past)

    assert attention(status) == ()
    administrations = status.repositories[1]
    assert administrations.what == "administrations in nas"
    assert administrations.archive == past.archive(0).name
    assert administrations.good == past.night(0)
    assert administrations.growth.size == 500 * 20_000_000
    assert (administrations.growth.night, administrations.growth.week) == (20_000_000, 140_000_000)
    assert [one.label for one in status.administrations] == list(past.codes)


def test_a_set_is_overdue_in_clear_words_with_who_was_in_the_way(past: Past) -> None:
    outcomes = SetState(past.state, "administrations").outcomes()
    put_off = [past.outcome(ago, NOT_NOW, people=("PIET on WS-2",)) for ago in range(4, -1, -1)]
    past.write([*outcomes[:-5], *put_off])

    [item] = [one for one in attention(look(past)) if one.concern is Concern.OVERDUE]

    assert item.what == "administrations in nas"
    assert item.when == past.night(5)
    assert sentence(Texts(), item) == (
        "administrations in nas: overdue: the last clean backup is of 2026-11-21 02:00."
        " In the way: PIET on WS-2."
    )
    assert to_do(Texts(), item).startswith("See to it that everybody closes AccountView")
    # Its administrations are not told one by one.
    assert [one for one in attention(look(past)) if one.concern is Concern.OLD] == []


def test_a_machine_that_was_off_leaves_sets_overdue_and_its_schedule_stopped(past: Past) -> None:
    later = NOW + 6 * DAY

    assert concerns(past, later) == [
        (Concern.OVERDUE, "system in nas"),
        (Concern.OVERDUE, "administrations in nas"),
        (Concern.NO_SCHEDULE, "system in nas"),
        (Concern.NO_SCHEDULE, "administrations in nas"),
    ]


def test_a_night_that_found_nothing_changed_counts_as_good(past: Past) -> None:
    outcomes = SetState(past.state, "administrations").outcomes()
    unchanged = [past.outcome(ago, UNCHANGED) for ago in range(9, -1, -1)]
    past.write([*outcomes[:-10], *unchanged])

    assert concerns(past) == []


def test_what_was_never_backed_up_is_told_and_later_overdue(past: Past) -> None:
    past.write([], "system")
    (past.state / "catalogue.sqlite").unlink()
    assert (Concern.NEVER, "system in nas") in concerns(past)

    past.write([past.outcome(5, FAILED, reasons=("no disk",))], "system")

    [item] = [one for one in attention(look(past)) if one.what == "system in nas"]
    assert item.concern is Concern.OVERDUE
    assert sentence(Texts(), item) == (
        "system in nas: overdue: no clean backup was ever made. The last try: no disk."
    )


def test_a_failed_night_calls_for_attention_at_once(past: Past) -> None:
    outcomes = SetState(past.state, "administrations").outcomes()
    failed = past.outcome(0, FAILED, reasons=("administrations: the disk is full.\nMake room.",))
    past.write([*outcomes[:-1], failed])

    [item] = attention(look(past))

    assert sentence(Texts(), item) == (
        "administrations in nas: the backup of 2026-11-26 02:00 failed: the disk is full."
    )


def test_somebody_who_was_in_for_one_night_is_shown_but_is_no_alarm(past: Past) -> None:
    outcomes = SetState(past.state, "administrations").outcomes()
    put_off = past.outcome(0, NOT_NOW, people=("PIET on WS-2",))
    past.write([*outcomes[:-1], put_off])

    status = look(past)

    assert attention(status) == ()
    assert status.repositories[1].people == ("PIET on WS-2",)


def test_bad_weeks_show_what_is_wrong_with_which_administration_since_when(past: Past) -> None:
    past.bad_weeks()
    status = look(past)

    found = {one.label: [(f.trouble, f.since) for f in one.faults] for one in status.troubled}
    assert found == {
        "AALBERS26": [(Trouble.LEFT_OUT, past.night(4))],
        "BAKKER26": [(Trouble.IN_USE, past.night(3))],
        "CAFE26": [(Trouble.DAMAGED, past.night(7))],
        "EIK26": [(Trouble.DRILL_FAILED, past.night(2))],
    }
    last = {one.label: one.last_clean for one in status.administrations}
    assert last["AALBERS26"] == past.night(7)  # the newest clean archive that has it
    assert last["DEVRIES26"] == past.night(0)
    assert [concern for concern, _ in concerns(past)] == [
        Concern.LEFT_OUT,
        Concern.IN_USE,
        Concern.DRILL_FAILED,
        Concern.DAMAGED,
    ]


def test_held_archives_are_those_the_repository_was_last_seen_with(past: Past) -> None:
    held = Archive("kantoor-administrations-2026-01-01T02:00:00.hold", "h", past.night(300))
    past.write_archives([(held, past.folders()), (past.archive(0), past.folders())], seen=2)

    one = look(past).repositories[1]

    assert one.held == (held.name,)
    assert one.listed == past.night(2)


def test_the_brake_goes_before_everything_else(past: Past) -> None:
    braked = Braked("nas", REPOSITORY_ID, past.night(1).isoformat(), ("30 tables gone",), {})
    BrakeFile(SetState(past.state, "administrations").folder).put_on(str(past.repository), braked)
    past.write([past.outcome(9)], "system")

    assert concerns(past)[0] == (Concern.BRAKE, "administrations in nas")


def test_a_list_of_administrations_that_is_old_and_folders_in_no_list_are_told(past: Past) -> None:
    os.utime(past.register, (NOW.timestamp() - 61 * 86400,) * 2)
    UnregisteredFile(past.state).note(["/x/NIEUW26"], past.night(1).isoformat())

    assert concerns(past) == [
        (Concern.UNREGISTERED, "/x/NIEUW26"),
        (Concern.REGISTER, str(past.register)),
    ]


def test_drills_that_are_long_due_are_told_but_not_where_they_are_off(past: Past) -> None:
    (past.state / "drills.json").unlink()
    assert concerns(past) == [
        (Concern.DRILL_LATE, "system in nas"),
        (Concern.DRILL_LATE, "administrations in nas"),
    ]

    past.configure(drill={"sample": 0})
    assert concerns(past) == []


@pytest.mark.parametrize(
    "file",
    [
        "administrations/outcomes.json",
        "administrations/waiting.json",
        "administrations/brake.json",
        "drills.json",
        "unregistered.json",
        "restore/000001.json",
    ],
)
@pytest.mark.parametrize("text", ["{", '{"x": 1}', "[[]]", "7", '"x"'])
def test_a_damaged_file_is_one_line_and_the_rest_is_shown(past: Past, file: str, text: str) -> None:
    path = past.state / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)

    status = look(past)

    assert len(status.problems) == (1 if text == "{" else len(status.problems[:1]))
    assert all("\n" not in line for line in status.problems)
    assert [one.set.name for one in status.repositories] == ["system", "administrations"]
    assert status.repositories[0].good == past.night(0)
    assert "system" in {one.label for one in status.folders}


def test_a_damaged_catalogue_is_one_line_and_the_rest_is_shown(past: Past) -> None:
    data = bytearray((past.state / "catalogue.sqlite").read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    (past.state / "catalogue.sqlite").write_bytes(data)

    status = look(past)

    assert [one.good for one in status.repositories] == [past.night(0)] * 2
    assert len(status.problems) <= 1


def test_outcomes_of_the_future_are_told_and_do_not_count(past: Past) -> None:
    early = NOW - 10 * DAY

    status = look(past, early)

    assert status.problems == (
        "system: 10 of its outcomes have times in the future, or none: a clock was wrong, or is",
        "administrations: 10 of its outcomes have times in the future, or none: a clock was wrong,"
        " or is",
    )
    good = status.repositories[1].good
    assert good is not None
    assert good <= early


def test_a_borgmatic_file_that_is_gone_is_one_line(past: Past) -> None:
    (past.folder / "system.yaml").unlink()

    status = look(past)

    assert [line.partition(" does")[0] for line in status.problems] == [
        f"borgmatic's configuration {past.folder / 'system.yaml'}"
    ]
    assert [one.repository for one in status.repositories] == [str(past.repository), "nas"]


def test_without_any_state_it_says_that_there_is_no_backup_yet(tmp_path: Path) -> None:
    past = Past(tmp_path, NOW, ["A"])

    assert [concern for concern, _ in concerns(past)] == [
        *[Concern.NEVER] * 2,
        *[Concern.NO_SCHEDULE] * 2,
    ]
    assert not past.state.exists()


def test_another_disk_at_the_same_path_has_its_own_last_snapshot(past: Past) -> None:
    (past.repository / "config").write_text("[repository]\nid = ffff\n")

    assert [concern for concern, _ in concerns(past)][:2] == [Concern.NEVER] * 2


def test_metrics_are_in_the_format_of_prometheus(past: Past) -> None:
    for name in ("system", "administrations"):
        file = past.folder / f"{name}.yaml"
        file.write_text(
            json.dumps({"repositories": [{"path": str(past.repository), "label": 'a"b\\c'}]})
        )
    status = look(past)

    text = metrics(status, attention(status))

    labels = r'{set="administrations",repository="a\"b\\c"}'
    assert (
        f"avplugin_last_clean_timestamp_seconds{labels} {past.night(0).timestamp():.0f}\n" in text
    )
    assert f"avplugin_overdue{labels} 0\n" in text
    assert f"avplugin_held_archives{labels} 0\n" in text
    assert f"avplugin_repository_bytes{labels} 10000000000\n" in text
    assert "avplugin_administrations 6\n" in text
    last = r'avplugin_last_outcome{set="administrations",repository="a\"b\\c",outcome="clean"} 1'
    assert f"{last}\n" in text
    seen = set()
    for line in text.splitlines():
        if line.startswith("# HELP "):
            name = line.split()[2]
            assert name not in seen
            seen.add(name)
        elif line.startswith("# TYPE "):
            assert line.split()[2:] == [name, "gauge"]
        else:
            assert line.startswith((f"{name} ", f"{name}{{"))
            float(line.rpartition(" ")[2])


def test_a_thousand_administrations_and_400_nights_are_gathered_in_time(tmp_path: Path) -> None:
    past = Past(tmp_path, NOW, [f"KLANT{number:04}" for number in range(1000)])
    past.quiet_months(400)
    others = [past.archive(ago) for ago in range(1, 400)]
    past.write_archives([(past.archive(0), past.folders())], others)
    configuration = load_configuration(str(past.configuration))

    begun = time.process_time()
    status = gather(configuration, NOW)

    assert time.process_time() - begun < 1.0
    assert len(status.administrations) == 1000


def test_a_new_clean_snapshot_elsewhere_is_known_from_the_listing(past: Past) -> None:
    newer = dataclasses.replace(past.archive(0), name="kantoor-administrations-2026-11-26T07:00:00")
    newer = dataclasses.replace(newer, time=past.night(0) + datetime.timedelta(hours=5), id="newer")
    past.write_archives([(newer, past.folders()), (past.archive(0), past.folders())])

    assert look(past).repositories[1].archive == newer.name


def test_outcomes_that_cannot_be_understood_are_told_and_the_others_count(past: Past) -> None:
    file = SetState(past.state, "system").outcomes_file
    entries = json.loads(file.read_text())
    file.write_text(json.dumps([*entries, "x", {**entries[-1], "started": None}]))

    status = look(past)

    assert status.problems == (
        f"system: 2 of the entries in {file} cannot be understood, and count for nothing",
    )
    assert status.repositories[0].good == past.night(0)


def test_damaged_tables_are_told_with_the_last_archive_that_has_them_sound(past: Past) -> None:
    past.bad_weeks()

    [item] = [one for one in attention(look(past)) if one.concern is Concern.DAMAGED]

    assert item.detail == f"DAGBOEK.DBF is cut off; last sound in {past.archive(12).name}"


def test_damaged_tables_that_no_known_snapshot_has_sound_are_told_so(past: Past) -> None:
    bad = past.part("CAFE26", damaged={"BTW.DBF": "BTW.DBF is cut off"}, table_health="damaged")
    unknown = past.part("CAFE26", table_health="not checked")
    past.write_archives(
        [
            (past.archive(0), past.folders(CAFE26=bad)),
            (past.archive(1), past.folders(CAFE26=unknown)),
        ]
    )

    [item] = [one for one in attention(look(past)) if one.concern is Concern.DAMAGED]

    assert item.detail == "BTW.DBF is cut off; not sound in any snapshot that is known"


@pytest.mark.parametrize(
    ("file", "nights", "is_told"),
    [(None, 1, True), ("etc/cron.d/own", 1, False), (None, 30, False)],
    ids=["nothing", "a cron file of somebody's", "seen for weeks"],
)
def test_that_nothing_starts_the_nights_is_told_in_the_first_days(
    tmp_path: Path, file: str | None, nights: int, is_told: bool
) -> None:
    past = Past(tmp_path / "office", NOW, ["A"])
    past.write([past.outcome(ago) for ago in reversed(range(nights))])
    if file is not None:
        (tmp_path / file).parent.mkdir(parents=True)
        (tmp_path / file).write_text("0 2 * * * root borgmatic create\n")

    status = gather(load_configuration(str(past.configuration)), NOW, root=tmp_path)

    assert status.is_unscheduled is is_told
