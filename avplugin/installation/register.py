"""The list of administrations, as exported from AccountView's Administraties window."""

from __future__ import annotations

import codecs
import csv
import dataclasses
import datetime
import difflib
import io
import re
import stat
import struct
import tempfile
import unicodedata
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn, Protocol

from avplugin.errors import AvpluginError
from avplugin.installation.windows_path import is_windows_path, one_line

_EXPORT_AGAIN = "export it again from the Administraties window, as DBF, CSV or XLSX"
_NAME_THE_COLUMN = "correct the column's name under administrations: in accountview.yaml"

_MOST_BYTES = 64 * 2**20  # a thousand administrations take less than one MiB in any format
_MOST_UNPACKED_BYTES = 8 * _MOST_BYTES
_MOST_XLSX_ROWS = 2**20  # Excel's own limit
_MOST_COLUMNS_SHOWN = 30

_NOT_A_REGISTER = {  # how files begin that end up under the register's name
    b"%PDF": "is a PDF",
    b"\xd0\xcf\x11\xe0": "is an old Excel file (.xls)",
    b"<": "is XML or HTML",
    b"{\\rtf": "is an RTF document",
}

# Microsoft, Visual FoxPro: Table File Structure. The types are those with a memo, an index
# or nothing beside them; records are marked live with a blank, deleted with an asterisk.
_DBF_TYPES = frozenset({0x02, 0x03, 0x30, 0x31, 0x32, 0x83, 0x8B, 0xCB, 0xF5, 0xFB})
_DBF_HEADER_BYTES = 32
_LIVE, _DELETED = b" *"


class RegisterError(AvpluginError):
    """The list of administrations cannot be read, so nobody knows what to back up."""


@dataclasses.dataclass(frozen=True, slots=True)
class RegisterEntry:
    """One row of the register; `code` or `folder` is empty where the row has none.

    `line` says where the row stands: `administraties.csv line 13`.
    """

    code: str
    name: str
    folder: str
    copy_documents: tuple[str, ...]
    line: str


class RegisterColumn(NamedTuple):
    """A column of the register, with what stands in its rows."""

    heading: str
    cells: tuple[str, ...]


def read_columns(file: Path) -> list[RegisterColumn]:
    """Return the columns of the exported file that hold text, for somebody to say which is which.

    Raise RegisterError as read_register does.
    """
    try:
        content = _content(file)
        header = _table(file, content, _Columns("", None, "", None)).header
        found = []
        for heading in dict.fromkeys(one.strip() for one in header if one.strip()):
            try:
                table = _table(file, content, _Columns(heading, None, heading, None))
                position = _position(table, heading)
            except _UnusableError:
                continue  # no text, or a heading that stands there twice
            cells = tuple(_cell(row, position) for _place, row in table.rows)
            found.append(RegisterColumn(heading, cells))
        if not any(any(column.cells) for column in found):
            raise _UnusableError("lists no administration")
    except _UnusableError as error:
        raise RegisterError(f"register {one_line(str(file))} {error}") from error
    return found


def read_register(
    file: Path, *, code: str, name: str | None, folder: str, copy_documents: str | None
) -> list[RegisterEntry]:
    """Given the exported file and the names of its columns, return its rows in their order.

    The file's content, not its name, says whether it is DBF, CSV or XLSX. It is read once.
    Rows that are empty in all of the columns asked for are left out.

    Raise RegisterError where the file cannot be read, is damaged, lacks a column or has no
    rows.
    """
    columns = _Columns(code, name, folder, copy_documents)
    try:
        content = _content(file)
        entries = _entries(_table(file, content, columns), columns, file.name)
    except _UnusableError as error:
        raise RegisterError(f"register {one_line(str(file))} {error}") from error
    return entries


class _UnusableError(Exception):
    """What is wrong with the file, and what to do about it."""

    def __init__(self, problem: str, advice: str = _EXPORT_AGAIN) -> None:
        super().__init__(f"{problem}: {advice}")


@dataclasses.dataclass(frozen=True, slots=True)
class _Columns:
    """The names of the columns asked for, as configured."""

    code: str
    name: str | None
    folder: str
    copy_documents: str | None

    @property
    def keys(self) -> frozenset[str]:
        wanted = (self.code, self.name, self.folder, self.copy_documents)
        return frozenset(_column_key(column) for column in wanted if column is not None)


@dataclasses.dataclass(frozen=True, slots=True)
class _Table:
    """What the formats have in common: a header, and rows with their place in the file.

    `several` says whether a cell can hold more than one folder.
    """

    header: Sequence[str]
    rows: Sequence[tuple[str, Sequence[str]]]
    several: bool

    def columns_among(self, keys: frozenset[str]) -> int:
        return len(keys & {_column_key(column) for column in self.header})


def _content(file: Path) -> bytes:
    try:
        return _bytes_of(file)
    except FileNotFoundError:
        problem, advice = "does not exist", "export it there, or correct its path"
    except PermissionError:
        problem, advice = "cannot be read", "give this user the right to read it"
    except (OSError, ValueError) as error:
        problem, advice = f"cannot be read ({one_line(str(error))})", "correct its path"
    raise _UnusableError(problem, advice)


def _bytes_of(file: Path) -> bytes:
    """Return the content of a register or its memo file.

    Raise OSError or ValueError where it cannot be read, _UnusableError where it is no file
    or cannot be a list of administrations for its size.
    """
    status = file.stat()
    if stat.S_ISDIR(status.st_mode):
        raise _UnusableError("is a folder", "name the file in it")
    if not stat.S_ISREG(status.st_mode):
        raise _UnusableError("is not a regular file", "name the exported file")
    with file.open("rb") as stream:
        content = stream.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise _UnusableError("is too large for a list of administrations")
    return content


def _table(file: Path, content: bytes, columns: _Columns) -> _Table:
    if not content.strip(codecs.BOM_UTF8 + codecs.BOM_UTF16 + b" \t\r\n\0\x1a"):
        raise _UnusableError("is empty")
    for beginning, problem in _NOT_A_REGISTER.items():
        if content.removeprefix(codecs.BOM_UTF8).startswith(beginning):
            raise _UnusableError(problem)

    if content.startswith(b"PK"):
        return _xlsx_table(content, columns)
    if _looks_like_dbf(content):
        return _dbf_table(file, content, columns)
    return _csv_table(content, columns)


def _entries(table: _Table, columns: _Columns, file_name: str) -> list[RegisterEntry]:
    code = _position(table, columns.code)
    name = _position(table, columns.name)
    folder = _position(table, columns.folder)
    copy_documents = _position(table, columns.copy_documents)

    entries = []
    for place, cells in table.rows:
        documents = _cell(cells, copy_documents)
        entry = RegisterEntry(
            code=_cell(cells, code),
            name=_cell(cells, name),
            folder=_cell(cells, folder),
            copy_documents=_folders(documents) if table.several else _one_folder(documents),
            line=f"{one_line(file_name)} {place}",
        )
        if entry.code or entry.name or entry.folder or entry.copy_documents:
            entries.append(entry)
    if not entries:
        raise _UnusableError("lists no administration")
    return entries


def _position(table: _Table, column: str | None) -> int | None:
    """Return where a column stands in the table; None for a column that is not asked for."""
    if column is None:
        return None

    keys = [_column_key(heading) for heading in table.header]
    count = keys.count(_column_key(column))
    if count == 0:
        raise _missing_column(table.header, column)
    if count > 1:
        raise _UnusableError(
            f"has more than one column {one_line(column)}", "rename or remove the others"
        )
    return keys.index(_column_key(column))


def _missing_column(header: Sequence[str], column: str) -> _UnusableError:
    headings = {_column_key(heading): one_line(heading.strip()) for heading in header}
    headings.pop("", None)
    shown = list(headings.values())[:_MOST_COLUMNS_SHOWN]
    if len(headings) > len(shown):
        shown.append("...")
    problem = f"has no column {one_line(column)} but {', '.join(shown) or 'no named ones'}"
    nearest = difflib.get_close_matches(_column_key(column), headings, n=1, cutoff=0.3)
    if nearest:
        problem += f" (nearest: {headings[nearest[0]]})"
    return _UnusableError(problem, _NAME_THE_COLUMN)


def _column_key(column: str) -> str:
    return unicodedata.normalize("NFC", column).strip().casefold()


def _cell(cells: Sequence[str], position: int | None) -> str:
    """Return a cell without outer blanks; FoxPro pads with blanks, other programs with NUL."""
    if position is None or position >= len(cells):
        return ""
    return cells[position].strip().strip("\0").strip()


def _one_folder(cell: str) -> tuple[str, ...]:
    return (cell,) if cell else ()


def _folders(cell: str) -> tuple[str, ...]:
    """Return the folders in a cell that may hold several.

    A semicolon may be part of a folder's name, so it only separates where there is a path
    on either side of it.
    """
    parts = [part.strip() for part in re.split("[;|]", cell)]
    parts = [part for part in parts if part]
    if all(is_windows_path(part) or part.startswith("/") for part in parts):
        return tuple(parts)
    return _one_folder(cell)


# DBF


class _Field(Protocol):
    name: str
    type: str
    length: int


def _looks_like_dbf(content: bytes) -> bool:
    """Tell a table from a CSV file whose first letter is the digit that is also a type.

    Bytes 2 and 3 are the month and the day of the last update; in text they are above 31.
    """
    return len(content) >= 4 and content[0] in _DBF_TYPES and content[2] <= 12 and content[3] <= 31


def _dbf_table(file: Path, content: bytes, columns: _Columns) -> _Table:
    content, flags = _whole_dbf(content)
    encoding = _dbf_encoding(content[29])
    fields, records = _dbf_records(content, encoding)
    wanted = columns.keys
    memos = b""
    if any(field.type == "M" and _column_key(field.name) in wanted for field in fields):
        memos = _memo_file(file)

    numbers = [number for number, flag in enumerate(flags, start=1) if flag == _LIVE]
    rows = []
    for number, record in zip(numbers, records, strict=True):
        cells = [
            _dbf_text(field, cell, encoding, memos) if _column_key(field.name) in wanted else ""
            for field, cell in zip(fields, record, strict=True)
        ]
        rows.append((f"record {number}", cells))
    return _Table([field.name for field in fields], rows, several=True)


def _whole_dbf(content: bytes) -> tuple[bytes, bytes]:
    """Return the table as far as its header says it goes, and each record's deletion flag."""
    if len(content) < _DBF_HEADER_BYTES:
        raise _UnusableError("is a DBF table whose header is cut off")
    count, header_bytes, record_bytes = struct.unpack_from("<LHH", content, 4)
    if record_bytes == 0:
        raise _UnusableError("is a damaged DBF table (record length 0)")
    if header_bytes <= _DBF_HEADER_BYTES or len(content) < header_bytes:
        raise _UnusableError("is a DBF table whose header is cut off")

    end = header_bytes + count * record_bytes
    if len(content) < end:
        raise _UnusableError(
            f"is a DBF table that is cut off ({len(content)} bytes instead of {end})"
        )
    flags = content[header_bytes:end:record_bytes]
    # dbfread ends at a 0x1A and skips what it does not know, without a word about either.
    if set(flags) - {_LIVE, _DELETED}:
        raise _UnusableError("is a damaged DBF table (records out of step with the header)")
    return content[:end], flags


def _dbf_encoding(code_page: int) -> str:
    """Return the encoding of a table from byte 29 of its header; 1252 where it names none."""
    from dbfread.codepages import codepages  # noqa: PLC0415 - a command's start must be fast

    encoding: str = codepages.get(code_page, ("ascii",))[0]
    return "cp1252" if encoding == "ascii" else encoding


def _dbf_records(content: bytes, encoding: str) -> tuple[list[_Field], list[list[bytes]]]:
    """Return the fields of a table and its live records, as bytes."""
    from dbfread.dbf import DBF  # noqa: PLC0415 - a command's start must be fast
    from dbfread.field_parser import FieldParser  # noqa: PLC0415

    (record_bytes,) = struct.unpack_from("<H", content, 10)

    class AnyType(FieldParser):
        """Lets pass the types of columns that nobody asks for."""

        def field_type_supported(self, field_type: str) -> bool:  # noqa: ARG002
            return True

    try:
        # dbfread reads from a file only, and the register itself may change at any moment.
        with tempfile.TemporaryDirectory(prefix="avplugin-register-") as folder:
            copy = Path(folder, "register.dbf")
            copy.write_bytes(content)
            table = DBF(
                str(copy),
                encoding=encoding,
                ignorecase=False,
                ignore_missing_memofile=True,
                char_decode_errors="replace",
                parserclass=AnyType,
                recfactory=None,
                raw=True,
            )
            fields: list[_Field] = table.fields
            if sum(field.length for field in fields) + 1 != record_bytes:
                raise _UnusableError("is a damaged DBF table (fields do not fill the record)")
            records = [[cell for _name, cell in record] for record in table]
    except (ValueError, struct.error) as error:
        raise _UnusableError(f"is a damaged DBF table ({one_line(str(error))})") from error
    except OSError as error:
        raise _UnusableError(
            f"cannot be copied to {tempfile.gettempdir()} ({error.strerror})", "make room there"
        ) from error
    return fields, records


def _dbf_text(field: _Field, cell: bytes, encoding: str, memos: bytes) -> str:
    """Return what a field holds as text; a character unknown to the code page becomes U+FFFD."""
    if field.type == "C":
        return cell.decode(encoding, "replace")
    if field.type == "V":
        return _varchar(cell).decode(encoding, "replace")
    if field.type == "M":
        return _memo(memos, cell).decode(encoding, "replace")
    if field.type in "NF":
        return _whole_number(cell.decode("ascii", "replace").strip())
    if field.type == "I":
        return str(int.from_bytes(cell, "little", signed=True))
    if field.type == "D":
        return re.sub(r"^(\d{4})(\d\d)(\d\d)$", r"\1-\2-\3", cell.decode("ascii", "replace"))
    raise _UnusableError(
        f"has no text in column {one_line(field.name)} (DBF type {one_line(field.type)})",
        _NAME_THE_COLUMN,
    )


def _varchar(cell: bytes) -> bytes:
    """Return a varchar's text: where it does not fill the field, the last byte is its length."""
    length = cell[-1] if cell else 0
    is_length = length < len(cell) and not cell[length:-1].strip(b"\0 ")
    return cell[:length] if is_length else cell


def _whole_number(text: str) -> str:
    """Return `26` for `26.00`, and any other text as it is."""
    return re.sub(r"^(\d+)[.,]0*$", r"\1", text)


def _memo_file(file: Path) -> bytes:
    """Return the memo file that stands beside the table, its name in any letter case."""
    wanted = f"{file.stem}.fpt".casefold()
    try:
        for candidate in file.parent.iterdir():
            if candidate.name.casefold() == wanted:
                return _bytes_of(candidate)
    except (OSError, ValueError) as error:
        raise _UnusableError(f"has an unreadable memo file ({one_line(str(error))})") from error
    raise _UnusableError(f"lacks its memo file {one_line(file.stem)}.fpt", "put it beside it")


def _memo(memos: bytes, pointer: bytes) -> bytes:
    """Return one memo's text.

    Microsoft, Memo File Structure: the header has the block size in bytes 6-7, a block its
    type (1 is text) and length in bytes, all of them big-endian.
    """
    block = _memo_block(pointer)
    if block == 0:
        return b""
    try:
        (block_bytes,) = struct.unpack_from(">H", memos, 6)
        start = block * block_bytes
        kind, length = struct.unpack_from(">LL", memos, start)
    except (struct.error, OverflowError):
        _refuse_memo_file()
    if block_bytes == 0 or start + 8 + length > len(memos):
        _refuse_memo_file()
    return memos[start + 8 : start + 8 + length] if kind == 1 else b""


def _memo_block(pointer: bytes) -> int:
    """Return the block a memo begins at: 4 bytes in Visual FoxPro, 10 digits before."""
    if len(pointer) == 4 and pointer.strip():
        return int.from_bytes(pointer, "little")
    digits = pointer.strip(b"\0 ")
    if not digits:
        return 0
    if not digits.isdigit():
        _refuse_memo_file()
    return int(digits)


def _refuse_memo_file() -> NoReturn:
    raise _UnusableError("does not fit its memo file (.fpt)")


# CSV


def _csv_table(content: bytes, columns: _Columns) -> _Table:
    text = _csv_text(content)
    delimiter = _delimiter(text, columns.keys)
    try:
        rows = list(_csv_rows(text, delimiter))
    except csv.Error as error:
        raise _UnusableError(f"is damaged as a CSV file ({error})") from error

    if not rows:
        raise _UnusableError("is empty")
    header = rows[0][1]
    if any(one_line(heading) != heading for heading in (h.strip() for h in header)):
        raise _UnusableError("is neither DBF, CSV nor XLSX")
    return _Table(header, rows[1:], several=False)


def _csv_text(content: bytes) -> str:
    try:
        if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            text = content.decode("utf-16")
        else:
            text = _utf8_or_1252(content)
    except UnicodeDecodeError as error:
        raise _UnusableError("is neither DBF, CSV nor XLSX") from error

    # Programs from the days of DOS end a text with 0x1A.
    text = text.rstrip("\x1a")
    if "\0" in text:
        raise _UnusableError("is neither DBF, CSV nor XLSX (there are NUL bytes in it)")
    return text


def _utf8_or_1252(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252")


def _delimiter(text: str, wanted: frozenset[str]) -> str:
    """Return the one of semicolon and comma under which the header has most of the columns."""

    def columns_found(delimiter: str) -> tuple[int, int]:
        try:
            _place, header = next(_csv_rows(text, delimiter))
        except (csv.Error, StopIteration):
            return (0, 0)
        return _Table(header, [], several=False).columns_among(wanted), len(header)

    return max(";,", key=columns_found)


def _csv_rows(text: str, delimiter: str) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield the rows that are not empty, each with the line it begins on.

    Strict, because a quote that is never closed would swallow every row behind it.
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    for row in reader:
        if any(cell.strip() for cell in row):
            yield f"line {line}", row
        line = reader.line_num + 1


# XLSX


def _xlsx_table(content: bytes, columns: _Columns) -> _Table:
    """Return the first sheet that has all columns, or the first one where none has."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl tells of styles it will not write back
            tables = list(_xlsx_tables(content))
    except _UnusableError:
        raise
    except Exception as error:
        # openpyxl raises whatever the broken XML led it into.
        raise _UnusableError("is a zip file, but no XLSX that can be read") from error

    wanted = columns.keys
    complete = [table for table in tables if table.columns_among(wanted) == len(wanted)]
    if not tables:
        raise _UnusableError("is an XLSX without a single filled sheet")
    return (complete or tables)[0]


def _xlsx_tables(content: bytes) -> Iterator[_Table]:
    import openpyxl  # noqa: PLC0415 - a command's start must be fast
    from openpyxl.worksheet._read_only import ReadOnlyWorksheet  # noqa: PLC0415

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if sum(member.file_size for member in archive.infolist()) > _MOST_UNPACKED_BYTES:
            raise _UnusableError("is too large for a list of administrations")

    workbook = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    try:
        for sheet in workbook.worksheets:
            if isinstance(sheet, ReadOnlyWorksheet):
                # The size that a sheet states for itself can be smaller than what it holds.
                sheet.reset_dimensions()
                rows = list(_xlsx_rows(sheet.iter_rows(values_only=True)))
                if rows:
                    yield _Table(rows[0][1], rows[1:], several=True)
    finally:
        workbook.close()


def _xlsx_rows(rows: Iterator[tuple[object, ...]]) -> Iterator[tuple[str, Sequence[str]]]:
    for number, row in enumerate(rows, start=1):
        if number > _MOST_XLSX_ROWS:
            raise _UnusableError("is a damaged XLSX (more rows than Excel knows)")
        cells = [_xlsx_text(value) for value in row]
        if any(cell.strip() for cell in cells):
            yield f"row {number}", cells


def _xlsx_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    return str(value)
