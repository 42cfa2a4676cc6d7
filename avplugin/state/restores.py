"""What restores are doing, and have done: enough to finish, take back or undo each of them."""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from avplugin.borgmatic.process import Process, known_process
from avplugin.installation.model import Kind
from avplugin.state.catalogue import folder_key
from avplugin.state.files import StateError, make_folder, read_json, sync_folder, write_json

_KEPT = 50  # how many restores that ended are remembered


class Stage(enum.StrEnum):
    """How far a restore got; the values stand in its file."""

    EXTRACTING = "extracting"  # its targets are untouched
    SWAPPING = "swapping"  # the disk says how far
    DONE = "done"


@dataclasses.dataclass(frozen=True, slots=True)
class Swapped:
    """One folder that a restore puts in its place.

    `kept` is where the folder that was there goes. `swap` is how, as restore/swap.py writes it;
    `inode` is that of the folder at `path` afterwards. `parts` are the folders that changed places
    with it, itself included, `stays` those inside that kept theirs.
    """

    label: str
    kind: str
    code: str
    name: str
    path: str
    kept: str
    staging: str
    parts: tuple[str, ...]
    stays: tuple[str, ...]
    inode: int = 0
    swap: dict[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Restore:
    """One restore. `what` says what is put back, out of which archive; `undoes` is a number or 0.

    `started` is ISO 8601 in UTC.
    """

    number: int
    what: str
    started: str
    owner: Process
    stage: Stage
    folders: tuple[Swapped, ...]
    undoes: int = 0
    is_new: bool = False  # into a folder where nothing was
    place: int = 0  # among those that are done, in the order in which they were

    @property
    def is_cut_off(self) -> bool:
        """Whether it did not come to its end, and nobody is at work on it."""
        return self.stage is not Stage.DONE and not self.owner.lives()


class RestoreJournal:
    """The folder STATE/restore, with one file for each restore."""

    def __init__(self, state: Path) -> None:
        self.folder = state / "restore"
        self.lock = self.folder / "lock"

    def begin(self, restore: Restore) -> Restore:
        """Note a restore and return it with its number, the next one."""
        make_folder(self.folder)
        while True:
            number = max(self._numbers(), default=0) + 1
            try:
                # Two restores that begin at once do not get the same number.
                os.close(os.open(self._file(number), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            except FileExistsError:
                continue
            except OSError as error:
                raise StateError(
                    f"cannot write {self._file(number)}: {error.strerror}.\n"
                    "A restore notes there what it does, so that it can be taken back."
                ) from error
            numbered = dataclasses.replace(restore, number=number)
            self.note(numbered)
            return numbered

    def note(self, restore: Restore) -> None:
        """Write how far a restore is, before it goes on."""
        write_json(self._file(restore.number), dataclasses.asdict(restore))

    def forget(self, restore: Restore) -> None:
        """Forget a restore that moved nothing, or was undone."""
        with contextlib.suppress(OSError):
            self._file(restore.number).unlink(missing_ok=True)
            sync_folder(self.folder)

    def restores(self) -> list[Restore]:
        """Return all that are known, oldest first."""
        found = (self._read(number) for number in sorted(self._numbers()))
        return [restore for restore in found if restore is not None]

    def cut_off(self) -> list[Restore]:
        """Return those that did not come to their end, oldest first."""
        return [restore for restore in self.restores() if restore.is_cut_off]

    def last_done(self, label: str | None) -> Restore | None:
        """Return the last one that took the place of something, or the last of this folder."""
        done = [
            restore
            for restore in self.restores()
            if restore.stage is Stage.DONE
            and not restore.is_new
            and (label is None or any(folder_key(one.label) == label for one in restore.folders))
        ]
        return max(done, key=lambda restore: restore.place, default=None)

    def next_place(self) -> int:
        """Return the place of the restore that is done now; two may end in another order."""
        return max((restore.place for restore in self.restores()), default=0) + 1

    def tidy(self) -> None:
        """Forget the oldest of those that ended."""
        done = [restore for restore in self.restores() if restore.stage is Stage.DONE]
        for restore in done[:-_KEPT]:
            self.forget(restore)

    def _file(self, number: int) -> Path:
        return self.folder / f"{number:06}.json"

    def _numbers(self) -> Iterator[int]:
        with contextlib.suppress(OSError):
            for file in self.folder.glob("*.json"):
                if file.stem.isdecimal():
                    yield int(file.stem)

    def _read(self, number: int) -> Restore | None:
        """Return one restore; None if a crash came before its first line, or it was forgotten.

        Raise StateError if something else has written there: it may be what is needed most.
        """
        file = self._file(number)
        try:
            if file.stat().st_size == 0:
                return None
        except OSError:
            return None
        try:
            document = read_json(file)
            folders = tuple(_swapped(part) for part in document["folders"])
            values = {
                **document,
                "number": number,
                "owner": known_process(document["owner"]),
                "stage": Stage(document["stage"]),
                "folders": folders,
            }
            return Restore(**values)
        except (StateError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise StateError(
                f"{file} cannot be understood: it is damaged, or another version of avplugin wrote"
                " it.\nIt may be all that says where a folder is: keep it, but elsewhere, and look"
                " for .before-restore- and .avplugin-restore- folders beside your own."
            ) from error


def _swapped(document: dict[str, Any]) -> Swapped:
    """Return a folder of a restore. Raise KeyError, TypeError or ValueError if it is none."""
    lists = {key: tuple(document[key]) for key in ("parts", "stays")}
    part = Swapped(**{**document, **lists})
    texts = (part.label, part.code, part.name, part.path, part.kept, part.staging)
    if not all(isinstance(one, str) for one in (*texts, *part.parts, *part.stays)):
        raise TypeError("a path is no text")
    Kind(part.kind)
    return part


def state_without_configuration() -> Path:
    """Return where restores are noted on a machine that has no configuration, as a new one."""
    home = os.environ.get("XDG_STATE_HOME")
    return Path(home or Path.home() / ".local" / "state") / "avplugin"
