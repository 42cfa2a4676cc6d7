"""Nights on which something is wrong: the message says what, and nothing is lost."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import World, without_privileges

CLEAN = re.compile(r"accountview-administrations-\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")


def hook(world: World, name: str, *before: str) -> subprocess.CompletedProcess[str]:
    """Run a hook as borgmatic would, but by hand."""
    return world.run(
        *before,
        *("avplugin", name, "administrations"),
        *("--borgmatic-config", world.borgmatic_file(), "--repository", world.repository),
    )


def create_by_hand(world: World, name: str) -> None:
    """Make an archive as borgmatic's create does, out of what before-backup prepared."""
    done = world.borg(
        *("create", "--patterns-from", world.state / "administrations" / "patterns"),
        f"{world.repository}::{name}",
    )
    assert done.returncode == 0, done.stderr


def replace(file: Path, old: str, new: str) -> None:
    """Change one place of a file that must be there."""
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def common_file(world: World) -> Path:
    """Return the file that borgmatic's configurations of all sets include."""
    return world.folder / "etc" / "borgmatic.d" / "include" / "accountview.yaml"


# The clock


def test_a_clock_that_is_behind_is_an_error_each_night_and_in_no_backups_way(world: World) -> None:
    world.configure_borgmatic("extra_borg_options: {create: '--timestamp 2097-03-01T02:00:00'}")
    done = world.borgmatic("create")
    assert done.returncode == 0, done.stderr

    unchanged = world.borgmatic("create")
    world.working_day(2)
    done = world.borgmatic("create")
    replace(world.borgmatic_file(), "2097-03-01T02", "2021-02-01T02")
    world.working_day(3)
    last = world.borgmatic("create", "prune")

    first = "accountview-administrations-2097-03-01T02:00:00"
    for night in (unchanged, done, last):
        assert "administrations: this machine's clock says 20" in night.stderr
        assert (night.returncode, "is of 2097-03-01 " in night.stderr) == (1, True)
    assert "nothing has changed since" in unchanged.stderr
    assert sorted(world.archives()) == [
        "accountview-administrations-2021-02-01T02:00:00",
        first,
        f"{first[:-1]}1",  # names do not collide
    ]

    world.keep(daily=1)
    pruned = world.borgmatic("prune")

    assert pruned.returncode == 0, pruned.stderr
    held = [name for name in world.archives() if name.endswith(".hold")]
    assert held == ["accountview-administrations-2021-02-01T02:00:00.hold"]


# The repository


def test_a_missing_repository_is_named_with_the_command_that_makes_it(world: World) -> None:
    shutil.rmtree(world.repository)

    done = world.borgmatic("create")

    assert done.returncode == 1
    assert f"the repository {world.repository} does not exist" in done.stderr
    assert "borgmatic repo-create --encryption repokey-blake2" in done.stderr


def test_a_wrong_passphrase_is_named(world: World) -> None:
    (world.folder / "etc" / "passphrase").write_text("another\n")

    done = world.borgmatic("create")

    assert done.returncode == 1
    assert f"the repository {world.repository} wants another passphrase" in done.stderr


def test_a_repository_swapped_while_the_backup_ran_is_noticed(world: World, template: Path) -> None:
    assert hook(world, "before-backup").returncode == 0
    shutil.rmtree(world.repository)
    passphrase = (world.folder / "etc" / "passphrase").read_text().strip()
    made = world.run(
        *("borg", "init", "--encryption", "repokey-blake2", world.repository),
        BORG_PASSPHRASE=passphrase,
    )
    assert made.returncode == 0, made.stderr
    create_by_hand(world, "accountview-administrations-2026-11-22T02:00:00.unverified")

    done = hook(world, "after-backup")

    assert done.returncode == 1
    assert "is another repository now than when the backup began" in done.stderr
    assert world.archives() == ["accountview-administrations-2026-11-22T02:00:00.unverified"]


def test_lost_state_is_made_good_but_another_installation_is_refused_until_adopted(
    world: World,
) -> None:
    assert world.borgmatic("create").returncode == 0
    shutil.rmtree(world.state)

    done = world.borgmatic("create")

    assert done.returncode == 0
    assert "nothing has changed since the clean snapshot" in done.stdout

    shutil.rmtree(world.state)
    shutil.copytree(world.office / "Programma", world.folder / "Elders")
    world.edit(
        world.configuration,
        lambda document: document["installation"].update(
            program=str(world.folder / "Elders"), system=str(world.folder / "Elders" / "Systeem")
        ),
    )
    world.working_day()

    done = hook(world, "before-backup")

    assert done.returncode == 1
    assert "were made by another installation" in done.stderr
    assert "avplugin backup administrations --adopt" in done.stderr
    assert len(world.archives()) == 1

    done = world.avplugin("backup", "administrations", "--adopt")

    assert done.returncode == 0, done.stderr
    assert len(world.archives()) == 2
    assert all(CLEAN.fullmatch(name) for name in world.archives())


# The state folder


def test_a_state_folder_that_cannot_be_written_stops_the_night_with_a_clear_message(
    world: World,
) -> None:
    world.state.mkdir(mode=0o500)

    done = hook(world, "before-backup", *without_privileges())

    assert done.returncode == 1
    assert f"cannot make {world.state}/administrations: Permission denied" in done.stderr
    assert "must be writable" in done.stderr
    assert list(world.state.iterdir()) == []


def test_a_disk_that_fills_up_leaves_no_half_run_and_the_next_night_is_fine(world: World) -> None:
    for number in range(2000):  # their list is what does not fit
        (world.administrations / "BAKKER26" / f"{'A long name ' * 8}{number}.PDF").touch()

    done = hook(world, "before-backup", "prlimit", "--fsize=200000")

    assert done.returncode == 1
    assert "cannot write" in done.stderr
    assert "with room left" in done.stderr
    assert not (world.state / "administrations" / "run").exists()

    done = world.borgmatic("create")

    assert done.returncode == 0, done.stderr
    [archive] = world.archives()
    assert CLEAN.fullmatch(archive)


# Borg itself


def test_a_borg_that_is_missing_or_of_another_age_is_named(world: World) -> None:
    stand_in = world.folder / "stand-in-borg"
    world.configure_borgmatic(f"local_path: {stand_in}")

    done = hook(world, "before-backup")

    assert done.returncode == 1
    assert f"cannot start Borg ({stand_in})" in done.stderr
    assert "pip install borgbackup" in done.stderr

    for version in ("1.2.4", "2.0.0b14"):
        stand_in.write_text(f"#!/bin/sh\necho borg {version}\n")
        stand_in.chmod(0o755)
        done = hook(world, "before-backup")
        assert done.returncode == 1
        assert f"{stand_in} is borg {version}; avplugin needs Borg 1, from 1.4.5 on" in done.stderr
    assert not (world.state / "administrations" / "run").exists()


# Folders


def test_bad_folders_are_left_out_and_named_while_the_others_are_stored_clean(
    world: World,
) -> None:
    shutil.rmtree(world.administrations / "BAKKER26")
    for path in (world.administrations / "Klant 1").iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    unreadable = world.administrations / "Klant 2"
    unreadable.chmod(0)
    world.configure_borgmatic("retries: 1")
    config = str(world.borgmatic_file())
    night = [*without_privileges(), "borgmatic", "--config", config, "create"]

    first = world.run(*night)
    second = world.run(*night)
    unreadable.chmod(0o755)

    for done in (first, second):
        assert done.returncode == 1
        for code in ("BAKKER26", "KLANT1", "KLANT2"):
            assert f"{code} is left out" in done.stderr
    assert "nothing has changed" in second.stderr
    [archive] = world.archives()
    assert CLEAN.fullmatch(archive)
    assert world.avplugin("snapshots", "KLANT12").returncode == 0


def test_a_state_folder_or_repository_inside_accountview_is_refused(world: World) -> None:
    inside = world.administrations / "BAKKER26" / "backup"
    shutil.copytree(world.repository, inside)
    replace(common_file(world), f"path: {world.repository}", f"path: {inside}")

    done = world.avplugin("before-backup", "administrations")

    assert done.returncode == 1
    assert f"the repository {inside} lies inside BAKKER26" in done.stderr

    state = world.administrations / "BAKKER26" / "state"
    world.configure(state=str(state))
    replace(world.borgmatic_file(), str(world.state), str(state))

    done = world.avplugin("before-backup", "administrations")

    assert done.returncode == 1
    assert f"the state folder {state} lies inside BAKKER26" in done.stderr


# What borgmatic is told


@pytest.mark.parametrize(
    ("right", "wrong", "named"),
    [
        pytest.param(
            "%S}.unverified'", "%S}'", "archive_name_format must be", id="name looks clean"
        ),
        pytest.param(
            "{now:%Y-%m-%dT%H:%M:%S}", "{now}", "archive_name_format must be", id="other name"
        ),
        pytest.param("'sh:accountview", "'sh:*accountview", "match_archives must be", id="match"),
        pytest.param("administrations/patterns", "other", "patterns_from must name", id="patterns"),
    ],
)
def test_a_setting_that_breaks_a_promise_is_refused_before_anything_is_copied(
    world: World, right: str, wrong: str, named: str
) -> None:
    replace(world.borgmatic_file(), right, wrong)

    done = hook(world, "before-backup")

    assert done.returncode == 1
    assert f"{world.borgmatic_file()}: {named}" in done.stderr
    assert not world.state.exists()


def test_folders_that_the_user_adds_to_borgmatic_leave_the_archive_unverified(
    world: World,
) -> None:
    (world.folder / "mail").mkdir()
    world.configure_borgmatic(f"source_directories: [{world.folder / 'mail'}]")

    done = world.borgmatic("create")

    assert done.returncode == 1
    [archive] = world.archives()
    assert archive.endswith(".unverified")
    mail = str(world.folder / "mail").lstrip("/")
    assert f"in the archive, but not meant to be: {mail}" in done.stderr


# Hooks by hand


def test_hooks_called_out_of_order_say_what_is_missing(world: World) -> None:
    after = hook(world, "after-backup")
    failed = hook(world, "failed-backup")

    assert after.returncode == 1
    assert "before-backup did not run for the set administrations" in after.stderr
    assert failed.returncode == 0
    assert failed.stdout + failed.stderr == ""

    assert hook(world, "before-backup").returncode == 0
    without_archive = hook(world, "after-backup")

    assert without_archive.returncode == 1
    assert "no archive of this run is in" in without_archive.stderr
    outcomes = json.loads((world.state / "administrations" / "outcomes.json").read_text())
    assert [outcome["status"] for outcome in outcomes] == ["failed"]


def test_hooks_by_hand_prove_an_archive_and_block_no_borgmatic(world: World) -> None:
    assert hook(world, "before-backup").returncode == 0

    done = world.borgmatic("create")
    late = hook(world, "after-backup")

    assert done.returncode == 0, done.stderr
    assert late.returncode == 1

    world.working_day()
    assert hook(world, "before-backup").returncode == 0
    create_by_hand(world, "accountview-administrations-2030-01-01T02:00:00.unverified")
    proven = hook(world, "after-backup")

    assert proven.returncode == 0, proven.stderr
    assert "accountview-administrations-2030-01-01T02:00:00" in world.archives()
