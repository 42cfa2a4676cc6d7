"""A zip of an administration's folder that another program made, such as Explorer or 7-Zip.

It says nothing of itself but names, sizes, times and checksums. A manifest is made up of these.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence

from avplugin import __version__
from avplugin.installation.model import Kind
from avplugin.installation.scan import TABLE_SUFFIXES
from avplugin.language import N_
from avplugin.package.copy_documents import with_sums
from avplugin.package.manifest import (
    PackageError,
    PackageManifest,
    PackedDirectory,
    PackedFile,
)
from avplugin.package.member import WrongPassword
from avplugin.package.member_names import why_unfit
from avplugin.package.read import OpenZip, Package, check_names
from avplugin.package.zip_directory import Member
from avplugin.state.manifest import FolderManifest, RunManifest
from avplugin.wording import some

_DOUBT = N_("another program made this zip, so nobody can tell whether the books were closed then")


def read_plain(file: OpenZip, code: str, password: str | None) -> Package:
    """Return a zip of an administration's folder as a package of the administration `code`.

    Raise WrongPassword, or PackageError that names the file.
    """
    try:
        return _read_plain(file, code, password)
    except PackageError as error:
        raise PackageError(f"{file.name} is not taken: {error}.") from error


def _read_plain(file: OpenZip, code: str, password: str | None) -> Package:
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
    manifest = PackageManifest(
        run=_no_run(),
        taken=datetime.datetime.fromtimestamp(taken / 1e9, tz=datetime.UTC),
        snapshot="",
        doubt=_DOUBT,
        folders=(FolderManifest(Kind.ADMINISTRATION, code, "", code, "", f"/{code}"),),
        files=tuple(files),
        directories=tuple(directories),
    )
    manifest = dataclasses.replace(manifest, folders=tuple(with_sums(manifest, manifest.folders)))
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
