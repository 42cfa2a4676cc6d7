"""What folders are called on the Windows machine that has them, and back."""

from __future__ import annotations

from pathlib import Path

import pytest

from avplugin.installation.model import Folder, Kind
from avplugin.sessions.windows_paths import (
    NoWindowsNameError,
    WindowsFolders,
    WindowsPaths,
    windows_name,
)


def folder(path: str, windows_path: str = "") -> Folder:
    return Folder(Kind.ADMINISTRATION, "X", "X", path, windows_path or path)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/srv/av", "D:\\AV"),
        ("/srv/av/Bakker 26/x", "D:\\AV\\Bakker 26\\x"),
        ("/srv/av/old/x", "\\\\nas\\old\\x"),
        ("/srv/avx", None),
        ("/usb", "E:\\"),
        ("/usb/x", "E:\\x"),
    ],
)
def test_the_longest_entry_says_what_a_folder_is_called(path: str, expected: str | None) -> None:
    folders = {"/srv/av": "D:/AV/", "/srv/av/old": "\\\\nas\\old", "/usb/": "E:"}
    assert WindowsPaths(folders, is_guest=False).find(folder(path)) == expected


def test_an_entry_may_be_a_symbolic_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    paths = WindowsPaths({f"{tmp_path}/link": "D:\\AV"}, is_guest=False)
    assert paths.find(folder(f"{tmp_path.resolve()}/real/x")) == "D:\\AV\\x"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/mnt/d/AV/x", "D:\\AV\\x"),
        ("/mnt/d", "D:\\"),
        ("/mnt/data/x", None),
        ("/media/d/x", None),
    ],
)
def test_a_guest_has_the_drives_of_its_host_below_mnt(path: str, expected: str | None) -> None:
    assert WindowsPaths({}, is_guest=True).find(folder(path)) == expected


def test_below_mnt_of_another_machine_is_no_drive() -> None:
    assert WindowsPaths({}, is_guest=False).find(folder("/mnt/d/AV")) is None


def test_what_the_register_calls_a_folder_is_its_name_there() -> None:
    paths = WindowsPaths({}, is_guest=False)
    assert paths.find(folder("/data/x", "F:\\admins\\x\\")) == "F:\\admins\\x"


def test_an_entry_counts_above_the_register() -> None:
    paths = WindowsPaths({"/data": "D:\\data"}, is_guest=True)
    assert paths.find(folder("/data/x", "F:\\admins\\x")) == "D:\\data\\x"


def test_a_register_entry_that_goes_up_says_nothing() -> None:
    assert WindowsPaths({}, is_guest=False).find(folder("/data/x", "F:\\a\\..\\x")) is None


def test_a_folder_that_windows_cannot_name_is_refused() -> None:
    with pytest.raises(NoWindowsNameError, match="a:b"):
        WindowsPaths({"/srv": "D:\\"}, is_guest=False).find(folder("/srv/a:b"))


@pytest.mark.parametrize(
    "name", ["a:b", "a\\b", "wat?", "x.", "x ", "x /y", "con", "LPT1.dbf", "a\nb", "nul.x"]
)
def test_a_name_that_windows_cannot_hold_is_refused(name: str) -> None:
    with pytest.raises(NoWindowsNameError, match="cannot hold"):
        windows_name(name.encode())


@pytest.mark.parametrize("name", ["console.dbf", "[1] & 'x'", "café.dbf", "com10.dbf", ".x"])
def test_any_other_name_is_itself(name: str) -> None:
    assert windows_name(f"sub/{name}".encode()) == f"sub\\{name}"


def test_a_path_lies_in_the_innermost_folder() -> None:
    outer, inner = folder("/srv/av"), folder("/srv/av/x")
    folders = WindowsFolders([(outer, "D:\\AV"), (inner, "D:\\AV\\x")])
    assert folders.find("d:\\av\\X\\sub\\É.dbf") == (inner, "sub/É.dbf")
    assert folders.find("D:\\AV\\y.dbf") == (outer, "y.dbf")
    assert folders.find("D:\\AV\\x\\") == (inner, "")
    assert folders.find("D:\\AVX\\y.dbf") is None
    assert folders.find("srvsvc") is None


def test_a_name_that_breaks_a_line_is_escaped() -> None:
    folders = WindowsFolders([(folder("/srv/av"), "D:\\AV")])
    assert folders.find("D:\\AV\\\ud800.dbf") == (folder("/srv/av"), "\\ud800.dbf")
