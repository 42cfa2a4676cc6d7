"""Who logs in at a mail server, and with what: the same for sending and for reading.

A password comes from a file, the environment, or one of borgmatic's credentials; instead of one, an
access token for XOAUTH2 comes from a command. Source: Google, *OAuth 2.0 Mechanism*; Microsoft,
*Authenticate an IMAP, POP or SMTP connection using OAuth*.
"""

from __future__ import annotations

import dataclasses
import os
import re
import ssl
from collections.abc import Callable
from pathlib import Path

from avplugin.configuration.mail import Login
from avplugin.mail.error import MailError

XOAUTH2 = "XOAUTH2"

_TOKEN_TAKES = 60.0  # seconds, at the most: a command that asks another server, tries again
_TOKEN = re.compile("[!-~]+")  # RFC 6749, appendix A.12


@dataclasses.dataclass(frozen=True, slots=True)
class Secret:
    """What proves who logs in: a password, or an access token. It is not shown by repr."""

    username: str
    text: str = dataclasses.field(repr=False)
    is_token: bool

    def xoauth2(self) -> Callable[..., str]:
        """Return what answers a server in the mechanism XOAUTH2: the token, then nothing.

        The server's word on a refused token has to be answered before it says that it failed.
        """
        answers = iter([f"user={self.username}\1auth=Bearer {self.text}\1\1"])

        def answer(_challenge: bytes | None = None) -> str:
            return next(answers, "")

        return answer


def find_secret(login: Login) -> Secret:
    """Return what the configuration says is the password or token.

    Raise MailError that says where it was looked for; no secret stands in it.
    """
    if login.token_command:
        return Secret(login.username, _token(login), True)
    if login.credential is not None:
        password, where = _credential(login, login.credential), login.credential
    elif login.password_file is not None:
        where = f"the file {login.password_file}"
        password = _first_line(login, login.password_file)
    else:
        where = f"the environment variable {login.password_variable}"
        password = os.environ.get(login.password_variable or "", "")
    if not password:
        raise MailError(f"{where} holds no password for {login.username} at the mail server.")
    if not password.isprintable():
        raise MailError(
            f"{where} holds no password for {login.username}: there are control characters in it."
        )
    return Secret(login.username, password, False)


def tls_context(authorities: Path | None) -> ssl.SSLContext:
    """Return what checks certificates and host names: by this machine's authorities and these.

    Raise MailError if the file cannot be used.
    """
    context = ssl.create_default_context()
    if authorities is not None:
        try:
            context.load_verify_locations(authorities)
        except ssl.SSLError as error:
            raise MailError(
                f"{authorities} holds no certificates in PEM form.\n"
                "mail.certificate_authorities names it in accountview.yaml."
            ) from error
        except OSError as error:
            raise MailError(
                f"{authorities} cannot be read: {error.strerror}.\n"
                "mail.certificate_authorities names it in accountview.yaml."
            ) from error
    return context


def _first_line(login: Login, file: Path) -> str:
    try:
        # Notepad writes a byte order mark.
        return file.read_text("utf-8-sig").partition("\n")[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise MailError(
            f"the mail password cannot be read from the file {file}: {why}.\n"
            f"Its first line is the password of {login.username}."
        ) from error


def _credential(login: Login, text: str) -> str:
    from avplugin.borgmatic.credential import CredentialError, read_credential  # noqa: PLC0415

    try:
        return read_credential(text, login.folder)
    except CredentialError as error:
        raise MailError(f"no mail password for {login.username}: {error}.") from error


def _token(login: Login) -> str:
    """Return what the command prints; what it complains of may have secrets in it."""
    from avplugin.sessions.child import ChildError, ask_program  # noqa: PLC0415

    by_hand = "Start it by hand to see why: mail.token_command in accountview.yaml."
    name = login.token_command[0]
    try:
        ended = ask_program(login.token_command, limit=_TOKEN_TAKES)
    except ChildError as error:
        raise MailError(f"no access token for {login.username}: {error}.\n{by_hand}") from error
    if ended.status != 0:
        how = f"signal {-ended.status}" if ended.status < 0 else f"exit status {ended.status}"
        raise MailError(
            f"no access token for {login.username}: {name} ended with {how}.\n{by_hand}"
        )
    token = ended.output.decode("ascii", "replace").strip()
    if not token:
        raise MailError(f"no access token for {login.username}: {name} printed none.\n{by_hand}")
    if not _TOKEN.fullmatch(token):
        raise MailError(
            f"no access token for {login.username}: what {name} printed is none, but more than one"
            f" word.\n{by_hand}"
        )
    return token
