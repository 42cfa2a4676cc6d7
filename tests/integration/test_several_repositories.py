"""Several repositories in one configuration of borgmatic, and several runs at one time."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import World, until

CLEAN = re.compile(r"accountview-administrations-\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")


@pytest.fixture
def second(world: World) -> Path:
    """A second repository for all sets; its name asks for careful quoting."""
    repository = world.folder / "second borgmatic's"
    common = world.folder / "etc" / "borgmatic.d" / "include" / "accountview.yaml"
    text = common.read_text().replace("lock_wait: 600", "lock_wait: 1")
    common.write_text(
        text.replace("      label: local\n", f'      label: local\n    - path: "{repository}"\n', 1)
    )
    passphrase = (world.folder / "etc" / "passphrase").read_text().strip()
    done = world.run(
        *("borg", "init", "--encryption", "repokey-blake2", repository), BORG_PASSPHRASE=passphrase
    )
    assert done.returncode == 0, done.stderr
    return repository


@pytest.fixture
def in_the_background() -> Iterator[Callable[[subprocess.Popen[str]], subprocess.Popen[str]]]:
    """Take processes that are to be gone when the test is over."""
    started: list[subprocess.Popen[str]] = []

    def take(process: subprocess.Popen[str]) -> subprocess.Popen[str]:
        started.append(process)
        return process

    yield take
    for process in started:
        process.kill()
        process.communicate()


Background = Callable[[subprocess.Popen[str]], subprocess.Popen[str]]


def test_a_missing_repository_does_not_stop_the_other_and_catches_up_later(
    world: World, second: Path
) -> None:
    elsewhere = world.folder / "unplugged"
    world.repository.rename(elsewhere)

    done = world.borgmatic("create")

    assert done.returncode == 1
    assert f"the repository {world.repository} does not exist" in done.stderr
    assert "borgmatic repo-create" in done.stderr
    [stored] = world.archives(second)
    assert CLEAN.fullmatch(stored)

    elsewhere.rename(world.repository)
    done = world.borgmatic("create")

    assert done.returncode == 0, done.stderr
    assert f"nothing has changed since the clean snapshot {stored}" in done.stdout
    assert world.archives(second) == [stored]
    [archive] = world.archives()
    assert CLEAN.fullmatch(archive)


def test_a_locked_repository_does_not_stop_the_other(
    world: World, second: Path, in_the_background: Background
) -> None:
    locked = world.folder / "locked"
    in_the_background(
        subprocess.Popen(
            ["borg", "with-lock", str(world.repository), "sh", "-c", f"touch {locked}; read line"],
            env=world.environment
            | {"BORG_PASSPHRASE": (world.folder / "etc" / "passphrase").read_text().strip()},
            stdin=subprocess.PIPE,
            text=True,
        )
    )
    until(locked.exists)

    done = world.borgmatic("create")

    assert done.returncode == 1
    assert f"the repository {world.repository} is locked by another Borg process" in done.stderr
    assert "borgmatic break-lock" in done.stderr
    [stored] = world.archives(second)
    assert CLEAN.fullmatch(stored)


def test_a_retry_of_the_first_repository_comes_behind_the_second_and_is_clean(
    world: World, second: Path
) -> None:
    table, once = world.administrations / "BAKKER26" / "BTW.DBF", world.folder / "once"
    world.add_hook(
        "- before: action\n  when: [create]\n"
        f"  run: ['test -e {once} || touch {once} \"{table}\"; echo at work on {{repository}}']"
    )
    world.configure_borgmatic("retries: 1")

    done = world.borgmatic("create")

    assert done.returncode == 0, done.stderr
    order = re.findall(r"at work on .*?(accountview\.borg|second)", done.stdout)
    assert order == ["accountview.borg", "second", "accountview.borg"]
    assert "BAKKER26 changed while it was copied: BTW.DBF" in done.stderr
    for repository in (world.repository, second):
        [archive] = world.archives(repository)
        assert CLEAN.fullmatch(archive)


def test_a_second_run_of_the_same_set_is_refused_and_leaves_the_first_alone(
    world: World, in_the_background: Background
) -> None:
    waits, go = world.folder / "waits", world.folder / "go"
    world.add_hook(
        "- before: action\n  when: [create]\n"
        f"  run: ['touch {waits}; until test -e {go}; do sleep 0.1; done']"
    )
    first = in_the_background(world.start_borgmatic("create"))
    until(waits.exists)

    done = world.borgmatic("create")
    by_hand = world.avplugin("after-backup", "administrations")
    go.touch()
    said, _ = first.communicate(timeout=60)

    assert done.returncode == 1
    assert "another backup of the set administrations runs since" in done.stderr
    assert f"(process {first.pid})" in done.stderr
    assert by_hand.returncode == 1
    assert f"belongs to process {first.pid}, not to this one" in by_hand.stderr
    assert first.returncode == 0, said
    [archive] = world.archives()
    assert CLEAN.fullmatch(archive)


def test_two_sets_at_one_time_are_both_clean(world: World, in_the_background: Background) -> None:
    for name in ("system", "administrations"):
        # Borg looks again after a tenth of it, which would be a minute.
        world.configure_borgmatic("lock_wait: 30", name)
    system = in_the_background(world.start_borgmatic("create", set_name="system"))

    done = world.borgmatic("create")
    said, _ = system.communicate(timeout=60)

    assert done.returncode == 0, done.stderr
    assert system.returncode == 0, said
    archives = world.archives()
    assert len(archives) == 2
    assert not [archive for archive in archives if archive.endswith(".unverified")]
