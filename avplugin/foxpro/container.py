"""Database containers (.DBC): the table that lists which tables belong together.

Source: Microsoft, *Table Structures of Table Files*, previous-versions/72es52cd, which leaves the
columns to its table 60DBC; *Table File Structure* for the back link that the listed tables hold.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from avplugin.foxpro import table
from avplugin.foxpro.compound_index import Tag

FIELDS = (
    table.Field("OBJECTID", "I"),
    table.Field("PARENTID", "I"),
    table.Field("OBJECTTYPE", "C", 10),
    table.Field("OBJECTNAME", "C", 128),
    table.Field("PROPERTY", "M", flags=table.BINARY_FIELD),
    table.Field("CODE", "M", flags=table.BINARY_FIELD),
    table.Field("RIINFO", "C", 6),
    table.Field("USER", "M"),
)
TAGS = (
    Tag("OBJECTNAME", "STR(PARENTID)+OBJECTTYPE+LOWER(OBJECTNAME)"),
    Tag("OBJECTTYPE", "STR(PARENTID)+OBJECTTYPE"),
)
PATH_PROPERTY = 1
_OWN_OBJECTS = ("TransactionLog", "StoredProceduresSource", "StoredProceduresObject")


def build_container(
    tables: Sequence[tuple[str, Sequence[table.Field]]], *, updated: datetime.date
) -> table.TableFiles:
    """Given the file names of tables beside the container and their columns, return its files.

    The memo is to be called .DCT and the index .DCX.
    """
    rows: list[list[table.Value]] = [_object(1, 1, "Database", "Database")]
    rows += [_object(0, 1, "Database", name) for name in _OWN_OBJECTS]
    for file_name, fields in tables:
        parent = len(rows) + 1
        rows.append(_object(0, 1, "Table", file_name.rsplit(".", 1)[0].lower(), path=file_name))
        rows += [_object(0, parent, "Field", field.name.lower()) for field in fields]
    for number, row in enumerate(rows, 1):
        row[0] = number
    return table.build_table(FIELDS, rows, updated=updated, tags=TAGS, is_container=True)


def _object(number: int, parent: int, kind: str, name: str, *, path: str = "") -> list[table.Value]:
    return [number, parent, kind, name, _property(path) if path else "", "", "", ""]


def _property(path: str) -> str:
    """Return the property that says where a table lies: its length, its kind, its value."""
    value = path.encode(table.ENCODING) + b"\0"
    length = 4 + 2 + 1 + len(value)
    content = length.to_bytes(4, "little") + b"\1\0" + bytes([PATH_PROPERTY]) + value
    return content.decode(table.ENCODING)
