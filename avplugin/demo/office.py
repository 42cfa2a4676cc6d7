r"""A made-up office with AccountView: program, system tables, administrations and a register.

The folder is what a Windows server would share as \\KANTOOR\AccountView and workstations
have as drive V:.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import datetime
import functools
import os
import pathlib
import random
import struct
from collections.abc import Iterable, Sequence

from avplugin.demo import bookkeeping, names
from avplugin.demo.document import invoice_document
from avplugin.demo.executable import executable
from avplugin.errors import AvpluginError
from avplugin.foxpro import container, table
from avplugin.foxpro.compound_index import Tag
from avplugin.foxpro.open_table import OpenTable

WINDOWS_SHARE = r"\\KANTOOR\AccountView"
WINDOWS_DRIVE = "V:"
VERSION = "11.2.0.415"
REGISTER = "administraties.dbf"
MARKER = "DEMO.txt"  # what tells a demo office, which may be written in, from a real one
COPY_DOCUMENTS_INSIDE = "KOPIEDOC"
FORGOTTEN = "Huisstijl"  # the folder that a language code names and nobody thought of

MOST_ADMINISTRATIONS = 2000
SIZES = range(20_000, 1_000_000_001)
FEWEST_FILES = 29  # what the twelve main tables and their container take
MOST_FILES = 1000

_WORTH_PROCESSES = 50_000_000  # bytes of tables; starting a process for less takes longer

_MARKER_LINE = "This office is made up by avplugin; its administrations are nobody's."
_REGISTER_FIELDS = (
    table.Field("ADM_CODE", "C", 12),
    table.Field("ADM_NAME", "C", 60),
    table.Field("ADM_MAP", "C", 200),
    table.Field("ADM_DOC", "C", 200),
)


@dataclasses.dataclass(frozen=True)
class DemoAdministration:
    """One administration, and where it lies here and to Windows.

    `copy_documents` is empty where there are none, and `windows_copy_documents` is then too.
    """

    code: str
    name: str
    folder: pathlib.Path
    windows_folder: str
    copy_documents: tuple[pathlib.Path, ...]
    windows_copy_documents: str


@dataclasses.dataclass(frozen=True)
class Office:
    """A demo office on this machine."""

    folder: pathlib.Path
    program: pathlib.Path
    system: pathlib.Path
    extra: tuple[pathlib.Path, ...]
    administrations: tuple[DemoAdministration, ...]
    register: pathlib.Path


def generate_office(
    folder: pathlib.Path,
    *,
    administrations: int = 8,
    seed: int = 1,
    size: int = 400_000,
    files: int = FEWEST_FILES,
) -> Office:
    """Given a folder that is empty or not there yet, make an office in it.

    `size` is about how many bytes an administration gets, copy documents apart (its tables take
    some 95 KB with 29 files and 380 KB with 120, however little is in them); `files` is exactly
    how many files, copy documents apart. The same arguments give the same bytes and
    modification times. Raise AvpluginError when the folder is in use or cannot be written, or
    when a number is out of range.
    """
    _check_range("administrations", administrations, range(1, MOST_ADMINISTRATIONS + 1))
    _check_range("size", size, SIZES)
    _check_range("files", files, range(FEWEST_FILES, MOST_FILES + 1))
    folder = pathlib.Path(folder).absolute()
    try:
        if folder.exists() and any(folder.iterdir()):
            raise AvpluginError(
                f"{folder} is not empty. A demo office needs an empty folder, or a new one."
            )
        return _Builder(folder, administrations, seed, size, files).build()
    except OSError as error:
        raise AvpluginError(
            f"cannot make a demo office in {folder}: {error.strerror or error}. "
            "Choose a folder that you may write in."
        ) from error


def open_office(folder: pathlib.Path) -> Office:
    """Given the folder of a demo office, return it as its register has it now.

    Raise AvpluginError when it is no demo office: nothing that changes an office may ever be
    let loose on a real one.
    """
    folder = pathlib.Path(folder).absolute()
    problem = f"{folder} is no demo office. Make one with `avplugin demo`, in an empty folder."
    try:
        if not (folder / MARKER).read_text(encoding="utf-8").startswith(_MARKER_LINE):
            raise AvpluginError(problem)
        register = OpenTable(folder / REGISTER)
        found = []
        for number in range(1, len(register) + 1):
            code, name, place, documents = (
                str(register.value(number, field.name)) for field in _REGISTER_FIELDS
            )
            copies = (_local(folder, documents),) if documents else ()
            found.append(
                DemoAdministration(code, name, _local(folder, place), place, copies, documents)
            )
    except (OSError, ValueError, KeyError, struct.error) as error:
        raise AvpluginError(problem) from error
    return _office(folder, found)


def write_register(
    path: pathlib.Path,
    administrations: Iterable[DemoAdministration],
    *,
    updated: datetime.date = datetime.date(2026, 3, 1),
) -> None:
    """Write the list of administrations as AccountView exports it from its window, as a table."""
    rows = [
        (each.code, each.name, each.windows_folder, each.windows_copy_documents)
        for each in administrations
    ]
    path.write_bytes(table.build_table(_REGISTER_FIELDS, rows, updated=updated).table)


def _check_range(name: str, value: int, allowed: range) -> None:
    if value not in allowed:
        raise AvpluginError(
            f"{name} is {value}; a demo office takes {allowed[0]:,} to {allowed[-1]:,}."
        )


def _office(folder: pathlib.Path, administrations: Sequence[DemoAdministration]) -> Office:
    program = folder / "Programma"
    return Office(
        folder=folder,
        program=program,
        system=program / "Systeem",
        extra=(folder / "Layouts",),
        administrations=tuple(administrations),
        register=folder / REGISTER,
    )


def _local(folder: pathlib.Path, windows_path: str) -> pathlib.Path:
    """Return where a path of the register lies here; letter case counts for nothing in it."""
    path = windows_path.replace("/", "\\").rstrip("\\")
    for start in (WINDOWS_SHARE, WINDOWS_DRIVE):
        if path.casefold().startswith(start.casefold() + "\\"):
            place = folder
            for part in path[len(start) + 1 :].split("\\"):
                there = [entry.name for entry in place.iterdir()] if place.is_dir() else []
                same = [name for name in there if name.casefold() == part.casefold()]
                place /= same[0] if same else part
            return place
    raise ValueError(f"{windows_path} lies outside the office")


_FIRST_NAMES = (
    ("BAKKER26", "Bakkerij Van Dijk 2026"),
    ("SLAGER26", "Slagerij De Groot & Zn. 2026"),
    ("CAFE26", "Café 't Hoekje & Zn."),
)
# Codes whose folders are called otherwise, and by names that patterns and shells trip over.
_NASTY_FOLDERS = (
    ("KLANT12", 'Hoveniersbedrijf "De Linde" [12]', "Klant [12]"),
    ("KLANT1", "Klant één B.V.", "Klant 1"),
    ("KLANT2", "Klant twee; 100% eigen risico", "Klant 2"),
    ("CAFEOUD", "Eetcafé d'Oude Brug (tot 2025)", "café-oud"),
    ("VANDIJK", "Van Dijk & Zonen V.O.F.", "Van Dijk & Zonen VOF"),
)


def _namings(count: int, chance: random.Random) -> list[tuple[str, str, str]]:
    """Return code, name and folder name of each administration."""
    clerk = bookkeeping.Clerk(chance, datetime.date(2026, 1, 1))
    ordinary = []
    for number in range(count):
        group, trade = divmod(number, len(names.TRADE_CODES))
        letter, year = divmod(group, 3)
        code = (
            names.TRADE_CODES[trade] + (chr(ord("@") + letter) if letter else "") + str(26 - year)
        )
        name = dict(_FIRST_NAMES).get(code, f"{clerk.company()} {2026 - year}")
        ordinary.append((code, name, code))
    if count < 4:
        return ordinary
    nasty = _NASTY_FOLDERS[: count - 1]
    first = min(count - len(nasty), len(_FIRST_NAMES))
    return [*ordinary[:first], *nasty, *ordinary[first : count - len(nasty)]]


class _Builder:
    """Makes one office, file by file, each with the modification time it is to have."""

    def __init__(
        self, folder: pathlib.Path, administrations: int, seed: int, size: int, files: int
    ) -> None:
        self._folder = folder
        self._seed = seed
        self._size = size
        # Demo data: the same seed has to give the same office, so no system randomness.
        self._chance = random.Random(f"office {seed}")  # noqa: S311
        self._today = datetime.date(2026, 3, 1) + datetime.timedelta(days=seed % 28)
        self._books = [*bookkeeping.MAIN_BOOKS, *bookkeeping.extra_books(files - FEWEST_FILES)]
        self._namings = _namings(administrations, self._chance)

    def build(self) -> Office:
        office = _office(
            self._folder,
            [self._place(number, *naming) for number, naming in enumerate(self._namings)],
        )
        self._make_program(office)
        self._make_system(office)
        self._make_layouts(office.extra[0])
        self._counts = _record_counts(tuple(self._books), self._size)
        if self._size * len(office.administrations) < _WORTH_PROCESSES:
            for administration in office.administrations:
                self._make_administration(administration)
        else:
            with concurrent.futures.ProcessPoolExecutor() as processes:
                list(processes.map(self._make_administration, office.administrations))
        write_register(office.register, office.administrations, updated=self._today)
        self._stamp(office.register, self._chance)
        text = f"{_MARKER_LINE}\nSeed {self._seed}. Delete the folder when you are done.\n"
        self._write(office.folder / MARKER, text.encode(), self._chance)
        # Last, because writing in a folder changes its time; sorted, because file systems
        # list folders in orders of their own.
        for place in sorted(place for place, _, _ in os.walk(office.folder)):
            self._stamp(pathlib.Path(place), self._chance)
        return office

    def _place(self, number: int, code: str, name: str, folder_name: str) -> DemoAdministration:
        """Decide where an administration and its copy documents go, and how Windows says so."""
        folder = self._folder / "Administraties" / folder_name
        inside, elsewhere, none = (
            (folder / COPY_DOCUMENTS_INSIDE,),
            (self._folder / "Kopiedocumenten" / code,),
            (),
        )
        copies: tuple[pathlib.Path, ...] = (inside, elsewhere, inside, none)[number % 4]
        return DemoAdministration(
            code=code,
            name=name,
            folder=folder,
            windows_folder=self._windows(folder, number),
            copy_documents=copies,
            windows_copy_documents=self._windows(copies[0], number) if copies else "",
        )

    def _windows(self, path: pathlib.Path, number: int) -> str:
        """Return a path in one of the forms that registers mix."""
        inner = "\\".join(path.relative_to(self._folder).parts)
        share = f"{WINDOWS_SHARE}\\{inner}"
        drive = f"{WINDOWS_DRIVE}\\{inner}"
        return (share, share.lower() + "\\", drive, drive.replace("\\", "/"))[number % 4]

    def _write(self, path: pathlib.Path, content: bytes, chance: random.Random) -> None:
        path.write_bytes(content)
        self._stamp(path, chance)

    def _stamp(self, path: pathlib.Path, chance: random.Random) -> None:
        midnight = datetime.datetime.combine(self._today, datetime.time(), datetime.UTC)
        moment = int(midnight.timestamp()) + 8 * 3600 + int(chance.random() * 9 * 3600)
        os.utime(path, (moment, moment))

    def _write_table(
        self, stem: pathlib.Path, files: table.TableFiles, chance: random.Random
    ) -> None:
        is_container = files.table[28] & table.IS_CONTAINER
        endings = (".DBC", ".DCT", ".DCX") if is_container else (".DBF", ".FPT", ".CDX")
        for ending, content in zip(endings, (files.table, files.memo, files.index), strict=True):
            if content:
                # with_suffix would take the dot of a code for one of an ending
                self._write(stem.with_name(stem.name + ending), content, chance)

    def _make_administration(self, administration: DemoAdministration) -> None:
        # Its own chance, so that one administration does not depend on those before it.
        chance = random.Random(f"{administration.code} {self._seed}")  # noqa: S311
        self._make_tables(administration, chance)
        self._make_documents(administration, chance)

    def _make_tables(self, administration: DemoAdministration, chance: random.Random) -> None:
        folder = administration.folder
        folder.mkdir(parents=True)
        clerk = bookkeeping.Clerk(chance, self._today)
        container_name = f"{administration.code}.DBC".lower()
        for book in self._books:
            built = _build_book(book, clerk, self._counts[book.name], container_name)
            self._write_table(folder / book.name, built, chance)
        listed = [(f"{book.name}.DBF".lower(), book.fields) for book in self._books]
        built = container.build_container(listed, updated=self._today)
        self._write_table(folder / administration.code, built, chance)

    def _make_documents(self, administration: DemoAdministration, chance: random.Random) -> None:
        for folder in administration.copy_documents:
            folder.mkdir(parents=True)
            for position in range(3 + int(chance.random() * 4)):
                name, content = copy_document(
                    administration.name, 26_000_001 + position, self._today, chance
                )
                self._write(folder / name, content, chance)

    def _make_program(self, office: Office) -> None:
        folder = office.program
        office.system.mkdir(parents=True)
        chance = self._chance
        for name, description, length in (
            ("avwin.exe", "AccountView", 60_000),
            ("avrun.dll", "AccountView runtime", 90_000),
            ("avcom.dll", "AccountView COM-koppeling", 20_000),
        ):
            texts = {
                "CompanyName": "Demo Software B.V.",
                "FileDescription": description,
                "FileVersion": VERSION,
                "InternalName": name.split(".", maxsplit=1)[0],
                "LegalCopyright": "Made up for a demo",
                "OriginalFilename": name,
                "ProductName": "AccountView",
                "ProductVersion": VERSION,
            }
            content = executable(VERSION, texts, padding=chance.randbytes(length))
            self._write(folder / name, content, chance)
        settings = "[AccountView]\r\nVersie=11.2\r\nTaal=NL\r\nSysteem=Systeem\r\n"
        self._write(folder / "avwin.ini", settings.encode("cp1252"), chance)
        self._write(folder / "avtools.fll", chance.randbytes(12_000), chance)
        help_text = "Kies Bestand > Administraties om een administratie te openen.\r\n" * 50
        self._write(folder / "avhelp.txt", help_text.encode("cp1252"), chance)

    def _make_system(self, office: Office) -> None:
        users = [
            (f"GEBR{number:02d}", name, number == 1, "")
            for number, name in enumerate(("Anneke Visser", "Jörg Bakker", "Saïda el Amrani"), 1)
        ]
        administrations = [
            (each.code, each.name, each.windows_folder, each.windows_copy_documents)
            for each in office.administrations
        ]
        languages = [
            (
                *("NL", "Nederlands", f"{WINDOWS_SHARE}\\Layouts\\logo.bmp"),
                *(f"{WINDOWS_DRIVE}\\Layouts\\factuur.lay", "Met vriendelijke groet"),
            ),
            (
                *("EN", "Engels", f"{WINDOWS_DRIVE}\\{FORGOTTEN}\\logo english.bmp"),
                *("", f"Regards\r\n{WINDOWS_DRIVE}/Layouts/logo café.bmp"),
            ),
        ]
        for name, fields, tags, rows in (
            (
                "GEBRUIKER",
                [
                    table.Field("GEBR_CODE", "C", 10),
                    table.Field("NAAM", "C", 40),
                    table.Field("BEHEERDER", "L"),
                    table.Field("VOORKEUR", "M"),
                ],
                [Tag("GEBR_CODE", "GEBR_CODE")],
                users,
            ),
            (
                "LICENTIE",
                [table.Field("MODULE", "C", 20), table.Field("AANTAL", "N", 4)],
                [],
                [("BASIS", 5), ("KOPIEDOC", 5), ("BACKOFFICE", 1)],
            ),
            (
                "ADMIN",
                _REGISTER_FIELDS,
                [Tag("ADM_CODE", "ADM_CODE"), Tag("ADM_NAME", "UPPER(ADM_NAME)")],
                administrations,
            ),
            (
                "TAALCODE",
                [
                    table.Field("CODE", "C", 3),
                    table.Field("NAAM", "C", 30),
                    table.Field("LOGO", "C", 120),
                    table.Field("LAYOUT", "C", 120),
                    table.Field("SLOTTEKST", "M"),
                ],
                [Tag("CODE", "CODE")],
                languages,
            ),
        ):
            built = table.build_table(fields, rows, updated=self._today, tags=tags)
            self._write_table(office.system / name, built, self._chance)

    def _make_layouts(self, folder: pathlib.Path) -> None:
        forgotten = self._folder / FORGOTTEN
        forgotten.mkdir()
        self._write(forgotten / "logo english.bmp", _picture(60, 40, b"\x80\0\0"), self._chance)
        folder.mkdir()
        for name in ("logo.bmp", "logo café.bmp"):
            colour = self._chance.randbytes(3)
            self._write(folder / name, _picture(60, 40, colour), self._chance)
        for name in ("factuur.lay", "pakbon.lay", "herinnering [2e].lay"):
            text = f"LAYOUT {name}\r\nVELD FACT_NR 10,20\r\nVELD FACT_DATUM 10,30\r\n"
            self._write(folder / name, text.encode("cp1252"), self._chance)


def copy_document(
    company: str, number: int, date: datetime.date, chance: random.Random
) -> tuple[str, bytes]:
    """Return the file name and content of the copy of one invoice."""
    clerk = bookkeeping.Clerk(chance, date)
    lines = [(f"Regel {line}", clerk.amount(500)) for line in range(1, 3 + clerk.number_below(6))]
    return f"Factuur {number}.pdf", invoice_document(company, number, date, lines)


def _build_book(
    book: bookkeeping.Book, clerk: bookkeeping.Clerk, count: int, back_link: str
) -> table.TableFiles:
    rows = [book.row(clerk, number, count) for number in range(1, count + 1)]
    deleted: frozenset[int] = frozenset()
    if book.weight:
        deleted = frozenset(
            number for number in range(1, count + 1) if clerk.chance.random() < 0.01
        )
    return table.build_table(
        book.fields,
        rows,
        updated=clerk.today,
        tags=book.tags,
        deleted=deleted,
        back_link=back_link,
    )


def _record_counts(books: tuple[bookkeeping.Book, ...], size: int) -> dict[str, int]:
    """Return how many records each table gets for an administration to be of about `size`."""
    least = 5
    spare = size - sum(_bytes_taken(book, book.records or least) for book in books)
    counts = {}
    for book in books:
        counts[book.name] = book.records
        if book.weight:
            for_one = (_bytes_taken(book, 600) - _bytes_taken(book, 200)) / 400
            counts[book.name] = max(least, int(spare * book.weight / for_one))
    return counts


@functools.cache
def _bytes_taken(book: bookkeeping.Book, records: int) -> int:
    """Return the length of a table's files together, for a sample with so many records."""
    chance = random.Random(0)  # noqa: S311 - a sample, the same each time
    clerk = bookkeeping.Clerk(chance, datetime.date(2026, 3, 1))
    files = _build_book(book, clerk, records, "")
    return len(files.table) + len(files.memo) + len(files.index)


def _picture(width: int, height: int, colour: bytes) -> bytes:
    """Return a picture of one colour in Windows' bitmap format, 24 bits for each point."""
    row = colour * width
    rows = (row + bytes(-len(row) % 4)) * height
    header = struct.pack("<2sIHHI", b"BM", 54 + len(rows), 0, 0, 54)
    sizes = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, len(rows), 2835, 2835, 0, 0)
    return header + sizes + rows
