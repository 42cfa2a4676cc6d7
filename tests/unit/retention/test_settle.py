"""Holding and releasing until Borg's own rules would remove nothing that is needed."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterator, Mapping
from types import SimpleNamespace

import pytest
from borg.helpers import prune_split
from hypothesis import given, settings
from hypothesis import strategies as st
from shelf import FIRST_NIGHT, Shelf, folder, left_out, manifest

from avplugin.borgmatic.archive import HOLD, Archive
from avplugin.retention.holds import Settled, settle
from avplugin.retention.needs import Rules, find_needs
from avplugin.snapshots.order import newest_first
from avplugin.state.manifest import FolderManifest, Manifest

YEAR = 366 * 86400.0
DAY = datetime.timedelta(days=1)


class PrunedShelf(Shelf):
    """A shelf that Borg's own rules prune, as `borg prune` goes by them."""

    def __init__(self, **keep: int) -> None:
        super().__init__()
        self.keep = keep
        self.kept: set[str] = set()
        self.fails_at: int | None = None  # the rename at which everything stops
        self.renames: list[tuple[str, str]] = []

    @property
    def names(self) -> set[str]:
        return {archive.name for archive in self._archives}

    @property
    def clean_archives(self) -> list[Archive]:
        clean = [archive for archive in self._archives if archive.is_clean]
        return newest_first(clean, self.number)

    def archives_for_prune(self) -> list[SimpleNamespace]:
        return [
            SimpleNamespace(id=one.id, ts=one.time, name=one.name)
            for one in self.clean_archives
            if not one.is_held
        ]

    def judge(self) -> set[str]:
        """Return the ids of what Borg keeps; the same steps as in its do_prune."""
        archives = self.archives_for_prune()
        because: dict[str, tuple[str, int]] = {}
        return {
            one.id
            for rule, number in self.keep.items()
            for one in prune_split(archives, rule, number, because)
        }

    def look(self) -> None:
        self.kept = self.judge()

    def copies(self) -> Iterator[tuple[Archive, Manifest | None]]:
        for archive in self.clean_archives:
            yield archive, self.manifest(archive)

    def rename(self, archive: Archive, name: str) -> None:
        if self.fails_at is not None and len(self.renames) == self.fails_at:
            raise KeyboardInterrupt
        assert name not in self.names
        self.renames.append((archive.name, name))
        place = self._archives.index(archive)
        new = Archive(name, f"{archive.id}'", archive.time)  # a rename changes the id
        self._archives[place] = new
        self._manifests[new.id] = self._manifests.pop(archive.id)

    def prune(self) -> list[str]:
        """Remove what Borg would remove; return the names."""
        gone = {one.id for one in self.archives_for_prune()} - self.judge()
        removed = [one.name for one in self._archives if one.id in gone]
        self._archives = [one for one in self._archives if one.id not in gone]
        return removed

    def there(self) -> list[str]:
        """Return the moments of all archives, oldest first, with what follows them."""
        return [name.removeprefix("office-administrations-2026-") for name in sorted(self.names)]


def rules(
    versions: int = 1, retired: float = 7 * YEAR, current: frozenset[str] | None = None
) -> Rules:
    return Rules(versions, retired, current)


def settled(shelf: PrunedShelf, these: Rules | None = None) -> Settled:
    now = FIRST_NIGHT + datetime.timedelta(days=1000)
    return settle(shelf, these or rules(), now)


def version(label: str, number: int) -> FolderManifest:
    return folder(label, fingerprint=str(number))


def test_a_folder_that_is_left_out_for_longer_than_snapshots_are_kept_is_held() -> None:
    shelf = PrunedShelf(daily=2)
    shelf.put(version("A", 1), version("B", 1))
    shelf.put(version("A", 1), version("B", 2))
    for number in range(3):
        shelf.put(version("A", number), left_out("B", in_use=True))

    done = settled(shelf)

    assert done.newly_held == ("office-administrations-2026-11-02T02:00:00.hold",)
    assert done.held[0].why == "for B (left out since then)"
    assert set(done.condemned) == set(shelf.prune())
    assert shelf.there() == ["11-02T02:00:00.hold", "11-04T02:00:00", "11-05T02:00:00"]


def test_nothing_is_held_as_long_as_retention_keeps_it_anyway() -> None:
    shelf = PrunedShelf(daily=3)
    shelf.put(version("A", 1), version("B", 1))
    shelf.put(version("A", 1), left_out("B"))
    shelf.put(version("A", 1), left_out("B"))

    assert settled(shelf).held == ()
    assert shelf.renames == []


def test_a_hold_that_is_needed_no_more_is_pruned_as_it_would_have_been() -> None:
    shelf = PrunedShelf(daily=1)
    shelf.put(version("A", 1), version("B", 1))
    shelf.put(version("A", 1), left_out("B"))
    assert len(settled(shelf).held) == 1
    shelf.prune()
    shelf.put(version("A", 1), version("B", 2), when=FIRST_NIGHT + datetime.timedelta(days=2))

    done = settled(shelf)

    assert done.released == ("office-administrations-2026-11-01T02:00:00",)
    assert done.held == ()
    shelf.prune()
    assert shelf.there() == ["11-03T02:00:00"]


def test_a_hold_that_retention_wants_again_is_kept_by_it() -> None:
    shelf = PrunedShelf(daily=3)
    wanted = shelf.put(version("A", 1), state=HOLD)
    shelf.put(version("A", 1))
    shelf.put(version("A", 2))

    assert settled(shelf).condemned == ()
    assert shelf.prune() == []
    assert wanted.removesuffix(HOLD) in shelf.names


def test_a_released_archive_cannot_push_out_what_is_needed() -> None:
    shelf = PrunedShelf(daily=2)
    shelf.put(version("A", 1), version("B", 1))
    shelf.put(version("A", 1), left_out("B"), state=HOLD)
    shelf.put(version("A", 2), left_out("B"))

    settled(shelf)

    shelf.prune()
    assert shelf.there() == ["11-01T02:00:00.hold", "11-02T02:00:00", "11-03T02:00:00"]


@pytest.mark.parametrize("stop", [0, 1])
def test_being_stopped_half_way_loses_nothing_and_the_next_time_goes_on(stop: int) -> None:
    shelf = PrunedShelf(daily=1)
    shelf.put(version("A", 1), version("B", 1))
    shelf.put(version("C", 1))
    shelf.put(version("A", 2), left_out("B"), left_out("C"))
    shelf.fails_at = stop

    with pytest.raises(KeyboardInterrupt):
        settled(shelf)

    assert len(shelf.names) == 3
    shelf.fails_at = None
    assert len(settled(shelf).held) == 2


def test_a_name_that_somebody_has_taken_is_passed_over() -> None:
    shelf = PrunedShelf(daily=1)
    shelf.put(version("A", 1), version("B", 1))
    shelf.put(version("Z", 1), state=HOLD, when=FIRST_NIGHT)
    shelf.put(version("A", 2), left_out("B"))

    done = settled(shelf)

    assert sorted(one.archive for one in done.held) == [
        "office-administrations-2026-11-01T02:00:00.hold",
        "office-administrations-2026-11-01T02:00:01.hold",
    ]


LABELS = ("A", "B", "C")
CURRENT = frozenset({"A", "B"})  # C has left, whatever the nights say
DAMAGED = ((), (), ("BTW.DBF",), ("BTW.DBF", "KAS.DBF"))  # by version
nights = st.lists(
    st.fixed_dictionaries(
        {
            "hours": st.sampled_from([1, 5, 24, 24, 24, 24 * 7, 24 * 31, -30]),
            "folders": st.fixed_dictionaries(
                dict.fromkeys(LABELS, st.sampled_from([0, 1, 2, 3, None, "gone"]))
            ),
            "strange": st.sampled_from([False] * 9 + [True]),
            "held": st.sampled_from([False] * 9 + [True]),
        }
    ),
    min_size=1,
    max_size=12,
)
keeps = st.dictionaries(
    st.sampled_from(["secondly", "hourly", "daily", "weekly", "monthly", "yearly"]),
    st.integers(1, 4),
    min_size=1,
    max_size=3,
)


@settings(deadline=None, max_examples=60)
@given(nights, keeps, st.integers(1, 3))
def test_whatever_is_kept_and_whatever_nights_there_were_pruning_loses_nothing_needed(
    story: list[Mapping[str, object]], keep: Mapping[str, int], versions: int
) -> None:
    shelf = PrunedShelf(**keep)
    when = FIRST_NIGHT
    for night in story:
        when += datetime.timedelta(hours=int(str(night["hours"])), seconds=1)
        parts = []
        states = night["folders"]
        assert isinstance(states, dict)
        for label, state in states.items():
            if state is None:
                parts.append(left_out(label))
            elif state != "gone":
                damaged = DAMAGED[state]
                parts.append(folder(label, 5, *damaged, fingerprint=str(state)))
        if night["strange"]:
            parts = []
        name = shelf.put(*parts, state=HOLD if night["held"] else "", when=when)
        if not parts and not night["strange"]:
            shelf._manifests[name] = manifest()
        # Every night is followed by a prune, as in life: what one has removed no other can need.
        wanted = distinct_versions(shelf, versions), sound_copies(shelf)
        these = rules(versions, 20 * 86400.0, CURRENT)
        needs = Counter(need.reason.label for need in find_needs(shelf.copies(), these, when))

        done = settle(shelf, these, when)
        held = {one.archive for one in done.held}
        removed = shelf.prune()

        assert set(removed) == set(done.condemned)
        assert held <= shelf.names
        assert (distinct_versions(shelf, versions), sound_copies(shelf)) == wanted
        after = Counter(need.reason.label for need in find_needs(shelf.copies(), these, when))
        assert after >= needs
        again = settle(shelf, these, when)
        assert shelf.prune() == list(again.condemned)
        assert (distinct_versions(shelf, versions), sound_copies(shelf)) == wanted


def distinct_versions(shelf: PrunedShelf, most: int) -> dict[str, list[str]]:
    """Return the newest distinct versions of each folder that the set still has, in their order."""
    versions: dict[str, list[str]] = {label: [] for label in CURRENT}
    for _, described in shelf.copies():
        for part in described.stored if described else ():
            known = versions.get(part.label)
            if known is not None and part.fingerprint not in known and len(known) < most:
                known.append(part.fingerprint)
    return versions


def sound_copies(shelf: PrunedShelf) -> set[tuple[str, str, bool]]:
    """Return, of each table that is damaged in the newest copy of a folder, if it ever was not."""
    found: dict[str, list[frozenset[str]]] = {label: [] for label in CURRENT}
    for _, described in shelf.copies():
        for part in described.stored if described else ():
            if part.label in found:
                found[part.label].append(part.damaged_tables)
    return {
        (label, table, any(table not in damaged for damaged in every))
        for label, every in found.items()
        for table in next(iter(every), ())
    }


LONG_AGO = datetime.datetime(2021, 1, 1, 2, tzinfo=datetime.UTC)


def test_what_was_made_last_is_held_though_the_clock_was_years_behind() -> None:
    shelf = PrunedShelf(daily=2)
    for number in (1, 2):
        shelf.put(version("A", number), version("B", number), number=number)
    shelf.put(version("A", 3), version("B", 3), number=3, when=LONG_AGO)
    last = shelf.put(version("A", 4), version("B", 4), number=4, when=LONG_AGO - DAY)

    done = settled(shelf)

    assert done.newly_held == (f"{last}{HOLD}",)  # they were pruned first: the oldest for Borg
    assert set(shelf.prune()) == set(done.condemned)
    assert len(shelf.there()) == 3

    # The clock is right again, and somebody is in B.
    shelf.put(version("A", 5), left_out("B", in_use=True), number=5, when=FIRST_NIGHT + 9 * DAY)

    [held] = settled(shelf).held
    assert (held.archive, held.why) == (f"{last}{HOLD}", "for B (left out since then)")

    shelf.put(version("A", 5), version("B", 4), number=6, when=FIRST_NIGHT + 10 * DAY)

    assert not settled(shelf).held


def test_an_archive_of_the_future_does_not_stand_for_the_same_version_that_came_back() -> None:
    shelf = PrunedShelf(daily=1)
    shelf.put(version("A", 1), number=1, when=FIRST_NIGHT + 900 * DAY)
    shelf.put(version("A", 2), number=2)
    back = [shelf.put(version("A", 1), number=number) for number in (3, 4)]

    done = settled(shelf)

    assert len(done.newly_held) == 1
    assert done.newly_held[0].removesuffix(HOLD) in back


def test_archives_of_versions_that_did_not_count_are_where_their_times_put_them() -> None:
    shelf = PrunedShelf()
    names = [shelf.put(version("A", number), number=number) for number in (0, 0, 1, 2, 0, 3)]

    assert [one.name for one in shelf.clean_archives] == names[::-1]


def test_a_folder_that_left_is_kept_from_its_latest_time_on_whatever_a_later_clock_said() -> None:
    shelf = PrunedShelf(daily=1)
    shelf.put(version("A", 1), version("B", 1), number=1)
    shelf.put(version("A", 2), version("B", 2), number=2, when=LONG_AGO)
    shelf.put(version("A", 3), number=3)

    [held] = settled(shelf, rules(retired=3 * 365 * 86400, current=frozenset({"A"}))).held

    assert held.why == "for B (gone since then, kept until 2029-10-31)"
