"""Packages that mean harm, or are broken: one for each thing that can be wrong with one.

    python tests/hostile_packages.py FOLDER

writes all of them into a folder. Each is right but for the one thing it is named after, so that a
reader which does not look for that takes it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import operator
import struct
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterable
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from packages import PASSWORD, TABLE_AND_MORE, Member, describe, members_of, write

from avplugin.package.manifest import (
    MEMBER,
    PackageManifest,
    PackedDirectory,
    PackedFile,
    package_manifest_to_json,
)
from avplugin.state.manifest import FolderManifest

CODE = "BAKKER26"
TABLE = f"{CODE}/GROOTBOEK.DBF"


@dataclasses.dataclass(frozen=True)
class Honest:
    """A package as it should be, to be changed."""

    manifest: PackageManifest
    data: dict[str, bytes]

    @property
    def members(self) -> list[Member]:
        """Its members."""
        return members_of(self.manifest, self.data)

    def with_manifest(self, **changes: Any) -> Honest:
        """Return one with another manifest."""
        return Honest(dataclasses.replace(self.manifest, **changes), self.data)

    def with_folder(self, number: int, **changes: Any) -> Honest:
        """Return one in which a folder of the manifest is another."""
        folders = list(self.manifest.folders)
        folders[number] = dataclasses.replace(folders[number], **changes)
        return self.with_manifest(folders=tuple(folders))

    def with_file(self, path: str, data: bytes = b"kwaad") -> Honest:
        """Return one with a file more, which its manifest knows of."""
        file = PackedFile(path, len(data), 0, hashlib.sha256(data).hexdigest())
        own = self.manifest.folders[0]
        grown = dataclasses.replace(own, files=own.files + 1, size=own.size + len(data))
        manifest = dataclasses.replace(
            self.manifest,
            files=(*self.manifest.files, file),
            folders=(grown, *self.manifest.folders[1:]),
        )
        return Honest(manifest, {**self.data, path: data})

    def with_directory(self, path: str) -> Honest:
        """Return one with a directory more."""
        more = (*self.manifest.directories, PackedDirectory(path, 0))
        return self.with_manifest(directories=more)

    def with_document(self, change: Callable[[dict[str, Any]], object]) -> bytes:
        """Return the bytes of one whose manifest was changed after it was written as JSON."""
        document = json.loads(package_manifest_to_json(self.manifest))
        change(document)
        return self.with_json(json.dumps(document).encode())

    def with_json(self, text: bytes) -> bytes:
        """Return the bytes of one with any text in place of the manifest."""
        members = [one for one in self.members if one.name != MEMBER]
        return zipped([*members, Member(MEMBER, text)])

    def zipped(self, password: str | None = PASSWORD) -> bytes:
        """Return the bytes."""
        return zipped(self.members, password)

    def raw(self) -> list[Raw]:
        """Return its members to be written with something wrong, without a password."""
        return [Raw(one.name, one.data) for one in self.members]


def honest(folder: Path) -> Honest:
    """Return an honest package of a small administration, which is made in a folder."""
    own = folder / CODE
    (own / "RAPPORT").mkdir(parents=True)
    (own / "KOPIEDOC").mkdir()
    (own / "GROOTBOEK.DBF").write_bytes(TABLE_AND_MORE)
    (own / "GROOTBOEK.FPT").write_bytes(b"memo" * 200)
    (own / "KOPIEDOC" / "Factuur 1.pdf").write_bytes(b"%PDF")
    (own / "RAPPORT" / "lijst.frx").write_bytes(b"x" * 5000)
    return Honest(*describe(CODE, {CODE: own, f"{CODE}/KOPIEDOC": own / "KOPIEDOC"}))


def zipped(members: Iterable[Member], password: str | None = PASSWORD) -> bytes:
    """Return the bytes of a ZIP."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "package.zip"
        write(file, list(members), password)
        return file.read_bytes()


@dataclasses.dataclass
class Raw:
    """One member, of which the list and the place where it lies can say different things."""

    name: str
    data: bytes
    local_name: str = ""
    raw_name: bytes = b""
    method: int = 8
    local_method: int = -1
    flags: int = 0x800
    local_flags: int = -1
    packed: bytes | None = None
    size: int = -1  # in both places
    listed_size: int = -1
    listed_packed: int = -1
    crc: int = -1
    offset: int = -1
    gap: bytes = b""  # behind it
    extra: bytes = b""  # in both places
    listed_extra: bytes = b""
    attributes: int = 0x20
    disk: int = 0
    date: int = 0x5B7A
    comment: bytes = b""


def deflated(data: bytes) -> bytes:
    """Return what a ZIP holds of a file."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def raw_zip(
    members: Iterable[Raw],
    *,
    before: bytes = b"",
    end: Callable[[int, int, int], bytes] | None = None,
    count: int = -1,
) -> bytes:
    """Return a ZIP of these. `end` makes its end of count, length and offset of the list."""
    body, listed, number = bytearray(before), bytearray(), 0
    for one in members:
        number += 1
        name = one.raw_name or one.name.encode()
        packed = one.packed if one.packed is not None else deflated(one.data)
        if one.method == 0 and one.packed is None:
            packed = one.data
        size = one.size if one.size >= 0 else len(one.data)
        crc = one.crc if one.crc >= 0 else zlib.crc32(one.data)
        local = one.local_name.encode() or name
        offset = one.offset if one.offset >= 0 else len(body)
        method = one.local_method if one.local_method >= 0 else one.method
        flags = one.local_flags if one.local_flags >= 0 else one.flags
        body += struct.pack(
            *("<4s5H3I2H", b"PK\3\4", 20, flags, method, 0, one.date, crc, len(packed), size),
            *(len(local), len(one.extra)),
        )
        body += local + one.extra + packed + one.gap
        extra = one.listed_extra or one.extra
        listed += struct.pack(
            *("<4s6H3I5H2I", b"PK\1\2", 20, 20, one.flags, one.method, 0, one.date, crc),
            one.listed_packed if one.listed_packed >= 0 else len(packed),
            one.listed_size if one.listed_size >= 0 else size,
            *(len(name), len(extra), len(one.comment), one.disk, 0, one.attributes, offset),
        )
        listed += name + extra + one.comment
    number = number if count < 0 else count
    return bytes(body + listed + (end or plain_end)(number, len(listed), len(body)))


def plain_end(count: int, length: int, offset: int) -> bytes:
    """Return the end of a ZIP."""
    return struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, count, count, length, offset, 0)


def end64(number: int, length: int, offset: int, /, **lies: int) -> bytes:
    """Return the end of a large ZIP."""
    said = {"count": number, "length": length, "start": offset, "at": offset + length} | lies
    return (
        struct.pack(
            *("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, lies.get("disk", 0), 0),
            *(said["count"], said["count"], said["length"], said["start"]),
        )
        + struct.pack("<4sIQI", b"PK\6\7", 0, said["at"], lies.get("disks", 1))
        + struct.pack(
            *("<4s4H2IH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, lies.get("short", 0xFFFFFFFF)),
            *(0xFFFFFFFF, 0),
        )
    )


@dataclasses.dataclass(frozen=True)
class Hostile:
    """How a hostile package is made, and a part of what is to be said about it."""

    make: Callable[[Honest], bytes]
    said: str
    suffix: str = ".zip"


CORPUS: dict[str, Hostile] = {}


def add(name: str, said: str, make: Callable[[Honest], bytes], suffix: str = ".zip") -> None:
    """Add one to the corpus."""
    CORPUS[name] = Hostile(make, said, suffix)


def add_name(name: str, said: str, path: str) -> None:
    """Add one that holds a file with a bad name, which its manifest knows of."""
    add(name, said, lambda one: one.with_file(path).zipped())


def add_raw(name: str, said: str, change: Callable[[list[Raw]], object], **words: Any) -> None:
    """Add one that is not written as a ZIP should be."""

    def make(one: Honest) -> bytes:
        members = one.raw()
        change(members)
        return raw_zip(members, **words)

    add(name, said, make)


def add_bytes(name: str, said: str, change: Callable[[bytes], bytes]) -> None:
    """Add one whose bytes were changed when it was done."""
    add(name, said, lambda one: change(one.zipped()))


def add_document(name: str, said: str, change: Callable[[dict[str, Any]], object]) -> None:
    """Add one with a bad manifest."""
    add(name, said, lambda one: one.with_document(change))


def _surrogate(one: Honest) -> bytes:
    return one.with_directory(f"{CODE}/\ud800").zipped()


def _comment(count: int, length: int, offset: int) -> bytes:
    return plain_end(count, length, offset)[:-2] + b"\5\0kwaad"


def _around(one: Honest) -> bytes:
    own, documents = one.manifest.folders
    around = f"/{CODE}"
    inner = f"/{CODE}/RAPPORT"
    folders = (
        dataclasses.replace(own, path=inner, inside=()),
        dataclasses.replace(documents, path=around, inside=(inner,)),
    )
    return one.with_manifest(folders=folders).zipped()


def _many_folders(one: Honest) -> bytes:
    own, documents = one.manifest.folders
    more = [
        dataclasses.replace(
            documents,
            label=f"copy documents of {CODE} ({number})",
            path=f"/{CODE}-{number}",
            files=0,
            size=0,
        )
        for number in range(2, 200)
    ]
    return one.with_manifest(folders=(own, documents, *more)).zipped()


def _unlisted(one: Honest) -> bytes:
    """A folder of copy documents without files, and without itself."""
    own, documents = one.manifest.folders
    more = dataclasses.replace(
        documents, label=f"copy documents of {CODE} (2)", path=f"/{CODE}-2", files=0, size=0
    )
    return one.with_manifest(folders=(own, documents, more)).zipped()


def _of_another(one: Honest) -> bytes:
    """An administration that this office does not have."""

    def renamed(text: str) -> str:
        return text.replace(CODE, "NIEMAND")

    def folder(part: FolderManifest) -> FolderManifest:
        return dataclasses.replace(
            part,
            code="NIEMAND",
            label=renamed(part.label),
            path=renamed(part.path),
            inside=tuple(map(renamed, part.inside)),
        )

    manifest = dataclasses.replace(
        one.manifest,
        folders=tuple(map(folder, one.manifest.folders)),
        files=tuple(each._replace(path=renamed(each.path)) for each in one.manifest.files),
        directories=tuple(
            each._replace(path=renamed(each.path)) for each in one.manifest.directories
        ),
    )
    return Honest(manifest, {renamed(path): data for path, data in one.data.items()}).zipped()


def _other_version(one: Honest) -> bytes:
    run = dataclasses.replace(one.manifest.run, accountview_version="99.9")
    return one.with_manifest(run=run).zipped()


# Names

add_name("absolute path", "has an empty part", "/etc/cron.d/kwaad")
add_name("two slashes", "has an empty part", f"{CODE}//KWAAD.DBF")
add_name("up out of the folder", "leads elsewhere", f"{CODE}/../../KWAAD.DBF")
add_name("up to its own folder", "leads elsewhere", f"{CODE}/x/../KWAAD.DBF")
add_name("dot", "leads elsewhere", f"{CODE}/./KWAAD.DBF")
add_name("drive letter", " in it", "C:/Windows/KWAAD.DLL")
add_name("drive letter inside", " in it", f"{CODE}/C:KWAAD.DBF")
add_name("backslashes", " in it", f"{CODE}\\..\\..\\KWAAD.DBF")
add_name("UNC path", " in it", "\\\\server\\share\\KWAAD.DBF")
add_name("alternate data stream", " in it", f"{CODE}/GROOTBOEK.DBF:kwaad")
add_name("wildcard", " in it", f"{CODE}/*.DBF")
add_name("device", "is the name of a device", f"{CODE}/CON")
add_name("device with suffix", "is the name of a device", f"{CODE}/nul.txt")
add_name("device with a small digit", "is the name of a device", f"{CODE}/COM\u00b9.dbf")
add_name("device as a folder", "is the name of a device", f"{CODE}/AUX/KWAAD.DBF")
add_name("dot at the end", "ends with a dot or a blank", f"{CODE}/GROOTBOEK.DBF.")
add_name("blank at the end", "ends with a dot or a blank", f"{CODE}/GROOTBOEK.DBF ")
add_name("three dots", "ends with a dot or a blank", f"{CODE}/.../KWAAD.DBF")
add_name("line break", "in it", f"{CODE}/KWAAD\nwarning: all is well")
add_name("escape sequence", "in it", f"{CODE}/\x1b[2J\x1b]0;kwaad\x07")
add_name("null", "in it", f"{CODE}/KWAAD.DBF\0.txt")
add_name("other case", "are one name on Windows", f"{CODE}/grootboek.dbf")
add_name("folder in other case", "are one name on Windows", f"{CODE}/Rapport/KWAAD.DBF")
add(
    "accents stored apart",
    "are one name on Windows",
    lambda one: one.with_file(f"{CODE}/caf\u00e9").with_file(f"{CODE}/cafe\u0301").zipped(),
)
add_name("file where a folder is", "are one name on Windows", f"{CODE}/RAPPORT")
add_name("folder where a file is", "are one name on Windows", f"{TABLE}/KWAAD.DBF")
add_name("long name", "is longer than 255", f"{CODE}/{'x' * 256}")
add_name("long path", "is too long", f"{CODE}/" + "/".join(["x" * 200] * 20))
add_name("deep path", "is too long", f"{CODE}/" + "x/" * 500 + "x")
add_name("name of a staging folder", "only restores give", f"{CODE}/.x.avplugin-restore-0123abcd/x")
add_name("name of a kept folder", "only restores give", f"{CODE}/x.before-restore-20261122-020000")
add_name("beside the folder", "is in none of its folders", "KWAAD.DBF")
add_name("in another folder", "is in none of its folders", "KLANT2/KWAAD.DBF")
add_name("in a folder that begins alike", "is in none of its folders", f"{CODE}7/KWAAD.DBF")
add_raw(
    "name that is no text",
    "a name that is no text",
    lambda members: setattr(members[2], "raw_name", b"BAKKER26/\xff\xfe.DBF"),
)
add("name with half a surrogate", "is not UTF-8", _surrogate)


# What is no file


def add_type(name: str, attributes: int, said: str = "is a link, a device or the like") -> None:
    """Add one with a member that is something else than a file."""

    def make(one: Honest) -> bytes:
        members = one.with_file(f"{CODE}/KWAAD", b"/etc").members
        next(each for each in members if each.name.endswith("KWAAD")).attributes = attributes
        return zipped(members)

    add(name, said, make)


add_type("symbolic link", 0o120777 << 16)
add_type("character device", 0o020666 << 16)
add_type("block device", 0o060666 << 16)
add_type("pipe", 0o010666 << 16)
add_type("socket", 0o140777 << 16)
add_type("folder without a slash", 0o040755 << 16)
add_type("reparse point of Windows", 0x420)
add_type("folder to DOS", 0x30, "is said to be a file and a folder")
add(
    "folder with contents",
    "cannot be 5 bytes",
    lambda one: raw_zip([*one.raw()[:2], Raw(f"{CODE}/RAPPORT/", b"kwaad"), *one.raw()[2:]]),
)

# What the list of members says, and what is there


def _lie(number: int, **lies: Any) -> Callable[[list[Raw]], object]:
    def change(members: list[Raw]) -> None:
        for key, value in lies.items():
            setattr(members[number], key, value)

    return change


_TWICE = "is one thing in the list of members and another where it lies"
add_raw("two names", _TWICE, _lie(2, local_name=f"{CODE}/GROOTBOEX.DBF"))
add_raw("two names, one leads up", _TWICE, _lie(2, local_name="../../../../KWAAD.DBF"))
add_raw("two methods", _TWICE, _lie(2, local_method=0))
add_raw("encrypted and not", _TWICE, _lie(2, local_flags=0x801))
add_raw("UTF-8 and not", _TWICE, _lie(2, local_flags=0))
add_raw("two sizes", _TWICE, _lie(2, listed_size=10))
add_raw("two packed sizes", _TWICE, _lie(2, listed_packed=10))
add_raw("said later, and wrong", _TWICE, _lie(2, flags=0x808, gap=b"PK\7\10" + bytes(12)))
add_raw("said later, and not there", _TWICE, _lie(2, listed_packed=10, flags=0x808))
add_raw("gap between members", "does not end where the next member begins", _lie(2, gap=b"kwaad"))
add_raw("hidden member", "does not end where", _lie(2, gap=raw_zip([Raw("x", b"x")])[:-90]))
add_raw("member at another's place", "does not end where", _lie(3, offset=0))
add_raw("member behind the end", "does not end where", _lie(3, offset=2**31))
add_raw("on another disk", "its list of members is damaged", _lie(3, disk=1))
add_raw("bad extra field", "extra fields", _lie(2, extra=b"\x01\x00\xff\x00"))
add_raw("extra field twice", "extra fields", _lie(2, extra=b"\xfe\xca\0\0" * 2))
add_raw("half an extra field", "extra fields", _lie(2, extra=b"\xfe\xca"))


def _same_twice(members: list[Raw]) -> None:
    members.insert(3, dataclasses.replace(members[2]))


def _other_twice(members: list[Raw]) -> None:
    members.insert(3, dataclasses.replace(members[2], data=b"kwaad"))


add_raw("member twice", "are one name on Windows", _same_twice)
add_raw("member twice with other contents", "are one name on Windows", _other_twice)
add_raw("manifest twice", "are one name on Windows", lambda all_: all_.append(all_[-1]))
add_raw("more members than listed", "list of members is damaged", lambda _: None, count=2)
add_raw("fewer members than listed", "list of members", lambda _: None, count=9)
add_raw(
    "in front of it",
    "list of members is not where",
    lambda _: None,
    before=b"MZ kwaad",
    end=lambda count, length, offset: plain_end(count, length, offset - 8),
)
add_raw(
    "in front of it, and counted in",
    "do not stand one behind the other",
    _lie(0, offset=8),
    before=b"MZ kwaad",
)
add_raw("comment", "something was added at its end", lambda _: None, end=_comment)


# Large ZIPs

add_raw("ZIP64 end elsewhere", "(ZIP64)", lambda _: None, end=lambda *it: end64(*it, at=4))
add_raw("ZIP64 on several disks", "(ZIP64)", lambda _: None, end=lambda *it: end64(*it, disks=2))
add_raw("ZIP64 of another disk", "(ZIP64)", lambda _: None, end=lambda *it: end64(*it, disk=3))
add_raw(
    "ZIP64 says two things", "says two things", lambda _: None, end=lambda *it: end64(*it, short=5)
)
add_raw(
    "ZIP64 with 2^60 members",
    "too large, or damaged",
    lambda _: None,
    end=lambda *it: end64(*it, count=2**60),
)
add_raw(
    "ZIP64 list before the beginning",
    "not where it should be",
    lambda _: None,
    end=lambda *it: end64(*it, start=2**63),
)
add_raw(
    "ZIP64 size beside a size",
    "says sizes twice",
    _lie(2, extra=struct.pack("<HHQ", 1, 8, 2**40)),
)
add_raw(
    "ZIP64 size that is not there",
    "says sizes twice, or not at all",
    _lie(2, listed_size=2**32 - 1),
)
add_raw(
    "ZIP64 size of an exabyte",
    "is one thing in the list",
    _lie(2, listed_size=2**32 - 1, listed_extra=struct.pack("<HHQ", 1, 8, 2**60)),
)

# Bombs


def _bomb(one: Honest, size: int, said: int) -> bytes:
    """A file of zeros, of which the ZIP and the manifest say that it has `said` bytes."""
    path = f"{CODE}/BOM.DBF"
    grown = one.with_file(path, bytes(said))
    members = grown.raw()
    bomb = next(each for each in members if each.name == path)
    bomb.packed, bomb.size = deflated(bytes(size)), said
    return raw_zip(members)


add("bomb that says little", "holds more than it says", lambda one: _bomb(one, 50_000_000, 100))
add("file that says much", "holds less than it says", lambda one: _bomb(one, 100_000, 100_200))
add(
    "bomb that cannot be",
    "cannot be 4000000000 bytes",
    lambda one: _raw_of(one, _lie(2, size=4_000_000_000)),
)
add(
    "bomb that the manifest does not know",
    "or another size",
    lambda one: _raw_of(one, lambda all_: _blow_up(all_[2])),
)


def _raw_of(one: Honest, change: Callable[[list[Raw]], object]) -> bytes:
    members = one.raw()
    change(members)
    return raw_zip(members)


def _blow_up(member: Raw) -> None:
    member.data = bytes(50_000_000)


def _overlapping(_: Honest) -> bytes:
    """Many names for one kernel of zeros, each local header quoted by the one before (Fifield)."""
    kernel = deflated(bytes(10_000_000))
    names = [f"{CODE}/{number:03}.DBF".encode() for number in range(50)]
    headers: list[bytes] = []
    behind = kernel
    for name in reversed(names):
        header = struct.pack(
            *("<4s5H3I2H", b"PK\3\4", 20, 0, 8, 0, 0x5B7A, 0, len(behind), 10_000_000),
            *(len(name), 0),
        )
        headers.insert(0, header + name)
        behind = header + name + behind
    body, listed, at = b"", b"", 0
    rest = len(b"".join(headers)) + len(kernel)
    for name, header in zip(names, headers, strict=True):
        size = rest - at - len(header)
        listed += struct.pack(
            *("<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 8, 0, 0x5B7A, 0, size, 10_000_000),
            *(len(name), 0, 0, 0, 0, 0, at),
        )
        listed += name
        at += len(header)
        body += header
    body += kernel
    return body + listed + plain_end(len(names), len(listed), len(body))


add("overlapping members", "does not end where the next member begins", _overlapping)
add(
    "sixty thousand members",
    "what its manifest does not say",
    lambda one: raw_zip(
        [*one.raw(), *(Raw(f"{CODE}/{n}", b"", packed=b"\3\0") for n in range(60_000))]
    ),
)

# Packing and encryption

add_raw("deflate64", "is packed by method 9", _lie(2, method=9))
add_raw("bzip2", "is packed by method 12", _lie(2, method=12))
add_raw("LZMA", "is packed by method 14", _lie(2, method=14))
add_raw("strong encryption", "in a way that avplugin cannot read", _lie(2, flags=0x841))
add_raw("patched data", "in a way that avplugin cannot read", _lie(2, flags=0x820))
add_raw("masked list", "in a way that avplugin cannot read", _lie(2, flags=0x2800))
add_raw("stored, and longer", "cannot be", _lie(2, method=0, size=10))
add_raw("wrong checksum of the manifest", "its checksum is another", _lie(-1, crc=5))


def _add_behind(members: list[Raw]) -> None:
    members[2].packed = deflated(members[2].data) + b"kwaad"


add_raw("something behind the end of a file", "does not end where it should", _add_behind)
add_raw(
    "much behind the end of a file",
    "something lies behind its end",
    lambda all_: setattr(all_[2], "packed", deflated(all_[2].data) + bytes(300_000)),
)
add_raw("huge readme", "its readme is too large", lambda all_: _blow_up(all_[0]))
add_raw("date that cannot be", "a date that cannot be", _lie(2, date=0xFFFF))
add_raw("no deflate", "cannot be unpacked", lambda all_: setattr(all_[2], "packed", b"\xff" * 200))
add_raw("AES without its method", "says two things", _lie(2, extra=b"\x01\x99\7\0\2\0AE\3\x08\0"))
add_raw("AES of nobody", "says two things", _lie(2, method=99))
add_raw(
    "AES that is not marked",
    "says two things",
    _lie(2, method=99, extra=b"\x01\x99\7\0\2\0AE\3\x08\0"),
)
add_raw(
    "AES of another maker",
    "in a way that avplugin cannot read",
    _lie(2, method=99, flags=0x801, extra=b"\x01\x99\7\0\2\0XX\3\x08\0"),
)
add_raw(
    "AES with too few bytes",
    "cannot be",
    _lie(2, method=99, flags=0x801, extra=b"\x01\x99\7\0\2\0AE\3\x08\0", packed=b"123"),
)
add_raw(
    "ZipCrypto",
    "ZipCrypto, which protects nothing",
    lambda all_: [_lie(n, flags=0x801)(all_) for n in (2, -1)],
)


def _opened(number: int) -> Callable[[Honest], bytes]:
    def make(one: Honest) -> bytes:
        members = one.members
        members[number].open = True
        return zipped(members)

    return make


add("one file without the password", "some of it is encrypted and some is not", _opened(2))
add("manifest without the password", "some of it is encrypted and some is not", _opened(-1))
add(
    "AES-128",
    "less than AES-256",
    lambda one: zipped([dataclasses.replace(each, key=128) for each in one.members]),
)


def _another_password(one: Honest) -> bytes:
    members = one.members
    members[3].password = "een ander"
    return zipped(members)


add("one file with another password", "has another password", _another_password)
add_bytes(
    "bytes changed in a file", "was changed after it was encrypted", lambda it: _flip(it, TABLE, 40)
)
add_bytes(
    "bytes changed in the manifest", "avplugin.json is damaged", lambda it: _flip(it, MEMBER, 40)
)
add_bytes("salt changed in a file", "has another password", lambda it: _flip(it, TABLE, 0))
add_bytes("salt changed in the manifest", "wrong password", lambda it: _flip(it, MEMBER, 0))


def _flip(data: bytes, name: str, at: int) -> bytes:
    """Change a byte of a member's data, `at` from where they begin."""
    header = data.index(b"PK\3\4", data.index(name.encode()) - 30)
    name_length, extra_length = struct.unpack_from("<HH", data, header + 26)
    changed = bytearray(data)
    changed[header + 30 + name_length + extra_length + at] ^= 1
    return bytes(changed)


# Files that were cut off, or are something else

add_bytes("nothing", "is no ZIP", lambda _: b"")
add_bytes("cut off in the middle", "it is cut off", lambda it: it[: len(it) // 2])
add_bytes("cut off at the end", "it is cut off", lambda it: it[:-1])
add_bytes("cut off in the list", "it is cut off", lambda it: it[:-60])
add_bytes("cut off in front", "not where it should be", lambda it: it[10:])
add_bytes("something added", "something was added at its end", lambda it: it + b"kwaad")
add_bytes("another package added", "not where it should be", lambda it: it + it)
add_bytes(
    "list damaged", "list of members is damaged", lambda it: it.replace(b"PK\1\2", b"PK\1\3", 1)
)
add_bytes("a member's beginning damaged", "not where the list", lambda it: b"PK\3\5" + it[4:])
add_bytes("text", "is no ZIP", lambda _: b"geen zip\n" * 100)
add_bytes("only the end of a ZIP", "it holds nothing", lambda _: plain_end(0, 0, 0))
add("no package", "was not made by 'avplugin export'", lambda one: zipped(one.members[:-1]))

# Manifests

add("manifest that is no JSON", "is no JSON", lambda one: one.with_json(b"{"))
add("manifest that is no text", "is no JSON", lambda one: one.with_json(b"\xff\xfe\x00\xd8"))
add("deep manifest", "is no JSON", lambda one: one.with_json(b"[" * 9_000))
add("manifest with a long number", "is no JSON", lambda one: one.with_json(b"9" * 10_000))
add(
    "manifest of a million nothings",
    "more than what is in it can need",
    lambda one: one.with_json(b"[" + b"[]," * 1_000_000 + b"[]]"),
)
add("huge manifest", "its manifest is too large", lambda one: one.with_json(bytes(64_000_001)))
add("manifest of something else", "was not written by avplugin", lambda one: one.with_json(b"[]"))
add_document("newer manifest", "a newer avplugin", lambda it: it.update(avplugin_package=2))
for _key in ("run", "taken", "doubt", "folders", "files", "directories"):
    add_document(f"manifest without {_key}", "lacks something", operator.methodcaller("pop", _key))
    add_document(
        f"manifest with a wrong {_key}", "lacks", operator.methodcaller("update", {_key: 7})
    )
add_document("negative size", "lacks something", lambda it: it["files"][0].update(size=-1))
add_document("size of 2^64", "lacks something", lambda it: it["files"][0].update(size=2**64))
add_document(
    "size that is no number", "lacks something", lambda it: it["files"][0].update(size=1.5)
)
add_document("size that is true", "lacks something", lambda it: it["files"][0].update(size=True))
add_document("time of 2^64", "lacks something", lambda it: it["files"][0].update(modified=2**64))
add_document(
    "digest that is none", "lacks something", lambda it: it["files"][0].update(sha256="../x")
)
add_document(
    "year 9999", "a time that cannot be", lambda it: it.update(taken="9999-12-31T23:59:59Z")
)
add_document("taken without a zone", "lacks something", lambda it: it.update(taken="2026-11-26"))
add_document("file twice", "something twice", lambda it: it["files"].append(it["files"][0]))
add_document(
    "folder twice", "left out, or there twice", lambda it: it["folders"].append(it["folders"][1])
)
add_document("no folders", "does not hold one administration", lambda it: it.update(folders=[]))
add_document(
    "kind of folder unknown", "lacks something", lambda it: it["folders"][0].update(kind="x")
)


def _file(changes: dict[str, Any]) -> Callable[[Honest], bytes]:
    def make(one: Honest) -> bytes:
        files = list(one.manifest.files)
        files[0] = files[0]._replace(**changes)
        return one.with_manifest(files=tuple(files)).zipped()

    return make


add("wrong SHA-256", "another SHA-256", _file({"sha256": "0" * 64}))
add("size of another file", "or another size", _file({"size": 5}))
add_document(
    "file that is missing",
    "is not in it",
    lambda it: it["files"].append({**it["files"][0], "path": f"{CODE}/WEG.DBF"}),
)
add(
    "file that the manifest lacks",
    "what its manifest does not say",
    lambda one: zipped([*one.members, Member(f"{CODE}/KWAAD.DBF", b"x")]),
)
add(
    "folder that the manifest lacks",
    "what its manifest does not say",
    lambda one: zipped([*one.members, Member(f"{CODE}/KWAAD/", b"", open=True, attributes=0x10)]),
)


def _folder(number: int, **changes: Any) -> Callable[[Honest], bytes]:
    return lambda one: one.with_folder(number, **changes).zipped()


add("program folder", "does not hold one administration", _folder(0, kind="program"))
add("two administrations", "does not hold one administration", _folder(1, kind="administration"))
add("administration called system", "a folder that is not of", _folder(0, label="system"))
add("administration called another", "a folder that is not of", _folder(0, label="KLANT2"))
add("copy documents of another", "a folder that is not of", _folder(1, code="KLANT2"))
add("code with a slash", "a code that cannot be", _folder(0, code="../x", label="../x"))
add("no code", "a code that cannot be", _folder(0, code=" ", label=" "))
add("code with an escape sequence", "a folder that is not of", _folder(0, code="\x1b[2J"))
add("folder above", "a path that cannot be", _folder(0, path="/BAKKER26/../.."))
add("folder without a slash", "a path that cannot be", _folder(0, path="BAKKER26"))
add("folder that is all", "a path that cannot be", _folder(0, path="/"))
add("folder that is elsewhere", "lies", _folder(1, path="/etc/cron.d"))
add("folder inside that is outside", "is not in its folder", _folder(0, inside=("/KLANT2",)))
add("folder inside that is none", "what lies inside", _folder(0, inside=(f"/{CODE}/RAPPORT",)))
add("folder inside that is kept secret", "what lies inside", _folder(0, inside=()))
add("two folders at one place", "two folders at one place", _folder(1, path=f"/{CODE}"))
add("copy documents around it", "inside its copy documents", _around)
add("folder left out", "left out", _folder(1, left_out="in use"))
add("more files than there are", "does not add up", _folder(0, files=3_000))
add("fewer bytes than there are", "does not add up", _folder(0, size=1))
add("another fingerprint", "with other modification times", _folder(0, fingerprint="0" * 64))
add("another list", "not as its manifest says", _folder(0, list_digest="0" * 64))
add("too many folders", "too many folders", _many_folders)
add("directory outside", "a folder of nothing", lambda one: one.with_directory("KLANT2").zipped())
add("directory above", "leads elsewhere", lambda one: one.with_directory(f"{CODE}/../..").zipped())
add(
    "directory without its parent",
    "a folder of nothing",
    lambda one: one.with_directory(f"{CODE}/a/b").zipped(),
)
add("directory where a file is", "are one name", lambda one: one.with_directory(TABLE).zipped())
add(
    "directory in other case",
    "are one name",
    lambda one: one.with_directory(f"{CODE}/rapport").zipped(),
)
add("folder that is not listed", "lacks the folder of", _unlisted)
add("no directories", "lacks the folder", lambda one: one.with_manifest(directories=()).zipped())
add("of another administration", "there is no administration", _of_another)
add("of another version", "AccountView 99.9", _other_version)


# Mails


def _mail(*attachments: bytes) -> bytes:
    message = EmailMessage()
    message["Subject"] = "AccountView"
    message.set_content("Bijgaand.")
    for number, data in enumerate(attachments):
        message.add_attachment(
            data, maintype="application", subtype="zip", filename=f"pakket{number}.zip"
        )
    return bytes(message)


add("mail without a package", "no package is attached", lambda _: _mail(), ".eml")
add("mail with two packages", "several packages", lambda one: _mail(*[one.zipped()] * 2), ".eml")
add(
    "mail with a hostile package",
    "has another password",
    lambda one: _mail(_another_password(one)),
    ".eml",
)
add("mail that is none", "no package is attached", lambda _: b"\xff\0" * 5000, ".eml")
add("mail that was cut off", "is not taken", lambda one: _mail(one.zipped())[:2500], ".eml")


def main() -> None:
    """Write all of them."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        one = honest(Path(scratch))
        for name, hostile in CORPUS.items():
            (folder / f"{name}{hostile.suffix}").write_bytes(hostile.make(one))
    sys.stdout.write(f"{len(CORPUS)} hostile packages\n")


if __name__ == "__main__":
    main()
