"""The texts for bookkeepers and their translations; as a program, it brings the files up to date.

    python tests/catalogues.py

adds to each avplugin.po what the code says newly, takes out what it says no more, compiles the .mo
beside it, and lists what is still to be translated: do that in the .po, and start it again.
"""

from __future__ import annotations

import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from avplugin.language import CATALOGUES, DOMAIN, LANGUAGES

PACKAGE = CATALOGUES.parent
TRANSLATED = tuple(name for name in LANGUAGES if name != "en")
_FUNCTIONS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}


def in_the_code() -> Catalog:
    """Return all texts that the code has translated."""
    found = Catalog(domain=DOMAIN, project=DOMAIN)
    for _, _, message, _, _ in extract_from_dir(
        PACKAGE, method_map=[("**.py", "python")], keywords=_FUNCTIONS
    ):
        found.add(message)
    return found


def po_file(language: str) -> Path:
    """Return where the translations are kept that people edit."""
    return CATALOGUES / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def translations(language: str) -> Catalog:
    """Return what the .po says."""
    with po_file(language).open("rb") as file:
        return read_po(file, locale=language, domain=DOMAIN)


def is_translated(texts: str | list[str] | tuple[str, ...] | None) -> bool:
    """Return whether a message has its translation, a plural one all of its forms."""
    return bool(texts) and (isinstance(texts, str) or all(texts or ()))


def update(language: str) -> list[str]:
    """Bring the .po and the .mo up to date; return what is still to be translated."""
    file = po_file(language)
    file.parent.mkdir(parents=True, exist_ok=True)
    kept = translations(language) if file.exists() else Catalog(locale=language, domain=DOMAIN)
    date = kept.creation_date
    kept.update(in_the_code(), no_fuzzy_matching=True)
    kept.creation_date = date  # else each start would change the file
    kept.fuzzy = False
    kept.header_comment = "# What bookkeepers read: see tests/catalogues.py"
    kept.project, kept.version, kept.msgid_bugs_address = DOMAIN, "", ""
    kept.revision_date, kept.last_translator, kept.language_team = date, "", ""
    with file.open("wb") as stream:
        write_po(stream, kept, width=100, no_location=True, sort_output=True, ignore_obsolete=True)
    with file.with_suffix(".mo").open("wb") as stream:
        write_mo(stream, translations(language))
    return [str(message.id) for message in kept if message.id and not is_translated(message.string)]


def main() -> None:
    """Bring all of them up to date."""
    for language in TRANSLATED:
        for text in update(language):
            sys.stdout.write(f"{po_file(language)}: to be translated: {text}\n")


if __name__ == "__main__":
    main()
