"""A program that is asked something: bounded in time, memory and what it may print."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import selectors
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence

_MOST_OUTPUT = 64 * 1024 * 1024  # bytes; 20,000 open files are 4 MB
_MOST_COMPLAINTS = 64 * 1024  # bytes
_LETTING_GO = 1.0  # seconds that a killed program gets to disappear


class ChildError(Exception):
    """The program could not be started, or did not keep to its bounds; the message says which."""


@dataclasses.dataclass(frozen=True, slots=True)
class Ended:
    """A program that ended by itself, and what it printed."""

    status: int  # negative: the signal that ended it
    output: bytes
    errors: bytes

    @property
    def complaint(self) -> str:
        """The last line of its standard error that says anything, or how it ended."""
        lines = [line.strip() for line in self.errors.decode("utf-8", "replace").splitlines()]
        said = [line for line in lines if line]
        if said:
            return said[-1]
        return f"signal {-self.status}" if self.status < 0 else f"exit status {self.status}"


def ask_program(
    words: Sequence[str],
    *,
    limit: float,
    given: bytes = b"",
    memory: int | None = None,
    environment: Mapping[str, str] | None = None,
) -> Ended:
    """Run a program, give it `given` on standard input, and return what it printed.

    `limit` is in seconds, `memory` in bytes of address space. At the limit the program and all that
    it started are killed, save what this user may not kill: what runs under sudo is left to itself.
    `environment` is added to this process's own. Raise ChildError if it cannot be started, runs on
    past the limit, or prints without end.
    """
    program = shutil.which(words[0])
    if program is None:
        raise ChildError(f"{words[0]} cannot be started: it is missing, or may not be run")
    bounds: list[str] = []
    if memory is not None:
        # Set before it starts: sudo, and what that starts, cannot be bound from outside.
        bounds = ["/bin/sh", "-c", 'ulimit -v "$0" && exec "$@"', str(memory // 1024)]
    try:
        child = subprocess.Popen(
            [*bounds, program, *words[1:]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
    except OSError as error:
        raise ChildError(f"{words[0]} cannot be started: {error.strerror}") from error
    try:
        output, errors = _talk(child, words[0], given, time.monotonic() + limit, limit)
        return Ended(child.returncode, output, errors)
    finally:
        # Also what it left behind: a grandchild may hold the pipes or the share.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(_LETTING_GO)
        for pipe in (child.stdin, child.stdout, child.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def run_command(
    words: Sequence[str], *, limit: float, started: Callable[[int], None] = lambda _: None
) -> Ended:
    """Run a command for what it does, and return how it ended; only its errors are kept.

    What it starts and leaves running is left alone, so that it may start a service. `started` is
    told the id of its process. At the limit
    (seconds) the command and all that it started are killed. Raise ChildError as ask_program does.
    """
    with tempfile.TemporaryFile() as errors:
        try:
            child = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
            )
        except OSError as error:
            raise ChildError(f"{words[0]} cannot be started: {error.strerror}") from error
        except ValueError as error:  # a zero byte in a name
            raise ChildError(f"{words[0]} cannot be started: {error}") from error
        try:
            started(child.pid)
            child.wait(limit)
        except BaseException as error:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            if isinstance(error, subprocess.TimeoutExpired):
                raise ChildError(f"{words[0]} did not end within {limit:g} s") from error
            raise
        errors.seek(0)
        return Ended(child.returncode, b"", errors.read(_MOST_COMPLAINTS))


def _talk(
    child: subprocess.Popen[bytes], name: str, given: bytes, deadline: float, limit: float
) -> tuple[bytes, bytes]:
    """Feed and read the child until it has ended; its heirs are not waited for."""
    assert child.stdin and child.stdout and child.stderr  # noqa: S101 - made with pipes
    output: dict[int, bytearray] = {
        child.stdout.fileno(): bytearray(),
        child.stderr.fileno(): bytearray(),
    }
    rest = memoryview(given)
    with selectors.DefaultSelector() as selector:
        for pipe in (child.stdout, child.stderr):
            os.set_blocking(pipe.fileno(), False)
            selector.register(pipe, selectors.EVENT_READ)
        if rest:
            os.set_blocking(child.stdin.fileno(), False)
            selector.register(child.stdin, selectors.EVENT_WRITE)
        else:
            child.stdin.close()
        while True:
            ended = child.poll() is not None
            for key, _ in selector.select(0 if ended else 0.05):
                if key.fileobj is child.stdin:
                    rest = _feed(child, selector, rest)
                elif not _take(key.fd, output[key.fd]):
                    selector.unregister(key.fileobj)
            if sum(map(len, output.values())) > _MOST_OUTPUT:
                raise ChildError(f"{name} prints without end")
            if ended:
                break
            if time.monotonic() > deadline:
                raise ChildError(f"{name} did not answer within {limit:g} s")
    out, err = output.values()
    return bytes(out), bytes(err)


def _feed(
    child: subprocess.Popen[bytes], selector: selectors.BaseSelector, rest: memoryview
) -> memoryview:
    assert child.stdin  # noqa: S101 - made with pipes
    try:
        rest = rest[os.write(child.stdin.fileno(), rest) :]
    except BlockingIOError:
        return rest
    except BrokenPipeError:  # it has read enough
        rest = rest[:0]
    if not rest:
        selector.unregister(child.stdin)
        child.stdin.close()
    return rest


def _take(descriptor: int, into: bytearray) -> bool:
    """Read what is there; return whether more can come."""
    while True:
        try:
            data = os.read(descriptor, 65536)
        except BlockingIOError:
            return True
        if not data:
            return False
        into += data
        if len(into) > _MOST_OUTPUT:
            return False
