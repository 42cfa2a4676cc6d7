"""Which names of files and folders Windows can have, and which are one name to it.

Source: Microsoft, *Naming Files, Paths, and Namespaces*.
"""

from __future__ import annotations

import re

from avplugin.installation.windows_path import name_key

_NOT_IN_NAMES = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
_DEVICES = re.compile(r"(CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(COM|LPT)[0-9¹²³])", re.IGNORECASE)
_LONGEST = 255  # UTF-16 units of one name


def why_not_on_windows(name: str) -> str:
    """Return why Windows cannot have a file or folder of this name; empty if it can.

    `name` is one component of a path. What is no UTF-8 in it stands there as half a surrogate.
    """
    try:
        units = len(name.encode("utf-16-le")) // 2
    except UnicodeEncodeError:
        return "is not UTF-8"
    if not name or name.endswith((".", " ")):
        return "ends with a dot or a blank"
    if found := _NOT_IN_NAMES.search(name):
        return f"has {found[0]!r} in it"
    if _DEVICES.fullmatch(name.partition(".")[0].rstrip(" ")):
        return "is the name of a device"
    return f"is longer than {_LONGEST} characters" if units > _LONGEST else ""


def fit_for_windows(name: str) -> str:
    """Return a name that Windows can have, the same one where it can."""
    fit = _NOT_IN_NAMES.sub("_", name.encode("utf-8", "replace").decode()).rstrip(". ")[:100]
    return f"_{fit}" if why_not_on_windows(fit) else fit


def path_key(path: str) -> str:
    """Return the form in which two paths, with / between their parts, are one to Windows."""
    return "/".join(name_key(part) for part in path.split("/"))
