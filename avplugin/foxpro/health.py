"""Whether tables are sound, as far as the beginnings and the sizes of their files tell.

What this finds is what FoxPro would refuse to open, or would open to wrong answers: files that
were cut off, overwritten or encrypted, and tables apart from their memo or index. Of records it
looks at the mark in front of three.

Source: Microsoft, *Table File Structure*, previous-versions/st4a0s68; *Memo File Structure
(.FPT)*, previous-versions/8599s21w; *Compact Index File Structure (.idx)*,
previous-versions/s8tb8f47; *Visual FoxPro System Capacities*, previous-versions/3kfd3hw9. What
FoxPro itself looks at when it opens a table: Knowledge Base articles 110968, 119763 and 814131.
"""

from __future__ import annotations

import dataclasses
import os
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from avplugin.foxpro import compound_index, memo, table
from avplugin.installation.scan import Contents, Entry

# The memo and the index that go with a table, by how its name ends.
_COMPANIONS = {".dbf": (".fpt", ".cdx"), ".dbc": (".dct", ".dcx")}
_SUFFIXES = frozenset({b".dbf", b".fpt", b".cdx", b".dbc", b".dct", b".dcx"})
_SUFFIX_LENGTH = 4

_VISUAL_FOXPRO = frozenset({0x30, 0x31, 0x32})  # plain; with autoincrement; with Varchar or Blob
_FOXPRO_2_WITH_MEMO = 0xF5
_FOXPRO = _VISUAL_FOXPRO | {_FOXPRO_2_WITH_MEMO}
_DBASE = frozenset({0x03, 0x43, 0x63, 0x83, 0x8B, 0xCB})  # 0x03 is FoxPro 2 without memo as well
# Microsoft gives these two no layout of their own, but dBASE II, whose type 0x02 is, had another.
_FOXBASE = frozenset({0x02, 0xFB})

_MAX_FIELDS = 255
_MAX_RECORD_LENGTH = 65_500
_LEAST_HEADER = table.HEADER.size + table.FIELD.size + len(table.FIELDS_END)
_VISUAL_FOXPRO_HEADERS = range(
    _LEAST_HEADER + table.BACK_LINK_LENGTH,
    table.HEADER.size + _MAX_FIELDS * table.FIELD.size + 1 + table.BACK_LINK_LENGTH + 1,
    table.FIELD.size,
)

# Microsoft, *Code Pages Supported by Visual FoxPro*, previous-versions/8t45x02s. 0 is none.
_CODE_PAGES = frozenset(
    b"\x00\x01\x02\x03\x04\x64\x65\x66\x67\x68\x69\x6a\x6b"
    b"\x78\x79\x7a\x7b\x7c\x7d\x7e\x96\x97\x98\xc8\xc9\xca\xcb"
)

_MARKS = (b" ", b"*")
# Without waiting: what was a file may have become a pipe since the scan.
_OPENING = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK

_MEMO_BEGINNING = struct.Struct(">I2xH")  # next free block, block size
_INDEX_BEGINNING = struct.Struct("<I")  # root page


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class TableFault:
    """What is wrong with a file of a table.

    `path` is relative to the folder, of the memo or index if the fault is in there. `why` is a
    sentence about the file by its name, without a full stop.
    """

    path: bytes
    why: str


def check_tables(
    folder: str, contents: Contents, only: Iterable[bytes] | None = None
) -> tuple[TableFault, ...]:
    """Given a folder (absolute path) and its scan, return what is wrong with its tables, sorted.

    `only` limits it to the tables that have one of these files: the table itself, its memo or its
    index, whether they are still there or not. Sizes are the scan's, so a table that is written
    to meanwhile can look wrong: look when nobody is in. Links are not followed. A file that
    cannot be read is a fault; nothing is raised. At most four opens and six reads for a table.
    """
    root = os.fsencode(folder)
    files: dict[_Name, list[Entry]] = {}
    for entry in contents.entries:
        if entry.type in {"-", "l"} and _belongs_to_a_table(entry.path):
            files.setdefault(_name(entry.path), []).append(entry)

    names = [name for name in files if name.suffix in _COMPANIONS]
    if only is not None:
        wanted = {_name(path).table for path in only if _belongs_to_a_table(path)}
        names = [name for name in names if name.table in wanted]
    return tuple(
        sorted(
            TableFault(path, f"{_shown(path)} {why}")
            for name in names
            for entry in files[name]
            if entry.type == "-"
            for path, why in _faults(root, entry, name, files)
        )
    )


def without_table(contents: Contents) -> tuple[bytes, ...]:
    """Return the memos and indexes whose table is not there, sorted by path.

    That is no fault of a table: an index may have a name of its own. But where the table should be
    it has gone before anybody looked.
    """
    entries = [
        (entry.path, _name(entry.path))
        for entry in contents.entries
        if entry.type == "-" and _belongs_to_a_table(entry.path)
    ]
    tables = {name for _, name in entries if name.suffix in _COMPANIONS}
    return tuple(
        sorted(
            path
            for path, name in entries
            for suffix, companions in _COMPANIONS.items()
            if name.suffix in companions and name._replace(suffix=suffix) not in tables
        )
    )


class _Header(NamedTuple):
    """What a table's first 32 bytes say, but for the date.

    FoxPro does not look at that, and programs that know none leave zeros.
    """

    kind: int
    records: int
    header_length: int
    record_length: int
    flags: int
    code_page: int

    @classmethod
    def read(cls, beginning: bytes) -> _Header:
        kind, _, _, _, *numbers = table.HEADER.unpack(beginning)
        return cls(kind, *numbers)

    @property
    def has_memo(self) -> bool:
        """Whether a .FPT belongs to the table; dBASE has memos of another form."""
        if self.kind in _VISUAL_FOXPRO:
            return bool(self.flags & table.HAS_MEMO)
        return self.kind == _FOXPRO_2_WITH_MEMO

    @property
    def has_index(self) -> bool:
        """Whether a .CDX belongs to the table, or a .MDX if dBASE made it."""
        return bool(self.flags & table.HAS_INDEX)


class _Name(NamedTuple):
    """The name of a file as Windows compares it: without regard to case."""

    folder: bytes
    stem: str
    suffix: str

    @property
    def table(self) -> tuple[bytes, str]:
        """What a table has in common with its memo and its index."""
        return self.folder, self.stem


def _belongs_to_a_table(path: bytes) -> bool:
    return path[-_SUFFIX_LENGTH:].lower() in _SUFFIXES


def _name(path: bytes) -> _Name:
    folder, _, name = path.rpartition(b"/")
    text = os.fsdecode(name).lower()
    return _Name(folder, text[:-_SUFFIX_LENGTH], text[-_SUFFIX_LENGTH:])


def _shown(path: bytes) -> str:
    return os.fsdecode(path.rpartition(b"/")[2])


def _faults(
    root: bytes, entry: Entry, name: _Name, files: Mapping[_Name, Sequence[Entry]]
) -> Iterator[tuple[bytes, str]]:
    """Yield what is wrong with one table: which file, and what to say after its name."""
    beginning, why = _look(root, entry, table.HEADER.size, _header_fault)
    if why:
        yield entry.path, why
        return
    header = _Header.read(beginning)
    if header.kind in _FOXBASE:
        return
    why = _length_fault(entry.size, header) or _mark_fault(root, entry, header)
    if why:
        yield entry.path, why

    memo_suffix, index_suffix = _COMPANIONS[name.suffix]
    for belongs, suffix, layout, judge in (
        (header.has_memo, memo_suffix, _MEMO_BEGINNING, _memo_fault),
        (header.has_index, index_suffix, _INDEX_BEGINNING, _index_fault),
    ):
        if not belongs:
            continue
        # Linux can hold several that Windows takes for one: the most alike is the table's own.
        beside = min(
            files.get(name._replace(suffix=suffix), ()),
            key=lambda other: other.path[:-_SUFFIX_LENGTH] != entry.path[:-_SUFFIX_LENGTH],
            default=None,
        )
        if beside is None:
            if header.kind in _FOXPRO:
                wanted = _shown(entry.path)[:-_SUFFIX_LENGTH] + suffix.upper()
                yield entry.path, f"needs {wanted} beside it, which is not there"
        elif beside.type == "-":
            _, why = _look(root, beside, layout.size, judge)
            if why:
                yield beside.path, why


def _look(
    root: bytes, entry: Entry, length: int, judge: Callable[[int, bytes], str]
) -> tuple[bytes, str]:
    """Return the first bytes of a file, and what is wrong with it: nothing if that is empty."""
    if entry.size == 0:
        return b"", "is empty"
    try:
        descriptor = os.open(b"%s/%s" % (root, entry.path), _OPENING)
        try:
            beginning = os.pread(descriptor, length, 0)
        finally:
            os.close(descriptor)
    except OSError as error:
        return b"", f"cannot be read: {error.strerror}"
    if len(beginning) < length:
        return b"", "ends inside its own header"
    return beginning, judge(entry.size, beginning)


def _header_fault(_: int, beginning: bytes) -> str:
    """Return why the header of a table is none."""
    header = _Header.read(beginning)
    if header.kind in _FOXBASE:
        return ""
    if header.kind not in _FOXPRO | _DBASE:
        return "does not begin as a FoxPro table does"
    if header.kind in _VISUAL_FOXPRO:
        is_plausible = header.header_length in _VISUAL_FOXPRO_HEADERS
    else:
        is_plausible = header.header_length >= _LEAST_HEADER  # some end in one byte, some in two
    if not is_plausible:
        return f"has a damaged header: it cannot be {_count(header.header_length, 'byte')} long"
    if not 1 < header.record_length <= _MAX_RECORD_LENGTH:
        length = _count(header.record_length, "byte")
        return f"has a damaged header: a record cannot be {length} long"
    # dBASE has marks of its own for code pages.
    if header.kind in _FOXPRO and header.code_page not in _CODE_PAGES:
        return f"has a damaged header: no code page has the mark 0x{header.code_page:02X}"
    return ""


def _length_fault(size: int, header: _Header) -> str:
    """Return why a table's length is not what its records need.

    One byte more, 0x1A, is FoxPro's mark of the end; it may be missing. FoxPro has never opened a
    table that is shorter. Since version 8 it refuses one that has more records than its header
    counts too, with error 2091 (*SET TABLEVALIDATE*, previous-versions/a368y56z, is 3 by default):
    what was appended before a crash or a failed write is in the file, but not in the table. What
    is left behind the last record and is shorter than one holds none, and does no harm. Tables of
    dBASE may have anything behind their end.
    """
    if size < header.header_length:
        return "ends inside its own header"
    beyond = size - header.header_length - header.records * header.record_length
    if beyond < 0:
        return f"is {_count(-beyond, 'byte')} too short for its {_count(header.records, 'record')}"
    uncounted = beyond // header.record_length
    if uncounted and header.kind in _FOXPRO:
        return (
            f"has {_count(beyond, 'byte')} behind the {_count(header.records, 'record')} that its"
            f" header counts, enough for {uncounted:,} more"
        )
    return ""


def _mark_fault(root: bytes, entry: Entry, header: _Header) -> str:
    """Return why what lies behind the header are no records.

    Every record begins with a blank, or with an asterisk if it is deleted (*Table File Structure*).
    The first, the middle and the last are looked at: who encrypts a file need not begin at its
    beginning.
    """
    if not header.records:
        return ""
    try:
        descriptor = os.open(b"%s/%s" % (root, entry.path), _OPENING)
        try:
            for number in {0, header.records // 2, header.records - 1}:
                at = header.header_length + number * header.record_length
                if os.pread(descriptor, 1, at) not in _MARKS:
                    return f"has a damaged record: number {number + 1:,} does not begin as one does"
        finally:
            os.close(descriptor)
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return ""


def _memo_fault(size: int, beginning: bytes) -> str:
    """Return what is wrong with a memo file.

    Blocks have 1 byte, a multiple of 512 or any size over 32 (*SET BLOCKSIZE*,
    previous-versions/d6e1ah7y). The last text need not fill its last block, so that the next free
    one may begin behind the end of the file, but not by more than a block.
    """
    next_free, block_size = _MEMO_BEGINNING.unpack(beginning)
    if size < memo.HEADER.size:
        return "ends inside its own header"
    if block_size != 1 and block_size <= 32:
        return f"has a damaged header: its blocks cannot be {_count(block_size, 'byte')} long"
    end = next_free * block_size
    if next_free == 0 or end + block_size <= memo.HEADER.size:
        return "has a damaged header: its next text would overwrite it"
    if end > size + block_size:
        return f"is {_count(end - size, 'byte')} shorter than its header says"
    return ""


def _index_fault(size: int, beginning: bytes) -> str:
    """Return what is wrong with an index: a header of two pages, then pages."""
    (root,) = _INDEX_BEGINNING.unpack(beginning)
    if size % compound_index.PAGE:
        return f"does not consist of whole pages of {compound_index.PAGE} bytes"
    if root % compound_index.PAGE or root < compound_index.HEADER_LENGTH:
        return "has a damaged header: it does not begin as an index does"
    if root + compound_index.PAGE > size:
        return "is cut off: the page at which every search begins is missing"
    return ""


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
