r"""Windows paths that stand in the fields of tables: logos, layouts, documents, other folders.

A search for the few bytes that no path lacks (`:\`, `:/`, `\\`) goes first: it takes a hundredth of
the time that reading records would take, and most tables have none. Files are read in pieces and
never mapped into memory: people may cut them short meanwhile.

Source of the layouts: Microsoft, *Table File Structure*, previous-versions/st4a0s68; *Memo File
Structure (.FPT)*, previous-versions/8599s21w; *Code Pages Supported by Visual FoxPro*,
previous-versions/8t45x02s; of names that Windows allows: *Naming Files, Paths, and Namespaces*.
"""

from __future__ import annotations

import bisect
import codecs
import dataclasses
import os
import re
import struct
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from avplugin.foxpro import memo, table
from avplugin.installation.scan import Contents, Entry

SMALL_TABLE = 2_000_000  # bytes; what is smaller is searched whatever its fields are
LARGE_MEMO = 32_000_000

_VISUAL_FOXPRO = frozenset({0x30, 0x31, 0x32})
_FOXPRO_2_WITH_MEMO = 0xF5
_KNOWN = _VISUAL_FOXPRO | {_FOXPRO_2_WITH_MEMO, 0x03, 0x43, 0x83, 0x8B, 0xCB}

# A path has to fit in, or the name of the field says what it is for (in Dutch or English).
_WIDE = 60
_TELLING = re.compile(
    "PATH|PAD|MAP|DIR|FOLDER|FILE|BEST|LOGO|LAYOUT|DOC|BIJL|SJABL|TEMPL|PDF|AFB|IMAGE|BMP", re.I
)

_CHUNK = 1 << 20
_NEEDLES = (b":\\", b":/", b"\\\\")
_MOST = 50_000  # different texts of one table: more are a table of nothing else
_TOO_MANY = f"names more than {_MOST:,} files, and is searched so far only"
_LONGEST_MEMO = 1 << 20  # of a text in a memo; what is longer is a document that was taken in

# By the mark in byte 29 of a table; Python has no code pages 620 and 895.
_ENCODINGS = {
    **{0x01: "cp437", 0x02: "cp850", 0x03: "cp1252", 0x04: "mac_roman", 0x64: "cp852"},
    **{0x65: "cp866", 0x66: "cp865", 0x67: "cp861", 0x6A: "cp737", 0x6B: "cp857"},
    **{0x78: "cp950", 0x79: "cp949", 0x7A: "cp936", 0x7B: "cp932", 0x7C: "cp874"},
    **{0x7D: "cp1255", 0x7E: "cp1256", 0x96: "mac_cyrillic", 0x97: "mac_latin2"},
    **{0x98: "mac_greek", 0xC8: "cp1250", 0xC9: "cp1251", 0xCA: "cp1254", 0xCB: "cp1253"},
}

_NAME = r'[^\x00-\x1f<>:"|?*;\\/]'
_PATH = re.compile(
    rf"(?<![A-Za-z0-9])[A-Za-z]:(?:\\+|/(?!/))(?!\s){_NAME}(?:{_NAME}|[\\/])*"
    rf"|(?<![\\:])\\{{2,}}(?:(?!\s){_NAME})+\\+(?!\s){_NAME}(?:{_NAME}|[\\/])*"
)
_BEHIND = " .,'"  # what stands behind a path in a sentence, and Windows drops from a name


class Reference(NamedTuple):
    """A Windows path as it stands in a field; `table` is relative to the folder."""

    table: bytes
    field: str
    path: str


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """What stands in the tables of one folder, each path of a field once.

    `skipped` are large files that were not searched, or not to the end, `unread` those that could
    not be, each with the reason; paths relative to the folder.
    """

    references: tuple[Reference, ...]
    skipped: dict[bytes, str]
    unread: dict[bytes, str]


def find_references(
    folder: str,
    contents: Contents,
    tables: Collection[bytes] | None = None,
    *,
    thorough: bool = False,
) -> Found:
    """Given a folder (absolute path) and its scan, return the Windows paths in its tables.

    `tables` limits it to some. Records that bear the mark of deletion are passed over, and so are
    texts that no record points at any more. A table that is written to meanwhile may be read half
    old, half new. Unless `thorough`, a large table without a field that is wide enough for a path,
    or called like one, is skipped, and so is a memo over 32 MB. Nothing is raised for a table that
    is damaged.
    """
    root = os.fsencode(folder)
    memos: dict[bytes, list[Entry]] = {}
    for entry in contents.entries:
        if entry.type == "-" and entry.path[-4:].lower() == b".fpt":
            memos.setdefault(entry.path[:-4].lower(), []).append(entry)
    found: dict[Reference, None] = {}
    skipped: dict[bytes, str] = {}
    unread: dict[bytes, str] = {}
    for entry in contents.entries:
        if not is_table(entry) or (tables is not None and entry.path not in tables):
            continue
        beside = _own_memo(entry, memos.get(entry.path[:-4].lower(), ()))
        try:
            search = _Search(root, entry, beside, thorough=thorough)
            for name, path in search.paths():
                found[Reference(entry.path, name, path)] = None
            skipped |= search.skipped
        except OSError as error:
            unread[entry.path] = error.strerror or str(error)
        except (ValueError, struct.error) as error:
            unread[entry.path] = f"is damaged: {error}"
    return Found(tuple(found), skipped, unread)


def is_table(entry: Entry) -> bool:
    """Return whether this is a table with records."""
    return entry.type == "-" and entry.path[-4:].lower() == b".dbf" and entry.size > 0


def memo_of(path: bytes) -> bytes:
    """Return the key under which a table and its memo are the same, whatever the letter case."""
    return path[:-4].lower()


def paths_in(text: str) -> list[str]:
    """Return the Windows paths in a text, each as far as it can reach."""
    return [match[0].rstrip(_BEHIND) for match in _PATH.finditer(text)]


def _own_memo(entry: Entry, candidates: Iterable[Entry]) -> Entry | None:
    """Return the memo of a table: Linux can hold several that Windows takes for one."""
    return min(candidates, key=lambda one: one.path[:-4] != entry.path[:-4], default=None)


class _Column(NamedTuple):
    """Where a field stands in a record, and what can stand in it."""

    name: str
    type: str
    start: int
    end: int


class _Search:
    """The search through one table and its memo; of most, only the beginning has to be read."""

    def __init__(self, root: bytes, entry: Entry, beside: Entry | None, *, thorough: bool) -> None:
        self._root = root
        self._entry = entry
        self._memo = beside
        self._thorough = thorough
        self.skipped: dict[bytes, str] = {}

    def paths(self) -> Iterator[tuple[str, str]]:
        """Yield the name of a field and a path in it. Raise OSError, ValueError, struct.error."""
        with _Reader(self._root, self._entry.path) as file:
            beginning = file.read(0, min(self._entry.size + 1, _CHUNK))  # more costs time
            if len(beginning) < table.HEADER.size:
                raise ValueError("it ends inside its own header")
            kind, _, _, _, records, header, length, flags, page = table.HEADER.unpack_from(
                beginning
            )
            self._header = _Numbers(kind, records, header, length)
            if kind not in _KNOWN or length < 2:
                return
            in_memo = self._hits_in_memo(kind, flags)
            is_clear = len(beginning) < _CHUNK and next(_hits(beginning), None) is None
            if is_clear and not in_memo:
                return
            self._decode = codecs.getdecoder(_ENCODINGS.get(page, table.ENCODING))
            columns = _columns(beginning[:header], length)
            texts = [one for one in columns if one.type in "CV"]
            if texts and not is_clear and self._is_worth_it(texts):
                yield from self._in_records(file, texts)
            notes = [one for one in columns if one.type == "M"]
            if notes and in_memo:
                yield from self._in_memo(file, notes, in_memo)

    def _hits_in_memo(self, kind: int, flags: int) -> list[int]:
        has_memo = flags & table.HAS_MEMO if kind in _VISUAL_FOXPRO else kind == _FOXPRO_2_WITH_MEMO
        if not has_memo or self._memo is None:
            return []
        if self._memo.size > LARGE_MEMO and not self._thorough:
            self.skipped[self._memo.path] = "is a large memo"
            return []
        with _Reader(self._root, self._memo.path) as file:
            return sorted(_hits_in_file(file, self._memo.size))

    def _is_worth_it(self, texts: Iterable[_Column]) -> bool:
        if self._thorough or self._entry.size <= SMALL_TABLE:
            return True
        if any(one.end - one.start >= _WIDE or _TELLING.search(one.name) for one in texts):
            return True
        self.skipped[self._entry.path] = "is large, and none of its fields is made for a path"
        return False

    def _in_records(self, file: _Reader, texts: list[_Column]) -> Iterator[tuple[str, str]]:
        starts = [one.start for one in texts]
        seen: set[tuple[str, bytes]] = set()
        length = self._header.record_length
        for data in self._records(file):
            for at in sorted(_hits(data)):
                record, inside = divmod(at, length)
                place = bisect.bisect_right(starts, inside) - 1
                if place < 0 or inside >= texts[place].end:
                    continue  # a number that looks like it
                column, begin = texts[place], record * length
                content = data[begin + column.start : begin + column.end]
                is_deleted = data[begin] == table.DELETED
                if is_deleted or (column.name, content) in seen:
                    continue
                if len(seen) >= _MOST:
                    self.skipped[self._entry.path] = _TOO_MANY
                    return
                seen.add((column.name, content))
                text = self._text(_varchar(content) if column.type == "V" else content)
                yield from ((column.name, path) for path in paths_in(text))

    def _in_memo(
        self, file: _Reader, notes: list[_Column], hits: Iterable[int]
    ) -> Iterator[tuple[str, str]]:
        assert self._memo is not None  # noqa: S101 - for mypy
        with _Reader(self._root, self._memo.path) as texts:
            beginning = texts.read(0, memo.HEADER.size)
            if len(beginning) < memo.HEADER.size:
                raise ValueError("its memo ends inside its own header")
            _, block_size = memo.HEADER.unpack(beginning)
            blocks = self._pointers(file, notes, block_size)
            places = sorted(blocks)
            seen: set[int] = set()
            for at in hits:
                place = bisect.bisect_right(places, at - memo.BLOCK_HEADER.size) - 1
                if place < 0 or places[place] in seen:
                    continue
                if len(seen) >= _MOST:
                    self.skipped[self._memo.path] = _TOO_MANY
                    return
                block = places[place]
                head = texts.read(block, memo.BLOCK_HEADER.size)
                if len(head) < memo.BLOCK_HEADER.size:
                    continue
                kind, length = memo.BLOCK_HEADER.unpack(head)
                if kind != memo.TEXT:
                    continue  # a picture
                seen.add(block)
                data = texts.read(block + memo.BLOCK_HEADER.size, min(length, _LONGEST_MEMO))
                yield from ((blocks[block], path) for path in paths_in(self._text(data)))

    def _pointers(self, file: _Reader, notes: list[_Column], block_size: int) -> dict[int, str]:
        """Return where in the memo the texts of the records begin, with the names of fields."""
        length = self._header.record_length
        found = {}
        for data in self._records(file):
            for begin in range(0, len(data) - length + 1, length):
                if data[begin] == table.DELETED:
                    continue
                for column in notes:
                    number = _block_number(data[begin + column.start : begin + column.end])
                    if number:
                        found[number * block_size] = column.name
        return found

    def _records(self, file: _Reader) -> Iterator[bytes]:
        """Yield the records, as many whole ones at a time as fit into a piece."""
        start, length = self._header.header_length, self._header.record_length
        count = max(1, _CHUNK // length)
        for first in range(0, self._header.records, count):
            wanted = min(count, self._header.records - first) * length
            data = file.read(start + first * length, wanted)
            yield data
            if len(data) < wanted:
                return  # the file is shorter than its header says

    def _text(self, content: bytes) -> str:
        return self._decode(content, "replace")[0]


class _Numbers(NamedTuple):
    """What the header of a table says."""

    type: int
    records: int
    header_length: int
    record_length: int


def _columns(beginning: bytes, record_length: int) -> list[_Column]:
    """Given a table up to its first record, return its columns. Raise ValueError, struct.error."""
    columns, at = [], 1  # behind the mark of deletion
    for field in table.read_fields(beginning):
        columns.append(_Column(field.name, field.type, at, at + field.length))
        at += field.length
    if at > record_length:
        raise ValueError("its fields are longer than a record")
    return columns


class _Reader:
    """A file that is read in places; links are not followed, and no pipe is waited for."""

    def __init__(self, root: bytes, path: bytes) -> None:
        self._path = b"%s/%s" % (root, path)

    def __enter__(self) -> _Reader:
        self._descriptor = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def read(self, start: int, length: int) -> bytes:
        return os.pread(self._descriptor, length, start)


def _hits(data: bytes) -> Iterator[int]:
    if b"\\" not in data and b":/" not in data:
        return
    for needle in _NEEDLES:
        at = data.find(needle)
        while at >= 0:
            yield at
            at = data.find(needle, at + 1)


def _hits_in_file(file: _Reader, size: int) -> Iterator[int]:
    for start in range(0, size, _CHUNK):
        # One byte more, for what lies across two pieces.
        length = min(_CHUNK, size - start) + 1
        yield from (start + at for at in _hits(file.read(start, length)))


def _block_number(content: bytes) -> int:
    """Return the block a memo field points at; FoxPro 2 wrote it in digits."""
    if len(content) == 4:
        return int.from_bytes(content, "little")
    digits = content.strip(b" \0")
    return int(digits) if digits.isdigit() else 0


def _varchar(content: bytes) -> bytes:
    """Return the value of a Varchar field: one that does not fill it has its length at the end."""
    length = content[-1]
    return content if content[length:-1].strip(b"\0 ") else content[:length]
