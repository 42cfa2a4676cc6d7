"""A mailbox that packages come in to: found, looked at, fetched and put away over IMAP.

Source: RFC 3501, RFC 4315 (UIDPLUS).
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import datetime
import quopri
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeVar

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientAbortError, ProtocolError
from imapclient.response_types import Address, Envelope

from avplugin.configuration.mail import ImapServer
from avplugin.mail.error import MailError
from avplugin.mail.imap_connection import NONSENSE, connected, open_folder
from avplugin.mail.package_message import BEGINNING, decoded, look_at_beginning
from avplugin.mail.plain_text import plain_text
from avplugin.mail.structure import Part, parts_of

_AT_ONCE = 500  # messages in one question
_CHUNK = 1 << 20  # bytes of an attachment in one answer
_MOST_TEXT = 200_000  # bytes of a message's text that are fetched
_ABOUT = ["ENVELOPE", "INTERNALDATE", "FLAGS"]
_UNKNOWN = datetime.datetime.fromtimestamp(0, datetime.UTC)  # when a server does not say
_SEEN, _DELETED = b"\\Seen", b"\\Deleted"
_NO_BASE64 = re.compile(rb"[^A-Za-z0-9+/=]+")
_NUMBER = re.compile(r"([1-9][0-9]{0,9})-([1-9][0-9]{0,9})(?:/([1-9][0-9]{0,2}))?", re.ASCII)


_Read = TypeVar("_Read")


class Number(NamedTuple):
    """What a message is known by for good: `validity` is that of the folder's own numbering.

    A server that has to number a folder anew changes it, so that no number ever means another
    message. `which` says which package of the message is meant, from 1.
    """

    validity: int
    uid: int
    which: int | None = None

    def __str__(self) -> str:
        """Return it as people see and type it."""
        which = "" if self.which is None else f"/{self.which}"
        return f"{self.validity}-{self.uid}{which}"


class Attachment(NamedTuple):
    """A package, or another ZIP, that is attached to a message; `code` is empty if unreadable."""

    part: Part
    number: Number
    is_package: bool
    code: str


@dataclasses.dataclass(frozen=True, slots=True)
class Mail:
    """A message in the mailbox. Its sender is what the message says; anybody can write that.

    `received` is when the server got it.
    """

    number: Number
    received: datetime.datetime
    sender: str  # an address
    sender_name: str
    subject: str
    unread: bool
    attachments: tuple[Attachment, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Shown:
    """A message as `show` prints it; `sent` is when its sender says, None if that says nothing."""

    mail: Mail
    to: tuple[str, ...]
    sent: datetime.datetime | None
    text: str
    is_cut: bool


def parse_number(text: str) -> Number | None:
    """Return the number that `list` shows, None if the text is none."""
    found = _NUMBER.fullmatch(text)
    if found is None:
        return None
    which = found[3]
    return Number(int(found[1]), int(found[2]), int(which) if which else None)


@contextlib.contextmanager
def open_mailbox(
    server: ImapServer, folder: str | None = None, *, to_change: bool = False
) -> Iterator[Mailbox]:
    """Yield the mailbox with `folder`, by default that of the configuration, open.

    It can only be read, unless `to_change`. Raise MailError for all that goes wrong, also while it
    is used: what, where, and what to do.
    """
    with connected(server) as client:
        validity = open_folder(client, server, folder or server.folder, to_change=to_change)
        yield Mailbox(client, validity)


def log_in(server: ImapServer) -> None:
    """Reach the mailbox and look into the folder, and change nothing. Raise MailError."""
    with open_mailbox(server):
        pass


class Mailbox:
    """One folder of a mailbox, while the connection stands; open_mailbox makes it."""

    def __init__(self, client: IMAPClient, validity: int) -> None:
        self._client = client
        self._validity = validity
        self.unreadable = 0  # messages that the server describes in a way nobody understands

    def packages(
        self, sender: str = "", *, unread: bool = False, any_zip: bool = False
    ) -> list[Mail]:
        """Return the messages with a package, newest first.

        `sender` is a part of the sender's address or name, all if empty. With `any_zip` those with
        another ZIP come along. The server searches; attachments are not fetched but for the
        beginning of each ZIP.
        """
        found = self._search(sender, unread=unread)
        zips: dict[int, tuple[Part, ...]] = {}
        for uid, parts in self._each(sorted(found, reverse=True), ["BODYSTRUCTURE"], _zips_of):
            if parts:
                zips[uid] = parts
        attachments = self._attachments(zips)
        if not any_zip:
            attachments = {
                uid: packages
                for uid, ones in attachments.items()
                if (packages := tuple(one for one in ones if one.is_package))
            }

        def read(uid: int, answer: Any) -> Mail:
            return self._mail(uid, answer, attachments[uid])

        return [mail for _, mail in self._each(list(attachments), _ABOUT, read)]

    def mail(self, number: Number) -> Mail:
        """Return one message with all its ZIPs. Raise MailError if it is not there."""
        _, parts = self._described(number)
        return self._one(number.uid, parts)

    def show(self, number: Number) -> Shown:
        """Return one message with its text, and leave it unread. Raise MailError as mail does."""
        answer, parts = self._described(number)
        mail = self._one(number.uid, parts)
        envelope: Envelope = answer[b"ENVELOPE"]
        text, is_cut = self._text(number.uid, parts)
        return Shown(
            mail=mail,
            to=tuple(_address(one) for one in envelope.to or ()),
            sent=_moment(envelope.date),
            text=text,
            is_cut=is_cut,
        )

    def fetch(
        self, attachment: Attachment, file: Path, progress: Callable[[int, int], None]
    ) -> None:
        """Write an attachment to a file, and leave the message unread.

        `progress` is called with the bytes of the message so far, and of how many. The size of an
        attachment is not held in memory. Raise MailError or OSError.
        """
        part = attachment.part
        with tempfile.TemporaryFile(dir=file.parent) as raw:
            at = 0
            while chunk := self._piece(attachment.number.uid, part, at, _CHUNK):
                raw.write(chunk)
                at += len(chunk)
                progress(at, max(part.encoded_size, at))
                if len(chunk) < _CHUNK:
                    break
            raw.seek(0)
            with file.open("wb") as into:
                _decode(part, raw, into)

    def mark_read(self, number: Number) -> None:
        """Mark a message as read. Raise MailError if it is not there, or cannot be marked."""
        self._mark(number, _SEEN)

    def delete(self, number: Number) -> bool:
        """Remove this message and no other; return False where the server can only mark it so.

        Without UIDPLUS a server removes all that is marked as deleted, or nothing. Raise MailError
        if the message is not there, or stays.
        """
        self._mark(number, _DELETED)
        if not self._client.has_capability("UIDPLUS"):
            return False
        self._client.uid_expunge([number.uid])
        if number.uid in self._client.fetch([number.uid], ["FLAGS"]):
            raise MailError(f"message {number} is marked as deleted, and the server keeps it.")
        return True

    def _mark(self, number: Number, flag: bytes) -> None:
        self._check(number)
        self._client.add_flags([number.uid], [flag], silent=True)
        answer = self._client.fetch([number.uid], ["FLAGS"])
        if flag not in answer.get(number.uid, {}).get(b"FLAGS", ()):
            raise MailError(f"the server does not let message {number} be marked.")

    def _check(self, number: Number) -> None:
        """Raise MailError unless the number still means a message that is there."""
        if number.validity != self._validity:
            raise MailError(
                f"the folder has been numbered anew since message {number} was listed, or the"
                " message is in another folder.\n"
                "'avplugin mail list' shows the numbers that hold now."
            )
        if number.uid not in self._client.fetch([number.uid], ["FLAGS"]):
            raise MailError(
                f"message {number} is not in the folder any more.\n"
                "'avplugin mail list' shows what there is."
            )

    def _described(self, number: Number) -> tuple[Any, tuple[Part, ...]]:
        self._check(number)
        answer = self._client.fetch([number.uid], ["ENVELOPE", "BODYSTRUCTURE"])[number.uid]
        return answer, tuple(parts_of(answer[b"BODYSTRUCTURE"]))

    def _one(self, uid: int, parts: Sequence[Part]) -> Mail:
        attachments = self._attachments({uid: tuple(part for part in parts if part.is_zip)})
        answer = self._client.fetch([uid], _ABOUT)[uid]
        return self._mail(uid, answer, attachments[uid])

    def _search(self, sender: str, *, unread: bool) -> list[int]:
        criteria = ["UNDELETED", *(["UNSEEN"] if unread else [])]
        if not sender.isascii():
            return list(self._client.search([*criteria, "FROM", sender], "UTF-8"))
        if sender:
            # The library leaves some signs without quotes that mean something to a server.
            quoted = sender.replace("\\", "\\\\").replace('"', '\\"')
            criteria += ["FROM", f'"{quoted}"']
        return list(self._client.search(" ".join(criteria)))

    def _each(
        self, uids: Sequence[int], items: Sequence[str], read: Callable[[int, Any], _Read]
    ) -> Iterator[tuple[int, _Read]]:
        """Yield what is read out of the server's answer about each message that is there.

        What the server says of one message may be such that nobody understands it: that one is left
        out, and counted.
        """
        for batch in _batches(uids):
            yield from self._each_of(batch, items, read)

    def _each_of(
        self, uids: Sequence[int], items: Sequence[str], read: Callable[[int, Any], _Read]
    ) -> Iterator[tuple[int, _Read]]:
        try:
            answer = self._client.fetch(uids, items)
            found = [(uid, read(uid, answer[uid])) for uid in uids if uid in answer]
        except IMAPClientAbortError:
            raise
        except NONSENSE:
            if len(uids) == 1:
                self.unreadable += 1
                return
            middle = len(uids) // 2
            yield from self._each_of(uids[:middle], items, read)
            yield from self._each_of(uids[middle:], items, read)
        else:
            yield from found

    def _attachments(self, zips: dict[int, tuple[Part, ...]]) -> dict[int, tuple[Attachment, ...]]:
        """Look at the beginning of each ZIP: those with the same number in one question."""
        by_number: dict[str, list[int]] = {}
        for uid, parts in zips.items():
            for part in parts:
                by_number.setdefault(part.number, []).append(uid)
        beginnings: dict[tuple[int, str], bytes] = {}
        size = BEGINNING * 3 // 2  # as base64 at the most
        for number, found in by_number.items():
            for uids in _batches(found):
                answer = self._client.fetch(uids, [f"BODY.PEEK[{number}]<0.{size}>"])
                for uid, values in answer.items():
                    beginnings[uid, number] = values.get(f"BODY[{number}]<0>".encode()) or b""
        attachments = {}
        for uid, parts in zips.items():
            made = []
            for which, part in enumerate(parts, 1):
                begins = _decoded_beginning(part, beginnings.get((uid, part.number), b""))
                seen = look_at_beginning(begins)
                known_as = Number(self._validity, uid, which if len(parts) > 1 else None)
                made.append(Attachment(part, known_as, seen.is_package, seen.code))
            attachments[uid] = tuple(made)
        return attachments

    def _mail(self, uid: int, answer: Any, attachments: tuple[Attachment, ...]) -> Mail:
        envelope: Envelope = answer[b"ENVELOPE"]
        sender = (envelope.from_ or envelope.sender or (None,))[0]
        return Mail(
            number=Number(self._validity, uid),
            received=_moment(answer[b"INTERNALDATE"]) or _UNKNOWN,
            sender=_address(sender),
            sender_name=decoded(sender.name) if sender is not None else "",
            subject=decoded(envelope.subject),
            unread=_SEEN not in answer[b"FLAGS"],
            attachments=attachments,
        )

    def _text(self, uid: int, parts: Sequence[Part]) -> tuple[str, bool]:
        """Return the message's own text, and whether it goes on."""
        own = [part for part in parts if not part.is_attachment and not part.name]
        kinds = [
            part
            for kind in ("text/plain", "text/html")
            for part in own
            if part.content_type == kind
        ]
        if not kinds:
            return "", False
        part = kinds[0]
        data = self._piece(uid, part, 0, _MOST_TEXT)
        return plain_text(part, data), len(data) >= _MOST_TEXT

    def _piece(self, uid: int, part: Part, at: int, size: int) -> bytes:
        answer = self._client.fetch([uid], [f"BODY.PEEK[{part.number}]<{at}.{size}>"])
        piece = answer[uid].get(f"BODY[{part.number}]<{at}>".encode())
        if piece is not None and (not isinstance(piece, bytes) or len(piece) > size):
            raise ProtocolError("more came than was asked for")
        return piece or b""


def _zips_of(_uid: int, answer: Any) -> tuple[Part, ...]:
    return tuple(part for part in parts_of(answer[b"BODYSTRUCTURE"]) if part.is_zip)


def _batches(uids: Iterable[int]) -> Iterator[list[int]]:
    rest = list(uids)
    for at in range(0, len(rest), _AT_ONCE):
        yield rest[at : at + _AT_ONCE]


def _moment(value: datetime.datetime | None) -> datetime.datetime | None:
    """Return a time of the server's in UTC; None for none, or one that no clock can show."""
    try:
        return value.astimezone(datetime.UTC) if value is not None else None
    except (OverflowError, ValueError, OSError):
        return None


def _address(address: Address | None) -> str:
    if address is None or not address.mailbox:
        return ""
    host = f"@{decoded(address.host)}" if address.host else ""
    return f"{decoded(address.mailbox)}{host}"


def _decoded_beginning(part: Part, data: bytes) -> bytes:
    if part.encoding == "base64":
        return _from_base64(data, b"")[0]
    return quopri.decodestring(data) if part.encoding == "quoted-printable" else data


def _decode(part: Part, raw: IO[bytes], into: IO[bytes]) -> None:
    """Copy what a part holds, without the encoding it travelled in: RFC 2045."""
    if part.encoding == "quoted-printable":
        quopri.decode(raw, into)
        return
    rest = b""
    while chunk := raw.read(_CHUNK):
        if part.encoding == "base64":
            chunk, rest = _from_base64(chunk, rest)
        into.write(chunk)


def _from_base64(data: bytes, rest: bytes) -> tuple[bytes, bytes]:
    """Return what the characters stand for, and those at the end that need others to follow."""
    letters = rest + _NO_BASE64.sub(b"", data)
    whole = len(letters) // 4 * 4
    return base64.b64decode(letters[:whole]), letters[whole:]
