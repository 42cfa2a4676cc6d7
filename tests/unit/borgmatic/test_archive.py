"""Names of archives, which say whether an archive was proven clean."""

from __future__ import annotations

import datetime
import re

import pytest
from borg.shellpattern import translate

from avplugin.borgmatic.archive import Archive, Series, clean_name, of_series

SERIES = Series("office", "administrations")
STEM = "office-administrations-2026-11-22T02:00:00"


def archive(name: str, hour: int = 0) -> Archive:
    return Archive(name, name, datetime.datetime(2026, 11, 22, hour, tzinfo=datetime.UTC))


@pytest.mark.parametrize(
    ("name", "clean", "unverified", "checkpoint"),
    [
        (STEM, True, False, False),
        (f"{STEM}.hold", True, False, False),
        (f"{STEM}.unverified", False, True, False),
        (f"{STEM}.unverified.checkpoint", False, True, True),
        (f"{STEM}.unverified.checkpoint.1", False, True, True),
        (f"{STEM}.checkpoint", False, True, True),
        (f"{STEM}.hold.unverified", False, False, False),
        (f"{STEM}.recreate", False, False, False),
        (f"{STEM}.unverified.checkpoint.x", False, False, False),
        (f"{STEM}\n", False, False, False),
        ("office-administrations", False, False, False),
        ("office-administrations-2026-11-22", False, False, False),
        ("", False, False, False),
    ],
)
def test_the_name_says_what_an_archive_is(
    name: str, clean: bool, unverified: bool, checkpoint: bool
) -> None:
    found = archive(name)

    assert (found.is_clean, found.is_unverified, found.is_checkpoint) == (
        clean,
        unverified,
        checkpoint,
    )
    assert found.series == (str(SERIES) if clean or unverified else "")


def test_a_new_archive_of_the_series_is_unverified_in_borgmatics_own_words() -> None:
    assert SERIES.name_format == "office-administrations-{now:%Y-%m-%dT%H:%M:%S}.unverified"
    assert SERIES.match_archives == "sh:office-administrations-????-??-??T??:??:??"


def test_the_clean_name_is_the_unverified_one_without_that_word() -> None:
    assert clean_name(f"{STEM}.unverified", [f"{STEM}.unverified", "other"]) == STEM


@pytest.mark.parametrize("taken", [STEM, f"{STEM}.hold"])
def test_a_name_that_is_taken_moves_on_by_a_second(taken: str) -> None:
    assert clean_name(f"{STEM}.unverified", [taken]) == STEM[:-1] + "1"


def test_the_second_moves_on_past_all_that_are_taken_and_over_midnight() -> None:
    last = "office-administrations-2026-12-31T23:59:59"
    taken = [last, "office-administrations-2027-01-01T00:00:00.hold"]

    assert clean_name(f"{last}.unverified", taken) == "office-administrations-2027-01-01T00:00:01"


def test_a_name_of_no_series_has_no_clean_form() -> None:
    with pytest.raises(ValueError, match="no name of a series"):
        clean_name("by-hand.unverified", [])


def test_a_series_is_ordered_by_time_and_not_by_name() -> None:
    late_by_name = archive("office-administrations-2030-01-01T00:00:00", hour=1)
    held = archive(f"{STEM}.hold", hour=3)
    stale = archive(f"{STEM}.unverified.checkpoint", hour=2)
    others = [
        archive("office-administrations-old-2026-11-22T02:00:00"),
        archive("my-office-administrations-2026-11-22T02:00:00"),
        archive("office-system-2026-11-22T02:00:00"),
        archive("by-hand"),
    ]

    assert of_series([late_by_name, *others, held, stale], SERIES) == [held, stale, late_by_name]


def test_the_pattern_for_held_archives_is_for_these_alone() -> None:
    matches = re.compile(translate(SERIES.held_pattern)).match

    assert matches(f"{STEM}.hold")
    for other in (
        *(STEM, f"{STEM}.unverified", f"{STEM}.hold.unverified", f"{STEM}.hold.checkpoint"),
        *(f"x{STEM}.hold", f"other-{STEM}.hold", STEM.replace("office", "0ffice") + ".hold"),
        STEM.replace("administrations", "administrations-old") + ".hold",
    ):
        assert not matches(other)
