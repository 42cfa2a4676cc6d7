"""avplugin backup: what a person sees who starts a backup."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess

from conftest import COMMANDS, World
from terminal import Terminal

SUMMARY = re.compile(
    r"administrations in local: \d+ folders, \d+ files, [\d.]+ kB stored clean,"
    r" [\d.]+ kB of it new; took \d+ s\."
)


def test_a_backup_ends_with_what_was_stored_and_how_much_of_it_was_new(world: World) -> None:
    done = world.avplugin("backup", "administrations")

    assert done.returncode == 0, done.stderr
    assert SUMMARY.fullmatch(done.stdout.splitlines()[-1])
    assert done.stderr == ""
    assert "{" not in done.stdout
    assert len(world.archives()) == 1


def test_all_sets_are_backed_up_unless_one_is_named_and_nothing_new_is_75(world: World) -> None:
    first = world.avplugin("--json", "backup")
    again = world.avplugin("backup")
    table = world.administrations / "BAKKER26" / "GROOTBOEK.DBF"
    table.write_bytes(table.read_bytes() + b"more")
    third = world.avplugin("backup")

    assert first.returncode == 0, first.stderr
    answer = json.loads(first.stdout)
    assert [entry["set"] for entry in answer] == ["system", "administrations"]
    assert {entry["status"] for entry in answer} == {"clean"}
    assert set(answer[0]) == {
        *("run", "repository", "repository_id", "started", "ended", "status", "archive"),
        *("reasons", "folders", "files", "size", "set", "seconds", "new_bytes"),
        *("left_out", "in_use", "people", "changed", "gone"),
        *("repository_path", "repository_bytes"),
    }
    assert again.returncode == 75
    assert again.stdout.count("nothing has changed since the clean snapshot") == 2
    assert third.returncode == 0
    assert third.stdout.count("nothing has changed since the clean snapshot") == 1
    assert SUMMARY.fullmatch(third.stdout.splitlines()[-1])
    assert [name.endswith(".unverified") for name in world.archives()] == [False] * 3


def test_what_goes_wrong_is_said_and_the_other_set_goes_on(world: World) -> None:
    table = world.office / "Programma" / "Systeem" / "LICENTIE.DBF"
    world.add_hook(
        "- after: action\n  when: [create]\n  states: [finish]\n"
        f"  run: [\"printf X >> '{table}'\"]",
        set_name="system",
        first=True,
    )

    done = world.avplugin("backup")

    assert done.returncode == 1
    assert re.search(
        r"system in local: accountview-system-\S+\.unverified is NOT clean\.", done.stdout
    )
    assert SUMMARY.fullmatch(done.stdout.splitlines()[-1])
    assert "system changed while it was copied: LICENTIE.DBF" in done.stderr
    assert "{" not in done.stdout + done.stderr


def test_an_error_of_borgmatic_comes_through(world: World) -> None:
    shutil.rmtree(world.repository)

    done = world.avplugin("backup", "administrations")

    assert done.returncode == 1
    assert f"the repository {world.repository} does not exist" in done.stderr
    assert "Traceback" not in done.stderr
    assert "{" not in done.stdout + done.stderr


def test_a_set_whose_hooks_are_missing_is_an_error(world: World) -> None:
    file = world.borgmatic_file()
    file.write_text(file.read_text().partition("commands:")[0])
    patterns = world.state / "administrations" / "patterns"
    patterns.parent.mkdir(parents=True)
    patterns.write_text(f"R {world.administrations}\n")  # borgmatic wants to see one

    done = world.avplugin("backup", "administrations")

    assert done.returncode == 1
    assert "called no hook of avplugin" in done.stderr
    assert f"{file} needs the 'commands' of configs/borgmatic.d/" in done.stderr


def test_an_unknown_set_is_wrong_usage_that_names_the_known_ones(world: World) -> None:
    done = world.avplugin("backup", "administratie")

    assert done.returncode == 2
    assert "there is no set administratie" in done.stderr
    assert "there are system, administrations." in done.stderr


def test_neither_path_nor_environment_has_to_know_avplugin(world: World) -> None:
    """Called by its whole path, with --config, as from a scheduler."""
    elsewhere = world.folder / "etc" / "kantoor.yaml"
    world.configuration.rename(elsewhere)

    done = subprocess.run(
        [COMMANDS / "avplugin", "--config", "etc/kantoor.yaml", "backup", "administrations"],
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": str(world.folder),
            "BORG_BASE_DIR": world.environment["BORG_BASE_DIR"],
        },
        cwd=world.folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr
    assert SUMMARY.fullmatch(done.stdout.splitlines()[-1])


def make_bigger(world: World) -> None:
    """Give Borg more than a moment's work: many files, since it reports between files."""
    folder = world.administrations / "BAKKER26"
    for number in range(60):
        (folder / f"SCAN{number:03}.TIF").write_bytes(os.urandom(1_000_000))


def test_in_a_terminal_it_shows_how_far_it_is_in_per_cent(world: World) -> None:
    make_bigger(world)

    terminal = Terminal(world, "avplugin", "backup", "administrations")
    status = terminal.end()

    assert status == 0, terminal.shown
    shown = [int(number) for number in re.findall(r"(\d+)%", terminal.shown)]
    assert any(0 < number < 100 for number in shown)
    assert shown == sorted(shown)
    assert "Backing up administrations" in terminal.shown
    assert "archive_progress" not in terminal.shown
    assert '{"' not in terminal.shown
    assert "stored clean" in terminal.shown


def test_ctrl_c_leaves_nothing_half_done(world: World) -> None:
    make_bigger(world)
    terminal = Terminal(world, "avplugin", "backup", "administrations")
    terminal.read_until("0%")

    terminal.type("\x03")
    status = terminal.end()

    assert status == 130, terminal.shown
    assert "avplugin: stopped." in terminal.shown
    assert "Traceback" not in terminal.shown, terminal.shown[terminal.shown.index("^C") :]
    assert not [name for name in world.archives() if not name.endswith((".unverified", "point"))]
    assert world.avplugin("backup", "administrations").returncode == 0
    [archive] = world.archives()
    assert not archive.endswith(".unverified")


def test_a_backup_that_is_ended_by_a_signal_takes_borgmatic_along(world: World) -> None:
    make_bigger(world)
    terminal = Terminal(world, "avplugin", "backup", "administrations")
    terminal.read_until("0%")

    os.kill(terminal.process.pid, signal.SIGTERM)
    status = terminal.end()  # only when nobody has the terminal any more

    assert status == 143, terminal.shown
    assert not [name for name in world.archives() if not name.endswith((".unverified", "point"))]


def test_without_borgmatic_it_says_what_to_install(world: World) -> None:
    # Python believes to be in an environment that has no borgmatic.
    code = "import sys; sys.executable = sys.argv.pop(1); from avplugin.__main__ import *; main()"
    words = ("-c", code, world.folder / "bin" / "python", "backup", "system")

    done = world.run(COMMANDS / "python", *words, PATH="/usr/bin:/bin")

    assert done.returncode == 1
    assert done.stderr.startswith("avplugin: borgmatic is not installed.\n")
