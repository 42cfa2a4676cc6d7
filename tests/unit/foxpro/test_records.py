"""How many records the tables of a folder hold."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from avplugin.demo.office import generate_office
from avplugin.foxpro.records import count_records
from avplugin.installation.scan import scan_folder


def header(kind: int, records: int) -> bytes:
    return bytes([kind, 0, 0, 0]) + records.to_bytes(4, "little") + bytes(24)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "SUB").mkdir()
    (tmp_path / "A.DBF").write_bytes(header(0x30, 5))
    (tmp_path / "SUB" / "b.dbc").write_bytes(header(0x03, 70_000))
    (tmp_path / "A.FPT").write_bytes(header(0x30, 9))
    (tmp_path / "OLD.DBF").write_bytes(header(0x02, 9))
    (tmp_path / "SHORT.DBF").write_bytes(header(0x30, 9)[:31])
    (tmp_path / "LINK.DBF").symlink_to("A.DBF")
    return tmp_path


def test_records_are_those_that_the_headers_count(folder: Path) -> None:
    contents = scan_folder(str(folder))

    assert count_records(str(folder), contents, frozenset()) == 70_005
    assert count_records(str(folder), contents, {b"SUB/b.dbc"}) == 5


def test_a_table_that_vanished_meanwhile_is_an_error(folder: Path) -> None:
    contents = scan_folder(str(folder))
    (folder / "A.DBF").unlink()

    with pytest.raises(OSError, match=os.strerror(2)):
        count_records(str(folder), contents, frozenset())


def test_an_administration_of_the_demo_has_records(tmp_path: Path) -> None:
    generate_office(tmp_path / "office", administrations=1, size=50_000)
    place = str(tmp_path / "office" / "Administraties" / "BAKKER26")

    assert count_records(place, scan_folder(place), frozenset()) > 50
