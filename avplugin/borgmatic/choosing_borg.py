"""Borg with an extract that makes objects only of items it may want; a program of its own.

Borg makes several objects of every item of an archive before it asks whether the item is wanted:
half a second for 1,000 administrations, to extract one of them. Here what lies below none of the
paths that were asked for is passed over as it is stored. All else, and whether an item that is left
is wanted, stays Borg's.

This is Borg's inside: borgbackup is pinned to a minor version, and a test fails when it changes.
Source: borg 1.4.5, archive.py (DownloadPipeline.unpack_many), archiver.py (do_extract).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from typing import Any

import borg.archiver
from borg.helpers import msgpack

_PREFIX = "pp:"
_roots: list[bytes] = []  # with a slash at the end; none means that every item may be wanted


class _Unpacker(msgpack.Unpacker):
    """Passes over items that cannot be wanted."""

    def __next__(self) -> Any:
        item = super().__next__()  # type: ignore[no-untyped-call]
        while _roots and not _may_be_wanted(item):
            item = super().__next__()  # type: ignore[no-untyped-call]
        return item


def _may_be_wanted(item: Any) -> bool:
    """Return whether an item has to be looked at.

    The first of several names of a file is, wherever it lies: it alone has the contents. As Borg
    does, take what does not say that it is none for one.
    """
    if not isinstance(item, dict) or b"path" not in item or item.get(b"hardlink_master", True):
        return True
    path = item[b"path"] + b"/"
    return any(path.startswith(root) for root in _roots)


def _note_roots(paths: Sequence[str]) -> None:
    """Note what lies below which paths is wanted; other patterns than prefixes say too little."""
    if paths and all(path.startswith(_PREFIX) for path in paths):
        names = (os.path.normpath(path.removeprefix(_PREFIX)).strip("/") for path in paths)
        _roots.extend(os.fsencode(name) + b"/" for name in names)


def main() -> None:
    """Run Borg's own command line with this in the place of its reader of items."""
    build_matcher = borg.archiver.Archiver.build_matcher

    def build_and_note(patterns: Any, paths: Sequence[str]) -> Any:
        _note_roots(paths)
        return build_matcher(patterns, paths)  # type: ignore[no-untyped-call]

    borg.archiver.Archiver.build_matcher = staticmethod(build_and_note)  # type: ignore[method-assign]
    msgpack.Unpacker = _Unpacker  # type: ignore[misc]
    with contextlib.suppress(BrokenPipeError):
        borg.archiver.main()


if __name__ == "__main__":
    main()
