"""Sends a message through the mail server of accountview.yaml.

Certificate and host name are always checked; a password never leaves over a connection that is not
encrypted, but to this machine itself. Sources: RFC 5321, RFC 3207 (STARTTLS), RFC 8314 (TLS).
"""

from __future__ import annotations

import contextlib
import smtplib
import ssl
from collections.abc import Iterator
from email.message import EmailMessage

from avplugin.configuration.mail import Encryption, MailServer
from avplugin.language import Texts, size
from avplugin.mail.error import MailError
from avplugin.mail.login import XOAUTH2, Secret, find_secret, tls_context

_TIMEOUT = 30.0  # seconds, for each step
_REPORT = "Look at report.mail_to in accountview.yaml."


def send(server: MailServer, message: EmailMessage, advice: str = _REPORT) -> None:
    """Send a message to all it is addressed to; its sender is that of the configuration.

    Raise MailError if it was not sent to all of them: what, where, and what to do. `advice` is what
    to do if an address is refused. No password stands in it.
    """
    with _logged_in(server, advice) as connection:
        _check_size(server, connection, message)
        refused = connection.send_message(message, from_addr=server.sender)
    if refused:
        failure = MailError(_refusal(_where(server), refused, f"{advice} All others got it."))
        failure.delivered = True
        raise failure


def log_in(server: MailServer) -> None:
    """Reach the server and log in, as a message would be sent, and send nothing.

    Raise MailError as send does.
    """
    with _logged_in(server, _REPORT):
        pass


@contextlib.contextmanager
def _logged_in(server: MailServer, advice: str) -> Iterator[smtplib.SMTP]:
    """Yield a connection on which messages can be sent; raise MailError for all that goes wrong."""
    secret = find_secret(server.login) if server.login is not None else None
    context = tls_context(server.authorities)
    where = _where(server)
    who = secret.username if secret is not None else "anybody"
    try:
        connection = _connection(server, context)
        try:
            if secret is not None:
                _log_in(connection, secret)
            yield connection
        finally:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                connection.quit()
    except smtplib.SMTPAuthenticationError as error:
        raise MailError(
            f"the mail server {where} does not let {who} in: {_said(error)}.\n"
            "Look at mail.username and its password or token_command in accountview.yaml."
        ) from error
    except smtplib.SMTPRecipientsRefused as error:
        raise MailError(_refusal(where, error.recipients, advice)) from error
    except smtplib.SMTPSenderRefused as error:
        raise MailError(
            f"the mail server {where} takes no mail from {server.sender}: {_said(error)}.\n"
            "Look at mail.from in accountview.yaml; most servers want a login, too."
        ) from error
    except smtplib.SMTPNotSupportedError as error:
        raise MailError(
            f"the mail server {where} cannot do what accountview.yaml asks for: {error}.\n"
            "Look at mail.encryption, mail.port and mail.username."
        ) from error
    except smtplib.SMTPResponseException as error:
        raise MailError(f"the mail server {where} refused the message: {_said(error)}.") from error
    except ssl.SSLCertVerificationError as error:
        raise MailError(
            f"the mail server {where} has no valid certificate for that name:"
            f" {error.verify_message}.\nNothing was sent. mail.server must be the name in the"
            " certificate; mail.certificate_authorities names a company's own authority."
        ) from error
    except ssl.SSLError as error:
        raise MailError(
            f"no encrypted connection to the mail server {where}: {error.reason or error}.\n"
            "Port 587 goes with encryption starttls, 465 with tls."
        ) from error
    except UnicodeError:
        raise MailError(
            f"the password of {who} cannot be sent to the mail server {where}: it has"
            " characters that are not ASCII."
        ) from None
    except (OSError, smtplib.SMTPException) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise MailError(
            f"the mail server {where} cannot be reached, or broke off: {why or 'no answer'}.\n"
            "Look at mail.server and mail.port in accountview.yaml, and at the network."
        ) from error


def _where(server: MailServer) -> str:
    return f"{server.server}:{server.port}"


def _connection(server: MailServer, context: ssl.SSLContext) -> smtplib.SMTP:
    if server.encryption is Encryption.TLS:
        return smtplib.SMTP_SSL(server.server, server.port, timeout=_TIMEOUT, context=context)
    connection = smtplib.SMTP(server.server, server.port, timeout=_TIMEOUT)
    if server.encryption is Encryption.STARTTLS:
        try:
            connection.starttls(context=context)
        except BaseException:
            connection.close()
            raise
    return connection


def _log_in(connection: smtplib.SMTP, secret: Secret) -> None:
    if not secret.is_token:
        connection.login(secret.username, secret.text)
        return
    connection.ehlo_or_helo_if_needed()
    if XOAUTH2 not in connection.esmtp_features.get("auth", "").upper().split():
        raise smtplib.SMTPNotSupportedError(f"it has no {XOAUTH2}, which token_command is for")
    connection.user, connection.password = secret.username, ""
    connection.auth(XOAUTH2, secret.xoauth2())


def _check_size(server: MailServer, connection: smtplib.SMTP, message: EmailMessage) -> None:
    """Raise MailError if the server says that it takes no messages of this size: RFC 1870."""
    connection.ehlo_or_helo_if_needed()
    said = connection.esmtp_features.get("size", "").strip()
    if not said.isdigit() or int(said) == 0:
        return
    length = len(bytes(message))
    if length > int(said):
        raise MailError(
            f"the mail server {_where(server)} takes messages of {size(Texts(), int(said))} at the"
            f" most, and this one has {size(Texts(), length)}. Nothing was sent."
        )


def _refusal(where: str, refused: dict[str, tuple[int, bytes]], advice: str) -> str:
    address, (code, text) = next(iter(refused.items()))
    others = f" and {len(refused) - 1} more" if len(refused) > 1 else ""
    return (
        f"the mail server {where} does not deliver to {address}{others}:"
        f" {code} {_one_line(text)}.\n{advice}"
    )


def _said(error: smtplib.SMTPResponseException) -> str:
    return f"{error.smtp_code} {_one_line(error.smtp_error)}"


def _one_line(text: bytes | str) -> str:
    shown = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return " ".join(shown.split()).rstrip(".")
