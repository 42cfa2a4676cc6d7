import datetime
import random
import struct

import pytest
from index_walk import walk_index

from avplugin.foxpro.compound_index import CompoundIndex, Tag, key_reader
from avplugin.foxpro.memo import MemoBlocks
from avplugin.foxpro.table import (
    Field,
    RecordEncoder,
    Value,
    build_table,
    build_tags,
    columns,
)

DAY = datetime.date(2026, 11, 22)
FIELDS = (Field("CODE", "C", 10), Field("NUMBER", "I"), Field("WHEN", "D"), Field("NAME", "C", 60))
TAGS = (
    Tag("CODE", "CODE"),
    Tag("NUMBER", "NUMBER"),
    Tag("WHEN", "WHEN"),
    Tag("LONG", "UPPER(NAME)+CODE"),
)


def made_up_records(count: int, seed: int = 1) -> list[bytes]:
    chance = random.Random(seed)  # noqa: S311 - test data
    encode = RecordEncoder(FIELDS, MemoBlocks())
    rows: list[tuple[Value, ...]] = [
        (
            f"K{chance.randrange(500)}",
            chance.randrange(-1000, 100000),
            DAY - datetime.timedelta(days=chance.randrange(400)),
            "naam é " + "x" * chance.randrange(50),
        )
        for _ in range(count)
    ]
    return [encode(row) for row in rows]


def expected(records: list[bytes], tag: Tag) -> list[tuple[bytes, int]]:
    key = key_reader(tag.expression, columns(FIELDS))
    return sorted((key(record), number) for number, record in enumerate(records, 1))


def written(content: bytes, index: CompoundIndex) -> bytes:
    changed = bytearray(content)
    for place, page in sorted(index.changed_pages().items()):
        changed[place : place + 512] = page
    return bytes(changed)


@pytest.mark.parametrize("count", [0, 1, 40, 3000])
def test_every_tag_holds_every_record_in_the_order_of_its_keys(count: int) -> None:
    records = made_up_records(count)
    walked = walk_index(build_tags(TAGS, FIELDS, records))

    assert sorted(walked) == ["CODE", "LONG", "NUMBER", "WHEN"]
    for tag in TAGS:
        assert walked[tag.name].expression == tag.expression
        assert walked[tag.name].entries == expected(records, tag)
    assert count < 3000 or walked["LONG"].depth >= 3


def test_keys_sort_as_the_values_do() -> None:
    encode = RecordEncoder([Field("A", "N", 12, 2)], MemoBlocks())
    places = columns([Field("A", "N", 12, 2)])
    key = key_reader("A", places)
    values = [-99999.5, -1, -0.01, 0, 0.01, 1, 2, 100000]

    assert [key(encode([value])) for value in values] == sorted(
        key(encode([value])) for value in values
    )
    assert key(encode([1])) == b"\xbf\xf0" + bytes(6)


def test_a_date_key_is_a_julian_day_and_letters_are_raised_as_windows_does() -> None:
    record = RecordEncoder(FIELDS, MemoBlocks())(["a", 1, datetime.date(2000, 1, 1), "café ß"])
    places = columns(FIELDS)

    flipped = struct.unpack(">Q", key_reader("WHEN", places)(record))[0] ^ (1 << 63)
    assert struct.unpack(">d", struct.pack(">Q", flipped)) == (2451545.0,)
    assert key_reader("UPPER(NAME)", places)(record).rstrip() == "CAFÉ ß".encode("cp1252")
    assert key_reader("DTOS(WHEN)+STR(NUMBER,5)", places)(record) == b"20000101    1"


def test_an_index_that_follows_its_table_stays_complete() -> None:
    records = made_up_records(300)
    content = build_tags(TAGS, FIELDS, records)
    chance = random.Random(2)  # noqa: S311 - test data
    for added in range(3):
        index = CompoundIndex(content, columns(FIELDS))
        for record in made_up_records(200, seed=added + 10):
            records.append(record)
            index.insert(record, len(records))
        for replacement in made_up_records(100, seed=added + 20):
            number = 1 + chance.randrange(len(records))
            index.update(records[number - 1], replacement, number)
            records[number - 1] = replacement
        before, content = content, written(content, index)
        assert len(content) > len(before)
        walked = walk_index(content)
        for tag in TAGS:
            assert walked[tag.name].entries == expected(records, tag)


def test_a_leaf_that_lost_its_last_key_takes_a_new_one() -> None:
    records = made_up_records(400)
    content = build_tags(TAGS, FIELDS, records)
    moved = made_up_records(1, seed=3)[0]
    index = CompoundIndex(content, columns(FIELDS))
    for number in range(1, 401):
        index.update(records[number - 1], moved, number)
    content = written(content, index)
    assert walk_index(content)["LONG"].entries == expected([moved] * 400, TAGS[3])

    index = CompoundIndex(content, columns(FIELDS))
    for number in range(1, 401):
        index.update(moved, records[number - 1], number)
    assert walk_index(written(content, index))["LONG"].entries == expected(records, TAGS[3])


def test_one_appended_record_changes_few_pages() -> None:
    records = made_up_records(3000)
    index = CompoundIndex(build_tags(TAGS, FIELDS, records), columns(FIELDS))
    assert index.changed_pages() == {}

    index.insert(made_up_records(1, seed=4)[0], 3001)

    assert 1 <= len(index.changed_pages()) <= 20


def test_what_cannot_be_indexed_is_refused() -> None:
    fields = [Field("NOTE", "M"), Field("CODE", "C", 200), Field("MORE", "C", 200)]
    for expression in ("NOTE", "NOSUCH", "UPPER(NOTE)", "CODE+MORE", "CODE+(1)"):
        with pytest.raises(ValueError, match=r"index on|longer than"):
            build_table(fields, [], updated=DAY, tags=[Tag("T", expression)])
    many = [Tag(f"{number:05d}TAG", "CODE") for number in range(200)]
    with pytest.raises(ValueError, match="directory"):
        build_table(fields, [], updated=DAY, tags=many)
    with pytest.raises(ValueError, match="ten characters"):
        build_table(fields, [], updated=DAY, tags=[Tag("ELEVENCHARS", "CODE")])
