"""Which language a bookkeeper gets, and whether it says everything."""

from __future__ import annotations

import datetime
import string
from collections.abc import Sequence

import catalogues
import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo

from avplugin.language import LANGUAGES, date_and_time, language, locale_for, texts_in


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "en"),
        ({"LANG": "nl_NL.UTF-8"}, "nl"),
        ({"LANG": "nl"}, "nl"),
        ({"LANG": "nl_BE@euro"}, "nl"),
        ({"LANG": "nds_DE"}, "en"),
        ({"LANG": "en_GB.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "en_US", "LC_MESSAGES": "nl_NL"}, "nl"),
        ({"LANG": "nl_NL", "LC_MESSAGES": "en_US"}, "en"),
        ({"LANG": "nl_NL", "LC_TIME": "en_US", "LC_MESSAGES": ""}, "nl"),
        ({"LANG": "nl_NL", "LC_ALL": "en_US"}, "en"),
        ({"LANG": "en_US", "LANGUAGE": "de:nl:en"}, "nl"),
        ({"LANG": "nl_NL", "LANGUAGE": "en_GB:nl"}, "en"),
        ({"LANG": "nl_NL", "LANGUAGE": "fr"}, "en"),
        ({"LANG": "nl_NL", "LANGUAGE": ""}, "nl"),
        ({"LANG": "C", "LANGUAGE": "nl"}, "en"),
        ({"LANG": "nl_NL", "LC_ALL": "C.UTF-8"}, "en"),
    ],
)
def test_the_language_is_that_of_the_locale_as_gettext_reads_it(
    environment: dict[str, str], expected: str
) -> None:
    assert language(None, environment) == expected


@pytest.mark.parametrize("wanted", LANGUAGES)
def test_a_wanted_language_goes_before_every_locale(wanted: str) -> None:
    assert language(wanted, {"LC_ALL": "C", "LANG": "nl_NL", "LANGUAGE": "en"}) == wanted


def test_dates_have_a_locale_of_their_own() -> None:
    environment = {"LANG": "en_US", "LC_TIME": "nl_NL"}

    assert locale_for("LC_TIME", environment) == "nl_NL"
    assert locale_for("LC_MESSAGES", environment) == "en_US"
    assert locale_for("LC_TIME", {}) == ""


@pytest.mark.usefixtures("amsterdam")
def test_a_moment_is_shown_in_local_time_as_the_language_writes_it() -> None:
    moment = datetime.datetime(2026, 11, 17, 23, 30, tzinfo=datetime.UTC)

    assert date_and_time(texts_in("en"), moment) == "2026-11-18 00:30"
    assert date_and_time(texts_in("nl"), moment) == "18-11-2026 00:30"


def forms(texts: str | Sequence[object] | None) -> tuple[str, ...]:
    """Return a text, or all forms of one that depends on a number."""
    return (texts,) if isinstance(texts, str) else tuple(str(text) for text in texts or ())


def translated(catalogue: Catalog) -> dict[tuple[str, ...], tuple[str, ...]]:
    return {forms(message.id): forms(message.string) for message in catalogue if message.id}


AGAIN = "run 'python tests/catalogues.py', translate in the .po, and run it again"


@pytest.mark.parametrize("name", catalogues.TRANSLATED)
def test_each_text_in_the_code_is_translated_and_nothing_else_is(name: str) -> None:
    code = set(translated(catalogues.in_the_code()))
    po = catalogues.translations(name)
    known = translated(po)

    assert sorted(code - set(known)) == [], f"not in the .po: {AGAIN}"
    assert sorted(set(known) - code) == [], f"no longer in the code: {AGAIN}"
    assert [message.id for message in po if message.id and message.fuzzy] == []
    assert [text for text, said in known.items() if not said or not all(said)] == [], AGAIN


@pytest.mark.parametrize("name", catalogues.TRANSLATED)
def test_what_is_used_is_what_was_translated(name: str) -> None:
    with catalogues.po_file(name).with_suffix(".mo").open("rb") as file:
        compiled = read_mo(file)

    assert translated(compiled) == translated(catalogues.translations(name)), AGAIN


def names_in(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("name", catalogues.TRANSLATED)
def test_a_translation_has_the_same_names_to_fill_in(name: str) -> None:
    for message in catalogues.translations(name):
        if message.id:
            wanted = names_in(forms(message.id)[-1])
            assert all(names_in(text) == wanted for text in forms(message.string)), message.id


def test_the_english_of_a_text_is_the_text() -> None:
    english = texts_in("en")

    for message in catalogues.in_the_code():
        if isinstance(message.id, str):
            assert english.gettext(message.id) == message.id
