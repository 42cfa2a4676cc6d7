"""Tables (.DBF, and .DBC for a database container): fixed-length records behind a header.

Source: Microsoft, *Table File Structure*, previous-versions/st4a0s68, and for the bytes of each
field type *Visual FoxPro Data and Field Types*. Whole numbers have their least significant
byte first. Dates are kept to the day, times without a zone, as FoxPro does.
"""

from __future__ import annotations

import dataclasses
import datetime
import struct
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeAlias

from avplugin.foxpro import compound_index, memo

VISUAL_FOXPRO = 0x30
HAS_INDEX, HAS_MEMO, IS_CONTAINER = 0x01, 0x02, 0x04
WINDOWS_1252 = 0x03
ENCODING = "cp1252"

HEADER = struct.Struct("<4BIHH16xBB2x")
FIELD = struct.Struct("<11scIBBB13x")
FIELDS_END = b"\r"
BACK_LINK_LENGTH = 263  # path of the .DBC the table belongs to, relative to the table
END_OF_FILE = b"\x1a"
KEPT, DELETED = 0x20, 0x2A  # first byte of every record

SYSTEM_FIELD, NULLABLE_FIELD, BINARY_FIELD = 0x01, 0x02, 0x04
FIXED_LENGTHS = {"D": 8, "L": 1, "I": 4, "M": 4, "T": 8, "B": 8, "Y": 8}

Value: TypeAlias = str | int | float | bool | datetime.date | datetime.datetime | None


class Field(NamedTuple):
    """One column; `length` follows from the type for all but C and N."""

    name: str
    type: str
    length: int = 0
    decimals: int = 0
    flags: int = 0

    @property
    def width(self) -> int:
        """Bytes that the field takes in a record."""
        return FIXED_LENGTHS.get(self.type, self.length)


class TableHeader(NamedTuple):
    """The first 32 bytes of a table."""

    type: int
    updated: datetime.date
    records: int
    header_length: int
    record_length: int
    flags: int
    code_page: int = WINDOWS_1252

    @classmethod
    def read(cls, content: bytes) -> TableHeader:
        """Given the beginning of a table, return its header; raise ValueError if it is none."""
        if len(content) < HEADER.size:
            raise ValueError("shorter than the header of a table")
        kind, year, month, day, records, header, record, flags, code_page = HEADER.unpack_from(
            content
        )
        updated = datetime.date(2000 + year % 100, month, day)
        return cls(kind, updated, records, header, record, flags, code_page)

    def to_bytes(self) -> bytes:
        """Return the 32 bytes."""
        return HEADER.pack(
            self.type,
            self.updated.year % 100,
            self.updated.month,
            self.updated.day,
            self.records,
            self.header_length,
            self.record_length,
            self.flags,
            self.code_page,
        )

    @property
    def end_of_records(self) -> int:
        """Where the last record ends; the file is this long, or one byte longer."""
        return self.header_length + self.records * self.record_length


@dataclasses.dataclass(frozen=True, slots=True)
class TableFiles:
    """The bytes of a table and of what belongs to it; empty where there is no such file."""

    table: bytes
    memo: bytes
    index: bytes


def build_table(
    fields: Sequence[Field],
    rows: Iterable[Sequence[Value]],
    *,
    updated: datetime.date,
    tags: Sequence[compound_index.Tag] = (),
    deleted: frozenset[int] = frozenset(),
    back_link: str = "",
    is_container: bool = False,
) -> TableFiles:
    """Given columns and rows, return the files of a new table.

    `deleted` holds the numbers (from 1) of records that bear the mark of deletion: they stay in
    the table, and in its index, until PACK. `back_link` names the .DBC it belongs to.
    """
    blocks = memo.MemoBlocks()
    encode = RecordEncoder(fields, blocks)
    records = [encode(row) for row in rows]
    for number in deleted:
        records[number - 1] = bytes([DELETED]) + records[number - 1][1:]

    has_memo = any(field.type == "M" for field in fields)
    flags = HAS_INDEX * bool(tags) | HAS_MEMO * has_memo | IS_CONTAINER * is_container
    descriptors = _descriptors(fields, back_link)
    header = TableHeader(
        VISUAL_FOXPRO,
        updated,
        len(records),
        HEADER.size + len(descriptors),
        1 + sum(field.width for field in fields),
        flags,
    )
    table = b"".join([header.to_bytes(), descriptors, *records, END_OF_FILE])

    index = build_tags(tags, fields, records) if tags else b""
    return TableFiles(table, blocks.header() + blocks.content() if has_memo else b"", index)


def build_tags(
    tags: Sequence[compound_index.Tag], fields: Sequence[Field], records: Sequence[bytes]
) -> bytes:
    """Given the tags of a table and all its records, return its index file."""
    places = columns(fields)
    keys = {}
    for tag in tags:
        key = compound_index.key_reader(tag.expression, places)
        keys[tag.name] = [(key(record), number) for number, record in enumerate(records, 1)]
    return compound_index.build_index(tags, places, keys)


def read_fields(content: bytes) -> list[Field]:
    """Given the beginning of a table up to its first record, return its columns in order."""
    fields = []
    position = HEADER.size
    while content[position : position + 1] not in {FIELDS_END, b""}:
        name, kind, _, length, decimals, flags = FIELD.unpack_from(content, position)
        fields.append(
            Field(name.rstrip(b"\0").decode("ascii"), kind.decode(), length, decimals, flags)
        )
        position += FIELD.size
    return fields


def columns(fields: Sequence[Field]) -> dict[str, compound_index.Column]:
    """Return where in a record each column stands, as index expressions need it."""
    positions = {}
    position = 1  # behind the mark of deletion
    for field in fields:
        positions[field.name] = compound_index.Column(field.type, position, field.width)
        position += field.width
    return positions


class RecordEncoder:
    """Turns rows into records; texts of memo fields go to `blocks`."""

    def __init__(self, fields: Sequence[Field], blocks: memo.MemoBlocks) -> None:
        self._encoders = [_encoder(field, blocks) for field in fields]

    def __call__(self, row: Sequence[Value]) -> bytes:
        """Given one value for each column, return the record; raise ValueError if one is too long.

        None is what FoxPro calls blank.
        """
        parts = [encode(value) for encode, value in zip(self._encoders, row, strict=True)]
        return b" " + b"".join(parts)


def decode(field: Field, content: bytes) -> Value:
    """Given the bytes of one field, return its value; for a memo, its block number."""
    match field.type:
        case "C":
            return content.decode(ENCODING).rstrip(" ")
        case "I" | "M":
            return int.from_bytes(content, "little", signed=field.type == "I")
        case "D":
            text = content.decode("ascii").strip()
            return datetime.datetime.strptime(text, "%Y%m%d").date() if text else None
        case "N":
            text = content.decode("ascii").strip()
            if not text:
                return None
            return float(text) if field.decimals else int(text)
    raise ValueError(f"no reader for fields of type {field.type}")


def _descriptors(fields: Sequence[Field], back_link: str) -> bytes:
    parts = []
    position = 1
    for field in fields:
        parts.append(
            FIELD.pack(
                field.name.encode("ascii"),
                field.type.encode("ascii"),
                position,
                field.width,
                field.decimals,
                field.flags,
            )
        )
        position += field.width
    link = back_link.encode(ENCODING).ljust(BACK_LINK_LENGTH, b"\0")
    return b"".join([*parts, FIELDS_END, link])


_Encoder: TypeAlias = Callable[[Value], bytes]


def _encoder(field: Field, blocks: memo.MemoBlocks) -> _Encoder:
    """Return the function that encodes the values of one column.

    One closure for each column rather than one function that looks at the type: an office of
    1,000 administrations has tens of millions of values.
    """
    width = field.width
    blank = bytes(width) if field.type in "IMTBY" else b" " * width

    def checked(content: bytes) -> bytes:
        if len(content) > width:
            raise ValueError(f"{content!r} is longer than field {field.name} ({width})")
        return content

    def character(value: Value) -> bytes:
        return checked(str(value).encode(ENCODING).ljust(width))

    def number(value: Value) -> bytes:
        return checked(f"{value:{width}.{field.decimals}f}".encode("ascii"))

    def date(value: Value) -> bytes:
        return f"{value:%Y%m%d}".encode("ascii")

    def logical(value: Value) -> bytes:
        return b"T" if value else b"F"

    def integer(value: Value) -> bytes:
        return int(value).to_bytes(4, "little", signed=True)  # type: ignore[arg-type]

    def text(value: Value) -> bytes:
        return blocks.add(str(value).encode(ENCODING)).to_bytes(4, "little")

    def moment(value: Value) -> bytes:
        if not isinstance(value, datetime.datetime):
            raise ValueError(f"{value!r} in field {field.name} is no date with a time")
        midnight = value.replace(hour=0, minute=0, second=0, microsecond=0)
        milliseconds = (value - midnight) // datetime.timedelta(milliseconds=1)
        days = value.toordinal() + compound_index.JULIAN_DAY_OF_ORDINAL_0
        return struct.pack("<II", days, milliseconds)

    def double(value: Value) -> bytes:
        return struct.pack("<d", value)

    def currency(value: Value) -> bytes:
        amount = round(float(value) * 10_000)  # type: ignore[arg-type]
        return amount.to_bytes(8, "little", signed=True)

    encoders: dict[str, _Encoder] = {
        "C": character,
        "N": number,
        "D": date,
        "L": logical,
        "I": integer,
        "M": text,
        "T": moment,
        "B": double,
        "Y": currency,
    }
    encode = encoders[field.type]
    return lambda value: blank if value is None else encode(value)
