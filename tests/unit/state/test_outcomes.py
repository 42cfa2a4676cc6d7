"""What earlier runs came to, as any version of avplugin wrote it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from avplugin.state.outcomes import Outcome
from avplugin.state.run import SetState


def make_outcome(status: str) -> Outcome:
    return Outcome(
        run="r",
        repository="/repo",
        repository_id="1",
        started="2026-11-22T02:00:00+00:00",
        ended="2026-11-22T02:01:00+00:00",
        status=status,
        archive="a",
        reasons=("because",),
        left_out=("B: does not exist",),
        folders=2,
        files=3,
        size=4,
    )


def test_outcomes_come_back_as_they_were_oldest_first(tmp_path: Path) -> None:
    state = SetState(tmp_path, "system")

    state.add_outcome(make_outcome("clean"))
    state.add_outcome(make_outcome("failed"))

    assert state.outcomes() == [make_outcome("clean"), make_outcome("failed")]


def test_outcomes_of_another_version_are_no_hindrance(tmp_path: Path) -> None:
    state = SetState(tmp_path, "system")
    state.folder.mkdir()
    state.outcomes_file.write_text(json.dumps([{"archive": "a", "reasons": ["x"], "new": 1}]))

    [outcome] = state.outcomes()

    assert (outcome.archive, outcome.reasons, outcome.left_out) == ("a", ("x",), ())


def test_who_was_in_two_extra_folders_is_told_of_both_when_starts_are_joined(
    tmp_path: Path,
) -> None:
    state = SetState(tmp_path, "system")
    waits = dataclasses.replace(make_outcome("not now"), in_use=("extra:A: jan", "extra:B: piet"))

    state.add_outcome(waits)
    state.add_outcome(dataclasses.replace(waits, in_use=("extra:A: klaas",)))

    [outcome] = state.outcomes()
    assert outcome.in_use == ("extra:A: klaas", "extra:B: piet")
    assert outcome.starts == 2
