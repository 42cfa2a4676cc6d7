"""Work shared out over processes: what becomes of it when one of them dies, or is the only one."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from avplugin.side_by_side import side_by_side

ITEMS = list(range(1000))
HERE = os.getpid()


def in_a_child() -> bool:
    return os.getpid() != HERE


def in_a_child_only(act: Callable[[], object]) -> Callable[[int], int]:
    """Return work that takes so long that children get some, and in which a child does this."""

    def work(item: int) -> int:
        time.sleep(0.0005)
        if in_a_child():
            act()
        return item * 2

    return work


def children() -> list[str]:
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """See that a test leaves no child and no open pipe."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    yield
    assert children() == []
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_what_a_killed_child_had_to_do_is_done_all_the_same() -> None:
    killed = in_a_child_only(lambda: os.kill(os.getpid(), signal.SIGKILL))

    assert side_by_side(killed, ITEMS) == [item * 2 for item in ITEMS]


def test_a_child_killed_when_it_has_done_some_of_it_is_no_loss() -> None:
    done: list[int] = []

    def die_later() -> None:
        done.append(1)
        if len(done) > 50:
            os.kill(os.getpid(), signal.SIGKILL)

    assert side_by_side(in_a_child_only(die_later), ITEMS) == [item * 2 for item in ITEMS]


def test_the_results_stand_in_the_order_of_the_items_and_come_from_several_processes() -> None:
    def work(item: int) -> tuple[int, int]:
        time.sleep(0.0005)
        return item, os.getpid()

    results = side_by_side(work, ITEMS)

    assert [item for item, _ in results] == ITEMS
    assert len({process for _, process in results}) > 1
    assert HERE in {process for _, process in results}


def test_results_that_are_larger_than_a_pipe_arrive() -> None:
    assert side_by_side(lambda item: b"%d" % item * 10_000, ITEMS[:100]) == [
        b"%d" % item * 10_000 for item in ITEMS[:100]
    ]


def test_of_several_errors_the_one_of_the_first_item_is_raised(tmp_path: Path) -> None:
    is_begun = tmp_path / "begun"

    def work(item: int) -> int:
        end = time.monotonic() + 1
        while not in_a_child() and not is_begun.exists() and time.monotonic() < end:
            time.sleep(0.001)  # so that a child gets the tenth
        if item == 10:
            is_begun.touch()
            time.sleep(0.1)
        if item >= 10:
            raise LookupError(item)
        return item

    with pytest.raises(LookupError, match=r"^10$"):
        side_by_side(work, ITEMS)


def test_an_interrupted_work_leaves_no_child() -> None:
    def work(_: int) -> None:
        time.sleep(0.001 if in_a_child() else 0.1)
        if not in_a_child():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        side_by_side(work, ITEMS)


def test_a_child_that_is_told_to_stop_runs_nothing_of_the_parents(tmp_path: Path) -> None:
    stopped = tmp_path / "stopped"
    before = signal.signal(signal.SIGTERM, lambda *_: stopped.touch())
    try:
        told = in_a_child_only(lambda: os.kill(os.getpid(), signal.SIGTERM))
        assert side_by_side(told, ITEMS) == [item * 2 for item in ITEMS]
    finally:
        signal.signal(signal.SIGTERM, before)

    assert not stopped.exists()


def test_what_a_child_cannot_do_or_send_is_done_here() -> None:
    def fail() -> None:
        raise MemoryError

    assert side_by_side(in_a_child_only(fail), ITEMS) == [item * 2 for item in ITEMS]

    def make(item: int) -> Callable[[], int]:
        return lambda: item

    assert [each() for each in side_by_side(make, ITEMS)] == ITEMS


def test_where_no_process_can_be_started_the_work_is_done_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse() -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", refuse)

    assert side_by_side(lambda item: item * 2, ITEMS) == [item * 2 for item in ITEMS]


def test_work_that_drags_on_gets_more_and_more_processes() -> None:
    def work(pause: float) -> int:
        time.sleep(pause)
        return os.getpid()

    assert len(set(side_by_side(work, [0.0001] * 100))) <= 2
    assert len(set(side_by_side(work, [0.02] * 100))) > 3


def test_few_items_are_worth_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("a process was started"))

    assert side_by_side(lambda item: item, [1, 2, 3]) == [1, 2, 3]
    assert side_by_side(lambda item: item, []) == []


def test_a_child_holds_nothing_but_what_the_work_needs(tmp_path: Path) -> None:
    """Else a lock, or a pipe to Borg, would outlive a killed parent."""
    needed = os.open(tmp_path, os.O_RDONLY)
    other = os.open(tmp_path, os.O_RDONLY)
    try:

        def work(_: int) -> tuple[bool, bool, bool]:
            time.sleep(0.0005)
            is_open = [os.path.lexists(f"/proc/self/fd/{fd}") for fd in (needed, other)]
            return in_a_child(), is_open[0], is_open[1]

        results = side_by_side(work, ITEMS, needs=[needed])
    finally:
        os.close(needed)
        os.close(other)

    assert set(results) == {(True, True, False), (False, True, True)}


PROGRAM = """
    import fcntl, os, signal, sys, time
    from avplugin.__main__ import _stop
    from avplugin.side_by_side import side_by_side

    signal.signal(signal.SIGTERM, _stop)
    lock = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    parent = os.getpid()
    sys.stdout.write("once,")

    def work(item):
        if os.getpid() == parent:
            with open(sys.argv[1] + ".started", "w"):
                pass
            time.sleep(600)
        time.sleep(float(sys.argv[2]))

    side_by_side(work, range(1000))
"""


def started(lock: Path, pause: str) -> tuple[subprocess.Popen[str], list[int]]:
    """Start a program that is in the middle of such work; return it and its children."""
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), lock, pause],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    end = time.monotonic() + 20
    while not Path(f"{lock}.started").exists():
        assert time.monotonic() < end, process.poll()
        time.sleep(0.01)
    found = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert found
    return process, [int(child) for child in found]


def are_gone(processes: list[int], within: float) -> bool:
    end = time.monotonic() + within
    while any(is_at_work(process) for process in processes):
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def is_at_work(process: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{process}/stat").read_text()
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_whoever_ends_the_parent_ends_the_children_and_hears_of_it_once(
    tmp_path: Path, number: signal.Signals
) -> None:
    process, found = started(tmp_path / "lock", "600")
    process.send_signal(number)
    output, errors = process.communicate(timeout=20)

    assert are_gone(found, within=0)
    assert output == "once,"
    assert errors.count("stopped" if number is signal.SIGTERM else "KeyboardInterrupt") == 1


def test_children_of_a_killed_parent_hold_no_lock_and_no_pipe_and_end_soon(
    tmp_path: Path,
) -> None:
    process, found = started(tmp_path / "lock", "1")
    process.kill()
    process.communicate(timeout=0.9)  # all who hold its output have let go of it

    with (tmp_path / "lock").open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert are_gone(found, within=5)
