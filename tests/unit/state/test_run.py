"""What before-backup leaves for Borg and for after-backup."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from avplugin.borgmatic.process import Process
from avplugin.installation.scan import Contents, Entry, scan_folder
from avplugin.state.files import StateError
from avplugin.state.run import Run, SetState


def run_of(*paths: str) -> Run:
    return Run(
        id="1",
        set="administrations",
        repository="/r",
        repository_id="00",
        owner=Process(1, 2, "3"),
        started="2026-11-22T02:00:00+00:00",
        known_archives=(),
        ancestors=(),
        boundaries=dict.fromkeys(paths, ()),
        size=0,
    )


def begin(state: SetState, files: dict[str, bytes], contents: dict[str, Contents]) -> Run:
    run = run_of(*contents)
    state.begin_run(run, files, contents, ["R /"])
    return run


@pytest.fixture
def state(tmp_path: Path) -> SetState:
    return SetState(tmp_path / "state", "administrations")


def manifest(state: SetState) -> Path:
    return Path(state.manifest_root)


def test_a_manifest_that_did_not_change_is_the_same_file_the_next_night(state: SetState) -> None:
    """Borg knows it again by inode, size and change time."""
    begin(state, {"1/run.json": b"1", "folders/a.json": b"a", "folders/b.json": b"b"}, {})
    before = {name: (manifest(state) / f"folders/{name}.json").stat() for name in "ab"}
    state.end_run()
    time.sleep(0.02)
    begin(state, {"2/run.json": b"2", "folders/a.json": b"a", "folders/b.json": b"B"}, {})
    after = {name: (manifest(state) / f"folders/{name}.json").stat() for name in "ab"}

    assert (after["a"].st_ino, after["a"].st_ctime_ns) == (
        before["a"].st_ino,
        before["a"].st_ctime_ns,
    )
    assert after["b"].st_ctime_ns > before["b"].st_ctime_ns


@pytest.mark.parametrize("ended", [True, False])
def test_nothing_of_the_run_before_is_in_the_manifest(state: SetState, ended: bool) -> None:
    begin(state, {"1/run.json": b"11", "folders/a.json": b"a", "folders/gone.json": b"c"}, {})
    if ended:
        state.end_run()
    (manifest(state) / "folders" / "stray").mkdir()
    files = {"2/run.json": b"2", "folders/a.json": b"aa"}
    begin(state, files, {})

    assert state.manifest_sizes() == {
        "avplugin": None,
        "avplugin/2": None,
        "avplugin/2/run.json": 1,
        "avplugin/folders": None,
        "avplugin/folders/a.json": 2,
    }
    assert sorted(state.manifest_data()) == sorted(b"".join(files.values()))


def test_a_manifest_file_that_was_half_written_is_made_good(state: SetState) -> None:
    begin(state, {"1/run.json": b"1", "folders/a.json": b"abc"}, {})
    (manifest(state) / "folders" / "a.json").write_bytes(b"\0\0\0")
    begin(state, {"1/run.json": b"1", "folders/a.json": b"abc"}, {})

    assert (manifest(state) / "folders" / "a.json").read_bytes() == b"abc"


def test_a_file_in_the_place_of_a_folder_of_the_manifest_is_replaced(state: SetState) -> None:
    begin(state, {"folders/a.json": b"abc"}, {})
    state.forget_manifest()
    manifest(state).mkdir(parents=True)
    (manifest(state) / "folders").write_bytes(b"what is this")
    begin(state, {"folders/a.json": b"abc"}, {})

    assert (manifest(state) / "folders" / "a.json").read_bytes() == b"abc"


def test_forgetting_leaves_nothing_of_a_manifest(state: SetState) -> None:
    begin(state, {"1/run.json": b"1", "folders/a.json": b"abc"}, {})
    state.end_run()
    state.forget_manifest()
    state.forget_manifest()

    assert not manifest(state).exists()


def test_what_was_scanned_comes_back_folder_by_folder(state: SetState, tmp_path: Path) -> None:
    odd = os.fsencode(tmp_path) + b"/odd \xff\n name"
    Path(os.fsdecode(odd)).mkdir()
    Path(os.fsdecode(odd), "x\n'\".DBF").write_bytes(b"123")
    scanned = scan_folder(os.fsdecode(odd))
    plain = Contents((Entry(b"", "d", 0, 1, 2, 3, 4), Entry(b"a b", "-", 5, 6, 7, 8, 9)))
    contents = {"/b": plain, os.fsdecode(odd): scanned, "/empty": Contents(())}
    run = begin(state, {}, contents)

    with state.contents_before(run) as before:
        assert dict(before) == contents
        assert before.is_exactly("/b", plain)
        assert not before.is_exactly("/b", Contents(plain.entries[:1]))
        with pytest.raises(KeyError):
            before["/c"]


def test_a_scan_that_is_gone_or_no_scan_is_an_error_that_names_it(state: SetState) -> None:
    run = begin(state, {}, {"/b": Contents(())})
    scan = state.folder / "run" / "scan"
    scan.write_bytes(b"nonsense\n")
    with pytest.raises(StateError, match="scan"), state.contents_before(run):
        pass
    scan.unlink()
    with pytest.raises(StateError, match="scan"), state.contents_before(run):
        pass
