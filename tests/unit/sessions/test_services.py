"""Stopping services, and starting them again once."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from avplugin.borgmatic.process import Process, this_process
from avplugin.configuration.sessions import People, Sessions
from avplugin.sessions.services import ServiceError, Services
from avplugin.state.files import StateError

GONE = Process(os.getpid(), 1, "an earlier boot")


@pytest.fixture
def did(tmp_path: Path) -> Path:
    """The file in which the commands write down that they were called."""
    return tmp_path / "did"


def settings(did: Path, *, stop: str = "", start: str = "") -> Sessions:
    """Return commands that write down that they were called, and then do more."""
    quiesce = ("sh", "-c", f"echo stop >>{did}; {stop}")
    resume = ("sh", "-c", f"echo start >>{did}; {start}")
    return Sessions((), 0, People(), {}, (), quiesce, resume, False, (), 60)


def other_process() -> Process:
    """Return another process that lives."""
    own = this_process()
    stat = Path(f"/proc/{os.getppid()}/stat").read_text()
    return Process(os.getppid(), int(stat.rpartition(")")[2].split()[19]), own.boot)


def test_what_was_stopped_is_started_once(tmp_path: Path, did: Path) -> None:
    services = Services(tmp_path / "state")
    services.stop(settings(did), this_process())

    services.give_back(this_process())
    services.give_back(this_process())

    assert did.read_text() == "stop\nstart\n"
    assert not services.recover()


def test_the_last_of_two_starts_it(tmp_path: Path, did: Path) -> None:
    services = Services(tmp_path / "state")
    services.stop(settings(did), this_process())
    services.stop(settings(did), other_process())
    services.give_back(this_process())
    assert did.read_text() == "stop\n"

    services.give_back(other_process())

    assert did.read_text() == "stop\nstart\n"


def test_what_a_dead_process_left_stopped_is_started_by_whoever_looks(
    tmp_path: Path, did: Path
) -> None:
    services = Services(tmp_path / "state")
    services.stop(settings(did), GONE)

    assert services.recover()
    assert not services.recover()
    assert did.read_text() == "stop\nstart\n"


def test_what_a_living_process_stopped_is_left_alone(tmp_path: Path, did: Path) -> None:
    services = Services(tmp_path / "state")
    services.stop(settings(did), this_process())

    assert not services.recover()
    assert did.read_text() == "stop\n"


def test_a_service_that_does_not_start_is_tried_again_by_the_next(
    tmp_path: Path, did: Path
) -> None:
    services = Services(tmp_path / "state")
    services.stop(settings(did, start=f"test -e {did}.ok"), this_process())

    with pytest.raises(ServiceError, match=r"sessions.resume: sh failed: exit status 1"):
        services.give_back(this_process())
    did.with_suffix(".ok").touch()

    assert services.recover()
    assert did.read_text() == "stop\nstart\nstart\n"


def test_what_half_stopped_is_started_again(tmp_path: Path, did: Path) -> None:
    services = Services(tmp_path / "state")

    with pytest.raises(ServiceError, match=r"sessions.quiesce: sh failed: kan niet"):
        services.stop(settings(did, stop="echo kan niet >&2; exit 1"), this_process())

    assert did.read_text() == "stop\nstart\n"
    assert not services.recover()


def test_what_was_left_stopped_is_taken_over_with_the_commands_of_today(
    tmp_path: Path, did: Path
) -> None:
    """A wrong `resume` of yesterday must not be in the way of every backup from then on."""
    services = Services(tmp_path / "state")
    services.stop(settings(did, start="exit 1"), GONE)
    with pytest.raises(ServiceError, match=r"Start it by hand, and remove .*services.json"):
        services.recover()

    services.stop(settings(did, stop="exit 2"), this_process())  # it is stopped already
    services.give_back(this_process())

    assert did.read_text() == "stop\nstart\nstop\nstart\n"
    assert not services.recover()


def test_a_started_service_lives_on(tmp_path: Path, did: Path) -> None:
    services = Services(tmp_path / "state")
    lives = "(trap '' HUP; sleep 0.5; echo lives >>" + str(did) + ") &"
    services.stop(settings(did, start=lives), this_process())

    services.give_back(this_process())
    for _ in range(100):
        if "lives" in did.read_text():
            break
        time.sleep(0.05)

    assert did.read_text() == "stop\nstart\nlives\n"


def test_a_journal_that_cannot_be_read_is_an_error_that_says_what_to_do(
    tmp_path: Path, did: Path
) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "services.json").write_text("{}")

    with pytest.raises(StateError, match="Start by hand what"):
        Services(tmp_path / "state").recover()


def test_a_full_disk_does_not_keep_a_service_stopped(
    tmp_path: Path, did: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = Services(tmp_path / "state")
    services.stop(settings(did), this_process())

    def full(*_: object) -> None:
        raise StateError("no space left")

    monkeypatch.setattr("avplugin.sessions.services.write_json", full)
    services.give_back(this_process())

    assert did.read_text() == "stop\nstart\n"


@pytest.mark.parametrize("journal", [None, "", "{}", "[]", '{"holders": [], "resume": [1]}'])
def test_who_stopped_it_starts_it_also_without_the_journal(
    tmp_path: Path, did: Path, journal: str | None
) -> None:
    services = Services(tmp_path / "state")
    services.stop(settings(did), this_process())
    file = tmp_path / "state" / "services.json"
    file.unlink()
    if journal is not None:
        file.write_text(journal)

    services.give_back(this_process())

    assert did.read_text() == "stop\nstart\n"


def test_a_command_that_outlives_whoever_started_it_is_waited_for(
    tmp_path: Path, did: Path
) -> None:
    """Else the service would be stopped behind its start, for good."""
    script = tmp_path / "stop.py"
    script.write_text(
        "from pathlib import Path\n"
        "from avplugin.borgmatic.process import this_process\n"
        "from avplugin.configuration.sessions import People, Sessions\n"
        "from avplugin.sessions.services import Services\n"
        f"quiesce = ('sh', '-c', 'echo begin >>{did}; sleep 1.5; echo stop >>{did}')\n"
        f"resume = ('sh', '-c', 'echo start >>{did}')\n"
        "settings = Sessions((), 0, People(), {}, (), quiesce, resume, False, (), 60)\n"
        f"Services(Path({str(tmp_path / 'state')!r})).stop(settings, this_process())\n"
    )
    with subprocess.Popen([sys.executable, script]) as child:
        while not did.exists():
            time.sleep(0.05)
        time.sleep(0.2)
        child.kill()

    assert Services(tmp_path / "state").recover()

    assert did.read_text() == "begin\nstop\nstart\n"
