"""Since when which folders have no new clean copy because somebody is in."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from avplugin.state.files import StateError, read_json, write_json
from avplugin.state.moments import checked_moment

WHOLE_SET = ""  # stands for a label where the whole set was put off


@dataclasses.dataclass(frozen=True, slots=True)
class Waiting:
    """One folder, or a whole set, that waits. Times are ISO 8601 in UTC.

    `copied` is when a copy was made all the same, which is not clean; empty if none was.
    """

    since: str
    who: str
    copied: str = ""

    def is_overdue(self, now: datetime.datetime, limit: float) -> bool:
        """Return whether it has waited longer than `limit` seconds."""
        return has_passed(self.since, now, limit)

    def wants_copy(self, now: datetime.datetime, limit: float) -> bool:
        """Return whether it is overdue, and so is the copy that was made all the same."""
        return self.is_overdue(now, limit) and (
            not self.copied or has_passed(self.copied, now, limit)
        )


class WaitingList:
    """STATE/SET/waiting.json: who waits in each repository of a set."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "waiting.json"

    def entries(self, repository: str) -> dict[str, Waiting]:
        """Return what waits, by label."""
        try:
            known = self._read().get(repository, {})
            return {
                label: Waiting(
                    _checked(entry["since"] or "never"),
                    str(entry["who"]),
                    _checked(entry["copied"]),
                )
                for label, entry in known.items()
            }
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise StateError(
                f"{self._file} is damaged.\n"
                "Remove it; avplugin makes it anew, and counts anew since when folders wait."
            ) from error

    def note(self, repository: str, who: Mapping[str, str], now: str) -> None:
        """Note that these labels wait from now on, or still, and because of whom."""
        if not who:
            return
        entries = self.entries(repository)
        for label, reason in who.items():
            known = entries.get(label)
            entries[label] = (
                dataclasses.replace(known, who=reason) if known else Waiting(now, reason)
            )
        self._write(repository, entries)

    def note_copied(self, repository: str, labels: Iterable[str], now: str) -> None:
        """Note that a copy of these was made all the same."""
        entries = self.entries(repository)
        for label in set(labels) & entries.keys():
            entries[label] = dataclasses.replace(entries[label], copied=now)
        self._write(repository, entries)

    def clear(self, repository: str, labels: Iterable[str]) -> None:
        """Forget these labels: there is a clean copy."""
        entries = self.entries(repository)
        left = {label: entry for label, entry in entries.items() if label not in set(labels)}
        if left != entries:
            self._write(repository, left)

    def _write(self, repository: str, entries: Mapping[str, Waiting]) -> None:
        document = self._read()
        document[repository] = {
            label: dataclasses.asdict(entry) for label, entry in entries.items()
        }
        write_json(self._file, document)

    def _read(self) -> dict[str, Any]:
        document: dict[str, Any] = read_json(self._file) or {}
        return document


def _checked(moment: str) -> str:
    """Return the moment if it is one, with a time zone, or empty.

    Raise ValueError if it is none.
    """
    return checked_moment(moment).isoformat() if moment != "" else ""


def has_passed(moment: str, now: datetime.datetime, limit: float) -> bool:
    """Return whether `limit` seconds have passed since the moment (ISO 8601, with its zone).

    One in the future is a clock that was wrong; it counts as long ago.
    """
    passed = (now - datetime.datetime.fromisoformat(moment)).total_seconds()
    return passed >= limit or passed < 0
