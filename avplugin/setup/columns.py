"""Which column of a register is which, told by what stands in it.

The export of the window Administraties has the columns that somebody chose to show there, under
headings that differ by format and version.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from typing import NamedTuple

from avplugin.installation.register import RegisterColumn
from avplugin.installation.windows_path import is_windows_path

_LONGEST_CODE = 20
_HINTS = {
    "code": ("code", "adm"),
    "name": ("naam", "name", "omschr"),
    "folder": ("map adm", "adm_map", "map", "folder", "pad"),
    "copy_documents": ("kopie", "doc", "copy"),
}


class Guess(NamedTuple):
    """The headings of the columns; None where none looks like it."""

    code: str | None
    name: str | None
    folder: str | None
    copy_documents: str | None


def guess_columns(columns: Sequence[RegisterColumn]) -> Guess:
    """Return which column is likely to be which; each is taken once."""
    left = list(columns)

    def take(kind: str, fits: Callable[[RegisterColumn], bool]) -> str | None:
        fitting = [column for column in left if fits(column)]
        if not fitting:
            return None
        best = max(fitting, key=lambda column: _rank(kind, column))
        left.remove(best)
        return best.heading

    # A folder of copy documents looks like any other, so the one with a heading that says so
    # must not be taken for the administration's.
    documents = take(
        "copy_documents", lambda one: _holds_paths(one) and _hinted(one, "copy_documents") > 0
    )
    folder = take("folder", lambda one: _holds_paths(one) and _is_full(one))
    documents = documents or take("copy_documents", _holds_paths)
    code = take("code", _may_be_codes)
    name = take("name", lambda one: bool(_filled(one)) and not _holds_paths(one))
    return Guess(code, name, folder, documents)


def _rank(kind: str, column: RegisterColumn) -> tuple[int, float]:
    length = statistics.mean(len(cell) for cell in _filled(column) or [""])
    # Names are the longest texts, codes the shortest.
    return (_hinted(column, kind), length if kind == "name" else -length)


def _hinted(column: RegisterColumn, kind: str) -> int:
    """Return how much the heading looks like it: more for the first of the hints."""
    hints = _HINTS[kind]
    heading = column.heading.casefold()
    found = [len(hints) - at for at, hint in enumerate(hints) if hint in heading]
    return max(found, default=0)


def _filled(column: RegisterColumn) -> list[str]:
    return [cell for cell in column.cells if cell]


def _is_full(column: RegisterColumn) -> bool:
    return len(_filled(column)) * 2 > len(column.cells)


def _holds_paths(column: RegisterColumn) -> bool:
    filled = _filled(column)
    paths = [cell for cell in filled if is_windows_path(cell) or cell.startswith("/")]
    return bool(filled) and len(paths) * 2 > len(filled)


def _may_be_codes(column: RegisterColumn) -> bool:
    filled = _filled(column)
    return (
        bool(filled)
        and _is_full(column)
        and len(set(filled)) == len(filled)
        and max(map(len, filled)) <= _LONGEST_CODE
        and not _holds_paths(column)
    )
