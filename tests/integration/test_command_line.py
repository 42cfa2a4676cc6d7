"""The command line itself: how it starts, what it prints where, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import COMMANDS, World

from avplugin import __version__

HEAVY = ("borgmatic", "dbfread", "jsonschema", "openpyxl", "pefile", "rich", "yaml", "sqlite3")


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Two administrations and no repository; nothing changes it."""
    folder = tmp_path_factory.mktemp("command-line")
    world = World(folder)
    for name in ("program", "system", "admins/A", "admins/Klant [12]"):
        (folder / name).mkdir(parents=True)
        (folder / name / "table.dbf").touch()
    world.configuration.parent.mkdir()
    world.configuration.write_text(
        f"""
installation: {{name: office, program: {folder}/program, system: {folder}/system}}
administrations: [{{folders: {folder}/admins/*}}]
state: {folder}/state
sessions: {{assume_nobody: true}}
"""
    )
    return world


def test_help_loads_nothing_heavy() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "avplugin", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}

    assert "click" in loaded
    assert [name for name in HEAVY if name in loaded] == []
    assert "Usage: avplugin" in done.stdout


def test_every_command_says_what_it_does_and_is_there(office: World) -> None:
    listed = office.avplugin("--help").stdout.split("Commands:\n")[1].splitlines()
    commands = [line.split()[0] for line in listed if line.startswith("  ") and line[2] != " "]

    assert len(commands) >= 8
    for command in commands:
        done = office.avplugin(command, "--help")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith(f"Usage: avplugin {command} ")


def test_the_version_is_told(office: World) -> None:
    assert office.avplugin("--version").stdout == f"avplugin, version {__version__}\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["--nonsense", "administrations"], "No such option '--nonsense'"),
        (["administrations", "--nonsense"], "No such option '--nonsense'"),
        (["administrations", "extra"], "unexpected extra argument"),
        (["before-backup"], "Missing argument 'SET'"),
        (["--config"], "Option '--config' requires an argument"),
        ([], "Usage: avplugin"),
    ],
)
def test_a_wrong_word_ends_in_2_with_the_usage(
    office: World, words: list[str], message: str
) -> None:
    done = office.avplugin(*words)

    assert done.returncode == 2
    assert message in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    "words", [["before-backup"], ["after-backup"], ["failed-backup"], ["backup"]]
)
def test_a_set_that_is_not_there_ends_in_2(office: World, words: list[str]) -> None:
    done = office.avplugin(*words, "nightly")

    assert done.returncode == 2
    assert done.stderr == (
        f"avplugin: there is no set nightly in {office.configuration};"
        " there are system, administrations.\n"
    )


def test_a_table_is_as_wide_as_it_needs_where_nobody_sees_it(office: World) -> None:
    lines = office.avplugin("administrations").stdout.splitlines()

    assert lines[0].split() == [*("Code", "Name", "Folder", "Copy", "documents", "Sets", "Proven")]
    assert [line.split("  ")[0] for line in lines[1:3]] == ["A", "Klant [12]"]
    assert lines[3] == f"program: {office.folder}/program (proven: never)"


def test_json_is_all_that_is_printed_with_json(office: World) -> None:
    answer = office.avplugin_json("-v", "administrations")

    assert [entry["code"] for entry in answer["administrations"]] == ["A", "Klant [12]"]
    assert answer["administrations"][0]["sets"] == ["administrations"]
    assert answer["bad"] == []


def test_names_that_a_terminal_would_obey_are_made_visible(office: World, tmp_path: Path) -> None:
    (tmp_path / "admins" / "\x1b[31mA\u202e").mkdir(parents=True)
    (tmp_path / "admins" / "[b]B").mkdir(parents=True)
    for folder in (tmp_path / "admins").iterdir():
        (folder / "table.dbf").touch()
    configuration = tmp_path / "accountview.yaml"
    configuration.write_text(
        office.configuration.read_text().replace(
            str(office.folder / "admins"), f"{tmp_path}/admins"
        )
    )

    done = office.avplugin("--config", configuration, "administrations")

    assert "\x1b" not in done.stdout + done.stderr
    assert "\u202e" not in done.stdout + done.stderr
    assert "[b]B" in done.stdout


def test_whoever_has_read_enough_may_close_the_pipe(office: World) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [COMMANDS / "avplugin", "administrations"],
        env=office.environment,
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(write)

    assert done.stderr == ""
    assert done.returncode in {1, -signal.SIGPIPE}


def test_ctrl_c_ends_in_130_with_one_line(office: World, tmp_path: Path) -> None:
    """The configuration is a pipe into which nobody writes: the command has to wait for it."""
    configuration = tmp_path / "accountview.yaml"
    os.mkfifo(configuration)
    process = subprocess.Popen(
        [COMMANDS / "avplugin", "--config", configuration, "administrations"],
        env=office.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with configuration.open("w"):  # from here on it reads, and there is nothing to read
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)

    # The line break takes the cursor past the terminal's own ^C.
    assert (process.returncode, out, err) == (130, "", "\navplugin: stopped.\n")


def test_a_full_disk_below_the_output_is_an_error_and_no_traceback(office: World) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [COMMANDS / "avplugin", "--json", "administrations"],
            env=office.environment,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert done.returncode == 1
    assert done.stderr == "avplugin: No space left on device.\n"


def test_errors_leave_standard_output_to_json(office: World, tmp_path: Path) -> None:
    done = office.avplugin("--json", "--config", tmp_path / "gone.yaml", "administrations")

    assert (done.returncode, done.stdout) == (1, "")
    assert json.dumps(done.stderr).count("Traceback") == 0
    assert done.stderr.startswith("avplugin: cannot read the configuration ")
