"""Extract whole folders out of an archive, and prove that they are what their manifests say.

A repository is not trusted input: whoever holds its key can put anything into it. Borg itself, from
the oldest version that avplugin takes, writes neither through a symbolic link nor outside its
folder; what it wrote is looked at here before anybody uses it.
"""

from __future__ import annotations

import collections
import dataclasses
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from avplugin.borgmatic import borg
from avplugin.borgmatic.archive import Archive
from avplugin.errors import AvpluginError
from avplugin.installation.scan import Contents, FolderUnreadable, scan_folder
from avplugin.snapshots.reader import SnapshotReader
from avplugin.state.manifest import FolderManifest
from avplugin.wording import some

_TYPES = frozenset("-dlp")  # what does no harm in a folder, in Borg's letters


class ExtractError(AvpluginError):
    """What came out of the archive is not what its manifest says; nobody should use it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Extracted:
    """What came out of an archive: the contents of each folder, by label, and warnings."""

    contents: dict[str, Contents]
    warnings: tuple[str, ...]


def extract_folders(
    reader: SnapshotReader,
    archive: Archive,
    folders: Sequence[FolderManifest],
    into: Path,
    progress: Callable[[int], None],
    *,
    is_proven: bool = True,
) -> Extracted:
    """Extract the folders below `into`, each at its path in the archive, and prove them.

    Folders inside them that are folders of their own come along only if they are in `folders` too.
    `progress` is called with the bytes done so far. An archive that is not clean can differ from
    its manifest: with `is_proven` false that is warned about. Raise BorgError, ExtractError or
    OSError; what lies in `into` then is worthless.
    """
    kept = {part.path for part in folders}
    without = [inner.lstrip("/") for part in folders for inner in part.inside if inner not in kept]
    paths = [part.archived_path for part in folders]
    said = borg.extract(reader.repository, archive.name, paths, without, into, progress)
    warnings = [f"{folders[0].label}: {warning}" for warning in said]
    contents: dict[str, Contents] = {}
    for part in folders:
        contents[part.label] = _scan(part, into)
        _refuse_what_is_no_file(part, contents[part.label])
        warnings += _compare(part, contents[part.label], into, is_proven=is_proven)
    _refuse_foreign_hard_links(contents)
    warnings += [line for part in folders for line in _links_outside(part, contents, into)]
    return Extracted(contents, tuple(dict.fromkeys(warnings)))


def _scan(part: FolderManifest, into: Path) -> Contents:
    inside = [os.fsencode(into / inner.lstrip("/")) for inner in part.inside]
    try:
        return scan_folder(str(into / part.archived_path), inside)
    except FolderUnreadable as error:
        raise ExtractError(f"{part.label} did not come out of the snapshot: {error}.") from error


def _refuse_what_is_no_file(part: FolderManifest, contents: Contents) -> None:
    odd = [os.fsdecode(entry.path) for entry in contents.entries if entry.type not in _TYPES]
    if odd:
        raise ExtractError(
            f"{part.label} holds devices: {some(odd)}.\n"
            "No AccountView folder does; somebody may have tampered with the repository."
        )


def _compare(
    part: FolderManifest, contents: Contents, into: Path, *, is_proven: bool
) -> Iterator[str]:
    """Compare with the manifest, and yield warnings; contents are proven by Borg's own digests."""
    if contents.list_digest != part.list_digest:
        said = (
            f"{part.label} came out of the snapshot with {contents.files} files and"
            f" {contents.size} bytes, not as its manifest says ({part.files} files,"
            f" {part.size} bytes)"
        )
        if is_proven:
            raise ExtractError(f"{said}.\n'borgmatic check' tests the repository.")
        yield said
    elif contents.fingerprint != part.fingerprint:
        if not is_proven:
            yield f"{part.label} came out with other modification times than its manifest says"
        elif _keeps_times(into):
            raise ExtractError(
                f"{part.label} came out of the snapshot with other modification times than its"
                " manifest says.\n'borgmatic check' tests the repository."
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
                "Somebody may have tampered with the repository."
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
