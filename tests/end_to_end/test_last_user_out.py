"""A real cron that starts borgmatic every minute, and the last user who logs out."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import World
from samba import serving

TABLE = "Administraties/BAKKER26/GROOTBOEK.DBF"
MINUTE = 60.0

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="cron and smbd need root")


@contextlib.contextmanager
def cron(folder: Path, job: str) -> Iterator[None]:
    """Let a real cron of its own read one file, while that of the machine sees nothing of it.

    It runs in a mount namespace in which the folders that it knows are others: unshare(1).
    """
    for name in ("cron.d", "spool/crontabs", "run"):
        (folder / name).mkdir(parents=True)
    (folder / "crontab").touch()
    (folder / "cron.d" / "avplugin").write_text(job)
    (folder / "cron.d" / "avplugin").chmod(0o644)
    program = shutil.which("cron", path="/usr/sbin:/usr/bin") or shutil.which("crond")
    assert program, "cron is missing: ./run test installs it"
    script = (
        "mkdir -p /etc/cron.d /var/spool/cron && touch /etc/crontab"
        f" && mount --bind '{folder}/cron.d' /etc/cron.d"
        f" && mount --bind '{folder}/crontab' /etc/crontab"
        f" && mount --bind '{folder}/spool' /var/spool/cron"
        f" && mount --bind '{folder}/run' /run"
        f" && exec '{program}' -f"
    )
    process = subprocess.Popen(
        ["unshare", "--mount", "sh", "-c", script],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=(folder / "errors").open("wb"),
        start_new_session=True,
    )
    try:
        yield
        assert process.poll() is None, (folder / "errors").read_text()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)


def outcomes(world: World) -> list[dict[str, Any]]:
    file = world.state / "administrations" / "outcomes.json"
    found: list[dict[str, Any]] = json.loads(file.read_text()) if file.exists() else []
    return found


def wait_for(condition: Callable[[], object], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "cron did not bring it about in time"
        time.sleep(0.2)


def test_once_the_last_user_is_out_there_is_one_backup_within_two_minutes(
    world: World, tmp_path: Path
) -> None:
    def by_interval(document: Any) -> None:
        document["sets"]["administrations"]["interval"] = "1d"

    world.edit(world.configuration, by_interval)
    variables = "".join(f'{name}="{value}"\n' for name, value in world.environment.items())
    log = world.folder / "log"
    command = f"borgmatic --config {world.borgmatic_file()} create >>{log} 2>&1"

    with (
        serving(tmp_path / "samba", world.office) as samba,
        samba.workstation() as workstation,
    ):
        world.configure(
            sessions={
                "probes": [{"samba": {"config": str(samba.config)}}],
                "on_busy": {"administrations": "postpone"},
            }
        )
        workstation.open_table(TABLE)
        with cron(tmp_path / "cron", f"{variables}* * * * * root {command}\n"):
            wait_for(lambda: outcomes(world), 2 * MINUTE)
            assert [one["status"] for one in outcomes(world)] == ["not now"]
            assert outcomes(world)[0]["people"] == ["games on 127.0.0.1"]
            assert world.archives() == []

            workstation.log_out()
            wait_for(lambda: outcomes(world)[-1]["status"] == "clean", 2 * MINUTE)
        again = world.run("sh", "-c", command)  # as cron does a minute later

    assert again.returncode == 0
    assert "not now: the next one is due" in log.read_text()
    assert [one["status"] for one in outcomes(world)] == ["not now", "clean"]
    assert len(world.archives()) == 1
    assert not outcomes(world)[-1]["attended"]
