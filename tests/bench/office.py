"""The office that the bench works on, how its days pass, and what really changes in it."""

from __future__ import annotations

import itertools
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from avplugin.demo.office import DemoAdministration, generate_office, open_office
from avplugin.demo.working_day import play_working_day
from avplugin.foxpro.table import TableHeader

FILES = 120
BUSY = 0.1  # of those that are worked in have a full day
_PAGE = 4096
_PIECE = 50_000_000  # bytes


class BenchOffice:
    """A demo office below `folder`, and a copy of it as it was the evening before."""

    def __init__(
        self, folder: Path, *, administrations: int, size: int, busy: float = BUSY
    ) -> None:
        self.folder = folder
        self._busy = busy
        made = generate_office(folder, administrations=administrations, size=size, files=FILES)
        made.register.touch()  # a register of long ago is told each night
        self._day = 0

    @property
    def roots(self) -> list[Path]:
        """What a peer that knows nothing of AccountView is told to copy."""
        names = ("Administraties", "Kopiedocumenten")
        return [self.folder / name for name in names if (self.folder / name).is_dir()]

    @property
    def administrations(self) -> tuple[DemoAdministration, ...]:
        """All of them."""
        return open_office(self.folder).administrations

    def next_day(self, share: float, *, pack: bool = False) -> list[DemoAdministration]:
        """Let a day pass in this share of the administrations; return those that changed."""
        self._day += 1
        day = play_working_day(self.folder, seed=self._day, share=share, busy=self._busy, pack=pack)
        return [each for each in self.administrations if each.code in day.administrations]


class Yesterday:
    """A copy of an office's administrations, to tell which bytes a day has changed."""

    def __init__(self, office: BenchOffice, folder: Path) -> None:
        self._office = office
        self._folder = folder
        for root in office.roots:
            shutil.copytree(root, self._copy(root), copy_function=shutil.copy2)

    def everything(self) -> Iterator[bytes]:
        """Return all there is, for the first copy, in pieces of some megabytes."""
        piece = bytearray()
        for path in sorted(path for path in self._folder.rglob("*") if path.is_file()):
            piece += path.read_bytes()
            if len(piece) > _PIECE:
                yield bytes(piece)
                piece.clear()
        yield bytes(piece)

    def changes(self, administrations: list[DemoAdministration]) -> bytes:
        """Return the bytes that changed in these administrations, and take over the new files."""
        found = []
        folders = {
            folder for each in administrations for folder in (each.folder, *each.copy_documents)
        }
        for path in sorted(_files(folders)):
            old_path = self._copy(path)
            new = path.read_bytes()
            moved = path.suffix.upper() in {".BAK", ".TBK"}  # the old table, by another name
            old = old_path.read_bytes() if old_path.exists() else b""
            if new == old or moved:
                continue
            found.append(changed_bytes(old, new, is_table=path.suffix.upper() == ".DBF"))
            old_path.parent.mkdir(parents=True, exist_ok=True)
            old_path.write_bytes(new)
        return b"".join(found)

    def _copy(self, path: Path) -> Path:
        return self._folder / path.relative_to(self._office.folder)


def changed_bytes(old: bytes, new: bytes, *, is_table: bool) -> bytes:
    """Return the bytes of `new` that differ from those in the same place of `old`, or lie behind.

    In a table that was packed the place says nothing: there it is the records that were not there.
    """
    if is_table and 0 < len(new) < len(old):
        return _new_records(old, new)
    return b"".join(
        itertools.chain(_different(old, new), [new[len(old) :]] if len(new) > len(old) else [])
    )


def _different(old: bytes, new: bytes) -> Iterator[bytes]:
    for at in range(0, min(len(old), len(new)), _PAGE):
        end = min(at + _PAGE, len(old), len(new))
        before, after = old[at:end], new[at:end]
        if before != after:
            mixed = int.from_bytes(before, "big") ^ int.from_bytes(after, "big")
            for run in re.finditer(rb"[^\0]+", mixed.to_bytes(end - at, "big")):
                yield after[run.start() : run.end()]


def _new_records(old: bytes, new: bytes) -> bytes:
    known = set(_records(old))
    start = TableHeader.read(new).header_length
    return new[:start] + b"".join(record for record in _records(new) if record not in known)


def _records(table: bytes) -> Iterator[bytes]:
    header = TableHeader.read(table)
    for at in range(header.header_length, header.end_of_records, header.record_length):
        yield table[at : at + header.record_length]


def _files(folders: set[Path]) -> set[Path]:
    return {path for folder in folders for path in folder.rglob("*") if path.is_file()}
