"""A table as a workstation has it open: changed in place, and only where something changes."""

from __future__ import annotations

import datetime
import pathlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from avplugin.foxpro import compound_index, memo, table


class Changes(NamedTuple):
    """What was written to the files of one table."""

    records_updated: int
    records_appended: int
    memo_blocks_added: int
    index_pages_rewritten: int


class OpenTable:
    """A table with its memo and index; changes wait in memory until `write`.

    Given the path of a .DBF, read it and the .FPT and .CDX beside it, where its header says that
    it has them. Raise OSError, or ValueError or struct.error where a file is no such file.
    """

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        content = path.read_bytes()
        self.header = table.TableHeader.read(content)
        self.fields = table.read_fields(content[: self.header.header_length])
        self._columns = table.columns(self.fields)
        start, length = self.header.header_length, self.header.record_length
        self._records = [
            content[at : at + length] for at in range(start, self.header.end_of_records, length)
        ]
        self._memo_path = path.with_suffix(".FPT")
        self._index_path = path.with_suffix(".CDX")
        self._index: compound_index.CompoundIndex | None = None
        self._memo = b""
        self._blocks = memo.MemoBlocks()
        if self.header.flags & table.HAS_MEMO:
            self._memo = self._memo_path.read_bytes()
            self._blocks = memo.MemoBlocks(*memo.HEADER.unpack_from(self._memo))
        if self.header.flags & table.HAS_INDEX:
            index = self._index_path.read_bytes()
            self._index = compound_index.CompoundIndex(index, self._columns)
        self._encode = table.RecordEncoder(self.fields, self._blocks)
        self._writes: list[tuple[int, bytes]] = []
        self._appended: list[bytes] = []
        self._updated = 0

    def __len__(self) -> int:
        """How many records there are, those marked as deleted and those appended included."""
        return len(self._records) + len(self._appended)

    def is_deleted(self, number: int) -> bool:
        """Whether a record that was in the file bears the mark of deletion."""
        return self._records[number - 1][0] == table.DELETED

    def value(self, number: int, name: str) -> table.Value:
        """Return one value of a record that was in the file."""
        field, column = self._field(name)
        record = self._records[number - 1]
        content = record[column.position : column.position + column.width]
        if field.type == "M":
            text = memo.read_text(self._memo, int.from_bytes(content, "little"))
            return text.decode(table.ENCODING)
        return table.decode(field, content)

    def update(self, number: int, values: Mapping[str, table.Value]) -> None:
        """Change columns of a record that was in the file; a new text goes to new blocks."""
        before = after = self._records[number - 1]
        for name, value in values.items():
            field, column = self._field(name)
            content = table.RecordEncoder([field], self._blocks)([value])[1:]
            end = column.position + column.width
            if after[column.position : end] != content:
                after = after[: column.position] + content + after[end:]
                self._writes.append((self._place(number) + column.position, content))
        if after != before:
            self._updated += 1
            self._replace(number, after)

    def append(self, row: Sequence[table.Value]) -> None:
        """Add a record at the end."""
        record = self._encode(row)
        self._appended.append(record)
        if self._index is not None:
            self._index.insert(record, len(self))

    def delete(self, number: int) -> None:
        """Put the mark of deletion on a record; it stays where it is until the table is packed."""
        if not self.is_deleted(number):
            self._writes.append((self._place(number), bytes([table.DELETED])))
            self._updated += 1
            self._replace(number, bytes([table.DELETED]) + self._records[number - 1][1:])

    def write(self, updated: datetime.date) -> Changes:
        """Bring the changes into the files, with a new date of last update; say what was done.

        The order is FoxPro's: texts before the records that point at them, the header's count
        after the records that it counts, the index last. The object is done with afterwards.
        """
        if self._blocks.added:
            with self._memo_path.open("r+b") as file:
                file.seek(len(self._memo))
                file.write(self._blocks.content())
                file.seek(0)
                file.write(self._blocks.next_free.to_bytes(4, "big"))
        with self.path.open("r+b") as file:
            for place, content in self._writes:
                file.seek(place)
                file.write(content)
            if self._appended:
                file.seek(self.header.end_of_records)
                file.write(b"".join([*self._appended, table.END_OF_FILE]))
            header = self.header._replace(updated=updated, records=len(self))
            file.seek(1)
            file.write(header.to_bytes()[1:8])
        pages = self._index.changed_pages() if self._index is not None else {}
        if pages:
            with self._index_path.open("r+b") as file:
                for place, page in pages.items():
                    file.seek(place)
                    file.write(page)
        return Changes(self._updated, len(self._appended), self._blocks.added, len(pages))

    def _field(self, name: str) -> tuple[table.Field, compound_index.Column]:
        column = self._columns[name]
        return next(field for field in self.fields if field.name == name), column

    def _place(self, number: int) -> int:
        return self.header.header_length + (number - 1) * self.header.record_length

    def _replace(self, number: int, record: bytes) -> None:
        if self._index is not None:
            self._index.update(self._records[number - 1], record, number)
        self._records[number - 1] = record


def pack_table(path: pathlib.Path, updated: datetime.date) -> int:
    """Remove the deleted records of a table, as PACK does; return how many there were.

    Table and memo are written anew, without the texts that nothing points at, and the old ones
    stay behind as .BAK and .TBK. The index is made again. Raise what OpenTable raises.
    """
    content = path.read_bytes()
    header = table.TableHeader.read(content)
    fields = table.read_fields(content[: header.header_length])
    columns = table.columns(fields)
    start, length = header.header_length, header.record_length
    records = [content[at : at + length] for at in range(start, header.end_of_records, length)]
    kept = [record for record in records if record[0] != table.DELETED]

    if header.flags & table.HAS_MEMO:
        memo_path = path.with_suffix(".FPT")
        texts = memo_path.read_bytes()
        blocks = memo.MemoBlocks()
        for name in [field.name for field in fields if field.type == "M"]:
            column = columns[name]
            end = column.position + column.width
            for position, record in enumerate(kept):
                number = int.from_bytes(record[column.position : end], "little")
                moved = blocks.add(memo.read_text(texts, number)).to_bytes(4, "little")
                kept[position] = record[: column.position] + moved + record[end:]
        memo_path.replace(path.with_suffix(".TBK"))
        memo_path.write_bytes(blocks.header() + blocks.content())

    index_path = path.with_suffix(".CDX")
    tags = []
    if header.flags & table.HAS_INDEX:
        tags = compound_index.CompoundIndex(index_path.read_bytes(), columns).tags
    new_header = header._replace(updated=updated, records=len(kept)).to_bytes()
    path.replace(path.with_suffix(".BAK"))
    path.write_bytes(
        b"".join([new_header, content[len(new_header) : start], *kept, table.END_OF_FILE])
    )
    if tags:
        index_path.write_bytes(table.build_tags(tags, fields, kept))
    return len(records) - len(kept)
