"""How far the erasing of an administration got, and the receipt of one that is done.

STATE/forget/ names the administration as long as it is being erased, so that a second start can
finish what was cut off; STATE/receipts/ never names it but by its code.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from avplugin.state.files import StateError, make_folder, read_json, write_atomically, write_json

_ID = 32  # bytes of the id of a chunk


class ChunkIds:
    """A file with ids of chunks, one behind the other; ids are only ever added."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def read(self) -> set[bytes]:
        """Return all ids; what a crash left half written is none."""
        try:
            data = self._file.read_bytes()
        except FileNotFoundError:
            return set()
        return {data[at : at + _ID] for at in range(0, len(data) - _ID + 1, _ID)}

    def add(self, ids: Iterable[bytes]) -> None:
        """Add the ids that are not there yet; they are on the disk when this returns."""
        new = set(ids) - self.read()
        make_folder(self._file.parent)
        with self._file.open("ab") as file:
            file.truncate(file.tell() // _ID * _ID)
            file.write(b"".join(sorted(new)))
            file.flush()
            os.fsync(file.fileno())


@dataclasses.dataclass(frozen=True, slots=True)
class Progress:
    """An erasing that has begun: of which administration, and what it is known by.

    `changed` has the names of the archives that are done, by the id of their repository.
    """

    code: str
    names: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    windows_paths: tuple[str, ...] = ()
    changed: dict[str, list[str]] = dataclasses.field(default_factory=dict)


class ForgettingFolder:
    """The folder STATE/forget, which is there only as long as something is being erased."""

    def __init__(self, state: Path) -> None:
        self._folder = state / "forget"
        self._file = self._folder / "progress.json"

    def ids(self, repository_id: str) -> Path:
        """Return the file for the ids of chunks that go from a repository."""
        return self._folder / f"{repository_id}.ids"

    def read(self) -> Progress | None:
        """Return what has begun and not ended; None if nothing has. Raise StateError."""
        document = read_json(self._file)
        if document is None:
            return None
        try:
            lists = ("names", "labels", "paths", "windows_paths")
            values = {key: tuple(map(str, document[key])) for key in lists}
            return Progress(code=str(document["code"]), changed=document["changed"], **values)
        except (AttributeError, KeyError, TypeError) as error:
            raise StateError(
                f"{self._file} is damaged.\nRemove it, and start 'avplugin forget' again."
            ) from error

    def write(self, progress: Progress) -> None:
        """Note how far it is."""
        write_json(self._file, dataclasses.asdict(progress))

    def end(self) -> None:
        """Forget that anything was erased; the file that names it goes first."""
        with contextlib.suppress(FileNotFoundError):
            self._file.unlink()
        shutil.rmtree(self._folder, ignore_errors=True)


def write_receipt(state: Path, now: datetime.datetime, document: Any, text: str) -> Path:
    """Write a receipt for people and one for programs; return the first. Raise StateError."""
    stem = state / "receipts" / f"forget-{now:%Y%m%d-%H%M%S}"
    write_json(stem.with_suffix(".json"), document)
    file = stem.with_suffix(".txt")
    write_atomically(file, text.encode("utf-8", "backslashreplace"))
    return file
