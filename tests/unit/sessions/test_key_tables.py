"""The tables that the fence holds."""

from __future__ import annotations

from avplugin.installation.model import Folder, Kind
from avplugin.installation.scan import Contents, Entry
from avplugin.sessions.key_tables import key_tables

FOLDER = Folder(Kind.ADMINISTRATION, "A", "A", "/adm/a", "")


def contents(**modified: int) -> Contents:
    """Return a folder with these files, each changed at its time."""
    entries = [
        Entry(name.replace("_", ".").encode(), "-", 1, at, at, 1, 1)
        for name, at in modified.items()
    ]
    return Contents((Entry(b"", "d", 0, 1, 1, 1, 1), *entries))


def test_without_names_the_three_tables_that_changed_last_are_taken() -> None:
    found = key_tables(FOLDER, contents(A_DBF=1, B_DBF=9, C_DBF=5, D_DBF=7, E_CDX=99), ())

    assert found == ["/adm/a/B.DBF", "/adm/a/D.DBF", "/adm/a/C.DBF"]


def test_named_tables_are_taken_in_any_letter_case() -> None:
    found = key_tables(FOLDER, contents(A_DBF=1, Groot1_dbf=2, B_DBC=3), ("groot?.DBF", "b.*"))

    assert found == ["/adm/a/B.DBC", "/adm/a/Groot1.dbf"]


def test_a_folder_without_tables_has_no_fence() -> None:
    assert key_tables(FOLDER, contents(X_PDF=1, Y_FPT=2), ()) == []
