"""Sends a message through the mail server of accountview.yaml.

Certificate and host name are always checked; a password never leaves over a connection that is not
encrypted, but to this machine itself. Sources: RFC 5321, RFC 3207 (STARTTLS), RFC 8314 (TLS).
"""

from __future__ import annotations

import contextlib
import os
import smtplib
import ssl
from collections.abc import Iterator
from email.message import EmailMessage

from avplugin.configuration.mail import Encryption, MailServer
from avplugin.errors import AvpluginError

_TIMEOUT = 30.0  # seconds, for each step


class MailError(AvpluginError):
    """A message was not sent; `delivered` says that some of the addresses got it all the same."""

    delivered = False


def send(server: MailServer, message: EmailMessage) -> None:
    """Send a message to all it is addressed to; its sender is that of the configuration.

    Raise MailError if it was not sent to all of them: what, where, and what to do. No password
    stands in it.
    """
    with _logged_in(server) as connection:
        refused = connection.send_message(message, from_addr=server.sender)
    if refused:
        failure = MailError(_refusal(_where(server), refused))
        failure.delivered = True
        raise failure


def log_in(server: MailServer) -> None:
    """Reach the server and log in, as a message would be sent, and send nothing.

    Raise MailError as send does.
    """
    with _logged_in(server):
        pass


@contextlib.contextmanager
def _logged_in(server: MailServer) -> Iterator[smtplib.SMTP]:
    """Yield a connection on which messages can be sent; raise MailError for all that goes wrong."""
    password = _password(server)
    where = _where(server)
    try:
        connection = _connection(server)
        try:
            if server.username is not None:
                connection.login(server.username, password)
            yield connection
        finally:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                connection.quit()
    except smtplib.SMTPAuthenticationError as error:
        raise MailError(
            f"the mail server {where} does not let {server.username} in: {_said(error)}.\n"
            "Look at mail.username and its password in accountview.yaml."
        ) from error
    except smtplib.SMTPRecipientsRefused as error:
        raise MailError(_refusal(where, error.recipients)) from error
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
            f" {error.verify_message}.\nNothing was sent. mail.server must be the name that stands"
            " in the certificate."
        ) from error
    except ssl.SSLError as error:
        raise MailError(
            f"no encrypted connection to the mail server {where}: {error.reason or error}.\n"
            "Port 587 goes with encryption starttls, 465 with tls."
        ) from error
    except UnicodeError:
        raise MailError(
            f"the password of {server.username} cannot be sent to the mail server {where}: it has"
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


def _connection(server: MailServer) -> smtplib.SMTP:
    context = ssl.create_default_context()
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


def _password(server: MailServer) -> str:
    """Return the password; empty where nobody logs in."""
    if server.username is None:
        return ""
    if server.password_file is None:
        password = os.environ.get(server.password_variable or "", "")
        where = f"the environment variable {server.password_variable}"
    else:
        where = f"the file {server.password_file}"
        try:
            # Notepad writes a byte order mark.
            password = server.password_file.read_text("utf-8-sig").partition("\n")[0].rstrip("\r")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise MailError(
                f"the mail password cannot be read from {where}: {why}.\n"
                f"Its first line is the password of {server.username}."
            ) from error
    if not password:
        raise MailError(f"{where} holds no password for {server.username} at the mail server.")
    return password


def _refusal(where: str, refused: dict[str, tuple[int, bytes]]) -> str:
    address, (code, text) = next(iter(refused.items()))
    others = f" and {len(refused) - 1} more" if len(refused) > 1 else ""
    return (
        f"the mail server {where} does not deliver to {address}{others}:"
        f" {code} {_one_line(text)}.\nLook at report.mail_to in accountview.yaml."
    )


def _said(error: smtplib.SMTPResponseException) -> str:
    return f"{error.smtp_code} {_one_line(error.smtp_error)}"


def _one_line(text: bytes | str) -> str:
    shown = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return " ".join(shown.split()).rstrip(".")
