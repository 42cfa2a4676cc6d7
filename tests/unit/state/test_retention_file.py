"""What is known of the last prune of each repository."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from avplugin.state.files import StateError
from avplugin.state.retention import Held, Pruning, Reason, RetentionFile

PRUNING = Pruning(
    repository="local",
    began="2026-11-22T02:00:00+00:00",
    archives=("a", "b"),
    condemned=("a",),
    held=(Held("c.hold", (Reason("KLANT1", "left out since then"),)),),
    removed=("a",),
    ended="2026-11-22T02:00:05+00:00",
)


def test_what_is_noted_is_known_by_the_id_of_the_repository(tmp_path: Path) -> None:
    file = RetentionFile(tmp_path)
    assert file.last("1") is None

    file.note("1", PRUNING)

    assert RetentionFile(tmp_path).last("1") == PRUNING
    assert RetentionFile(tmp_path).last("2") is None


def test_what_a_later_version_added_is_passed_over(tmp_path: Path) -> None:
    RetentionFile(tmp_path).note("1", PRUNING)
    path = tmp_path / "retention.json"
    document = json.loads(path.read_text())
    document["1"]["mood"] = "good"
    document["1"]["held"][0]["until"] = "2030"
    path.write_text(json.dumps(document))

    assert RetentionFile(tmp_path).last("1") == PRUNING


@pytest.mark.parametrize("text", ["[1]", '{"1": 5}', '{"1": {}}', '{"1": {"held": [1]}}', "{"])
def test_a_damaged_file_is_said_so(tmp_path: Path, text: str) -> None:
    (tmp_path / "retention.json").write_text(text)

    with pytest.raises(StateError, match=r"retention.json is damaged"):
        RetentionFile(tmp_path).last("1")


def test_why_an_archive_is_held_is_said_once_for_folders_alike_and_cut_short() -> None:
    reasons = [Reason(f"KLANT{number}", "left out since then") for number in range(1, 6)]
    held = Held(
        "x.hold", (*reasons, Reason("", "nobody can tell"), Reason("A", "b"), Reason("C", "d"))
    )

    assert held.why == (
        "for KLANT1, KLANT2, KLANT3 and 2 more (left out since then), (nobody can tell) and 2 more"
    )
