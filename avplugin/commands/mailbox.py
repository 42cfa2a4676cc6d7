"""The options of the commands that look into a mailbox, and how they print its messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from avplugin.commands.context import Context, human_size

if TYPE_CHECKING:
    from avplugin.configuration.mail import ImapServer
    from avplugin.mail.imap import Attachment, Mail, Number

_Function = TypeVar("_Function", bound=Callable[..., Any])


def folder_option(function: _Function) -> _Function:
    """Add --folder."""
    return click.option(
        "--folder", metavar="NAME", help="Of the mailbox; default mail.imap.folder, else INBOX."
    )(function)


def filter_options(function: _Function) -> _Function:
    """Add --sender, --unread, --any-zip and --folder."""
    for option in (
        folder_option,
        click.option("--any-zip", is_flag=True, help="Also a ZIP that is no package of avplugin."),
        click.option("--unread", is_flag=True, help="Only messages that nobody has read."),
        click.option(
            "--sender",
            metavar="TEXT",
            default="",
            help="Only from an address or name with TEXT in it; without it, from all.",
        ),
    ):
        function = option(function)
    return function


def mailbox_of(context: Context) -> ImapServer:
    """Return where the mailbox is. Raise AvpluginError if the configuration does not say."""
    from avplugin.errors import AvpluginError  # noqa: PLC0415

    configuration = context.configuration
    if configuration.mail is None or configuration.mail.imap is None:
        raise AvpluginError(
            f"{configuration.file} names no mailbox.\n"
            "Write 'imap: {server: imap.example.com}' under 'mail', with a login: docs/mail.md."
        )
    return configuration.mail.imap


def check_words(folder: str | None, sender: str = "") -> None:
    """Raise UsageError for what would be more than one line to a server."""
    for name, text in (("--folder", folder), ("--sender", sender)):
        if text is not None and not text.isprintable():
            raise click.UsageError(f"{name} takes one line of text")
    if folder == "":
        raise click.UsageError("--folder needs the name of a folder")


def number_of(text: str) -> Number:
    """Return the number of a message. Raise click.UsageError if it is none."""
    from avplugin.mail.imap import parse_number  # noqa: PLC0415

    number = parse_number(text)
    if number is None:
        raise click.UsageError(
            f"'{text}' is no number of a message such as 1764210000-42: 'avplugin mail list' shows"
            " them"
        )
    return number


def attachment_document(attachment: Attachment) -> dict[str, object]:
    """Return an attachment for --json."""
    return {
        "number": str(attachment.number),
        "file": attachment.part.name or None,
        "bytes": attachment.part.size,
        "package": attachment.is_package,
        "code": attachment.code or None,
    }


def mail_document(mail: Mail) -> dict[str, object]:
    """Return a message for --json."""
    return {
        "number": str(mail.number),
        "received": mail.received.isoformat(),
        "sender": mail.sender or None,
        "sender_name": mail.sender_name or None,
        "subject": mail.subject,
        "unread": mail.unread,
        "packages": [attachment_document(one) for one in mail.attachments],
    }


def cells_of(context: Context, mail: Mail, attachment: Attachment) -> tuple[str, ...]:
    """Return what a list says of a package: see titles_of."""
    from avplugin.language import date_and_time  # noqa: PLC0415

    return (
        date_and_time(context.texts, mail.received),
        mail.sender or "-",
        mail.subject or "-",
        attachment.part.name or "-",
        human_size(attachment.part.size),
        attachment.code or "-",
    )


def titles_of(context: Context) -> tuple[str, ...]:
    """Return the titles of what cells_of returns."""
    _ = context.texts.gettext
    return _("Received"), _("Sender"), _("Subject"), _("Package"), ">" + _("Size"), _("Code")


def tell_unreadable(context: Context, number: int) -> None:
    """Warn about messages that the server describes in a way nobody understands."""
    if number:
        noun = "message is" if number == 1 else "messages are"
        context.warn(f"{number} {noun} left out: what the server says of them is not understood")


def proves_nothing(context: Context) -> str:
    """Return what is to be said before anybody trusts a message."""
    return context.texts.gettext(
        "A sender's address proves nothing: anybody can write any. If you did not expect this"
        " message, call the sender before you put anything back."
    )
