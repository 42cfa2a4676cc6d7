"""A package as a message: sent by the mail server, or written as a draft for one's own program."""

from __future__ import annotations

import os
from collections.abc import Sequence
from email.message import EmailMessage
from pathlib import Path

from avplugin.configuration.mail import MailServer
from avplugin.language import Texts, size
from avplugin.mail.error import MailError
from avplugin.mail.package_message import encoded_size, make_message, make_sendable, size_in
from avplugin.mail.smtp import send
from avplugin.package.export import Exported
from avplugin.package.write import refuse_present
from avplugin.state.files import publish_atomically

_PRIVATE = 0o600


def send_package(
    exported: Exported, server: MailServer, recipients: Sequence[str], texts: Texts
) -> EmailMessage:
    """Send a package and return the message.

    Raise MailError if it is too large, before anything is sent, or if it was not sent to all.
    """
    refuse_too_large(exported, server.attachment_limit)
    message = _message(exported, recipients, server.sender, texts)
    make_sendable(message, server.sender)
    send(server, message, "Look at the address behind --to.")
    return message


def write_draft(
    exported: Exported,
    file: Path,
    recipients: Sequence[str],
    sender: str | None,
    limit: int,
    texts: Texts,
    *,
    replace: bool,
) -> None:
    """Write a message with a package to `file`, all or nothing, for a mail program to open.

    Outlook and Thunderbird open one with X-Unsent as a message that is still to be sent. Raise
    MailError if it is too large for `limit`, in bytes, AvpluginError if it cannot be written.
    """
    refuse_too_large(exported, limit)
    message = _message(exported, recipients, sender, texts)
    message["X-Unsent"] = "1"
    refuse_present(file, replace=replace)
    mode = 0o666 & ~_umask() if exported.is_encrypted else _PRIVATE
    publish_atomically(file, bytes(message), mode)


def refuse_too_large(exported: Exported, limit: int) -> None:
    """Raise MailError if the package takes more than `limit` bytes in a message."""
    taken = encoded_size(exported.size)
    if taken <= limit:
        return
    english = Texts()
    code = exported.manifest.folder.code
    raise MailError(
        f"the package of {code} is too large to mail: {size(english, exported.size)}, which takes"
        f" {size(english, taken)} in a message; mail.attachment_limit is {size(english, limit)}"
        f" (a package of {size(english, size_in(limit))}). Nothing was sent.\n"
        f"'avplugin export {code} FOLDER' makes it as a file, to hand over in another way."
    )


def _message(
    exported: Exported, recipients: Sequence[str], sender: str | None, texts: Texts
) -> EmailMessage:
    return make_message(
        exported.file,
        exported.manifest,
        texts,
        is_encrypted=exported.is_encrypted,
        recipients=recipients,
        sender=sender,
    )


def _umask() -> int:
    before = os.umask(0o077)
    os.umask(before)
    return before
