"""Make a package of one administration, and prove what goes into it."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from avplugin.borgmatic.borg import StreamedItem
from avplugin.installation.scan import Contents, Entry
from avplugin.installation.windows_path import is_windows_path
from avplugin.package.books import Books
from avplugin.package.layout import Layout, UnfitName
from avplugin.package.manifest import (
    MEMBER,
    PackageManifest,
    PackedDirectory,
    PackedFile,
    package_manifest_to_json,
)
from avplugin.package.read_me import read_me
from avplugin.package.windows_names import fit_for_windows
from avplugin.package.write import ExportError, PackageWriter
from avplugin.state.manifest import NOT_CHECKED, FolderManifest, RunManifest

_LONG_PATH = 220  # characters; with the folder it is unpacked into, Windows takes 259
_ODD = {"l": "a symbolic link", "p": "a pipe", "c": "a device", "b": "a device"}


@dataclasses.dataclass(frozen=True, slots=True)
class Exported:
    """A package that was written. `size` is bytes; `warnings` are what a person should know."""

    file: Path
    manifest: PackageManifest
    size: int
    is_encrypted: bool
    warnings: tuple[str, ...]


def export(
    books: Books,
    file: Path,
    password: str | None,
    progress: Callable[[int], None],
    *,
    replace: bool = False,
) -> Exported:
    """Write a package of the books to `file`, with a password or, for None, without.

    The folder of `file` must be there. Nothing has that name before all that came out of the
    snapshot was compared with its manifest: the list, sizes and times; Borg itself proves contents.
    `progress` is called with the bytes of files done so far. Raise AlreadyThere for a file that is
    there, unless `replace` is true, AvpluginError if there is no package.
    """
    with PackageWriter(file, password, replace=replace) as writer:
        opened = int(books.taken.timestamp()) * 1_000_000_000
        for name, data in read_me(books, is_encrypted=password is not None):
            writer.add_text(name, data, opened, is_open=True)
        packing = _Packing(Layout(books.folders), writer, progress)
        with books.read() as items:
            for item in items:
                packing.add(item)
        folders, warnings = packing.proven(books)
        manifest = PackageManifest(
            run=_without_what_is_nobody_elses(books),
            taken=books.taken,
            snapshot=books.snapshot,
            doubt=books.doubt,
            folders=folders,
            files=tuple(packing.files),
            directories=tuple(packing.directories),
        )
        writer.add_text(MEMBER, package_manifest_to_json(manifest), opened)
        writer.publish()
    return Exported(file, manifest, file.stat().st_size, password is not None, tuple(warnings))


def package_name(books: Books) -> str:
    """Return a name for the file: the code, and the moment of the books in local time."""
    return (
        f"{fit_for_windows(books.folders[0].code)}-{books.taken.astimezone():%Y-%m-%dT%H%M%S}.zip"
    )


class _Packing:
    """What is in the package so far."""

    def __init__(
        self, layout: Layout, writer: PackageWriter, progress: Callable[[int], None]
    ) -> None:
        self._layout = layout
        self._writer = writer
        self._progress = progress
        self._done = 0
        self._entries: dict[str, list[Entry]] = {part.folder.label: [] for part in layout.placed}
        self.files: list[PackedFile] = []
        self.directories: list[PackedDirectory] = []

    def add(self, streamed: StreamedItem) -> None:
        """Pack one item. Raise UnfitName if there cannot be such a thing in a package."""
        item, modified, blocks = streamed
        part, inside = self._layout.find(item.path)
        if item.type not in {"-", "d"}:
            raise UnfitName(
                f"{part.folder.label}: {os.fsdecode(inside)} is"
                f" {_ODD.get(item.type, 'no file')}, and cannot be packed.\n"
                "Replace it by what it stands for, or remove it, and make a snapshot."
            )
        place = self._layout.place(part, inside)
        size = item.size if item.type == "-" else 0
        self._entries[part.folder.label].append(
            Entry(inside, item.type, size, modified, changed=0, inode=0, links=1)
        )
        if item.type == "d":
            self.directories.append(PackedDirectory(place, modified))
            self._writer.add_directory(self.directories[-1])
        else:
            self.files.append(
                self._writer.add_file(place, item.size, modified, self._counted(blocks))
            )

    def proven(self, books: Books) -> tuple[tuple[FolderManifest, ...], list[str]]:
        """Return the folders as they are in the package, and warnings.

        Raise ExportError if they are not what the manifest of a clean snapshot says.
        """
        folders, warnings = [], []
        for part in self._layout.placed:
            contents = Contents(tuple(sorted(self._entries[part.folder.label])))
            difference = _difference(part.folder, contents)
            if difference and not books.doubt:
                source = books.snapshot or "its folder"
                raise ExportError(
                    f"{part.folder.label} came out of {source} {difference}.\n"
                    "There is no package. 'borgmatic check' tests the repository."
                )
            if difference:
                warnings.append(f"{part.folder.label} came out {difference}")
            packed = self._layout.manifest_of(part)
            # A folder that is configured by its path on this machine has that one there.
            at_windows = packed.windows_path if is_windows_path(packed.windows_path) else ""
            folders.append(
                dataclasses.replace(
                    packed,
                    windows_path=at_windows,
                    fingerprint=contents.fingerprint,
                    list_digest=contents.list_digest,
                    files=contents.files,
                    size=contents.size,
                    tables=contents.tables,
                )
            )
        if not books.snapshot and folders[0].sessions == NOT_CHECKED:
            warnings.append("nobody has looked who was in: see 'sessions' in accountview.yaml")
        return tuple(folders), [*warnings, *self._long_paths()]

    def _counted(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        for block in blocks:
            yield block
            self._done += len(block)
            self._progress(self._done)

    def _long_paths(self) -> Iterator[str]:
        longest = max((file.path for file in self.files), key=len, default="")
        if len(longest) > _LONG_PATH:
            yield (
                f"the path of {longest} is {len(longest)} characters long: unpack it into a folder"
                " with a short path, since most programs of Windows take no more than 259"
            )


def _difference(part: FolderManifest, contents: Contents) -> str:
    """Return in what a folder is not as its manifest says; empty if it is."""
    if contents.list_digest != part.list_digest:
        return (
            f"with {contents.files} files and {contents.size} bytes, not as its manifest says"
            f" ({part.files} files, {part.size} bytes)"
        )
    if contents.fingerprint != part.fingerprint:
        return "with other modification times than its manifest says"
    return ""


def _without_what_is_nobody_elses(books: Books) -> RunManifest:
    """Return who made the snapshot, without accountview.yaml: it names other clients."""
    return dataclasses.replace(books.run, configuration="", program="", system="")
