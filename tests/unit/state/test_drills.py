"""What restore drills have come to, as it is kept."""

from __future__ import annotations

import datetime
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from shelf import folder

from avplugin.state.drills import DRILL, HELD, KEPT_VERSIONS, Drilled, DrillsFile, FolderDrills
from avplugin.state.files import StateError

NOW = datetime.datetime(2026, 11, 22, 4, 0, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)


def drilled(version: int, failure: str = "", *, label: str = "A", day: int = 0) -> Drilled:
    """Return what came of a version on a day; a higher version is in a later archive."""
    return Drilled(
        label=label,
        when=NOW + day * DAY,
        archive=f"office-administrations-{version}",
        taken=NOW + (version - 100) * DAY,
        fingerprint=f"print {version}",
        list_digest=f"list {version}",
        failure=failure,
    )


def after(*outcomes: Drilled) -> FolderDrills:
    known = FolderDrills()
    for outcome in outcomes:
        known = known.and_then(outcome)
    return known


def test_a_failure_stands_until_that_version_or_a_newer_one_is_proven() -> None:
    failed = drilled(2, "cut off")

    assert after(drilled(1), failed).failure == failed
    assert after(failed, drilled(1)).failure == failed  # older: nothing is said about this one
    assert after(failed, drilled(2)).failure is None
    assert after(failed, drilled(3)).failure is None
    assert after(drilled(3), failed).failure == failed  # proven before, and not any more


def test_a_clock_that_was_set_back_does_not_make_a_failure_older_than_it_is() -> None:
    failed = drilled(2, "cut off", day=-30)

    assert after(drilled(2, day=0), failed).failure == failed


def test_what_was_proven_last_stays_known_while_a_failure_stands() -> None:
    known = after(drilled(1, day=1), drilled(2, "cut off", day=2))

    assert known.proven == drilled(1, day=1)
    assert FolderDrills().proven is None


def test_each_version_has_an_outcome_of_its_own_and_the_oldest_are_forgotten() -> None:
    known = after(*(drilled(version) for version in range(KEPT_VERSIONS + 2)))
    part = folder("A", fingerprint="print 9", list_digest="list 9")

    assert known.of_version(part) == drilled(9)
    assert known.of_version(folder("A", fingerprint="print 9", list_digest="x")) is None
    assert known.of_version(folder("A", fingerprint="print 0", list_digest="list 0")) is None
    assert len(known.outcomes) == KEPT_VERSIONS
    again = known.and_then(drilled(9, "cut off"))
    assert again.of_version(part) == drilled(9, "cut off")
    assert len(again.outcomes) == KEPT_VERSIONS


def test_what_was_kept_is_read_again_by_repository_series_and_folder(tmp_path: Path) -> None:
    file = DrillsFile(tmp_path)
    file.add("r", "office-administrations", [drilled(1, label="Bakker")])
    file.add("r", "office-administrations", [drilled(2, "cut off", label="BAKKER", day=1)])
    file.add("other", "office-administrations", [drilled(1, label="Bakker", day=5)])
    file.note_done("r", "office-administrations", DRILL, NOW, "/backup")

    known = file.read()

    assert known.folder("r", "office-administrations", "bakker").failure == drilled(
        2, "cut off", label="BAKKER", day=1
    )
    assert known.folder("r", "office-system", "bakker") == FolderDrills()
    assert known.everywhere("Bakker").failure is not None  # the worst of all repositories
    assert known.has_failures("r", "office-administrations")
    assert not known.has_failures("other", "office-administrations")
    assert known.last_done("r", "office-administrations", DRILL) == NOW
    assert known.last_done("r", "office-administrations", HELD) is None
    assert known.repository_at("/backup", "office-administrations") == "r"
    assert known.repository_at("/backup", "office-system") == ""
    assert known.repository_at("/other", "office-administrations") == ""


def test_of_disks_that_take_turns_at_one_path_the_last_one_counts(tmp_path: Path) -> None:
    file = DrillsFile(tmp_path)
    file.note_done("r", "s", HELD, NOW, "/backup")
    file.note_done("other", "s", HELD, NOW + DAY, "/backup")

    assert file.read().repository_at("/backup", "s") == "other"


def test_of_several_repositories_the_last_proof_counts_where_none_failed(tmp_path: Path) -> None:
    file = DrillsFile(tmp_path)
    file.add("r", "s", [drilled(1, day=5)])
    file.add("other", "s", [drilled(1, day=7)])

    assert file.read().everywhere("A").proven == drilled(1, day=7)
    assert file.read().everywhere("B") == FolderDrills()


def test_failures_of_versions_that_no_archive_holds_are_forgotten_and_proofs_are_not(
    tmp_path: Path,
) -> None:
    file = DrillsFile(tmp_path)
    outcomes = [drilled(1), drilled(3, "gone"), drilled(2, "there"), drilled(4, "x", label="B")]
    file.add("r", "s", outcomes)

    file.forget_failures_but("r", "s", {"A": {("print 2", "list 2")}})

    assert file.read().folder("r", "s", "A").outcomes == (drilled(1), drilled(2, "there"))
    assert file.read().folder("r", "s", "B") == FolderDrills()


def test_drills_that_end_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        for number in range(40):
            outcome = drilled(1, label=f"A{number}")
            pool.submit(DrillsFile(tmp_path).add, "r", "s", [outcome])

    known = DrillsFile(tmp_path).read()

    assert all(known.folder("r", "s", f"A{number}").proven for number in range(40))


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[1]",
        '{"r": 1}',
        '{"r": {"s": {}}}',
        '{"r": {"s": {"path": "", "done": {}, "folders": {"A": [{}]}}}}',
        '{"r": {"s": {"path": "", "folders": {}, "done": {"drill": "yesterday"}}}}',
        '{"r": {"s": {"path": "", "folders": {}, "done": {"drill": "2026-11-22T04:00:00"}}}}',
    ],
)
def test_a_damaged_file_is_said_to_be_damaged_and_not_written_over(
    tmp_path: Path, text: str
) -> None:
    (tmp_path / "drills.json").write_text(text)

    with pytest.raises(StateError, match=r"drills\.json is damaged"):
        DrillsFile(tmp_path).read()
    with pytest.raises(StateError, match=r"drills\.json is damaged"):
        DrillsFile(tmp_path).add("r", "s", [drilled(1)])

    assert (tmp_path / "drills.json").read_text() == text


def test_keys_that_a_later_version_added_are_passed_over(tmp_path: Path) -> None:
    DrillsFile(tmp_path).add("r", "s", [drilled(1)])
    document = json.loads((tmp_path / "drills.json").read_text())
    document["r"]["s"]["folders"]["A"][0]["new"] = document["r"]["s"]["new"] = 5
    (tmp_path / "drills.json").write_text(json.dumps(document))

    assert DrillsFile(tmp_path).read().folder("r", "s", "A").proven == drilled(1)
