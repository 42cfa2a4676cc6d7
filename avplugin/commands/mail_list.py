"""avplugin mail list: the messages in the mailbox that have a package."""

from __future__ import annotations

import click

from avplugin.commands.context import Context
from avplugin.commands.mailbox import (
    cells_of,
    check_words,
    filter_options,
    mail_document,
    mailbox_of,
    tell_unreadable,
    titles_of,
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
    rows = [
        (
            str(attachment.number),
            _("new") if mail.unread else "",
            *cells_of(context, mail, attachment),
        )
        for mail in mails
        for attachment in mail.attachments
    ]
    context.print_table((_("Number"), "", *titles_of(context)), rows)
