"""Of which night the outcome was mailed last: STATE/mailed.json."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator
from pathlib import Path

from avplugin.state.files import StateError, locked, read_json, write_json


class MailedFile:
    """STATE/mailed.json: the last night that was told, by the day on which it began."""

    def __init__(self, state: Path) -> None:
        self._file = state / "mailed.json"
        self._lock = state / "mailed.lock"

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the lock for the time of the block; raise Locked if another one sends just now."""
        with locked(self._lock, wait=False):
            yield

    def last(self) -> datetime.date | None:
        """Return the last night that was told; None if none was.

        Raise StateError if that cannot be read.
        """
        document = read_json(self._file)
        if document is None:
            return None
        try:
            return datetime.date.fromisoformat(document["night"])
        except (KeyError, TypeError, ValueError) as error:
            raise StateError(
                f"{self._file} is damaged.\nRemove it; the next night is mailed as always."
            ) from error

    def note(self, night: datetime.date, sent: str) -> None:
        """Note that a night was told, at this moment (ISO 8601 in UTC).

        `sent` is empty for a night before there was anybody to tell.
        """
        write_json(self._file, {"night": night.isoformat(), "sent": sent})
