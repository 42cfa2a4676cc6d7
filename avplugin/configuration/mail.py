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


_PORTS = {Encryption.STARTTLS: 587, Encryption.TLS: 465, Encryption.NONE: 25}


@dataclasses.dataclass(frozen=True, slots=True)
class MailServer:
    """Who takes our mail. Without a user name nobody logs in."""

    server: str
    port: int
    encryption: Encryption
    sender: str  # an address
    username: str | None = None
    password_file: Path | None = None
    password_variable: str | None = None


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
    password = mail.get("password_file")
    return MailServer(
        server=mail["server"],
        port=mail.get("port", _PORTS[encryption]),
        encryption=encryption,
        sender=mail["from"],
        username=mail.get("username"),
        password_file=to_file(password) if password else None,
        password_variable=mail.get("password_variable"),
    )


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
    if isinstance(mail, dict) and mail.get("encryption") == Encryption.NONE:
        server = mail.get("server")
        if isinstance(server, str) and not is_this_machine(server):
            yield (
                "mail.encryption",
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
