"""The tables of a made-up administration, and what stands in them.

The names are those of Dutch bookkeeping; AccountView's own tables are its vendor's business.
"""

from __future__ import annotations

import dataclasses
import datetime
import random
from collections.abc import Callable, Sequence

from avplugin.demo import names
from avplugin.foxpro.compound_index import Tag
from avplugin.foxpro.table import Field, Value


@dataclasses.dataclass(frozen=True)
class Clerk:
    """Whoever makes up the entries: the only source of chance, and the day it is."""

    chance: random.Random
    today: datetime.date

    def number_below(self, limit: int) -> int:
        """Return a number from 0."""
        return int(self.chance.random() * limit)

    def one_of(self, values: Sequence[str]) -> str:
        """Return one of the values."""
        return values[int(self.chance.random() * len(values))]

    def favourite_below(self, limit: int) -> int:
        """Return a number from 0, a low one more likely: half of the work is on a tenth of all."""
        return int(self.chance.random() ** 3 * limit)

    def amount(self, limit: int = 2000) -> float:
        """Return euros and cents."""
        return int(self.chance.random() * limit * 100) / 100

    def day(self, number: int, of: int) -> datetime.date:
        """Return the day of entry `number`: entries fill the year up to today in order."""
        first = datetime.date(self.today.year, 1, 1)
        days = (self.today - first).days + 1
        return first + datetime.timedelta(days=min(number * days // max(of, 1), days - 1))

    def company(self) -> str:
        """Return the name of a company."""
        surname = self.one_of(names.SURNAMES)
        return f"{self.one_of(names.TRADES)} {surname} {self.one_of(names.FORMS)}"

    def remark(self, share: float) -> str:
        """Return a text for a memo field, or none: `share` of the records have one."""
        if self.chance.random() > share:
            return ""
        count = 1 + self.number_below(4)
        return "\r\n".join(self.one_of(names.REMARKS) for _ in range(count))


Row = tuple[Value, ...]


@dataclasses.dataclass(frozen=True)
class Book:
    """One table: its columns, orders, rows, and what of it changes on a working day.

    `weight` is the part of an administration's bytes that it gets; a book without weight has
    `records` of them. `row` makes record `number` of `of`. `changes` are columns that are
    changed in place. `reach` is how old the records are that people change, on average, as a
    part of the table: entries are corrected within days, invoices paid within weeks. Without it
    any record is as likely, as with customers and articles.
    """

    name: str
    fields: tuple[Field, ...]
    tags: tuple[Tag, ...]
    row: Callable[[Clerk, int, int], Row]
    changes: tuple[str, ...]
    weight: float = 0.0
    records: int = 0
    reach: float = 0.0


def _ledger_account(clerk: Clerk, number: int, of: int) -> Row:  # noqa: ARG001 - all rows alike
    code = f"{number * 10 % 10000:04d}"
    balance = clerk.amount(90_000) - 30_000
    name = f"{clerk.one_of(names.GOODS)} {number}"
    return code, name, "BW"[number % 2], balance, clerk.amount(), number % 7 != 0, None


def _party(clerk: Clerk, number: int, of: int) -> Row:  # noqa: ARG001 - all rows alike
    house = f"{clerk.one_of(names.STREETS)} {1 + clerk.number_below(250)}"
    letters = clerk.one_of("ABEGHJKLNPRSTVWXZ") + clerk.one_of("ABEGHJKLNPRSTVWXZ")
    postcode = f"{1000 + clerk.number_below(8999)} {letters}"
    account = f"NL{10 + clerk.number_below(89)}RABO0{100_000_000 + clerk.number_below(899_999_999)}"
    credit = float(clerk.number_below(20)) * 500
    return (
        f"{10000 + number}",
        clerk.company(),
        house,
        postcode,
        clerk.one_of(names.PLACES),
        account,
        14 + clerk.number_below(3) * 8,
        credit,
        clerk.amount(),
        clerk.today,
        clerk.remark(0.3),
    )


def _journal(clerk: Clerk, number: int, of: int) -> Row:  # noqa: ARG001 - all rows alike
    kinds = ("INK", "VERK", "KAS", "BANK", "MEM", "SAL")
    kind = kinds[number % len(kinds)]
    return kind + str(number), f"{kind.capitalize()}boek {number}", number, clerk.amount(), None


def _entry(clerk: Clerk, number: int, of: int) -> Row:
    """Return a line of a document, which has three: what for, the VAT, and who owes or is owed."""
    date = clerk.day(number, of)
    amount = clerk.amount() - 600
    document, line = divmod(number, 3)
    account = (
        (5 + clerk.favourite_below(395)) * 10,
        30 + document % 2 * 10,
        10 + document % 2 * 10,
    )[line]
    return (
        number,
        clerk.one_of(("INK1", "VERK2", "KAS3", "BANK4", "MEM5")),
        date.month,
        date,
        f"{account:04d}",
        f"{10001 + _party_of(document)}" if line else "",
        clerk.one_of(names.GOODS),
        amount,
        clerk.one_of(("H", "L", "N", "V")),
        round(amount * 0.21, 2),
        datetime.datetime.combine(date, datetime.time(8 + number % 9, number % 60)),
        number % 11 == 0,
    )


def _party_of(document: int) -> int:
    """Return a number from 0: who all lines of a document are about; half the time one of 40."""
    part = document * 0.6180339887 % 1  # spread as if by chance
    return int(part**3 * 300)


def _invoice(clerk: Clerk, number: int, of: int) -> Row:
    date = clerk.day(number, of)
    amount = clerk.amount(5000)
    return (
        26_000_000 + number,
        f"{10001 + clerk.favourite_below(300)}",
        date,
        date + datetime.timedelta(days=30),
        amount,
        round(amount * 0.21, 2),
        amount if number % 4 == 0 else 0.0,
        number % 4 == 0,
        clerk.remark(0.15),
    )


def _invoice_line(clerk: Clerk, number: int, of: int) -> Row:  # noqa: ARG001 - all rows alike
    price = clerk.amount(300)
    count = 1 + clerk.number_below(40)
    article = f"ART{1 + clerk.favourite_below(500):05d}"
    description = clerk.one_of(names.GOODS)
    return (
        26_000_000 + number // 3,
        number % 3 + 1,
        article,
        description,
        count,
        price,
        count * price,
    )


def _article(clerk: Clerk, number: int, of: int) -> Row:  # noqa: ARG001 - all rows alike
    stock = float(clerk.number_below(1000))
    name = f"{clerk.one_of(names.GOODS)} {number}"
    return (
        f"ART{number:05d}",
        name,
        clerk.amount(300),
        stock,
        clerk.chance.random(),
        clerk.remark(0.2),
    )


def _vat(clerk: Clerk, number: int, of: int) -> Row:  # noqa: ARG001 - all rows alike
    rates = ((21.0, "Hoog"), (9.0, "Laag"), (0.0, "Nul"), (0.0, "Verlegd"))
    rate, name = rates[number % len(rates)]
    return f"{name[0]}{number}", f"Btw {name.lower()} {number}", rate, clerk.amount(9000)


def _setting(clerk: Clerk, number: int, of: int) -> Row:  # noqa: ARG001 - all rows alike
    return f"INSTELLING{number:03d}", str(clerk.number_below(1000)), clerk.today


def _master(clerk: Clerk, number: int, of: int) -> Row:  # noqa: ARG001 - all rows alike
    return f"{number:06d}", clerk.company(), clerk.amount(), clerk.today, clerk.number_below(99)


def _master_with_remark(clerk: Clerk, number: int, of: int) -> Row:
    return (*_master(clerk, number, of), clerk.remark(0.3))


_PARTY_FIELDS = (
    Field("SUB_CODE", "C", 10),
    Field("SUB_NAAM", "C", 50),
    Field("ADRES", "C", 40),
    Field("POSTCODE", "C", 8),
    Field("PLAATS", "C", 30),
    Field("IBAN", "C", 34),
    Field("BET_TERM", "N", 3),
    Field("KREDIETLIM", "N", 12, 2),
    Field("SALDO", "N", 14, 2),
    Field("GEWIJZIGD", "D"),
    Field("OPMERKING", "M"),
)
_PARTY_TAGS = (
    Tag("SUB_CODE", "SUB_CODE"),
    Tag("NAAM", "UPPER(SUB_NAAM)"),
    Tag("PLAATS", "PLAATS+SUB_CODE"),
)
_MASTER_FIELDS = (
    Field("CODE", "C", 10),
    Field("OMSCHR", "C", 60),
    Field("BEDRAG", "N", 14, 2),
    Field("DATUM", "D"),
    Field("VOLGNR", "I"),
)
_MASTER_TAGS = (Tag("CODE", "CODE"),)

MAIN_BOOKS = (
    Book(
        "GROOTBOEK",
        (
            Field("REK_NR", "C", 8),
            Field("REK_OMSCHR", "C", 40),
            Field("BAL_WV", "C", 1),
            Field("SALDO", "N", 14, 2),
            Field("BUDGET", "N", 14, 2),
            Field("ACTIEF", "L"),
            Field("LST_BOEK", "D"),
        ),
        (Tag("REK_NR", "REK_NR"), Tag("OMSCHR", "UPPER(REK_OMSCHR)")),
        _ledger_account,
        ("SALDO", "BUDGET"),
        weight=0.05,
    ),
    Book("DEBITEUR", _PARTY_FIELDS, _PARTY_TAGS, _party, (*("SALDO",) * 9, "PLAATS"), weight=0.10),
    Book("CREDITEUR", _PARTY_FIELDS, _PARTY_TAGS, _party, ("SALDO", "OPMERKING"), weight=0.06),
    Book(
        "DAGBOEK",
        (
            Field("DAGB_CODE", "C", 8),
            Field("OMSCHR", "C", 40),
            Field("LST_STUK", "I"),
            Field("SALDO", "Y", 8, 4),
            Field("LST_BOEK", "T"),
        ),
        (Tag("DAGB_CODE", "DAGB_CODE"),),
        _journal,
        ("LST_STUK", "SALDO"),
        records=8,
    ),
    Book(
        "MUTATIE",
        (
            Field("STUKNR", "I"),
            Field("DAGB_CODE", "C", 8),
            Field("PERIODE", "N", 2),
            Field("BOEKDATUM", "D"),
            Field("REK_NR", "C", 8),
            Field("SUB_CODE", "C", 10),
            Field("OMSCHR", "C", 40),
            Field("BEDRAG", "N", 14, 2),
            Field("BTW_CODE", "C", 3),
            Field("BTW_BEDRAG", "N", 12, 2),
            Field("INGEVOERD", "T"),
            Field("VERWERKT", "L"),
        ),
        (
            Tag("STUKNR", "STUKNR"),
            Tag("REK_DATUM", "REK_NR+DTOS(BOEKDATUM)"),
            Tag("SUB_CODE", "SUB_CODE"),
        ),
        _entry,
        # Nearly always a text or a mark; an account that was wrong is the exception.
        (*("OMSCHR", "VERWERKT") * 5, "REK_NR"),
        weight=0.48,
        reach=0.02,
    ),
    Book(
        "FACTUUR",
        (
            Field("FACT_NR", "I"),
            Field("SUB_CODE", "C", 10),
            Field("FACT_DATUM", "D"),
            Field("VERV_DATUM", "D"),
            Field("BEDRAG", "N", 14, 2),
            Field("BTW_BEDRAG", "N", 12, 2),
            Field("VOLDAAN", "N", 14, 2),
            Field("AFGESL", "L"),
            Field("TOELICHT", "M"),
        ),
        (Tag("FACT_NR", "FACT_NR"), Tag("FACT_DATUM", "FACT_DATUM"), Tag("BEDRAG", "BEDRAG")),
        _invoice,
        ("VOLDAAN", "TOELICHT"),
        weight=0.10,
        reach=0.10,
    ),
    Book(
        "FACTREGEL",
        (
            Field("FACT_NR", "I"),
            Field("REGEL", "I"),
            Field("ART_CODE", "C", 12),
            Field("OMSCHR", "C", 40),
            Field("AANTAL", "N", 10, 2),
            Field("PRIJS", "N", 12, 2),
            Field("BEDRAG", "N", 14, 2),
        ),
        (Tag("FACT_REGEL", "STR(FACT_NR,10)+STR(REGEL,5)"), Tag("ART_CODE", "ART_CODE")),
        _invoice_line,
        ("PRIJS",),
        weight=0.12,
        reach=0.02,
    ),
    Book(
        "ARTIKEL",
        (
            Field("ART_CODE", "C", 12),
            Field("OMSCHR", "C", 60),
            Field("PRIJS", "Y", 8, 4),
            Field("VOORRAAD", "N", 12, 2),
            Field("GEWICHT", "B", 8, 4),
            Field("TEKST", "M"),
        ),
        (Tag("ART_CODE", "ART_CODE"), Tag("OMSCHR", "UPPER(OMSCHR)")),
        _article,
        ("PRIJS", "VOORRAAD"),
        weight=0.09,
    ),
    Book(
        "BTW",
        (
            Field("BTW_CODE", "C", 3),
            Field("OMSCHR", "C", 40),
            Field("PERC", "N", 6, 2),
            Field("BEDRAG", "N", 14, 2),
        ),
        (Tag("BTW_CODE", "BTW_CODE"),),
        _vat,
        ("BEDRAG",),
        records=9,
    ),
    Book("KOSTENPL", _MASTER_FIELDS, _MASTER_TAGS, _master, ("BEDRAG",), records=25),
    Book("PERIODE", _MASTER_FIELDS, (), _master, ("BEDRAG",), records=13),
    Book(
        "INSTEL",
        (Field("SLEUTEL", "C", 20), Field("WAARDE", "C", 60), Field("GEWIJZIGD", "D")),
        (),
        _setting,
        ("WAARDE",),
        records=40,
    ),
)

_EXTRA_FIELDS_WITH_REMARK = (*_MASTER_FIELDS, Field("NOTITIE", "M"))


def extra_books(files: int) -> list[Book]:
    """Return small books that take exactly `files` files together: the more, the more books."""
    books: list[Book] = []
    number = 0
    while files > 0:
        known = number < len(names.EXTRA_TABLES)
        name = names.EXTRA_TABLES[number] if known else f"TABEL{number:03d}"
        taken = min(files, 3 if number % 4 == 0 else 2)
        books.append(_extra_book(name, taken))
        files -= taken
        number += 1
    return books


def _extra_book(name: str, files: int) -> Book:
    fields = _EXTRA_FIELDS_WITH_REMARK if files == 3 else _MASTER_FIELDS
    tags = _MASTER_TAGS if files > 1 else ()
    row = _master_with_remark if files == 3 else _master
    return Book(name, fields, tags, row, ("BEDRAG",), records=20)


def book_named(name: str, fields: Sequence[Field]) -> Book | None:
    """Return the book of a table found in a demo office, or None for another kind of table."""
    for book in MAIN_BOOKS:
        if book.name == name:
            return book
    if [field.name for field in fields][: len(_MASTER_FIELDS)] == [
        field.name for field in _MASTER_FIELDS
    ]:
        return _extra_book(name, 3 if len(fields) > len(_MASTER_FIELDS) else 2)
    return None
