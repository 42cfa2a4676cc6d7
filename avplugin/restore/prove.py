"""Prove that folders that came out of an archive or a package are what their manifests say.

Neither is trusted input: whoever holds the key of a repository can put anything into it. What was
written is looked at here before anybody uses it.
"""

from __future__ import annotations

import collections
import os
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from avplugin.errors import AvpluginError
from avplugin.installation.scan import Contents, FolderUnreadable, scan_folder
from avplugin.restore.origin import Extracted
from avplugin.state.manifest import FolderManifest
from avplugin.wording import some

_TYPES = frozenset("-dlp")  # what does no harm in a folder, in Borg's letters


class ExtractError(AvpluginError):
    """What came out is not what its manifest says; nobody should use it."""


def prove(
    folders: Sequence[FolderManifest], into: Path, *, is_proven: bool, hint: str
) -> Extracted:
    """Compare folders that were extracted below `into` with their manifests.

    Their contents have to be proven already. What was not proven clean can differ from its
    manifest: with `is_proven` false that is warned about. `hint` says what to do about a difference
    that should not be. Raise ExtractError.
    """
    contents: dict[str, Contents] = {}
    warnings: list[str] = []
    for part in folders:
        contents[part.label] = _scan(part, into)
        _refuse_what_is_no_file(part, contents[part.label])
        warnings += _compare(part, contents[part.label], into, is_proven=is_proven, hint=hint)
    _refuse_foreign_hard_links(contents)
    warnings += [line for part in folders for line in _links_outside(part, contents, into)]
    return Extracted(contents, tuple(warnings))


def _scan(part: FolderManifest, into: Path) -> Contents:
    inside = [os.fsencode(into / inner.lstrip("/")) for inner in part.inside]
    try:
        return scan_folder(str(into / part.archived_path), inside)
    except FolderUnreadable as error:
        raise ExtractError(f"{part.label} did not come out: {error}.") from error


def _refuse_what_is_no_file(part: FolderManifest, contents: Contents) -> None:
    odd = [os.fsdecode(entry.path) for entry in contents.entries if entry.type not in _TYPES]
    if odd:
        raise ExtractError(
            f"{part.label} holds devices: {some(odd)}.\n"
            "No AccountView folder does; somebody may have tampered with what it came from."
        )


def _compare(
    part: FolderManifest, contents: Contents, into: Path, *, is_proven: bool, hint: str
) -> Iterator[str]:
    """Compare with the manifest, and yield warnings; contents are proven already."""
    if contents.list_digest != part.list_digest:
        said = (
            f"{part.label} came out with {contents.files} files and"
            f" {contents.size} bytes, not as its manifest says ({part.files} files,"
            f" {part.size} bytes)"
        )
        if is_proven:
            raise ExtractError(f"{said}.\n{hint}")
        yield said
    elif contents.fingerprint != part.fingerprint:
        if not is_proven:
            yield f"{part.label} came out with other modification times than its manifest says"
        elif _keeps_times(into):
            raise ExtractError(
                f"{part.label} came out with other modification times than its"
                f" manifest says.\n{hint}"
            )
        else:
            yield f"{part.label}: this file system could not keep all modification times exactly"


def _keeps_times(folder: Path) -> bool:
    """Return whether the file system keeps a modification time to the nanosecond."""
    probe = folder / ".avplugin-times"
    wanted = 1_000_000_000_123_456_789
    probe.touch()
    try:
        os.utime(probe, ns=(wanted, wanted))
        return probe.stat().st_mtime_ns == wanted
    finally:
        probe.unlink()


def _refuse_foreign_hard_links(contents: dict[str, Contents]) -> None:
    """Refuse a file that has a name outside of what was extracted: writing to it writes there."""
    names: collections.Counter[int] = collections.Counter()
    links: dict[int, tuple[int, str, bytes]] = {}
    for label, found in contents.items():
        for entry in found.entries:
            if entry.type == "-" and entry.links > 1:
                names[entry.inode] += 1
                links[entry.inode] = (entry.links, label, entry.path)
    for inode, (count, label, path) in links.items():
        if names[inode] < count:
            raise ExtractError(
                f"{label}: {os.fsdecode(path)} is a file outside of the snapshot by another name.\n"
                "Somebody may have tampered with what it came from."
            )


def _links_outside(
    part: FolderManifest, contents: dict[str, Contents], into: Path
) -> Iterator[str]:
    """Yield a warning about symbolic links that lead out of the folder; nothing follows them."""
    folder = into / part.archived_path
    outside = []
    for entry in contents[part.label].entries:
        if entry.type == "l":
            path = folder / os.fsdecode(entry.path)
            target = path.readlink()
            reached = PurePosixPath(os.path.normpath(path.parent / target))
            if target.is_absolute() or not reached.is_relative_to(folder):
                outside.append(f"{os.fsdecode(entry.path)} -> {target}")
    if outside:
        yield f"{part.label}: symbolic links lead out of the folder: {some(outside)}"
