import codecs
import datetime
import io
import os
import struct
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import hypothesis
import openpyxl
import pytest
from hypothesis import strategies as st

from avplugin.errors import AvpluginError
from avplugin.installation.register import RegisterEntry, RegisterError, read_register

HEADER = ("ADM_CODE", "ADM_NAME", "ADM_MAP", "ADM_DOC")
FIELDS = [(name, "C", 60) for name in HEADER]
BAKKER = ("BAKKER26", "Bakkerij Van Dijk 2026", r"F:\admins\bakker26", r"G:\docs\bakker26")
JANSEN = ("JANSEN26", "Café Jansen & Zn", r"\\server\av\jansen26", "")


def entries_of(file: Path, **columns: str | None) -> list[RegisterEntry]:
    wanted: dict[str, str | None] = {
        "code": "ADM_CODE",
        "name": "ADM_NAME",
        "folder": "ADM_MAP",
        "copy_documents": "ADM_DOC",
    }
    wanted.update(columns)
    return read_register(
        file,
        code=wanted["code"] or "",
        name=wanted["name"],
        folder=wanted["folder"] or "",
        copy_documents=wanted["copy_documents"],
    )


def dbf_bytes(
    rows: Sequence[Sequence[str]],
    *,
    encoding: str = "cp1252",
    code_page: int = 0x03,
    fields: Sequence[tuple[str, str, int]] = FIELDS,
    deleted: Sequence[int] = (),
) -> bytes:
    """A Visual FoxPro table, with the rows whose numbers (from 1) are `deleted` marked so."""
    header_bytes = 32 + 32 * len(fields) + 1 + 263
    record_bytes = 1 + sum(length for _name, _kind, length in fields)
    header = struct.pack("<BBBBLHH", 0x30, 26, 11, 22, len(rows), header_bytes, record_bytes)
    content = header.ljust(29, b"\0") + bytes([code_page, 0, 0])
    for name, kind, length in fields:
        content += name.encode().ljust(11, b"\0") + kind.encode() + b"\0" * 4
        content += bytes([length]) + b"\0" * 15
    content += b"\r" + b"\0" * 263
    for number, row in enumerate(rows, start=1):
        content += b"*" if number in deleted else b" "
        for cell, (_name, kind, length) in zip(row, fields, strict=True):
            content += cell.encode("latin-1" if kind == "M" else encoding).ljust(length)
    return content + b"\x1a"


def csv_text(rows: Sequence[Sequence[str]], delimiter: str = ";") -> str:
    return "".join(delimiter.join(row) + "\r\n" for row in (HEADER, *rows))


def xlsx_bytes(*sheets: Sequence[Sequence[object]]) -> bytes:
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.worksheets[0])
    for rows in sheets:
        sheet = workbook.create_sheet()
        for row in rows:
            sheet.append(list(row))
    content = io.BytesIO()
    workbook.save(content)
    return content.getvalue()


def with_other_xml(xlsx: bytes, old: bytes, new: bytes) -> bytes:
    """The workbook with `old` replaced in its only sheet."""
    result = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(xlsx)) as source,
        zipfile.ZipFile(result, "w") as target,
    ):
        for member in source.namelist():
            xml = source.read(member)
            if member.startswith("xl/worksheets/"):
                assert old in xml
                xml = xml.replace(old, new)
            target.writestr(member, xml)
    return result.getvalue()


def written(tmp_path: Path, content: bytes, name: str = "administraties.export") -> Path:
    file = tmp_path / name
    file.write_bytes(content)
    return file


def expected(line: str, row: Sequence[str]) -> RegisterEntry:
    code, name, folder, documents = row
    return RegisterEntry(code, name, folder, (documents,) if documents else (), line)


# what is in a register


def test_a_dbf_gives_its_records(tmp_path: Path) -> None:
    file = written(tmp_path, dbf_bytes([BAKKER, JANSEN]), "administraties.dbf")
    assert entries_of(file) == [
        expected("administraties.dbf record 1", BAKKER),
        expected("administraties.dbf record 2", JANSEN),
    ]


@pytest.mark.parametrize("delimiter", [";", ","])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_a_csv_gives_its_lines(tmp_path: Path, delimiter: str, encoding: str) -> None:
    content = csv_text([BAKKER, JANSEN], delimiter).encode(encoding)
    file = written(tmp_path, content, "administraties.csv")
    assert entries_of(file) == [
        expected("administraties.csv line 2", BAKKER),
        expected("administraties.csv line 3", JANSEN),
    ]


def test_an_xlsx_gives_its_rows(tmp_path: Path) -> None:
    content = xlsx_bytes([HEADER, BAKKER, JANSEN])
    file = written(tmp_path, content, "administraties.xlsx")
    assert entries_of(file) == [
        expected("administraties.xlsx row 2", BAKKER),
        expected("administraties.xlsx row 3", JANSEN),
    ]


@pytest.mark.parametrize(
    "content",
    [dbf_bytes([BAKKER]), csv_text([BAKKER]).encode(), xlsx_bytes([HEADER, BAKKER])],
    ids=["dbf", "csv", "xlsx"],
)
@pytest.mark.parametrize("ending", ["dbf", "csv", "xlsx", "DBF", "txt"])
def test_the_content_says_which_format_it_is_and_not_the_name(
    tmp_path: Path, content: bytes, ending: str
) -> None:
    file = written(tmp_path, content, f"register.{ending}")
    assert [entry.code for entry in entries_of(file)] == ["BAKKER26"]


@pytest.mark.parametrize("heading", ["0NUMMER", "1e code", "2", "CODE", "c"])
def test_a_csv_whose_first_letter_is_a_table_type_is_still_a_csv(
    tmp_path: Path, heading: str
) -> None:
    file = written(tmp_path, f"{heading};ADM_MAP\n26;F:\\x\n".encode())
    (entry,) = entries_of(file, code=heading, name=None, copy_documents=None)
    assert entry.code == "26"


@pytest.mark.parametrize(
    "content",
    [dbf_bytes([BAKKER]), csv_text([BAKKER]).encode(), xlsx_bytes([HEADER, BAKKER])],
    ids=["dbf", "csv", "xlsx"],
)
def test_columns_are_found_without_regard_to_case_and_blanks(
    tmp_path: Path, content: bytes
) -> None:
    file = written(tmp_path, content)
    assert len(entries_of(file, code=" adm_Code ", folder="adm_map")) == 1


def test_name_and_copy_documents_need_not_be_asked_for(tmp_path: Path) -> None:
    file = written(tmp_path, b"ADM_CODE;ADM_MAP\nA;F:\\a\n")
    (entry,) = entries_of(file, name=None, copy_documents=None)
    assert (entry.code, entry.name, entry.folder, entry.copy_documents) == ("A", "", "F:\\a", ())


def test_deleted_records_are_skipped_but_counted(tmp_path: Path) -> None:
    file = written(tmp_path, dbf_bytes([JANSEN, BAKKER], deleted=[1]), "a.dbf")
    assert [(entry.code, entry.line) for entry in entries_of(file)] == [
        ("BAKKER26", "a.dbf record 2")
    ]


@pytest.mark.parametrize(
    ("code_page", "encoding"),
    [(0x03, "cp1252"), (0x02, "cp850"), (0x01, "cp437"), (0x00, "cp1252"), (0xEE, "cp1252")],
)
def test_the_code_page_in_the_header_is_respected(
    tmp_path: Path, code_page: int, encoding: str
) -> None:
    content = dbf_bytes([JANSEN], encoding=encoding, code_page=code_page)
    (entry,) = entries_of(written(tmp_path, content))
    assert entry.name == "Café Jansen & Zn"


def test_a_character_outside_the_code_page_harms_only_its_own_cell(tmp_path: Path) -> None:
    content = dbf_bytes([BAKKER, JANSEN]).replace(b"Bakkerij", b"Bakk\x81rij")
    entries = entries_of(written(tmp_path, content))
    assert entries[0].name == "Bakk\ufffdrij Van Dijk 2026"
    assert entries[1].name == JANSEN[1]


def test_a_dbf_is_accepted_only_as_far_as_its_header_says(tmp_path: Path) -> None:
    content = dbf_bytes([BAKKER])[:-1] + dbf_bytes([JANSEN])[-242:]
    assert [entry.code for entry in entries_of(written(tmp_path, content))] == ["BAKKER26"]


def test_the_last_byte_of_a_dbf_may_be_missing(tmp_path: Path) -> None:
    assert len(entries_of(written(tmp_path, dbf_bytes([BAKKER])[:-1]))) == 1


def test_numbers_and_dates_in_a_dbf_are_text(tmp_path: Path) -> None:
    fields = [("ADM_CODE", "N", 8), ("ADM_NAME", "D", 8), ("ADM_MAP", "C", 60), ("ADM_DOC", "C", 9)]
    content = dbf_bytes([("   26.00", "20261122", "F:\\a", "")], fields=fields)
    (entry,) = entries_of(written(tmp_path, content))
    assert (entry.code, entry.name) == ("26", "2026-11-22")


def test_a_varchar_that_does_not_fill_its_field_ends_where_its_last_byte_says(
    tmp_path: Path,
) -> None:
    fields = [("ADM_CODE", "V", 10), *FIELDS[1:]]
    content = dbf_bytes([("ABC".ljust(9, "\0") + "\x03", *BAKKER[1:])], fields=fields)
    assert entries_of(written(tmp_path, content))[0].code == "ABC"


def test_columns_of_other_types_are_in_nobodys_way(tmp_path: Path) -> None:
    fields = [*FIELDS, ("WHEN", "T", 8), ("BLOB", "W", 4)]
    content = dbf_bytes([(*BAKKER, "x", "y")], fields=fields)
    assert len(entries_of(written(tmp_path, content))) == 1
    with pytest.raises(RegisterError, match=r"no text in column WHEN \(DBF type T\)"):
        entries_of(written(tmp_path, content), code="WHEN")


@pytest.fixture
def table_with_memos(tmp_path: Path) -> Path:
    """Folders in a memo of two blocks of 64 bytes; the second record has none."""
    folder = r"\\server\café\bakker26".encode("cp1252")
    memos = struct.pack(">LHH", 10, 0, 64).ljust(512, b"\0")
    memos += (struct.pack(">LL", 1, len(folder)) + folder).ljust(128, b"\0")
    (tmp_path / "ADMINISTRATIES.FPT").write_bytes(memos)
    rows = [("BAKKER26", "\x08\0\0\0"), ("LEEG26", "\0\0\0\0")]
    content = dbf_bytes(rows, fields=[("ADM_CODE", "C", 12), ("ADM_MAP", "M", 4)])
    return written(tmp_path, content, "administraties.dbf")


def test_memos_are_read_from_the_file_beside_the_table(table_with_memos: Path) -> None:
    entries = entries_of(table_with_memos, name=None, copy_documents=None)
    assert [(entry.code, entry.folder) for entry in entries] == [
        ("BAKKER26", r"\\server\café\bakker26"),
        ("LEEG26", ""),
    ]


@pytest.mark.parametrize("size", [0, 7, 515, 530])
def test_a_memo_file_that_is_cut_off_is_refused(table_with_memos: Path, size: int) -> None:
    memos = table_with_memos.with_name("ADMINISTRATIES.FPT")
    memos.write_bytes(memos.read_bytes()[:size])
    with pytest.raises(RegisterError, match="does not fit its memo file"):
        entries_of(table_with_memos, name=None, copy_documents=None)


def test_a_memo_file_is_only_missed_where_a_column_asked_for_is_in_it(
    table_with_memos: Path,
) -> None:
    table_with_memos.with_name("ADMINISTRATIES.FPT").unlink()
    with pytest.raises(RegisterError, match=r"lacks its memo file administraties\.fpt"):
        entries_of(table_with_memos, name=None, copy_documents=None)
    columns: dict[str, str | None] = {"name": None, "copy_documents": None, "folder": "ADM_CODE"}
    assert len(entries_of(table_with_memos, **columns)) == 2


def test_quoted_fields_keep_their_delimiters_and_line_breaks(tmp_path: Path) -> None:
    text = 'ADM_CODE;ADM_NAME;ADM_MAP;ADM_DOC\n\n"A";"Jansen; ""Zn""\nen Co";F:\\a;\nB;b;F:\\b;\n'
    entries = entries_of(written(tmp_path, text.encode(), "a.csv"))
    assert entries[0] == RegisterEntry("A", 'Jansen; "Zn"\nen Co', "F:\\a", (), "a.csv line 3")
    assert entries[1].line == "a.csv line 5"


def test_a_short_row_has_empty_cells_and_an_empty_row_is_none(tmp_path: Path) -> None:
    text = "ADM_CODE;ADM_NAME;ADM_MAP;ADM_DOC\n;;;\nA\n\n;;F:\\b\n\x1a"
    entries = entries_of(written(tmp_path, text.encode()))
    assert [(entry.code, entry.folder) for entry in entries] == [("A", ""), ("", "F:\\b")]


def test_cells_of_an_xlsx_become_text(tmp_path: Path) -> None:
    rows = [
        HEADER,
        (26, datetime.datetime(2026, 11, 22), "F:\\a", None),
        (26.5, datetime.datetime(2026, 11, 22, 2), "F:\\b", None),
        (27.0, True, " F:\\c ", None),
    ]
    entries = entries_of(written(tmp_path, xlsx_bytes(rows)))
    assert [(entry.code, entry.name) for entry in entries] == [
        ("26", "2026-11-22"),
        ("26.5", "2026-11-22 02:00:00"),
        ("27", "True"),
    ]
    assert entries[2].folder == "F:\\c"


def test_the_sheet_that_has_the_columns_is_read(tmp_path: Path) -> None:
    content = xlsx_bytes([], [("Notes",), ("x",)], [(), HEADER, (), BAKKER])
    (entry,) = entries_of(written(tmp_path, content, "a.xlsx"))
    assert entry == expected("a.xlsx row 4", BAKKER)


def test_a_sheet_is_read_to_its_end_whatever_size_it_states(tmp_path: Path) -> None:
    content = with_other_xml(xlsx_bytes([HEADER, BAKKER, JANSEN]), b'ref="A1:D3"', b'ref="A1:A1"')
    assert len(entries_of(written(tmp_path, content))) == 2


def test_a_whole_number_that_is_stored_with_a_fraction_is_whole(tmp_path: Path) -> None:
    content = with_other_xml(xlsx_bytes([HEADER, (26, *BAKKER[1:])]), b"<v>26<", b"<v>26.0<")
    assert entries_of(written(tmp_path, content))[0].code == "26"


@pytest.mark.parametrize(
    ("cell", "folders"),
    [
        (r"G:\a", (r"G:\a",)),
        (r"G:\a; \\server\b;", (r"G:\a", r"\\server\b")),
        ("/srv/a | G:/b", ("/srv/a", "G:/b")),
        (r"G:\docs\Jansen; Zn", (r"G:\docs\Jansen; Zn",)),
    ],
)
def test_several_folders_in_a_cell_are_told_apart_only_where_each_is_a_path(
    tmp_path: Path, cell: str, folders: tuple[str, ...]
) -> None:
    row = (*BAKKER[:3], cell)
    assert entries_of(written(tmp_path, dbf_bytes([row])))[0].copy_documents == folders
    content = xlsx_bytes([HEADER, row])
    assert entries_of(written(tmp_path, content))[0].copy_documents == folders


# what is no register


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (codecs.BOM_UTF8 + b"\r\n", "is empty"),
        (b"%PDF-1.7\n", "is a PDF"),
        (b"\xd0\xcf\x11\xe0" + bytes(600), "is an old Excel file"),
        (b"<?xml version='1.0'?><x/>", "is XML"),
        (codecs.BOM_UTF8 + b"<?xml version='1.0'?><x/>", "is XML"),
        (bytes(range(256)) * 20, "is neither DBF, CSV nor XLSX"),
        (b"ADM_CODE;ADM_MAP\nA\0;F:\\a\n", "NUL bytes"),
        (b"ADM_CODE;ADM_MAP\n\x81\x8d;F:\\a\n", "is neither DBF, CSV nor XLSX"),
        (b"\x01\x02\x03;\x04", "is neither DBF, CSV nor XLSX"),
        (b'ADM_CODE;ADM_NAME;ADM_MAP;ADM_DOC\n"A;a;F:\\a;\nB;b;F:\\b;\n', "damaged as a CSV"),
        (b"PK\x03\x04" + bytes(40), "is a zip file, but no XLSX"),
        (csv_text([]).encode(), "lists no administration"),
        (csv_text([("", "", "", "")]).encode(), "lists no administration"),
        (dbf_bytes([]), "lists no administration"),
        (dbf_bytes([BAKKER], deleted=[1]), "lists no administration"),
        (xlsx_bytes([HEADER]), "lists no administration"),
        (xlsx_bytes([]), "without a single filled sheet"),
        (dbf_bytes([BAKKER])[:20], "header is cut off"),
        (dbf_bytes([BAKKER])[:100], "header is cut off"),
        (dbf_bytes([BAKKER, JANSEN])[:-200], "cut off"),
        (dbf_bytes([BAKKER, JANSEN])[:-2], "cut off"),
    ],
)
def test_what_is_no_register_is_refused_by_name(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    file = written(tmp_path, content)
    with pytest.raises(RegisterError, match=problem) as caught:
        entries_of(file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, AvpluginError)


def damaged(content: bytes, offset: int, replacement: bytes) -> bytes:
    return content[:offset] + replacement + content[offset + len(replacement) :]


@pytest.mark.parametrize(
    ("offset", "replacement", "problem"),
    [
        (10, b"\0\0", "record length 0"),
        (8, b"\0\0", "header is cut off"),
        (8, b"\x40\0", "out of step"),
        (10, b"\xef\0", "damaged DBF table"),
        (48, b"\x3b", "fields do not fill the record"),
        (32 + 4 * 32 + 264, b"\x1a", "out of step"),
        (32 + 4 * 32 + 264, b"x", "out of step"),
    ],
)
def test_a_dbf_whose_header_does_not_fit_its_records_is_refused(
    tmp_path: Path, offset: int, replacement: bytes, problem: str
) -> None:
    file = written(tmp_path, damaged(dbf_bytes([BAKKER, JANSEN]), offset, replacement))
    with pytest.raises(RegisterError, match=problem):
        entries_of(file)


def test_a_zip_that_is_no_xlsx_is_refused(tmp_path: Path) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("readme.txt", "x")
    with pytest.raises(RegisterError, match="is a zip file, but no XLSX"):
        entries_of(written(tmp_path, content.getvalue()))


def test_a_zip_that_unpacks_to_more_than_any_list_is_refused(tmp_path: Path) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "x")
    bomb = content.getvalue()
    place = bomb.index(b"PK\x01\x02") + 24
    file = written(tmp_path, damaged(bomb, place, b"\0\0\0\x7f"))
    with pytest.raises(RegisterError, match="too large"):
        entries_of(file)


def test_a_missing_column_is_named_with_the_nearest_one(tmp_path: Path) -> None:
    file = written(tmp_path, csv_text([BAKKER]).encode())
    with pytest.raises(RegisterError) as caught:
        entries_of(file, code="ADM_KODE")
    assert str(caught.value) == (
        f"register {file} has no column ADM_KODE but ADM_CODE, ADM_NAME, ADM_MAP, ADM_DOC"
        " (nearest: ADM_CODE): correct the column's name under administrations: in"
        " accountview.yaml"
    )


def test_a_missing_optional_column_is_an_error_too(tmp_path: Path) -> None:
    file = written(tmp_path, b"ADM_CODE;ADM_MAP\nA;F:\\a\n")
    with pytest.raises(RegisterError, match="has no column ADM_DOC"):
        entries_of(file, name=None)


@pytest.mark.parametrize(
    "content",
    [
        b"ADM_CODE;ADM_NAME;ADM_MAP;ADM_DOC;adm_code \nA;a;F:\\a;;B\n",
        xlsx_bytes([(*HEADER, "adm_map"), (*BAKKER, "x")]),
        dbf_bytes([(*BAKKER, "x")], fields=[(name, "C", 60) for name in (*HEADER, "ADM_CODE")]),
    ],
)
def test_a_column_that_is_there_twice_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(RegisterError, match="has more than one column ADM_"):
        entries_of(written(tmp_path, content))


def test_unnamed_columns_and_doubles_nobody_asks_for_are_ignored(tmp_path: Path) -> None:
    content = xlsx_bytes([(*HEADER, None, None, "X", "X"), (*BAKKER, 1, 2, 3, 4)])
    assert len(entries_of(written(tmp_path, content))) == 1


def test_a_missing_register_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RegisterError, match=r"none\.dbf does not exist: "):
        entries_of(tmp_path / "none.dbf")


def test_a_folder_or_pipe_instead_of_a_register_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RegisterError, match="is a folder"):
        entries_of(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RegisterError, match="is not a regular file"):
        entries_of(tmp_path / "pipe")


def test_a_path_that_the_system_refuses_is_an_error(tmp_path: Path) -> None:
    for name in ("a\0b", "x" * 300):
        with pytest.raises(RegisterError, match="cannot be read"):
            entries_of(tmp_path / name)


def test_a_register_without_the_right_to_read_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(tmp_path, csv_text([BAKKER]).encode())

    def refuse(*_args: object, **_kwargs: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(RegisterError, match="give this user the right"):
        entries_of(file)


def test_the_libraries_are_loaded_only_when_a_register_is_read() -> None:
    script = (
        "import sys, avplugin.installation.locate\n"
        "sys.exit(bool({'dbfread', 'openpyxl'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


# anything at all


def stored(content: bytes) -> bytes:
    """The same zip without compression, so that damage reaches the XML."""
    result = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as source,
        zipfile.ZipFile(result, "w", zipfile.ZIP_STORED) as target,
    ):
        for member in source.namelist():
            target.writestr(member, source.read(member))
    return result.getvalue()


VALID = {
    "dbf": dbf_bytes([BAKKER, JANSEN, BAKKER], deleted=[3]),
    "csv": csv_text([BAKKER, ("Q", '"quoted; text"', "F:\\q", "")]).encode(),
    "csv-1252": csv_text([BAKKER, JANSEN]).encode("cp1252"),
    "csv-utf-16": csv_text([BAKKER, JANSEN]).encode("utf-16"),
    "xlsx": xlsx_bytes([HEADER, BAKKER, JANSEN]),
    "xlsx-stored": stored(xlsx_bytes([HEADER, BAKKER, (26, 1.5, "x", None)])),
}


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@pytest.mark.parametrize("kind", VALID)
@hypothesis.settings(max_examples=120, deadline=None)
@hypothesis.given(data=st.data())
def test_a_damaged_register_gives_entries_or_a_register_error(
    scratch: Path, kind: str, data: st.DataObject
) -> None:
    content = bytearray(VALID[kind])
    places = st.integers(0, len(content) - 1)
    flips = data.draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=6))
    for place, byte in flips:
        content[place] = byte
    end = data.draw(st.one_of(st.just(len(content)), places))

    file = written(scratch, bytes(content[:end]))
    try:
        assert entries_of(file)
    except RegisterError as error:
        assert "\n" not in str(error)


@hypothesis.settings(max_examples=100, deadline=None)
@hypothesis.given(xml=st.binary(max_size=30), place=st.floats(0, 1))
def test_an_xlsx_with_damaged_xml_gives_entries_or_a_register_error(
    scratch: Path, xml: bytes, place: float
) -> None:
    damaged_zip = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(VALID["xlsx"])) as source,
        zipfile.ZipFile(damaged_zip, "w") as target,
    ):
        for member in source.namelist():
            content = source.read(member)
            if member.startswith("xl/work"):
                offset = int(place * len(content))
                content = content[:offset] + xml + content[offset + len(xml) :]
            target.writestr(member, content)
    try:
        assert entries_of(written(scratch, damaged_zip.getvalue()))
    except RegisterError as error:
        assert "\n" not in str(error)


@hypothesis.settings(max_examples=150, deadline=None)
@hypothesis.given(
    content=st.one_of(
        st.binary(max_size=400),
        st.binary(max_size=400).map(lambda tail: b"\x30\x1a\x0b\x16" + tail),
        st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")),
    )
)
def test_random_bytes_give_entries_or_a_register_error(scratch: Path, content: bytes) -> None:
    try:
        assert entries_of(written(scratch, content))
    except RegisterError as error:
        assert "\n" not in str(error)
