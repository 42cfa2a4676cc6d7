"""What a repository needs of what it has, and which archives are held for it."""

from __future__ import annotations

import datetime
from collections.abc import Iterable

from shelf import Shelf, folder, left_out

from avplugin.retention.needs import Need, Rules, choose_holds, find_needs
from avplugin.state.manifest import FolderManifest
from avplugin.state.retention import Held

DAY = 86400.0
NOW = datetime.datetime(2027, 1, 1, tzinfo=datetime.UTC)


def needs_of(
    shelf: Shelf,
    versions: int = 1,
    retired: float = 7 * 366 * DAY,
    current: Iterable[str] | None = None,
    now: datetime.datetime = NOW,
) -> list[Need]:
    """Return what is needed of the clean archives on the shelf."""
    clean = [archive for archive in shelf.archives() if archive.is_clean]
    rules = Rules(versions, retired, None if current is None else frozenset(current))
    return find_needs([(one, shelf.manifest(one)) for one in clean], rules, now)


def held(shelf: Shelf, kept: Iterable[str], needs: list[Need]) -> dict[str, list[str]]:
    """Return what is held for which reasons, if pruning keeps these archives."""
    chosen = choose_holds(needs, set(kept))
    return {
        name: sorted(Held(name, (reason,)).why for reason in reasons)
        for name, (_, reasons) in chosen.items()
    }


def needed(shelf: Shelf, *tonight: FolderManifest) -> list[str]:
    """Return what is held, newest first, if pruning keeps nothing but a night like this."""
    last = shelf.put(*tonight)
    return sorted(held(shelf, [last], needs_of(shelf)), reverse=True)


def version(label: str, number: int) -> FolderManifest:
    """Return one of the versions of a folder."""
    return folder(label, fingerprint=str(number), list_digest=f"list {number}")


def test_a_night_with_nothing_wrong_needs_no_other_archive() -> None:
    shelf = Shelf()
    shelf.put(folder("A", 5, "BTW.DBF"))

    assert needed(shelf, folder("A", 5, fingerprint="new")) == []


def test_the_last_copy_of_a_folder_that_is_left_out_is_needed() -> None:
    shelf = Shelf()
    shelf.put(folder("A"), version("B", 1))
    last = shelf.put(folder("A"), version("B", 2))
    shelf.put(folder("A"), left_out("B"))
    shelf.put_unverified(folder("A"), version("B", 3))

    assert needed(shelf, folder("A"), left_out("B", in_use=True)) == [last]


def test_the_last_archive_in_which_a_damaged_table_was_sound_is_needed() -> None:
    shelf = Shelf()
    shelf.put(folder("A", 5, fingerprint="1"))
    sound = shelf.put(folder("A", 5, "KAS.DBF", fingerprint="2"))
    shelf.put(folder("A", 5, "btw.fpt", fingerprint="3"))
    shelf.put(folder("A", 5, table_health="not checked", fingerprint="4"))
    shelf.put(folder("B", 5))
    shelf.put_unverified(folder("A", 5, fingerprint="5"))

    assert needed(shelf, folder("A", 5, "BTW.DBF", fingerprint="6"), folder("B", 5)) == [sound]


def test_what_was_never_looked_at_tonight_was_damaged_as_it_was_last_seen() -> None:
    shelf = Shelf()
    sound = shelf.put(folder("A", 5, fingerprint="1"))
    shelf.put(folder("A", 5, "BTW.DBF", fingerprint="2"))

    assert needed(shelf, folder("A", 5, table_health="not checked", fingerprint="3")) == [sound]


def test_each_damaged_table_has_an_archive_of_its_own() -> None:
    shelf = Shelf()
    both = shelf.put(folder("A", 5, fingerprint="1"))
    first = shelf.put(folder("A", 5, "BTW.DBF", fingerprint="2"))
    shelf.put(folder("A", 5, "BTW.DBF", "KAS.DBF", fingerprint="3"))

    assert needed(shelf, folder("A", 5, "BTW.DBF", "KAS.DBF", fingerprint="4")) == [first, both]
    assert needed(shelf, folder("A", 5, "KAS.DBF", fingerprint="5")) == [first]


def test_the_tables_of_a_folder_that_is_left_out_are_those_of_its_last_copy() -> None:
    shelf = Shelf()
    sound = shelf.put(folder("A", 5, fingerprint="1"))
    last = shelf.put(folder("A", 5, "BTW.DBF", fingerprint="2"))

    assert needed(shelf, left_out("A", in_use=True), folder("B")) == [last, sound]


def test_a_table_that_was_never_sound_needs_nothing() -> None:
    shelf = Shelf()
    shelf.put(folder("A", 5, "BTW.DBF", fingerprint="1"))

    assert needed(shelf, folder("A", 5, "BTW.DBF", fingerprint="2")) == []


def test_a_version_that_any_kept_archive_has_needs_no_hold() -> None:
    shelf = Shelf()
    first = shelf.put(version("A", 1))
    shelf.put(version("A", 1))
    last = shelf.put(version("A", 1))

    assert held(shelf, [first], needs_of(shelf)) == {}
    assert list(held(shelf, [], needs_of(shelf))) == [last]


def test_the_newest_distinct_versions_are_needed_and_no_older_ones() -> None:
    shelf = Shelf()
    shelf.put(version("A", 1))
    second = shelf.put(version("A", 2))
    shelf.put(version("A", 3))
    third = shelf.put(version("A", 3))
    last = shelf.put(version("A", 4))

    assert set(held(shelf, [], needs_of(shelf, versions=3))) == {last, third, second}


def test_a_version_that_came_back_counts_as_new_and_once() -> None:
    shelf = Shelf()
    shelf.put(version("A", 1))
    second = shelf.put(version("A", 2))
    back = shelf.put(version("A", 1))

    assert set(held(shelf, [], needs_of(shelf, versions=2))) == {second, back}


def test_the_case_of_a_code_does_not_make_another_folder() -> None:
    shelf = Shelf()
    shelf.put(version("klant1", 1))
    last = shelf.put(version("KLANT1", 2))

    assert held(shelf, [last], needs_of(shelf)) == {}
    assert held(shelf, [last], needs_of(shelf, current=["Klant1"], retired=DAY)) == {}


def test_the_same_archive_is_held_for_as_many_folders_as_can_be() -> None:
    shelf = Shelf()
    both = shelf.put(version("A", 1), version("B", 1))
    shelf.put(version("A", 1), left_out("B"))
    last = shelf.put(version("A", 2), left_out("B"))

    assert held(shelf, [last], needs_of(shelf, versions=2)) == {
        both: ["for A (version 2 of the 2 to keep)", "for B (left out since then)"]
    }


def test_what_is_held_already_stays_held_where_a_newer_archive_would_do() -> None:
    shelf = Shelf()
    old = shelf.put(version("A", 1), state=".hold")
    shelf.put(version("A", 1))
    last = shelf.put(version("A", 2))

    assert list(held(shelf, [last], needs_of(shelf, versions=2))) == [old]


def test_of_a_folder_that_left_the_last_archive_is_held_which_says_until_when_it_was_there() -> (
    None
):
    shelf = Shelf()
    old = shelf.put(version("A", 1), version("B", 1))
    had = shelf.put(version("A", 1), version("B", 1))
    last = shelf.put(version("A", 1))

    needs = needs_of(shelf, current=["A"], retired=10 * DAY)
    assert list(held(shelf, [old, last], needs)) == [had]


def test_a_version_that_came_back_is_still_the_newest_one_afterwards() -> None:
    shelf = Shelf()
    shelf.put(version("A", 1), state=".hold")
    between = shelf.put(version("A", 2))
    back = shelf.put(version("A", 1))
    last = shelf.put(left_out("A"), folder("C"))

    assert set(held(shelf, [last], needs_of(shelf, versions=2))) == {between, back}


def test_an_archive_without_a_manifest_is_needed_since_nobody_can_tell_what_is_in_it() -> None:
    shelf = Shelf()
    strange = shelf.put()
    last = shelf.put(version("A", 1))

    assert held(shelf, [last], needs_of(shelf)) == {strange: ["(nobody can tell what is in it)"]}


def test_a_folder_that_left_is_needed_for_as_long_as_it_is_to_be_kept() -> None:
    shelf = Shelf()
    had = shelf.put(version("A", 1), version("B", 1))
    shelf.put(version("A", 2))
    last = shelf.put(version("A", 3))

    def kept_for(days: int) -> dict[str, list[str]]:
        return held(shelf, [last], needs_of(shelf, current=["A"], retired=days * DAY))

    assert kept_for(1) == {had: ["for B (gone since then, kept until 2026-11-02)"]}
    for _ in range(2):
        last = shelf.put(version("A", 4))
    assert kept_for(1) == {}
    assert kept_for(10) == {had: ["for B (gone since then, kept until 2026-11-11)"]}


def test_a_folder_that_is_only_left_out_is_needed_however_long_that_takes() -> None:
    shelf = Shelf()
    had = shelf.put(version("A", 1), version("B", 1))
    for _ in range(20):
        last = shelf.put(version("A", 2), left_out("B"))

    assert list(held(shelf, [last], needs_of(shelf, current=["A", "B"], retired=DAY))) == [had]


def test_nothing_has_left_where_nobody_can_tell_which_folders_there_are() -> None:
    shelf = Shelf()
    had = shelf.put(version("A", 1), version("B", 1))
    for _ in range(20):
        last = shelf.put(version("A", 2))

    assert held(shelf, [last], needs_of(shelf, current=None, retired=DAY)) == {
        had: ["for B (not in a newer snapshot)"]
    }


def test_a_clock_that_is_years_ahead_for_one_night_lets_nothing_go() -> None:
    shelf = Shelf()
    had = shelf.put(version("A", 1), version("B", 1))
    shelf.put(version("A", 2))
    far = datetime.datetime(2090, 1, 1, tzinfo=datetime.UTC)

    def kept(last: str) -> list[str]:
        return list(held(shelf, [last], needs_of(shelf, current=["A"], retired=30 * DAY, now=far)))

    assert kept(shelf.put(version("A", 3))) == [had]
    assert kept(shelf.put(version("A", 4), when=far)) == [had]


def test_a_folder_whose_last_snapshot_lies_in_the_future_is_kept() -> None:
    shelf = Shelf()
    ahead = datetime.datetime(2999, 1, 1, tzinfo=datetime.UTC)
    had = shelf.put(version("B", 1), when=ahead)
    last = shelf.put(version("A", 1))

    for retired in (DAY, 999_999 * 366 * DAY):
        needs = needs_of(shelf, current=["A"], retired=retired)
        assert list(held(shelf, [last], needs)) == [had]


def test_a_snapshot_of_a_clock_that_was_ahead_does_not_stand_for_what_came_after() -> None:
    shelf = Shelf()
    ahead = shelf.put(version("A", 1), when=datetime.datetime(2999, 1, 1, tzinfo=datetime.UTC))
    shelf.put(version("A", 2))
    newest = shelf.put(version("A", 3))
    last = shelf.put(left_out("A"))

    assert set(held(shelf, [last], needs_of(shelf))) == {ahead, newest}
    before_all = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    assert set(held(shelf, [last], needs_of(shelf, now=before_all))) == {ahead}


def test_the_books_of_whoever_had_a_code_before_are_kept_as_those_of_one_that_left() -> None:
    shelf = Shelf()

    def other(fingerprint: str) -> FolderManifest:
        return folder("oud", fingerprint=fingerprint, name="Andere klant", path="/srv/andere")

    old = shelf.put(folder("A"), version("OUD", 1))
    shelf.put(folder("A"))
    shelf.put(folder("A"), other("2"))
    last = shelf.put(folder("A"), other("3"))

    found = held(shelf, [last], needs_of(shelf, current=["A", "oud"]))
    long_ago = held(shelf, [last], needs_of(shelf, retired=DAY, current=["A", "oud"]))

    assert list(found) == [old]
    assert "gone since then" in found[old][0]
    assert long_ago == {}


def test_a_folder_that_moved_or_has_another_name_is_the_same_one() -> None:
    shelf = Shelf()
    shelf.put(version("B", 1))
    shelf.put(folder("B", fingerprint="2", path="/srv/elsewhere"))
    last = shelf.put(folder("B", fingerprint="3", path="/srv/elsewhere", name="Nieuwe naam"))

    assert held(shelf, [last], needs_of(shelf, current=["B"])) == {}
