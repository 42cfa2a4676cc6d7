"""Names in a package: those that may be there, and which of them are one name to Windows."""

from __future__ import annotations

from collections.abc import Iterable

from avplugin.installation.boundaries import is_left_by_restore
from avplugin.package.windows_names import path_key, why_not_on_windows

_LONGEST_NAME = 255  # bytes, on Linux
_LONGEST_PATH = 2048  # bytes, so that there is room for the folder around it: Linux takes 4095
_DEEPEST = 64


def why_unfit(path: str) -> str:
    """Return why a relative path, with / between its parts, may not be in a package; else nothing.

    It must not lead out of its folder, Windows and Linux have to have it, and it is no name that is
    kept for what restores leave.
    """
    parts = path.split("/")
    for part in parts:
        if why := _why_name_unfit(part):
            return why
    if len(_utf8(path)) > _LONGEST_PATH or len(parts) > _DEEPEST:
        return "is too long"
    return ""


def _why_name_unfit(name: str) -> str:
    if not name:
        return "has an empty part"
    if name in {".", ".."}:
        return "leads elsewhere"
    if why := why_not_on_windows(name):
        return why
    if is_left_by_restore(name):
        return "is one that only restores give"
    return "is too long" if len(_utf8(name)) > _LONGEST_NAME else ""


def colliding(files: Iterable[str], directories: Iterable[str]) -> tuple[str, str] | None:
    """Return two paths that cannot both be in a folder on Windows, or None.

    Paths have / between their parts; directories around them need not be named. The same path
    twice collides as well, but for a directory, and so do two spellings of one directory.
    """
    folders: set[str] = set()
    for path in directories:
        _add_with_parents(path, folders)
    named = list(files)
    for path in named:
        _add_with_parents(path.rpartition("/")[0], folders)
    spelled: dict[str, str] = {}
    for path in [*named, *sorted(folders)]:
        if (key := path_key(path)) in spelled:
            return spelled[key], path
        spelled[key] = path
    return None


def _add_with_parents(path: str, folders: set[str]) -> None:
    while path and path not in folders:
        folders.add(path)
        path = path.rpartition("/")[0]


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
