"""A restore begins with what a repository held the last time, and counts if it still does."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from conftest import World, tree

CODE = "BAKKER26"


@pytest.fixture
def office(world: World) -> World:
    """An office with two versions of BAKKER26; what is known of the repository is of the first."""
    assert world.borgmatic("create").returncode == 0
    assert world.avplugin("snapshots").returncode == 0
    known = world.state / "catalogue.sqlite"
    shutil.copy2(known, world.folder / "known")
    table = world.administrations / CODE / "NOTITIE.TXT"
    table.write_text("of the second night")
    assert world.borgmatic("create").returncode == 0
    shutil.copy2(world.folder / "known", known)
    return world


def restore(world: World, *words: str) -> Path:
    target = world.folder / "new"
    done = world.avplugin("-v", "restore", CODE, "--new", target, "--yes", *words)
    assert done.returncode == 0, done.stderr
    assert not [path for path in world.folder.iterdir() if "avplugin-restore" in path.name]
    return target


def test_a_newer_version_that_nobody_here_knew_of_is_what_comes_back(office: World) -> None:
    target = restore(office)

    assert (target / "NOTITIE.TXT").read_text() == "of the second night"


def test_a_snapshot_that_came_since_can_be_named(office: World) -> None:
    name = office.archives()[-1]

    target = restore(office, "--archive", name)

    assert (target / "NOTITIE.TXT").exists()


def test_a_version_that_is_gone_is_not_taken_for_the_newest(office: World) -> None:
    assert office.avplugin("snapshots").returncode == 0  # both are known
    assert office.borg("delete", f"{office.repository}::{office.archives()[-1]}").returncode == 0

    target = restore(office)

    assert not (target / "NOTITIE.TXT").exists()


def test_what_is_there_is_not_asked_for_twice(office: World) -> None:
    assert office.avplugin("snapshots").returncode == 0

    done = office.avplugin("-v", "restore", CODE, "--original", "--yes")

    assert done.returncode == 0, done.stderr
    assert "Looking again" not in done.stdout
    before = next(office.administrations.glob(f"{CODE}.before-restore-*"))
    assert tree(office.administrations / CODE).keys() == tree(before).keys()


def test_a_repository_that_is_away_is_told_as_ever_and_nothing_is_changed(office: World) -> None:
    assert office.avplugin("snapshots").returncode == 0
    config = office.repository / "config"
    text = config.read_text()
    (office.repository / "data").rename(office.folder / "data")

    done = office.avplugin("restore", CODE, "--original", "--yes")

    assert done.returncode == 1
    assert config.read_text() == text
    assert done.stderr.startswith(f"avplugin: {CODE} is not put back: ")
    assert not list(office.administrations.glob("*before-restore*"))
