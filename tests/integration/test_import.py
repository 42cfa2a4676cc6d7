"""Packages put back into a real office: whole, the same, and never over data without a way back."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import TABLE, World, tree
from packages import PASSWORD, pack

BAKKER = "BAKKER26"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """The folder of an administration in another office."""
    folder = tmp_path / "elders" / BAKKER
    (folder / "RAPPORT" / "LEEG").mkdir(parents=True)
    (folder / "GROOTBOEK.DBF").write_bytes(TABLE + b"\x1a")
    (folder / "GROOTBOEK.FPT").write_bytes(b"memo" * 5000)
    (folder / "Köpie ë.txt").write_bytes(b"")
    (folder / "KOPIEDOC").mkdir()
    (folder / "KOPIEDOC" / "Factuur 1.pdf").write_bytes(b"%PDF")
    (folder / "RAPPORT" / "lijst.frx").write_bytes(b"x" * 2_000_000)
    return folder


def inside(folder: Path) -> dict[str, Path]:
    """Return the places in a package of an administration with copy documents in its folder."""
    return {BAKKER: folder, f"{BAKKER}/KOPIEDOC": folder / "KOPIEDOC"}


def contents(folder: Path) -> dict[bytes, object]:
    """Return a tree without modes and without the folder's own time."""
    return {path: (entry[1], entry[2]) for path, entry in tree(folder).items() if path}


def test_a_package_takes_the_place_of_the_administration_and_an_undo_brings_that_back(
    world: World, elsewhere: Path, tmp_path: Path
) -> None:
    place = world.administrations / BAKKER
    before = tree(place)
    file = tmp_path / "pakket.zip"
    pack(file, BAKKER, inside(elsewhere))

    done = world.avplugin(
        *("import", file, "--original", "--yes"), AVPLUGIN_PACKAGE_PASSWORD=PASSWORD
    )

    assert done.returncode == 0, done.stderr
    assert contents(place) == contents(elsewhere)
    assert world.avplugin("restore", "--undo", "--yes").returncode == 0
    assert tree(place) == before
