"""A program that is asked something keeps to its bounds."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

import pytest

from avplugin.sessions.child import ChildError, ask_program


def test_what_a_program_prints_comes_back_with_its_exit_status() -> None:
    ended = ask_program(["sh", "-c", "echo out; echo err >&2; exit 3"], limit=10)

    assert (ended.status, ended.output, ended.errors) == (3, b"out\n", b"err\n")
    assert ended.complaint == "err"


def test_a_program_that_was_killed_says_so() -> None:
    ended = ask_program(["sh", "-c", "kill -9 $$"], limit=10)

    assert (ended.status, ended.complaint) == (-9, "signal 9")


def test_a_program_gets_what_it_is_given_and_what_its_environment_has_more() -> None:
    given = os.urandom(3_000_000)
    ended = ask_program(
        ["sh", "-c", 'cat; printf "%s" "$MORE"'], limit=20, given=given, environment={"MORE": "x"}
    )

    assert ended.output == given + b"x"


def test_a_program_that_reads_nothing_of_it_can_still_answer() -> None:
    assert ask_program(["echo", "no"], limit=10, given=b"x" * 3_000_000).output == b"no\n"


@pytest.mark.parametrize("memory", [None, 1 << 30])
@pytest.mark.parametrize("exists", [True, False])
def test_a_program_that_cannot_be_started_is_named(
    tmp_path: Path, memory: int | None, exists: bool
) -> None:
    program = tmp_path / "program"
    if exists:
        program.write_text("no program")

    with pytest.raises(ChildError, match=f"{program} cannot be started"):
        ask_program([str(program)], limit=10, memory=memory)


def test_a_program_that_runs_on_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    alive = tmp_path / "alive"
    started = time.monotonic()
    script = f"(while sleep 0.1; do date >'{alive}'; done) & sleep 60"

    with pytest.raises(ChildError, match=r"sh did not answer within 0\.5 s"):
        ask_program(["sh", "-c", script], limit=0.5)
    assert time.monotonic() - started < 5
    alive.unlink()
    time.sleep(0.4)
    assert not alive.exists()


def test_what_a_program_leaves_behind_is_neither_waited_for_nor_left() -> None:
    started = time.monotonic()
    ended = ask_program(["sh", "-c", "sleep 60 & echo $!"], limit=30)

    assert time.monotonic() - started < 5
    for _ in range(100):
        if not Path(f"/proc/{int(ended.output)}/fd").exists() or _is_zombie(int(ended.output)):
            return
        time.sleep(0.05)
    pytest.fail("it is still there")


def test_a_program_that_prints_without_end_is_stopped() -> None:
    with pytest.raises(ChildError, match="yes prints without end"):
        ask_program(["yes"], limit=60)


def test_memory_is_bounded_for_the_program_and_what_it_starts() -> None:
    eater = f"'{sys.executable}' -I -S -c 'x = bytearray(1 << 30)'"
    ended = ask_program(["sh", "-c", f"{eater}; exit $?"], limit=30, memory=512 << 20)

    assert ended.status == 1
    assert ended.complaint == "MemoryError"
    assert ask_program(["sh", "-c", eater], limit=30, memory=3 << 30).status == 0


def test_a_program_that_may_not_be_killed_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    killpg = os.killpg
    groups: list[int] = []

    def refuse(group: int, _signal: int) -> None:  # as for what runs under sudo
        groups.append(group)
        raise PermissionError

    monkeypatch.setattr(os, "killpg", refuse)
    waiter = threading.Thread(target=_expect_error)
    waiter.start()
    waiter.join(10)
    held_up = waiter.is_alive()
    killpg(groups[0], 9)
    waiter.join(10)

    assert not held_up


def _expect_error() -> None:
    with pytest.raises(ChildError):
        ask_program(["sleep", "60"], limit=0.2)


def _is_zombie(pid: int) -> bool:
    return "State:\tZ" in Path(f"/proc/{pid}/status").read_text()
