"""A connection to a mailbox over IMAP: encrypted, logged in, and its errors explained.

IMAPClient speaks the protocol: unlike Python's own imaplib it understands what a server says of a
message's parts, so that nothing but what is wanted has to be fetched. Source: RFC 3501.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import ssl
from collections.abc import Iterator

from imapclient import IMAPClient
from imapclient.exceptions import (
    IMAPClientAbortError,
    IMAPClientError,
    IMAPClientReadOnlyError,
    LoginError,
    ProtocolError,
)

from avplugin.configuration.mail import Encryption, ImapServer
from avplugin.mail.error import MailError
from avplugin.mail.login import XOAUTH2, Secret, find_secret, tls_context

# What it logs is for programmers; without a handler some of it would be printed.
logging.getLogger("imapclient").addHandler(logging.NullHandler())

# What comes of an answer that is none, or not one to what was asked.
NONSENSE = (
    *(ProtocolError, ValueError, TypeError, IndexError, KeyError, AttributeError),
    *(OverflowError, RecursionError),
)

_TIMEOUT = 60.0  # seconds, for each answer
_MOST_FOLDERS = 12  # that are named
_MOST_QUOTED = 200  # characters of what a server says
_OF_THE_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}


@contextlib.contextmanager
def connected(server: ImapServer) -> Iterator[IMAPClient]:
    """Yield a connection that is logged in.

    Raise MailError for all that goes wrong, also while it is used; no secret stands in it.
    """
    secret = find_secret(server.login)
    context = tls_context(server.authorities)
    with _explained(server, secret), _encrypted(server, context) as client:
        _log_in(client, secret)
        yield client


def open_folder(client: IMAPClient, server: ImapServer, folder: str, *, to_change: bool) -> int:
    """Open a folder for the commands that follow, and return the validity of its numbers.

    Raise MailError if it is not there, or cannot be changed.
    """
    try:
        selected = client.select_folder(folder, readonly=not to_change)
    except IMAPClientReadOnlyError as error:
        raise MailError(
            f"{server.login.username} may only read the folder {folder} at {_where(server)}: no"
            " message in it can be marked or removed."
        ) from error
    except IMAPClientAbortError:
        raise
    except IMAPClientError as error:
        raise _no_folder(client, server, folder) from error
    return int(selected[b"UIDVALIDITY"])


@contextlib.contextmanager
def _encrypted(server: ImapServer, context: ssl.SSLContext) -> Iterator[IMAPClient]:
    client = IMAPClient(
        server.server,
        server.port,
        ssl=server.encryption is Encryption.TLS,
        ssl_context=context,
        timeout=_TIMEOUT,
    )
    client.normalise_times = False  # a sender's date may be one that no clock can show
    with client:
        if server.encryption is Encryption.STARTTLS:
            if not client.has_capability("STARTTLS"):
                raise MailError(
                    f"the mail server {_where(server)} has no encryption to switch to.\n"
                    "Look at mail.imap.encryption and mail.imap.port in accountview.yaml."
                )
            client.starttls(context)
        yield client


def _log_in(client: IMAPClient, secret: Secret) -> None:
    if secret.is_token:
        if not client.has_capability(f"AUTH={XOAUTH2}"):
            raise LoginError(f"it has no {XOAUTH2}, which token_command is for")
        client.sasl_login(XOAUTH2, secret.xoauth2())
    elif client.has_capability("AUTH=PLAIN"):  # takes any character
        client.plain_login(secret.username, secret.text)
    else:
        client.login(secret.username, secret.text)


@contextlib.contextmanager
def _explained(server: ImapServer, secret: Secret) -> Iterator[None]:
    """Have MailError raised for all that a server, or the way to it, can do wrong."""
    where = _where(server)
    try:
        yield
    except LoginError as error:
        raise MailError(
            f"the mail server {where} does not let {secret.username} in: {_said(error, secret)}.\n"
            "Look at mail.imap in accountview.yaml, or mail: username and its password or"
            " token_command."
        ) from error
    except ssl.SSLCertVerificationError as error:
        raise MailError(
            f"the mail server {where} has no valid certificate for that name:"
            f" {error.verify_message}.\nmail.imap.server must be the name in the certificate;"
            " mail.certificate_authorities names a company's own authority."
        ) from error
    except ssl.SSLError as error:
        raise MailError(
            f"no encrypted connection to the mail server {where}: {error.reason or error}.\n"
            "Port 993 goes with encryption tls, 143 with starttls."
        ) from error
    except IMAPClientAbortError as error:
        raise MailError(
            f"the mail server {where} broke off: {_said(error, secret)}.\nTry it again."
        ) from error
    except UnicodeEncodeError:
        raise MailError(
            f"the name or password of {secret.username} cannot be sent to the mail server {where}:"
            " it has characters that are not ASCII."
        ) from None
    except NONSENSE as error:
        raise MailError(
            f"the mail server {where} gives an answer that cannot be understood"
            f" ({type(error).__name__})."
        ) from error
    except IMAPClientError as error:
        raise MailError(
            f"the mail server {where} does not do what was asked: {_said(error, secret)}."
        ) from error
    except OSError as error:
        if error.filename is not None or error.errno in _OF_THE_DISK:
            raise  # a file of this machine
        why = error.strerror or str(error) or "no answer"
        raise MailError(
            f"the mail server {where} cannot be reached, or broke off: {why}.\n"
            "Look at mail.imap in accountview.yaml, and at the network."
        ) from error


def _no_folder(client: IMAPClient, server: ImapServer, folder: str) -> MailError:
    known = [str(name) for _, _, name in client.list_folders()]
    if folder in known:
        return MailError(f"the folder {folder} at {_where(server)} cannot be opened.")
    others = f" and {len(known) - _MOST_FOLDERS} more" if len(known) > _MOST_FOLDERS else ""
    return MailError(
        f"the mailbox of {server.login.username} at {_where(server)} has no folder {folder}.\n"
        f"It has {', '.join(known[:_MOST_FOLDERS])}{others}."
    )


def _where(server: ImapServer) -> str:
    return f"{server.server}:{server.port}"


def _said(error: Exception, secret: Secret) -> str:
    """Return what the server said as one line; one that says the secret again is not quoted."""
    text = " ".join(str(error).split()).rstrip(".")
    return "it did not say why" if not text or secret.text in text else text[:_MOST_QUOTED]
