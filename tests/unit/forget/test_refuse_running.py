"""Nothing is erased while a backup is under way."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from avplugin.borgmatic.process import Process, find_process
from avplugin.errors import NotNow
from avplugin.forget.plan import refuse_running
from avplugin.state.run import Run, SetState


def begin(state: Path, owner: Process) -> Any:
    """Return the configuration of an installation whose set has a run of this process."""
    run = Run("1", "administrations", "/r", "id", owner, "2026-11-22", (), (), {}, 0)
    SetState(state, "administrations").begin_run(run, {}, {}, [])
    return cast(Any, SimpleNamespace(state=state, sets={"administrations": None}))


def test_a_backup_that_is_under_way_is_in_the_way(tmp_path: Path) -> None:
    program = tmp_path / "borgmatic"
    program.write_text("read line\n")
    with subprocess.Popen(["sh", str(program)], stdin=subprocess.PIPE) as process:
        owner = find_process(process.pid)
        assert owner is not None
        configuration = begin(tmp_path / "state", owner)
        with pytest.raises(NotNow, match="a backup of the set administrations runs"):
            refuse_running(configuration)
        process.communicate(b"\n")
    refuse_running(configuration)  # its process has ended


def test_what_a_hook_began_whose_borgmatic_is_gone_is_not(tmp_path: Path) -> None:
    refuse_running(begin(tmp_path, Process(1 << 22, 1, "another boot")))
