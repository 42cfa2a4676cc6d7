"""Lists to choose from: what typed words mean, how lines are laid out, where pages end."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from avplugin.commands.choices import Columns, Entry, lay_out, matching, meant, pages, shortened


def entry(code: str, name: str = "", *notes: str, can_be_chosen: bool = True) -> Entry:
    return Entry((code, name), code, name, notes, can_be_chosen)


OFFICE = [
    entry("BAKKER26", "Bakkerij Van Dijk 2026"),
    entry("CAFEOUD", "Eetcafé d'Oude Brug"),
    entry("KLANT1", "Klant één B.V."),
    entry("STRASSE", "Große Straße GmbH"),
]


@pytest.mark.parametrize(
    ("typed", "codes"),
    [
        ("dijk", ["BAKKER26"]),
        ("DIJK", ["BAKKER26"]),
        ("eetcafe", ["CAFEOUD"]),
        ("EETCAFÉ", ["CAFEOUD"]),
        ("een", ["KLANT1"]),
        ("grosse", ["STRASSE"]),
        ("klant", ["KLANT1"]),
        ("26", ["BAKKER26"]),
        ("a", ["BAKKER26", "CAFEOUD", "KLANT1", "STRASSE"]),
        ("nobody", []),
    ],
)
def test_searching_knows_neither_case_nor_accents(typed: str, codes: list[str]) -> None:
    assert [found.code for found in matching(OFFICE, typed)] == codes


@pytest.mark.parametrize(
    ("typed", "codes"),
    [
        *(("1", ["BAKKER26"]), ("4", ["STRASSE"]), ("#2", ["CAFEOUD"]), ("klant1", ["KLANT1"])),
        *(("=Klant1", ["KLANT1"]), ("0", []), ("5", []), ("#5", []), ("=1", []), ("klant", [])),
        *(("", []), ("=", []), ("#", []), ("-1", []), ("1.0", []), ("²", []), ("9" * 5000, [])),
    ],
)
def test_a_number_or_a_whole_code_means_one_entry(typed: str, codes: list[str]) -> None:
    assert [found.code for found in meant(OFFICE, typed)] == codes


def test_codes_that_are_numbers_can_be_told_from_the_numbers_of_lines() -> None:
    numbers = [entry("2"), entry("3"), entry("100")]

    assert [found.code for found in meant(numbers, "2")] == ["3", "2"]
    assert [found.code for found in meant(numbers, "#2")] == ["3"]
    assert [found.code for found in meant(numbers, "=2")] == ["2"]
    assert [found.code for found in meant(numbers, "100")] == ["100"]
    assert [found.code for found in meant([entry("1"), entry("2")], "2")] == ["2"]


def test_what_cannot_be_chosen_has_no_number_and_is_never_meant() -> None:
    entries = [entry("A", can_be_chosen=False), entry("B")]

    assert [found.code for found in meant(entries, "1")] == ["B"]
    assert meant(entries, "A") == []
    assert lay_out(entries, Columns(("Code", ""), 1), 79)[1] == [["-  A"], ["1  B"]]


COLUMNS = Columns(("Code", "Name", ">Size"), elastic=1)


def test_columns_are_as_wide_as_they_need_and_numbers_stand_right() -> None:
    entries = [Entry(("A", "Klant", "1 B")), Entry(("BCD", "", "10 kB"), notes=("why",))]

    titles, blocks = lay_out(entries, COLUMNS, 79)

    assert titles == "   Code  Name    Size"
    assert blocks == [["1  A     Klant    1 B"], ["2  BCD          10 kB", "   why"]]


@pytest.mark.parametrize("width", [30, 40, 79])
@pytest.mark.parametrize("name", ["x" * 200, "有限会社" * 30, "e\u0301" * 100])
def test_one_column_gives_way_so_that_no_line_is_too_long(width: int, name: str) -> None:
    note = "because of " + "x" * 100 + " and more"
    entries = [Entry(("A", name, "1 B"), notes=(note,)), Entry(("B", "short", "1 B"))]

    titles, blocks = lay_out(entries, COLUMNS, width)

    lines = [titles, *(line for block in blocks for line in block)]
    assert max(cell_len(line) for line in lines) <= width
    assert "..." in blocks[0][0] or "\u0301" in name
    assert "".join(line.strip() for line in blocks[0][1:]).replace(" ", "") == note.replace(" ", "")


def test_what_is_too_long_ends_in_dots() -> None:
    assert shortened("Bakkerij", 8) == "Bakkerij"
    assert shortened("Bakkerij Van Dijk", 12) == "Bakkerij..."
    assert shortened("Bakkerij", 5) == "Ba..."


def test_pages_end_between_entries() -> None:
    blocks = [["a"], ["b", "b"], ["c"], ["d", "d", "d", "d"], ["e"]]

    assert pages(blocks, 3) == [["a", "b", "b"], ["c"], ["d", "d", "d", "d"], ["e"]]
    assert pages([["x"]] * 40, 17) == [["x"] * 17, ["x"] * 17, ["x"] * 6]
    assert pages([], 3) == [[]]
