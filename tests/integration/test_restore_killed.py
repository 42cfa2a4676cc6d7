"""A restore that is killed at any moment loses nothing: the old folder is there or the new one."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import random
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import World, group_has_ended, make_world, tree

from avplugin.borgmatic import borg
from avplugin.configuration.load import load_configuration
from avplugin.configuration.model import Configuration
from avplugin.restore import put_back, staging, swap, undo
from avplugin.restore.check import prepare
from avplugin.restore.choose import Choice, Wanted, choose_snapshot
from avplugin.restore.extract import ArchiveOrigin
from avplugin.restore.where import Original
from avplugin.snapshots.sources import configured_sources
from avplugin.state import restores
from avplugin.state.restores import RestoreJournal

pytestmark = pytest.mark.usefixtures("adopting")

AT_RANDOM_TIMES = 40
BETWEEN_STEPS = 150

Tree = dict[bytes, tuple[object, ...]]


@dataclasses.dataclass
class Firm:
    """An administration with copy documents elsewhere, and one folder around another."""

    world: World
    configuration: Configuration
    journal: RestoreJournal
    choice: Choice
    folders: tuple[Path, ...]
    snapshot: tuple[Tree, ...]  # what the folders are in the snapshot
    worked: tuple[Tree, ...]  # what they are before each restore
    stays: dict[Path, Tree]

    def restore(self) -> None:
        """Restore over what is there, in this process, as the command does."""
        preparation = prepare(self.choice, Original(), self.configuration, other_version=False)
        put_back.put_back(preparation, self.journal, lambda _: None, lambda: None)

    def recover(self) -> None:
        """Finish what was cut off, or take it back, as the command does."""
        undo.recover(self.journal, self.configuration)

    def look(self) -> tuple[Tree, ...]:
        """Return what the folders are now, without those inside that stay."""
        return tuple(self._without_stays(folder) for folder in self.folders)

    def _without_stays(self, folder: Path) -> Tree:
        inside = [
            b"/" + os.fsencode(stay.relative_to(folder))
            for stay in self.stays
            if folder in stay.parents
        ]
        return {
            path: entry[:3]
            for path, entry in tree(folder).items()
            if not any(path.startswith(prefix) for prefix in inside)
        }

    def kept(self) -> list[Path]:
        """Return what restores have kept."""
        return [
            kept
            for folder in self.folders
            for kept in folder.parent.iterdir()
            if kept.name.startswith(f"{folder.name}.before-restore-")
        ]


@contextlib.contextmanager
def make_firm(template: Path, folder: Path, label: str) -> Iterator[Firm]:
    """Yield a firm whose repository has been looked into: that takes longest of all."""
    world = make_world(template, folder)
    outer = world.administrations / "Klant 1"
    daughter = outer / "Dochter"
    shutil.copytree(world.administrations / "Klant 2", daughter)
    world.edit(
        world.configuration,
        lambda document: document["administrations"].append(
            {"code": "DOCHTER", "folder": str(daughter)}
        ),
    )
    assert world.borgmatic("create").returncode == 0
    folders = {
        "KLANT12": (
            world.administrations / "Klant [12]",
            world.office / "Kopiedocumenten" / "KLANT12",
        ),
        "KLANT1": (outer,),
    }[label]
    with pytest.MonkeyPatch.context() as patch, contextlib.ExitStack() as stack:
        for name, value in world.environment.items():
            patch.setenv(name, value)
        configuration = load_configuration(str(world.configuration))
        sources = stack.enter_context(configured_sources(configuration, None, print))
        firm = Firm(
            world,
            configuration,
            RestoreJournal(configuration.state),
            choose_snapshot(sources, Wanted(label)),
            folders,
            (),
            (),
            {daughter: tree(daughter)} if label == "KLANT1" else {},
        )
        let_somebody_work(firm)
        yield firm


def let_somebody_work(firm: Firm) -> None:
    firm.snapshot = firm.look()
    for place in firm.folders:
        for path in sorted(place.iterdir())[::2]:
            if path.is_file():
                path.write_bytes(path.read_bytes() + b"work")
        (place / "SINDSDIEN.TXT").write_text("new")
    firm.worked = firm.look()


def killed_child(action: Callable[[], None], after: float | None) -> bool:
    """Run the action in a process group of its own; return whether it was killed, not done.

    It is killed from outside after some seconds; with None it sees to that itself.
    """
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        status = 1
        with contextlib.suppress(BaseException):
            action()
            status = 0
        os._exit(status)
    with contextlib.suppress(OSError):
        os.setpgid(child, child)
    if after is not None:
        time.sleep(after)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)  # a Borg that outlived it
    assert group_has_ended(child)
    assert os.WIFSIGNALED(status) or os.waitstatus_to_exitcode(status) == 0
    return os.WIFSIGNALED(status)


def check_nothing_lost(firm: Firm, was_killed: bool) -> str:
    """Recover, and check that the folders are all old or all new, and the old ones are somewhere.

    Return which. The firm is as before afterwards.
    """
    cut_off = firm.journal.cut_off()
    firm.recover()
    now = firm.look()
    assert now in (firm.worked, firm.snapshot)
    for stay, before in firm.stays.items():
        assert tree(stay) == before
    kept = firm.kept()
    if now == firm.snapshot:
        assert len(kept) == len(firm.folders)
        back, _ = undo.undo(firm.journal, undo.find_undoable(firm.journal), firm.configuration)
        assert firm.look() == firm.worked
        kept = [Path(folder.kept) for folder in back.folders]
    else:
        assert kept == []
        assert was_killed
        assert cut_off or not list(firm.journal.restores())
    for path in kept:
        shutil.rmtree(path)
    for restore in firm.journal.restores():
        firm.journal.forget(restore)
    assert not list(firm.world.office.rglob("*.avplugin-*"))
    return "new" if now == firm.snapshot else "old"


@pytest.fixture(scope="module", params=["KLANT12", "KLANT1"])
def firm(
    request: pytest.FixtureRequest, template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Firm]:
    """An administration somebody has worked in since its snapshot."""
    with make_firm(template, tmp_path_factory.mktemp("firm") / "world", request.param) as firm:
        yield firm


def test_restores_killed_at_random_times_lose_nothing(firm: Firm) -> None:
    chance = random.Random(20261122)  # noqa: S311 - to be repeatable
    began = time.monotonic()
    assert not killed_child(firm.restore, after=None)
    whole = time.monotonic() - began
    outcomes = [check_nothing_lost(firm, was_killed=False)]
    killed = 0
    for _ in range(AT_RANDOM_TIMES // 2):
        began = time.monotonic()
        was_killed = killed_child(firm.restore, after=chance.uniform(0, whole * 1.05))
        if not was_killed:  # the machine may have become faster meanwhile
            whole = min(whole, time.monotonic() - began)
        killed += was_killed
        outcomes.append(check_nothing_lost(firm, was_killed))

    assert killed > AT_RANDOM_TIMES // 4
    report(firm, f"{killed} killed at random times", outcomes)


def test_restores_killed_between_any_two_steps_lose_nothing(
    firm: Firm, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ready = extracted_once(firm, tmp_path)
    monkeypatch.setattr(borg, "extract", ready)
    steps = count_steps(firm)
    outcomes = [check_nothing_lost(firm, was_killed=False)]
    killed = 0
    while killed < BETWEEN_STEPS // 2:
        for number in range(steps):
            assert killed_child(functools.partial(dying_at, number, firm.restore), after=None)
            killed += 1
            outcomes.append(check_nothing_lost(firm, was_killed=True))

    assert {"old", "new"} == set(outcomes)
    report(firm, f"{killed} killed at {steps} different steps", outcomes)


def test_a_recovery_that_is_killed_itself_can_be_repeated(
    firm: Firm, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(borg, "extract", extracted_once(firm, tmp_path))
    steps = count_steps(firm)
    check_nothing_lost(firm, was_killed=False)
    chance = random.Random(4)  # noqa: S311 - to be repeatable
    for _ in range(15):
        killed_child(lambda: dying_at(chance.randrange(steps), firm.restore), after=None)
        killed_child(
            lambda: dying_at(chance.randrange(6), firm.recover),
            after=None,
        )
        check_nothing_lost(firm, was_killed=True)


def report(firm: Firm, killed: str, outcomes: list[str]) -> None:
    """Print how many restores were killed; `./run test -n0 -s FILE` shows it."""
    found = ", ".join(f"{outcomes.count(name)} times the {name} folder" for name in ("old", "new"))
    sys.stdout.write(f"\n{firm.choice.folder.label}: {killed}; found {found}\n")


def extracted_once(firm: Firm, folder: Path) -> Callable[..., list[str]]:
    """Return what stands in for extracting: a copy of what Borg extracted once, which is faster."""
    real = borg.extract
    copies: dict[tuple[str, ...], Path] = {}

    def extract(  # type: ignore[no-untyped-def]
        repository, archive, paths, without, destination: Path, progress
    ) -> list[str]:
        key = tuple(paths)
        if key not in copies:
            copies[key] = folder / str(len(copies))
            copies[key].mkdir()
            real(repository, archive, paths, without, copies[key], progress)
        shutil.copytree(copies[key], destination, symlinks=True, dirs_exist_ok=True)
        return []

    choice = firm.choice
    assert isinstance(choice.origin, ArchiveOrigin)
    for part in (choice.folder, *choice.copy_documents):
        scratch = folder / f"scratch{len(copies)}"
        scratch.mkdir()
        extract(
            choice.origin.source.reader.repository,
            choice.origin.archive.name,
            [part.archived_path],
            [inner.lstrip("/") for inner in part.inside],
            scratch,
            lambda _: None,
        )
    return extract


# Everything a restore changes on the disk goes through these.
_STEPS = (
    (restores, "write_json"),
    (restores, "sync_folder"),
    (staging, "lock_folder"),
    (staging, "remove_folder"),
    (swap, "_rename"),
    (swap, "_exchange"),
    (swap, "_set_attributes"),
    (swap, "sync_folder"),
    (put_back, "_sync_file_system"),
)


@contextlib.contextmanager
def counting(at_step: Callable[[], None]) -> Iterator[None]:
    """Call `at_step` before and after each of them, in this process."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name in _STEPS:
            real = getattr(module, name)

            def step(*words, real=real):  # type: ignore[no-untyped-def]
                if threading.current_thread() is not threading.main_thread():
                    return real(*words)  # writing meanwhile; how often, is a matter of time
                at_step()
                answer = real(*words)
                at_step()
                return answer

            patch.setattr(module, name, step)
        yield


def count_steps(firm: Firm) -> int:
    """Restore once and return how many moments there are to be killed at."""
    steps = 0

    def one_more() -> None:
        nonlocal steps
        steps += 1

    with counting(one_more):
        firm.restore()
    return steps


def dying_at(number: int, action: Callable[[], None]) -> None:
    """Kill this process at the moment with this number."""
    left = number

    def count_down() -> None:
        nonlocal left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    with counting(count_down):
        action()
