"""When a backup is made: by interval and hour, by force, or of chosen administrations only."""

from __future__ import annotations

import datetime
import json
import subprocess
import time
from typing import Any

import pytest
from conftest import World


@pytest.fixture
def office(world: World) -> World:
    """An office in which a moment ago a clean snapshot was made."""
    assert world.borgmatic("create").returncode == 0
    return world


def configure_set(world: World, **settings: Any) -> None:
    def change(document: Any) -> None:
        document["sets"]["administrations"].update(settings)

    world.edit(world.configuration, change)


def before_backup(world: World, **environment: str) -> subprocess.CompletedProcess[str]:
    return world.avplugin(
        *("before-backup", "administrations", "--borgmatic-config", world.borgmatic_file()),
        *("--repository", world.repository),
        **environment,
    )


def outcomes(world: World, set_name: str = "administrations") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((world.state / set_name / "outcomes.json").read_text())
    return found


def age_outcomes(world: World, **delta: float) -> None:
    """Let all that was be so much longer ago."""
    file = world.state / "administrations" / "outcomes.json"
    document = json.loads(file.read_text())
    for entry in document:
        for key in ("started", "ended"):
            moment = datetime.datetime.fromisoformat(entry[key]) - datetime.timedelta(**delta)
            entry[key] = moment.isoformat()
    file.write_text(json.dumps(document))


def test_before_the_interval_has_passed_it_is_not_now_and_the_repository_is_left_alone(
    office: World,
) -> None:
    configure_set(office, interval="1d")
    office.repository.rename(office.folder / "away")

    done = before_backup(office)

    assert done.returncode == 75
    [line] = done.stdout.splitlines()
    assert line.startswith("avplugin: administrations: not now: the next one is due at 20")
    assert len(outcomes(office)) == 1  # a start every ten minutes is no news


def test_once_the_interval_has_passed_there_is_a_backup_by_itself(office: World) -> None:
    configure_set(office, interval="1d")
    office.working_day()
    assert office.borgmatic("create").returncode == 0
    assert len(office.archives()) == 1

    age_outcomes(office, days=1)
    done = office.borgmatic("create")

    assert done.returncode == 0, done.stderr
    assert len(office.archives()) == 2


def test_nothing_changed_counts_as_a_backup_for_the_interval(office: World) -> None:
    configure_set(office, interval="12h")
    age_outcomes(office, hours=12)

    first, second = before_backup(office), before_backup(office)

    assert (first.returncode, second.returncode) == (75, 75)
    assert "nothing has changed since the clean snapshot" in first.stdout
    assert "not now: the next one is due" in second.stdout
    assert [one["status"] for one in outcomes(office)] == ["clean", "unchanged"]


def test_outside_its_hours_it_is_not_now_and_force_begins_all_the_same(office: World) -> None:
    office.working_day()
    hour = (time.localtime().tm_hour + 2) % 24
    configure_set(office, **{"from": f"{hour:02}:00", "until": f"{(hour + 1) % 24:02}:00"})

    closed = before_backup(office)
    by_hand = office.avplugin("backup", "administrations")
    forced = office.avplugin("backup", "administrations", "--force")

    assert closed.returncode == 75
    assert f"backups begin from {hour:02}:00 to" in closed.stdout
    assert by_hand.returncode == 75
    assert "--force backs up all the same" in by_hand.stdout
    assert forced.returncode == 0, forced.stderr
    assert len(office.archives()) == 2


def test_a_retry_of_a_failed_run_is_not_called_a_success_because_it_is_not_due(
    office: World,
) -> None:
    configure_set(office, interval="1d")
    age_outcomes(office, days=2)
    office.working_day()
    office.add_hook(
        "- after: action\n  when: [create]\n  states: [finish]\n  run: ['test -e once || "
        "! touch once']"
    )
    office.configure_borgmatic("retries: 1")

    done = office.borgmatic("create")

    assert done.returncode == 1
    assert "this borgmatic run has been here before" in done.stderr


def test_another_repository_at_the_same_path_is_due_at_once(office: World) -> None:
    configure_set(office, interval="1d")
    office.repository.rename(office.folder / "the other disk")
    made = office.borgmatic("repo-create", "--encryption", "repokey-blake2")
    assert made.returncode == 0, made.stderr

    done = office.borgmatic("create")

    assert done.returncode == 0, done.stderr
    assert len(office.archives()) == 1


def test_a_clock_that_was_a_day_ahead_stops_no_backup(office: World) -> None:
    configure_set(office, interval="1d")
    office.working_day()
    age_outcomes(office, days=-1)

    assert before_backup(office).returncode == 0


def test_a_second_start_while_one_is_at_work_is_not_now_where_starts_are_frequent(
    office: World,
) -> None:
    office.working_day()
    configure_set(office, interval="1h")
    age_outcomes(office, hours=2)
    started = office.folder / "started"
    office.add_hook(
        f"- before: action\n  when: [create]\n  run: ['touch {started}; sleep 60']", first=False
    )
    first = office.start_borgmatic("create")
    for _ in range(200):
        if started.exists():
            break
        time.sleep(0.1)

    second = before_backup(office)
    first.terminate()
    first.communicate()

    assert second.returncode == 75
    assert "another backup of the set administrations runs since" in second.stdout


def test_chosen_administrations_make_a_series_of_their_own_of_which_so_many_are_kept(
    office: World,
) -> None:
    office.configure(chosen={"keep": 2})
    first = office.avplugin("backup", "--administration", "bakker26")
    assert first.returncode == 0, first.stderr
    for codes in (("KLANT1", "BAKKER26"), ("KLANT1",), ("BAKKER26",), ("BAKKER26",)):
        words = [word for code in codes for word in ("--administration", code)]
        done = office.avplugin("backup", *words)
        assert done.returncode == 0, done.stderr

    chosen = [one for one in office.avplugin_json("snapshots") if "-chosen-" in one["archive"]]
    held = [{part["code"] for part in one["folders"]} for one in chosen]
    assert held == [{"BAKKER26"}, {"BAKKER26"}, {"KLANT1"}, {"KLANT1", "BAKKER26"}]
    versions = office.avplugin_json("snapshots", "BAKKER26")
    assert [version["clean"] for version in versions] == [True]
    # The whole set's own series goes on as if nothing had been.
    assert before_backup(office).returncode == 75
    assert "nothing has changed since" in outcomes(office)[-1]["reasons"][0]


def test_a_code_that_nobody_knows_is_said_before_anything_begins(office: World) -> None:
    done = office.avplugin("backup", "--administration", "NOBODY")

    assert done.returncode == 2
    assert "there is no administration NOBODY" in done.stderr
    assert len(office.archives()) == 1


def test_one_of_several_repositories_can_be_chosen(office: World) -> None:
    include = office.folder / "etc" / "borgmatic.d" / "include" / "accountview.yaml"
    second = office.folder / "second.borg"
    text = include.read_text()
    head, tail = text.split("      label: local\n")
    include.write_text(
        f"{head}      label: local\n    - path: {second}\n      label: second\n{tail}"
    )
    made = office.borgmatic("repo-create", "--encryption", "repokey-blake2")
    assert made.returncode == 0, made.stderr

    done = office.avplugin("backup", "administrations", "--repository", "second")
    wrong = office.avplugin("backup", "--repository", "third")

    assert done.returncode == 0, done.stderr
    assert len(office.archives(second)) == 1
    assert len(office.archives()) == 1
    assert wrong.returncode == 2
    assert "no set has a repository third" in wrong.stderr


def somebody_in(world: World, folder: str) -> None:
    """Have the way `command` say that somebody is in the folder with this label."""
    probe = world.folder / "probe"
    session = {
        **{"kind": "user", "user": "jan", "machine": "balie", "folder": folder},
        **{"administration": folder, "table": "GROOTBOEK.DBF", "since": "", "way": "command"},
        **{"writing": True, "note": ""},
    }
    document = {"answer": "somebody", "sessions": [session], "covers": "all", "unknown": []}
    text = json.dumps(document)[1:].replace("'", "")
    probe.write_text(
        "#!/bin/sh\n"
        f'printf \'{{"checked": "%s", %s\\n\' "$(date -u +%FT%T+00:00)" \'{text}\'\nexit 75\n'
    )
    probe.chmod(0o755)
    world.configure(
        sessions={
            "probes": [{"command": [str(probe)]}],
            "on_busy": {"administrations": "postpone"},
        }
    )


def test_after_days_in_which_the_machine_was_off_somebody_in_is_an_error_at_once(
    office: World,
) -> None:
    configure_set(office, interval="1d", overdue_after="2d")
    office.working_day()
    somebody_in(office, "BAKKER26")
    age_outcomes(office, days=1, hours=12)
    still_in_time = before_backup(office)
    (office.state / "administrations" / "waiting.json").unlink()

    age_outcomes(office, days=5)
    late = office.borgmatic("create")

    assert still_in_time.returncode == 75
    assert "put off, since somebody is in" in still_in_time.stdout
    assert late.returncode == 1
    assert "BAKKER26, overdue, was copied though" in late.stderr
    assert office.archives()[-1].endswith(".unverified")


def test_a_backup_by_hand_is_none_that_a_schedule_started_terminal_or_not(office: World) -> None:
    note = office.state / "administrations" / "last-start-by-schedule"
    assert note.exists()  # borgmatic create, without a terminal
    note.unlink()

    assert office.avplugin("backup", "administrations").returncode == 75

    assert not note.exists()
