"""Packages as 'avplugin export' writes them, made of any folders, right or with something wrong."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import io
import os
import struct
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from conftest import TABLE
from pyzipper.zipfile import ZIP_DEFLATED
from pyzipper.zipfile_aes import WZ_AES, AESZipFile, AESZipInfo

from avplugin.installation.model import Folder, Kind
from avplugin.installation.scan import scan_folder
from avplugin.package.manifest import (
    MEMBER,
    PackageManifest,
    PackedDirectory,
    PackedFile,
    package_manifest_to_json,
)
from avplugin.state.manifest import FolderManifest, RunManifest, describe_folder

TABLE_AND_MORE = TABLE + b"\x1a"
PASSWORD = "geheim 2026"
PASSWORD_GIVEN = {"AVPLUGIN_PACKAGE_PASSWORD": PASSWORD}  # in the environment
RUN = RunManifest(
    run="20261126T020000Z-0123456789ab",
    installation="Kantoor De Vries",
    installation_id="1",
    set="administrations",
    host="devries",
    started="2026-11-26T02:00:00+00:00",
    avplugin_version="1.0",
    accountview_version="",
    program="/srv/p",
    system="/srv/s",
    configuration="",
)
TAKEN = datetime.datetime(2026, 11, 26, 2, tzinfo=datetime.UTC)


def zipped(*names: str) -> bytes:
    """Return a ZIP with members of these names, as any program makes it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, name * 100)
    return file.getvalue()


@dataclasses.dataclass
class Member:
    """One member of a ZIP that is to be written; `open` is without the password."""

    name: str
    data: bytes
    open: bool = False
    method: int = ZIP_DEFLATED
    attributes: int = 0x20
    extra: bytes = b""
    password: str = ""  # where it has one of its own
    key: int = 256  # bits


def describe(
    code: str, places: Mapping[str, Path], *, name: str = "Bakker", windows_path: str = "G:\\elders"
) -> tuple[PackageManifest, dict[str, bytes]]:
    """Return the manifest of a package, and what is in its files.

    `places` are folders by their place in the package: the administration's first, then copy
    documents.
    """
    parts: list[FolderManifest] = []
    files: list[PackedFile] = []
    directories: list[PackedDirectory] = []
    data: dict[str, bytes] = {}
    for number, (place, path) in enumerate(places.items()):
        kind = Kind.COPY_DOCUMENTS if number else Kind.ADMINISTRATION
        folder = Folder(kind, code, name, str(path), windows_path, max(number - 1, 0))
        inside = {one: at for one, at in places.items() if one.startswith(f"{place}/")}
        contents = scan_folder(str(path), [os.fsencode(at) for at in inside.values()])
        part = describe_folder(folder, contents, [f"/{one}" for one in inside], "nobody")
        parts.append(dataclasses.replace(part, path=f"/{place}", table_health="sound"))
        for entry in contents.entries:
            relative = os.fsdecode(entry.path)
            packed = f"{place}/{relative}" if relative else place
            if entry.type == "d":
                directories.append(PackedDirectory(packed, entry.modified))
            else:
                data[packed] = (path / relative).read_bytes()
                digest = hashlib.sha256(data[packed]).hexdigest()
                files.append(PackedFile(packed, entry.size, entry.modified, digest))
    manifest = PackageManifest(
        run=RUN,
        taken=TAKEN,
        snapshot="kantoor-administrations-2026-11-26T02:00:00",
        doubt="",
        folders=tuple(parts),
        files=tuple(files),
        directories=tuple(directories),
    )
    return manifest, data


def members_of(manifest: PackageManifest, data: Mapping[str, bytes]) -> list[Member]:
    """Return the members of a package in their order."""
    return [
        Member("LEESMIJ.txt", b"lees mij", open=True),
        Member("README.txt", b"read me", open=True),
        *(Member(one.path, data[one.path]) for one in manifest.files),
        Member(MEMBER, package_manifest_to_json(manifest)),
    ]


def write(file: Path, members: Sequence[Member], password: str | None = PASSWORD) -> None:
    """Write a ZIP."""
    with AESZipFile(file, "w") as package:
        for member in members:
            info = AESZipInfo(member.name, (2026, 11, 26, 2, 0, 0))
            info.filename = member.name  # it makes some names better
            info.orig_filename = member.name
            info.compress_type = member.method
            info.create_system = 3 if member.attributes >> 16 else 0
            info.external_attr = member.attributes
            info.extra = member.extra
            word = None if member.open else member.password or password
            package.setpassword(word.encode() if word else None)
            package.setencryption(WZ_AES if word else None, nbits=member.key)
            with package.open(info, "w") as stream:
                stream.write(member.data)


def pack(
    file: Path,
    code: str,
    places: Mapping[str, Path],
    password: str | None = PASSWORD,
    **facts: str,
) -> PackageManifest:
    """Write a package that is as it should be; return its manifest."""
    manifest, data = describe(code, places, **facts)
    write(file, members_of(manifest, data), password)
    return manifest


def ntfs_time(modified: int) -> bytes:
    """Return the extra field in which Windows keeps a time; `modified` is nanoseconds."""
    moment = modified // 100 + 116_444_736_000_000_000
    return struct.pack("<HHIHHQQQ", 10, 32, 0, 1, 24, moment, moment, moment)
