"""The Borg that loads itself while avplugin finds out what to ask does what any other would."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from conftest import World, make_world

from avplugin.borgmatic import early_borg
from avplugin.borgmatic.borg import BorgError, list_archives
from avplugin.borgmatic.configuration import Repository


@pytest.fixture(scope="module")
def night(template: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    """An office behind its first night."""
    world = make_world(template, tmp_path_factory.mktemp("early") / "world")
    assert world.borgmatic("create").returncode == 0
    return world


@pytest.fixture
def repository(night: World, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """The office's repository, with a passphrase that comes through a pipe."""
    passphrase = (night.folder / "etc" / "passphrase").read_text().strip()
    for name, value in night.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("BORG_PASSPHRASE", raising=False)
    return Repository(str(night.repository), "", {"encryption_passphrase": passphrase})


def begin() -> int:
    """Have one begin; return its process id."""
    early_borg.begin_early()
    return early_borg._waiting[-1][0].pid


def test_it_answers_as_any_other_and_is_gone_then(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = list_archives(repository)
    number = begin()

    with monkeypatch.context() as patch:
        patch.setattr("subprocess.Popen", None)  # no other is started
        early = list_archives(repository)

    assert early == usual
    assert len(early.archives) == 1
    assert not Path(f"/proc/{number}").exists()


def test_one_that_was_ended_meanwhile_is_done_without(repository: Repository) -> None:
    usual = list_archives(repository)
    number = begin()
    os.kill(number, signal.SIGKILL)
    os.waitpid(number, 0)

    assert list_archives(repository) == usual


def test_its_errors_are_told_as_those_of_any_other(repository: Repository) -> None:
    wrong = Repository(repository.path, "", {"encryption_passphrase": "wrong"})
    begin()

    with pytest.raises(BorgError, match="passphrase"):
        list_archives(wrong)


def test_one_that_is_asked_nothing_ends_with_avplugin(night: World) -> None:
    began = night.start_avplugin("restore", "--yes", "NIEMAND", "--original")
    assert began.wait(timeout=60) != 0

    deadline = time.monotonic() + 10
    while _early_of(night) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _early_of(night)


def _early_of(world: World) -> list[str]:
    """Return the processes that wait, of those that this test has started."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes()
            environment = (folder / "environ").read_bytes()
        except OSError:
            continue
        if early_borg.__name__.encode() in words and os.fsencode(world.folder) in environment:
            found.append(folder.name)
    return found
