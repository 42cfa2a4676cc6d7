import datetime
import os
import struct
from pathlib import Path

import pytest

from avplugin.foxpro import path_references, table
from avplugin.foxpro.path_references import Found, find_references, paths_in
from avplugin.foxpro.table import Field, Value
from avplugin.installation.scan import scan_folder

DAY = datetime.date(2026, 3, 1)
LOGO = Field("LOGO", "C", 60)
NOTE = Field("NOTE", "M")


def write(
    folder: Path, name: str, fields: list[Field], *rows: tuple[Value, ...], deleted: int = 0
) -> Path:
    """Write a table with its memo; the record of the number `deleted` bears the mark."""
    marks = frozenset({deleted} - {0})
    built = table.build_table(fields, rows, updated=DAY, deleted=marks)
    path = folder / f"{name}.DBF"
    path.write_bytes(built.table)
    if built.memo:
        (folder / f"{name}.FPT").write_bytes(built.memo)
    return path


def look(folder: Path, *, thorough: bool = False) -> Found:
    return find_references(str(folder), scan_folder(str(folder)), thorough=thorough)


def found(folder: Path) -> set[tuple[str, str, str]]:
    """Return table, field and path of all that is found."""
    return {(os.fsdecode(t), field, path) for t, field, path in look(folder).references}


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        (r"\\KANTOOR\AV\Layouts\logo café.bmp", [r"\\KANTOOR\AV\Layouts\logo café.bmp"]),
        ("V:/Administraties/Klant [12]", ["V:/Administraties/Klant [12]"]),
        (r"logo=V:\x.bmp;pdf=\\a\b\c d.pdf", [r"V:\x.bmp", r"\\a\b\c d.pdf"]),
        ("V:\\x.bmp\r\nD:\\y.bmp.", ["V:\\x.bmp", "D:\\y.bmp"]),
        (r"C:\\doubled\\x.bmp", [r"C:\\doubled\\x.bmp"]),
        ("file:///C:/x/y.pdf", ["C:/x/y.pdf"]),
        ("see http://example.nl/a and ftp://b/c", []),
        (r"C:\ alone, \\server alone, 12:/30, {\rtf1\ansi\\ }", []),
        (r"btw\\hoog", []),
    ],
)  # fmt: skip
def test_what_looks_like_a_windows_path_is_one(text: str, paths: list[str]) -> None:
    assert paths_in(text) == paths


def test_a_path_is_told_with_its_table_and_field(tmp_path: Path) -> None:
    fields = [Field("CODE", "C", 3), LOGO, Field("LAYOUT", "C", 60), NOTE]
    write(
        tmp_path,
        "TAALCODE",
        fields,
        ("NL", r"V:\Layouts\logo café.bmp", "", "Groeten"),
        ("EN", "", r"\\kantoor\layouts\fax.lay", "Regards\r\nV:/Layouts/note.pdf"),
        ("DE", r"V:\Layouts\logo café.bmp", "", ""),
    )
    write(tmp_path, "LEEG", fields, ("NL", "logo.bmp", "a:b", "c/d"))

    assert found(tmp_path) == {
        ("TAALCODE.DBF", "LOGO", r"V:\Layouts\logo café.bmp"),
        ("TAALCODE.DBF", "LAYOUT", r"\\kantoor\layouts\fax.lay"),
        ("TAALCODE.DBF", "NOTE", "V:/Layouts/note.pdf"),
    }
    assert len(look(tmp_path).references) == 3


def test_the_code_page_of_the_table_is_that_of_the_path(tmp_path: Path) -> None:
    path = write(tmp_path, "OUD", [LOGO], (r"V:\caf#.bmp",))
    content = bytearray(path.read_bytes().replace(b"#", "é".encode("cp850")))
    content[29] = 0x02
    path.write_bytes(content)

    assert found(tmp_path) == {("OUD.DBF", "LOGO", r"V:\café.bmp")}


def test_deleted_records_and_texts_that_no_record_points_at_do_not_count(tmp_path: Path) -> None:
    rows = [(r"V:\one.bmp", r"V:\one.pdf"), (r"V:\two.bmp", r"V:\two.pdf")]
    path = write(tmp_path, "T", [LOGO, NOTE], *rows, deleted=1)

    assert {each[2] for each in found(tmp_path)} == {r"V:\two.bmp", r"V:\two.pdf"}

    content = path.read_bytes()
    end = content.rindex(b"\x1a")
    path.write_bytes(content[: end - 4] + bytes(4) + content[end:])  # the text is not its any more
    assert {each[2] for each in found(tmp_path)} == {r"V:\two.bmp"}


def test_numbers_that_look_like_a_path_are_none(tmp_path: Path) -> None:
    number = struct.unpack("<i", b"C:\\a")[0]
    fields = [Field("A", "I"), Field("B", "I"), Field("C", "C", 10)]
    write(tmp_path, "T", fields, (number, number, "x"))

    assert found(tmp_path) == set()


def test_paths_across_the_pieces_that_are_read_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [(rf"V:\{number}.bmp", rf"V:\{number}.pdf") for number in range(200)]
    write(tmp_path, "T", [LOGO, NOTE], *rows)

    for chunk in (97, 521, 1024):
        monkeypatch.setattr(path_references, "_CHUNK", chunk)
        paths = {path for _, _, path in found(tmp_path)}
        assert paths == {path for row in rows for path in row}, chunk


def test_a_varchar_field_holds_as_much_as_its_last_byte_says(tmp_path: Path) -> None:
    path = write(tmp_path, "T", [Field("LOGO", "C", 46)], (rf"V:\{'x' * 42}",), ("V:\\short",))
    content = bytearray(path.read_bytes())
    content[0] = 0x32
    content[32 + 11] = ord("V")
    start = struct.unpack_from("<H", content, 8)[0]
    content[start + 46] = 45  # a hyphen, as a character
    content[start + 47 + 46] = 8
    path.write_bytes(content)

    assert {each[2] for each in found(tmp_path)} == {rf"V:\{'x' * 42}", "V:\\short"}


def test_a_fox_pro_2_memo_is_pointed_at_in_digits(tmp_path: Path) -> None:
    path = write(tmp_path, "T", [NOTE, Field("REST", "C", 6)], (r"V:\old.pdf", ""))
    content = bytearray(path.read_bytes())
    start, number = struct.unpack_from("<H", content, 8)[0], 8
    assert content[start + 1 : start + 5] == bytes([number, 0, 0, 0])
    content[0] = 0xF5
    content[32 + 16] = 10  # the memo takes the room of the field behind it
    content[64:65] = b"\r"
    content[start + 1 : start + 11] = b"%10d" % number
    path.write_bytes(content)

    assert {each[2] for each in found(tmp_path)} == {r"V:\old.pdf"}


def test_a_large_table_without_a_field_for_paths_is_skipped_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(path_references, "SMALL_TABLE", 400)
    monkeypatch.setattr(path_references, "LARGE_MEMO", 600)
    narrow, long = Field("OMSCHR", "C", 40), r"V:\x" * 100
    write(tmp_path, "MUTATIE", [narrow], *[(r"V:\x",)] * 20)
    write(tmp_path, "LOGOS", [Field("LOGONAAM", "C", 40)], *[(r"V:\y",)] * 20)
    write(tmp_path, "NOTES", [NOTE], *[(long,)] * 3)

    result = look(tmp_path)
    assert [each.path for each in result.references] == [r"V:\y"]
    assert result.skipped.keys() == {b"MUTATIE.DBF", b"NOTES.FPT"}

    thorough = look(tmp_path, thorough=True)
    assert {each.table for each in thorough.references} == {
        b"MUTATIE.DBF",
        b"LOGOS.DBF",
        b"NOTES.DBF",
    }
    assert not thorough.skipped


def test_damaged_tables_are_named_and_the_others_read(tmp_path: Path) -> None:
    write(tmp_path, "GOOD", [LOGO, NOTE], (r"V:\good.bmp", r"V:\good.pdf"))
    content = (tmp_path / "GOOD.DBF").read_bytes()
    memo = (tmp_path / "GOOD.FPT").read_bytes()
    (tmp_path / "CUT.DBF").write_bytes(content[:20])
    (tmp_path / "SHORT.DBF").write_bytes(content[:-30])
    (tmp_path / "NOMEMO.DBF").write_bytes(content)
    (tmp_path / "CUTMEMO.DBF").write_bytes(content)
    (tmp_path / "CUTMEMO.FPT").write_bytes(memo[:100] + b"V:\\x")
    (tmp_path / "NAMES.DBF").write_bytes(content[:32] + b"\xff" + content[33:])
    (tmp_path / "RANDOM.DBF").write_bytes(os.urandom(5000))
    (tmp_path / "WIDE.DBF").write_bytes(content[:10] + b"\x05\x00" + content[12:])
    (tmp_path / "EMPTY.DBF").write_bytes(b"")

    result = look(tmp_path)
    good = {each for each in result.references if each.table == b"GOOD.DBF"}
    assert {each.path for each in good} == {r"V:\good.bmp", r"V:\good.pdf"}
    assert {b"CUT.DBF", b"CUTMEMO.DBF", b"NAMES.DBF", b"WIDE.DBF"} <= result.unread.keys()
    assert b"SHORT.DBF" not in result.unread


def test_a_table_that_goes_or_shrinks_after_the_scan_is_no_error(tmp_path: Path) -> None:
    write(tmp_path, "GONE", [LOGO], (r"V:\x.bmp",))
    path = write(tmp_path, "SHRUNK", [LOGO], *[(rf"V:\{n}.bmp",) for n in range(100)])
    contents = scan_folder(str(tmp_path))
    (tmp_path / "GONE.DBF").unlink()
    with path.open("r+b") as file:
        file.truncate(1000)

    result = find_references(str(tmp_path), contents)
    assert result.unread.keys() == {b"GONE.DBF"}
    assert r"V:\0.bmp" in {each.path for each in result.references}


def test_a_table_of_nothing_but_paths_is_not_searched_to_its_end_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(path_references, "_MOST", 5)
    write(tmp_path, "T", [LOGO, NOTE], *[(rf"V:\{n}.bmp", rf"V:\{n}.pdf") for n in range(9)])

    result = look(tmp_path)
    assert len(result.references) == 10
    assert result.skipped.keys() == {b"T.DBF", b"T.FPT"}
