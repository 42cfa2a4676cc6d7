"""A zip of an administration's folder that another program made, such as Explorer or 7-Zip.

It says nothing of itself but names, sizes, times and checksums. A manifest is made up of these.
"""

from __future__ import annotations

import dataclasses
import datetime
import os
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from avplugin import __version__
from avplugin.installation.model import Folder, Kind
from avplugin.installation.scan import TABLE_SUFFIXES, Contents, Entry
from avplugin.installation.windows_path import name_key
from avplugin.package.manifest import (
    PackageError,
    PackageManifest,
    PackedDirectory,
    PackedFile,
)
from avplugin.package.member import WrongPassword
from avplugin.package.member_names import why_unfit
from avplugin.package.read import OpenZip, Package, check_names, folder_of
from avplugin.package.zip_directory import Member
from avplugin.state.manifest import FolderManifest, RunManifest
from avplugin.wording import some

_DOUBT = "another program made this zip, so nobody can tell whether the books were closed then"


def read_plain(
    file: OpenZip, code: str, password: str | None, copy_documents: Mapping[int, PurePosixPath]
) -> Package:
    """Return a zip of an administration's folder as a package of the administration `code`.

    `copy_documents` are the paths of those folders of copy documents that lie in the
    administration's folder here, by their number; those that are in the zip become folders of
    their own, as they are here. Raise WrongPassword, or PackageError that names the file.
    """
    try:
        return _read_plain(file, code, password, copy_documents)
    except PackageError as error:
        raise PackageError(f"{file.name} is not taken: {error}.") from error


def _read_plain(
    file: OpenZip, code: str, password: str | None, copy_documents: Mapping[int, PurePosixPath]
) -> Package:
    if file.is_package:
        raise PackageError("'avplugin export' made it: import it without --plain")
    if why_unfit(code):
        raise PackageError(f"{code!r:.60} can be no code of an administration")
    check_names(file.members)
    top = _folder_in(file.members)
    as_bytes = None
    if file.is_encrypted:
        if password is None:
            raise WrongPassword
        as_bytes = file.password_bytes(password)
    members = {_renamed(one.name, top, code): one for one in file.members}
    files = [
        PackedFile(path, one.size, one.modified, "")
        for path, one in sorted(members.items())
        if not one.is_directory
    ]
    taken = max(file.modified for file in files)
    directories = _directories(members, files, code, taken)
    folders = _folders(code, files, directories, copy_documents)
    manifest = PackageManifest(
        run=_no_run(),
        taken=datetime.datetime.fromtimestamp(taken / 1e9, tz=datetime.UTC),
        snapshot="",
        doubt=_DOUBT,
        folders=folders,
        files=tuple(files),
        directories=tuple(directories),
    )
    return Package(file, manifest, members, as_bytes, is_plain=True)


def _folder_in(members: Sequence[Member]) -> str:
    """Return the folder with the tables, with a slash behind it; empty if they lie in none.

    Nothing may lie outside of it: whatever that is, it would not be put back.
    """
    around = {
        f"{folder}/" if folder else ""
        for member in members
        for folder, _, name in [member.name.rpartition("/")]
        if name.lower().encode("utf-8").endswith(TABLE_SUFFIXES)
    }
    outermost = sorted(
        one for one in around if not any(one != other and one.startswith(other) for other in around)
    )
    if not outermost:
        raise PackageError("it holds no tables, so it is no administration")
    if len(outermost) > 1:
        names = some([one.rstrip("/") for one in outermost])
        raise PackageError(f"it holds several folders with tables ({names}); zip one at a time")
    top = outermost[0]
    outside = [
        one.name
        for one in members
        if not one.name.startswith(top) and not (one.is_directory and top.startswith(one.name))
    ]
    if outside:
        raise PackageError(
            f"it holds more than the folder {top.rstrip('/')}: {some(outside)}; zip that folder"
            " alone"
        )
    return top


def _renamed(name: str, top: str, code: str) -> str:
    """Return the path that a member gets: below a folder that is called as the code."""
    return f"{code}/{name.removeprefix(top)}".rstrip("/") if name.startswith(top) else f"/{name}"


def _directories(
    members: dict[str, Member], files: Sequence[PackedFile], code: str, otherwise: int
) -> list[PackedDirectory]:
    """Return all directories, also those that are only named by what is in them."""
    times = {path: one.modified for path, one in members.items() if one.is_directory}
    found = {path: time for path, time in times.items() if not path.startswith("/")}
    for path in [*found, *(file.path for file in files)]:
        parent = path.rpartition("/")[0]
        while parent and parent not in found:
            found[parent] = otherwise
            parent = parent.rpartition("/")[0]
    found.setdefault(code, otherwise)
    return [PackedDirectory(path, time) for path, time in sorted(found.items())]


def _folders(
    code: str,
    files: Sequence[PackedFile],
    directories: Sequence[PackedDirectory],
    copy_documents: Mapping[int, PurePosixPath],
) -> tuple[FolderManifest, ...]:
    by_key = {name_key(directory.path): directory.path for directory in directories}
    there = {
        number: by_key[key]
        for number, path in copy_documents.items()
        if (key := name_key(f"{code}/{path}")) in by_key
    }
    outermost = {
        number: f"/{path}"
        for number, path in there.items()
        if not any(path.startswith(f"{other}/") for other in there.values())
    }
    inside = tuple(sorted(outermost.values()))
    bare = [FolderManifest(Kind.ADMINISTRATION, code, "", code, "", f"/{code}", inside=inside)]
    for number, path in sorted(outermost.items()):
        folder = Folder(Kind.COPY_DOCUMENTS, code, "", path, "", number)
        bare.append(FolderManifest(folder.kind, code, "", folder.label, "", path))
    return tuple(_filled(one, bare, files, directories) for one in bare)


def _filled(
    folder: FolderManifest,
    folders: Sequence[FolderManifest],
    files: Sequence[PackedFile],
    directories: Sequence[PackedDirectory],
) -> FolderManifest:
    """Return a folder's manifest with what a scan of it will give, once it is taken out."""
    length = len(os.fsencode(folder.path))
    entries = [
        Entry(os.fsencode(one.path)[length:], "-", one.size, one.modified, 0, 0, 1)
        for one in files
        if folder_of(one, folders) is folder
    ] + [
        Entry(os.fsencode(one.path)[length:], "d", 0, one.modified, 0, 0, 1)
        for one in directories
        if folder_of(one, folders) is folder
    ]
    contents = Contents(tuple(sorted(entries)))
    return dataclasses.replace(
        folder,
        fingerprint=contents.fingerprint,
        list_digest=contents.list_digest,
        files=contents.files,
        size=contents.size,
        tables=contents.tables,
    )


def _no_run() -> RunManifest:
    return RunManifest(
        run="",
        installation="",
        installation_id="",
        set="",
        host="",
        started="",
        avplugin_version=__version__,
        accountview_version="",
        program="",
        system="",
        configuration="",
    )
