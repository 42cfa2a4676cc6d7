"""avplugin schedule: what it writes and where, and that it leaves alone what is not its own."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from conftest import World, make_world, without_privileges

STAND_IN = Path(__file__).parents[1] / "stand_ins" / "windows_tasks.py"


@pytest.fixture(scope="module")
def world(template: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    """An office; nothing here changes it."""
    return make_world(template, tmp_path_factory.mktemp("schedule") / "world")


@pytest.fixture
def system(tmp_path: Path) -> Path:
    """The top folder of a system with cron."""
    (tmp_path / "etc" / "cron.d").mkdir(parents=True)
    (tmp_path / "usr" / "sbin").mkdir(parents=True)
    (tmp_path / "usr" / "sbin" / "cron").touch()
    return tmp_path


@pytest.fixture
def windows(tmp_path: Path) -> dict[str, str]:
    """The environment of a WSL whose Windows has a Task Scheduler."""
    commands = tmp_path / "windows"
    commands.mkdir()
    for name in ("schtasks.exe", "whoami.exe", "wslpath"):
        (commands / name).write_text(f"#!{sys.executable}\n{STAND_IN.read_text()}")
        (commands / name).chmod(0o755)
    (tmp_path / "tasks.json").write_text('{"tasks": {}, "refuses": false}')
    return {
        "PATH": f"{Path(sys.executable).parent}:{commands}:{os.environ['PATH']}",
        "WINDOWS_TASKS": str(tmp_path / "tasks.json"),
        "TMPDIR": "/tmp",
    }


def test_cron_gets_a_file_once_and_it_is_shown(world: World, system: Path) -> None:
    file = system / "etc" / "cron.d" / "avplugin"

    first = world.avplugin("schedule", "install", "--cron", "--root", system, "--mail-to", "a@b.nl")
    text = file.read_text()
    second = world.avplugin(
        "schedule", "install", "--cron", "--root", system, "--mail-to", "a@b.nl"
    )

    assert first.returncode == second.returncode == 0, first.stderr + second.stderr
    assert text in first.stdout
    assert f"{file}: written." in first.stdout
    assert second.stdout == f"{file}: already so.\n"
    assert file.read_text() == text
    assert file.stat().st_mode & 0o777 == 0o644  # cron passes over what others may write
    assert "\nMAILTO=a@b.nl\n" in text
    assert f"\nAVPLUGIN_CONFIG={world.configuration}\n" in text
    for name in ("system", "administrations"):
        assert f"--config {world.borgmatic_file(name)} " in text


def test_what_somebody_wrote_by_hand_stays_as_it_is(world: World, system: Path) -> None:
    file = system / "etc" / "cron.d" / "avplugin"
    file.write_text("0 2 * * * root borgmatic create\n")

    installed = world.avplugin("schedule", "install", "--cron", "--root", system)
    removed = world.avplugin("schedule", "remove", "--cron", "--root", system)

    assert installed.returncode == removed.returncode == 1
    assert "was not written by avplugin" in installed.stderr
    assert file.read_text() == "0 2 * * * root borgmatic create\n"


def test_of_several_units_none_is_written_if_one_is_somebody_elses(
    world: World, system: Path
) -> None:
    units = system / "etc" / "systemd" / "system"
    units.mkdir(parents=True)
    (units / "avplugin-prune.timer").symlink_to("/dev/null")  # masked

    done = world.avplugin("schedule", "install", "--systemd", "--root", system)

    assert done.returncode == 1
    assert "avplugin-prune.timer was not written by avplugin" in done.stderr
    assert [file.name for file in units.iterdir()] == ["avplugin-prune.timer"]


def test_systemd_gets_units_and_what_is_left_to_do_is_said(world: World, system: Path) -> None:
    units = system / "etc" / "systemd" / "system"

    done = world.avplugin(
        "schedule", "install", "--systemd", "--root", system, "--every", "10m", "--prune-at", "7:00"
    )
    shown = world.avplugin("schedule", "show", "--root", system)

    assert done.returncode == 0, done.stderr
    assert f"systemctl --root {system} enable avplugin-create.timer" in done.stderr
    assert {file.name for file in units.iterdir()} == {
        f"avplugin-{name}.{kind}" for name in ("create", "prune") for kind in ("service", "timer")
    }
    assert "*:0/10:00" in (units / "avplugin-create.timer").read_text()
    assert "07:00:00" in (units / "avplugin-prune.timer").read_text()
    assert shown.returncode == 0
    assert "not enabled: avplugin-create.timer" in shown.stderr
    assert world.repository.name in (units / "avplugin-create.service").read_text()


def test_the_schedule_can_be_moved_and_removed(world: World, system: Path) -> None:
    world.avplugin("schedule", "install", "--cron", "--root", system)

    refused = world.avplugin("schedule", "install", "--systemd", "--root", system)
    removed = world.avplugin("schedule", "remove", "--cron", "--root", system)
    again = world.avplugin("schedule", "remove", "--cron", "--root", system)
    none = world.avplugin("schedule", "show", "--root", system)

    assert refused.returncode == 1
    assert "'avplugin schedule remove --cron' first" in refused.stderr
    assert removed.returncode == again.returncode == 0
    assert "removed" in removed.stdout
    assert "cron has no schedule of avplugin's" in again.stdout
    assert not (system / "etc" / "cron.d" / "avplugin").exists()
    assert none.returncode == 1
    assert "nothing starts the backups of this machine" in none.stderr


def test_a_line_of_somebodys_own_is_seen(world: World, system: Path) -> None:
    (system / "etc" / "crontab").write_text("# borgmatic\n0 1 * * * root borgmatic create\n")

    shown = world.avplugin_json("schedule", "show", "--root", system)

    assert shown == {"installed": [], "others": [str(system / "etc" / "crontab")]}


def test_without_cron_nothing_is_written_for_it(world: World, tmp_path: Path) -> None:
    done = world.avplugin("schedule", "install", "--cron", "--root", tmp_path)

    assert done.returncode == 1
    assert "cron is not installed" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="is about another user than root")
def test_who_is_not_root_is_told_so(world: World) -> None:
    done = world.run(
        *("setpriv", "--reuid", "65534", "--clear-groups"),
        *("avplugin", "schedule", "install", "--systemd"),
    )

    assert done.returncode == 1
    assert "sudo" in done.stderr


def test_a_folder_that_cannot_be_written_to_is_told_in_two_lines(
    world: World, system: Path
) -> None:
    (system / "etc" / "cron.d").chmod(0o555)

    done = world.run(
        *without_privileges(),
        *("avplugin", "schedule", "install", "--cron", "--root", system),
    )

    assert done.returncode == 1
    assert "cannot write" in done.stderr
    assert len(done.stderr.splitlines()) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["install"], "say which: --cron, --systemd or --task-scheduler"),
        (["install", "--cron", "--every", "7m"], "no interval"),
        (["install", "--cron", "--every", "10m", "--at", "2:00"], "exclude each other"),
        (["install", "--systemd", "--cron"], "--cron and --systemd exclude each other"),
        (["install", "--systemd", "--mail-to", "a@b.nl"], "--mail-to is cron's"),
        (["install", "--cron", "--password"], "go with --task-scheduler"),
        (["show", "--at", "2:00"], "need --cron"),
        (["show", "--cron", "--prune-at", "25:00"], "no time of the day"),
    ],
)
def test_words_that_cannot_be_meant_are_refused(
    world: World, system: Path, words: list[str], said: str
) -> None:
    done = world.avplugin("schedule", *words, "--root", system)

    assert done.returncode == 2
    assert said in done.stderr
    assert list((system / "etc" / "cron.d").iterdir()) == []


def test_windows_gets_its_tasks_once(world: World, windows: dict[str, str]) -> None:
    install = ("schedule", "install", "--task-scheduler")

    # The file must be readable for Windows, which is not root, whatever is usual here.
    first = world.run("sh", "-c", f"umask 077; avplugin {' '.join(install)}", **windows)
    second = world.avplugin(*install, **windows)
    changed = world.avplugin(*install, "--at", "3:00", **windows)
    tasks = json.loads(Path(windows["WINDOWS_TASKS"]).read_text())["tasks"]
    shown = world.avplugin("schedule", "show", **windows)
    removed = world.avplugin("schedule", "remove", "--task-scheduler", **windows)

    assert first.returncode == second.returncode == changed.returncode == 0, first.stderr
    assert "\\avplugin\\create: written." in first.stdout
    assert second.stdout == "\\avplugin\\create: already so.\n\\avplugin\\prune: already so.\n"
    assert "\\avplugin\\create: written.\n\\avplugin\\prune: already so.\n" in changed.stdout
    assert "T03:00:00" in tasks["\\avplugin\\create"]
    assert "kantoor\\beheerder" in tasks["\\avplugin\\create"]
    assert "-d Debian -u root" in tasks["\\avplugin\\create"]
    assert "task-scheduler: \\avplugin\\create, \\avplugin\\prune" in shown.stdout
    assert removed.returncode == 0
    assert json.loads(Path(windows["WINDOWS_TASKS"]).read_text())["tasks"] == {}


def test_a_task_that_was_switched_off_is_seen_and_switched_on_again(
    world: World, windows: dict[str, str]
) -> None:
    world.avplugin("schedule", "install", "--task-scheduler", **windows)
    file = Path(windows["WINDOWS_TASKS"])
    state = file.read_text()
    file.write_text(state.replace("<Enabled>true<", "<Enabled>false<", 1))

    shown = world.avplugin("schedule", "show", **windows)
    again = world.avplugin("schedule", "install", "--task-scheduler", **windows)

    assert "disabled in the Task Scheduler: \\avplugin\\create" in shown.stderr
    assert "\\avplugin\\create: written." in again.stdout
    assert file.read_text() == state


def test_a_task_of_somebody_else_stays_as_it_is(world: World, windows: dict[str, str]) -> None:
    file = Path(windows["WINDOWS_TASKS"])
    file.write_text(json.dumps({"tasks": {"\\avplugin\\create": "<Task/>"}, "refuses": False}))
    before = file.read_text()

    for action in ("install", "remove"):
        done = world.avplugin("schedule", action, "--task-scheduler", **windows)
        assert done.returncode == 1
        assert "was not made by avplugin" in done.stderr
    assert file.read_text() == before


def test_a_windows_that_refuses_is_told_with_what_to_do(
    world: World, windows: dict[str, str]
) -> None:
    Path(windows["WINDOWS_TASKS"]).write_text('{"tasks": {}, "refuses": true}')

    done = world.avplugin("schedule", "install", "--task-scheduler", **windows)

    assert done.returncode == 1
    assert "Access is denied" in done.stderr
    assert "as administrator of Windows" in done.stderr


def test_without_windows_the_files_can_be_written_to_a_folder(world: World, tmp_path: Path) -> None:
    words = ("--task-scheduler", "--windows-user", "KANTOOR\\jan", "--distribution", "Debian")

    refused = world.avplugin("schedule", "install", *words)
    nameless = world.avplugin("schedule", "show", "--task-scheduler", WSL_DISTRO_NAME="")
    done = world.avplugin("schedule", "show", *words, "--into", tmp_path / "tasks")

    assert refused.returncode == 1
    assert "there is no schtasks.exe here" in refused.stderr
    assert "--windows-user and --distribution must be given" in nameless.stderr
    assert done.returncode == 0, done.stderr
    files = {file.name: file for file in (tmp_path / "tasks").iterdir()}
    assert set(files) == {"avplugin-create.xml", "avplugin-prune.xml"}
    assert "KANTOOR\\jan" in files["avplugin-create.xml"].read_text("utf-16")


def test_a_start_that_is_not_wanted_any_more_is_taken_away(world: World, system: Path) -> None:
    units = system / "etc" / "systemd" / "system"
    with_report = world.folder / "etc" / "with report.yaml"
    with_report.write_text(world.configuration.read_text())
    mailing = {"report": {"mail_to": ["a@b.nl"]}, "mail": {"server": "b.nl", "from": "c@b.nl"}}
    world.edit(with_report, lambda document: document.update(mailing))
    install = ("schedule", "install", "--systemd", "--root", system)

    first = world.avplugin("--config", with_report, *install)
    assert first.returncode == 0, first.stderr
    there = {file.name for file in units.iterdir()}
    done = world.avplugin(*install)

    assert "avplugin-report.timer" in there
    assert done.returncode == 0, done.stderr
    assert f"{units / 'avplugin-report.timer'}: removed." in done.stdout
    assert {file.name for file in units.iterdir()} == {
        name for name in there if "report" not in name
    }
