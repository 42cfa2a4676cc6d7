"""Two folders change places, in steps of which each can be finished or taken back after a crash.

As a rule that is one system call, renameat2(2) with RENAME_EXCHANGE. Where folders of other kinds
lie inside, which stay where they are, what is around them is exchanged piece by piece. A step knows
by inode which things it moves, so that after a crash the disk itself says what was done: names
alone would not tell the old folder from the new one, and the numbers of devices change when a
machine is started again.
"""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import errno
import hashlib
import os
import stat
import time
from collections.abc import Callable, Sequence
from pathlib import Path, PurePath
from typing import Any

from avplugin.errors import AvpluginError
from avplugin.state.files import sync_folder

_NOREPLACE, _EXCHANGE = 1, 2  # RENAME_NOREPLACE and RENAME_EXCHANGE, rename(2)
_AT_FDCWD = -100
_NO_SUCH_FLAG = frozenset({errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP})
_ASIDE = ".avplugin-aside-"

# What a server says when somebody has something open in the folder.
_OPEN = frozenset({errno.EACCES, errno.EBUSY, errno.EPERM, errno.ETXTBSY})
# Folders that cannot be synced, on file systems that do not need it or do not know how.
_CANNOT_SYNC = frozenset({errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EBADF, errno.EACCES})
_PATIENCE = 5.0  # seconds for them to let go
_PAUSE = 0.25


class SwapRefused(AvpluginError):  # noqa: N818 - it is the system that refuses
    """A step could not be done. With `is_open` somebody seems to have something open there."""

    def __init__(self, message: str, *, is_open: bool = False) -> None:
        self.is_open = is_open
        super().__init__(message)


class LostTrack(AvpluginError):  # noqa: N818 - named for what happened
    """Some steps were done, others could not be, and taking them back could not either."""


@dataclasses.dataclass(frozen=True, slots=True)
class Move:
    """The thing with this inode goes from `source` to `target`, where nothing is.

    `until` is the inode of what is at `source` until an earlier step has been done.
    """

    source: str
    target: str
    inode: int
    until: int = 0

    def is_done(self) -> bool:
        """Return whether it has been moved."""
        return _inode(self.target) == self.inode

    def do(self) -> None:
        """Move it; nothing happens if that was done. Raise OSError, SwapRefused."""
        if not self.is_done():
            if _inode(self.source) != self.inode:
                raise _not_there(self.source)
            _rename(self.source, self.target)
            if not self.is_done():  # it goes by another number now: nothing could be taken back
                raise _not_there(self.target)

    def undo(self) -> None:
        """Move it back; nothing happens if it was not moved. Raise OSError, SwapRefused."""
        if self.is_done():
            _rename(self.target, self.source)

    def is_undone(self) -> bool:
        """Return whether the thing is where it was, or at least has not been taken away.

        Not to be seen is not the same as not moved: the disk may be another one.
        """
        if _inode(self.source) in {self.inode, self.until}:
            return True
        return Path(self.target).parent.is_dir() and not os.path.lexists(self.target)


@dataclasses.dataclass(frozen=True, slots=True)
class Exchange:
    """Two things change places. The inodes are those at `one` and `other` before."""

    one: str
    other: str
    inode_of_one: int
    inode_of_other: int

    def is_done(self) -> bool:
        """Return whether they have changed places; a later step may have moved the other one on."""
        return _inode(self.one) == self.inode_of_other and not os.path.lexists(self._aside)

    def do(self) -> None:
        """Exchange them; nothing happens if that was done. Raise OSError, SwapRefused."""
        self._bring(self.inode_of_other, self.inode_of_one)

    def undo(self) -> None:
        """Exchange them back; nothing happens if that was done. Raise OSError, SwapRefused."""
        if not self.is_undone():
            self._bring(self.inode_of_one, self.inode_of_other)

    def is_undone(self) -> bool:
        """Return whether the other one is where it was, so that nothing was exchanged."""
        return _inode(self.other) == self.inode_of_other and not os.path.lexists(self._aside)

    def _bring(self, to_one: int, to_other: int) -> None:
        """Have the thing with the inode `to_one` at `one`, and the other at `other`.

        Where the file system cannot exchange, one of them goes aside for a moment.
        """
        aside = self._aside
        if _inode(aside) in {to_one, to_other}:
            self._from_aside(aside, to_one)
        if _inode(self.one) == to_one:
            return
        if (_inode(self.one), _inode(self.other)) != (to_other, to_one):
            raise _not_there(self.one)
        if not _exchange(self.one, self.other):
            _rename(self.one, aside)
            _rename(self.other, self.one)
            _rename(aside, self.other)

    @property
    def _aside(self) -> str:
        folder, name = os.path.split(self.other)
        return f"{folder}/{_ASIDE}{hashlib.sha256(os.fsencode(name)).hexdigest()[:16]}"

    def _from_aside(self, aside: str, to_one: int) -> None:
        """Bring what a crash left aside to the end that is free, with the rest where it belongs."""
        if _inode(self.one) is None:  # the other one has not moved yet
            if _inode(aside) == to_one:
                _rename(aside, self.one)
                return
            _rename(self.other, self.one)
        elif _inode(aside) == to_one:  # both have moved, and have to go back
            _rename(self.one, self.other)
            _rename(aside, self.one)
            return
        _rename(aside, self.other)


@dataclasses.dataclass(frozen=True, slots=True)
class Attributes:
    """Mode, owner, time and extended attributes of a folder whose contents alone are exchanged.

    The folder is at `path` before all steps, and at `path_after` behind them.
    """

    path: str
    path_after: str
    before: dict[str, Any]
    after: dict[str, Any]


Step = Move | Exchange


@dataclasses.dataclass(frozen=True, slots=True)
class Swap:
    """All that is moved to put one folder in its place, in order, on one file system."""

    steps: tuple[Step, ...]
    attributes: tuple[Attributes, ...]

    def do(self) -> None:
        """Do what is not done yet. Raise SwapRefused."""
        done = [number for number, step in enumerate(self.steps) if step.is_done()]
        # What is before the last one that is done is done too, though a later step may have moved
        # it on: a file system keeps the order of renames, also over a power cut.
        for step in self.steps[done[-1] + 1 if done else 0 :]:
            _patiently(step.do, step)
        for part in self.attributes:
            _set_attributes(part.path_after, part.after)
        self._sync()

    def undo(self) -> None:
        """Undo what was done, whatever it is. Raise SwapRefused."""
        for step in reversed(self.steps):
            _patiently(step.undo, step)
        for step in self.steps:
            if not step.is_undone():
                raise _not_there(_ends(step)[0])
        for part in self.attributes:
            _set_attributes(part.path, part.before)
        self._sync()

    def _sync(self) -> None:
        """Make the renames outlive a power cut."""
        paths = (path for step in self.steps for path in _ends(step))
        for folder in sorted({Path(path).parent for path in paths}):
            try:
                sync_folder(folder)
            except FileNotFoundError:
                pass  # moved itself, and synced where it is
            except OSError as error:
                if error.errno not in _CANNOT_SYNC:
                    raise SwapRefused(f"{folder}: {error.strerror}") from error

    def to_json(self) -> dict[str, Any]:
        """Return a document that `swap_from_json` understands."""
        return {
            "steps": [dataclasses.asdict(step) for step in self.steps],
            "attributes": [dataclasses.asdict(part) for part in self.attributes],
        }


def perform(swaps: Sequence[Swap]) -> None:
    """Do what is not done yet of all these; where one step is refused for seconds, take all back.

    Raise SwapRefused with everything as it was, LostTrack if that could not be had.
    """
    try:
        for swap in swaps:
            swap.do()
    except BaseException as error:
        try:
            take_back(swaps)
        except BaseException as stuck:
            raise LostTrack(
                f"{error}; nor could everything be taken back: {stuck}.\n"
                "Nothing was removed; 'avplugin restore --recover' tries again."
            ) from stuck
        raise


def take_back(swaps: Sequence[Swap]) -> None:
    """Undo what was done of all these. Raise SwapRefused if that is not possible."""
    for swap in reversed(swaps):
        swap.undo()


def swap_from_json(document: dict[str, Any]) -> Swap:
    """Return what `Swap.to_json` was given. Raise KeyError or TypeError if it is none."""
    return Swap(
        tuple(Exchange(**step) if "one" in step else Move(**step) for step in document["steps"]),
        tuple(Attributes(**part) for part in document["attributes"]),
    )


def plan_swap(place: Path, other: Path, kept: Path, stays: Sequence[Path] = ()) -> Swap:
    """Return the steps that bring what is at `other` to `place`, and what was there to `kept`.

    `stays` are folders inside `place` that keep their place. Of `place` and `other` one may be
    missing; all three lie on one file system. Missing folders around those that stay are made in
    `other`. Raise OSError, or FileExistsError if something in `other` is in the way of a folder
    that stays.
    """
    steps: list[Step] = []
    attributes: list[Attributes] = []
    at_place = _inode(str(place))
    if at_place is not None and stays and not os.path.lexists(other):
        other.mkdir()  # what is around those that stay is emptied into it
        _set_attributes(str(other), _attributes(place))
    at_other = _inode(str(other))
    if at_place is None or at_other is None:
        if at_other is not None:
            steps.append(Move(str(other), str(place), at_other))
        elif at_place is not None:
            steps.append(Move(str(place), str(kept), at_place))
    elif stays:
        inside = [stay.relative_to(place) for stay in stays]
        _swap_around(place, other, kept, inside, steps, attributes)
        steps.append(Move(str(other), str(kept), at_other))
    else:
        steps.append(Exchange(str(place), str(other), at_place, at_other))
        steps.append(Move(str(other), str(kept), at_place, until=at_other))
    return Swap(tuple(steps), tuple(attributes))


def _swap_around(
    place: Path,
    other: Path,
    kept: Path,
    stays: Sequence[PurePath],
    steps: list[Step],
    attributes: list[Attributes],
) -> None:
    """Plan to exchange all that lies in two folders but what stays in the first."""
    now, then = _attributes(place), _attributes(other)
    here, there = _inodes(place), _inodes(other)
    for name in sorted(here.keys() | there.keys()):
        below = [PurePath(*stay.parts[1:]) for stay in stays if stay.parts[0] == name]
        one, two = place / name, other / name
        if any(not stay.parts for stay in below):
            continue
        if below:
            two.mkdir(exist_ok=True)
            if not stat.S_ISDIR(two.lstat().st_mode):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(two))
            if name not in there:
                _set_attributes(str(two), _attributes(one))
            _swap_around(one, two, kept / name, below, steps, attributes)
        elif here.get(name) == there.get(name):
            continue  # two names of one file
        elif name in here and name in there:
            steps.append(Exchange(str(one), str(two), here[name], there[name]))
        elif name in here:
            steps.append(Move(str(one), str(two), here[name]))
        else:
            steps.append(Move(str(two), str(one), there[name]))
    attributes.append(Attributes(str(place), str(place), now, then))
    attributes.append(Attributes(str(other), str(kept), then, now))


def _inodes(folder: Path) -> dict[str, int]:
    with os.scandir(folder) as entries:
        return {entry.name: entry.inode() for entry in entries}


def _inode(path: str) -> int | None:
    try:
        return os.lstat(path).st_ino
    except (FileNotFoundError, NotADirectoryError):
        return None


def _patiently(action: Callable[[], None], step: Step) -> None:
    """Try again for some seconds where somebody seems to have something open."""
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            action()
        except OSError as error:
            if error.errno not in _OPEN or time.monotonic() >= end:
                raise SwapRefused(
                    f"{_ends(step)[0]} cannot be moved: {error.strerror}",
                    is_open=error.errno in _OPEN,
                ) from error
            time.sleep(_PAUSE)
        else:
            return


def _rename(source: str, target: str) -> None:
    """Move something to where nothing is."""
    if not _renameat2(source, target, _NOREPLACE):
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target)
        os.rename(source, target)  # noqa: PTH104 - paths are text here, as they are in the journal


def _exchange(one: str, other: str) -> bool:
    """Exchange two things in one step; return whether the file system can."""
    return _renameat2(one, other, _EXCHANGE)


def _renameat2(source: str, target: str, flag: int) -> bool:
    """Call renameat2(2); return False if the flag is not known here. Raise OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    function = getattr(libc, "renameat2", None)
    if function is None:
        return False
    words = os.fsencode(source), os.fsencode(target)
    if function(_AT_FDCWD, words[0], _AT_FDCWD, words[1], flag) == 0:
        return True
    number = ctypes.get_errno()
    if number in _NO_SUCH_FLAG:
        return False
    raise OSError(number, os.strerror(number), source, None, target)


def _attributes(path: Path) -> dict[str, Any]:
    status = path.lstat()
    names: list[str] = []
    with contextlib.suppress(OSError):
        names = os.listxattr(path, follow_symlinks=False)
    return {
        "mode": stat.S_IMODE(status.st_mode),
        "owner": [status.st_uid, status.st_gid],
        "modified": status.st_mtime_ns,
        "extended": {name: os.getxattr(path, name, follow_symlinks=False).hex() for name in names},
    }


def _set_attributes(path: str, wanted: dict[str, Any]) -> None:
    """Give a folder attributes, as far as this user may and the file system can."""
    with contextlib.suppress(OSError):
        os.chown(path, *wanted["owner"])
    with contextlib.suppress(OSError):
        Path(path).chmod(wanted["mode"])
    with contextlib.suppress(OSError):
        for name in set(os.listxattr(path)) - wanted["extended"].keys():
            with contextlib.suppress(OSError):
                os.removexattr(path, name)
        for name, value in wanted["extended"].items():
            with contextlib.suppress(OSError):
                os.setxattr(path, name, bytes.fromhex(value))
    with contextlib.suppress(OSError):
        os.utime(path, ns=(wanted["modified"], wanted["modified"]))


def _ends(step: Step) -> tuple[str, str]:
    return (step.source, step.target) if isinstance(step, Move) else (step.one, step.other)


def _not_there(path: str) -> SwapRefused:
    return SwapRefused(f"{path} is not what it was: somebody has moved things meanwhile")
