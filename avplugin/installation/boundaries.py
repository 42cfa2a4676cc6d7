"""Folders that lie inside other folders: each is a folder of its own, stored and restored once."""

from __future__ import annotations

from pathlib import PurePosixPath


def find_boundaries(wanted: set[str], all_paths: set[str]) -> dict[str, tuple[str, ...]]:
    """Return, for each wanted folder, the outermost other folders inside it."""
    inside: dict[str, list[str]] = {path: [] for path in wanted}
    for path in sorted(all_paths):
        for parent in PurePosixPath(path).parents:
            if str(parent) in inside:
                inside[str(parent)].append(path)
            if str(parent) in all_paths:
                break  # what lies deeper than that one is not the outer folder's concern
    return {path: tuple(paths) for path, paths in inside.items()}
