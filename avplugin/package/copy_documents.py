"""Copy documents in a package that are a folder of their own here, and were none where it was made.

Without more ado such a folder would keep its place here, as one that is not in the package, and
what came would be left out.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath, PureWindowsPath

from avplugin.installation.boundaries import find_boundaries
from avplugin.installation.model import Folder, Installation, Kind, code_key
from avplugin.installation.scan import Contents, Entry
from avplugin.package.manifest import PackageManifest, PackedDirectory, PackedFile
from avplugin.package.read import folder_of
from avplugin.package.windows_names import path_key
from avplugin.state.manifest import FolderManifest


def copy_documents_inside(code: str, installation: Installation | None) -> dict[int, PurePosixPath]:
    """Return those folders of copy documents that lie in the administration's folder here.

    By their number, as paths inside that folder.
    """
    found: dict[int, PurePosixPath] = {}
    for one in installation.administrations if installation is not None else ():
        if one.folder is None or code_key(one.code) != code_key(code):
            continue
        own = PurePosixPath(one.folder.path)
        for part in one.copy_documents:
            if own in PurePosixPath(part.path).parents:
                found[part.number] = PurePosixPath(part.path).relative_to(own)
    return found


def set_apart(manifest: PackageManifest, documents: Mapping[int, PurePosixPath]) -> PackageManifest:
    """Return the manifest with these folders of copy documents as folders of their own.

    `documents` are paths in the administration's folder by number, as of copy_documents_inside.
    Those that are not in the package, or are folders of their own in it, are passed over.
    """
    own = manifest.folder
    known = {folder.label for folder in manifest.folders}
    places = {folder.path for folder in manifest.folders}
    by_key = {path_key(one.path): f"/{one.path}" for one in manifest.directories}
    added: list[FolderManifest] = []
    for number, path in sorted(documents.items()):
        place = by_key.get(path_key(f"{own.archived_path}/{path}"))
        folder = Folder(Kind.COPY_DOCUMENTS, own.code, own.name, "", "", number)
        if place is not None and place not in places and folder.label not in known:
            windows_path = str(PureWindowsPath(own.windows_path, *path.parts))
            added.append(
                dataclasses.replace(
                    own,
                    kind=folder.kind,
                    label=folder.label,
                    path=place,
                    windows_path=windows_path if own.windows_path else "",
                    damaged={},
                )
            )
            places.add(place)
    if not added:
        return manifest
    boundaries = find_boundaries(places, places)
    folders = [
        dataclasses.replace(one, inside=boundaries[one.path]) for one in (*manifest.folders, *added)
    ]
    return dataclasses.replace(manifest, folders=tuple(with_sums(manifest, folders)))


def with_sums(manifest: PackageManifest, folders: Sequence[FolderManifest]) -> list[FolderManifest]:
    """Return folders with what a scan of them will give, once the package is taken out."""
    entries: dict[str, list[Entry]] = {folder.path: [] for folder in folders}
    everything: list[PackedFile | PackedDirectory] = [*manifest.files, *manifest.directories]
    for packed in everything:
        path = folder_of(packed, folders).path
        inside = os.fsencode(f"/{packed.path}")[len(os.fsencode(path)) + 1 :]
        kind, size = ("-", packed.size) if isinstance(packed, PackedFile) else ("d", 0)
        entries[path].append(Entry(inside, kind, size, packed.modified, 0, 0, 1))
    found = []
    for folder in folders:
        contents = Contents(tuple(sorted(entries[folder.path])))
        found.append(
            dataclasses.replace(
                folder,
                fingerprint=contents.fingerprint,
                list_digest=contents.list_digest,
                files=contents.files,
                size=contents.size,
                tables=contents.tables,
            )
        )
    return found
