"""Ending a guard."""

from __future__ import annotations

import signal
import subprocess

import pytest

from avplugin.borgmatic.process import Process, find_process
from avplugin.sessions import guard


def test_a_guard_that_hangs_is_killed_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "_END_LIMIT", 0.5)
    deaf = ["sh", "-c", "trap '' TERM; echo ready; exec sleep 60"]
    with subprocess.Popen(deaf, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        process = find_process(child.pid)
        assert process is not None

        why = guard._tell_to_end(process)

        assert child.wait(5) == -signal.SIGKILL
    assert why == "the process that watches over the backup did not answer, and was killed"


def test_a_guard_that_ends_when_told_is_all_right() -> None:
    with subprocess.Popen(["sleep", "60"]) as child:
        process = find_process(child.pid)
        assert process is not None

        assert guard._tell_to_end(process) == ""


def test_another_process_with_the_same_number_is_left_alone() -> None:
    with subprocess.Popen(["sleep", "60"]) as child:
        assert "ended from outside" in guard._tell_to_end(Process(child.pid, 1, "long ago"))
        assert child.poll() is None
        child.kill()
