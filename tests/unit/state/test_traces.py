"""Taking an administration out of the files of the state folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from avplugin.borgmatic.patterns import Selection
from avplugin.state.forgetting import ChunkIds, ForgettingFolder, Progress
from avplugin.state.traces import Traces, clear_traces, find_traces_in

TRACES = Traces(
    "WEG", ("Weg & Zn",), ("WEG", "copy documents of WEG"), ("/srv/WEG",), ("F:\\adm\\weg",)
)


def cleared(state: Path, name: str, document: Any) -> Any:
    file = state / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(document))
    clear_traces(state, TRACES)
    assert not find_traces_in(state, TRACES)
    return json.loads(file.read_text())


def test_what_waits_is_told_without_it(tmp_path: Path) -> None:
    document = {"/repo": {"WEG": {"since": "x", "who": "jan"}, "ANDER": {"who": "jan is in WEG"}}}
    left = cleared(tmp_path, "administrations/waiting.json", document)
    assert left == {"/repo": {"ANDER": {"who": "jan is in (forgotten)"}}}


def test_an_archive_is_held_for_others_alone(tmp_path: Path) -> None:
    reasons = [{"label": "WEG", "why": "gone"}, {"label": "ANDER", "why": "gone since WEG"}]
    document = {"id": {"held": [{"archive": "a.hold", "reasons": reasons}]}}
    left = cleared(tmp_path, "administrations/retention.json", document)
    assert left["id"]["held"][0]["reasons"] == [{"label": "ANDER", "why": "gone since (forgotten)"}]


def test_drills_of_it_and_of_its_documents_go(tmp_path: Path) -> None:
    drills = {"WEG": [{"label": "WEG"}], "COPY DOCUMENTS OF WEG": [], "ANDER": [{"failure": "x"}]}
    document = {"id": {"series": {"folders": drills, "done": {}, "path": "/repo"}}}
    left = cleared(tmp_path, "drills.json", document)
    assert left["id"]["series"]["folders"] == {"ANDER": [{"failure": "x"}]}


def test_outcomes_lose_its_lines_and_keep_the_others(tmp_path: Path) -> None:
    outcome = {
        "status": "clean",
        "archive": "office-WEG-2026-11-22T02:00:00",
        "left_out": ["WEG: does not exist: /srv/WEG", "ANDER: lies in /srv/WEG/x"],
        "changed": ["WEG", "ANDER"],
        "reasons": ["in the archive, but not meant to be: F:\\adm\\weg\\x", "weg & zn moved"],
    }
    left = cleared(tmp_path, "administrations/outcomes.json", [outcome])[0]
    assert left["left_out"] == ["ANDER: lies in (forgotten)/x"]
    assert left["changed"] == ["ANDER"]
    assert left["reasons"] == [
        "in the archive, but not meant to be: (forgotten)\\x",
        "(forgotten) moved",
    ]
    assert left["archive"] == outcome["archive"]


@pytest.mark.parametrize("code", ["STATUS", "RUN", "FOLDERS", "26", "CLEAN"])
def test_a_code_that_is_a_word_of_the_files_breaks_none_of_them(tmp_path: Path, code: str) -> None:
    (tmp_path / "s").mkdir()
    document = [{"status": "clean", "run": "1", "folders": [], "started": "2026-11-26T02:00:26"}]
    (tmp_path / "s" / "outcomes.json").write_text(json.dumps(document))
    clear_traces(tmp_path, Traces(code))
    assert json.loads((tmp_path / "s" / "outcomes.json").read_text()) == document


def test_patterns_that_name_its_folder_go_and_others_stay(tmp_path: Path) -> None:
    for name, path in (("a", "/srv/WEG"), ("b", "/srv/ANDER")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "patterns").write_text(f"+ pp:{path}\n")
    clear_traces(tmp_path, TRACES)
    assert [file.parent.name for file in tmp_path.glob("*/patterns")] == ["b"]


def test_patterns_that_name_its_folder_only_within_an_expression_go_and_others_stay(
    tmp_path: Path,
) -> None:
    """Of many folders side by side the common beginnings of their names are written once."""
    others = [f"/srv/{letter}{number}" for letter in "VWX" for number in range(9)]
    for name, paths in (("a", [*others, "/srv/WEG"]), ("b", [*others, "/srv/WEGEN"])):
        (tmp_path / name).mkdir()
        selected = Selection(paths, (), lambda path: path == "/srv")
        (tmp_path / name / "patterns").write_text("\n".join(selected.lines("/state/./avplugin")))
    clear_traces(tmp_path, TRACES)
    assert [file.parent.name for file in tmp_path.glob("*/patterns")] == ["b"]


def test_what_is_kept_of_a_manifest_goes_where_it_names_it_or_nobody_can_tell(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "administrations" / "manifest" / "avplugin" / "folders"
    folder.mkdir(parents=True)
    (folder / "1.json").write_text(json.dumps({"label": "WEG", "name": "Weg & Zn"}))
    (folder / "2.json").write_text(json.dumps({"label": "ANDER", "name": "Ander"}))
    (folder / "3.json").write_text('{"label": ')
    assert len(find_traces_in(tmp_path, TRACES)) == 2
    clear_traces(tmp_path, TRACES)
    assert [file.name for file in folder.iterdir()] == ["2.json"]


def test_restores_and_receipts_are_left_to_their_own_readers(tmp_path: Path) -> None:
    for name in ("restore", "receipts", "forget"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.json").write_text('"WEG"')
    assert not find_traces_in(tmp_path, TRACES)


def test_ids_that_were_half_written_count_for_nothing(tmp_path: Path) -> None:
    ids = ChunkIds(tmp_path / "x" / "ids")
    assert ids.read() == set()
    ids.add({b"a" * 32, b"b" * 32})
    with (tmp_path / "x" / "ids").open("ab") as file:
        file.write(b"half")
    assert ids.read() == {b"a" * 32, b"b" * 32}
    ids.add({b"a" * 32, b"c" * 32})
    assert ids.read() == {b"a" * 32, b"b" * 32, b"c" * 32}


def test_progress_is_read_back_and_gone_at_the_end(tmp_path: Path) -> None:
    folder = ForgettingFolder(tmp_path)
    assert folder.read() is None
    progress = Progress("WEG", ("Weg",), ("WEG",), ("/srv/WEG",), (), {"id": ["one"]})
    folder.write(progress)
    assert folder.read() == progress
    folder.end()
    assert folder.read() is None
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_was_in_no_register_goes_by_its_path_and_others_stay(tmp_path: Path) -> None:
    paths = ["/srv/WEG", "/srv/WEG/KOPIEDOC", "/srv/weg.before-restore-20261122-020000"]
    document = dict.fromkeys([*paths, "/srv/WEGEN", "/srv/ANDER"], "2026-11-22T02:00:00+00:00")
    left = cleared(tmp_path, "unregistered.json", document)
    assert sorted(left) == ["/srv/ANDER", "/srv/WEGEN"]


def test_a_code_or_name_that_is_an_ordinary_word_takes_none_out_of_what_others_are_told() -> None:
    traces = Traces("IN", ("De",), ("IN",))
    told = "ANDER: jan is in it; de tabel is damaged"
    assert traces.out_of(told) == told
    assert traces.out_of("jan is in IN, that is De") == (
        "jan is in (forgotten), that is (forgotten)"
    )
