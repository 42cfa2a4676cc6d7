"""Files of the state folder: there whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from avplugin.state.files import (
    StateError,
    locked,
    make_folder,
    read_json,
    write_atomically,
    write_json,
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "state" / "outcomes.json"
    write_json(file, ["old"])
    return file


@pytest.mark.parametrize(
    ("step", "error"),
    [
        ("fsync", OSError(errno.ENOSPC, "No space left on device")),
        ("replace", OSError(errno.EIO, "Input/output error")),
        ("fsync", KeyboardInterrupt()),
    ],
)
def test_a_write_that_fails_leaves_the_old_file_and_nothing_beside_it(
    file: Path, monkeypatch: pytest.MonkeyPatch, step: str, error: BaseException
) -> None:
    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(*((os, "fsync", fail) if step == "fsync" else (Path, "replace", fail)))

    with pytest.raises((StateError, KeyboardInterrupt)) as caught:
        write_json(file, ["new"])

    if isinstance(error, OSError):
        assert str(caught.value).startswith(f"cannot write {file}: {error.strerror}.\n")
        assert "'state' in accountview.yaml" in str(caught.value)
    assert read_json(file) == ["old"]
    assert [path.name for path in file.parent.iterdir()] == ["outcomes.json"]


def test_the_new_file_is_on_disk_before_it_takes_the_name_and_the_name_after(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = []
    fsync, replace = os.fsync, Path.replace

    def noted_fsync(descriptor: int) -> None:
        kind = "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
        steps.append(f"fsync {kind} {os.fstat(descriptor).st_size if kind == 'file' else ''}")
        fsync(descriptor)

    def noted_replace(path: Path, target: Path) -> Path:
        steps.append("rename")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(Path, "replace", noted_replace)
    write_atomically(file, b"12345")

    assert [step.strip() for step in steps] == ["fsync file 5", "rename", "fsync folder"]


def test_what_is_written_is_read_also_names_that_are_no_text(tmp_path: Path) -> None:
    file = tmp_path / "a" / "b" / "file.json"
    value = {"caf\udce9": ["é", 1, None]}

    write_json(file, value)

    assert read_json(file) == value


def test_a_file_that_is_not_there_reads_as_nothing(tmp_path: Path) -> None:
    assert read_json(tmp_path / "gone.json") is None


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000])
def test_a_damaged_file_is_an_error_that_says_what_to_do(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "file.json"
    file.write_bytes(content)

    with pytest.raises(StateError, match=r"file\.json is damaged: .*\n.*Remove it"):
        read_json(file)


def test_only_this_user_gets_at_the_state(tmp_path: Path) -> None:
    file = tmp_path / "state" / "file.json"

    write_json(file, [])

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_file_where_a_folder_should_be_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "state").touch()

    for action in (
        lambda: make_folder(tmp_path / "state"),
        lambda: write_atomically(tmp_path / "state" / "file", b""),
        lambda: read_json(tmp_path / "state" / "file"),
    ):
        with pytest.raises(StateError, match=r"'state' in accountview\.yaml must be writable"):
            action()


def test_a_lock_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    entered = threading.Event()

    def enter() -> None:
        with locked(tmp_path / "state" / "lock"):
            entered.set()

    other = threading.Thread(target=enter)
    with locked(tmp_path / "state" / "lock"):
        other.start()
        assert not entered.wait(0.2)
    other.join(10)

    assert entered.is_set()


def test_the_state_folder_and_all_that_is_made_on_the_way_is_closed_to_others(
    tmp_path: Path,
) -> None:
    make_folder(tmp_path / "lib" / "avplugin" / "system")

    for folder in ("lib", "lib/avplugin", "lib/avplugin/system"):
        assert (tmp_path / folder).stat().st_mode & 0o777 == 0o700
