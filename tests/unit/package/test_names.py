"""Names that Windows cannot have, and folders' places in a package."""

from __future__ import annotations

import os

import pytest

from avplugin.installation.model import Kind
from avplugin.package.layout import Layout, UnfitName
from avplugin.package.windows_names import fit_for_windows, path_key, why_not_on_windows
from avplugin.state.manifest import FolderManifest


def part(path: str, kind: Kind = Kind.COPY_DOCUMENTS, code: str = "BAKKER26") -> FolderManifest:
    label = code if kind is Kind.ADMINISTRATION else f"copy documents of {code} {path}"
    return FolderManifest(kind, code, "Bakker", label, "", path)


OWN = part("/srv/adm/bakker", Kind.ADMINISTRATION)


@pytest.mark.parametrize(
    "name",
    [
        *("punt.", "spatie ", ".", "..", "a:b", "a\\b", "wat?", "ster*", 'a"b', "a<b", "a|b"),
        *("CON", "con.txt", "Nul.dbf", "com1", "LPT9.a.b", "aux .txt", "COM²", "a\nb", "\x07"),
        *("x" * 256, "\U0001f600" * 128, "caf\udce9.txt", ""),
    ],
)
def test_what_windows_cannot_have_is_known(name: str) -> None:
    assert why_not_on_windows(name)
    assert not why_not_on_windows(fit_for_windows(name))


@pytest.mark.parametrize(
    "name", ["CONTO.DBF", "COM10", "a b.txt", ".verborgen", "Crédit (1) [x] #1.pdf", "x" * 255]
)
def test_what_windows_can_have_is_left_alone(name: str) -> None:
    assert not why_not_on_windows(name)


def test_paths_are_one_to_windows_where_case_or_the_way_of_accents_differs() -> None:
    assert path_key("A/crédit.DBF") == path_key("a/CRE\u0301DIT.dbf")
    assert path_key("A/STRASSE") != path_key("A/STRAßE")


def test_copy_documents_lie_inside_where_they_did_and_beside_otherwise() -> None:
    inside = part("/srv/adm/bakker/KOPIE/DOC")
    deeper = part("/srv/adm/bakker/KOPIE/DOC/OUD")
    outside = part("/srv/kopie/bakker")
    other = part("/srv/kopie/nog een")
    layout = Layout([OWN, deeper, inside, other, outside])

    places = {placed.folder.path: placed.place for placed in layout.placed}

    assert places == {
        "/srv/adm/bakker": "BAKKER26",
        "/srv/adm/bakker/KOPIE/DOC": "BAKKER26/KOPIE/DOC",
        "/srv/adm/bakker/KOPIE/DOC/OUD": "BAKKER26/KOPIE/DOC/OUD",
        "/srv/kopie/bakker": "BAKKER26-kopiedocumenten",
        "/srv/kopie/nog een": "BAKKER26-kopiedocumenten-2",
    }
    manifests = [layout.manifest_of(placed) for placed in layout.placed]
    assert manifests[0].path == "/BAKKER26"
    assert manifests[0].inside == ("/BAKKER26/KOPIE/DOC",)
    assert manifests[2].inside == ("/BAKKER26/KOPIE/DOC/OUD",)


def test_an_administration_inside_its_copy_documents_lies_beside_them() -> None:
    layout = Layout([OWN, part("/srv/adm")])

    assert [placed.place for placed in layout.placed] == ["BAKKER26", "BAKKER26-kopiedocumenten"]
    assert layout.find(b"srv/adm/bakker/A.DBF")[1] == b"A.DBF"
    assert layout.find(b"srv/adm/factuur.pdf")[1] == b"factuur.pdf"


def test_a_code_that_windows_cannot_have_gets_a_folder_that_it_can() -> None:
    layout = Layout([part("/srv/adm/x", Kind.ADMINISTRATION, "KLANT/12.")])

    assert layout.placed[0].place == "KLANT_12"


def test_what_an_import_would_refuse_is_not_packed() -> None:
    layout = Layout([OWN])

    for name in ("DIEP/A.before-restore-20261122-020000/x", "d/" * 64 + "x", "é" * 128):
        with pytest.raises(UnfitName):
            layout.place(layout.placed[0], name.encode())


@pytest.mark.parametrize("name", ["NUL.DBF", "punt.", "DIEP/punt./a.txt", "caf\udce9.txt", ".."])
def test_a_name_that_windows_cannot_have_is_refused_by_its_path(name: str) -> None:
    layout = Layout([OWN])

    with pytest.raises(UnfitName) as refused:
        layout.place(layout.placed[0], os.fsencode(name))

    assert name in str(refused.value)


def test_names_that_are_one_to_windows_are_refused_together() -> None:
    layout = Layout([OWN])
    layout.place(layout.placed[0], b"DIEP/Dagboek.dbf")

    with pytest.raises(UnfitName) as refused:
        layout.place(layout.placed[0], b"diep/DAGBOEK.DBF")

    assert "diep/DAGBOEK.DBF" in str(refused.value)
    assert "DIEP/Dagboek.dbf" in str(refused.value)


def test_the_same_path_twice_is_refused() -> None:
    layout = Layout([OWN])
    layout.place(layout.placed[0], b"A.DBF")

    with pytest.raises(UnfitName):
        layout.place(layout.placed[0], b"A.DBF")


def test_what_lies_in_none_of_the_folders_is_refused() -> None:
    with pytest.raises(UnfitName):
        Layout([OWN]).find(b"srv/adm/bakker2/A.DBF")
