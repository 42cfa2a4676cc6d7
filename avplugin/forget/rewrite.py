"""What becomes of one archive that loses an administration: what goes, and what names it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from avplugin.borgmatic.erase import Order, folders_above
from avplugin.installation.model import Kind, code_key
from avplugin.state.manifest import NOBODY, NOT_CHECKED, FolderManifest, Manifest
from avplugin.state.traces import Traces

_TEXTS = ("left_out", "sessions", "table_health")  # of a folder: sentences that may name others
_FIXED = {"", NOBODY, NOT_CHECKED, "sound", "damaged"}


def belongs(part: FolderManifest, code: str) -> bool:
    """Return whether a folder is that of the administration with this code, or its documents."""
    return part.kind.is_of_administration and code_key(part.code) == code_key(code)


def is_named(manifest: Manifest, traces: Traces) -> bool:
    """Return whether the manifest has a folder of the administration, or names it elsewhere."""
    if any(belongs(part, traces.code) for part in manifest.folders):
        return True
    others = {part.path for part in manifest.folders}
    return traces.are_in(manifest.run.configuration) or any(
        any(traces.is_place(path) and path not in others for path in part.inside)
        or any(map(traces.are_in, _sentences(part)))
        for part in manifest.folders
    )


def make_order(manifest: Manifest, files: Mapping[str, bytes], traces: Traces) -> Order:
    """Return what becomes of an archive with this manifest, whose `files` are by their paths."""
    gone = [part for part in manifest.folders if belongs(part, traces.code)]
    stay = {part.path for part in manifest.folders if not belongs(part, traces.code)}
    kept = {path.lstrip("/") for path in stay}
    folders = {part.archived_path for part in gone if not part.left_out}
    dropped: set[str] = set()
    replaced: dict[str, bytes] = {}
    for path, data in files.items():
        document = _read(data)
        if document is None:
            continue
        if document.get("type") == "folder" and _is_of(document, traces.code):
            dropped.add(path)
            continue
        changed = _without(document, traces, stay)
        if changed != document:
            replaced[path] = json.dumps(changed, ensure_ascii=True).encode("ascii") + b"\n"
    return Order(
        folders=frozenset(folders - kept),
        kept=frozenset(path for path in kept if lies_in(path, folders)),
        paths=frozenset(dropped | _passages(folders - kept, kept)),
        replaced=replaced,
    )


def lies_in(path: str, folders: Iterable[str]) -> bool:
    """Return whether a path is one of the folders, or below one."""
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)


def shared_paths(manifest: Manifest, code: str) -> set[str]:
    """Return folders of the administration that are those of another one as well; they stay."""
    mine = {part.path for part in manifest.stored if belongs(part, code)}
    return mine & {part.path for part in manifest.stored if not belongs(part, code)}


def _passages(gone: Iterable[str], kept: Iterable[str]) -> set[str]:
    """Return the folders that are in the archive only because those that go lie behind them."""
    ways = {above for path in kept for above in folders_above(path)}
    around = set(kept)
    found: set[str] = set()
    for path in gone:
        for above in folders_above(path):
            if above in around or around.intersection(folders_above(above)):
                break  # what lies in a folder that stays is part of that
            if above not in ways:
                found.add(above)
    return found


def _read(data: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _is_of(document: Mapping[str, Any], code: str) -> bool:
    kinds = {Kind.ADMINISTRATION.value, Kind.COPY_DOCUMENTS.value}
    return document.get("kind") in kinds and code_key(str(document.get("code"))) == code_key(code)


def _without(document: dict[str, Any], traces: Traces, stay: set[str]) -> dict[str, Any]:
    """Return a file of the manifest without what names the administration.

    A configuration that does goes as a whole: a part of it would be another configuration.
    """
    changed = dict(document)
    if traces.are_in(str(document.get("configuration", ""))):
        changed["configuration"] = ""
    inside = document.get("inside")
    if isinstance(inside, list) and any(map(traces.is_place, inside)):
        changed["inside"] = sorted(_inside(inside, traces, stay))
    for key in _TEXTS:
        text = document.get(key)
        if isinstance(text, str) and text not in _FIXED:
            changed[key] = traces.out_of(text)
    return changed


def _inside(inside: Iterable[str], traces: Traces, stay: set[str]) -> set[str]:
    """Return the folders inside another one; those that lay in the one that goes are now there."""
    found: set[str] = set()
    for path in inside:
        if path in stay or not traces.is_place(path):
            found.add(path)
        else:
            below = [one for one in stay if one.startswith(f"{path}/")]
            found |= {one for one in below if not lies_in(one, set(below) - {one})}
    return found


def _sentences(part: FolderManifest) -> list[str]:
    return [text for text in (part.left_out, part.sessions) if text not in _FIXED]
