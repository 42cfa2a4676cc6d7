"""The tables of an administration that the fence holds."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Sequence

from avplugin.installation.model import Folder
from avplugin.installation.scan import TABLE_SUFFIXES, Contents, Entry

_MOST = 3


def key_tables(folder: Folder, contents: Contents, patterns: Sequence[str]) -> list[str]:
    """Return the paths on this machine of one to three tables, or of none if there is none.

    They are those whose file names fit one of the patterns; where none does, those that changed
    last: nobody works in an administration without writing to what was written to last.
    """
    tables = [
        entry
        for entry in contents.entries
        if entry.type == "-" and entry.path.lower().endswith(TABLE_SUFFIXES)
    ]
    named = [entry for entry in tables if _fits(entry, patterns)]
    latest = sorted(named or tables, key=lambda entry: (-entry.modified, entry.path))[:_MOST]
    return [f"{folder.path}/{os.fsdecode(entry.path)}" for entry in latest]


def _fits(entry: Entry, patterns: Sequence[str]) -> bool:
    name = os.fsdecode(entry.path.rpartition(b"/")[2]).lower()
    return any(fnmatch.fnmatchcase(name, pattern.lower()) for pattern in patterns)
