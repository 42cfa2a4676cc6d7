"""A day's work in a demo office: what a night's backup finds changed."""

from __future__ import annotations

import dataclasses
import datetime
import math
import pathlib
import random
import struct

from avplugin.demo import bookkeeping
from avplugin.demo.office import DemoAdministration, copy_document, open_office
from avplugin.errors import AvpluginError
from avplugin.foxpro.open_table import Changes, OpenTable, pack_table

_ENTRIES = "MUTATIE"
_MAIN = {book.name for book in bookkeeping.MAIN_BOOKS}  # every entry changes balances all over
_OTHERS = 0.25  # how often any other table changes
_WORKING_DAYS = 250  # in a year
_QUIET = 0.1  # of a full day's work
_ANYWHERE = 0.02  # of the changes go to records of any age
_GROWING = {book.name for book in bookkeeping.MAIN_BOOKS if book.weight}  # and is deleted from


@dataclasses.dataclass(frozen=True)
class WorkingDay:
    """What a day's work did; administrations by code, packed tables as CODE/TABLE."""

    administrations: tuple[str, ...]
    records_updated: int
    records_appended: int
    memo_blocks_added: int
    index_pages_rewritten: int
    documents_added: tuple[pathlib.Path, ...]
    tables_packed: tuple[str, ...]


def play_working_day(
    folder: pathlib.Path,
    *,
    seed: int = 1,
    share: float = 0.5,
    busy: float = 0.1,
    pack: bool = False,
) -> WorkingDay:
    """Given a demo office, work in this share of its administrations as people do in a day.

    Records are changed in place and appended, texts and index pages with them. With a chance of
    `busy` one of these administrations has a full day: a 250th of the year that its tables hold.
    The others have a tenth of that. With `pack`, the deleted records of one administration's
    tables are removed, as AccountView's *organiseren* does. The bytes depend on the office's bytes
    and the arguments only; modification times are those of now. Raise AvpluginError when the folder
    is no demo office or cannot be written.
    """
    office = open_office(folder)
    chance = random.Random(f"day {seed}")  # noqa: S311 - the same seed has to do the same work
    present = [each for each in office.administrations if each.folder.is_dir()]
    count = math.ceil(len(present) * share)
    touched = chance.sample(present, count)
    paces = [1.0 if chance.random() < busy else _QUIET for _ in touched]
    all_changes: list[Changes] = []
    documents: list[pathlib.Path] = []
    packed: list[str] = []
    try:
        for administration, pace in sorted(
            zip(touched, paces, strict=True), key=lambda pair: pair[0].code
        ):
            today = _next_day(administration)
            clerk = bookkeeping.Clerk(chance, today)
            for path in sorted(administration.folder.glob("*.DBF")):
                if path.stem in _MAIN or chance.random() < _OTHERS:
                    all_changes.append(_work_in(path, clerk, pace))
            documents += _add_documents(administration, clerk)
            if pack and not packed:
                for path in sorted(administration.folder.glob("*.DBF")):
                    if path.stem in _GROWING:
                        all_changes.append(_pack(path, today))
                        packed.append(f"{administration.code}/{path.stem}")
    except (OSError, ValueError, struct.error) as error:
        raise AvpluginError(
            f"cannot play a working day in {folder}: {error}. "
            "Make a new demo office in an empty folder."
        ) from error
    return WorkingDay(
        administrations=tuple(sorted(each.code for each in touched)),
        records_updated=sum(changes.records_updated for changes in all_changes),
        records_appended=sum(changes.records_appended for changes in all_changes),
        memo_blocks_added=sum(changes.memo_blocks_added for changes in all_changes),
        index_pages_rewritten=sum(changes.index_pages_rewritten for changes in all_changes),
        documents_added=tuple(documents),
        tables_packed=tuple(packed),
    )


def _next_day(administration: DemoAdministration) -> datetime.date:
    """Return the day after the last one on which somebody worked in an administration."""
    last = OpenTable(administration.folder / f"{_ENTRIES}.DBF").header.updated
    return last + datetime.timedelta(days=1)


def _work_in(path: pathlib.Path, clerk: bookkeeping.Clerk, pace: float) -> Changes:
    """Change records and append as many: at a pace of 1 a day's part of the year."""
    opened = OpenTable(path)
    book = bookkeeping.book_named(path.stem, opened.fields)
    count = len(opened)
    if book is None or not count:
        return Changes(0, 0, 0, 0)

    names = [field.name for field in book.fields]
    work = int(count * pace / _WORKING_DAYS)
    for _ in range(2 + work):
        number = count - _age(book, clerk, count)
        row = dict(zip(names, book.row(clerk, number, count), strict=True))
        # One column at a time: people change an amount, or a text, or an account.
        name = book.changes[clerk.number_below(len(book.changes))]
        if not opened.is_deleted(number):
            opened.update(number, {name: row[name]})
    if book.weight:
        for number in range(count + 1, count + 4 + work):
            opened.append(book.row(clerk, number, number))
    return opened.write(clerk.today)


def _age(book: bookkeeping.Book, clerk: bookkeeping.Clerk, count: int) -> int:
    """Return how many records are younger than the one that somebody changes."""
    if not book.reach or clerk.chance.random() < _ANYWHERE:
        return clerk.number_below(count)
    return min(int(clerk.chance.expovariate(1 / book.reach) * count), count - 1)


def _add_documents(
    administration: DemoAdministration, clerk: bookkeeping.Clerk
) -> list[pathlib.Path]:
    added = []
    for folder in administration.copy_documents:
        if folder.is_dir() and clerk.chance.random() < 0.7:
            number = 26_000_001 + sum(1 for _ in folder.iterdir())
            name, content = copy_document(administration.name, number, clerk.today, clerk.chance)
            (folder / name).write_bytes(content)
            added.append(folder / name)
    return added


def _pack(path: pathlib.Path, today: datetime.date) -> Changes:
    """Delete a few of the oldest records and pack the table."""
    opened = OpenTable(path)
    for number in (2, 3, 5):
        if number <= len(opened):
            opened.delete(number)
    changes = opened.write(today)
    pack_table(path, today)
    return changes
