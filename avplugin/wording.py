"""How messages put things in words."""

from __future__ import annotations

from collections.abc import Sequence


def some(things: Sequence[str], most: int = 3, separator: str = ", ") -> str:
    """Return the first of the things by name, and how many there are besides."""
    more = f" and {len(things) - most} more" if len(things) > most else ""
    return f"{separator.join(things[:most])}{more}"
