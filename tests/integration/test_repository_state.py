"""What a repository on this machine holds is asked of Borg only if somebody has written into it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import World, make_world

from avplugin.borgmatic.configuration import Repository
from avplugin.borgmatic.repository_state import repository_state

CODE = "BAKKER26"


@pytest.fixture(scope="module")
def two_nights(template: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    """An office with two versions of BAKKER26, and `known`: what is known after the first."""
    world = make_world(template, tmp_path_factory.mktemp("state") / "world")
    assert world.borgmatic("create").returncode == 0
    assert world.avplugin("snapshots").returncode == 0
    shutil.copy2(world.state / "catalogue.sqlite", world.folder / "known")
    (world.administrations / CODE / "NOTITIE.TXT").write_text("of the second night")
    assert world.borgmatic("create").returncode == 0
    return world


@pytest.fixture
def office(two_nights: World) -> Iterator[World]:
    """That office; what is known of the repository is of the first night. Tests put it back."""
    shutil.copy2(two_nights.folder / "known", two_nights.state / "catalogue.sqlite")
    yield two_nights
    shutil.rmtree(two_nights.folder / "new", ignore_errors=True)


def restore(world: World, *words: str) -> Path:
    target = world.folder / "new"
    done = world.avplugin("restore", CODE, "--new", target, "--yes", *words)
    assert done.returncode == 0, done.stderr
    return target


def borg_calls(world: World, tmp_path: Path, *words: str) -> list[str]:
    """Return what Borg was asked while avplugin ran these words."""
    log = tmp_path / "asked"
    log.write_text("")
    folder = tmp_path / "bin"
    folder.mkdir(exist_ok=True)
    stand_in = folder / "borg"
    real = shutil.which("borg", path=world.environment["PATH"])
    stand_in.write_text(f'#!/bin/sh\necho "$1" >>{log}\nexec {real} "$@"\n')
    stand_in.chmod(0o755)
    path = os.pathsep.join([str(folder), world.environment["PATH"]])
    done = world.avplugin(*words, PATH=path)
    assert done.returncode == 0, done.stderr
    return log.read_text().split()


def test_a_newer_version_that_nobody_here_knew_of_is_what_comes_back(office: World) -> None:
    target = restore(office)

    assert (target / "NOTITIE.TXT").read_text() == "of the second night"


def test_a_snapshot_that_came_since_can_be_named(office: World) -> None:
    name = office.archives()[-1]

    target = restore(office, "--archive", name)

    assert (target / "NOTITIE.TXT").exists()


def test_a_version_that_is_gone_is_not_taken_for_the_newest(office: World) -> None:
    note = office.administrations / CODE / "NOTITIE.TXT"
    note.write_text("of a third night")
    assert office.borgmatic("create").returncode == 0
    note.write_text("of the second night")
    assert office.avplugin("snapshots").returncode == 0  # all are known
    assert office.borg("delete", f"{office.repository}::{office.archives()[-1]}").returncode == 0

    target = restore(office)

    assert (target / "NOTITIE.TXT").read_text() == "of the second night"


def test_a_copy_in_the_place_of_a_repository_is_another_state(office: World) -> None:
    here = Repository(str(office.repository), "", {})
    before = repository_state(here)
    copy = office.folder / "copy.borg"
    shutil.copytree(office.repository, copy)
    shutil.rmtree(office.repository)
    copy.rename(office.repository)

    assert before
    assert repository_state(here) not in {"", before}
    assert repository_state(Repository("ssh://backup@nas/./av.borg", "", {})) == ""


def test_borg_is_asked_what_is_there_once_for_each_thing_that_was_written(
    office: World, tmp_path: Path
) -> None:
    first = borg_calls(office, tmp_path, "snapshots")
    again = borg_calls(office, tmp_path, "snapshots")
    name = office.archives()[-1]
    renamed = office.borg("rename", f"{office.repository}::{name}", f"{name}.hold")
    assert renamed.returncode == 0
    behind_a_rename = borg_calls(office, tmp_path, "snapshots")
    renamed = office.borg("rename", f"{office.repository}::{name}.hold", name)
    assert renamed.returncode == 0

    assert first.count("list") == behind_a_rename.count("list") == 1
    assert again == []


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
    (office.folder / "data").rename(office.repository / "data")
