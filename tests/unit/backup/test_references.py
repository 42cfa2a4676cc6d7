import dataclasses
import datetime
import os
import time
from collections.abc import Callable, Collection
from pathlib import Path

import pytest

from avplugin.backup import references
from avplugin.foxpro import path_references, table
from avplugin.foxpro.path_references import Found
from avplugin.foxpro.table import Field
from avplugin.installation.coverage import Coverage
from avplugin.installation.model import Folder, Kind
from avplugin.installation.scan import Contents, scan_folder
from avplugin.installation.windows_path import Drives
from avplugin.state.manifest import describe_folder
from avplugin.state.references import Look

FIELDS = [Field("LOGO", "C", 60)]


def write(folder: Path, name: str, *paths: str) -> Path:
    rows = [(path,) for path in paths]
    built = table.build_table(FIELDS, rows, updated=datetime.date(2026, 3, 1))
    file = folder / f"{name}.DBF"
    file.write_bytes(built.table)
    return file


@pytest.fixture
def office(tmp_path: Path) -> Path:
    folder = tmp_path / "BAKKER26"
    folder.mkdir()
    write(folder, "ONE", r"Z:\one\a.bmp", r"Z:\one\b.bmp")
    write(folder, "TWO", r"Z:\two\c.bmp")
    return folder


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[set[bytes]]:
    """Return the tables that each look has read."""
    looks: list[set[bytes]] = []

    def noted(folder: str, contents: Contents, tables: Collection[bytes]) -> Found:
        looks.append(set(tables))
        return path_references.find_references(folder, contents, tables)

    monkeypatch.setattr(references, "find_references", noted)
    return looks


def look(folder: Path, last: Look | None = None, damaged: dict[str, str] | None = None) -> Look:
    contents = scan_folder(str(folder))
    where = Folder(Kind.ADMINISTRATION, "BAKKER26", "", str(folder), "")
    part = describe_folder(where, contents, (), "nobody")
    if damaged:
        part = dataclasses.replace(part, damaged=damaged)
    return references._look(part, contents, last, Coverage(Drives({}), []))


def places(found: Look) -> list[tuple[str, str, tuple[str, ...], int]]:
    return [(each.table, each.folder, each.names, each.count) for each in found.places]


ONE = ("ONE.DBF", r"Z:\one", ("a.bmp", "b.bmp"), 2)
TWO = ("TWO.DBF", r"Z:\two", ("c.bmp",), 1)


def test_only_tables_that_changed_are_read_and_what_the_others_name_stays_known(
    office: Path, read: list[set[bytes]]
) -> None:
    first = look(office)
    assert places(first) == [ONE, TWO]
    time.sleep(0.02)
    write(office, "TWO", r"Z:\three\d.bmp")

    second = look(office, first)
    assert places(second) == [ONE, ("TWO.DBF", r"Z:\three", ("d.bmp",), 1)]
    assert look(office, second) == second
    assert read == [{b"ONE.DBF", b"TWO.DBF"}, {b"TWO.DBF"}]


def test_all_tables_are_read_of_a_folder_elsewhere_and_after_a_clock_that_was_wrong(
    office: Path, read: list[set[bytes]]
) -> None:
    first = look(office)
    write(office, "TWO", r"Z:\two\cc.bmp")
    moved = dataclasses.replace(first, path="/elsewhere")
    future = dataclasses.replace(first, newest=time.time_ns() + 10**12)

    for last in (moved, future):
        assert len(look(office, last).places) == 2
    assert read[1:] == [{b"ONE.DBF", b"TWO.DBF"}] * 2


def test_a_damaged_table_is_not_believed_and_one_that_is_closed_keeps_what_was_known(
    office: Path, read: list[set[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = look(office)
    write(office, "ONE", *[rf"Z:\noise{n}\x" for n in range(9)])
    assert ONE in places(look(office, first, damaged={"ONE.DBF": "does not begin as one does"}))

    real: Callable[..., int] = os.open

    def refuse(path: bytes, *words: int) -> int:
        if path.endswith(b"ONE.DBF"):
            raise PermissionError(13, "Permission denied")
        return real(path, *words)

    monkeypatch.setattr(os, "open", refuse)
    assert ONE in places(look(office, first))
