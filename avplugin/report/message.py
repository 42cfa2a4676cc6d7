"""The outcome of a night as a mail: a short text, with the page attached."""

from __future__ import annotations

import datetime
import email.utils
from collections.abc import Sequence
from email.message import EmailMessage
from email.policy import SMTP

from avplugin.language import Texts, day_and_month
from avplugin.report.content import Report
from avplugin.report.page import grouped, page
from avplugin.report.verdict import last_night_of, verdict


def make_message(
    report: Report, texts: Texts, language: str, sender: str, recipients: Sequence[str]
) -> EmailMessage:
    """Return the mail about the report's night in a language of LANGUAGES, with its texts."""
    _ = texts.gettext
    message = EmailMessage(policy=SMTP)
    installation = report.status.installation
    if report.is_safe:
        subject = _("Backup of {installation}, night of {day}: everything is safe")
    else:
        subject = _("Backup of {installation}, night of {day}: PLEASE LOOK AT THIS")
    message["Subject"] = subject.format(
        installation=installation, day=day_and_month(texts, report.night)
    )
    message["From"] = sender
    message["To"] = ", ".join(recipients)
    message["Date"] = email.utils.format_datetime(datetime.datetime.now(datetime.UTC))
    message["Message-ID"] = email.utils.make_msgid(domain=sender.rpartition("@")[2])
    # Other programs do not answer to it: RFC 3834.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text(report, texts))
    message.add_attachment(
        page(report, texts, language).encode("utf-8"),
        maintype="text",
        subtype="html",
        filename=f"{installation}-{report.night.isoformat()}.html",
    )
    return message


def text(report: Report, texts: Texts) -> str:
    """Return what the mail says."""
    _ = texts.gettext
    lines = [verdict(report, texts), ""]
    for said, advice in grouped(report, texts):
        lines += [f"* {line}" for line in said]
        if advice:
            lines.append(f"  -> {advice}")
        lines.append("")
    lines.append(_("Last night:"))
    lines += [f"- {row.status.what}: {last_night_of(row, texts)}" for row in report.sets]
    lines += ["", _("The page that comes with this mail shows the nights of five weeks.")]
    shown = "\n".join(lines) + "\n"
    return shown.encode("utf-8", "backslashreplace").decode("utf-8")
