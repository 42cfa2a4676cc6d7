"""avplugin mail restore: put back the administration out of a message."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from avplugin.commands import import_package
from avplugin.commands.context import Context
from avplugin.commands.import_package import ImportWords
from avplugin.commands.mailbox import (
    cells_of,
    check_words,
    filter_options,
    mailbox_of,
    number_of,
    proves_nothing,
    tell_unreadable,
    titles_of,
)
from avplugin.commands.put_back import can_ask, refuse_contradictions, said_where

if TYPE_CHECKING:
    from avplugin.configuration.mail import ImapServer
    from avplugin.mail.imap import Attachment, Mail


@click.command("restore")
@click.argument("number", metavar="[NUMBER]", required=False)
@filter_options
@click.option("--delete", is_flag=True, help="Remove the message, once the restore has succeeded.")
@click.pass_obj
def command(
    context: Context,
    /,
    number: str | None,
    sender: str,
    unread: bool,
    any_zip: bool,
    folder: str | None,
    delete: bool,
    **words: Any,
) -> None:
    """Put back the administration in a message of the mailbox, as 'avplugin import' does.

    NUMBER is the one that 'mail list' shows; without it, in a terminal, it asks. The message is
    marked as read once the restore has succeeded.

    Exit status: 0 done, 1 error, 75 somebody is in; in the last two nothing was changed, unless the
    error says so.
    """
    given = ImportWords(**words)
    check_words(folder, sender)
    if number is not None and (sender or unread or any_zip):
        raise click.UsageError("--sender, --unread and --any-zip choose; NUMBER has chosen")
    if number is None and not can_ask(context, given):
        raise click.UsageError("say which message: NUMBER, as 'avplugin mail list' shows it")
    refuse_contradictions(given)
    if said_where(given) is None and not can_ask(context, given):
        raise click.UsageError("say where to: --original, --into OTHERCODE or --new FOLDER")
    server = mailbox_of(context)
    if number is not None:
        mail, attachment = _named(server, folder, number, given)
    else:
        with_others = any_zip or given.plain is not None
        mail, attachment = _chosen(context, server, folder, sender, unread, with_others)
    _tell(context, mail)
    with tempfile.TemporaryDirectory(prefix="avplugin-mail-") as private:
        file = Path(private) / _file_name(attachment.part.name)
        _fetch(context, server, folder, attachment, file)
        place = f"{server.login.username}, {mail.number}"
        is_done = import_package.import_package(context, file, given, place=place)
    if is_done:
        _put_away(context, server, folder, mail, delete=delete)


# How a package is put back is said in the same words as there.
command.params += [one for one in import_package.command.params if isinstance(one, click.Option)]


def _named(
    server: ImapServer, folder: str | None, text: str, given: ImportWords
) -> tuple[Mail, Attachment]:
    """Return the message of this number, and which of its attachments is meant."""
    from avplugin.errors import AvpluginError  # noqa: PLC0415
    from avplugin.mail.imap import open_mailbox  # noqa: PLC0415

    number = number_of(text)
    with open_mailbox(server, folder) as mailbox:
        mail = mailbox.mail(number._replace(which=None))
    if number.which is not None:
        found = [one for one in mail.attachments if one.number.which == number.which]
    else:
        packages = [one for one in mail.attachments if one.is_package]
        found = packages if packages and given.plain is None else list(mail.attachments)
    if not found:
        raise AvpluginError(f"no package is attached to message {text}.")
    if len(found) > 1:
        names = ", ".join(f"{one.number} ({one.part.name or '-'})" for one in found)
        raise AvpluginError(f"several packages are attached to message {text}: say which, {names}.")
    return mail, found[0]


def _chosen(
    context: Context,
    server: ImapServer,
    folder: str | None,
    sender: str,
    unread: bool,
    any_zip: bool,
) -> tuple[Mail, Attachment]:
    """Return what somebody chooses from the list. Raise click.Abort if it is nothing."""
    from avplugin.commands.choices import Columns, Entry  # noqa: PLC0415
    from avplugin.commands.questions import choose, one_line  # noqa: PLC0415
    from avplugin.errors import AvpluginError  # noqa: PLC0415
    from avplugin.mail.imap import open_mailbox  # noqa: PLC0415

    _ = context.texts.gettext
    with open_mailbox(server, folder) as mailbox:
        mails = mailbox.packages(sender, unread=unread, any_zip=any_zip)
        unreadable = mailbox.unreadable
    tell_unreadable(context, unreadable)
    found = [(mail, attachment) for mail in mails for attachment in mail.attachments]
    if not found:
        raise AvpluginError(_("There is no message with a package that fits."))
    entries = []
    for mail, attachment in found:
        shown = tuple(one_line(cell) for cell in cells_of(context, mail, attachment))
        entries.append(Entry(shown, name=" ".join(shown)))
    columns = Columns(titles_of(context), 2)
    while True:
        at = choose(context, _("Which message?"), entries, columns, is_searched=True)
        if at is None:
            raise click.Abort
        if _is_meant(context, server, folder, found[at][0]):
            return found[at]


def _is_meant(context: Context, server: ImapServer, folder: str | None, mail: Mail) -> bool:
    """Show a message if somebody wants to see it, and return whether it is the one."""
    from avplugin.commands.mail_show import print_message  # noqa: PLC0415
    from avplugin.commands.questions import ask_yes_or_back  # noqa: PLC0415
    from avplugin.mail.imap import open_mailbox  # noqa: PLC0415

    _ = context.texts.gettext
    wants = ask_yes_or_back(context, _("Show this message first?"), default=False)
    if not wants:
        return wants is not None
    with open_mailbox(server, folder) as mailbox:
        shown = mailbox.show(mail.number)
    context.say("")
    print_message(context, shown)
    return bool(ask_yes_or_back(context, _("Is this the one?"), default=True))


def _tell(context: Context, mail: Mail) -> None:
    from avplugin.language import date_and_time  # noqa: PLC0415

    _ = context.texts.gettext
    told = _("From: {sender}, received {moment}: {subject}").format(
        sender=f"{mail.sender or '-'} {mail.sender_name and f'({mail.sender_name})'}".strip(),
        moment=date_and_time(context.texts, mail.received),
        subject=mail.subject or "-",
    )
    context.say(" ".join(told.split()))
    context.say(proves_nothing(context))


def _file_name(name: str) -> str:
    """Return the attachment's name as a file of this machine can have it."""
    kept = "".join(char if char.isprintable() and char != "/" else "_" for char in name)
    stem = kept.strip(". ")[:-4] if kept.lower().endswith(".zip") else kept.strip(". ")
    short = stem.encode("utf-8", "replace")[:100].decode("utf-8", "ignore")
    return f"{short or 'package'}.zip"


def _fetch(
    context: Context, server: ImapServer, folder: str | None, attachment: Attachment, file: Path
) -> None:
    from avplugin.commands.progress import byte_progress  # noqa: PLC0415
    from avplugin.mail.imap import open_mailbox  # noqa: PLC0415

    with (
        byte_progress(context, context.texts.gettext("Fetching")) as show,
        open_mailbox(server, folder) as mailbox,
    ):
        mailbox.fetch(attachment, file, show)


def _put_away(
    context: Context, server: ImapServer, folder: str | None, mail: Mail, *, delete: bool
) -> None:
    """Mark the message as read and, if it is to go, remove it: the administration is back."""
    from avplugin.mail.error import MailError  # noqa: PLC0415
    from avplugin.mail.imap import open_mailbox  # noqa: PLC0415

    _ = context.texts.gettext
    try:
        with open_mailbox(server, folder, to_change=True) as mailbox:
            mailbox.mark_read(mail.number)
            is_gone = mailbox.delete(mail.number) if delete else False
    except MailError as error:
        if delete:
            raise MailError(
                f"the administration is put back, but the message is not removed: {error}"
            ) from error
        context.warn(f"the message is not marked as read: {error}")
        return
    if is_gone:
        context.say(_("The message is removed from the mailbox."))
    elif delete:
        context.warn(
            "the message is only marked as deleted: this server cannot remove one and no other"
        )
