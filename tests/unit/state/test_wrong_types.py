"""Files of the state folder that are JSON and all the same wrong: edited, or half restored."""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from avplugin.borgmatic.process import Process
from avplugin.installation.scan import Contents
from avplugin.state.brake import Braked, BrakeFile, Loss
from avplugin.state.drills import DRILL, Drilled, DrillsFile
from avplugin.state.emergency_sheet import note_emergency_sheet, read_emergency_sheet
from avplugin.state.files import StateError, read_json, write_json
from avplugin.state.installation_id import ensure_installation_id, read_installation_id
from avplugin.state.moments import checked_moment
from avplugin.state.outcomes import Outcome, OutcomesFile
from avplugin.state.references import Look, Notes, Place, ReferenceFile
from avplugin.state.retention import Held, Pruning, Reason, RetentionFile
from avplugin.state.run import Run, SetState
from avplugin.state.unregistered import UnregisteredFile
from avplugin.state.waiting import WaitingList

THEN = "2026-11-22T02:00:00+00:00"
OWNER = Process(17, 4711, "boot")
OUTCOME = Outcome(
    *("r", "/repo", "id", THEN, THEN, "clean", "a", ("because",), ("B: is gone",), ("C: in use",)),
    *(("JAN",), ("A",), ("D",), 2, 3, 4, 5, 6),
)
DRILLED = Drilled("A", checked_moment(THEN), "a", checked_moment(THEN), "f", "l", 1, 2, 3, 4)
LOSS = Loss(10, 3, ("btw",), "a")
BRAKED = Braked("local", "id", THEN, ("3 gone",), {"A": LOSS})
PRUNING = Pruning(
    *("local", THEN, ("a",), ("a",), (Held("h", (Reason("A", "why"),)),), (), "", OWNER)
)
RUN = Run(
    id="r",
    set="s",
    repository="/repo",
    repository_id="id",
    owner=OWNER,
    started=THEN,
    known_archives=("1",),
    ancestors=("/a",),
    boundaries={"/a/b": ("/a/b/c",)},
    size=5,
    guard=OWNER,
    despite={"A": "JAN"},
    overdue=("A: late",),
    brake=("x",),
    people=("JAN",),
)


def outcomes(state: Path) -> Path:
    file = OutcomesFile(state)
    file.add(OUTCOME)
    file.add(dataclasses.replace(OUTCOME, status="failed", new=None))
    return file.path


def drills(state: Path) -> Path:
    DrillsFile(state).add("id", "office-s", [DRILLED])
    DrillsFile(state).note_done("id", "office-s", DRILL, checked_moment(THEN), "/repo")
    return state / "drills.json"


def brake(state: Path) -> Path:
    BrakeFile(state).put_on("/repo", BRAKED)
    BrakeFile(state).accept("/repo")
    BrakeFile(state).put_on("/repo", BRAKED)
    return state / "brake.json"


def retention(state: Path) -> Path:
    RetentionFile(state).note("id", PRUNING)
    return state / "retention.json"


def references(state: Path) -> Path:
    place = Place("t.dbf", "LOGO", "C:\\x", ("a.png",), 1)
    ReferenceFile(state).write(Notes({"A": Look("/a", "f", 5, (place,))}, frozenset({"C:\\x"})))
    return state / "references.json"


def waiting(state: Path) -> Path:
    WaitingList(state).note("/repo", {"A": "JAN"}, THEN)
    WaitingList(state).note_copied("/repo", ["A"], THEN)
    return state / "waiting.json"


def unregistered(state: Path) -> Path:
    UnregisteredFile(state).note(["/x"], THEN)
    return state / "unregistered.json"


def emergency_sheet(state: Path) -> Path:
    note_emergency_sheet(state, ["id"])
    return state / "emergency_sheet.json"


def installation(state: Path) -> Path:
    ensure_installation_id(state)
    return state / "installation.json"


def run(state: Path) -> Path:
    SetState(state, "s").begin_run(RUN, {}, {"/a/b": Contents(())}, [])
    return state / "s" / "run" / "run.json"


def passed(state: Path) -> Path:
    SetState(state, "s").note_passed(OWNER, "/repo")
    return state / "s" / "passed.json"


def told(state: Path) -> None:
    """Do with each outcome what a status does."""
    for one in OutcomesFile(state).read().outcomes:
        _ = (one.missing, one.seen, one.finished, hash(one), one.folders + one.files + one.size)
        if one.begun is not None:
            one.begun.astimezone()


def use(run: Run | None) -> None:
    """Do with a run what after-backup does."""
    if run is not None:
        run.owner.is_borgmatic()
        ", ".join((*run.brake, *run.overdue, *run.despite.values(), *run.clock, run.id))
        [*run.boundaries.values(), range(run.size)]


# How each file is made, and what reads it and works with what it says.
FILES: list[tuple[Callable[[Path], Path], list[Callable[[Path], object]]]] = [
    (outcomes, [lambda state: OutcomesFile(state).add(OUTCOME), told]),
    (drills, [lambda state: DrillsFile(state).read()]),
    (
        brake,
        [
            lambda state: BrakeFile(state).all_braked(),
            lambda state: BrakeFile(state).accepted("/repo", "id"),
            lambda state: BrakeFile(state).take_off("/repo"),
        ],
    ),
    (
        retention,
        [
            lambda state: RetentionFile(state).is_pruned_beside(Process(1, 2, "3")),
            lambda state: RetentionFile(state).last("id"),
            lambda state: RetentionFile(state).note("id", PRUNING),
        ],
    ),
    (references, [lambda state: ReferenceFile(state).read()]),
    (
        waiting,
        [
            lambda state: WaitingList(state).note("/repo", {"B": "PIET"}, THEN),
            lambda state: WaitingList(state).clear("/repo", ["A"]),
        ],
    ),
    (unregistered, [lambda state: UnregisteredFile(state).read()]),
    (emergency_sheet, [read_emergency_sheet]),
    (installation, [read_installation_id]),
    (run, [lambda state: use(SetState(state, "s").current_run())]),
    (passed, [lambda state: SetState(state, "s").has_passed(OWNER, "/repo")]),
]


WRONG: tuple[Any, ...] = (
    *(None, -1, "x", [], {}, float("inf"), "0001-01-01T00:00:00+00:00", ["x"], [None]),
)


def changed_everywhere(document: Any) -> Iterator[Any]:
    """Yield the document with each of its values replaced by each of some wrong ones."""
    for new in WRONG:
        yield new
        for keys in _places(document):
            changed = copy.deepcopy(document)
            part = changed
            for key in keys[:-1]:
                part = part[key]
            part[keys[-1]] = new
            yield changed


def _places(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    parts = enumerate(value) if isinstance(value, list) else ()
    for key, part in value.items() if isinstance(value, dict) else parts:
        yield (*above, key)
        yield from _places(part, (*above, key))


@pytest.mark.parametrize(("make", "readers"), FILES, ids=[make.__name__ for make, _ in FILES])
def test_whatever_a_file_says_it_is_understood_or_a_plain_error(
    make: Callable[[Path], Path], readers: list[Callable[[Path], object]], tmp_path: Path
) -> None:
    file = make(tmp_path)
    document = read_json(file)

    for changed in changed_everywhere(document):
        for read in readers:
            file.write_text(json.dumps(changed))
            try:
                read(tmp_path)
            except StateError as error:
                assert str(file) in str(error)
                assert "emove it" in str(error)


def test_an_outcome_that_cannot_be_understood_is_counted_as_lost_and_stays_in_the_file(
    tmp_path: Path,
) -> None:
    file = outcomes(tmp_path)
    good = read_json(file)
    wrong = ["text", {**good[0], "started": None}, {**good[0], "repository_id": []}]
    wrong += [{**good[0], key: "x"} for key in ("new", "starts", "folders", "left_out", "attended")]
    write_json(file, [*good, *wrong])

    OutcomesFile(tmp_path).add(dataclasses.replace(OUTCOME, run="s"))

    known = OutcomesFile(tmp_path).read()
    assert [one.run for one in known.outcomes] == ["r", "r", "s"]
    assert known.lost == len(wrong)
