"""LEESMIJ.txt and README.txt: what a package is and what to do with it, for whoever gets one."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from avplugin.language import date_and_time, texts_in
from avplugin.package.books import Books

NAMES = {"nl": "LEESMIJ.txt", "en": "README.txt"}
_WIDTH = 78  # characters of a line


def read_me(books: Books, *, is_encrypted: bool) -> Iterator[tuple[str, bytes]]:
    """Yield both files by name: text that Notepad of any Windows shows.

    Everybody can read them, so they say no more of a client than the names of files do.
    """
    for language, name in NAMES.items():
        paragraphs = _paragraphs(books, language, is_encrypted=is_encrypted)
        lines = [line for paragraph in paragraphs for line in (*_wrapped(paragraph), "")]
        yield name, "\r\n".join(lines).encode("utf-8-sig", "replace")


def _wrapped(paragraph: str) -> list[str]:
    indent = " " * 3 if paragraph[:1].isdigit() else ""
    return textwrap.wrap(paragraph, _WIDTH, subsequent_indent=indent, break_on_hyphens=False)


def _paragraphs(books: Books, language: str, *, is_encrypted: bool) -> Iterator[str]:
    texts = texts_in(language)
    _ = texts.gettext
    code = books.folders[0].code
    yield _("The AccountView administration {code}, as it was on {moment}.").format(
        code=code, moment=date_and_time(texts, books.taken)
    )
    yield _(
        "avplugin made this file. With avplugin it is put back by: avplugin import FILE."
        " AccountView's own wizard cannot read it. Without avplugin:"
    )
    if is_encrypted:
        yield _(
            "1. Open the file with 7-Zip (www.7-zip.org) and extract all of it. 7-Zip asks for the"
            " password that you got from whoever sent you this. Windows Explorer cannot open files"
            " that are encrypted in this way (AES-256)."
        )
    else:
        yield _(
            "1. Extract all of the file, with 7-Zip (www.7-zip.org) or Windows Explorer. It has NO"
            " password: whoever has the file can read the books."
        )
    yield _(
        "2. Put the folder {code} where your administrations are. Always put the whole folder"
        " there, and never on top of one that is there: a table with an index of another moment"
        " gives wrong answers without an error."
    ).format(code=code)
    yield _(
        "3. In AccountView: Bestand > Administraties, Bewerken > Toevoegen, answer Nee; fill in"
        " code and name, point Map administratie at the folder, and answer Ja to"
        ' "already in use".'
    )
    if len(books.folders) > 1:
        yield _("4. Point Map kopiedoc at the folder of the copy documents.")
    yield _("The books are of AccountView {version}. Open them with that version.").format(
        version=books.run.accountview_version or _("not known")
    )
