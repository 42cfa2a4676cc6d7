"""What accountview.yaml says about mail and about the report of each morning."""

from __future__ import annotations

import dataclasses
import datetime
import enum
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any


class Encryption(enum.StrEnum):
    """How a connection to a mail server is encrypted; the values are those of the schema."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


_SMTP_PORTS = {Encryption.STARTTLS: 587, Encryption.TLS: 465, Encryption.NONE: 25}
_IMAP_PORTS = {Encryption.STARTTLS: 143, Encryption.TLS: 993, Encryption.NONE: 143}
_UNITS = {"kB": 1000, "MB": 1000**2}
_LIMIT = "20MB"
_LOGIN = ("username", "password_file", "password_variable", "password", "token_command")

DEFAULT_ATTACHMENT_LIMIT = 20 * _UNITS["MB"]  # bytes


@dataclasses.dataclass(frozen=True, slots=True)
class Login:
    """Who logs in, and where the secret is: exactly one of the ways is set."""

    username: str
    password_file: Path | None = None
    password_variable: str | None = None
    credential: str | None = None  # as borgmatic has them: {credential ...}
    token_command: tuple[str, ...] = ()
    folder: Path = Path()  # what a path in a credential is relative to


@dataclasses.dataclass(frozen=True, slots=True)
class ImapServer:
    """The mailbox that packages come in to, and the folder of it that is looked into."""

    server: str
    port: int
    encryption: Encryption
    login: Login
    folder: str = "INBOX"
    authorities: Path | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class MailServer:
    """Who takes our mail. Without a login nobody logs in.

    `authorities` are trusted besides those of this machine. `attachment_limit` is in bytes, of a
    package as it is sent.
    """

    server: str
    port: int
    encryption: Encryption
    sender: str  # an address
    login: Login | None = None
    authorities: Path | None = None
    attachment_limit: int = DEFAULT_ATTACHMENT_LIMIT
    imap: ImapServer | None = None

    @property
    def logins(self) -> tuple[Login, ...]:
        """All that somebody logs in with."""
        ways = (self.login, self.imap.login if self.imap is not None else None)
        return tuple(dict.fromkeys(login for login in ways if login is not None))


@dataclasses.dataclass(frozen=True, slots=True)
class ReportSettings:
    """Who gets the outcome of a night, at what time at the latest, in which language."""

    mail_to: tuple[str, ...] = ()
    at: datetime.time = datetime.time(7, 30)
    language: str | None = None  # None is that of the locale


def make_mail_server(
    mail: Mapping[str, Any] | None, to_file: Callable[[str], Path]
) -> MailServer | None:
    """Return what `mail` says, which the schema has checked; None if there is no such key."""
    if mail is None:
        return None
    encryption = Encryption(mail.get("encryption", Encryption.STARTTLS))
    authorities = mail.get("certificate_authorities")
    return MailServer(
        server=mail["server"],
        port=mail.get("port", _SMTP_PORTS[encryption]),
        encryption=encryption,
        sender=mail["from"],
        login=_make_login(mail, to_file),
        authorities=to_file(authorities) if authorities else None,
        attachment_limit=_bytes(mail.get("attachment_limit", _LIMIT)),
        imap=_make_imap_server(mail, to_file),
    )


def _make_imap_server(mail: Mapping[str, Any], to_file: Callable[[str], Path]) -> ImapServer | None:
    imap = mail.get("imap")
    if imap is None:
        return None
    encryption = Encryption(imap.get("encryption", Encryption.TLS))
    authorities = mail.get("certificate_authorities")
    login = _make_login(imap, to_file) or _make_login(mail, to_file)
    assert login is not None  # noqa: S101 - faults_of_mail has looked
    return ImapServer(
        server=imap.get("server", mail["server"]),
        port=imap.get("port", _IMAP_PORTS[encryption]),
        encryption=encryption,
        login=login,
        folder=imap.get("folder", "INBOX"),
        authorities=to_file(authorities) if authorities else None,
    )


def _make_login(part: Mapping[str, Any], to_file: Callable[[str], Path]) -> Login | None:
    if "username" not in part:
        return None
    password = part.get("password_file")
    return Login(
        username=part["username"],
        password_file=to_file(password) if password else None,
        password_variable=part.get("password_variable"),
        credential=part.get("password"),
        token_command=tuple(part.get("token_command", ())),
        folder=to_file("."),
    )


def _bytes(text: str) -> int:
    return int(text[:-2]) * _UNITS[text[-2:]]


def make_report(report: Mapping[str, Any]) -> ReportSettings:
    """Return what `report` says, which the schema has checked."""
    default = ReportSettings()
    return ReportSettings(
        mail_to=tuple(report.get("mail_to", ())),
        at=datetime.time.fromisoformat(report["at"]) if "at" in report else default.at,
        language=report.get("language"),
    )


def faults_of_mail(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what the schema cannot say, each with its path of keys."""
    mail, report = document.get("mail"), document.get("report")
    wanted = report.get("mail_to") if isinstance(report, dict) else None
    if isinstance(wanted, list) and wanted and mail is None:
        yield "mail", "is missing: report.mail_to needs a mail server, such as {server, from}"
    if not isinstance(mail, dict):
        return
    yield from _faults_of_encryption("mail", mail, mail.get("server"))
    imap = mail.get("imap")
    if isinstance(imap, dict):
        yield from _faults_of_encryption("mail.imap", imap, imap.get("server", mail.get("server")))
        if not any(key in part for part in (mail, imap) for key in _LOGIN):
            yield (
                "mail.imap.username",
                "is missing: a mailbox wants a login, here or in mail, with its password",
            )


def _faults_of_encryption(
    key: str, part: Mapping[str, Any], server: Any
) -> Iterator[tuple[str, str]]:
    is_open = part.get("encryption") == Encryption.NONE
    if is_open and isinstance(server, str) and not is_this_machine(server):
        yield (
            f"{key}.encryption",
            "can be none for a server on this machine only (localhost): anybody in between"
            " could read the mail and the password",
        )


def is_this_machine(server: str) -> bool:
    """Return whether a connection to the server never leaves this machine."""
    import ipaddress  # noqa: PLC0415 - hooks start faster without it

    try:
        return ipaddress.ip_address(server.strip("[]")).is_loopback
    except ValueError:
        return server.lower() == "localhost"
