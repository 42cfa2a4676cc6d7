"""Since when which folders look like administrations but are in no list."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping
from pathlib import Path

from avplugin.state.files import StateError, read_json, write_json
from avplugin.state.moments import checked_moment


class UnregisteredFile:
    """STATE/unregistered.json: the folders, by path, as backups last saw them."""

    def __init__(self, state: Path) -> None:
        self._file = state / "unregistered.json"

    def read(self) -> Mapping[str, str]:
        """Return since when each folder has been there, ISO 8601 in UTC, by its path.

        Raise StateError if the file is damaged.
        """
        document = read_json(self._file) or {}
        try:
            for since in document.values():
                checked_moment(since)
        except (AttributeError, ValueError) as error:
            raise StateError(
                f"{self._file} is damaged.\n"
                "Remove it; avplugin makes it anew, and counts anew since when folders are there."
            ) from error
        return dict(document)

    def note(self, found: Collection[str], now: str) -> Mapping[str, str]:
        """Note which folders are there now (ISO 8601 in UTC); return since when each of them is.

        A damaged file is no reason for no backup: what it said is counted anew.
        """
        known: Mapping[str, str] = {}
        with contextlib.suppress(StateError):
            known = self.read()
        noted = {path: known.get(path, now) for path in found}
        if noted != known:
            write_json(self._file, noted)
        return noted
