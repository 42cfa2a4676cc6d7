"""What a mail with a package looks like, and how one is recognised.

A package is recognised by its attachment alone: a sender, a subject and headers can say anything,
and a mail that somebody forwards keeps none of them.
"""

from __future__ import annotations

import datetime
import email.utils
import itertools
import re
import struct
from collections.abc import Iterator, Sequence
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import EmailMessage, Message
from email.policy import SMTP
from pathlib import Path
from typing import NamedTuple

from avplugin.language import Texts, date_and_time
from avplugin.package.manifest import PackageError, PackageManifest

BEGINNING = 8192  # bytes of an attachment that are enough to recognise it by

_PER_LINE, _LINE = 57, 78  # bytes that a line of base64 holds, and what it takes with its end
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


def make_message(
    package: Path,
    manifest: PackageManifest,
    texts: Texts,
    *,
    is_encrypted: bool,
    recipients: Sequence[str],
    sender: str | None,
) -> EmailMessage:
    """Return a message with a package, in the language of the texts.

    The password does not stand in it, nor the client's name: a mail is a postcard. Without a sender
    it can only be a draft.
    """
    _ = texts.gettext
    code, moment = manifest.folder.code, date_and_time(texts, manifest.taken)
    message = EmailMessage(policy=SMTP)
    message["Subject"] = _("AccountView administration {code}").format(code=code)
    if sender is not None:
        message["From"] = sender
    if recipients:
        message["To"] = ", ".join(recipients)
    paragraphs = [
        _("Attached is the AccountView administration {code}, as it was on {moment}.").format(
            code=code, moment=moment
        ),
        _(
            "The attachment is a ZIP encrypted with a password. The password does not stand in"
            " this message: you get it in another way."
        )
        if is_encrypted
        else _(
            "The attachment is a ZIP WITHOUT a password: whoever has this message can read the"
            " books."
        ),
        _(
            "To put it back with avplugin, save the attachment and type: avplugin import {file}"
        ).format(file=package.name),
        _(
            "Without avplugin, open it with 7-Zip (www.7-zip.org). LEESMIJ.txt in it says how to go"
            " on. Windows Explorer cannot open it, nor can AccountView's own wizard."
        )
        if is_encrypted
        else _(
            "Without avplugin, open it with 7-Zip or Windows Explorer. LEESMIJ.txt in it says how"
            " to go on. AccountView's own wizard cannot open it."
        ),
    ]
    # Every server takes lines like these; not every one takes what is not ASCII.
    message.set_content("\n\n".join(paragraphs) + "\n", cte="quoted-printable")
    message.add_attachment(
        package.read_bytes(), maintype="application", subtype="zip", filename=package.name
    )
    return message


def make_sendable(message: EmailMessage, sender: str) -> None:
    """Add the date of now and an id, which a message has when it is sent: RFC 5322, 3.6."""
    message["Date"] = email.utils.format_datetime(datetime.datetime.now(datetime.UTC))
    message["Message-ID"] = email.utils.make_msgid(domain=sender.rpartition("@")[2])


def encoded_size(size: int) -> int:
    """Return how many bytes an attachment of `size` bytes takes in a message: RFC 2045, base64."""
    return -(-size // 3) * 4 + -(-size // _PER_LINE) * (_LINE - _PER_LINE * 4 // 3)


def size_in(encoded: int) -> int:
    """Return how large, in bytes, an attachment is that takes so many; within a line of base64."""
    return encoded * _PER_LINE // _LINE


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
