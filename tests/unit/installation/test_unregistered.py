"""Folders that look like administrations but are in no list, and how old the lists are."""

from __future__ import annotations

import datetime
import os
import shutil
from pathlib import Path

import pytest

from avplugin.installation.locate import (
    AdministrationSource,
    Explicit,
    Register,
    locate_installation,
)
from avplugin.installation.model import Installation
from avplugin.installation.register_age import register_ages
from avplugin.installation.unregistered import find_unregistered
from avplugin.installation.windows_path import Drives

TABLES = ("DAGBOEK.DBF", "DEBITEUR.DBF", "GROOTBOE.DBF", "Journaal.dbf", "BTW.DBF")


def fill(folder: Path, tables: tuple[str, ...] = TABLES) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in tables:
        (folder / name).touch()
    return folder


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """The folder in which the administrations lie."""
    return tmp_path / "Administraties"


@pytest.fixture
def known(shelf: Path) -> list[str]:
    return [str(fill(shelf / code)) for code in ("BAKKER26", "CAFE26", "SLAGER26")]


def located(*folders: str) -> Installation:
    return locate_installation(
        name="kantoor",
        program=None,
        system=None,
        extra=(),
        administrations=[Explicit(Path(one).name, "", one, ()) for one in folders],
        drives=Drives({}),
        copy_documents_backup=lambda _: True,
    )


def test_a_folder_beside_administrations_with_the_same_tables_is_found(
    shelf: Path, known: list[str]
) -> None:
    new = fill(shelf / "NIEUW26", tuple(name.lower() for name in TABLES))

    assert find_unregistered(located(*known)) == (str(new),)


def test_one_that_lacks_some_tables_or_has_more_is_found_as_well(
    shelf: Path, known: list[str]
) -> None:
    fewer = fill(shelf / "MINDER", TABLES[:3])
    more = fill(shelf / "MEER", (*TABLES, "ORDERS.DBF", "PROJECT.DBF"))

    assert find_unregistered(located(*known)) == (str(more), str(fewer))


@pytest.mark.parametrize("tables", [(), TABLES[:2], ("LOGO.PNG",), ("A.DBF", "B.DBF", "C.DBF")])
def test_a_folder_with_other_things_in_it_is_none(
    shelf: Path, known: list[str], tables: tuple[str, ...]
) -> None:
    fill(shelf / "IETS", tables)

    assert find_unregistered(located(*known)) == ()


@pytest.mark.parametrize(
    "name",
    [
        "BAKKER26.before-restore-20261122-020000",
        ".avplugin-restore-BAKKER26",
        ".verborgen",
        "@eaDir",
        "#recycle",
    ],
)
def test_what_is_never_an_administration_is_passed_over(
    shelf: Path, known: list[str], name: str
) -> None:
    fill(shelf / name)

    assert find_unregistered(located(*known)) == ()


def test_the_folder_in_which_others_lie_is_no_administration(tmp_path: Path) -> None:
    first = fill(tmp_path / "a" / "BAKKER26")
    second = fill(tmp_path / "b")
    fill(tmp_path / "a")

    assert find_unregistered(located(str(first), str(second))) == ()


def test_a_bad_administration_is_known_all_the_same(shelf: Path, known: list[str]) -> None:
    twice = fill(shelf / "DUBBEL")
    installation = located(*known, str(twice), str(twice))
    assert [bad.code for bad in installation.bad] == ["DUBBEL"]

    assert find_unregistered(installation) == ()


@pytest.mark.parametrize("pattern", ["oud*", "OUD26", "{shelf}/OUD26", "{shelf}/OUD26/"])
def test_what_is_meant_can_be_named(shelf: Path, known: list[str], pattern: str) -> None:
    fill(shelf / "OUD26")
    new = fill(shelf / "NIEUW26")

    ignored = [pattern.format(shelf=shelf)]
    assert find_unregistered(located(*known), ignored) == (str(new),)


def test_a_link_to_a_known_folder_is_no_stranger(shelf: Path, known: list[str]) -> None:
    (shelf / "LINK").symlink_to(known[0])

    assert find_unregistered(located(*known)) == ()


def test_a_shelf_that_is_gone_is_the_concern_of_the_backup(shelf: Path, known: list[str]) -> None:
    installation = located(*known)
    shutil.rmtree(shelf)

    assert find_unregistered(installation) == ()


def test_the_age_of_a_register_is_that_of_its_file(tmp_path: Path) -> None:
    file = tmp_path / "administraties.dbf"
    file.touch()
    os.utime(file, (1_700_000_000, 1_700_000_000))
    sources: list[AdministrationSource] = [
        Register(r"F:\administraties.dbf", "C", None, "F", None, outdated_after=86400.0),
        Register(str(tmp_path / "none.dbf"), "C", None, "F", None),
        Explicit("A", "", "/x", ()),
    ]

    here, gone = register_ages(sources, Drives({"F:\\": str(tmp_path)}))

    exported = datetime.datetime.fromtimestamp(1_700_000_000, datetime.UTC)
    assert here.exported == exported
    assert here.is_outdated(exported + datetime.timedelta(days=1, seconds=1))
    assert not here.is_outdated(exported + datetime.timedelta(days=1))
    assert gone.exported is None
    assert not gone.is_outdated(exported)
