"""What a demo office's tables are made of, before and after a working day."""

import datetime
import pathlib
import struct
from collections.abc import Iterator
from typing import Any

import dbf
import pytest
from index_walk import walk_index
from table_reader import ReadTable, read_records

from avplugin.demo.office import Office, generate_office
from avplugin.demo.working_day import play_working_day


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Office:
    folder = tmp_path_factory.mktemp("fresh") / "kantoor"
    return generate_office(folder, administrations=5, size=300_000, files=60)


@pytest.fixture(scope="module")
def worked_in(tmp_path_factory: pytest.TempPathFactory) -> Office:
    folder = tmp_path_factory.mktemp("worked") / "kantoor"
    office = generate_office(folder, administrations=5, size=300_000, files=60)
    for day in range(3):
        play_working_day(folder, seed=day, pack=day == 1)
    return office


@pytest.fixture(params=["fresh", "worked_in"])
def office(request: pytest.FixtureRequest) -> Office:
    found: Office = request.getfixturevalue(request.param)
    return found


def tables(office: Office) -> Iterator[pathlib.Path]:
    paths = [path for path in office.folder.rglob("*") if path.suffix.upper() in {".DBF", ".DBC"}]
    assert len(paths) > 5 * 15
    yield from sorted(paths)


def all_records(path: pathlib.Path) -> dict[int, dict[str, Any]]:
    """Return the records with their numbers, those marked as deleted too."""
    content = path.read_bytes()
    length = int.from_bytes(content[10:12], "little")
    start = int.from_bytes(content[8:10], "little")
    opened = ReadTable(path)
    kept, deleted = iter(opened.records), iter(opened.deleted)
    return {
        number: next(deleted if content[start + (number - 1) * length] == ord("*") else kept)
        for number in range(1, int.from_bytes(content[4:8], "little") + 1)
    }


def test_the_size_of_every_table_follows_from_its_header(office: Office) -> None:
    for path in tables(office):
        content = path.read_bytes()
        records, start, length = struct.unpack_from("<IHH", content, 4)
        assert content[0] == 0x30, path
        assert len(content) == start + records * length + 1, path
        assert content[28] & 4 == (4 if path.suffix == ".DBC" else 0), path
        endings = (".DCT", ".DCX") if path.suffix == ".DBC" else (".FPT", ".CDX")
        for ending, flag in zip(endings, (2, 1), strict=True):
            assert path.with_suffix(ending).exists() == bool(content[28] & flag), path


def test_every_memo_file_ends_where_its_next_free_block_begins(office: Office) -> None:
    paths = [path for path in office.folder.rglob("*") if path.suffix in {".FPT", ".DCT"}]
    assert paths
    for path in paths:
        content = path.read_bytes()
        next_free, _, block_size = struct.unpack_from(">IHH", content)
        assert block_size == 64
        assert next_free * block_size == len(content), path
        place = 512
        while place < len(content):
            signature, length = struct.unpack_from(">II", content, place)
            assert signature == 1
            assert length
            place += -(-(8 + length) // 64) * 64
        assert place == len(content)


def test_every_index_holds_the_keys_of_all_records_of_its_table(office: Office) -> None:
    count = 0
    for path in tables(office):
        index = path.with_suffix(".DCX" if path.suffix == ".DBC" else ".CDX")
        if not index.exists():
            continue
        records = all_records(path)
        for name, tag in walk_index(index.read_bytes()).items():
            assert sorted(number for _, number in tag.entries) == list(records), (path, name)
            for key, number in tag.entries:
                assert key == key_of(tag.expression, records[number], tag.key_length), (path, name)
            count += 1
    assert count > 5 * 15


def key_of(expression: str, record: dict[str, Any], length: int) -> bytes:
    """Work out a key from values, where the program works with a record's bytes."""
    value: Any = record.get(expression)
    if isinstance(value, datetime.date):
        value = float((value - datetime.date(2000, 1, 1)).days + 2451545)
    if isinstance(value, float):
        (bits,) = struct.unpack(">Q", struct.pack(">d", value))
        return struct.pack(">Q", 2**64 - 1 - bits if value < 0 else bits + 2**63)
    if isinstance(value, int):
        return struct.pack(">I", value + 2**31)
    match expression:
        case "STR(PARENTID)+OBJECTTYPE":
            value = f"{record['PARENTID']:10d}{record['OBJECTTYPE']:10}"
        case "STR(PARENTID)+OBJECTTYPE+LOWER(OBJECTNAME)":
            name = record["OBJECTNAME"].lower()
            value = f"{record['PARENTID']:10d}{record['OBJECTTYPE']:10}{name}"
        case "REK_NR+DTOS(BOEKDATUM)":
            value = f"{record['REK_NR']:8}{record['BOEKDATUM']:%Y%m%d}"
        case "PLAATS+SUB_CODE":
            value = f"{record['PLAATS']:30}{record['SUB_CODE']}"
        case "STR(FACT_NR,10)+STR(REGEL,5)":
            value = f"{record['FACT_NR']:10}{record['REGEL']:5}"
        case _ if expression.startswith("UPPER("):
            value = record[expression[6:-1]].upper()
    return str(value).encode("cp1252").ljust(length)


def test_another_program_reads_texts_and_amounts_of_an_administration(office: Office) -> None:
    folder = office.administrations[0].folder
    debtors = read_records(folder / "DEBITEUR.DBF")
    assert debtors[0]["SUB_CODE"] == "10001"
    assert any(debtor["OPMERKING"] for debtor in debtors)
    entries = read_records(folder / "MUTATIE.DBF")
    assert len(entries) > 200
    assert all(isinstance(entry["BEDRAG"], float) for entry in entries)


def test_a_second_program_opens_every_table_of_an_administration(office: Office) -> None:
    for path in sorted(office.administrations[0].folder.glob("*.DBF")):
        with dbf.Table(str(path)).open(dbf.READ_ONLY) as opened:
            assert len([tuple(record) for record in opened]) == len(all_records(path))
