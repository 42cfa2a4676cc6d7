"""A folder of its own for every extraction of a drill, which never outlives it for long."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from avplugin.errors import AvpluginError
from avplugin.installation.model import Folder
from avplugin.restore.working_folder import lock_folder, remove_folder
from avplugin.state.files import make_folder
from avplugin.state.manifest import FolderManifest

_PREFIX = "avplugin-drill-"
_NAME = re.compile(rf"{_PREFIX}[0-9a-f]{{8}}")
_BLOCK = 4096  # what a file takes at the least, and in steps of which it grows


class ScratchError(AvpluginError):
    """There is no place to extract to."""


def scratch_base(named: Path | None, state: Path, installation: Sequence[Folder]) -> Path:
    """Return the folder to extract below: the one that is named, or else one in the state folder.

    One that is named is not made: below a disk that is not mounted, it would fill the one that is.
    Raise ScratchError if it is not there, not writable, or lies in a folder of the installation.
    """
    if named is None:
        base = state / "scratch"
        make_folder(base)
    else:
        base = named.absolute()
    if not base.is_dir():
        raise ScratchError(
            f"the scratch folder {base} does not exist.\nMake it, or mount its disk, first."
        )
    if not os.access(base, os.W_OK | os.X_OK):
        raise ScratchError(
            f"the scratch folder {base} cannot be written to.\n"
            "Run avplugin as another user, root as a rule, or name another with --scratch FOLDER."
        )
    real = PurePosixPath(os.path.realpath(base))
    for folder in installation:
        if real.is_relative_to(folder.path):
            raise ScratchError(
                f"the scratch folder {base} lies inside {folder.label} ({folder.path}).\n"
                "Name one outside AccountView: whatever lies there is backed up."
            )
    return base


def missing_room(base: Path, folders: Sequence[FolderManifest]) -> str:
    """Return why the folders do not fit below `base`; empty if they do."""
    needed = sum(part.size + part.files * _BLOCK for part in folders)
    status = os.statvfs(base)
    free = status.f_bavail * status.f_frsize
    if needed <= free:
        return ""
    return (
        f"the scratch folder {base} has {_megabytes(free)} free; {_megabytes(needed)} are needed"
        " (name another with --scratch FOLDER or 'drill: folder')"
    )


@contextlib.contextmanager
def scratch_folder(base: Path) -> Iterator[Path]:
    """Yield a new folder below `base` that only this user can enter, and remove it afterwards.

    It is locked as long as this process, or a Borg that it left behind, lives. What a killed drill
    has left is no longer locked, and removed first. Raise ScratchError if it cannot be made.
    """
    _remove_leftovers(base)
    folder, descriptor = _make_locked(base)
    try:
        yield folder
    finally:
        remove_folder(folder)
        os.close(descriptor)


def _remove_leftovers(base: Path) -> None:
    for left in [path for path in base.iterdir() if _NAME.fullmatch(path.name)]:
        with contextlib.suppress(OSError):
            descriptor = lock_folder(left)
            try:
                if os.fstat(descriptor).st_uid == os.geteuid():
                    remove_folder(left)
            finally:
                os.close(descriptor)


def _make_locked(base: Path) -> tuple[Path, int]:
    """Return a new folder with its lock; another drill can clear it away before it is locked."""
    while True:
        folder = base / f"{_PREFIX}{secrets.token_hex(4)}"
        try:
            folder.mkdir(mode=0o700)
        except OSError as error:
            raise ScratchError(
                f"cannot make {folder}: {error.strerror}.\nName another with --scratch FOLDER."
            ) from error
        with contextlib.suppress(OSError):
            descriptor = lock_folder(folder)
            if folder.is_dir():
                return folder, descriptor
            os.close(descriptor)


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:,.1f} MB"
