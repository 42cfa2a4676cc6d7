"""Whether the outcome of a night can be mailed, if it is to be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from avplugin.configuration.mail import MailServer
from avplugin.doctor.finding import Finding, fine, of_error, warning
from avplugin.mail.smtp import MailError, log_in


def check(server: MailServer | None, mail_to: Sequence[str]) -> Iterator[Finding]:
    """Log in to the mail server as a report would be sent; nothing is sent."""
    if not mail_to:
        yield warning(
            "nobody is mailed how a night went",
            "Set report.mail_to and mail; or let cron, or borgmatic's monitoring hooks, tell you.",
        )
        return
    if server is None:
        return  # accountview.yaml is refused like that
    try:
        log_in(server)
    except MailError as failure:
        yield of_error(failure)
        return
    yield fine(f"{server.server}:{server.port} takes mail for {', '.join(mail_to)}")
