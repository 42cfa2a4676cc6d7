"""Files that are there whole or not at all, whatever happens while they are written."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from avplugin.errors import AvpluginError


class StateError(AvpluginError):
    """The state folder cannot be used."""


class Locked(StateError):  # noqa: N818 - named for what the file is
    """Another process holds a lock file."""


def write_atomically(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Write `data` to `path` so that a crash leaves the old file or the new one, never half.

    The folder is made if it is missing, for this user only: file names of clients stand in there.
    `mode` is that of the file.
    Raise StateError if that fails; the old file is then untouched.
    """
    temporary = None
    try:
        make_folder(path.parent)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            os.fchmod(descriptor, mode)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
        temporary = None
        sync_folder(path.parent)
    except OSError as error:
        raise _cannot("write", path, error) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()


def publish_atomically(path: Path, contents: str | bytes, mode: int) -> None:
    """Write what a person or another program asked for to `path`, all or nothing, with this mode.

    It is no state: its folder must be there. Raise StateError if that fails; what was there stays.
    """
    if isinstance(contents, str):
        contents = contents.encode("utf-8", "backslashreplace")
    temporary = None
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(descriptor, "wb") as file:
            file.write(contents)
            os.fchmod(file.fileno(), mode)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
        temporary = None
    except OSError as error:
        raise StateError(f"cannot write {path}: {error.strerror}.") from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()


def write_json(path: Path, value: Any) -> None:
    """Write `value` as JSON, atomically."""
    text = json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True)
    write_atomically(path, text.encode("utf-8", "surrogateescape") + b"\n")


def read_json(path: Path) -> Any:
    """Return what write_json wrote, or None if the file is not there.

    A file that is no JSON cannot come from a crash, since writes are atomic; raise StateError.
    """
    try:
        return json.loads(path.read_bytes().decode("utf-8", "surrogateescape"))
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError) as error:
        raise StateError(
            f"{path} is damaged: {error}.\nRemove it; avplugin makes it anew."
        ) from error
    except OSError as error:
        raise _cannot("read", path, error) from error


def make_folder(path: Path) -> None:
    """Make a folder that only this user can enter, and the missing ones above it likewise."""
    try:
        for folder in (*reversed(path.parents), path):
            if not folder.is_dir():
                folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise _cannot("make", path, error) from error


def sync_folder(path: Path) -> None:
    """Make a rename in the folder outlive a power cut. Raise OSError if that fails."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold the lock file `path` for the time of the block, waiting for whoever holds it now.

    Without `wait` raise Locked instead. Raise StateError if the file cannot be made.
    """
    make_folder(path.parent)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _cannot("open", path, error) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Locked(f"{path} is locked by another avplugin.") from error
        yield
    finally:
        os.close(descriptor)


def _cannot(verb: str, path: Path, error: OSError) -> StateError:
    if isinstance(error, PermissionError):
        return StateError(
            f"cannot {verb} {path}: {error.strerror}.\n"
            "It must be writable: run avplugin as the user whose backups these are, root as a rule."
        )
    return StateError(
        f"cannot {verb} {path}: {error.strerror}.\n"
        "The folder named by 'state' in accountview.yaml must be writable, with room left."
    )
