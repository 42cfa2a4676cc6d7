"""Two folders change places: whole, whatever stops it, on any file system."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from conftest import tree

from avplugin.restore import swap
from avplugin.restore.swap import LostTrack, Swap, SwapRefused, perform, plan_swap, swap_from_json

Tree = dict[bytes, tuple[object, ...]]


class _Crash(BaseException):
    """The machine stops here."""


class Folders(NamedTuple):
    """A folder in its place with two inside that are not part of it, and one to take its place."""

    place: Path
    other: Path
    kept: Path
    stays: tuple[Path, ...]

    def plan(self) -> Swap:
        planned = plan_swap(self.place, self.other, self.kept, self.stays)
        return swap_from_json(json.loads(json.dumps(planned.to_json())))


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
        os.utime(folder / name, ns=(1, 1_700_000_000_123_456_789))


def make(base: Path, *, stays: bool) -> Folders:
    """Make the folders with things only in the old one, only in the new one, and in both."""
    place, other = base / "Programma", base / ".staging" / "srv" / "Programma"
    write(place, {"both": "old", "old": "old", "data/old": "old", "was a file": "old"})
    write(other, {"both": "new", "new": "new", "data/new": "new", "was a file/now in it": "new"})
    inside: tuple[Path, ...] = ()
    if stays:
        write(place, {"Systeem/table": "system", "data/ADM/table": "books", "deep/er/ADM2/t": "x"})
        inside = (place / "Systeem", place / "data" / "ADM", place / "deep" / "er" / "ADM2")
    place.chmod(0o2770)
    os.utime(place, ns=(1, 1_600_000_000_000_000_001))
    other.chmod(0o751)
    os.utime(other, ns=(1, 1_500_000_000_000_000_002))
    return Folders(place, other, base / "Programma.before-restore-x", inside)


def contents(found: Tree) -> dict[bytes, object]:
    return {path: entry[2] for path, entry in found.items()}


@pytest.fixture(params=[True, False], ids=["exchange", "no-exchange"])
def file_system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system that can exchange two folders in one step, and one that knows no flags."""
    monkeypatch.setattr(swap, "_PATIENCE", 0.0)
    if not request.param:
        monkeypatch.setattr(swap, "_renameat2", lambda *_: False)


def stop_at(
    monkeypatch: pytest.MonkeyPatch, number: int, error: BaseException
) -> Callable[[], int]:
    """Let the rename with this number, counted from 0, fail; return how many were tried."""
    tried = 0
    renames = {name: getattr(swap, name) for name in ("_rename", "_exchange")}

    def counting(name: str) -> Callable[[str, str], object]:
        def rename(one: str, other: str) -> object:
            nonlocal tried
            tried += 1
            if tried > number:
                raise error
            return renames[name](one, other)

        return rename

    for name in renames:
        monkeypatch.setattr(swap, name, counting(name))
    return lambda: tried


@pytest.mark.usefixtures("file_system")
@pytest.mark.parametrize("stays", [False, True])
def test_the_new_one_is_in_place_the_old_one_is_kept_and_what_stays_is_untouched(
    tmp_path: Path, stays: bool
) -> None:
    folders = make(tmp_path, stays=stays)
    inodes = [stay.stat().st_ino for stay in folders.stays]
    staying = [tree(stay) for stay in folders.stays]
    old, new = tree(folders.place), tree(folders.other)

    perform([folders.plan()])

    now, kept = tree(folders.place), tree(folders.kept)
    for stay, inode, before in zip(folders.stays, inodes, staying, strict=True):
        assert stay.stat().st_ino == inode
        assert tree(stay) == before
        inside = os.fsencode(stay.relative_to(folders.place))
        now = {path: entry for path, entry in now.items() if not path.startswith(b"/" + inside)}
        old = {path: entry for path, entry in old.items() if not path.startswith(b"/" + inside)}
    assert now[b""] == new[b""]
    assert kept[b""] == old[b""]
    assert {path: now[path] for path in new} == new
    assert {path: kept[path] for path in old} == old
    assert not set(now) - set(new) - {b"/deep", b"/deep/er"}
    assert not os.path.lexists(folders.other)


@pytest.mark.usefixtures("file_system")
@pytest.mark.parametrize("stays", [False, True])
@pytest.mark.parametrize("forward", [False, True])
def test_a_crash_before_any_rename_can_be_finished_and_can_be_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stays: bool, forward: bool
) -> None:
    reference = make(tmp_path / "reference", stays=stays)
    perform([reference.plan()])
    wanted = contents(tree(reference.place)), contents(tree(reference.kept))
    crashes = 0
    for number in range(60):
        folders = make(tmp_path / str(number), stays=stays)
        before = tree(folders.place)
        planned = folders.plan()
        ready = contents(tree(folders.other))
        with monkeypatch.context() as patch:
            stop_at(patch, number, _Crash())
            try:
                for step in planned.steps:
                    step.do()
            except _Crash:
                crashes += 1
            else:
                break

        if forward:
            perform([planned])
            assert (contents(tree(folders.place)), contents(tree(folders.kept))) == wanted
        else:
            planned.undo()
            assert tree(folders.place) == before
            assert contents(tree(folders.other)) == ready
            assert not os.path.lexists(folders.kept)
    assert crashes >= len(planned.steps)


@pytest.mark.usefixtures("file_system")
def test_where_a_later_folder_is_refused_the_earlier_ones_go_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = make(tmp_path / "one", stays=True), make(tmp_path / "two", stays=False)
    swaps = [one.plan(), two.plan()]
    before = [tree(folders.place) for folders in (one, two)]
    take_back = swap.take_back
    refusals = 0
    for number in range(100):
        with monkeypatch.context() as patch:
            stop_at(patch, number, OSError(errno.EACCES, "Permission denied"))

            def go_back(swaps: Sequence[Swap], patch: pytest.MonkeyPatch = patch) -> None:
                patch.undo()  # the way back is free
                take_back(swaps)

            patch.setattr(swap, "take_back", go_back)
            try:
                perform(swaps)
            except SwapRefused as refused:
                refusals += 1
                assert refused.is_open
                assert "cannot be moved: Permission denied" in str(refused)
            else:
                break
        assert [tree(folders.place) for folders in (one, two)] == before
    assert refusals >= len(swaps[0].steps) + len(swaps[1].steps)


def test_who_refuses_for_a_moment_only_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = make(tmp_path, stays=False)
    real, refusals = swap._renameat2, 3

    def busy(source: str, target: str, flag: int) -> bool:
        nonlocal refusals
        refusals -= 1
        if refusals >= 0:
            raise OSError(errno.EBUSY, "Device or resource busy")
        return real(source, target, flag)

    monkeypatch.setattr(swap, "_renameat2", busy)
    monkeypatch.setattr(swap, "_PAUSE", 0.01)
    perform([folders.plan()])

    assert (folders.place / "new").exists()


def test_what_cannot_be_finished_nor_taken_back_is_said_and_nothing_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = make(tmp_path, stays=False)
    planned = folders.plan()
    before = contents(tree(tmp_path))
    monkeypatch.setattr(swap, "_PATIENCE", 0.0)
    stop_at(monkeypatch, 1, OSError(errno.EIO, "Input/output error"))

    with pytest.raises(LostTrack, match="nor could everything be taken back"):
        perform([planned])

    after = contents(tree(tmp_path))
    assert sorted(map(str, after.values())) == sorted(map(str, before.values()))


def test_somebody_who_moves_things_meanwhile_is_noticed(tmp_path: Path) -> None:
    folders = make(tmp_path, stays=False)
    planned = folders.plan()
    folders.place.rename(tmp_path / "elsewhere")
    write(folders.place, {"stranger": "x"})

    with pytest.raises(SwapRefused, match="somebody has moved things"):
        perform([planned])

    assert (folders.place / "stranger").exists()
    assert (folders.other / "new").exists()


def test_not_to_be_seen_is_not_the_same_as_not_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = make(tmp_path, stays=True)
    planned = folders.plan()
    with monkeypatch.context() as patch:
        stop_at(patch, len(planned.steps) - 2, _Crash())
        with pytest.raises(_Crash):
            planned.do()
    # The disk is copied to another one: all inodes are others.
    copy = tmp_path.with_name(f"{tmp_path.name}-copy")
    shutil.copytree(tmp_path, copy)
    shutil.rmtree(tmp_path)
    copy.rename(tmp_path)
    before = contents(tree(tmp_path))

    with pytest.raises(LostTrack):
        perform([planned])

    assert contents(tree(tmp_path)) == before


def test_a_disk_that_is_not_mounted_looks_not_like_one_where_nothing_was_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = make(tmp_path / "disk", stays=True)
    planned = folders.plan()
    with monkeypatch.context() as patch:
        stop_at(patch, 2, _Crash())
        with pytest.raises(_Crash):
            planned.do()
    (tmp_path / "disk").rename(tmp_path / "away")
    folders.place.mkdir(parents=True)

    with pytest.raises(LostTrack):
        perform([planned])


def test_two_names_of_one_file_are_no_reason_to_do_nothing(tmp_path: Path) -> None:
    folders = make(tmp_path, stays=True)
    (folders.other / "both").unlink()
    (folders.other / "both").hardlink_to(folders.place / "both")
    (folders.place / "zz").write_text("old")
    (folders.other / "zz").write_text("new")

    perform([folders.plan()])

    assert (folders.place / "new").exists()
    assert (folders.place / "zz").read_text() == "new"


def test_a_name_as_long_as_can_be_is_exchanged_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for known in (True, False):
        folders = make(tmp_path / str(known), stays=True)
        for folder in (folders.place, folders.other):
            (folder / ("K" * 255)).write_text(folder.parent.name)
        with monkeypatch.context() as patch:
            if not known:
                patch.setattr(swap, "_renameat2", lambda *_: False)
            perform([folders.plan()])
        assert (folders.place / ("K" * 255)).read_text() == "srv"


def test_what_stays_stays_also_where_all_around_it_is_taken_away(tmp_path: Path) -> None:
    folders = make(tmp_path, stays=True)

    perform([plan_swap(folders.place, tmp_path / ".nothing", folders.kept, folders.stays)])

    left = {path for path, entry in tree(folders.place).items() if entry[2] is not None}
    assert left == {b"/Systeem/table", b"/data/ADM/table", b"/deep/er/ADM2/t"}
    assert (folders.kept / "both").read_text() == "old"


def test_nothing_is_ever_overwritten_where_something_has_come_up(tmp_path: Path) -> None:
    folders = make(tmp_path, stays=True)
    planned = folders.plan()
    (folders.place / "new").write_text("somebody was faster")
    before = contents(tree(folders.place))

    with pytest.raises(SwapRefused, match="File exists"):
        perform([planned])

    assert contents(tree(folders.place)) == before


def test_a_missing_place_is_filled_and_can_be_emptied_again(tmp_path: Path) -> None:
    folders = make(tmp_path, stays=False)
    old = folders.place.rename(tmp_path / "lost")
    filled = folders.plan()
    perform([filled])
    assert (folders.place / "new").exists()

    emptied = plan_swap(folders.place, tmp_path / "nothing", folders.kept)
    perform([emptied])

    assert not os.path.lexists(folders.place)
    assert (folders.kept / "new").exists()
    assert (old / "old").exists()


def test_a_file_of_the_snapshot_is_not_put_where_a_folder_has_to_stay(tmp_path: Path) -> None:
    folders = make(tmp_path, stays=True)
    (folders.other / "deep").write_text("a file")

    with pytest.raises(FileExistsError):
        folders.plan()
