"""avplugin sessions, with a real Samba."""

from __future__ import annotations

import datetime
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import World, make_world
from samba import PASSWORD, SHARE, Samba, serving
from terminal import Terminal

TABLE = "Administraties/BAKKER26/GROOTBOEK.DBF"


@pytest.fixture(scope="module")
def world(template: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    """One office for all: nothing here changes it."""
    return make_world(template, tmp_path_factory.mktemp("sessions") / "world")


@pytest.fixture(scope="module")
def server(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Samba]:
    """A running Samba that shares the office."""
    with serving(tmp_path_factory.mktemp("samba") / "samba", world.office) as samba:
        yield samba


@pytest.fixture
def samba(world: World, server: Samba) -> Samba:
    """The same, with an accountview.yaml that asks it who is in."""
    configure(world, server)
    return server


def configure(world: World, samba: Samba, **sessions: Any) -> None:
    """Write `sessions` of accountview.yaml."""
    world.configure(sessions={"probes": [{"samba": {"config": str(samba.config)}}], **sessions})


def test_nobody_is_in(world: World, samba: Samba) -> None:
    done = world.avplugin("sessions")

    assert done.returncode == 0
    assert "Nobody is in. Looked at" in done.stdout
    assert done.stderr == ""


def test_somebody_is_shown_with_all_that_is_known(world: World, samba: Samba) -> None:
    with samba.workstation() as workstation:
        workstation.open_table(TABLE)
        done = world.avplugin("sessions")

    assert done.returncode == 75
    heading, line = done.stdout.splitlines()
    assert heading.split() == [
        "Kind",
        "User",
        "Machine",
        "Folder",
        "Table",
        "Since",
        "Found",
        "by",
        "Note",
    ]
    assert line.startswith("user  games  127.0.0.1  BAKKER26  GROOTBOEK.DBF  20")
    assert "samba" in line


def test_who_only_reads_is_shown_apart_and_is_nobody(world: World, samba: Samba) -> None:
    with samba.workstation() as workstation:
        workstation.open_table(TABLE, writing=False)
        done = world.avplugin("sessions")

    assert done.returncode == 0
    assert done.stdout.startswith("Only reading:")
    assert "Nobody is in." in done.stdout


def test_who_is_ignored_is_shown_apart_and_is_nobody(world: World, samba: Samba) -> None:
    configure(world, samba, ignore={"users": ["games"]})
    with samba.workstation() as workstation:
        workstation.open_table(TABLE)
        done = world.avplugin("sessions")
        answer = world.avplugin_json("sessions")

    assert done.returncode == 0
    assert done.stdout.startswith("Ignored, as configured:")
    assert answer["sessions"] == []
    assert [one["user"] for one in answer["ignored"]] == ["games"]


def test_a_user_can_be_known_as_the_backoffice_server(world: World, samba: Samba) -> None:
    configure(world, samba, known_as={"backoffice_server": {"users": ["game*"]}})
    with samba.workstation() as workstation:
        workstation.open_table(TABLE)
        done = world.avplugin("sessions")

    assert done.stdout.splitlines()[1].startswith("Backoffice Server  games")


def test_one_administration_can_be_asked_about(world: World, samba: Samba) -> None:
    with samba.workstation() as workstation:
        workstation.open_table(TABLE)

        assert world.avplugin("sessions", "--administration", "bakker26").returncode == 75
        assert world.avplugin("sessions", "--administration", "KLANT1").returncode == 0
    done = world.avplugin("sessions", "--administration", "NIEMAND")
    assert done.returncode == 2
    assert done.stderr.startswith("avplugin: there is no administration NIEMAND")


def test_json_holds_the_documented_keys_and_nothing_else_is_printed(
    world: World, samba: Samba
) -> None:
    with samba.workstation() as workstation:
        workstation.open_table(TABLE)
        done = world.avplugin("--json", "sessions")

    assert done.returncode == 75
    document = json.loads(done.stdout)
    assert set(document) == {"answer", "checked", "sessions", "covers", "unknown", "ignored"}
    assert document["answer"] == "somebody"
    [session] = document["sessions"]
    assert session["kind"] == "user"
    assert (session["administration"], session["table"]) == ("BAKKER26", "GROOTBOEK.DBF")
    assert "BAKKER26" in document["covers"]


def test_another_avplugin_can_be_the_program_that_is_asked(
    world: World, samba: Samba, tmp_path: Path
) -> None:
    asking = tmp_path / "accountview.yaml"
    asking.write_text(world.configuration.read_text())
    world.edit(
        asking,
        lambda document: document.update(
            sessions={
                "probes": [
                    {
                        "command": [
                            "avplugin",
                            "--config",
                            str(world.configuration),
                            "--json",
                            "sessions",
                        ]
                    }
                ]
            },
        ),
    )
    assert world.avplugin("--config", asking, "sessions").returncode == 0
    with samba.workstation() as workstation:
        workstation.open_table(TABLE)
        done = world.avplugin("--config", asking, "sessions")

    assert done.returncode == 75
    assert "games  127.0.0.1  BAKKER26" in done.stdout


def test_could_not_find_out_says_which_way_and_why(world: World, samba: Samba) -> None:
    configure(world, samba)
    world.configure(sessions={"probes": [{"command": ["/does/not/exist"]}]})

    done = world.avplugin("sessions")

    assert done.returncode == 1
    assert done.stderr.startswith("avplugin: could not find out: command: /does/not/exist cannot")
    assert "Nobody" not in done.stdout


def test_two_ways_are_asked_and_one_that_fails_is_enough_for_a_doubt(
    world: World, samba: Samba
) -> None:
    world.configure(
        sessions={
            "probes": [
                {"samba": {"config": str(samba.config)}},
                {"command": ["sleep", "60"], "limit": "1s"},
            ]
        }
    )

    done = world.avplugin("sessions")

    assert done.returncode == 1
    assert "command: sleep did not answer within 1 s" in done.stderr


def test_where_nobody_looks_there_is_no_answer(world: World, samba: Samba) -> None:
    world.configure(sessions={"assume_nobody": True})

    done = world.avplugin("sessions")

    assert done.returncode == 1
    assert "says assume_nobody, so nobody looks who is in" in done.stderr


def test_watching_shows_who_comes_until_somebody_stops_it(world: World, samba: Samba) -> None:
    terminal = Terminal(world, "avplugin", "sessions", "--watch")
    terminal.read_until("Nobody is in.")
    with samba.workstation() as workstation:
        workstation.open_table(TABLE)
        terminal.read_until("GROOTBOEK.DBF")
    terminal.process.send_signal(signal.SIGINT)

    assert terminal.end() == 130


def test_trusting_a_few_tables_is_said(world: World, samba: Samba, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text(f"{PASSWORD}\n")
    smb = {
        "server": "127.0.0.1",
        "port": samba.port,
        "share": SHARE,
        "username": "root",
        "password_file": str(password),
        "folder": str(world.office),
        "tables": ["GROOT*.DBF", "ADMIN.DBF"],
    }
    world.configure(sessions={"probes": [{"smb": smb}]})

    done = world.avplugin("sessions")

    assert done.returncode == 0, done.stderr
    assert (
        "smb tries only GROOT*.DBF, ADMIN.DBF where there are any: that trusts AccountView"
        in done.stdout
    )
    with samba.workstation() as workstation:
        workstation.open_table(TABLE.replace("GROOTBOEK", "BTW"))
        assert world.avplugin("sessions").returncode == 0
        workstation.open_table(TABLE)
        assert world.avplugin("sessions").returncode == 75


def test_a_folder_that_is_gone_is_a_doubt(world: World, samba: Samba) -> None:
    folder = world.administrations / "Klant 1"
    away = folder.with_name(".away")
    folder.rename(away)
    try:
        done = world.avplugin("sessions", "--administration", "KLANT1")
    finally:
        away.rename(folder)

    assert done.returncode == 1
    assert "could not find out: KLANT1: avplugin: does not exist" in done.stderr


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"checked": "2001-01-01T00:00:00+00:00"},
            "it is of 2001-01-01T00:00:00+00:00",
        ),
        ({"unknown": [{"way": "x", "folder": "a\nb", "why": ""}]}, "that cannot be shown"),
        ({"unknown": [{"way": "x", "folder": "a" * 9999, "why": ""}]}, "9999 characters long"),
    ],
)
def test_an_answer_that_cannot_be_meant_is_none(
    world: World, samba: Samba, tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    now = datetime.datetime.now(datetime.UTC).isoformat()
    nobody = {"answer": "nobody", "checked": now, "sessions": [], "covers": "all", "unknown": []}
    answer = tmp_path / "answer"
    answer.write_text(json.dumps({**nobody, **change}))
    world.configure(sessions={"probes": [{"command": ["cat", str(answer)]}]})

    done = world.avplugin("sessions")

    assert done.returncode == 1
    assert said in done.stderr
