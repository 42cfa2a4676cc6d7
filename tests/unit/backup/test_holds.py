"""Which archives pruning must not touch, because newer ones lack what they have."""

from __future__ import annotations

from shelf import Shelf, folder, left_out, manifest

from avplugin.backup.holds import clean_archives
from avplugin.state.manifest import FolderManifest


def needed(shelf: Shelf, *tonight: FolderManifest) -> list[str]:
    """Return the names of the archives that have what a night like this lacks."""
    archives = clean_archives(shelf.archives(), manifest(*tonight), shelf)
    return [archive.name for archive, is_needed in archives if is_needed]


def test_a_night_with_nothing_wrong_needs_no_other_archive() -> None:
    shelf = Shelf()
    shelf.put(folder("A", 5, "BTW.DBF"))

    assert needed(shelf, folder("A", 5)) == []


def test_the_last_copy_of_a_folder_that_is_left_out_is_needed() -> None:
    shelf = Shelf()
    shelf.put(folder("A"), folder("B"))
    last = shelf.put(folder("A"), folder("B"))
    shelf.put(folder("A"), left_out("B"))
    shelf.put_unverified(folder("A"), folder("B"))

    assert needed(shelf, folder("A"), left_out("B", in_use=True)) == [last]


def test_the_last_archive_in_which_a_damaged_table_was_sound_is_needed() -> None:
    shelf = Shelf()
    shelf.put(folder("A", 5))
    sound = shelf.put(folder("A", 5, "KAS.DBF"))
    shelf.put(folder("A", 5, "btw.fpt"))
    shelf.put(folder("A", 5, table_health="not checked"))
    shelf.put(folder("B", 5))
    shelf.put_unverified(folder("A", 5))

    assert needed(shelf, folder("A", 5, "BTW.DBF")) == [sound]


def test_each_damaged_table_has_an_archive_of_its_own() -> None:
    shelf = Shelf()
    both = shelf.put(folder("A", 5))
    first = shelf.put(folder("A", 5, "BTW.DBF"))
    shelf.put(folder("A", 5, "BTW.DBF", "KAS.DBF"))

    assert needed(shelf, folder("A", 5, "BTW.DBF", "KAS.DBF")) == [first, both]
    assert needed(shelf, folder("A", 5, "KAS.DBF")) == [first]


def test_the_tables_of_a_folder_that_is_left_out_are_those_of_its_last_copy() -> None:
    shelf = Shelf()
    sound = shelf.put(folder("A", 5))
    last = shelf.put(folder("A", 5, "BTW.DBF"))

    assert needed(shelf, left_out("A", in_use=True)) == [last, sound]


def test_a_table_that_was_never_sound_needs_nothing() -> None:
    shelf = Shelf()
    shelf.put(folder("A", 5, "BTW.DBF"))

    assert needed(shelf, folder("A", 5, "BTW.DBF")) == []
