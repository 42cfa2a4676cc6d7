"""The hidden folder beside a target in which a restore makes all ready.

It lies on the target's own file system, so that moving in is one rename. Once folders change
places, the old one passes through it: then only the journal of restores says what may be removed.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from avplugin.installation.boundaries import BEFORE_RESTORE, STAGING
from avplugin.restore.targets import RestoreError
from avplugin.restore.working_folder import lock_folder, remove_folder

_LONGEST = 200  # bytes of a name; none may be longer than 255


def staging_for(target: Path) -> Path:
    """Return a name for a staging folder that is not there yet."""
    return target.with_name(f".{_short(target.name)}{STAGING}{secrets.token_hex(4)}")


def kept_name(target: Path, when: str) -> Path:
    """Return where the folder at `target` goes when another one takes its place.

    `when` is such as 20261122-020000: Windows allows no colons in a name.
    """
    stem = f"{_short(target.name)}{BEFORE_RESTORE}{when}"
    path, number = target.with_name(stem), 1
    while os.path.lexists(path):
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
    descriptor = lock_folder(path)
    try:
        yield
    finally:
        os.close(descriptor)


def remove_staging(path: Path) -> None:
    """Remove a staging folder of which nothing is needed any more.

    Raise RestoreError if a Borg that outlived its restore is still at work in it.
    """
    if STAGING not in path.name or not path.is_dir() or path.is_symlink():
        return
    try:
        descriptor = lock_folder(path)
    except BlockingIOError as error:
        raise RestoreError(
            f"Borg still writes in {path}.\nWait for it to end, or end it, and try again."
        ) from error
    try:
        remove_folder(path)
    finally:
        os.close(descriptor)


def _short(name: str) -> str:
    return os.fsdecode(os.fsencode(name)[:_LONGEST])
