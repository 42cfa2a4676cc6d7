"""What can go wrong with mail."""

from __future__ import annotations

from avplugin.errors import AvpluginError


class MailError(AvpluginError):
    """Mail could not be sent, or a mailbox not be read; the message has no secret in it.

    `delivered` says that some of the addresses got the message all the same.
    """

    delivered = False
