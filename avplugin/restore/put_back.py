"""Extract whole folders beside their places, compare them with the manifest, and move them in.

Nothing that holds data is touched: a target is missing or empty, or the restore is refused. Until
the last step everything lies in hidden staging folders beside the targets, on their file systems,
so that moving in is one rename each.
"""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import fcntl
import functools
import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from avplugin.borgmatic import borg
from avplugin.errors import AvpluginError
from avplugin.installation.scan import FolderUnreadable, scan_folder
from avplugin.restore.choose import Choice
from avplugin.state.files import sync_folder
from avplugin.state.manifest import FolderManifest

_STAGING = ".avplugin-restore-"


class RestoreError(AvpluginError):
    """A restore was refused or failed; the targets are as they were."""


@dataclasses.dataclass(frozen=True, slots=True)
class Target:
    """A folder to put back, with those inside it that are put back with it, and where to."""

    folder: FolderManifest
    nested: tuple[FolderManifest, ...]
    path: Path

    @property
    def folders(self) -> tuple[FolderManifest, ...]:
        """The folder and those inside it."""
        return (self.folder, *self.nested)

    @property
    def size(self) -> int:
        """Bytes to extract."""
        return sum(part.size for part in self.folders)


@dataclasses.dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did: the targets, and what a person should know besides."""

    targets: tuple[Target, ...]
    warnings: tuple[str, ...]


def plan_targets(choice: Choice, places: Callable[[FolderManifest], Path]) -> tuple[Target, ...]:
    """Return the targets of a restore, outermost folders first.

    `places` says where a folder goes. Copy documents that lie inside the administration's folder
    keep their place in it.
    """
    inside = [part for part in choice.copy_documents if _lies_in(part, choice.folder)]
    outside = [part for part in choice.copy_documents if part not in inside]
    main = Target(choice.folder, tuple(inside), places(choice.folder))
    return (main, *(Target(part, (), places(part)) for part in outside))


def leave_what_is_there(
    targets: Sequence[Target],
) -> tuple[tuple[Target, ...], tuple[Target, ...]]:
    """Divide the targets: what is to be put back, and copy documents that are still in their place.

    An administration is as often lost without them, since they lie on another share. The first
    target, the folder that was asked for, is never passed over.
    """
    present = tuple(target for target in targets[1:] if _holds_data(target.path))
    return tuple(target for target in targets if target not in present), present


def check_target(path: Path) -> None:
    """Refuse a target that holds anything, or that cannot become a folder by one rename.

    Raise RestoreError that says what is in the way.
    """
    if path.is_symlink():
        raise RestoreError(
            f"{path} is a symbolic link.\nName the folder it leads to, or remove the link first."
        )
    if not path.parent.is_dir():
        raise RestoreError(f"{path.parent} does not exist.\nMake it, or mount its disk, first.")
    if path.exists():
        if not path.is_dir():
            raise RestoreError(f"{path} is a file.\nMove it away, or name another folder.")
        if path.is_mount():
            raise RestoreError(
                f"{path} is a mount point.\nRestore with --new FOLDER to a folder below it."
            )
        if _holds_data(path):
            raise RestoreError(
                f"{path} holds data, and a restore never writes over data.\n"
                "Restore beside it with --new FOLDER, or move the old folder away first."
            )
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise RestoreError(
            f"{path.parent} cannot be written to: this user may not, or its disk is read-only.\n"
            "Restore as another user, or with --new FOLDER to another place."
        )


def put_back(
    choice: Choice,
    targets: Sequence[Target],
    progress: Callable[[int], None],
    before_moving: Callable[[], None] = lambda: None,
) -> Restored:
    """Extract the targets, prove them, and move them in: all of them or none.

    `progress` is called with the bytes extracted so far, `before_moving` when all is ready; what it
    raises ends the restore. Raise RestoreError, or BorgError, with all targets as they were.
    """
    for target in targets:
        check_target(target.path)
    _check_different([target.path for target in targets])
    _check_space(targets)
    warnings: list[str] = []
    with contextlib.ExitStack() as stack:
        ready: list[tuple[Path, Path]] = []
        done = 0
        for target in targets:
            staging = stack.enter_context(_staging(target.path))
            warnings += _extract(choice, target, staging, functools.partial(_add, progress, done))
            warnings += _prove(target, staging)
            done += target.size
            ready.append((staging / target.folder.archived_path, target.path))
        before_moving()
        move_in(ready)
    if os.geteuid() != 0:
        warnings.append(
            "owners could not be set, since this is not root: all files belong to this user"
        )
    return Restored(tuple(targets), tuple(dict.fromkeys(warnings)))


def move_in(ready: Sequence[tuple[Path, Path]]) -> None:
    """Move staged folders to their places; if one cannot be, take the others out again.

    Raise RestoreError with all places as they were.
    """
    for staged, _ in ready:
        _sync_file_system(staged)
    moved: list[tuple[Path, Path, int | None]] = []
    for staged, place in ready:
        mode = stat.S_IMODE(place.stat().st_mode) if place.exists() else None
        try:
            # One rename: a missing folder appears whole, an empty one is replaced, and one that
            # got something in it meanwhile refuses.
            staged.rename(place)
        except OSError as error:
            _move_back(moved)
            raise RestoreError(
                f"{place} cannot be put in place: {error.strerror}.\nNothing was put back."
            ) from error
        moved.append((staged, place, mode))
    for _, place in ready:
        sync_folder(place.parent)


def _holds_data(path: Path) -> bool:
    return path.is_dir() and any(path.iterdir())


def _lies_in(part: FolderManifest, folder: FolderManifest) -> bool:
    return PurePosixPath(folder.path) in PurePosixPath(part.path).parents


def _check_different(paths: Sequence[Path]) -> None:
    resolved = [Path(os.path.realpath(path)) for path in paths]
    for index, path in enumerate(resolved):
        for other in resolved[:index]:
            if path == other or path in other.parents or other in path.parents:
                raise RestoreError(f"{path} and {other} cannot both be put back: one is the other.")


def _check_space(targets: Sequence[Target]) -> None:
    """Refuse what cannot fit, per file system."""
    wanted: dict[int, int] = {}
    for target in targets:
        device = target.path.parent.stat().st_dev
        wanted[device] = wanted.get(device, 0) + target.size
        status = os.statvfs(target.path.parent)
        free = status.f_bavail * status.f_frsize
        if wanted[device] > free:
            raise RestoreError(
                f"{target.path.parent} has {free} bytes free; {wanted[device]} are needed.\n"
                "Make room, or restore with --new FOLDER to another disk."
            )


@contextlib.contextmanager
def _staging(target: Path) -> Iterator[Path]:
    """Yield a new folder beside the target, locked as long as this restore lives, then removed.

    What a killed restore of the same target left behind is no longer locked, and removed first.
    """
    name = os.fsdecode(os.fsencode(target.name)[:200])  # no name is longer than 255 bytes
    prefix = f".{name}{_STAGING}"
    for left in [path for path in target.parent.iterdir() if path.name.startswith(prefix)]:
        with contextlib.suppress(OSError), _locked_folder(left):
            _remove(left)
    staging = target.parent / f"{prefix}{secrets.token_hex(4)}"
    try:
        staging.mkdir(mode=0o700)
    except OSError as error:
        raise RestoreError(f"cannot make {staging}: {error.strerror}.") from error
    try:
        with _locked_folder(staging):
            yield staging
    finally:
        _remove(staging)


@contextlib.contextmanager
def _locked_folder(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        # Borg inherits the lock: killed in the middle, avplugin leaves a Borg that still extracts.
        os.set_inheritable(descriptor, True)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _remove(staging: Path) -> None:
    """Remove a staging folder, also where restored folders are read-only to their owner."""

    def make_writable(_function: object, path: str, _error: object) -> None:
        stuck = Path(path)
        with contextlib.suppress(OSError):
            stuck.parent.chmod(0o700)
            if stuck.is_dir() and not stuck.is_symlink():
                stuck.chmod(0o700)
                shutil.rmtree(stuck, ignore_errors=True)
            else:
                stuck.unlink()

    shutil.rmtree(staging, onerror=make_writable)


def _extract(
    choice: Choice, target: Target, staging: Path, progress: Callable[[int], None]
) -> list[str]:
    kept = {part.path for part in target.folders}
    without = [
        inner.lstrip("/") for part in target.folders for inner in part.inside if inner not in kept
    ]
    warnings = borg.extract(
        choice.source.reader.repository,
        choice.archive.name,
        [target.folder.archived_path],
        without,
        staging,
        progress,
    )
    return [f"{target.folder.label}: {warning}" for warning in warnings]


def _add(progress: Callable[[int], None], before: int, now: int) -> None:
    progress(before + now)


def _prove(target: Target, staging: Path) -> list[str]:
    """Compare what was extracted with the manifest; contents are proven by Borg's own digests."""
    warnings = []
    for part in target.folders:
        try:
            inside = [os.fsencode(staging / inner.lstrip("/")) for inner in part.inside]
            contents = scan_folder(str(staging / part.archived_path), inside)
        except FolderUnreadable as error:
            raise RestoreError(
                f"{part.label} did not come out of the snapshot: {error}."
            ) from error
        if contents.list_digest != part.list_digest:
            raise RestoreError(
                f"{part.label} came out of the snapshot with {contents.files} files and"
                f" {contents.size} bytes, not as the manifest says ({part.files} files,"
                f" {part.size} bytes).\nNothing was put back; 'borgmatic check' tests the"
                " repository."
            )
        if contents.fingerprint != part.fingerprint:
            warnings.append(
                f"{part.label}: this file system could not keep all modification times exactly"
            )
    return warnings


def _move_back(moved: Sequence[tuple[Path, Path, int | None]]) -> None:
    """Take folders that were moved in out again; a mode stands for an empty folder of before."""
    for staged, place, mode in reversed(moved):
        place.rename(staged)
        if mode is not None:
            place.mkdir()
            place.chmod(mode)


def _sync_file_system(path: Path) -> None:
    """Have all that was extracted on the disk before a rename makes it count: syncfs(2)."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if libc.syncfs(descriptor) != 0:
            reason = os.strerror(ctypes.get_errno())
            raise RestoreError(f"{path} could not be written to disk: {reason}.")
    finally:
        os.close(descriptor)
