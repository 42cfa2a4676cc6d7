"""`avplugin status` behind real nights, and folders that are in no register."""

from __future__ import annotations

import datetime
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from conftest import World, make_world, without_privileges
from terminal import Terminal


@pytest.fixture(scope="module")
def world(template: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    """An office with one night behind it, whose register was exported just now."""
    made = make_world(template, tmp_path_factory.mktemp("status") / "world")
    (made.office / "administraties.dbf").touch()
    for name in ("system", "administrations"):
        done = made.borgmatic("create", set_name=name)
        assert done.returncode == 0, done.stderr
    return made


def document(world: World, *words: str) -> tuple[int, Any]:
    done = world.avplugin("--json", "status", *words)
    return done.returncode, json.loads(done.stdout)


def test_behind_a_good_night_all_is_well(world: World) -> None:
    done = world.avplugin("status")

    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    unscheduled = "warning: nothing was seen that starts the nights: 'avplugin schedule install'."
    assert unscheduled in lines or not document(world)[1]["unscheduled"]  # as this machine is
    lines = [line for line in lines if line != unscheduled]
    assert lines[0].endswith(": all is well.")
    assert lines[1].startswith("system in local: clean ")
    assert "0 held; no drill yet" in lines[3]
    assert len(lines) <= 23
    assert max(map(len, lines[:-1])) <= 80
    assert "Who is in is not checked (assume_nobody)." in done.stdout
    assert "6 administrations, 6 without trouble" in done.stdout


def test_json_has_all_that_is_known(world: World) -> None:
    status, answer = document(world)

    assert status == 0
    assert answer["attention"] == []
    assert answer["sessions_checked"] is False
    system, administrations = answer["repositories"]
    assert administrations["set"] == "administrations"
    assert administrations["archive"] in world.archives()
    assert administrations["held"] == []
    assert administrations["last_status"] == "clean"
    assert administrations["repository_bytes"] > 0
    assert administrations["last_start"] is not None
    assert system["due"] is None
    assert "BAKKER26" in {one["label"] for one in answer["folders"]}


def test_lines_are_broken_between_words_on_a_terminal_and_nowhere_else(world: World) -> None:
    terminal = Terminal(world, "sh", "-c", "stty cols 50; avplugin status")
    assert terminal.end() == 0
    plain = world.avplugin("status").stdout

    assert max(map(len, plain.splitlines())) > 80
    lines = terminal.shown.splitlines()
    assert all(len(line) <= 50 or " " not in line.strip() for line in lines)
    said, once = (
        re.sub(r"\S+ seconds? ago", "", " ".join(text.split())) for text in (terminal.shown, plain)
    )
    assert said == once


def test_a_file_that_node_exporter_would_not_read_is_wrong_usage(
    world: World, tmp_path: Path
) -> None:
    done = world.avplugin("status", "--prometheus", tmp_path / "x.txt")

    assert done.returncode == 2
    assert "has to end in .prom" in done.stderr
    assert not (tmp_path / "x.txt").exists()


def test_a_repository_that_is_gone_is_noticed_by_refresh_only(world: World) -> None:
    hidden = world.repository.with_name("elsewhere")
    world.repository.rename(hidden)
    try:
        assert document(world)[0] == 0
        status, answer = document(world, "--refresh")
    finally:
        hidden.rename(world.repository)

    assert status == 1
    assert {item["concern"] for item in answer["attention"]} == {"unreachable"}
    assert answer["repositories"][0]["archive"]  # what was known is shown all the same
    assert document(world, "--refresh")[0] == 0


def test_refresh_finds_what_others_held_meanwhile(world: World) -> None:
    archive = next(name for name in world.archives() if "administrations" in name)
    renamed = world.borg("rename", f"{world.repository}::{archive}", f"{archive}.hold")
    assert renamed.returncode == 0, renamed.stderr
    try:
        assert document(world)[1]["repositories"][1]["held"] == []
        held = document(world, "--refresh")[1]["repositories"][1]["held"]
    finally:
        world.borg("rename", f"{world.repository}::{archive}.hold", archive)
        world.avplugin("status", "--refresh")

    assert held == [f"{archive}.hold"]


def test_metrics_are_readable_for_the_collector_and_written_whole(
    world: World, tmp_path: Path
) -> None:
    file = tmp_path / "avplugin.prom"
    file.write_text("old")

    done = world.run("sh", "-c", f"umask 077; avplugin status --prometheus {file}")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert file.stat().st_mode & 0o777 == 0o644
    assert 'avplugin_overdue{set="system",repository="local"} 0\n' in file.read_text()
    assert [one.name for one in tmp_path.iterdir()] == ["avplugin.prom"]

    failed = world.avplugin("status", "--prometheus", tmp_path / "none" / "a.prom")
    assert failed.returncode == 1
    assert "cannot write" in failed.stderr
    assert "Traceback" not in failed.stderr


@pytest.mark.parametrize(("mode", "word"), [(0o500, "written to"), (0o000, "read")])
def test_a_state_folder_without_rights_is_one_line_and_exit_1(
    world: World, mode: int, word: str
) -> None:
    world.state.chmod(mode)
    try:
        done = subprocess.run(
            [*without_privileges(), "avplugin", "status"],
            env=world.environment,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        world.state.chmod(0o700)

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stdout.count(f"{world.state} cannot be {word} by this user") == 1
    assert "system in local:" in done.stdout


def test_a_folder_in_no_register_is_warned_about_then_an_error_until_it_is_ignored(
    template: Path, tmp_path: Path
) -> None:
    world = make_world(template, tmp_path / "world")
    (world.office / "administraties.dbf").touch()
    stranger = world.administrations / "NIEUW26"
    shutil.copytree(world.administrations / "BAKKER26", stranger)

    first = world.borgmatic("create")
    assert first.returncode == 0, first.stderr
    assert f"{stranger} holds the same tables" in first.stdout + first.stderr
    status, answer = document(world)
    assert status == 1
    assert [one["folder"] for one in answer["unregistered"]] == [str(stranger)]

    # It has been there for longer than overdue_after: also a night without changes ends in 1.
    long_ago = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=3)
    (world.state / "unregistered.json").write_text(
        json.dumps({str(stranger): long_ago.isoformat()})
    )
    unchanged = world.borgmatic("create")
    assert unchanged.returncode == 1
    assert "nothing has changed since" in unchanged.stdout + unchanged.stderr
    assert f"Seen since {long_ago.astimezone():%Y-%m-%d}" in unchanged.stdout + unchanged.stderr

    world.working_day()
    changed = world.borgmatic("create")
    assert changed.returncode == 1
    assert f"{stranger} holds the same tables" in changed.stdout + changed.stderr
    assert not [name for name in world.archives() if name.endswith(".unverified")]

    world.configure(unregistered={"ignore": ["NIEUW*"]})
    assert world.borgmatic("create").returncode == 0
    assert json.loads((world.state / "unregistered.json").read_text()) == {}
