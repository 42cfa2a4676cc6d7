"""avplugin mail send: a package of one administration, by the mail server."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from avplugin.commands.context import Context, human_size
from avplugin.commands.packing import (
    PackingWords,
    choose_password,
    open_books,
    pack,
    packing_options,
    refuse_contradictions,
)
from avplugin.language import LANGUAGES, Texts, language, texts_in

if TYPE_CHECKING:
    from avplugin.configuration.mail import MailServer
    from avplugin.package.export import Exported

language_option = click.option(
    "--language",
    "wanted",
    type=click.Choice(LANGUAGES),
    help="Of the message; default that of the locale.",
)


@click.command("send")
@click.argument("code", metavar="CODE")
@click.option("--to", multiple=True, required=True, metavar="ADDRESS", help="Can be repeated.")
@language_option
@packing_options
@click.pass_obj
def command(
    context: Context, /, code: str, to: tuple[str, ...], wanted: str | None, **options: Any
) -> None:
    """Send a package of one administration by mail.

    It is made as 'avplugin export' makes it. The password is not in the message: give it in another
    way, by telephone for example. A package that is larger than mail.attachment_limit is not sent.

    Exit status: 0 sent to all, 1 error, 75 somebody is in (--live).
    """
    from avplugin.language import date_and_time  # noqa: PLC0415
    from avplugin.mail.addresses import check_addresses  # noqa: PLC0415
    from avplugin.mail.outgoing import send_package  # noqa: PLC0415

    asked = PackingWords(**options)
    refuse_contradictions(asked)
    recipients = check_addresses(to)
    server = _mail_server(context)
    with packed(context, code, asked) as done:
        message = send_package(done, server, recipients, message_texts(context, wanted))
        if context.as_json:
            from avplugin.commands.export import package_document  # noqa: PLC0415

            sent = {"from": server.sender, "to": list(recipients)}
            name = {"file": done.file.name, "message_bytes": len(bytes(message))}
            context.answer({**package_document(done), **name, **sent})
    _ = context.texts.gettext
    context.say(
        _("{code}, as of {moment}, is mailed to {addresses}: {file}, {size}").format(
            code=done.manifest.folder.label,
            moment=date_and_time(context.texts, done.manifest.taken),
            addresses=", ".join(recipients),
            file=done.file.name,
            size=human_size(done.size),
        )
    )
    tell_of_password(context, done)


@contextlib.contextmanager
def packed(context: Context, code: str, words: PackingWords) -> Iterator[Exported]:
    """Yield a package in a folder that only this user can enter, and that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="avplugin-mail-") as private:
        with open_books(context, code, words) as books:
            from avplugin.package.export import package_name  # noqa: PLC0415

            password = choose_password(context, words)
            done = pack(context, books, Path(private) / package_name(books), password)
        yield done


def message_texts(context: Context, wanted: str | None) -> Texts:
    """Return the texts of the message, in the language that is wanted."""
    return texts_in(wanted or language(context.language, os.environ))


def tell_of_password(context: Context, done: Exported) -> None:
    """Say how the password is to travel, if there is one."""
    if done.is_encrypted:
        context.say(
            context.texts.gettext(
                "Give the password in another way than by mail, by telephone for example."
            )
        )


def _mail_server(context: Context) -> MailServer:
    from avplugin.errors import AvpluginError  # noqa: PLC0415

    configuration = context.configuration
    if configuration.mail is None:
        raise AvpluginError(
            f"{configuration.file} names no mail server.\nWrite 'mail: {{server: smtp.example.com,"
            " from: naam@kantoor.nl}}' with a login, or use 'avplugin mail draft': docs/mail.md."
        )
    return configuration.mail
