"""avplugin called in this process, much faster than in one of its own."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from conftest import World

from avplugin.__main__ import main


def call(world: World, *words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Do what World.avplugin does; nobody is there to be asked."""
    arguments = ["avplugin", *map(str, words)]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.ExitStack() as stack:
        stack.enter_context(mock.patch.dict(os.environ, {**world.environment, **environment}))
        stack.enter_context(mock.patch.object(sys, "argv", arguments))
        stack.enter_context(mock.patch.object(sys, "stdin", io.StringIO()))
        stack.enter_context(contextlib.redirect_stdout(out))
        stack.enter_context(contextlib.redirect_stderr(err))
        stack.enter_context(_signals_as_they_were())
        try:
            main()
        except SystemExit as ended:
            status = ended.code
    assert isinstance(status, int)
    return subprocess.CompletedProcess(arguments, status, out.getvalue(), err.getvalue())


@contextlib.contextmanager
def _signals_as_they_were() -> Iterator[None]:
    numbers = (signal.SIGTERM, signal.SIGHUP)
    handlers = [signal.getsignal(number) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, handlers, strict=True):
            signal.signal(number, handler)
