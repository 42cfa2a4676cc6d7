import datetime
import math
import pathlib

import dbf
import pytest
from table_reader import read_records

from avplugin.foxpro.compound_index import Tag
from avplugin.foxpro.open_table import OpenTable, pack_table
from avplugin.foxpro.table import Field, TableFiles, TableHeader, build_table, read_fields

DAY = datetime.date(2026, 11, 22)
MOMENT = datetime.datetime(2026, 11, 22, 14, 5, 9, 250000)
FIELDS = (
    Field("NAME", "C", 20),
    Field("AMOUNT", "N", 10, 2),
    Field("DAY", "D"),
    Field("PAID", "L"),
    Field("NUMBER", "I"),
    Field("NOTE", "M"),
    Field("MOMENT", "T"),
    Field("RATIO", "B", decimals=4),
    Field("PRICE", "Y", decimals=4),
)
ROWS = (
    ("Café 't Hoekje", -1234.5, DAY, True, -7, "Eén regel\r\nen nog één", MOMENT, 0.1, 12.3456),
    ("", 0.0, DAY, False, 2**31 - 1, "", MOMENT, -1e300, -0.0001),
    (None, None, None, None, None, None, None, None, None),
    ("x" * 20, 9999999.99, DAY, True, 0, "lang " * 100, MOMENT, 1.0, 0.0),
)
TAGS = (Tag("NAME", "UPPER(NAME)"), Tag("NUMBER", "NUMBER"))


def write(folder: pathlib.Path, files: TableFiles, name: str = "TEST") -> pathlib.Path:
    for ending, content in ((".DBF", files.table), (".FPT", files.memo), (".CDX", files.index)):
        if content:
            (folder / (name + ending)).write_bytes(content)
    return folder / f"{name}.DBF"


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    return write(tmp_path, build_table(FIELDS, ROWS, updated=DAY, tags=TAGS))


def test_another_program_reads_every_type_of_field(path: pathlib.Path) -> None:
    records = read_records(path)

    assert records[0]["NAME"] == "Café 't Hoekje"
    assert records[0]["AMOUNT"] == -1234.5
    assert records[0]["DAY"] == DAY
    assert records[0]["PAID"] is True
    assert records[0]["NUMBER"] == -7
    assert records[0]["NOTE"] == "Eén regel\r\nen nog één"
    assert abs(records[0]["MOMENT"] - MOMENT) < datetime.timedelta(milliseconds=1)
    assert records[0]["RATIO"] == 0.1
    assert math.isclose(float(records[0]["PRICE"]), 12.3456)
    assert records[1]["NUMBER"] == 2**31 - 1
    assert not records[1]["NOTE"]
    assert math.isclose(float(records[1]["PRICE"]), -0.0001)
    assert records[2]["AMOUNT"] is None
    assert records[2]["DAY"] is None
    assert records[3]["NOTE"] == "lang " * 100


def test_a_second_program_reads_the_same(path: pathlib.Path) -> None:
    with dbf.Table(str(path)).open(dbf.READ_ONLY) as opened:
        assert opened[0].name.rstrip() == "Café 't Hoekje"
        assert opened[0].note == "Eén regel\r\nen nog één"
        assert opened[0].number == -7
        assert opened[0].day == DAY
        assert opened[3].amount == 9999999.99
        assert len(opened) == 4


def test_the_header_says_how_long_the_file_is_and_what_belongs_to_it(path: pathlib.Path) -> None:
    content = path.read_bytes()

    assert content[0] == 0x30
    assert content[1:4] == bytes([26, 11, 22])
    assert int.from_bytes(content[8:10], "little") == 32 + 32 * len(FIELDS) + 1 + 263
    assert content[28:30] == b"\x03\x03"
    header = TableHeader.read(content)
    assert len(content) == header.header_length + 4 * header.record_length + 1
    assert content[-1:] == b"\x1a"
    assert header.to_bytes() == content[:32]
    assert [field.name for field in read_fields(content)] == [field.name for field in FIELDS]


def test_a_table_names_its_container_in_the_back_link() -> None:
    fields = [Field("CODE", "C", 5)]
    content = build_table(fields, [], updated=DAY, back_link="bakker26.dbc").table

    assert content[32 + 32 + 1 :][:263] == b"bakker26.dbc".ljust(263, b"\0")


def test_what_does_not_fit_a_field_is_refused() -> None:
    for field, value in (
        (Field("CODE", "C", 3), "BAKKER"),
        (Field("AMOUNT", "N", 5, 2), 12345.0),
        (Field("MOMENT", "T"), DAY),
    ):
        with pytest.raises(ValueError, match=field.name):
            build_table([field], [[value]], updated=DAY)


def test_a_record_changed_in_place_leaves_all_other_bytes_alone(path: pathlib.Path) -> None:
    before = path.read_bytes()
    opened = OpenTable(path)
    opened.update(2, {"AMOUNT": 5.25})
    changes = opened.write(DAY)

    after = path.read_bytes()
    header = TableHeader.read(after)
    start = header.header_length + header.record_length + 1 + 20
    assert len(after) == len(before)
    assert {at for at in range(len(after)) if before[at] != after[at]} <= set(
        range(start, start + 10)
    )
    assert changes == (1, 0, 0, 0)
    assert read_records(path)[1]["AMOUNT"] == 5.25


def test_an_appended_record_follows_the_others_and_is_counted(path: pathlib.Path) -> None:
    opened = OpenTable(path)
    opened.append(("Nieuw", 1, DAY, False, 5, "tekst", MOMENT, 1.0, 1.0))
    changes = opened.write(DAY + datetime.timedelta(days=1))

    records = read_records(path)
    assert [record["NAME"] for record in records[-2:]] == ["x" * 20, "Nieuw"]
    assert records[-1]["NOTE"] == "tekst"
    header = TableHeader.read(path.read_bytes())
    assert header.updated == datetime.date(2026, 11, 23)
    assert path.stat().st_size == header.end_of_records + 1
    assert changes[:3] == (0, 1, 1)


def test_a_new_text_goes_to_the_end_of_the_memo_file(path: pathlib.Path) -> None:
    memo_path = path.with_suffix(".FPT")
    before = memo_path.read_bytes()
    opened = OpenTable(path)
    opened.update(1, {"NOTE": "ander" * 50})
    opened.write(DAY)

    after = memo_path.read_bytes()
    assert after[4 : len(before)] == before[4:]
    assert int.from_bytes(after[:4], "big") * 64 == len(after)
    assert after[len(before) :][:8] == b"\0\0\0\1" + (250).to_bytes(4, "big")
    assert read_records(path)[0]["NOTE"] == "ander" * 50
    assert OpenTable(path).value(1, "NOTE") == "ander" * 50


def test_a_deleted_record_stays_until_the_table_is_packed(path: pathlib.Path) -> None:
    opened = OpenTable(path)
    opened.delete(1)
    opened.write(DAY)

    assert len(OpenTable(path)) == 4
    assert len(read_records(path)) == 3
    before = {ending: path.with_suffix(ending).read_bytes() for ending in (".DBF", ".FPT")}

    assert pack_table(path, DAY) == 1

    assert [record["NOTE"] for record in read_records(path)] == [None, None, "lang " * 100]
    assert TableHeader.read(path.read_bytes()).records == 3
    assert path.with_suffix(".BAK").read_bytes() == before[".DBF"]
    assert path.with_suffix(".TBK").read_bytes() == before[".FPT"]
    assert path.with_suffix(".FPT").stat().st_size < len(before[".FPT"])
