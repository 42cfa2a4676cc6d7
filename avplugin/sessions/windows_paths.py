"""What the installation's folders are called on the Windows machine that has them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping

from avplugin.errors import AvpluginError
from avplugin.installation.model import Folder
from avplugin.installation.windows_path import (
    PathError,
    is_windows_path,
    name_key,
    one_line,
    split_windows_path,
)

# Source: Microsoft, Naming Files, Paths, and Namespaces: Naming Conventions.
_NOT_A_NAME = re.compile(
    r"""[<>:"/\\|?*\x00-\x1f]|[ .]\Z|\A(?:con|prn|aux|nul|(?:com|lpt)[0-9\xb9\xb2\xb3])(?:\.|\Z)""",
    re.IGNORECASE,
)
_WSL_DRIVE = re.compile(r"/mnt/([a-z])(?=/|\Z)")  # Source: Microsoft, wsl.conf: automount root

Key = tuple[str, ...]  # equal for two paths that are one to Windows


class NoWindowsNameError(AvpluginError):
    """A name that Windows cannot hold; the message says which."""


class WindowsPaths:
    """The way from folders of this machine to those of the Windows machine.

    Given `folders`, the folders of this machine that are called otherwise there, and whether this
    machine is a WSL guest of it, with its drives below /mnt.
    """

    def __init__(self, folders: Mapping[str, str], *, is_guest: bool) -> None:
        self._is_guest = is_guest
        # The installation's folders have their symbolic links resolved, so these have to as well.
        self._folders = sorted(
            ((os.path.realpath(local), windows) for local, windows in folders.items()),
            key=lambda pair: len(pair[0]),
            reverse=True,
        )

    def find(self, folder: Folder) -> str | None:
        r"""Return the folder's path there, such as `D:\AccountView`; None where it is not known.

        Raise NoWindowsNameError for a name on the way that Windows cannot hold.
        """
        for local, windows in self._folders:
            rest = _inside(folder.path, local)
            if rest is not None:
                return _join(windows, rest)
        drive = _WSL_DRIVE.match(folder.path) if self._is_guest else None
        if drive:
            return _join(f"{drive[1].upper()}:", folder.path[drive.end() :].lstrip("/"))
        return _join(folder.windows_path, "") if is_windows_path(folder.windows_path) else None


class WindowsFolders:
    """Which folder of the installation a path of the Windows machine lies in."""

    def __init__(self, folders: Iterable[tuple[Folder, str]]) -> None:
        self._folders = {path_key(windows): folder for folder, windows in folders}

    def find(self, path: str) -> tuple[Folder, str] | None:
        """Return the innermost folder that holds the path, and the path inside it, with slashes."""
        key = path_key(path)
        for length in range(len(key), 0, -1):
            folder = self._folders.get(key[:length])
            if folder is not None:
                return folder, one_line("/".join(split_windows_path(path)[length:]))
        return None


def windows_name(path: bytes) -> str:
    r"""Return a path inside a folder as Windows writes it.

    Raise NoWindowsNameError for a name that Windows cannot hold, or that is not UTF-8.
    """
    try:
        names = path.decode().split("/")
    except UnicodeDecodeError as error:
        shown = path.decode(errors="backslashreplace")
        raise NoWindowsNameError(f"the name {one_line(shown)} is not UTF-8") from error
    for name in names:
        if _NOT_A_NAME.search(name):
            raise NoWindowsNameError(f"Windows cannot hold the name {one_line(name)}")
    return "\\".join(names)


def path_key(path: str) -> Key:
    """Return the form in which two paths are the same to Windows; empty for no Windows path."""
    try:
        return tuple(name_key(name) for name in split_windows_path(path))
    except PathError:
        return ()


def _inside(path: str, folder: str) -> str | None:
    """Return the path inside the folder, empty for the folder itself; None if it is not in it."""
    if path == folder:
        return ""
    above = folder.rstrip("/") + "/"
    return path[len(above) :] if path.startswith(above) else None


def _join(windows: str, rest: str) -> str | None:
    try:
        folder = "\\".join(split_windows_path(windows))
    except PathError:
        return None
    if rest:
        return f"{folder}\\{windows_name(os.fsencode(rest))}"
    return folder if len(folder) > len("D:") else f"{folder}\\"
