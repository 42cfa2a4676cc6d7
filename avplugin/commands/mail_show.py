"""avplugin mail show: one message, for a person to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from avplugin.commands.context import Context, human_size
from avplugin.commands.mailbox import (
    check_words,
    folder_option,
    mail_document,
    mailbox_of,
    number_of,
    proves_nothing,
)

if TYPE_CHECKING:
    from avplugin.mail.imap import Shown


@click.command("show")
@click.argument("number", metavar="NUMBER")
@folder_option
@click.pass_obj
def command(context: Context, number: str, folder: str | None) -> None:
    """Print one message with its text and what is attached, and leave it unread.

    NUMBER is the one that 'mail list' shows.
    """
    from avplugin.mail.imap import open_mailbox  # noqa: PLC0415

    check_words(folder)
    wanted = number_of(number)
    with open_mailbox(mailbox_of(context), folder) as mailbox:
        shown = mailbox.show(wanted)
    if context.as_json:
        more = {
            "to": list(shown.to),
            "sent": shown.sent.isoformat() if shown.sent is not None else None,
            "text": shown.text,
            "text_is_cut": shown.is_cut,
        }
        context.answer({**mail_document(shown.mail), **more})
        return
    print_message(context, shown)
    context.say("")
    context.say(proves_nothing(context))


def print_message(context: Context, shown: Shown) -> None:
    """Print a message with its text and what is attached."""
    from avplugin.language import date_and_time  # noqa: PLC0415

    _ = context.texts.gettext
    mail = shown.mail
    sent = date_and_time(context.texts, shown.sent) if shown.sent is not None else "-"
    rows = [
        (_("Number"), str(mail.number)),
        (_("Sender"), f"{mail.sender or '-'} {mail.sender_name and f'({mail.sender_name})'}"),
        (_("To"), ", ".join(shown.to) or "-"),
        (_("Received"), date_and_time(context.texts, mail.received)),
        (_("Sent, says the sender"), sent),
        (_("Subject"), mail.subject or "-"),
    ]
    for attachment in mail.attachments:
        kind = attachment.code if attachment.is_package else _("no package of avplugin")
        about = ", ".join(part for part in (human_size(attachment.part.size), kind) if part)
        name = f"{attachment.part.name or '-'} ({about})"
        which = "" if attachment.number.which is None else f"{attachment.number}: "
        rows.append((_("Package"), which + name))
    width = max(len(title) for title, _text in rows)
    for title, text in rows:
        # A line break in a name would look like a line of ours.
        context.say(f"{title.ljust(width)}  {' '.join(text.split())}")
    context.say("")
    context.say(shown.text or _("The message has no text."))
    if shown.is_cut:
        context.say(_("[The text goes on.]"))
