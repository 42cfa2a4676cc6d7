"""The process that keeps what a backup has taken, and gives it back whatever happens.

It holds the fence, and has stopped the services. A hook cannot do that itself, since it ends before
the copy begins. The guard ends when after-backup or failed-backup tell it to; when the process it
was taken for is gone, which a pidfd shows, also after kill -9; when whoever started it dies before
the run has begun; or at the limit.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from avplugin.borgmatic.process import Process
from avplugin.configuration.model import Configuration
from avplugin.errors import AvpluginError
from avplugin.sessions.services import COMMAND_LIMIT, Services
from avplugin.state.files import StateError, read_json

_START_LIMIT = 30.0  # seconds until its first answer
FENCE_LIMIT = 300.0  # seconds to open the tables; 20,000 took 18 s
_END_LIMIT = 2 * COMMAND_LIMIT + 90.0  # seconds to finish a command, look at the fence, and resume


class GuardError(AvpluginError):
    """The guard could not take what it was told to."""


class FenceRefused(GuardError):  # noqa: N818 - named for what happened
    """Somebody has one of the tables open; `tables` are their paths on this machine."""

    def __init__(self, tables: Sequence[str]) -> None:
        self.tables = tuple(tables)
        super().__init__(f"somebody has {tables[0]} open, so the fence could not be put up.")


class Guard:
    """A guard that was started and waits for orders. Leaving the block without `keep` ends it.

    Raise ServiceError then if something that was stopped cannot be started again.
    """

    def __init__(self, configuration: Configuration, folder: Path, owner: Process) -> None:
        """Start the guard for `owner`; it reports in `folder`, a set's state."""
        words = [str(configuration.file), str(folder), json.dumps(dataclasses.asdict(owner))]
        self._child = subprocess.Popen(
            [sys.executable, "-P", "-m", "avplugin.sessions.guard_process", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C and borgmatic's signals are not for it
            cwd="/",
        )
        self._kept = False
        self._state = configuration.state
        try:
            self.process = Process(**self._answer(_START_LIMIT)["process"])
        except BaseException:
            self._child.kill()  # it has taken nothing yet
            self._child.communicate()
            raise

    def __enter__(self) -> Guard:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        assert self._child.stdin and self._child.stdout  # noqa: S101 - made with pipes
        with contextlib.suppress(OSError):
            self._child.stdin.close()  # without a word before, the guard gives all back
        if not self._kept:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(_END_LIMIT)
        self._child.stdout.close()
        if kind is None and not self._kept:
            Services(self._state).recover()  # tells it if something could not be started again

    def stop_services(self) -> None:
        """Stop what `quiesce` stops; raise GuardError if that fails."""
        self._order({"do": "stop services"}, COMMAND_LIMIT * 2)

    def put_up_fence(self, tables: Sequence[str]) -> list[str]:
        """Hold tables (paths on this machine) so that nobody can open them for writing.

        Return those that lie below no share, and so are not held. Raise FenceRefused, with nothing
        held, if somebody has one open; GuardError if it cannot be put up.
        """
        answer = self._order(
            {"do": "put up fence", "tables": list(tables)}, FENCE_LIMIT + _START_LIMIT
        )
        if answer["refused"]:
            raise FenceRefused(answer["refused"])
        bare: list[str] = answer["bare"]
        return bare

    def keep(self) -> Process:
        """Let the guard go on without this process; return it, to be ended by `end_guard`."""
        self._order({"do": "keep"}, _START_LIMIT)
        self._kept = True
        return self.process

    def _order(self, order: dict[str, Any], limit: float) -> dict[str, Any]:
        assert self._child.stdin  # noqa: S101 - made with pipes
        try:
            self._child.stdin.write(json.dumps(order).encode() + b"\n")
            self._child.stdin.flush()
        except OSError as error:
            raise GuardError("the guard ended by itself; start the backup again.") from error
        return self._answer(limit)

    def _answer(self, limit: float) -> dict[str, Any]:
        assert self._child.stdout  # noqa: S101 - made with pipes
        readable, _, _ = select.select([self._child.stdout], [], [], limit)
        if not readable:
            raise GuardError(f"the guard did not answer within {limit:g} s.")
        line = self._child.stdout.readline()
        if not line:
            raise GuardError("the guard ended by itself; start the backup again.")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise GuardError(answer["error"])
        return answer


@dataclasses.dataclass(frozen=True, slots=True)
class Ending:
    """How a guard ended; both are empty if all is well.

    `broken` says why its fence cannot be relied on, `fault` what somebody has to look at: the guard
    was not there to the end, or a service could not be started again.
    """

    broken: str = ""
    fault: str = ""


def end_guard(process: Process, configuration: Configuration, folder: Path) -> Ending:
    """Have a guard give everything back, wait until it has, and return how it went.

    What a guard that was killed, or hangs, has left behind is given back here.
    """
    lost = fault = _tell_to_end(process)
    try:
        Services(configuration.state).recover()
    except AvpluginError as error:  # no reason to forget how the fence stood
        fault = str(error)
    if not configuration.sessions.fence:
        return Ending(fault=fault)
    try:
        report = read_json(report_file(folder))
    except StateError:
        report = None
    is_own = isinstance(report, dict) and report.get("process") == dataclasses.asdict(process)
    broken = str(report.get("broken", "")) if is_own else "it did not say how the fence stood"
    return Ending(broken or lost, fault)


def report_file(folder: Path) -> Path:
    """Return where a guard writes, at its end, how it went."""
    return folder / "guard.json"


def _tell_to_end(process: Process) -> str:
    """Wait until the process has ended; return why it did not end as it should, or nothing."""
    gone = "the process that watches over the backup was ended from outside"
    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return gone
    try:
        # Behind the descriptor the id cannot be given to another process any more.
        if not process.lives():
            return gone
        signal.pidfd_send_signal(descriptor, signal.SIGTERM)
        if select.select([descriptor], [], [], _END_LIMIT)[0]:
            return ""
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        select.select([descriptor], [], [], _START_LIMIT)
        return "the process that watches over the backup did not answer, and was killed"
    except ProcessLookupError:
        return ""
    finally:
        os.close(descriptor)
