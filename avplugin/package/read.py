"""Read a package, which anybody can have made: nothing in it is believed before it is proven.

Its list of members, the names in it and its manifest have to say the same, and no more than an
administration's folders. What the members hold is proven when they are taken out; see origin.py.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import os
import re
import stat
import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from avplugin.installation.model import Folder, Kind, code_key
from avplugin.installation.windows_path import one_line
from avplugin.package.manifest import (
    MEMBER,
    PackageError,
    PackageManifest,
    PackedDirectory,
    PackedFile,
    package_manifest_from_json,
)
from avplugin.package.member import WrongPassword, contents, knows_password, passwords_as_bytes
from avplugin.package.member_names import colliding, why_unfit
from avplugin.package.zip_directory import AES, ZIPCRYPTO, Member, read_members
from avplugin.state.manifest import FolderManifest, Manifest
from avplugin.wording import some

READ_ME = ("LEESMIJ.txt", "README.txt")
_LARGEST_MANIFEST = 64_000_000  # bytes: some 250,000 files
_VALUES, _VALUES_OF_MEMBER = 10_000, 20  # that a manifest may have
_LARGEST_READ_ME = 1_000_000
_MOST_FOLDERS = 100
_LONGEST_CODE = 255
_YEARS = range(1980, 2200)  # that a package can have been made in
_NUMBER = re.compile(r" \((\d{1,3})\)")


class Peek(NamedTuple):
    """What a file shows without a password. `code` is what its folder is called, or empty.

    None of it is proven.
    """

    is_package: bool
    is_encrypted: bool
    code: str


@dataclasses.dataclass(frozen=True, slots=True)
class OpenZip:
    """A ZIP whose list of members has been read and judged. `name` and `place` are for people."""

    name: str
    place: str
    descriptor: int
    members: tuple[Member, ...]

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return os.fstat(self.descriptor).st_size

    @property
    def is_package(self) -> bool:
        """Whether it seems to have been made by avplugin."""
        return any(member.name == MEMBER for member in self.members)

    @property
    def is_encrypted(self) -> bool:
        """Whether a password is needed to read it."""
        return any(member.encryption for member in self.members)

    def password_bytes(self, password: str) -> bytes:
        """Return the password as the bytes that it was when the ZIP was made.

        Raise WrongPassword if it is another one.
        """
        encrypted = [member for member in self.members if member.encryption]
        wanted = next((one for one in encrypted if one.name == MEMBER), None)
        member = wanted or min(encrypted, key=lambda one: one.packed)
        for candidate in passwords_as_bytes(password, is_ours=wanted is not None):
            if knows_password(self.descriptor, member, candidate):
                return candidate
        raise WrongPassword


@dataclasses.dataclass(frozen=True, slots=True)
class Package:
    """A package that can be taken out: what it says of itself, and the member of each file.

    `members` is by the path in `manifest.files`. `is_plain` says that another program made it, and
    `manifest` was made up from what is there: then its files have no SHA-256.
    """

    file: OpenZip
    manifest: PackageManifest
    members: Mapping[str, Member]
    password: bytes | None
    is_plain: bool = False

    @property
    def is_encrypted(self) -> bool:
        """Whether its contents are."""
        return self.password is not None

    @property
    def sessions(self) -> str:
        """Who was in when the books were copied: not checked, nobody or somebody."""
        return Manifest(self.manifest.run, self.manifest.folders).sessions


def peek(file: Path | bytes) -> Peek:
    """Return what a file, or its bytes, shows without a password; a file that is no ZIP, nothing.

    Raise OSError if it cannot be read.
    """
    nothing = Peek(False, False, "")
    try:
        if isinstance(file, bytes):
            members = read_members(io.BytesIO(file))
        else:
            with open_zip(file) as opened:
                members = list(opened.members)
    except PackageError:
        return nothing
    if not any(member.name == MEMBER for member in members):
        return nothing
    folders = [member.name.partition("/")[0] for member in members if "/" in member.name]
    code = folders[0] if folders and not why_unfit(folders[0]) else ""
    return Peek(True, any(member.encryption for member in members), code)


@contextlib.contextmanager
def open_zip(file: Path) -> Iterator[OpenZip]:
    """Open a file and read its list of members. Raise PackageError or OSError."""
    # What is not a file is not waited for.
    descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise PackageError(f"{file} is no file.")
        yield opened_zip(descriptor, file.name, str(file.absolute().parent))
    finally:
        os.close(descriptor)


def opened_zip(descriptor: int, name: str, place: str) -> OpenZip:
    """Return what an open file is as a ZIP. Raise PackageError that names it, or OSError."""
    shown = one_line(name)
    with os.fdopen(os.dup(descriptor), "rb") as file:
        try:
            members = read_members(file)
        except PackageError as error:
            raise PackageError(f"{shown} is not taken: {error}.") from error
        except struct.error as error:
            raise PackageError(f"{shown} is not taken: it is damaged.") from error
    return OpenZip(shown, place, descriptor, tuple(members))


@contextlib.contextmanager
def open_package(file: Path, password: str | None) -> Iterator[Package]:
    """Open a package and read its manifest. Raise WrongPassword, PackageError or OSError."""
    with open_zip(file) as opened:
        yield read_package(opened, password)


def read_package(file: OpenZip, password: str | None) -> Package:
    """Read the manifest of a package, and compare it with all members.

    Raise WrongPassword, or PackageError that names the file.
    """
    if not file.is_package:
        raise PackageError(
            f"{file.name} was not made by 'avplugin export'.\n"
            "If it is a zip of an administration's folder, name the administration: --plain CODE."
        )
    try:
        return _read_package(file, password)
    except PackageError as error:
        raise PackageError(f"{file.name} is not taken: {error}.") from error


def _read_package(file: OpenZip, password: str | None) -> Package:
    check_names(file.members)
    _check_encryption(file.members)
    by_name = {member.name: member for member in file.members}
    own = by_name[MEMBER]
    if own.size > _LARGEST_MANIFEST or own.is_directory:
        raise PackageError("its manifest is too large")
    if any(by_name[name].size > _LARGEST_READ_ME for name in READ_ME if name in by_name):
        raise PackageError("its readme is too large")
    as_bytes = None
    if file.is_encrypted:
        if password is None:
            raise WrongPassword
        as_bytes = file.password_bytes(password)
    # What is not encrypted proves nothing by itself; its files' digests have to be right anyway.
    data = b"".join(contents(file.descriptor, own, as_bytes, check_crc=not own.encryption))
    # A list of nothing is two bytes in a manifest, and fifty in memory.
    if sum(map(data.count, (b"[", b"{", b","))) > _VALUES + _VALUES_OF_MEMBER * len(by_name):
        raise PackageError("its manifest says more than what is in it can need")
    manifest = package_manifest_from_json(data)
    if manifest.taken.year not in _YEARS:
        raise PackageError("its manifest says that it was made at a time that cannot be")
    _check_folders(manifest.folders)
    members = _match(manifest, by_name)
    _check_sums(manifest)
    return Package(file, manifest, members, as_bytes)


def check_names(members: Sequence[Member]) -> None:
    """Refuse names that lead elsewhere, or that Windows cannot have or takes for one another."""
    for member in members:
        path = member.name.removesuffix("/") if member.is_directory else member.name
        if why := why_unfit(path):
            raise PackageError(f"the name {member.name!r:.100} {why}")
    directories = [member.name[:-1] for member in members if member.is_directory]
    if len(directories) != len(set(directories)):
        raise PackageError("it has a folder in it twice")
    files = [member.name for member in members if not member.is_directory]
    if found := colliding(files, directories):
        one, two = found
        raise PackageError(f"{one!r:.60} and {two!r:.60} are one name on Windows")


def _check_encryption(members: Sequence[Member]) -> None:
    """Refuse a package of which somebody without the password could have added a part."""
    counting = [one for one in members if not one.is_directory and one.name not in READ_ME]
    if any(one.encryption == ZIPCRYPTO for one in members):
        raise PackageError("it is encrypted by ZipCrypto, which protects nothing")
    if len({one.encryption for one in counting}) > 1:
        raise PackageError("some of it is encrypted and some is not")
    if any(one.encryption == AES and one.key != 32 for one in members):
        raise PackageError("it is encrypted by less than AES-256")


def _check_folders(folders: Sequence[FolderManifest]) -> None:
    """Refuse folders with names that are not theirs, or one over another."""
    if len(folders) > _MOST_FOLDERS:
        raise PackageError("its manifest has too many folders")
    code = folders[0].code
    if not code.strip() or len(code) > _LONGEST_CODE or "/" in code or "\\" in code:
        raise PackageError(f"its manifest has a code that cannot be ({code!r:.60})")
    for folder in folders:
        if code_key(folder.code) != code_key(code) or folder.label != _label(folder):
            raise PackageError(f"its manifest has a folder that is not of {code}")
        if why := why_unfit(folder.archived_path):
            raise PackageError(f"its manifest has a folder whose name {why}")
    paths = {folder.path for folder in folders}
    if len(paths) != len(folders):
        raise PackageError("its manifest has two folders at one place")
    for folder in folders:
        nested = {path for path in paths if path.startswith(f"{folder.path}/")}
        outermost = {
            path for path in nested if not any(path.startswith(f"{other}/") for other in nested)
        }
        if set(folder.inside) != outermost or len(folder.inside) != len(outermost):
            raise PackageError(f"its manifest does not say what lies inside {folder.label}")
        around = folder.path.count("/") > 1
        if around and not any(folder.path.startswith(f"{path}/") for path in paths):
            raise PackageError(f"its manifest has {folder.label} inside what is no folder of it")
        if folder is not folders[0] and folders[0].path.startswith(f"{folder.path}/"):
            raise PackageError("its manifest has the administration inside its copy documents")


def _label(folder: FolderManifest) -> str:
    """Return the label that a folder of this kind has; see Folder."""
    number = 0
    if folder.kind is Kind.COPY_DOCUMENTS and folder.label.endswith(")"):
        found = _NUMBER.fullmatch(folder.label[folder.label.rfind(" (") :])
        number = int(found[1]) - 1 if found else 0
    return Folder(folder.kind, folder.code, folder.name, "", "", number).label


def _match(manifest: PackageManifest, by_name: Mapping[str, Member]) -> dict[str, Member]:
    """Return the member of each file. Raise PackageError if one lacks, or another is there."""
    files = {file.path: by_name.get(file.path) for file in manifest.files}
    directories = {directory.path for directory in manifest.directories}
    if len(files) != len(manifest.files) or len(directories) != len(manifest.directories):
        raise PackageError("its manifest has something twice")
    for path in directories:  # those of files are names of members, which are proven
        if why := why_unfit(path):
            raise PackageError(f"its manifest has a folder whose name {why} ({path!r:.60})")
    if found := colliding(files, directories):
        raise PackageError(f"{found[0]!r:.60} and {found[1]!r:.60} are one name on Windows")
    wrong = [
        file.path
        for file, member in zip(manifest.files, files.values(), strict=True)
        if member is None or member.size != file.size
    ]
    if wrong:
        raise PackageError(f"what its manifest says is not in it, or another size: {some(wrong)}")
    own = {MEMBER, *READ_ME}
    extra = [
        name
        for name, member in by_name.items()
        if name not in own
        and (name[:-1] not in directories if member.is_directory else name not in files)
    ]
    if extra:
        raise PackageError(f"it holds what its manifest does not say: {some(extra)}")
    return {path: member for path, member in files.items() if member is not None}


def _check_sums(manifest: PackageManifest) -> None:
    """Refuse a manifest whose folders are not the sum of their files, or that has others."""
    counted = {folder.path: [0, 0] for folder in manifest.folders}
    for file in manifest.files:
        count = counted[folder_of(file, manifest.folders).path]
        count[0] += 1
        count[1] += file.size
    for folder in manifest.folders:
        if counted[folder.path] != [folder.files, folder.size]:
            raise PackageError(f"its manifest does not add up for {folder.label}")
    known = {directory.path for directory in manifest.directories}
    for path in [file.path.rpartition("/")[0] for file in manifest.files]:
        if path not in known:
            raise PackageError(f"its manifest lacks the folder {path!r:.60}")
    for path in known:
        parent = path.rpartition("/")[0]
        if parent not in known and f"/{path}" not in counted:
            raise PackageError(f"its manifest has a folder of nothing ({path!r:.60})")
    if missing := [one.label for one in manifest.folders if one.archived_path not in known]:
        raise PackageError(f"its manifest lacks the folder of {some(missing)}")


def folder_of(
    packed: PackedFile | PackedDirectory, folders: Sequence[FolderManifest]
) -> FolderManifest:
    """Return the innermost folder that something lies in, or is. Raise PackageError if none is."""
    around = [one for one in folders if f"/{packed.path}/".startswith(f"{one.path}/")]
    if not around:
        raise PackageError(f"{packed.path!r:.60} is in none of its folders")
    return max(around, key=lambda one: len(one.path))
