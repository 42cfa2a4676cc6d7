"""Start borgmatic for one set, as cron would, and hear from Borg how far it is."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import IO, Any

from avplugin.errors import AvpluginError

_FAULTS = {"WARNING", "ERROR", "CRITICAL"}
_SILENT = {"archive_progress", "progress_message", "progress_percent", "file_status"}


class BorgmaticError(AvpluginError):
    """borgmatic cannot be started."""


@dataclasses.dataclass(frozen=True, slots=True)
class Start:
    """What one start has besides: options, one repository by its path, variables for its hooks."""

    options: tuple[str, ...] = ()
    repository: str | None = None
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)


def start_create(
    file: Path,
    configuration: Path,
    start: Start,
    *,
    verbose: bool,
    progress: Callable[[int], None],
    say: Callable[[str], None],
    complain: Callable[[str], None],
) -> int:
    """Run `borgmatic create` with borgmatic's configuration `file` and return its exit status.

    Its hooks use accountview.yaml at `configuration` and the commands of this Python environment.
    `progress` is called with the bytes that Borg has looked at, `say` and `complain` with each line
    of borgmatic's standard output and error. A Ctrl-C reaches borgmatic too, and its hooks for a
    failed backup run before this returns. Raise BorgmaticError if there is no borgmatic.
    """
    command = [
        *(find_borgmatic(), "--config", str(file)),
        *(["--verbosity", "1"] if verbose else []),
        *start.options,
        *("create", "--progress", "--log-json", "--no-color"),
        *(["--repository", start.repository] if start.repository else []),
    ]
    environment = {**borgmatic_environment(configuration), **start.environment}
    try:
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except OSError as error:
        raise BorgmaticError(f"cannot start borgmatic: {error.strerror}.") from error
    assert process.stdout is not None  # noqa: S101 - for mypy
    assert process.stderr is not None  # noqa: S101 - for mypy
    # Asked for its progress as JSON, borgmatic prints its own log as JSON as well.
    hear = _Listener(progress, say, complain)
    reader = threading.Thread(target=hear.listen, args=(process.stdout,), daemon=True)
    reader.start()
    with _stopped_afterwards(process, hear):
        try:
            hear.listen(process.stderr)
        except BaseException:
            process.terminate()
            process.wait()
            raise
        reader.join()
        return process.wait()


@contextlib.contextmanager
def _stopped_afterwards(process: subprocess.Popen[bytes], hear: _Listener) -> Iterator[None]:
    """Keep Ctrl-C and SIGTERM until the block, and with it borgmatic, has ended.

    A Ctrl-C reaches borgmatic too, and borgmatic sends what it gets, and SIGTERM as well, to its
    whole process group: none of that may end avplugin before borgmatic's hooks have run.
    """
    stopped: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGTERM and not stopped:
            process.terminate()
        stopped.append(number)
        hear.is_stopped = True

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, note) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
        if stopped:
            signal.raise_signal(stopped[0])


def borgmatic_environment(configuration: Path) -> dict[str, str]:
    """Return the environment in which borgmatic's hooks use accountview.yaml at `configuration`.

    They, and Borg, are the commands of this Python environment.
    """
    environment = dict(os.environ)
    own_folder = str(Path(sys.executable).parent)
    environment["PATH"] = os.pathsep.join([own_folder, environment.get("PATH", os.defpath)])
    environment["AVPLUGIN_CONFIG"] = str(configuration)
    return environment


def find_borgmatic() -> str:
    """Return the borgmatic of this Python environment, or else the one on PATH."""
    beside = Path(sys.executable).with_name("borgmatic")
    found = str(beside) if beside.exists() else shutil.which("borgmatic")
    if found is None:
        raise BorgmaticError(
            "borgmatic is not installed.\n'pip install borgmatic', or put its folder on PATH."
        )
    return found


class _Listener:
    """Takes borgmatic's output apart: Borg's progress, messages and errors."""

    def __init__(
        self,
        progress: Callable[[int], None],
        say: Callable[[str], None],
        complain: Callable[[str], None],
    ) -> None:
        self._progress = progress
        self._say = say
        self._complain = complain
        self.is_stopped = False

    def listen(self, stream: IO[bytes]) -> None:
        """Read the stream to its end."""
        for line in stream:
            text = line.decode("utf-8", "replace").rstrip()
            if text:
                self._hear(text)

    def _hear(self, text: str) -> None:
        document = _as_json(text)
        kind = document.get("type")
        if kind == "archive_progress" and "original_size" in document:
            self._progress(int(document["original_size"]))
        elif kind == "log_message":
            is_fault = document.get("levelname") in _FAULTS
            (self._complain if is_fault else self._say)(str(document.get("message", "")))
        elif kind not in _SILENT and not self.is_stopped:  # stopped, Python itself complains
            self._complain(text)


def _as_json(text: str) -> dict[str, Any]:
    """Return a line of borgmatic's log; one that is no JSON comes from somebody else's program."""
    if text.startswith("{"):
        with contextlib.suppress(ValueError):
            document: dict[str, Any] = json.loads(text)
            return document
    return {}
