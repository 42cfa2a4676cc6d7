"""The hidden folder beside a target in which a restore makes all ready.

It lies on the target's own file system, so that moving in is one rename. Once folders change
places, the old one passes through it: then only the journal of restores says what may be removed.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Container, Iterator
from pathlib import Path

from avplugin.installation.boundaries import BEFORE_RESTORE, STAGING
from avplugin.restore.targets import RestoreError
from avplugin.restore.working_folder import lock_folder, remove_folder

_NAME = re.compile(rf"\..*{re.escape(STAGING)}[0-9a-f]{{8}}", re.DOTALL)
_LONGEST = 200  # bytes of a name; none may be longer than 255


def staging_for(target: Path) -> Path:
    """Return a name for a staging folder that is not there yet."""
    return target.with_name(f".{_short(target.name)}{STAGING}{secrets.token_hex(4)}")


def kept_name(target: Path, when: str, taken: Container[Path] = ()) -> Path:
    """Return where the folder at `target` goes when another one takes its place.

    `when` is such as 20261122-020000: Windows allows no colons in a name.
    """
    stem = f"{_short(target.name)}{BEFORE_RESTORE}{when}"
    path, number = target.with_name(stem), 1
    while path in taken or os.path.lexists(path):
        number += 1
        path = target.with_name(f"{stem}-{number}")
    return path


@contextlib.contextmanager
def staging_folder(path: Path) -> Iterator[None]:
    """Make the folder, and have it locked as long as this restore, or a Borg of it, lives."""
    try:
        path.mkdir(mode=0o700)
    except OSError as error:
        raise RestoreError(f"cannot make {path}: {error.strerror}.") from error
    descriptor = _lock(path)
    try:
        yield
    finally:
        os.close(descriptor)


def remove_staging(path: Path, target: Path) -> None:
    """Remove the staging folder of a target of which nothing is needed any more.

    What has another name, or lies elsewhere, is none, whoever wrote so into the journal. Raise
    RestoreError if a Borg that outlived its restore is still at work in it.
    """
    is_one = path.parent == target.parent and _NAME.fullmatch(path.name)
    if not is_one or path.is_symlink() or not path.is_dir():
        return
    try:
        descriptor = _lock(path)
    except BlockingIOError as error:
        raise RestoreError(
            f"Borg still writes in {path}.\nWait for it to end, or end it, and try again."
        ) from error
    try:
        remove_folder(path)
    finally:
        os.close(descriptor)


def _lock(path: Path) -> int:
    """Lock the folder; where the file system knows no locks on folders, as NFS, go on without."""
    try:
        return lock_folder(path)
    except BlockingIOError:
        raise
    except OSError:
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)


def _short(name: str) -> str:
    return os.fsdecode(os.fsencode(name)[:_LONGEST])
