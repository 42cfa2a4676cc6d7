"""What was found out about one thing."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Sequence

from avplugin.errors import AvpluginError


class Level(enum.StrEnum):
    """How bad it is; the values stand in the answer to --json."""

    FINE = "fine"
    WARNING = "warning"
    ERROR = "error"


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's. `what` is a sentence without its full stop, `advice` whole ones.

    Advice is empty where all is well, or `what` says it already.
    """

    level: Level
    what: str
    advice: str = ""


def fine(what: str) -> Finding:
    """Return that something is as it should be."""
    return Finding(Level.FINE, what)


def warning(what: str, advice: str = "") -> Finding:
    """Return that something could be better, or could not be found out."""
    return Finding(Level.WARNING, what, advice)


def error(what: str, advice: str = "") -> Finding:
    """Return that there is no good night like this."""
    return Finding(Level.ERROR, what, advice)


def of_error(failure: AvpluginError, level: Level = Level.ERROR) -> Finding:
    """Return what an error says: its first line is what, the others are advice."""
    first, _, rest = str(failure).partition("\n")
    return Finding(level, first.rstrip(".:"), rest.replace("\n", " "))


def some_of(findings: Sequence[Finding], most: int, rest: str) -> list[Finding]:
    """Return the first findings, and one line for the others: `rest`, with {} for their number."""
    left = len(findings) - most
    if left <= 0:
        return list(findings)
    return [*findings[:most], Finding(findings[most].level, rest.format(left))]
