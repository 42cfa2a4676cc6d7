"""Folders beside the known administrations that hold the same tables but are in no list.

A stale register means a client who is never backed up. Only the folders in which administrations
lie are looked at, one listing each, and one for each folder there that nobody knows.
"""

from __future__ import annotations

import collections
import fnmatch
import os
from collections.abc import Collection, Sequence
from pathlib import PurePosixPath

from avplugin.installation.boundaries import is_left_by_restore
from avplugin.installation.locate import is_passed_over
from avplugin.installation.model import Installation

# What is told about such a folder, behind its path.
IS_UNREGISTERED = (
    "holds the same tables as the administrations beside it, but no list names it, so it is not"
    " backed up. Export Bestand > Administraties again, or name it under unregistered.ignore."
)

_SUFFIX = ".dbf"
_ALIKE = 0.6  # of the tables that administrations have in common; one may have more modules
_SAMPLE = 10
_LEAST = 3  # tables; fewer are no likeness


def find_unregistered(installation: Installation, ignored: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the paths of folders that look like administrations, but are none that is known.

    A folder looks like one if it lies beside one and has most of the tables that the
    administrations there have in common. `ignored` are names, patterns of names, and paths. What
    cannot be listed is passed over: the backup says so of what matters.
    """
    known = {folder.path for folder in installation.folders}
    known |= {bad.path for bad in installation.bad if bad.path}
    beside: dict[str, list[str]] = collections.defaultdict(list)
    for administration in installation.administrations:
        if administration.folder is not None:
            path = administration.folder.path
            beside[str(PurePosixPath(path).parent)].append(path)
    found = []
    for parent, siblings in beside.items():
        strangers = [path for path in _folders_in(parent) if _may_be_one(path, known, ignored)]
        if strangers:
            typical = _in_common(siblings)
            found += [path for path in strangers if _is_alike(_tables_in(path), typical)]
    return tuple(sorted(found))


def _may_be_one(path: str, known: Collection[str], ignored: Sequence[str]) -> bool:
    name = PurePosixPath(path).name
    return not (
        path in known
        or is_passed_over(name)
        or is_left_by_restore(name)
        or any(
            fnmatch.fnmatchcase(name.casefold(), pattern.casefold()) or path == pattern.rstrip("/")
            for pattern in ignored
        )
        # What holds known folders is no administration, but the folder that they are in.
        or any(one.startswith(f"{path}/") for one in known)
    )


def _in_common(paths: Sequence[str]) -> frozenset[str]:
    """Return the tables that most of these folders have; some of them are enough to know."""
    every = max(1, len(paths) // _SAMPLE)
    seen = [tables for path in sorted(paths)[::every] if (tables := _tables_in(path))]
    counted = collections.Counter(name for tables in seen for name in tables)
    return frozenset(name for name, count in counted.items() if 2 * count > len(seen))


def _is_alike(tables: Collection[str], typical: Collection[str]) -> bool:
    shared = len(set(tables) & set(typical))
    return shared >= _LEAST and shared >= _ALIKE * len(typical)


def _folders_in(path: str) -> list[str]:
    try:
        with os.scandir(path) as listing:
            return [entry.path for entry in listing if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []


def _tables_in(path: str) -> set[str]:
    try:
        with os.scandir(path) as listing:
            return {entry.name.lower() for entry in listing if entry.name.lower().endswith(_SUFFIX)}
    except OSError:
        return set()
