"""Files of a scheduler, each of which is avplugin's own or is left alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from avplugin.errors import AvpluginError
from avplugin.schedule.model import MARK, Document, Step
from avplugin.state.files import sync_folder, write_atomically


class ScheduleError(AvpluginError):
    """A schedule cannot be written or removed, or what it would say cannot be said there."""


def write_all(documents: Sequence[Document], root: Path) -> list[Step]:
    """Write each document below `root`, those that are not so already.

    Raise ScheduleError, before anything is written, if one of the files is somebody else's.
    """
    for document in documents:
        refuse_others(below(root, document.place))
    steps = []
    for document in documents:
        file = below(root, document.place)
        is_so = file.is_file() and file.read_bytes() == document.data
        if not is_so:
            write_atomically(file, document.data, mode=0o644)
        steps.append(Step(str(file), "already so" if is_so else "written"))
    return steps


def write_into(folder: Path, documents: Sequence[Document]) -> list[Path]:
    """Write the documents as files of this folder, and return their paths.

    Raise ScheduleError, before anything is written, if one of them is there and somebody else's.
    """
    files = [folder / document.file_name for document in documents]
    for file, document in zip(files, documents, strict=True):
        if file.exists() and MARK not in _content(file).decode(document.encoding, "replace"):
            raise _not_ours(file)
    for file, document in zip(files, documents, strict=True):
        write_atomically(file, document.data, mode=0o644)
    return files


def remove_all(places: Iterable[str], root: Path) -> list[Step]:
    """Remove the files at these places that are avplugin's.

    Raise ScheduleError, before anything is removed, if one of them is somebody else's.
    """
    files = [below(root, place) for place in places]
    for file in files:
        refuse_others(file)
    steps = []
    for file in files:
        if file.is_file():
            try:
                file.unlink()
                sync_folder(file.parent)
            except OSError as error:
                raise ScheduleError(f"cannot remove {file}: {error.strerror}.") from error
            steps.append(Step(str(file), "removed"))
    return steps


def is_ours(file: Path) -> bool:
    """Return whether avplugin has written this file; raise ScheduleError if it cannot be read."""
    return file.is_file() and MARK.encode() in _content(file)


def refuse_others(file: Path) -> None:
    """Raise ScheduleError if there is a file that avplugin has not written."""
    if (file.exists() or file.is_symlink()) and not is_ours(file):
        raise _not_ours(file)


def _not_ours(file: Path) -> ScheduleError:
    return ScheduleError(
        f"{file} was not written by avplugin, and is left as it is.\n"
        "Look at it, move it away if it is not needed, and try again."
    )


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ScheduleError(f"cannot read {file}: {error.strerror}.") from error


def below(root: Path, place: str) -> Path:
    """Return the path `place` in the system whose top folder is `root`."""
    return root / place.removeprefix("/")
