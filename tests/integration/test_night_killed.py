"""A run that is killed (-9): the next one is clean, and nothing in between is taken for good."""

from __future__ import annotations

import os
import shlex
import signal

import pytest
from conftest import COMMANDS, World, until

THE_GROUP = 'kill -9 "-$GROUP"'  # borgmatic, the hook and Borg
BORGMATIC_ONLY = 'kill -9 "$GROUP"'


def kill_at(world: World, command: str, *, after: bool, what: str) -> None:
    """Put a borg first on PATH that kills the first time the command comes, and is Borg else."""
    folder, killed = world.folder / "bin", world.folder / "killed"
    folder.mkdir()
    borg = shlex.quote(str(COMMANDS / "borg"))
    strike = f"GROUP=$(ps -o pgid= -p $$ | tr -d ' '); touch {killed}; {what}"
    script = folder / "borg"
    script.write_text(
        "#!/bin/sh\n"
        f'if [ "$1" != {command} ] || [ -e {killed} ]; then exec {borg} "$@"; fi\n'
        + (f'{borg} "$@"\nstatus=$?\n{strike}\nexit $status\n' if after else "")
        + f'{strike}\nexec {borg} "$@"\n'
    )
    script.chmod(0o755)
    world.environment["PATH"] = f"{folder}:{world.environment['PATH']}"


def assert_the_next_night_is_clean_and_leaves_nothing_over(world: World) -> None:
    done = world.borgmatic("create")

    assert done.returncode == 0, done.stderr
    archives = world.archives()
    assert [name for name in archives if "." in name] == []
    assert not (world.state / "administrations" / "run").exists()
    assert len(world.avplugin_json("snapshots", "BAKKER26")) >= 1


@pytest.mark.parametrize(
    ("command", "after", "what"),
    [
        pytest.param("list", False, THE_GROUP, id="during before-backup"),
        pytest.param("create", False, THE_GROUP, id="before create"),
        pytest.param("create", False, BORGMATIC_ONLY, id="while create goes on to its end"),
        pytest.param("create", True, THE_GROUP, id="behind create"),
        pytest.param("rename", False, THE_GROUP, id="before the archive's name is clean"),
    ],
)
def test_a_run_killed_before_its_archive_is_proven_leaves_none_that_looks_clean(
    world: World, command: str, after: bool, what: str
) -> None:
    kill_at(world, command, after=after, what=what)

    killed = world.start_borgmatic("create")
    killed.communicate(timeout=60)

    assert killed.returncode == -signal.SIGKILL
    assert [name for name in world.archives() if not name.endswith(".unverified")] == []
    assert_the_next_night_is_clean_and_leaves_nothing_over(world)


def test_a_run_killed_right_behind_the_rename_has_made_a_clean_archive(world: World) -> None:
    kill_at(world, "rename", after=True, what=THE_GROUP)

    killed = world.start_borgmatic("create")
    killed.communicate(timeout=60)

    assert killed.returncode == -signal.SIGKILL
    [archive] = world.archives()
    assert "." not in archive
    world.working_day()
    assert_the_next_night_is_clean_and_leaves_nothing_over(world)
    assert len(world.archives()) == 2


@pytest.mark.parametrize("moment", ["before", "behind"])
def test_killed_around_the_commit_of_the_name_the_archive_is_unverified_or_clean(
    world: World, moment: str
) -> None:
    """The Borg that after-backup keeps open is no `borg` on PATH: it is met from the inside."""
    folder, killed = world.folder / "inside", world.folder / "killed"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(
        f"""
import os, pathlib, signal, sys
ways = {{"avplugin.borgmatic.answering_borg", "avplugin.borgmatic.early_borg"}}
if ways & set(sys.orig_argv) and not os.path.exists({str(killed)!r}):
    from borg.repository import Repository
    commit = Repository.commit
    def strike(*words, **options):
        if {moment == "behind"}:
            commit(*words, **options)
        pathlib.Path({str(killed)!r}).touch()
        os.killpg(0, signal.SIGKILL)
    Repository.commit = strike
"""
    )
    world.environment["PYTHONPATH"] = str(folder)

    world.start_borgmatic("create").communicate(timeout=60)

    assert killed.exists()
    world.borg("list", "--lock-wait", "30", world.repository)  # takes the dead one's lock away
    [name] = world.archives()
    assert name.endswith(".unverified") == (moment == "before")
    world.working_day()
    assert_the_next_night_is_clean_and_leaves_nothing_over(world)


def test_a_hook_whose_borgmatic_was_killed_does_not_block_the_next_night(world: World) -> None:
    file = world.borgmatic_file()
    text = file.read_text()
    began = world.state / "administrations" / "run" / "run.json"
    orphan = "'kill -9 $PPID; sleep 0.2; exec avplugin before-backup"
    file.write_text(text.replace("'avplugin before-backup", orphan))

    killed = world.start_borgmatic("create")
    until(began.exists)
    killed.communicate(timeout=60)

    assert killed.returncode == -signal.SIGKILL
    file.write_text(text)
    assert_the_next_night_is_clean_and_leaves_nothing_over(world)


def test_a_checkpoint_of_a_killed_create_goes_once_something_newer_is_clean(world: World) -> None:
    scans = world.administrations / "BAKKER26" / "KOPIEDOC" / "scans.pdf"
    scans.write_bytes(os.urandom(4_000_000))
    shell = world.folder / "not-ssh"
    shell.write_text('#!/bin/sh\nwhile [ "$1" != borg ]; do shift; done\nexec "$@"\n')
    shell.chmod(0o755)
    world.environment["BORG_RELOCATED_REPO_ACCESS_IS_OK"] = "yes"  # archives() asks it by its path
    text = world.borgmatic_file().read_text()
    common = world.folder / "etc" / "borgmatic.d" / "include" / "accountview.yaml"
    common.write_text(
        common.read_text().replace(
            f"path: {world.repository}", f"path: ssh://localhost{world.repository}"
        )
        + f"\nssh_command: {shell}\nrelocated_repo_access_is_ok: true\n"
    )
    world.configure_borgmatic("upload_rate_limit: 500\ncheckpoint_interval: 1")

    def commits() -> list[str]:
        return sorted(path.name for path in world.repository.glob("index.*"))

    before = commits()
    killed = world.start_borgmatic("create")
    until(lambda: commits() not in ([], before))
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate(timeout=60)
    # The other side notices when nobody talks to it any more, and lets go.
    until(lambda: world.borg("list", world.repository).returncode == 0)

    [checkpoint] = world.archives()
    assert checkpoint.endswith(".unverified.checkpoint")
    world.borgmatic_file().write_text(text)
    assert_the_next_night_is_clean_and_leaves_nothing_over(world)


def test_an_unverified_archive_stays_while_it_holds_the_only_copy_of_a_folder(
    world: World,
) -> None:
    kill_at(world, "rename", after=False, what=THE_GROUP)
    world.start_borgmatic("create").communicate(timeout=60)
    [unverified] = world.archives()
    lost, elsewhere = world.administrations / "BAKKER26", world.folder / "elsewhere"
    lost.rename(elsewhere)

    done = world.borgmatic("create")

    assert done.returncode == 1
    assert "BAKKER26 is left out" in done.stderr
    archives = world.archives()
    assert len(archives) == 2
    assert unverified in archives
    said = world.avplugin("snapshots", "BAKKER26").stdout
    assert unverified in said

    elsewhere.rename(lost)
    assert_the_next_night_is_clean_and_leaves_nothing_over(world)
