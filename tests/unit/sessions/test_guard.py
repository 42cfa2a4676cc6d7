"""Ending a guard."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
from pathlib import Path

import pytest

from avplugin.borgmatic.process import Process, find_process
from avplugin.configuration.load import load_configuration
from avplugin.sessions import guard
from avplugin.sessions.services import ServiceError, Services
from avplugin.state.files import write_json


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


def test_a_service_that_does_not_start_does_not_hide_that_the_fence_fell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "accountview.yaml"
    smb = "{server: s, share: av, username: u, password_file: pw}"
    file.write_text(
        "installation: {name: accountview, program: /p, system: /s}\n"
        "administrations: [{folders: /a/*}]\n"
        f"state: {tmp_path}\n"
        f"sessions: {{probes: [{{smb: {smb}}}], fence: true}}\n"
    )

    def fails(_: Services) -> bool:
        raise ServiceError("it does not start")

    monkeypatch.setattr(Services, "recover", fails)
    gone = Process(os.getpid(), 1, "long ago")
    write_json(
        guard.report_file(tmp_path),
        {"process": dataclasses.asdict(gone), "broken": "at 02:00:00 it fell"},
    )

    ending = guard.end_guard(gone, load_configuration(str(file)), tmp_path)

    assert ending == guard.Ending("at 02:00:00 it fell", "it does not start")
