"""Work that is done for many things by a few processes at a time.

Looking at files waits for a disk or a server, and Python does one thing at a time in a process. The
children are forked: the library's own module for that takes longer to load than they save.

A child does nothing but the work. Threads that the parent has do not exist in it, and the locks
they held are never let go there.
"""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import signal
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, NoReturn, TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

# One child at once, and more as the work drags on. Each takes 4 ms to start. On a local disk it is
# the processors that count: with two of them, two processes do the scan of 125,000 files in 0.6 of
# the time of one, and more of them gain little. Of a slow share they wait, so that each one counts.
_FEWEST = 8  # items that are worth a child
_MOST = 7  # children
_PATIENCE = 0.05  # seconds until the second child; three times as long for each further one
_PORTIONS = 256  # a number of one byte
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def side_by_side(
    work: Callable[[_Item], _Result], items: Iterable[_Item], *, needs: Collection[int] = ()
) -> list[_Result]:
    """Return what `work` returns for each of the items, in their order, as a loop would.

    Some of it is done in other processes: `work` may change nothing in memory, import nothing and
    take no lock. `needs` are the descriptors that it reads from. What another process did not do,
    because it was killed or the work raised an error in it, is done once more in this one: so
    nothing is left out, and errors are raised as in a loop.
    """
    items = list(items)
    done: dict[int, _Result] = {}
    if len(items) >= _FEWEST:
        with (
            contextlib.closing(_Portions(len(items))) as portions,
            _Helpers(work, items, portions, needs) as helpers,
        ):
            helpers.start()
            done.update(_do(work, items, helpers.portions_and_more_help()))
            for child in helpers.children:
                done.update(child.results())
    return [done[number] if number in done else work(item) for number, item in enumerate(items)]


def _do(
    work: Callable[[Any], Any], items: Sequence[Any], portions: Iterable[range], parent: int = 0
) -> dict[int, Any]:
    """Do the work for one portion after the other, as long as the parent lives.

    What raises an error is left to be done in the order of the items.
    """
    done: dict[int, Any] = {}
    for portion in portions:
        for number in portion:
            if parent and os.getppid() != parent:
                return {}
            with contextlib.suppress(Exception):
                done[number] = work(items[number])
    return done


class _Portions:
    """What is still to be done, in portions that each process takes as it gets to them.

    They are numbers in a pipe: a read of one byte is never divided among two processes.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._size = -(-count // _PORTIONS)
        self.descriptor, filling = os.pipe()
        os.write(filling, bytes(range(-(-count // self._size))))
        os.close(filling)

    def __iter__(self) -> Iterator[range]:
        while number := os.read(self.descriptor, 1):
            start = number[0] * self._size
            yield range(start, min(start + self._size, self._count))

    def close(self) -> None:
        os.close(self.descriptor)


class _Child:
    """A process that does some of the work."""

    def __init__(self, process: int, descriptor: int) -> None:
        self._process = process
        self._descriptor = descriptor

    def results(self) -> dict[int, Any]:
        """Wait for it and return what it has done: all of what it took, or nothing."""
        with os.fdopen(os.dup(self._descriptor), "rb") as stream:
            data = stream.read()
        has_done_it = self._end() == 0
        return pickle.loads(data) if has_done_it else {}  # noqa: S301 - its own child wrote it

    def kill(self) -> None:
        """End it, if it is still there, without waiting for that."""
        if self._process:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process, signal.SIGKILL)

    def close(self) -> None:
        """Let nothing of it be left."""
        os.close(self._descriptor)
        if self._process:
            self._end()

    def _end(self) -> int | None:
        """Wait for its end and return its status, None if somebody has taken that."""
        # Forgotten first: the number may belong to another process right after.
        process, self._process = self._process, 0
        with contextlib.suppress(ChildProcessError):
            return os.waitpid(process, 0)[1]
        return None


class _Helpers:
    """The other processes at work; on the way out none is left."""

    def __init__(
        self,
        work: Callable[[Any], Any],
        items: Sequence[Any],
        portions: _Portions,
        needs: Collection[int],
    ) -> None:
        self._work = work
        self._items = items
        self._portions = portions
        self._needs = needs
        self.children: list[_Child] = []

    def __enter__(self) -> _Helpers:
        return self

    def __exit__(self, *_: object) -> None:
        for child in self.children:
            child.kill()
        for child in self.children:
            child.close()

    def start(self) -> None:
        """Start one more, if this user may have more processes."""
        with contextlib.suppress(OSError):
            self._start()

    def portions_and_more_help(self) -> Iterator[range]:
        """Yield the portions for this process, and start more as it takes longer."""
        began = time.monotonic()
        patience = _PATIENCE
        for portion in self._portions:
            if len(self.children) < _MOST and time.monotonic() - began > patience:
                patience *= 3
                self.start()
            yield portion

    def _start(self) -> None:
        parent = os.getpid()
        reading, writing = os.pipe()
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        try:
            # Till the child stands in the list, and has handlers of its own.
            signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
            process = os.fork()
            if process == 0:
                _be_child(self._work, self._items, self._portions, writing, self._needs, parent)
            self.children.append(_Child(process, reading))
        except OSError:
            os.close(reading)
            raise
        finally:
            os.close(writing)
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _be_child(
    work: Callable[[Any], Any],
    items: Sequence[Any],
    portions: _Portions,
    writing: int,
    needs: Collection[int],
    parent: int,
) -> NoReturn:
    """Do some of the work, write the results and end; nothing of the parent's is run or flushed."""
    status = 1
    try:
        gc.disable()  # it would copy what both share, and finish what belongs to the parent
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
                signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        _keep_only({writing, portions.descriptor, *needs})
        done = _do(work, items, portions, parent)
        with os.fdopen(writing, "wb") as stream:
            pickle.dump(done, stream, pickle.HIGHEST_PROTOCOL)
        status = 0
    finally:
        os._exit(status)


def _keep_only(descriptors: Collection[int]) -> None:
    """Let go of the rest: locks, pipes to Borg, and what whoever started the parent waits for."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(nothing, standard)
    # Not all numbers there can be: a limit of a thousand million is no rarity.
    with os.scandir("/proc/self/fd") as entries:
        numbers = [int(entry.name) for entry in entries]
    for number in numbers:
        if number > 2 and number not in descriptors:
            with contextlib.suppress(OSError):  # the one of the folder itself
                os.close(number)
