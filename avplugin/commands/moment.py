"""The option --at: a moment as somebody types it."""

from __future__ import annotations

import datetime
import os


def moment_of(text: str | None) -> datetime.datetime | None:
    """Return the moment that is meant, by the locale; None for no text. Raise UsageError."""
    if text is None:
        return None
    from avplugin.language import locale_for  # noqa: PLC0415
    from avplugin.restore.when import parse_when  # noqa: PLC0415

    locale = locale_for("LC_TIME", os.environ)
    return parse_when(text, locale, datetime.datetime.now().astimezone())
