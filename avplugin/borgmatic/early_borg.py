"""A Borg that has loaded itself already when it is known what it is to do.

Loading takes Borg 0.2 s, as long as a command of avplugin takes to find out what to ask; on two
processors both are done side by side. The process that waits is Borg's own program from where it
looks at its arguments on. It holds nothing, and ends when nobody can tell it anything any more.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

# What Borg looks at while it loads, as borgmatic sets it.
_WHILE_LOADING = {"BORG_EXIT_CODES": "modern", "BORG_WORKAROUNDS": ""}
_PIPE = "BORG_PASSPHRASE_FD"
_LONGEST = 1 << 16  # bytes of all arguments and variables together; longer ones go the usual way
_MOST = 200  # file descriptors

_waiting: list[tuple[subprocess.Popen[bytes], socket.socket]] = []


def begin_early() -> None:
    """Have a Borg load itself, for the first thing that is asked of it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", __name__],
            env={**os.environ, **_WHILE_LOADING},
            stdin=theirs.fileno(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    _waiting.append((process, ours))


def start_early(
    words: Sequence[str],
    environment: Mapping[str, str],
    folder: str | Path | None,
    *,
    module: str | None = None,
    is_asked: bool = False,
) -> subprocess.Popen[bytes] | None:
    """Tell the Borg that waits what to do, as subprocess.Popen would; None if none can do it.

    Like a child it gets all descriptors that can be inherited: locks, and a pipe with a passphrase.
    `module` is one with a `main` to be run in the place of Borg's program. One that `is_asked` has
    a standard input.
    """
    if not _waiting:
        return None
    process, connection = _waiting.pop()
    with connection:
        if any(environment.get(key, "") != value for key, value in _WHILE_LOADING.items()):
            return None
        descriptors = _inherited()
        questions, asking = os.pipe() if is_asked else (os.open(os.devnull, os.O_RDONLY), None)
        descriptors.append(questions)
        order = {
            "module": module or "borg.archiver",
            "words": list(words),
            "input": questions,
            "environment": dict(environment),
            "folder": os.fspath(folder or Path.cwd()),
            "descriptors": descriptors,
        }
        data = json.dumps(order).encode("ascii")
        is_sent = False
        with contextlib.suppress(OSError):  # somebody has ended it
            if len(data) <= _LONGEST and len(descriptors) <= _MOST:
                socket.send_fds(connection, [data], descriptors)
                is_sent = True
        os.close(questions)
        if asking is not None and is_sent:
            process.stdin = os.fdopen(asking, "wb")
        elif asking is not None:
            os.close(asking)
        return process if is_sent else None


def _inherited() -> list[int]:
    found = []
    with os.scandir("/proc/self/fd") as entries:
        for number in [int(entry.name) for entry in entries]:
            with contextlib.suppress(OSError):  # the one of the folder itself
                if number > 2 and os.get_inheritable(number):  # not a standard stream
                    found.append(number)
    return found


def _main() -> None:
    """Load Borg, wait to be told what to do, and do it."""
    import borg.archiver  # noqa: F401, PLC0415 - the parent has no use for it

    signal.signal(signal.SIGINT, signal.SIG_DFL)  # no traceback from one that only waits
    with socket.socket(fileno=os.dup(0)) as connection:
        data, descriptors, _flags, _address = socket.recv_fds(connection, _LONGEST, _MOST)
    if not data:
        return
    order = json.loads(data)
    numbers = dict(zip(order["descriptors"], descriptors, strict=True))
    environment: dict[str, str] = order["environment"]
    if _PIPE in environment:
        number = int(environment[_PIPE])
        environment[_PIPE] = str(numbers.get(number, number))
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir(order["folder"])
    os.dup2(numbers[order["input"]], 0)
    os.close(numbers[order["input"]])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["borg", *order["words"]]
    importlib.import_module(order["module"]).main()


if __name__ == "__main__":
    _main()
