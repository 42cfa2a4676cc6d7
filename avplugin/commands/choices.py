"""Lists to choose from: laid out in columns, searched, and divided into pages."""

from __future__ import annotations

import dataclasses
import textwrap
import unicodedata
from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One thing to choose: `code` and `name` are searched, `cells` and `notes` are shown.

    A note stands below the cells, on as many lines as it needs. An entry that cannot be chosen
    has no number.
    """

    cells: tuple[str, ...]
    code: str = ""
    name: str = ""
    notes: tuple[str, ...] = ()
    can_be_chosen: bool = True


@dataclasses.dataclass(frozen=True, slots=True)
class Columns:
    """How the cells of a list are shown: a title begins with > where the column is for numbers.

    `elastic` is the number of the column that gives way where the line would be too long.
    """

    titles: tuple[str, ...]
    elastic: int


def folded(text: str) -> str:
    """Return the text without letter case and accents."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in apart if not unicodedata.combining(char)).casefold()


def matching(entries: Sequence[Entry], text: str) -> list[Entry]:
    """Return the entries with this text in their code or name, whatever its case and accents."""
    wanted = folded(text)
    return [
        entry for entry in entries if wanted in folded(entry.code) or wanted in folded(entry.name)
    ]


def meant(entries: Sequence[Entry], typed: str) -> list[Entry]:
    """Return the entries that somebody can mean: by number in the list, or by the whole code.

    A code can be a number as well: `#5` is only the fifth of the list, `=5` only the code 5.
    """
    choosable = [entry for entry in entries if entry.can_be_chosen]
    number = typed.removeprefix("#")
    found = []
    if number.isascii() and number.isdigit() and 1 <= int(number[:9]) <= len(choosable):
        found.append(choosable[int(number) - 1])
    if typed.startswith("="):
        found = []
    if not typed.startswith("#"):
        code = folded(typed.removeprefix("="))
        found += [
            entry
            for entry in choosable
            if entry.code and folded(entry.code) == code and entry not in found
        ]
    return found


def lay_out(entries: Sequence[Entry], columns: Columns, width: int) -> tuple[str, list[list[str]]]:
    """Return the line of titles, and the lines of each entry, no wider than `width`.

    The choosable ones are numbered from 1.
    """
    titles = tuple(title.removeprefix(">") for title in columns.titles)
    rows = [titles, *(entry.cells for entry in entries)]
    widths = [max(cell_len(row[at]) for row in rows) for at in range(len(titles))]
    digits = len(str(len(entries)))
    others = sum(widths) - widths[columns.elastic] + 2 * len(titles) + digits
    widths[columns.elastic] = max(min(widths[columns.elastic], width - others), 4)

    def line(mark: str, cells: Sequence[str]) -> str:
        parts = [mark.rjust(digits)]
        for cell, size, title in zip(cells, widths, columns.titles, strict=True):
            text = shortened(cell, size)
            blanks = " " * (size - cell_len(text))
            parts.append(blanks + text if title.startswith(">") else text + blanks)
        return shortened("  ".join(parts).rstrip(), width)

    shown = []
    number = 0
    for entry in entries:
        number += entry.can_be_chosen
        mark = str(number) if entry.can_be_chosen else "-"
        notes = [note for text in entry.notes for note in _folded_at(text, width, digits + 2)]
        shown.append([line(mark, entry.cells), *notes])
    return line("", titles), shown


def shortened(text: str, width: int) -> str:
    """Return the text with dots at its end if it is wider than `width` columns."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, max(width - 3, 0)).rstrip() + "."[:width] * 3


def _folded_at(text: str, width: int, indent: int) -> list[str]:
    return textwrap.wrap(
        text,
        max(width, indent + 20),
        initial_indent=" " * indent,
        subsequent_indent=" " * indent,
        break_on_hyphens=False,
    )


def pages(blocks: Sequence[Sequence[str]], height: int) -> list[list[str]]:
    """Return the lines of the blocks, page by page; a block is never divided."""
    found: list[list[str]] = [[]]
    for block in blocks:
        if found[-1] and len(found[-1]) + len(block) > height:
            found.append([])
        found[-1].extend(block)
    return found
