"""The Backoffice Server, or whatever `quiesce` stops, and that it is started again.

A journal says what is stopped and for whom. It is written before the command runs, so that a crash
at any point leaves a service that somebody knows to be stopped: the last of those it was stopped
for starts it again, or the next command of avplugin if none of them lives.
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

from avplugin.borgmatic.process import Process
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

    def stop(self, settings: Sessions, holder: Process) -> None:
        """Stop the services for `holder`, unless they are stopped for somebody who still lives.

        Raise ServiceError if the command fails; what it may have stopped is started again.
        """
        with locked(self._lock):
            stopped = self._read()
            if stopped is not None and any(one.lives() for one in stopped.holders):
                self._write(dataclasses.replace(stopped, holders=(*stopped.holders, holder)))
                return
            if stopped is not None:
                self._start(stopped)  # left behind by a crash
            stopped = _Stopped((holder,), settings.resume)
            self._write(stopped)
            try:
                _run(settings.quiesce, "sessions.quiesce")
            except ServiceError:
                self._start(stopped)
                raise

    def give_back(self, holder: Process) -> None:
        """Start the services again if they were stopped for `holder` and nobody else who lives.

        Nothing happens if they were not. Raise ServiceError if the command fails; the next command
        of avplugin then tries again.
        """
        with locked(self._lock):
            stopped = self._read()
            if stopped is None or holder not in stopped.holders:
                return
            self._end(stopped, {holder})

    def recover(self) -> bool:
        """Start again what was stopped for processes of which none lives; return whether it was so.

        Raise ServiceError if the command fails.
        """
        if not os.path.exists(self._journal):  # noqa: PTH110 - false also where it is not ours
            return False  # the usual case, without a lock
        with locked(self._lock):
            stopped = self._read()
            if stopped is None or any(one.lives() for one in stopped.holders):
                return False
            self._start(stopped)
            return True

    def _end(self, stopped: _Stopped, gone: set[Process]) -> None:
        left = tuple(one for one in stopped.holders if one not in gone and one.lives())
        remaining = dataclasses.replace(stopped, holders=left)
        if left:
            self._write(remaining)
        else:
            self._start(remaining)

    def _start(self, stopped: _Stopped) -> None:
        self._write(dataclasses.replace(stopped, holders=()))
        _run(stopped.resume, "sessions.resume")
        self._journal.unlink(missing_ok=True)

    def _read(self) -> _Stopped | None:
        document = read_json(self._journal)
        if document is None:
            return None
        try:
            return _Stopped(
                tuple(Process(**one) for one in document["holders"]), tuple(document["resume"])
            )
        except (KeyError, TypeError) as error:
            raise StateError(
                f"{self._journal} is damaged.\n"
                "Start by hand what 'sessions.quiesce' stops, and remove the file."
            ) from error

    def _write(self, stopped: _Stopped) -> None:
        document: dict[str, Any] = {
            "holders": [dataclasses.asdict(one) for one in stopped.holders],
            "resume": list(stopped.resume),
        }
        write_json(self._journal, document)


@dataclasses.dataclass(frozen=True, slots=True)
class _Stopped:
    """What the journal says: for whom it is stopped, and what starts it again."""

    holders: tuple[Process, ...]
    resume: tuple[str, ...]  # as it was configured then


def _run(command: tuple[str, ...], key: str) -> None:
    try:
        ended = run_command(command, limit=COMMAND_LIMIT)
    except ChildError as error:
        raise ServiceError(f"{key}: {error}.") from error
    if ended.status != 0:
        raise ServiceError(f"{key}: {command[0]} failed: {ended.complaint}.")
