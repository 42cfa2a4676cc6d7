"""Moments as the files of the state folder have them: ISO 8601, with a zone."""

from __future__ import annotations

import datetime
from typing import Any

# A day more or less of these is still a moment, in any time zone.
_YEARS = range(1970, 9000)


def as_moment(text: Any) -> datetime.datetime | None:
    """Return the moment that a text stands for; None if it is none that can have been."""
    try:
        moment = datetime.datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo is not None and moment.year in _YEARS else None


def checked_moment(text: Any) -> datetime.datetime:
    """Return the moment that a text stands for. Raise ValueError if it is none."""
    moment = as_moment(text)
    if moment is None:
        raise ValueError(f"{text!r:.40} is no moment with a zone")
    return moment
