"""How much may be gone or damaged from one clean snapshot to the next."""

from __future__ import annotations

import pytest
from shelf import Shelf, folder, left_out

from avplugin.backup.brake import are_too_many, clean_copies, describe_losses, find_losses
from avplugin.configuration.model import BrakeLimits
from avplugin.state.brake import Loss
from avplugin.state.manifest import FolderManifest

LIMITS = BrakeLimits(percent=10, least=3)
SINCE = "office-administrations-2026-11-21T02:00:00"


def compare(
    before: list[FolderManifest], now: list[FolderManifest], *not_seen: str
) -> dict[str, Loss]:
    """Return what is lost since an archive that holds `before`."""
    shelf = Shelf()
    shelf.put(*before)
    tonight = {part.label: part for part in now if not part.left_out}
    return find_losses(clean_copies(shelf.archives(), tonight, shelf), tonight, not_seen)


def lost(gone: int, *damaged: str, of: int = 100, since: str = SINCE) -> Loss:
    return Loss(of, gone, damaged, since)


# What is lost


def test_tables_that_are_there_no_more_and_tables_newly_damaged_are_lost() -> None:
    before = folder("A", 10, "OUD.DBF")
    now = folder("A", 7, "OUD.DBF", "BTW.DBF", "DAG/BOEK.DBF")

    [(label, loss)] = compare([before], [now]).items()

    assert label == "A"
    assert (loss.tables, loss.gone, loss.damaged, loss.size) == (10, 3, ("btw", "dag/boek"), 5)


def test_a_table_with_a_bad_memo_and_a_bad_index_is_one_table() -> None:
    loss = compare([folder("A", 10)], [folder("A", 10, "BTW.FPT", "Btw.cdx", "BTW.DBF")])["A"]

    assert loss.damaged == ("btw",)


def test_another_fault_in_a_table_that_was_damaged_already_is_no_news() -> None:
    assert compare([folder("A", 10, "BTW.CDX")], [folder("A", 10, "BTW.DBF")]) == {}


def test_tables_that_are_mended_or_new_make_up_for_none_that_are_lost() -> None:
    before = [folder("A", 10, "BTW.DBF"), folder("B", 10)]
    now = [folder("A", 15), folder("B", 8), folder("C", 50)]

    assert {label: loss.size for label, loss in compare(before, now).items()} == {"B": 2}


def test_a_folder_that_is_missing_or_bad_has_lost_all_its_tables() -> None:
    before = [folder("A", 10), folder("B", 20), folder("A:documents", 0)]

    losses = compare(before, [left_out("B")])

    assert {label: (loss.gone, loss.is_missing) for label, loss in losses.items()} == {
        "A": (10, True),
        "B": (20, True),
    }


def test_a_folder_that_somebody_is_in_has_lost_nothing() -> None:
    before = [folder("A", 10), folder("B", 20)]

    assert compare(before, [folder("A", 10), left_out("B", in_use=True)], "B") == {}


# Since when


def test_each_folder_is_compared_with_its_own_last_clean_copy() -> None:
    shelf = Shelf()
    shelf.put(folder("A", 90), folder("B", 90), folder("C", 90), folder("D", 90))
    oldest = shelf.put(folder("A", 50), folder("B", 50), folder("C", 50), folder("D", 50))
    newest = shelf.put(folder("A", 10), left_out("B", in_use=True), left_out("C"), left_out("D"))
    shelf.put_unverified(folder("A", 1), folder("B", 1), folder("C", 1))
    shelf.put()  # its manifest was erased

    copies = clean_copies(shelf.archives(), ["A", "C", "NEW"], shelf)

    assert {label: (copy.folder.tables, copy.archive) for label, copy in copies.items()} == {
        "A": (10, newest),
        "B": (50, oldest),
        "C": (50, oldest),
    }


def test_without_a_clean_snapshot_there_is_nothing_to_compare_with() -> None:
    shelf = Shelf()
    shelf.put_unverified(folder("A", 50))

    assert clean_copies(shelf.archives(), ["A"], shelf) == {}


# How much is too much


@pytest.mark.parametrize(
    ("loss", "tables", "tripped"),
    [
        pytest.param(lost(9, of=100), 1000, False, id="below a tenth of the folder"),
        pytest.param(lost(10, of=100), 1000, True, id="a tenth of the folder"),
        pytest.param(lost(7, "a", "b", "c", of=100), 1000, True, id="gone and damaged together"),
        pytest.param(lost(2, of=4), 4, False, id="half of a folder, but only two tables"),
        pytest.param(lost(3, of=4), 4, True, id="three tables"),
    ],
)
def test_a_tenth_of_a_folder_is_too_much_from_three_tables_on(
    loss: Loss, tables: int, tripped: bool
) -> None:
    assert are_too_many({"A": loss}, tables, {}, LIMITS) == tripped


def test_a_little_of_every_folder_is_too_much_for_all_together() -> None:
    losses = {f"A{number}": lost(2, of=20) for number in range(5)}

    assert are_too_many(losses, 100, {}, LIMITS)
    assert not are_too_many(losses, 101, {}, LIMITS)


def test_folders_that_are_missing_count_among_all_only_and_from_the_second_on() -> None:
    one = {"A": Loss(20, 20, (), SINCE, is_missing=True)}
    two = {**one, "B": Loss(20, 20, (), SINCE, is_missing=True)}

    assert not are_too_many(one, 40, {}, LIMITS)
    assert not are_too_many(two, 401, {}, LIMITS)
    assert are_too_many(two, 400, {}, LIMITS)


def test_the_limits_can_be_others() -> None:
    losses = {"A": lost(20, of=100)}

    assert not are_too_many(losses, 100, {}, BrakeLimits(percent=21, least=3))
    assert not are_too_many(losses, 100, {}, BrakeLimits(percent=10, least=21))
    assert are_too_many({"A": lost(1, of=100)}, 100, {}, BrakeLimits(percent=1, least=1))


# What was accepted


@pytest.mark.parametrize(
    ("now", "tripped"),
    [
        pytest.param(lost(30, "btw", "dag"), False, id="the same"),
        pytest.param(lost(20, "btw"), False, id="less"),
        pytest.param(lost(31, "btw", "dag"), True, id="one more gone"),
        pytest.param(lost(30, "btw", "dag", "kas"), True, id="one more damaged"),
        pytest.param(lost(30, "btw", "kas"), True, id="another one damaged"),
        pytest.param(lost(30, "btw", "dag", since=f"{SINCE}.hold"), False, id="held meanwhile"),
        pytest.param(lost(30, "btw", "dag", since="newer"), True, id="since a newer snapshot"),
    ],
)
def test_what_was_accepted_passes_and_nothing_beyond_it(now: Loss, tripped: bool) -> None:
    accepted = {"A": lost(30, "btw", "dag")}

    assert are_too_many({"A": now}, 1000, accepted, LIMITS) == tripped


def test_what_another_folder_lost_besides_is_not_accepted_with_it() -> None:
    losses = {"A": lost(30), "B": lost(1)}

    assert are_too_many(losses, 200, {"A": lost(30)}, LIMITS)
    assert not are_too_many(losses, 200, losses, LIMITS)


# What is said


def test_the_sentences_say_what_is_lost_and_what_to_do_the_worst_folder_first() -> None:
    losses = {
        "A": lost(1, "btw", of=10),
        "B": lost(9, of=10),
        "C": Loss(13, 13, (), SINCE, is_missing=True),
    }

    said = describe_losses(losses, 90, "administrations")

    assert said == (
        "the brake is on: 24 of 90 tables are gone or damaged since the last clean copies",
        "if that was meant: 'avplugin accept administrations'; else look at the server before"
        " anything else: this is what encryption by an intruder looks like",
        f"C: the whole folder with its 13 tables is missing or bad (last clean copy: {SINCE})",
        f"B: of 10 tables 9 are gone and 0 damaged (last clean copy: {SINCE})",
        f"A: of 10 tables 1 are gone and 1 damaged (last clean copy: {SINCE})",
    )
