"""Names that Windows can have in a folder, and which of them are one name to it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from avplugin.installation.boundaries import is_left_by_restore
from avplugin.installation.windows_path import name_key

# Microsoft, "Naming Files, Paths, and Namespaces": what no name may hold, and names of devices,
# which they are with any suffix behind them, too.
_FORBIDDEN = frozenset('<>:"/\\|?*')
_DEVICE = re.compile(
    r"(CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(COM|LPT)[0-9\u00b9\u00b2\u00b3]) *(\..*)?",
    re.IGNORECASE | re.DOTALL,
)
_UNSHOWN = frozenset({"Cc", "Cs", "Zl", "Zp"})  # Unicode categories: would break a line or a text
_LONGEST_NAME = 255  # UTF-16 units on NTFS, bytes of UTF-8 on Linux
_LONGEST_PATH = 2048  # bytes, so that there is room for the folder around it: Linux takes 4095
_DEEPEST = 64


def why_unfit(path: str) -> str:
    """Return why a relative path, with / between its parts, can be none on Windows; else nothing.

    Nor may it lead out of its folder, or have a name that is kept for what restores leave.
    """
    parts = path.split("/")
    for part in parts:
        if why := _why_name_unfit(part):
            return why
    if len(_utf8(path)) > _LONGEST_PATH or len(parts) > _DEEPEST:
        return "is too long"
    return ""


def _why_name_unfit(name: str) -> str:
    longest = max(len(_utf8(name)), len(name.encode("utf-16-le", "surrogatepass")) // 2)
    reasons = (
        (not name, "has an empty part"),
        (name in {".", ".."}, "leads elsewhere"),
        (any(unicodedata.category(one) in _UNSHOWN for one in name), "cannot be shown"),
        (not _FORBIDDEN.isdisjoint(name), 'has one of < > : " \\ | ? * in it'),
        (name[-1:] in {".", " "}, "ends in a dot or a blank"),
        (_DEVICE.fullmatch(name) is not None, "is the name of a device"),
        (longest > _LONGEST_NAME, "is too long"),
        (is_left_by_restore(name), "is one that only restores give"),
    )
    return next((why for is_so, why in reasons if is_so), "")


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
        if (key := name_key(path)) in spelled:
            return spelled[key], path
        spelled[key] = path
    return None


def _add_with_parents(path: str, folders: set[str]) -> None:
    while path and path not in folders:
        folders.add(path)
        path = path.rpartition("/")[0]


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
