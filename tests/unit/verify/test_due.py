"""When a drill is due, and which folders it takes."""

from __future__ import annotations

import datetime
import types
from pathlib import Path
from typing import Any, cast

import pytest
from shelf import RUN, folder

from avplugin.borgmatic.archive import Archive
from avplugin.snapshots.sources import Source
from avplugin.state.drills import Drilled, DrillsFile, KnownDrills
from avplugin.state.manifest import Manifest
from avplugin.verify.candidates import Candidate
from avplugin.verify.due import failing, is_due, longest_unproven

NOW = datetime.datetime(2026, 11, 22, 4, 0, tzinfo=datetime.UTC)
DAY = 86400.0
ARCHIVE = Archive("office-administrations-2026-11-21T02:00:00", "1", NOW)


READER = types.SimpleNamespace(listing=types.SimpleNamespace(id="r"))
SOURCE = Source(cast(Any, READER), None, Path("/nowhere"))


def ago(days: float) -> datetime.datetime:
    return NOW - datetime.timedelta(days=days)


def candidates(*labels: str) -> list[Candidate]:
    return [
        Candidate(SOURCE, ARCHIVE, Manifest(RUN, (folder(label),)), (folder(label),))
        for label in labels
    ]


def drills(state: Path, **days: float | tuple[float, str]) -> KnownDrills:
    """Return that these folders were proven, or failed, so many days ago."""
    file = DrillsFile(state)
    for label, value in days.items():
        when, failure = value if isinstance(value, tuple) else (value, "")
        outcome = Drilled(label, ago(when), ARCHIVE.name, NOW, "", "", failure=failure)
        file.add("r", ARCHIVE.series, [outcome])
    return file.read()


def labels(chosen: list[Candidate]) -> list[str]:
    return [candidate.folder.label for candidate in chosen]


@pytest.mark.parametrize(
    ("passed", "every", "due"),
    [
        (None, 14, True),
        (13, 14, False),
        (14, 14, True),
        (13.9, 14, True),  # a night that begins a little earlier
        (13.8, 14, False),
        (0.95, 1, True),
        (0.85, 1, False),
        (0, 14, False),
        (-1, 14, True),  # the clock was set back
        (9000, 14, True),
    ],
)
def test_a_drill_is_due_when_so_much_time_has_passed(
    passed: float | None, every: float, due: bool
) -> None:
    last = None if passed is None else ago(passed)

    assert is_due(last, every * DAY, NOW) == due


def test_never_proven_ones_come_first_then_the_oldest_proof_and_ties_go_by_label(
    tmp_path: Path,
) -> None:
    known = drills(tmp_path, A=3, B=30, D=3)
    found = candidates("D", "C", "E", "B", "A")

    assert labels(longest_unproven(found, known, 9, NOW)) == ["C", "E", "B", "A", "D"]
    assert labels(longest_unproven(found, known, 2, NOW)) == ["C", "E"]
    assert longest_unproven([], known, 2, NOW) == []


def test_what_failed_comes_before_all_others_longest_ago_first(tmp_path: Path) -> None:
    known = drills(tmp_path, A=(1, "cut off"), B=30, C=(2, "cut off"))
    found = candidates("A", "B", "C", "D")

    assert labels(longest_unproven(found, known, 9, NOW)) == ["C", "A", "D", "B"]
    assert labels(failing(found, known)) == ["C", "A"]


def test_a_proof_in_the_future_is_none(tmp_path: Path) -> None:
    known = drills(tmp_path, A=-5, B=30)

    assert labels(longest_unproven(candidates("B", "A"), known, 1, NOW)) == ["A"]


def test_copy_documents_that_failed_have_their_administration_tried_again(tmp_path: Path) -> None:
    known = drills(tmp_path, papers=(1, "cut off"), A=1, B=1)
    with_papers = Candidate(SOURCE, ARCHIVE, Manifest(RUN, ()), (folder("B"), folder("papers")))

    assert labels(failing([*candidates("A"), with_papers], known)) == ["B"]
