"""The Backoffice Server, or whatever `quiesce` stops, and that it is started again.

A journal says what is stopped and for whom. It is written before the command runs, so that a crash
at any point leaves a service that somebody knows to be stopped: the last of those it was stopped
for starts it again, or the next command of avplugin if none of them lives.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import time
from pathlib import Path

from avplugin.borgmatic.process import Process, find_process, this_process
from avplugin.configuration.sessions import Sessions
from avplugin.errors import AvpluginError
from avplugin.sessions.child import ChildError, run_command
from avplugin.state.files import StateError, locked, read_json, write_json

COMMAND_LIMIT = 180.0  # seconds for a service to stop, or to start


class ServiceError(AvpluginError):
    """What `quiesce` or `resume` runs failed."""


class Services:
    """What `quiesce` stops, for all sets of one state folder together."""

    def __init__(self, state: Path) -> None:
        self._journal = state / "services.json"
        self._lock = state / "services.lock"
        self._mine: _Stopped | None = None  # should the journal be lost

    def stop(self, settings: Sessions, holder: Process) -> None:
        """Stop the services for `holder`, unless they are stopped for somebody who still lives.

        Raise ServiceError if the command fails; what it may have stopped is started again.
        """
        with locked(self._lock):
            stopped = self._read()
            if stopped is not None and stopped.is_held:
                stopped = dataclasses.replace(stopped, holders=(*stopped.holders, holder))
                self._write(stopped)
                self._mine = stopped
                return
            left_behind = stopped is not None  # by a crash, or it could not be started
            self._mine = stopped = _Stopped((holder,), settings.resume)
            self._write(stopped)
            try:
                self._run(stopped, settings.quiesce, "quiesce")
            except ServiceError:
                if left_behind:
                    return  # what is stopped already need not let itself be stopped again
                self._mine = None
                self._start(stopped)
                raise

    def give_back(self, holder: Process) -> None:
        """Start the services again if they were stopped for `holder` and nobody else who lives.

        Nothing happens if they were not. Raise ServiceError if the command fails; the next command
        of avplugin then tries again.
        """
        with locked(self._lock):
            try:
                stopped = self._read() or self._mine
            except StateError:
                stopped = self._mine
            if stopped is None or holder not in stopped.holders:
                return
            self._mine = None
            left = tuple(one for one in stopped.holders if one != holder and one.lives())
            remaining = dataclasses.replace(stopped, holders=left)
            if left:
                self._note(remaining)
            else:
                self._start(remaining)

    def recover(self) -> bool:
        """Start again what was stopped for processes of which none lives; return whether it was so.

        Raise ServiceError that names the journal if the command fails.
        """
        if not os.path.exists(self._journal):  # noqa: PTH110 - false also where it is not ours
            return False  # the usual case, without a lock
        with locked(self._lock):
            stopped = self._read()
            if stopped is None or stopped.is_held:
                return False
            try:
                self._start(stopped)
            except ServiceError as error:
                raise ServiceError(
                    f"{error}\nStart it by hand, and remove {self._journal}; the next backup tries"
                    " again with the command that is configured then."
                ) from error
            return True

    def _start(self, stopped: _Stopped) -> None:
        """Start the services, also where the journal cannot be written any more.

        A command whose guard was killed goes on by itself: it is waited for, so that what it does
        does not come last. If that was `resume`, all is done.
        """
        last = stopped.running
        if last is not None and last.lives():
            _wait_for(last)
        if last is None or stopped.command != "resume" or last.boot != this_process().boot:
            remaining = dataclasses.replace(stopped, holders=())
            self._note(remaining)
            self._run(remaining, stopped.resume, "resume")
        self._journal.unlink(missing_ok=True)

    def _run(self, stopped: _Stopped, command: tuple[str, ...], name: str) -> None:
        def note(pid: int) -> None:
            self._note(dataclasses.replace(stopped, running=find_process(pid), command=name))

        try:
            ended = run_command(command, limit=COMMAND_LIMIT, started=note)
        except ChildError as error:
            self._note(stopped)
            raise ServiceError(f"sessions.{name}: {error}.") from error
        self._note(stopped)
        if ended.status != 0:
            raise ServiceError(f"sessions.{name}: {command[0]} failed: {ended.complaint}.")

    def _read(self) -> _Stopped | None:
        try:
            document = read_json(self._journal)
            if document is None:
                return None
            running = document["running"]
            stopped = _Stopped(
                tuple(Process(**one) for one in document["holders"]),
                tuple(document["resume"]),
                Process(**running) if running else None,
                document["command"],
            )
            if not stopped.resume or not all(isinstance(one, str) for one in stopped.resume):
                raise TypeError("resume is no command")
        except (StateError, KeyError, TypeError) as error:
            raise StateError(
                f"{self._journal} cannot be read, so it is not known what is stopped.\n"
                "Start by hand what 'sessions.quiesce' stops, and remove the file."
            ) from error
        return stopped

    def _note(self, stopped: _Stopped) -> None:
        """Write the journal if that is possible: a full disk must not keep a service stopped."""
        with contextlib.suppress(StateError):
            self._write(stopped)

    def _write(self, stopped: _Stopped) -> None:
        write_json(self._journal, dataclasses.asdict(stopped))


@dataclasses.dataclass(frozen=True, slots=True)
class _Stopped:
    """What the journal says: for whom it is stopped, and what starts it again.

    `running` is the process of the `command` (quiesce, resume) that was started last.
    """

    holders: tuple[Process, ...]
    resume: tuple[str, ...]  # as it was configured then
    running: Process | None = None
    command: str = ""

    @property
    def is_held(self) -> bool:
        return any(one.lives() for one in self.holders)


def _wait_for(process: Process) -> None:
    end = time.monotonic() + COMMAND_LIMIT
    while process.lives() and time.monotonic() < end:
        time.sleep(0.1)
