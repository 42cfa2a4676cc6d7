"""Columns of a register told by what is in them, whatever they are called."""

from __future__ import annotations

import pytest

from avplugin.installation.register import RegisterColumn
from avplugin.setup.columns import Guess, guess_columns

CODES = RegisterColumn("A", ("BAKKER26", "KLANT1", "KLANT2"))
NAMES = RegisterColumn("B", ("Bakkerij Van Dijk 2026", "Klant één B.V.", "Klant één B.V."))
YEARS = RegisterColumn("C", ("2026", "2026", "2026"))
FOLDERS = RegisterColumn("D", ("V:\\adm\\bakker26", "\\\\srv\\av\\klant1", "/srv/klant2"))
DOCUMENTS = RegisterColumn("E", ("V:\\adm\\bakker26\\KOPIEDOC", "", ""))


def test_without_headings_that_say_it_the_content_does() -> None:
    columns = [YEARS, DOCUMENTS, NAMES, FOLDERS, CODES]

    assert guess_columns(columns) == Guess(code="A", name="B", folder="D", copy_documents="E")


@pytest.mark.parametrize("order", [1, -1])
def test_two_columns_full_of_folders_are_told_apart_by_their_headings(order: int) -> None:
    same = FOLDERS.cells
    columns = [
        RegisterColumn("Map administratie", same),
        RegisterColumn("Map kopiedoc", same),
        CODES,
    ][::order]

    guess = guess_columns(columns)

    assert (guess.folder, guess.copy_documents) == ("Map administratie", "Map kopiedoc")


def test_a_heading_decides_between_columns_that_could_both_be_codes() -> None:
    numbers = RegisterColumn("Nr", ("1", "2", "3"))
    codes = RegisterColumn("Code", CODES.cells)

    assert guess_columns([numbers, codes, FOLDERS]).code == "Code"


def test_what_is_not_there_is_not_guessed() -> None:
    assert guess_columns([YEARS]) == Guess(None, "C", None, None)
    assert guess_columns([]) == Guess(None, None, None, None)
