"""Which faults of tables are found, and that sound ones have none."""

from __future__ import annotations

import contextlib
import datetime
import os
import random
import struct
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import dbf
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from avplugin.demo.office import generate_office
from avplugin.demo.working_day import play_working_day
from avplugin.foxpro.compound_index import Tag
from avplugin.foxpro.container import build_container
from avplugin.foxpro.health import TableFault, check_tables, without_table
from avplugin.foxpro.open_table import OpenTable, pack_table
from avplugin.foxpro.table import Field, build_table
from avplugin.installation.scan import scan_folder

DAY = datetime.date(2026, 11, 22)
FIELDS = (Field("REK_NR", "C", 8), Field("BEDRAG", "N", 12, 2), Field("OMSCHR", "M"))
RECORD_LENGTH = 1 + 8 + 12 + 4
HEADER_LENGTH = 32 + 3 * 32 + 1 + 263
ROWS = [(f"{number:08}", number, f"regel {number} " * 20) for number in range(340)]
TAGS = (Tag("REK_NR", "REK_NR"),)
TABLE = build_table(FIELDS, ROWS, updated=DAY, tags=TAGS)
EMPTY_TABLE = build_table(FIELDS, [], updated=DAY, tags=TAGS)
CONTAINER = build_container([("grootboek.dbf", FIELDS)], updated=DAY)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An administration's folder with a table and a database container, both sound."""
    folder = tmp_path / "admin"
    folder.mkdir()
    (folder / "GROOTBOEK.DBF").write_bytes(TABLE.table)
    (folder / "GROOTBOEK.FPT").write_bytes(TABLE.memo)
    (folder / "GROOTBOEK.CDX").write_bytes(TABLE.index)
    (folder / "ADMIN.DBC").write_bytes(CONTAINER.table)
    (folder / "ADMIN.DCT").write_bytes(CONTAINER.memo)
    (folder / "ADMIN.DCX").write_bytes(CONTAINER.index)
    return folder


@pytest.fixture
def table(folder: Path) -> Path:
    return folder / "GROOTBOEK.DBF"


@pytest.fixture
def memo(folder: Path) -> Path:
    return folder / "GROOTBOEK.FPT"


@pytest.fixture
def index(folder: Path) -> Path:
    return folder / "GROOTBOEK.CDX"


def check(folder: Path) -> tuple[TableFault, ...]:
    return check_tables(str(folder), scan_folder(str(folder)))


def faults(folder: Path) -> list[str]:
    return [fault.why for fault in check(folder)]


def cut(path: Path, length: int) -> None:
    """Take bytes off the end of a file."""
    os.truncate(path, path.stat().st_size - length)


def overwrite(path: Path, place: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        file.write(content)


def append(path: Path, content: bytes) -> None:
    with path.open("ab") as file:
        file.write(content)


# Sound tables


def test_sound_tables_have_no_fault(folder: Path) -> None:
    (folder / "LEEG.DBF").write_bytes(EMPTY_TABLE.table)
    (folder / "LEEG.FPT").write_bytes(EMPTY_TABLE.memo)
    (folder / "LEEG.CDX").write_bytes(EMPTY_TABLE.index)

    assert check(folder) == ()


def test_no_table_of_an_office_has_a_fault_whatever_days_it_has_seen(tmp_path: Path) -> None:
    office = generate_office(tmp_path / "kantoor", administrations=5, size=300_000, files=60)
    assert scan_folder(str(office.folder)).tables > 75
    assert check(office.folder) == ()

    for day in range(3):
        play_working_day(office.folder, seed=day, pack=day == 1)

        assert check(office.folder) == ()


def test_a_table_stays_sound_while_it_is_worked_in(folder: Path, table: Path) -> None:
    opened = OpenTable(table)
    opened.append(("99999999", 1.0, "nieuw"))
    opened.update(3, {"OMSCHR": "veel langer dan eerst " * 30})
    opened.delete(5)
    opened.write(DAY)
    assert check(folder) == ()

    pack_table(table, DAY)
    assert check(folder) == ()


def write_with_dbf(path: Path, columns: str, kind: str, rows: Sequence[tuple[object, ...]]) -> None:
    """Write a table with a program of others."""
    new = dbf.Table(str(path), columns, dbf_type=kind, codepage="cp1252")
    new.open(dbf.READ_WRITE)
    for row in rows:
        new.append(row)
    new.close()  # its context manager leaves the count of records as it was


@pytest.mark.parametrize("kind", ["vfp", "fp", "db3", "clp"])
def test_tables_that_another_program_wrote_have_no_fault(kind: str, tmp_path: Path) -> None:
    rows = [("een", 1, "tekst " * length) for length in range(40)]
    columns = "naam C(10); nummer N(5,0); tekst M"
    write_with_dbf(tmp_path / "memo.dbf", columns, kind, rows)
    write_with_dbf(tmp_path / "geen.dbf", "naam C(10)", kind, [("een",)] * 7)
    write_with_dbf(tmp_path / "leeg.dbf", columns, kind, [])
    assert scan_folder(str(tmp_path)).tables == 3
    assert check(tmp_path) == ()


def test_a_memo_of_older_foxpro_belongs_to_its_table_without_a_flag(tmp_path: Path) -> None:
    write_with_dbf(tmp_path / "oud.dbf", "tekst M", "fp", [("tekst",)])
    assert (tmp_path / "oud.dbf").read_bytes()[28] == 0
    (tmp_path / "oud.fpt").unlink()

    assert faults(tmp_path) == ["oud.dbf needs oud.FPT beside it, which is not there"]


def test_the_mark_of_the_end_may_be_missing(folder: Path, table: Path) -> None:
    assert table.read_bytes()[-1:] == b"\x1a"
    cut(table, 1)

    assert check(folder) == ()


def test_a_table_may_have_less_than_a_record_behind_its_end(folder: Path, table: Path) -> None:
    append(table, bytes(RECORD_LENGTH - 2))

    assert check(folder) == ()


def test_a_date_of_last_update_that_is_none_is_no_fault(folder: Path, table: Path) -> None:
    overwrite(table, 1, b"\0\0\0")
    assert check(folder) == ()

    overwrite(table, 1, b"\xff\xff\xff")
    assert check(folder) == ()


@pytest.mark.parametrize("mark", [0x00, 0x01, 0x02, 0x03, 0x64, 0x7D, 0xC8])
def test_known_code_pages_and_none_at_all_are_no_fault(
    mark: int, folder: Path, table: Path
) -> None:
    overwrite(table, 29, bytes([mark]))

    assert check(folder) == ()


@pytest.mark.parametrize("kind", [0x30, 0x31, 0x32])
def test_all_three_types_of_visual_foxpro_are_checked_whole(
    kind: int, folder: Path, table: Path, memo: Path, index: Path
) -> None:
    overwrite(table, 0, bytes([kind]))
    assert check(folder) == ()

    cut(table, 2)
    memo.unlink()
    index.unlink()
    assert len(faults(folder)) == 3


@pytest.mark.parametrize("kind", [0x03, 0x43, 0x63, 0x83, 0x8B, 0xCB])
def test_older_tables_need_no_cdx_and_may_be_padded_but_not_be_too_short(
    kind: int, folder: Path, table: Path, memo: Path, index: Path
) -> None:
    overwrite(table, 0, bytes([kind]))
    overwrite(table, 29, b"\x57")  # dBASE's mark for the code page of Windows
    memo.write_bytes(b"")  # no memo of its own: dBASE has .DBT
    index.unlink()
    append(table, bytes(512))
    assert check(folder) == ()

    cut(table, 512 + 2)
    assert faults(folder) == ["GROOTBOEK.DBF is 1 byte too short for its 340 records"]


def test_the_cdx_of_an_older_table_is_checked_if_there_is_one(
    folder: Path, table: Path, index: Path
) -> None:
    overwrite(table, 0, b"\x03")
    assert check(folder) == ()

    cut(index, 1)
    assert [fault.path for fault in check(folder)] == [b"GROOTBOEK.CDX"]


@pytest.mark.parametrize("kind", [0x02, 0xFB])
def test_tables_of_foxbase_are_known_and_no_more(kind: int, tmp_path: Path) -> None:
    (tmp_path / "OUD.DBF").write_bytes(bytes([kind]) + b"\xa7" * 520)

    assert check(tmp_path) == ()


def test_memos_and_indexes_without_a_table_are_no_fault(folder: Path, table: Path) -> None:
    table.unlink()
    (folder / "WEES.FPT").write_bytes(b"")
    (folder / "LOS.CDX").write_bytes(b"x")

    assert check(folder) == ()


def test_memos_and_indexes_without_a_table_are_found_by_themselves(
    folder: Path, table: Path, memo: Path
) -> None:
    assert without_table(scan_folder(str(folder))) == ()
    table.rename(folder / "grootboek.dbf")
    assert without_table(scan_folder(str(folder))) == ()

    (folder / "grootboek.dbf").unlink()
    (folder / "ADMIN.DBC").rename(folder / "ADMIN.DBF")
    (folder / "SUB").mkdir()
    memo.rename(folder / "SUB" / "BTW.fpt")

    assert without_table(scan_folder(str(folder))) == (
        *(b"ADMIN.DCT", b"ADMIN.DCX", b"GROOTBOEK.CDX", b"SUB/BTW.fpt"),
    )


def test_what_pack_leaves_behind_is_not_looked_at(folder: Path, table: Path) -> None:
    (folder / "GROOTBOEK.BAK").write_bytes(b"")
    (folder / "GROOTBOEK.TBK").write_bytes(b"x")
    (folder / "DBF").write_bytes(b"x")
    (folder / "lijst.dbf.txt").write_bytes(b"x")

    assert check(folder) == ()


# Tables


def test_a_table_that_was_cut_off_is_shorter_than_its_records_need(
    folder: Path, table: Path
) -> None:
    cut(table, 1 + 1200)

    assert check(folder) == (
        TableFault(b"GROOTBOEK.DBF", "GROOTBOEK.DBF is 1,200 bytes too short for its 340 records"),
    )


def test_a_table_one_byte_shorter_than_its_records_is_a_fault(folder: Path, table: Path) -> None:
    cut(table, 2)

    assert faults(folder) == ["GROOTBOEK.DBF is 1 byte too short for its 340 records"]


def test_records_that_the_header_does_not_count_are_a_fault(folder: Path, table: Path) -> None:
    overwrite(table, 4, (338).to_bytes(4, "little"))
    assert faults(folder) == [
        "GROOTBOEK.DBF has 51 bytes behind the 338 records that its header counts,"
        " enough for 2 more"
    ]

    overwrite(table, 4, (339).to_bytes(4, "little"))
    cut(table, 1)
    assert faults(folder) == [
        "GROOTBOEK.DBF has 25 bytes behind the 339 records that its header counts,"
        " enough for 1 more"
    ]


def test_a_count_of_records_that_was_overwritten_is_a_fault(folder: Path, table: Path) -> None:
    overwrite(table, 4, b"\xff\xff\xff\xff")

    assert faults(folder) == [
        "GROOTBOEK.DBF is 107,374,173,874 bytes too short for its 4,294,967,295 records"
    ]


def test_a_type_that_is_not_foxpros_is_a_fault_and_the_rest_is_not_believed(
    folder: Path, table: Path, memo: Path
) -> None:
    overwrite(table, 0, b"\x04")
    memo.unlink()

    assert faults(folder) == ["GROOTBOEK.DBF does not begin as a FoxPro table does"]


@pytest.mark.parametrize(
    "length", [0, HEADER_LENGTH - 1, HEADER_LENGTH + 1, 32 + 1 + 263, 32 + 256 * 32 + 1 + 263]
)
def test_a_header_without_whole_columns_is_a_fault(length: int, folder: Path, table: Path) -> None:
    overwrite(table, 8, length.to_bytes(2, "little"))

    assert faults(folder) == [
        f"GROOTBOEK.DBF has a damaged header: it cannot be {length:,} bytes long"
    ]


@pytest.mark.parametrize("columns", [1, 255])
def test_a_table_has_from_1_to_255_columns(columns: int, tmp_path: Path) -> None:
    fields = [Field(f"K{number}", "L") for number in range(columns)]
    (tmp_path / "T.DBF").write_bytes(build_table(fields, [], updated=DAY).table)

    assert check(tmp_path) == ()


def test_the_header_of_an_older_table_has_a_column_at_least(folder: Path, table: Path) -> None:
    overwrite(table, 0, b"\x03")
    overwrite(table, 8, (64).to_bytes(2, "little"))

    assert faults(folder) == ["GROOTBOEK.DBF has a damaged header: it cannot be 64 bytes long"]


@pytest.mark.parametrize(
    ("length", "shown"), [(0, "0 bytes"), (1, "1 byte"), (65_501, "65,501 bytes")]
)
def test_a_record_length_that_foxpro_refuses_is_a_fault(
    length: int, shown: str, folder: Path, table: Path
) -> None:
    overwrite(table, 10, length.to_bytes(2, "little"))

    assert faults(folder) == [
        f"GROOTBOEK.DBF has a damaged header: a record cannot be {shown} long"
    ]


@pytest.mark.parametrize("mark", [0x05, 0x57, 0xFF])
def test_a_code_page_that_is_none_is_a_fault(mark: int, folder: Path, table: Path) -> None:
    overwrite(table, 29, bytes([mark]))

    assert faults(folder) == [
        f"GROOTBOEK.DBF has a damaged header: no code page has the mark 0x{mark:02X}"
    ]


def test_an_empty_table_file_is_a_fault(folder: Path, table: Path) -> None:
    table.write_bytes(b"")

    assert faults(folder) == ["GROOTBOEK.DBF is empty"]


@pytest.mark.parametrize("length", [1, 31, 32, HEADER_LENGTH - 1])
def test_a_table_that_ends_inside_its_header_is_a_fault(
    length: int, folder: Path, table: Path
) -> None:
    os.truncate(table, length)

    assert faults(folder) == ["GROOTBOEK.DBF ends inside its own header"]


def test_zeros_in_place_of_everything_are_a_fault_of_each_file_that_is_still_known(
    folder: Path, table: Path, memo: Path, index: Path
) -> None:
    for path in (memo, index):
        path.write_bytes(bytes(path.stat().st_size))
    assert [fault.path for fault in check(folder)] == [b"GROOTBOEK.CDX", b"GROOTBOEK.FPT"]

    table.write_bytes(bytes(table.stat().st_size))
    assert faults(folder) == ["GROOTBOEK.DBF does not begin as a FoxPro table does"]


def test_what_looks_encrypted_is_a_fault_of_every_file(
    folder: Path, table: Path, memo: Path, index: Path
) -> None:
    bytes_of = random.Random(5).randbytes  # noqa: S311 - the same ones in every run
    for path in (memo, index):
        path.write_bytes(bytes_of(path.stat().st_size))
    assert [fault.path for fault in check(folder)] == [b"GROOTBOEK.CDX", b"GROOTBOEK.FPT"]

    for _ in range(200):
        table.write_bytes(b"\x30" + bytes_of(table.stat().st_size - 1))
        assert b"GROOTBOEK.DBF" in [fault.path for fault in check(folder)]


# Memos and indexes that are not there


@pytest.mark.parametrize("name", ["GROOTBOEK.FPT", "GROOTBOEK.CDX", "ADMIN.DCT", "ADMIN.DCX"])
def test_a_memo_or_an_index_that_is_not_there_is_a_fault_of_its_table(
    name: str, folder: Path
) -> None:
    (folder / name).unlink()

    (fault,) = check(folder)
    owner = "ADMIN.DBC" if name.startswith("ADMIN") else "GROOTBOEK.DBF"
    assert fault == TableFault(
        owner.encode(), f"{owner} needs {name} beside it, which is not there"
    )


@pytest.mark.parametrize("name", ["GROOTBOEK.FPT", "GROOTBOEK.CDX", "ADMIN.DCT", "ADMIN.DCX"])
def test_a_memo_or_an_index_elsewhere_does_not_stand_in_for_it(name: str, folder: Path) -> None:
    (folder / "SUB").mkdir()
    (folder / name).rename(folder / "SUB" / name)

    assert len(faults(folder)) == 1


def test_a_table_whose_header_says_nothing_needs_no_memo_and_no_index(
    folder: Path, table: Path, memo: Path, index: Path
) -> None:
    overwrite(table, 28, b"\0")
    memo.unlink()
    index.write_bytes(b"")

    assert check(folder) == ()


# Memos


def test_a_memo_file_that_was_cut_off_is_a_fault(folder: Path, memo: Path) -> None:
    cut(memo, 64 + 1)

    assert check(folder) == (
        TableFault(b"GROOTBOEK.FPT", "GROOTBOEK.FPT is 65 bytes shorter than its header says"),
    )


def test_the_last_block_of_a_memo_file_need_not_be_whole(folder: Path, memo: Path) -> None:
    cut(memo, 64)

    assert check(folder) == ()


def test_a_next_free_block_far_behind_the_end_is_a_fault(folder: Path, memo: Path) -> None:
    overwrite(memo, 0, b"\x7f\xff\xff\xff")

    assert len(faults(folder)) == 1
    assert "shorter than its header says" in faults(folder)[0]


def test_a_next_free_block_inside_the_header_is_a_fault(folder: Path, memo: Path) -> None:
    for block, size in ((0, 64), (7, 64), (0, 16384)):
        overwrite(memo, 0, struct.pack(">I2xH", block, size))
        assert faults(folder) == [
            "GROOTBOEK.FPT has a damaged header: its next text would overwrite it"
        ]

    overwrite(memo, 0, struct.pack(">I2xH", 8, 64))
    assert check(folder) == ()


@pytest.mark.parametrize("size", [0, 2, 32])
def test_a_block_size_that_foxpro_never_sets_is_a_fault(
    size: int, folder: Path, memo: Path
) -> None:
    overwrite(memo, 6, size.to_bytes(2, "big"))

    assert faults(folder) == [
        f"GROOTBOEK.FPT has a damaged header: its blocks cannot be {size} bytes long"
    ]


@pytest.mark.parametrize(
    ("size", "next_free"), [(1, 512), (33, 16), (64, 8), (100, 5), (512, 1), (16384, 1)]
)
def test_every_block_size_that_foxpro_sets_is_sound_in_a_new_memo_file(
    size: int, next_free: int, folder: Path, memo: Path
) -> None:
    memo.write_bytes(struct.pack(">I2xH504x", next_free, size))

    assert check(folder) == ()


@pytest.mark.parametrize("length", [4, 8, 511])
def test_a_memo_file_that_ends_inside_its_header_is_a_fault(
    length: int, folder: Path, memo: Path
) -> None:
    overwrite(memo, 0, struct.pack(">I2xH", 8, 64))
    os.truncate(memo, length)

    assert faults(folder) == ["GROOTBOEK.FPT ends inside its own header"]


# Indexes


def test_an_index_of_an_odd_size_is_a_fault(folder: Path, index: Path) -> None:
    append(index, b"x")

    assert check(folder) == (
        TableFault(b"GROOTBOEK.CDX", "GROOTBOEK.CDX does not consist of whole pages of 512 bytes"),
    )


def test_an_index_whose_root_lies_behind_its_end_is_a_fault(folder: Path, index: Path) -> None:
    size = index.stat().st_size
    overwrite(index, 0, (size - 512).to_bytes(4, "little"))
    assert check(folder) == ()

    overwrite(index, 0, size.to_bytes(4, "little"))
    assert faults(folder) == [
        "GROOTBOEK.CDX is cut off: the page at which every search begins is missing"
    ]


@pytest.mark.parametrize("root", [0, 512, 1025])
def test_an_index_whose_root_is_no_page_behind_the_header_is_a_fault(
    root: int, folder: Path, index: Path
) -> None:
    overwrite(index, 0, root.to_bytes(4, "little"))

    assert faults(folder) == [
        "GROOTBOEK.CDX has a damaged header: it does not begin as an index does"
    ]


def test_an_empty_memo_file_and_an_empty_index_are_faults(
    folder: Path, memo: Path, index: Path
) -> None:
    memo.write_bytes(b"")
    index.write_bytes(b"")

    assert faults(folder) == ["GROOTBOEK.CDX is empty", "GROOTBOEK.FPT is empty"]


def test_a_container_is_checked_like_a_table(folder: Path) -> None:
    cut(folder / "ADMIN.DBC", 2)
    cut(folder / "ADMIN.DCT", 65)
    cut(folder / "ADMIN.DCX", 1)

    assert [fault.path for fault in check(folder)] == [b"ADMIN.DBC", b"ADMIN.DCT", b"ADMIN.DCX"]


# Names


@pytest.mark.parametrize(
    ("table_name", "memo_name", "index_name"),
    [
        ("GROOTBOEK.dbf", "grootboek.FPT", "Grootboek.Cdx"),
        ("CAFÉ ÜBER.DBF", "café über.fpt", "Café Über.CDX"),
        ("a.b.dbf", "A.B.Fpt", "a.B.cdx"),
        (".dbf", ".FPT", ".Cdx"),
    ],
)
def test_memos_and_indexes_are_found_without_regard_to_case(
    table_name: str, memo_name: str, index_name: str, folder: Path
) -> None:
    (folder / "GROOTBOEK.DBF").rename(folder / table_name)
    (folder / "GROOTBOEK.FPT").rename(folder / memo_name)
    (folder / "GROOTBOEK.CDX").rename(folder / index_name)
    assert check(folder) == ()

    cut(folder / memo_name, 65)
    cut(folder / index_name, 1)
    assert {fault.path for fault in check(folder)} == {memo_name.encode(), index_name.encode()}


def test_a_name_that_is_no_text_is_reported_as_it_is(folder: Path) -> None:
    stem = os.fsdecode(b"caf\xe9")
    for ending in ("DBF", "FPT", "CDX"):
        (folder / f"GROOTBOEK.{ending}").rename(folder / f"{stem}.{ending.lower()}")
    assert check(folder) == ()

    (folder / f"{stem}.fpt").write_bytes(b"")
    (folder / f"{stem}.cdx").unlink()
    assert check(folder) == (
        TableFault(
            b"caf\xe9.dbf", "caf\udce9.dbf needs caf\udce9.CDX beside it, which is not there"
        ),
        TableFault(b"caf\xe9.fpt", "caf\udce9.fpt is empty"),
    )


def test_of_files_that_differ_in_case_only_each_table_has_its_own(
    folder: Path, table: Path
) -> None:
    (folder / "grootboek.DBF").write_bytes(TABLE.table)
    (folder / "grootboek.FPT").write_bytes(b"")
    (folder / "grootboek.CDX").write_bytes(TABLE.index)

    assert [fault.path for fault in check(folder)] == [b"grootboek.FPT"]

    table.unlink()
    (folder / "GROOTBOEK.CDX").unlink()
    (folder / "GROOTBOEK.FPT").write_bytes(b"x")
    assert [fault.path for fault in check(folder)] == [b"grootboek.FPT"]


def test_a_table_in_a_folder_of_the_folder_is_reported_by_its_path(folder: Path) -> None:
    (folder / "SUB" / "DIEP").mkdir(parents=True)
    (folder / "SUB" / "DIEP" / "X.DBF").write_bytes(b"")

    assert check(folder) == (TableFault(b"SUB/DIEP/X.DBF", "X.DBF is empty"),)


def test_faults_are_sorted_by_path(folder: Path) -> None:
    for name in ("b.dbf", "A.DBF", "C.dbf"):
        (folder / name).write_bytes(b"")

    assert [fault.path for fault in check(folder)] == [b"A.DBF", b"C.dbf", b"b.dbf"]


# What was asked for


def test_only_tables_with_a_file_that_was_asked_for_are_checked(folder: Path) -> None:
    contents = scan_folder(str(folder))
    for path in folder.iterdir():
        overwrite(path, 0, bytes(16))  # the same size

    def checked(*only: bytes) -> list[bytes]:
        return [fault.path for fault in check_tables(str(folder), contents, only)]

    assert checked() == []
    assert checked(b"ADMIN.DBC") == [b"ADMIN.DBC"]
    assert checked(b"GROOTBOEK.DBF") == [b"GROOTBOEK.DBF"]
    assert checked(b"GROOTBOEK.FPT") == [b"GROOTBOEK.DBF"]
    assert checked(b"GROOTBOEK.CDX") == [b"GROOTBOEK.DBF"]
    assert checked(b"GROOTBOEK.pdf", b"GROOTBOEK", b"SUB/GROOTBOEK.DBF", b"") == []
    assert checked(b"ADMIN.DCT", b"GROOTBOEK.CDX") == [b"ADMIN.DBC", b"GROOTBOEK.DBF"]


@pytest.mark.parametrize("name", ["GROOTBOEK.FPT", "GROOTBOEK.CDX"])
def test_a_table_is_checked_when_the_file_that_was_asked_for_is_gone(
    name: str, folder: Path
) -> None:
    (folder / name).rename(folder / f"{name}.locked")

    found = check_tables(str(folder), scan_folder(str(folder)), [name.lower().encode()])

    assert [fault.path for fault in found] == [b"GROOTBOEK.DBF"]


def test_a_table_costs_four_opens_and_six_short_reads_at_the_most(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = scan_folder(str(folder))
    opened: list[bytes] = []
    lengths: list[int] = []
    real_open, real_pread = os.open, os.pread

    def spy_open(path: bytes, flags: int) -> int:
        opened.append(path.rpartition(b"/")[2])
        return real_open(path, flags)

    def spy_pread(descriptor: int, length: int, offset: int) -> bytes:
        lengths.append(length)
        return real_pread(descriptor, length, offset)

    monkeypatch.setattr(os, "open", spy_open)
    monkeypatch.setattr(os, "pread", spy_pread)
    before = len(list(Path("/proc/self/fd").iterdir()))
    assert check_tables(str(folder), contents) == ()

    files = {os.fsencode(path.name) for path in folder.iterdir()}
    assert set(opened) == files
    assert len(opened) <= len(files) + contents.tables
    assert sorted(length for length in lengths if length > 1) == [4, 4, 8, 8, 32, 32]
    assert lengths.count(1) <= 3 * contents.tables
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize("number", [0, "middle", "last"])
def test_a_table_that_is_encrypted_behind_its_header_is_found_by_the_marks_of_its_records(
    number: int | str, folder: Path
) -> None:
    table = folder / "GROOTBOEK.DBF"
    data = bytearray(table.read_bytes())
    records, header, length = struct.unpack_from("<IHH", data, 4)
    wanted = {"middle": records // 2, "last": records - 1}.get(str(number), 0)
    for mark, is_sound in ((b"*", True), (b"\x8f", False)):
        data[header + wanted * length : header + wanted * length + 1] = mark
        table.write_bytes(data)
        found = check_tables(str(folder), scan_folder(str(folder)))
        assert (found == ()) is is_sound

    assert f"number {wanted + 1:,} does not begin as one does" in found[0].why


# Files that are not what they were


@contextlib.contextmanager
def rights_of_an_ordinary_user() -> Iterator[None]:
    """Root may read everything, so root becomes nobody for the time of the look."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_file_that_may_not_be_read_is_a_fault() -> None:
    with tempfile.TemporaryDirectory() as name:  # pytest's own belong to one user only
        folder = Path(name)
        folder.chmod(0o755)
        for stem in ("OPEN", "DICHT", "HALF"):
            (folder / f"{stem}.DBF").write_bytes(TABLE.table)
            (folder / f"{stem}.FPT").write_bytes(TABLE.memo)
            (folder / f"{stem}.CDX").write_bytes(TABLE.index)
        contents = scan_folder(name)
        (folder / "DICHT.DBF").chmod(0)
        (folder / "HALF.FPT").chmod(0)

        with rights_of_an_ordinary_user():
            found = check_tables(name, contents)

    assert [fault.why for fault in found] == [
        "DICHT.DBF cannot be read: Permission denied",
        "HALF.FPT cannot be read: Permission denied",
    ]


def test_a_file_that_vanished_since_the_scan_is_a_fault(folder: Path) -> None:
    contents = scan_folder(str(folder))
    (folder / "ADMIN.DBC").unlink()
    (folder / "GROOTBOEK.CDX").unlink()

    assert [fault.why for fault in check_tables(str(folder), contents)] == [
        "ADMIN.DBC cannot be read: No such file or directory",
        "GROOTBOEK.CDX cannot be read: No such file or directory",
    ]


def test_a_file_that_was_emptied_since_the_scan_is_a_fault(folder: Path) -> None:
    contents = scan_folder(str(folder))
    for path in folder.iterdir():
        os.truncate(path, 3)

    assert [fault.why for fault in check_tables(str(folder), contents)] == [
        "ADMIN.DBC ends inside its own header",
        "GROOTBOEK.DBF ends inside its own header",
    ]


def test_links_folders_and_pipes_are_no_tables(folder: Path) -> None:
    (folder / "LINK.DBF").symlink_to("nergens")
    (folder / "MAP.DBF").mkdir()
    os.mkfifo(folder / "PIJP.DBF")

    assert check(folder) == ()


@pytest.mark.parametrize("name", ["GROOTBOEK.FPT", "GROOTBOEK.CDX"])
def test_a_memo_or_an_index_behind_a_link_is_there_but_not_looked_at(
    name: str, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(b"")
    (folder / name).unlink()
    (folder / name).symlink_to(tmp_path / name)

    assert check(folder) == ()


def test_a_memo_that_is_a_folder_is_none(folder: Path, memo: Path) -> None:
    memo.unlink()
    memo.mkdir()

    assert faults(folder) == ["GROOTBOEK.DBF needs GROOTBOEK.FPT beside it, which is not there"]


@pytest.mark.timeout(20)
def test_what_became_a_link_a_folder_or_a_pipe_since_the_scan_is_a_fault(
    folder: Path, tmp_path: Path
) -> None:
    (folder / "EEN.DBF").write_bytes(build_table(FIELDS[:2], [], updated=DAY).table)
    contents = scan_folder(str(folder))
    (folder / "ADMIN.DBC").rename(tmp_path / "ADMIN.DBC")
    (folder / "ADMIN.DBC").symlink_to(tmp_path / "ADMIN.DBC")
    (folder / "EEN.DBF").unlink()
    (folder / "EEN.DBF").mkdir()
    (folder / "GROOTBOEK.DBF").unlink()
    os.mkfifo(folder / "GROOTBOEK.DBF")

    found = check_tables(str(folder), contents)

    assert [fault.path for fault in found] == [b"ADMIN.DBC", b"EEN.DBF", b"GROOTBOEK.DBF"]
    assert all("cannot be read: " in fault.why for fault in found)


# Anything at all


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=600) | st.binary(min_size=40, max_size=40).map(lambda tail: b"\x30" + tail),
    st.binary(max_size=600),
    st.binary(max_size=1600),
)
@example(TABLE.table, b"", b"")
def test_no_bytes_at_all_raise_and_every_fault_is_one_line(
    table: bytes, memo: bytes, index: bytes
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, content in (("X.DBF", table), ("X.FPT", memo), ("X.CDX", index)):
            Path(folder, name).write_bytes(content)

        for fault in check(Path(folder)):
            assert fault.path in {b"X.DBF", b"X.FPT", b"X.CDX"}
            assert fault.why.startswith(fault.path.decode() + " ")
            assert "\n" not in fault.why


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from((TABLE, EMPTY_TABLE)),
    st.integers(0, 2),
    st.integers(0, 31),
    st.integers(0, 255),
    st.integers(-3, 3),
)
def test_no_damage_to_a_header_raises(
    files: object, which: int, place: int, value: int, length: int
) -> None:
    contents = [bytearray(getattr(files, name)) for name in ("table", "memo", "index")]
    contents[which][place] = value
    contents[which] = contents[which][:length] if length < 0 else contents[which] + bytes(length)
    with tempfile.TemporaryDirectory() as folder:
        for name, content in zip(("X.DBF", "X.FPT", "X.CDX"), contents, strict=True):
            Path(folder, name).write_bytes(content)

        assert all(fault.why for fault in check(Path(folder)))
