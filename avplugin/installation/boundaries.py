"""Folders that lie inside other folders: each is a folder of its own, stored and restored once."""

from __future__ import annotations

import contextlib
import os
from pathlib import PurePosixPath

BEFORE_RESTORE = ".before-restore-"  # in the name of a folder that a restore replaced, and kept
STAGING = ".avplugin-restore-"  # in the name of a hidden folder in which a restore makes ready


def left_by_restores(paths: set[str]) -> set[str]:
    """Return the folders that restores of some of these folders have kept or left inside others.

    They lie beside the folder that was restored. They are nobody's: a backup of the folder around
    them does not store them, a restore of it does not move them.
    """
    found = set()
    for parent in {PurePosixPath(path).parent for path in paths}:
        if any(str(one) in paths for one in (parent, *parent.parents)):
            with contextlib.suppress(OSError):
                above = str(parent).rstrip("/")
                found |= {
                    f"{above}/{name}"
                    for name in os.listdir(parent)  # noqa: PTH208 - objects take ten times longer
                    if is_left_by_restore(name) and os.path.isdir(f"{above}/{name}")  # noqa: PTH112
                }
    return found


def is_left_by_restore(name: str) -> bool:
    """Return whether a folder's name is one that restores give."""
    return BEFORE_RESTORE in name.casefold() or (name.startswith(".") and STAGING in name)


def find_boundaries(wanted: set[str], all_paths: set[str]) -> dict[str, tuple[str, ...]]:
    """Return, for each wanted folder, the outermost other folders inside it."""
    inside: dict[str, list[str]] = {path: [] for path in wanted}
    for path in sorted(all_paths):
        parent = path
        while parent != "/":
            parent = parent.rpartition("/")[0] or "/"
            if parent in inside:
                inside[parent].append(path)
            if parent in all_paths:
                break  # what lies deeper than that one is not the outer folder's concern
    return {path: tuple(paths) for path, paths in inside.items()}
