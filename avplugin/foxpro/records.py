"""How many records the tables of a folder hold, as their headers count them."""

from __future__ import annotations

import os
from collections.abc import Container

from avplugin.foxpro.table import HEADER
from avplugin.installation.scan import TABLE_SUFFIXES, Contents

# Types of FoxBASE, whose headers had another layout; health.py does not look into them either.
_OTHER_LAYOUTS = frozenset({0x02, 0xFB})


def count_records(folder: str, contents: Contents, without: Container[bytes]) -> int:
    """Given a folder (absolute path) and its scan, return the sum of its tables' record counts.

    Records that bear the mark of deletion count: they are in the table until PACK. Tables in
    `without`, those that are damaged, are passed over: what they say is not to be believed. Raise
    OSError if a table cannot be read.
    """
    root = os.fsencode(folder)
    count = 0
    for entry in contents.entries:
        is_table = entry.type == "-" and entry.path.lower().endswith(TABLE_SUFFIXES)
        if is_table and entry.path not in without and entry.size >= HEADER.size:
            count += _records(b"%s/%s" % (root, entry.path))
    return count


def _records(path: bytes) -> int:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        kind, _, _, _, records, *_ = HEADER.unpack(os.pread(descriptor, HEADER.size, 0))
    finally:
        os.close(descriptor)
    return 0 if kind in _OTHER_LAYOUTS else int(records)
