"""The guard itself; guard.py starts it and says what it is for."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import json
import math
import os
import selectors
import signal
import sys
import time
from pathlib import Path
from typing import Any

from avplugin.borgmatic.process import Process, this_process
from avplugin.configuration.duration import human_duration
from avplugin.configuration.load import load_configuration
from avplugin.configuration.model import Configuration
from avplugin.errors import AvpluginError
from avplugin.sessions.fence_handles import Fence
from avplugin.sessions.guard import FENCE_LIMIT, GuardError, report_file
from avplugin.sessions.services import Services
from avplugin.sessions.smb_share import SharePaths, UnsendableNameError
from avplugin.state.files import write_json

_HEARTBEAT = 5.0  # seconds between two looks at the fence
_PATIENCE = 60.0  # seconds in which the server has to say that the fence stands


class _Guard:
    def __init__(self, configuration: Configuration, folder: Path, owner: Process) -> None:
        self._configuration = configuration
        self._folder = folder
        self._owner = owner
        self._me = this_process()
        self._services = Services(configuration.state)
        self._fence: Fence | None = None
        self._broken = ""  # since when and why the fence does not stand
        self._kept = False
        self._end = math.inf  # when to give back what was taken, in monotonic seconds

    def watch(self, signals: int) -> None:
        """Do as told until there is nothing left to watch over, then give everything back.

        `signals` is the descriptor on which a signal shows.
        """
        try:
            with contextlib.closing(_Descriptor(os.pidfd_open(self._owner.pid))) as owner:
                if self._owner.lives():
                    self._listen(owner.number, signals)
        except ProcessLookupError:
            return  # the owner is gone before anything was taken
        finally:
            self._give_back()

    def _listen(self, owner: int, signals: int) -> None:
        _answer({"process": dataclasses.asdict(self._me)})
        with selectors.DefaultSelector() as selector:
            for descriptor in (0, owner, signals):
                selector.register(descriptor, selectors.EVENT_READ)
            while (left := self._end - time.monotonic()) > 0:
                ready = {key.fd for key, _ in selector.select(min(_HEARTBEAT, left))}
                if owner in ready or signals in ready:
                    return
                if 0 in ready and not self._obey(sys.stdin.buffer.readline()):
                    if not self._kept:
                        return
                    selector.unregister(0)
                self._look_at_fence(whole=False)
        length = human_duration(self._configuration.sessions.fence_limit)
        self._note_broken(f"fence_limit ({length}) was over")

    def _obey(self, line: bytes) -> bool:
        """Do what one line of the pipe says; return whether there can be more."""
        if not line or self._kept:
            return False
        order = json.loads(line)
        self._end = min(self._end, time.monotonic() + self._configuration.sessions.fence_limit)
        try:
            if order["do"] == "stop services":
                self._services.stop(self._configuration.sessions, self._me)
                _answer({})
            elif order["do"] == "put up fence":
                _answer(self._put_up_fence(order["tables"]))
            elif order["do"] == "keep":
                self._kept = True
                _answer({})
        except AvpluginError as error:
            _answer({"error": str(error)})
        return True

    def _put_up_fence(self, tables: list[str]) -> dict[str, list[str]]:
        """Hold the tables; return those that somebody has, and those that lie in no share."""
        probe = self._configuration.sessions.fence_probe
        assert probe is not None  # noqa: S101 - the configuration was checked for it
        paths = SharePaths(probe, self._configuration.drives)
        there = {_in_share(paths, table): table for table in tables}
        bare = [table for table in tables if table not in there.values()]
        there.pop(None, None)
        if not there:
            raise GuardError(
                "no table lies in the share of the probe smb, so there can be no fence.\n"
                "Say with 'folder' where that share is on this machine."
            )
        self._fence = Fence(probe)
        not_held = self._fence.hold([path for path in there if path], FENCE_LIMIT)
        failed = [str(one) for one in not_held if not one.in_use]
        if failed:
            raise GuardError(f"the fence could not be put up: {failed[0]}.")
        if not_held:  # whoever is left out is not to be kept out
            self._fence.drop()
            self._fence = None
        return {"refused": [there[one.path] for one in not_held], "bare": bare}

    def _look_at_fence(self, *, whole: bool) -> None:
        if self._fence is None or self._broken:
            return
        try:
            why = self._fence.still_stands(_PATIENCE, sample=not whole)
        except Exception as error:  # what cannot be proven does not stand
            why = f"{type(error).__name__}: {error}"
        if why:
            self._note_broken(why)

    def _note_broken(self, why: str) -> None:
        if self._fence is not None and not self._broken:
            at = datetime.datetime.now().astimezone().strftime("%H:%M:%S")
            self._broken = f"at {at} {why}"

    def _give_back(self) -> None:
        """Whatever of it fails, the rest is done; the report comes last."""
        try:
            self._look_at_fence(whole=True)
            if self._fence is not None:
                with contextlib.suppress(Exception):
                    self._fence.drop()
            self._services.give_back(self._me)
        finally:
            report = {"process": dataclasses.asdict(self._me), "broken": self._broken}
            write_json(report_file(self._folder), report)


def _in_share(paths: SharePaths, table: str) -> str | None:
    """Return what the table is called in the share; None if it is not there, or cannot be said."""
    try:
        return paths.find(os.fsencode(table))
    except UnsendableNameError:
        return None


class _Descriptor:
    def __init__(self, number: int) -> None:
        self.number = number

    def close(self) -> None:
        os.close(self.number)


def _answer(document: dict[str, Any]) -> None:
    """Answer whoever gave the order; nobody may be there any more."""
    with contextlib.suppress(OSError):
        sys.stdout.write(json.dumps(document) + "\n")
        sys.stdout.flush()


def main() -> None:
    """Watch: the arguments are accountview.yaml, the set's state folder, and the owner as JSON."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)  # the descriptor shows it
    file, folder, owner = sys.argv[1:]
    try:
        configuration = load_configuration(file)
        guard = _Guard(configuration, Path(folder), Process(**json.loads(owner)))
        guard.watch(reading)
    except AvpluginError as error:
        _answer({"error": str(error)})
        sys.exit(error.exit_status)


if __name__ == "__main__":
    main()
