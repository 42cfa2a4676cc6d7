"""Compound indexes (.CDX, and .DCX beside a database container): one B-tree for each tag.

Source: Microsoft, *Compact Index File Structure (.idx)*, previous-versions/s8tb8f47, and
*Compound Index File Structure (.cdx)*, previous-versions/k35b9hs2. A compound index is a compact
index whose keys are tag names and whose record numbers are the places of the tags' own headers.
What those pages leave open is told where it is decided here.
"""

from __future__ import annotations

import bisect
import datetime
import re
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

PAGE = 512
HEADER_LENGTH = 1024  # a header takes two pages: numbers, then the expressions
NONE = 0xFFFFFFFF  # "-1 if not present"
MAX_KEY_LENGTH = 240
TAG_NAME_LENGTH = 10

# Root, free list, reserved, key length, options, signature, then what Microsoft calls reserved
# and FoxPro fills with the lengths of a header and of a page.
HEADER = struct.Struct("<IIIHBBHH")
EXPRESSIONS = struct.Struct("<HHHHH")  # order, place and length of FOR, place and length of key
EXPRESSIONS_AT = 502
EXPRESSION_POOL_AT = 512

COMPACT, COMPOUND = 32, 64
# Not in Microsoft's table: FoxPro sets it on the directory of an index that opens with its table.
STRUCTURAL = 128

ROOT, LEAF = 1, 2
NODE = struct.Struct("<HHII")  # attributes, number of keys, left and right brother
LEAF_NODE = struct.Struct("<HIBBBBBB")  # free bytes, masks, bits and bytes of an entry's numbers
LEAF_ENTRIES_AT = NODE.size + LEAF_NODE.size
LEAF_SPACE = PAGE - LEAF_ENTRIES_AT
POINTERS = struct.Struct(">II")  # record number and page, behind each key of an interior node
INTERIOR_SPACE = PAGE - NODE.size

JULIAN_DAY_OF_ORDINAL_0 = 1_721_425

Entry: TypeAlias = tuple[bytes, int]  # key, record number: the order of a tag is theirs


class Tag(NamedTuple):
    """An order of the table: a name of at most ten characters, and a FoxPro expression."""

    name: str
    expression: str


class Column(NamedTuple):
    """Where a column stands in a record, its mark of deletion included."""

    type: str
    position: int
    width: int


def key_reader(expression: str, columns: Mapping[str, Column]) -> Callable[[bytes], bytes]:
    """Given an index expression, return the function from a record's bytes to its key.

    An expression is a column, or UPPER(), LOWER(), DTOS() and STR() of one, or several of those
    joined with +. Raise ValueError for any other.
    """
    terms = [term.strip() for term in expression.split("+")]
    if len(terms) == 1 and terms[0] in columns:
        return _column_reader(columns[terms[0]])[0]
    readers = [_character_reader(term, columns)[0] for term in terms]
    return lambda record: b"".join([reader(record) for reader in readers])


def key_form(expression: str, columns: Mapping[str, Column]) -> tuple[int, bytes]:
    """Return the length of an expression's keys, and the byte that a key's end is filled with.

    Characters are filled with blanks, numbers with zero bytes; neither is stored in a leaf.
    """
    terms = [term.strip() for term in expression.split("+")]
    if len(terms) == 1 and terms[0] in columns:
        return _column_reader(columns[terms[0]])[1:]
    length = sum(_character_reader(term, columns)[1] for term in terms)
    if length > MAX_KEY_LENGTH:
        raise ValueError(f"the keys of {expression} are longer than {MAX_KEY_LENGTH} bytes")
    return length, b" "


def build_index(
    tags: Sequence[Tag], columns: Mapping[str, Column], keys: Mapping[str, Iterable[Entry]]
) -> bytes:
    """Given the tags of a table and for each one its keys with record numbers, return the file.

    Leaves are filled to the brim, as INDEX ON does. Raise ValueError when a tag's name is longer
    than ten characters, or when the names do not fit one page.
    """
    content = bytearray(HEADER_LENGTH + PAGE)
    directory = []
    for tag in tags:
        if len(tag.name) > TAG_NAME_LENGTH:
            raise ValueError(f"{tag.name} is longer than ten characters")
        place = len(content)
        directory.append((tag.name.upper().encode("ascii").ljust(TAG_NAME_LENGTH), place))
        length, filler = key_form(tag.expression, columns)
        content += bytes(HEADER_LENGTH)
        root = _build_tree(content, sorted(keys[tag.name]), length, filler)
        header = _header(root, length, COMPACT | COMPOUND, tag.expression)
        content[place : place + HEADER_LENGTH] = header

    directory.sort()
    node = _encode_leaf(directory, TAG_NAME_LENGTH, b" ", _entry_bytes(directory, TAG_NAME_LENGTH))
    if node is None:
        raise ValueError(f"{len(tags)} tags do not fit the directory of a compound index")
    options = COMPACT | COMPOUND | STRUCTURAL
    content[:HEADER_LENGTH] = _header(HEADER_LENGTH, TAG_NAME_LENGTH, options, "")
    content[HEADER_LENGTH : HEADER_LENGTH + PAGE] = (
        NODE.pack(ROOT | LEAF, len(directory), NONE, NONE) + node
    )
    return bytes(content)


class CompoundIndex:
    """An index file that follows its table: only the pages that a change touches are different.

    The file never gets smaller: pages are added at its end, and a leaf whose last key is removed
    stays, with no keys, until a key of its range comes by.
    """

    def __init__(self, content: bytes, columns: Mapping[str, Column]) -> None:
        self._before = content
        self._content = bytearray(content)
        self._trees: list[tuple[Callable[[bytes], bytes], _Tree]] = []
        self.tags: list[Tag] = []
        (root,) = struct.unpack_from("<I", content)
        for name, place in _decode_leaf(content[root : root + PAGE], TAG_NAME_LENGTH, b" "):
            pool = content[place + EXPRESSION_POOL_AT : place + HEADER_LENGTH]
            expression = pool.split(b"\0", 1)[0].decode("ascii")
            self.tags.append(Tag(name.decode("ascii").rstrip(), expression))
            tree = _Tree(self._content, place, key_form(expression, columns)[1])
            self._trees.append((key_reader(expression, columns), tree))

    def insert(self, record: bytes, number: int) -> None:
        """Enter an appended record in every tag."""
        for key, tree in self._trees:
            tree.insert((key(record), number))

    def update(self, before: bytes, after: bytes, number: int) -> None:
        """Move a record, changed in place, to where its new keys belong."""
        for key, tree in self._trees:
            if key(before) != key(after):
                tree.remove((key(before), number))
                tree.insert((key(after), number))

    def changed_pages(self) -> dict[int, bytes]:
        """Return the pages that differ from those of the file, by their place in it."""
        return {
            place: bytes(self._content[place : place + PAGE])
            for place in range(0, len(self._content), PAGE)
            if self._content[place : place + PAGE] != self._before[place : place + PAGE]
        }


class _Child(NamedTuple):
    """What an interior node knows of a page below it: its last key, and where it is."""

    last: Entry
    page: int


class _Tree:
    """The B-tree of one tag inside the bytes of the file."""

    def __init__(self, content: bytearray, header: int, filler: bytes) -> None:
        self._content = content
        self._header = header
        self._filler = filler
        (self._key_length,) = struct.unpack_from("<H", content, header + 12)

    def insert(self, entry: Entry) -> None:
        (root,) = struct.unpack_from("<I", self._content, self._header)
        children = self._change(root, entry, present=True)
        if len(children) == 1:
            return
        for child in children:
            self._set_root_attribute(child.page, is_root=False)
        page = self._new_page()
        node = _encode_interior(children)
        self._content[page : page + PAGE] = NODE.pack(ROOT, len(children), NONE, NONE) + node
        struct.pack_into("<I", self._content, self._header, page)

    def remove(self, entry: Entry) -> None:
        (root,) = struct.unpack_from("<I", self._content, self._header)
        self._change(root, entry, present=False)

    def _change(self, page: int, entry: Entry, *, present: bool) -> list[_Child]:
        """Make the entry present below a page or not; return the one or two pages it became."""
        attributes, count, _, _ = NODE.unpack_from(self._content, page)
        if attributes & LEAF:
            return self._change_leaf(page, entry, present=present)

        children = _decode_interior(self._page(page), count, self._key_length)
        lasts = [child.last for child in children]
        position = min(bisect.bisect_left(lasts, entry), count - 1)
        replaced = self._change(children[position].page, entry, present=present)
        children[position : position + 1] = replaced
        if len(children) <= INTERIOR_SPACE // (self._key_length + POINTERS.size):
            self._write(page, len(children), _encode_interior(children))
            return [_Child(children[-1].last, page)]
        half = len(children) // 2
        return self._split(
            page,
            (children[:half], children[half:]),
            (_encode_interior(children[:half]), _encode_interior(children[half:])),
        )

    def _change_leaf(self, page: int, entry: Entry, *, present: bool) -> list[_Child]:
        node = self._page(page)
        entries = _decode_leaf(node, self._key_length, self._filler)
        position = bisect.bisect_left(entries, entry)
        if present:
            entries.insert(position, entry)
        else:
            del entries[position]
        if not entries:
            self._write(page, 0, _encode_leaf([], self._key_length, self._filler, node[23]) or b"")
            return [_Child(entry, page)]

        whole = self._leaf(entries, node[23])
        if whole is not None:
            self._write(page, len(entries), whole)
            return [_Child(entries[-1], page)]
        # Keys that only grow (entry numbers, dates) would leave every leaf half empty.
        is_last = position == len(entries) - 1 and NODE.unpack_from(node)[3] == NONE
        half = len(entries) - 1 if is_last else len(entries) // 2
        halves = entries[:half], entries[half:]
        left, right = (self._leaf(part, node[23]) for part in halves)
        if left is None or right is None:
            raise ValueError("half of a leaf does not fit a page")
        return self._split(
            page,
            ([_Child(last, 0) for last in halves[0]], [_Child(last, 0) for last in halves[1]]),
            (left, right),
        )

    def _leaf(self, entries: list[Entry], entry_bytes: int) -> bytes | None:
        needed = max(entry_bytes, _entry_bytes(entries, self._key_length))
        return _encode_leaf(entries, self._key_length, self._filler, needed)

    def _split(
        self,
        page: int,
        halves: tuple[list[_Child], list[_Child]],
        nodes: tuple[bytes, bytes],
    ) -> list[_Child]:
        """Put the right half of an overfull page on a new one, between it and its brother."""
        attributes, _, left, right = NODE.unpack_from(self._content, page)
        added = self._new_page()
        node = NODE.pack(attributes, len(halves[0]), left, added) + nodes[0]
        self._content[page : page + PAGE] = node
        node = NODE.pack(attributes, len(halves[1]), page, right) + nodes[1]
        self._content[added : added + PAGE] = node
        if right != NONE:
            struct.pack_into("<I", self._content, right + 4, added)
        return [_Child(halves[0][-1].last, page), _Child(halves[1][-1].last, added)]

    def _page(self, page: int) -> bytes:
        return bytes(self._content[page : page + PAGE])

    def _write(self, page: int, count: int, node: bytes) -> None:
        struct.pack_into("<H", self._content, page + 2, count)
        self._content[page + NODE.size : page + PAGE] = node

    def _new_page(self) -> int:
        self._content += bytes(PAGE)
        return len(self._content) - PAGE

    def _set_root_attribute(self, page: int, *, is_root: bool) -> None:
        (attributes,) = struct.unpack_from("<H", self._content, page)
        changed = attributes | ROOT if is_root else attributes & ~ROOT
        struct.pack_into("<H", self._content, page, changed)


def _header(root: int, key_length: int, options: int, expression: str) -> bytes:
    """Return the 1,024 bytes of a header, without a FOR clause: its expression is empty."""
    content = bytearray(HEADER_LENGTH)
    HEADER.pack_into(content, 0, root, NONE, 0, key_length, options, 1, HEADER_LENGTH, PAGE)
    key = expression.encode("ascii") + b"\0"
    EXPRESSIONS.pack_into(content, EXPRESSIONS_AT, 0, len(key), 1, 0, len(key))
    content[EXPRESSION_POOL_AT : EXPRESSION_POOL_AT + len(key)] = key
    return bytes(content)


def _build_tree(content: bytearray, entries: list[Entry], key_length: int, filler: bytes) -> int:
    """Add the pages of a new tree at the end; return the place of its root."""
    entry_bytes = _entry_bytes(entries, key_length)
    level = []
    nodes = []
    for part in _leaves(entries, key_length, filler, entry_bytes):
        level.append(part)
        nodes.append(_encode_leaf(part, key_length, filler, entry_bytes) or b"")
    lasts = [part[-1] if part else (b"", 0) for part in level]
    counts = [len(part) for part in level]
    attributes = LEAF

    while True:
        first = len(content)
        pages = range(first, first + len(nodes) * PAGE, PAGE)
        for page, count, node in zip(pages, counts, nodes, strict=True):
            left = page - PAGE if page != pages[0] else NONE
            right = page + PAGE if page != pages[-1] else NONE
            root = ROOT if len(nodes) == 1 else 0
            content += NODE.pack(attributes | root, count, left, right) + node
        if len(nodes) == 1:
            return first
        children = [_Child(last, page) for last, page in zip(lasts, pages, strict=True)]
        width = INTERIOR_SPACE // (key_length + POINTERS.size)
        groups = [children[at : at + width] for at in range(0, len(children), width)]
        nodes = [_encode_interior(group) for group in groups]
        lasts = [group[-1].last for group in groups]
        counts = [len(group) for group in groups]
        attributes = 0


def _leaves(
    entries: list[Entry], key_length: int, filler: bytes, entry_bytes: int
) -> list[list[Entry]]:
    """Cut sorted entries into leaves that are as full as they can be."""
    leaves = []
    start = 0
    space = LEAF_SPACE
    previous: bytes | None = None
    for position, (key, _) in enumerate(entries):
        stored = entry_bytes + _stored_key(previous, key, key_length, filler)[2]
        if stored > space:
            leaves.append(entries[start:position])
            start = position
            space = LEAF_SPACE
            stored = entry_bytes + _stored_key(None, key, key_length, filler)[2]
        space -= stored
        previous = key
    leaves.append(entries[start:])
    return leaves


def _stored_key(
    previous: bytes | None, key: bytes, key_length: int, filler: bytes
) -> tuple[int, int, int]:
    """Return how many bytes a key shares with the one before, ends in filler with, and stores."""
    length = len(key.rstrip(filler))
    if previous is None:
        return 0, key_length - length, length
    # The first byte that differs is the first one that is not zero when all are compared at once.
    difference = int.from_bytes(previous, "big") ^ int.from_bytes(key, "big")
    shared = key_length - (difference.bit_length() + 7) // 8
    shared = min(shared, length)
    return shared, key_length - length, length - shared


def _entry_bytes(entries: Iterable[Entry], key_length: int) -> int:
    """Return in how many bytes a leaf can hold the three numbers of each of its entries."""
    greatest = max((number for _, number in entries), default=0)
    bits = greatest.bit_length() + 2 * key_length.bit_length()
    return max(3, (bits + 7) // 8)


def _encode_leaf(
    entries: Sequence[Entry], key_length: int, filler: bytes, entry_bytes: int
) -> bytes | None:
    """Return the 500 bytes behind a leaf's first ones, or None if the entries do not fit.

    The numbers go in from the left, the keys from the right, the first one rightmost.
    """
    count_bits = key_length.bit_length()
    number_bits = min(32, 8 * entry_bytes - 2 * count_bits)
    numbers = []
    keys = []
    previous: bytes | None = None
    for key, number in entries:
        shared, filled, stored = _stored_key(previous, key, key_length, filler)
        packed = number | shared << number_bits | filled << number_bits + count_bits
        numbers.append(packed.to_bytes(entry_bytes, "little"))
        keys.append(key[shared : shared + stored])
        previous = key
    keys.reverse()
    left, right = b"".join(numbers), b"".join(keys)
    free = LEAF_SPACE - len(left) - len(right)
    if free < 0:
        return None
    count_mask = (1 << count_bits) - 1
    masks = LEAF_NODE.pack(
        free,
        (1 << number_bits) - 1,
        count_mask,
        count_mask,
        number_bits,
        count_bits,
        count_bits,
        entry_bytes,
    )
    return masks + left + bytes(free) + right


def _decode_leaf(node: bytes, key_length: int, filler: bytes) -> list[Entry]:
    _, count, _, _ = NODE.unpack_from(node)
    _, number_mask, shared_mask, filled_mask, number_bits, shared_bits, _, entry_bytes = (
        LEAF_NODE.unpack_from(node, NODE.size)
    )
    entries = []
    key = b""
    end = PAGE
    for position in range(count):
        at = LEAF_ENTRIES_AT + position * entry_bytes
        packed = int.from_bytes(node[at : at + entry_bytes], "little")
        shared = packed >> number_bits & shared_mask
        filled = packed >> number_bits + shared_bits & filled_mask
        stored = key_length - shared - filled
        key = key[:shared] + node[end - stored : end] + filler * filled
        end -= stored
        entries.append((key, packed & number_mask))
    return entries


def _encode_interior(children: Sequence[_Child]) -> bytes:
    parts = [key + POINTERS.pack(number, page) for (key, number), page in children]
    return b"".join(parts).ljust(INTERIOR_SPACE, b"\0")


def _decode_interior(node: bytes, count: int, key_length: int) -> list[_Child]:
    children = []
    for position in range(count):
        at = NODE.size + position * (key_length + POINTERS.size)
        number, page = POINTERS.unpack_from(node, at + key_length)
        children.append(_Child((node[at : at + key_length], number), page))
    return children


def _letters(change: Callable[[str], str]) -> bytes:
    """Return the table for bytes.translate that changes the letters of Windows-1252."""
    letters = bytearray(range(256))
    for byte in letters:
        character = bytes([byte]).decode("cp1252", "ignore")
        changed = change(character).encode("cp1252", "ignore")
        if len(changed) == 1:  # not the sharp s, which has no capital of its own
            letters[byte] = changed[0]
    return bytes(letters)


_UPPER, _LOWER = _letters(str.upper), _letters(str.lower)
_TERM = re.compile(r"(?:(UPPER|LOWER|DTOS|STR)\()?(\w+)(?:,(\d+))?\)?")


def _character_reader(
    term: str, columns: Mapping[str, Column]
) -> tuple[Callable[[bytes], bytes], int]:
    """Return how to read one term that yields characters, and how many."""
    match = _TERM.fullmatch(term)
    if match is None or match[2] not in columns:
        raise ValueError(f"cannot index on {term}")
    function, name, digits = match.groups()
    kind, start, width = columns[name]
    end = start + width
    wide = int(digits or 10)
    if function in {"UPPER", "LOWER"} and kind == "C":
        letters = _UPPER if function == "UPPER" else _LOWER
        return (lambda record: record[start:end].translate(letters)), width
    if function == "DTOS" and kind == "D":
        return (lambda record: record[start:end]), width  # it is stored in that form
    if function == "STR" and kind == "I":
        return (
            lambda record: b"%*d" % (wide, int.from_bytes(record[start:end], "little", signed=True))
        ), wide
    if function == "STR" and kind == "N":
        return (lambda record: record[start:end].rjust(wide)[-wide:]), wide
    if function is None and kind == "C":
        return (lambda record: record[start:end]), width
    raise ValueError(f"cannot index on {term}")


def _column_reader(column: Column) -> tuple[Callable[[bytes], bytes], int, bytes]:
    """Return how to read a column as a key, the key's length, and its filler.

    Numbers become keys that sort as bytes do: most significant byte first, and the sign bit
    turned over (for negative floating point numbers, all bits). Microsoft's page says so for
    plain index files; compact ones do the same.
    """
    kind, start, width = column
    end = start + width

    def integer(record: bytes) -> bytes:
        value = int.from_bytes(record[start:end], "little")
        return (value ^ 0x80000000).to_bytes(4, "big")

    def number(record: bytes) -> bytes:
        return _sortable(float(record[start:end].strip() or b"0"))

    def date(record: bytes) -> bytes:
        text = record[start:end].decode("ascii").strip()
        if not text:
            return _sortable(0.0)
        day = datetime.date(int(text[:4]), int(text[4:6]), int(text[6:]))
        return _sortable(float(day.toordinal() + JULIAN_DAY_OF_ORDINAL_0))

    match kind:
        case "C":
            return (lambda record: record[start:end]), width, b" "
        case "I":
            return integer, 4, b"\0"
        case "N":
            return number, 8, b"\0"
        case "D":
            return date, 8, b"\0"
    raise ValueError(f"cannot index on a column of type {kind}")


def _sortable(value: float) -> bytes:
    (bits,) = struct.unpack(">Q", struct.pack(">d", value))
    flipped = bits ^ (0xFFFFFFFFFFFFFFFF if bits >> 63 else 0x8000000000000000)
    return struct.pack(">Q", flipped)
