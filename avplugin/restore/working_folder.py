"""Folders that Borg extracts into: locked while anybody works in them, removable whatever is in."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from pathlib import Path


def lock_folder(folder: Path) -> int:
    """Return a descriptor that holds the folder's lock until it is closed.

    Borg inherits it: killed in the middle, avplugin leaves a Borg behind that still extracts. Raise
    BlockingIOError if another process holds it, OSError if the folder is none.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        os.set_inheritable(descriptor, True)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def remove_folder(folder: Path) -> None:
    """Remove a folder with all in it, also where what came out is read-only to its owner."""

    def make_writable(_function: object, path: str, _error: object) -> None:
        stuck = Path(path)
        with contextlib.suppress(OSError):
            stuck.parent.chmod(0o700)
            if stuck.is_dir() and not stuck.is_symlink():
                stuck.chmod(0o700)
                shutil.rmtree(stuck, ignore_errors=True)
            else:
                stuck.unlink()

    shutil.rmtree(folder, onerror=make_writable)
