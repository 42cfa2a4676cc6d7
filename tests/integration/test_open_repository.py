"""One Borg that is asked several things says what Borg's own commands say."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest

from avplugin.borgmatic import borg
from avplugin.borgmatic.configuration import Repository
from avplugin.borgmatic.open_repository import OpenRepository
from avplugin.borgmatic.repository_state import repository_state

BORG = Path(sys.executable).with_name("borg")


@dataclasses.dataclass
class World:
    folder: Path
    repository: Repository

    def borg(self, *words: str) -> str:
        return subprocess.run(
            [BORG, *words], cwd=self.folder, capture_output=True, text=True, check=True
        ).stdout


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("BORG_BASE_DIR", str(tmp_path / "borg"))
    monkeypatch.setenv("BORG_PASSPHRASE", "secret")
    monkeypatch.setenv("BORG_SELFTEST", "disabled")
    office = tmp_path / "office"
    office.mkdir()
    (office / "TABLE.DBF").write_bytes(b"x" * 100_000)
    (office / "EMPTY.TXT").touch()
    os.link(office / "TABLE.DBF", office / "SECOND NAME.DBF")
    (office / "link").symlink_to("TABLE.DBF")
    os.mkfifo(office / "pipe")
    Path(os.fsdecode(os.fsencode(office) + b"/'\xff\n\".DBF")).write_bytes(b"abc")
    path = str(tmp_path / "repository")
    world = World(tmp_path, Repository(path, "", {}))
    world.borg("init", "--encryption", "repokey-blake2", path)
    world.borg("create", f"{path}::one.checkpoint", "office")
    world.borg("create", f"{path}::two", "office")
    return world


def test_it_says_what_borgs_own_commands_say(world: World) -> None:
    with OpenRepository(world.repository) as opened:
        assert not opened.state()
        listing = opened.list_archives()
        assert opened.state() == repository_state(world.repository) != ""
        items = opened.list_items("two")
        sizes = opened.archive_sizes("two")

    assert listing == borg.list_archives(world.repository)
    assert [archive.name for archive in listing.archives] == ["one.checkpoint", "two"]
    assert list(items) == list(borg.list_items(world.repository, "two"))
    assert len(list(items)) == 7
    assert b"office/link" in items
    assert b"office" in items
    assert b"offic" not in items
    assert b"-3" not in items
    assert sizes == borg.archive_sizes(world.repository, "two")


def test_an_archive_that_it_renames_is_another_one_by_that_name(world: World) -> None:
    before = borg.list_archives(world.repository)
    with OpenRepository(world.repository) as opened:
        assert opened.list_archives() == before
        opened.rename_archive("two", "three")
        sizes = opened.archive_sizes("three")
        opened.close()
        [_, archive] = borg.list_archives(world.repository).archives

        assert (archive.name, archive.id) == ("three", sizes.id)
        assert archive.id != before.archives[1].id
        assert opened.list_archives().archives[1] == archive  # opened anew
        assert not opened.state()

    assert sizes == borg.archive_sizes(world.repository, "three")
    world.borg("check", "--verify-data", world.repository.path)


def test_while_it_is_open_nobody_else_can_change_the_repository(world: World) -> None:
    with OpenRepository(world.repository) as opened:
        opened.list_archives()
        with pytest.raises(borg.RepositoryUnavailable, match="locked by another Borg"):
            borg.rename_archive(world.repository, "two", "three")


def test_what_borg_cannot_do_is_told_as_borg_tells_it(world: World) -> None:
    with OpenRepository(world.repository) as opened:
        with pytest.raises(borg.RepositoryUnavailable, match="does not exist"):
            opened.list_items("none")
        with pytest.raises(borg.BorgError, match="already exists"):
            opened.rename_archive("two", "one.checkpoint")
        assert len(opened.list_archives().archives) == 2

    elsewhere = Repository(f"{world.repository.path}-2", "", {})
    with OpenRepository(elsewhere) as opened, pytest.raises(borg.BorgError, match="does not exist"):
        opened.list_archives()


def test_another_borg_is_asked_by_its_own_commands(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "my-borg"
    other.write_text(f'#!/bin/sh\necho "$1" >> {tmp_path}/asked\nexec {BORG} "$@"\n')
    other.chmod(0o755)
    repository = dataclasses.replace(world.repository, settings={"local_path": str(other)})

    with OpenRepository(repository) as opened:
        before = opened.list_archives()
        opened.list_items("two")
        opened.rename_archive("two", "three")
        opened.archive_sizes("three")

    assert (tmp_path / "asked").read_text().split() == ["list", "list", "rename", "info"]
    assert [archive.name for archive in before.archives] == ["one.checkpoint", "two"]
    assert [one.name for one in borg.list_archives(repository).archives][1] == "three"


def test_an_answer_that_nobody_waits_for_keeps_nobody_waiting(world: World) -> None:
    """A night that is put off ends at once, also if another Borg has the repository locked."""
    patient = dataclasses.replace(world.repository, settings={"lock_wait": 120})
    with OpenRepository(world.repository) as opened:
        opened.list_archives()
        program = f"""
from avplugin.borgmatic import borg
from avplugin.borgmatic.configuration import Repository
with borg.BegunListing(Repository({patient.path!r}, "", {dict(patient.settings)!r})):
    pass
"""
        subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    with borg.BegunListing(patient) as asked:
        assert asked.wait() == asked.wait() == borg.list_archives(world.repository)
