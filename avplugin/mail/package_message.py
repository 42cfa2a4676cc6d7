"""What a mail with a package looks like, and how one is recognised.

A package is recognised by its attachment alone: a sender, a subject and headers can say anything,
and a mail that somebody forwards keeps none of them.
"""

from __future__ import annotations

import itertools
import re
import struct
from collections.abc import Iterator
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from typing import NamedTuple

from avplugin.package.manifest import PackageError

BEGINNING = 8192  # bytes of an attachment that are enough to recognise it by

_ZIP_TYPES = {"application/zip", "application/x-zip-compressed", "application/x-zip"}
_READ_ME = {b"LEESMIJ.txt", b"README.txt"}  # the first two members of each package
# A member's local header; source: PKWARE, APPNOTE.TXT, 4.3.7.
_LOCAL_HEADER = struct.Struct("<4sHHHHHIIIHH")
_SIGNATURE = b"PK\x03\x04"
_IN_A_FOLDER = re.compile(r"([^/\\\x00-\x1f]{1,64})/")


class AttachedPackage(NamedTuple):
    """An attachment that is a package, or another ZIP; `name` is what the sender called it."""

    name: str
    data: bytes


class Beginning(NamedTuple):
    """What the first bytes of an attachment show; `code` is empty where it cannot be read."""

    is_package: bool
    code: str


def look_at_beginning(data: bytes) -> Beginning:
    """Return what the first BEGINNING bytes of a ZIP show, without trusting any of them.

    Its first members say whether avplugin made it; the folder of the next one is named by the
    administration's code.
    """
    names = list(itertools.islice(_members(data), 3))
    if set(names[:2]) != _READ_ME:
        return Beginning(False, "")
    found = _IN_A_FOLDER.match(names[2].decode("utf-8", "replace")) if len(names) > 2 else None
    return Beginning(True, found[1] if found else "")


def _members(data: bytes) -> Iterator[bytes]:
    """Yield the names of the members that begin in `data`, as far as their sizes lead."""
    at = 0
    while at + _LOCAL_HEADER.size <= len(data):
        signature, *_, packed, _size, name, extra = _LOCAL_HEADER.unpack_from(data, at)
        start = at + _LOCAL_HEADER.size
        if signature != _SIGNATURE or start + name > len(data):
            return
        yield data[start : start + name]
        at = start + name + extra + packed


def is_zip(content_type: str, name: str) -> bool:
    """Return whether an attachment of this type and name can be a package."""
    return name.lower().endswith(".zip") or content_type.lower() in _ZIP_TYPES


def decoded(text: str | bytes | None) -> str:
    """Return a name or subject out of a mail as people write it, as one line.

    Many programs encode names of files as RFC 2047 has it, though RFC 2231 would be right.
    """
    raw = text.decode("utf-8", "replace") if isinstance(text, bytes) else text or ""
    try:
        shown = str(make_header(decode_header(raw)))
    except (HeaderParseError, LookupError, ValueError):
        shown = raw
    return " ".join(shown.split())


def attached_package(message: Message) -> AttachedPackage:
    """Return the package in a message, or in a message that is attached to it.

    A ZIP that was not made by avplugin counts only where there is no other attachment of the kind.
    Raise PackageError if there is none, or if there are several to choose from.
    """
    found = []
    for part in message.walk():
        name = decoded(part.get_filename() or "")
        if part.is_multipart() or not is_zip(part.get_content_type(), name):
            continue
        data = part.get_payload(decode=True)
        if isinstance(data, bytes):
            found.append(AttachedPackage(name or "package.zip", data))
    packages = [one for one in found if look_at_beginning(one.data[:BEGINNING]).is_package]
    wanted = packages or found
    if not wanted:
        raise PackageError("no package is attached to this message")
    if len(wanted) > 1:
        names = ", ".join(one.name for one in wanted)
        raise PackageError(f"several packages are attached to this message: {names}")
    return wanted[0]
