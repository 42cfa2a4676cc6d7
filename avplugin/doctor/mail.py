"""Whether the outcome of a night can be mailed, if it is to be, and packages be fetched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from avplugin.configuration.mail import ImapServer, MailServer
from avplugin.doctor.finding import Finding, fine, of_error, warning
from avplugin.mail.error import MailError
from avplugin.mail.smtp import log_in


def check(server: MailServer | None, mail_to: Sequence[str]) -> Iterator[Finding]:
    """Log in to the mail server as if to send, and to the mailbox; nothing is sent."""
    if not mail_to:
        yield warning(
            "nobody is mailed how a night went",
            "Set report.mail_to and mail; or let cron, or borgmatic's monitoring hooks, tell you.",
        )
    if server is None:
        return
    if mail_to or server.login is not None:  # else it may be the server of configs/
        yield _check_sending(server, mail_to)
    if server.imap is not None:
        yield _check_mailbox(server.imap)


def _check_sending(server: MailServer, mail_to: Sequence[str]) -> Finding:
    try:
        log_in(server)
    except MailError as failure:
        return of_error(failure)
    for_whom = f" for {', '.join(mail_to)}" if mail_to else ""
    return fine(f"{server.server}:{server.port} takes mail{for_whom}")


def _check_mailbox(server: ImapServer) -> Finding:
    from avplugin.mail.imap import log_in as log_in_to_mailbox  # noqa: PLC0415 - few have one

    try:
        log_in_to_mailbox(server)
    except MailError as failure:
        return of_error(failure)
    return fine(f"{server.server}:{server.port} lets {server.login.username} read {server.folder}")
