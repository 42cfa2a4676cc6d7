"""avplugin mail list: the messages in the mailbox that have a package."""

from __future__ import annotations

import click

from avplugin.commands.context import Context, human_size
from avplugin.commands.mailbox import (
    check_words,
    filter_options,
    mail_document,
    mailbox_of,
    tell_unreadable,
)


@click.command("list")
@filter_options
@click.pass_obj
def command(context: Context, sender: str, unread: bool, any_zip: bool, folder: str | None) -> None:
    """List the messages in the mailbox that have a package, newest first.

    The number of a message is for 'mail show' and 'mail restore'; it never comes to mean another
    one. Dates are those of arrival. A sender is what the message says: anybody can write that.
    """
    from avplugin.mail.imap import open_mailbox  # noqa: PLC0415

    check_words(folder, sender)
    with open_mailbox(mailbox_of(context), folder) as mailbox:
        mails = mailbox.packages(sender, unread=unread, any_zip=any_zip)
        unreadable = mailbox.unreadable
    tell_unreadable(context, unreadable)
    if context.as_json:
        context.answer([mail_document(mail) for mail in mails])
        return
    _ = context.texts.gettext
    if not mails:
        context.say(_("There is no message with a package that fits."))
        return
    from avplugin.language import date_and_time  # noqa: PLC0415

    rows = [
        (
            str(attachment.number),
            _("new") if mail.unread else "",
            date_and_time(context.texts, mail.received),
            mail.sender or "-",
            mail.subject or "-",
            attachment.part.name or "-",
            human_size(attachment.part.size),
            attachment.code or "-",
        )
        for mail in mails
        for attachment in mail.attachments
    ]
    titles = (_("Number"), "", _("Received"), _("Sender"), _("Subject"), _("Package"))
    context.print_table((*titles, ">" + _("Size"), _("Code")), rows)
