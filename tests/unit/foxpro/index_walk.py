"""A reader of compound indexes for tests, written from Microsoft's pages and nothing else."""

import struct
from typing import NamedTuple

PAGE = 512
NOWHERE = 0xFFFFFFFF


class WalkedTag(NamedTuple):
    expression: str
    key_length: int
    entries: list[tuple[bytes, int]]
    depth: int


def walk_index(content: bytes) -> dict[str, WalkedTag]:
    """Return every tag with its entries from left to right; fail on anything untrue."""
    assert len(content) % PAGE == 0
    seen: set[int] = {0, PAGE}
    root, _, _, length, options, _ = struct.unpack_from("<IIIHBB", content)
    assert length == 10
    assert options & 0x60 == 0x60, "the directory is compact and compound"
    tags = {}
    names = walk_tree(content, root, length, b" ", seen)
    for name, place in names:
        assert place % PAGE == 0
        assert place + 2 * PAGE <= len(content)
        assert not {place, place + PAGE} & seen
        seen |= {place, place + PAGE}
        root, free, _, length, options, _ = struct.unpack_from("<IIIHBB", content, place)
        assert options & 0x60 == 0x60
        assert free == NOWHERE
        order, _, _, key_at, key_length = struct.unpack_from("<HHHHH", content, place + 502)
        assert order == 0
        pool = content[place + 512 + key_at : place + 512 + key_at + key_length]
        assert pool.endswith(b"\0")
        expression = pool[:-1].decode()
        is_number = expression in {"STUKNR", "FACT_NR", "BEDRAG", "FACT_DATUM", "NUMBER", "WHEN"}
        entries = walk_tree(content, root, length, b"\0" if is_number else b" ", seen)
        depth = tree_depth(content, root, length)
        tags[name.decode().rstrip()] = WalkedTag(expression, length, entries, depth)
    assert names == sorted(names)
    assert seen == set(range(0, len(content), PAGE)), "no page is used by nobody"
    return tags


def walk_tree(
    content: bytes, root: int, length: int, filler: bytes, seen: set[int]
) -> list[tuple[bytes, int]]:
    level = [root]
    bounds: list[tuple[bytes, int]] = []
    while True:
        below, new_bounds, entries = [], [], []
        for position, page in enumerate(level):
            assert page % PAGE == 0
            assert page + PAGE <= len(content)
            assert page not in seen
            seen.add(page)
            attributes, count, left, right = struct.unpack_from("<HHII", content, page)
            assert bool(attributes & 1) == (page == root)
            assert left == (level[position - 1] if position else NOWHERE)
            assert right == (level[position + 1] if position + 1 < len(level) else NOWHERE)
            if attributes & 2:
                found = read_leaf(content[page : page + PAGE], length, filler)
            else:
                found = []
                assert count >= 1
                for number in range(count):
                    at = page + 12 + number * (length + 8)
                    record, child = struct.unpack_from(">II", content, at + length)
                    found.append((content[at : at + length], record))
                    below.append(child)
                new_bounds += found
            assert len(found) == count
            if bounds and found:
                assert found[-1] <= bounds[position], "an interior key bounds what is below it"
                if position:
                    assert found[0] > bounds[position - 1]
            entries += found
        if not below:
            assert entries == sorted(set(entries))
            return entries
        level, bounds = below, new_bounds


def tree_depth(content: bytes, page: int, length: int) -> int:
    depth = 1
    while not struct.unpack_from("<H", content, page)[0] & 2:
        (page,) = struct.unpack_from(">I", content, page + 12 + length + 4)
        depth += 1
    return depth


def read_leaf(page: bytes, length: int, filler: bytes) -> list[tuple[bytes, int]]:
    (count,) = struct.unpack_from("<H", page, 2)
    free, record_mask = struct.unpack_from("<HI", page, 12)
    duplicate_mask, trail_mask, record_bits, duplicate_bits, trail_bits, size = page[18:24]
    assert record_mask == 2**record_bits - 1
    assert duplicate_mask == 2**duplicate_bits - 1
    assert trail_mask == 2**trail_bits - 1
    assert record_bits + duplicate_bits + trail_bits <= size * 8
    entries: list[tuple[bytes, int]] = []
    end = 512
    key = b""
    for number in range(count):
        packed = int.from_bytes(page[24 + number * size : 24 + (number + 1) * size], "little")
        record = packed & record_mask
        duplicates = (packed >> record_bits) & duplicate_mask
        trail = (packed >> (record_bits + duplicate_bits)) & trail_mask
        stored = length - duplicates - trail
        assert stored >= 0
        key = key[:duplicates] + page[end - stored : end] + filler * trail
        assert len(key) == length
        end -= stored
        entries.append((key, record))
    assert end - (24 + count * size) == free
    return entries
