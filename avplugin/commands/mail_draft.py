"""avplugin mail draft: a message with a package, for one's own mail program to send."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from avplugin.commands.context import Context, human_size
from avplugin.commands.mail_send import language_option, message_texts, packed, tell_of_password
from avplugin.commands.packing import PackingWords, packing_options, refuse_contradictions

_SUFFIX = ".eml"


@click.command("draft")
@click.argument("code", metavar="CODE")
@click.argument("target", metavar="FILE|FOLDER")
@click.option("--to", multiple=True, metavar="ADDRESS", help="Can be repeated, or left out.")
@click.option("--from", "sender", metavar="ADDRESS", help="Default is your mail program's own.")
@language_option
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask: make a folder that is missing.")
@packing_options
@click.pass_obj
def command(
    context: Context,
    /,
    code: str,
    target: str,
    to: tuple[str, ...],
    sender: str | None,
    wanted: str | None,
    force: bool,
    yes: bool,
    **options: Any,
) -> None:
    """Write a message with a package of one administration, ready to send.

    FILE ends in .eml; any other name is a FOLDER, for a file named by code and moment. Outlook and
    Thunderbird open it as a message that you send, or change first. The password is not in it.

    Exit status: 0 done, 1 error, 75 somebody is in (--live).
    """
    from avplugin.commands.export import package_document  # noqa: PLC0415
    from avplugin.configuration.mail import DEFAULT_ATTACHMENT_LIMIT  # noqa: PLC0415
    from avplugin.mail.addresses import check_addresses  # noqa: PLC0415
    from avplugin.mail.outgoing import write_draft  # noqa: PLC0415

    asked = PackingWords(**options)
    refuse_contradictions(asked)
    recipients = check_addresses(to)
    if sender is not None:
        [sender] = check_addresses([sender])
    folder, name = _place(context, target, replace=force, yes=yes)
    mail = context.configuration.mail if context.has_configuration else None
    limit = mail.attachment_limit if mail is not None else DEFAULT_ATTACHMENT_LIMIT
    with packed(context, code, asked) as done:
        file = folder / (name or done.file.with_suffix(_SUFFIX).name)
        texts = message_texts(context, wanted)
        write_draft(done, file, recipients, sender, limit, texts, replace=force)
        package = {**package_document(done), "file": done.file.name}
    if context.as_json:
        context.answer({**package, "draft": str(file), "from": sender, "to": list(recipients)})
    from avplugin.language import date_and_time  # noqa: PLC0415

    _ = context.texts.gettext
    context.say(
        _("{code}, as of {moment}: {file}, {size}").format(
            code=done.manifest.folder.label,
            moment=date_and_time(context.texts, done.manifest.taken),
            file=file,
            size=human_size(done.size),
        )
    )
    context.say(_("Open the file in Outlook or Thunderbird, and send the message from there."))
    tell_of_password(context, done)


def _place(context: Context, target: str, *, replace: bool, yes: bool) -> tuple[Path, str | None]:
    """Return the folder for the message, there by then, and its name if one was given."""
    from avplugin.commands.export import make_folder  # noqa: PLC0415
    from avplugin.installation.windows_path import is_windows_path  # noqa: PLC0415
    from avplugin.package.place import refuse_place  # noqa: PLC0415
    from avplugin.package.write import refuse_present  # noqa: PLC0415

    if not target or is_windows_path(target):
        raise click.UsageError(f"'{target}': where to is a path on this machine, from / on")
    path = Path(os.path.abspath(target))  # noqa: PTH100 - links stay, for messages
    is_file = target.lower().endswith(_SUFFIX) and not path.is_dir()
    folder = path.parent if is_file else path
    refuse_place(folder, context.configuration if context.has_configuration else None)
    if is_file:
        refuse_present(path, replace=replace)
    make_folder(context, folder, _SUFFIX, yes=yes)
    return folder, path.name if is_file else None
