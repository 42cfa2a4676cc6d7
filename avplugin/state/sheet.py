"""When the emergency sheet was last made, and for which repositories."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from avplugin.state.files import StateError, read_json, write_json


class SheetMade(NamedTuple):
    """An emergency sheet that was made, with the ids of the repositories on it."""

    time: datetime.datetime
    repositories: tuple[str, ...]


def note_sheet(state: Path, time: datetime.datetime, repositories: Sequence[str]) -> None:
    """Note that a sheet was made. Raise StateError if that fails."""
    write_json(_file(state), {"time": time.isoformat(), "repositories": list(repositories)})


def last_sheet(state: Path) -> SheetMade | None:
    """Return what was noted last, None if nothing was. Raise StateError if it is damaged."""
    document = read_json(_file(state))
    if document is None:
        return None
    try:
        time = datetime.datetime.fromisoformat(document["time"]).astimezone()
        return SheetMade(time, tuple(map(str, document["repositories"])))
    except (TypeError, KeyError, ValueError) as error:
        raise StateError(
            f"{_file(state)} is damaged.\nRemove it; 'avplugin init --sheet' makes it anew."
        ) from error


def _file(state: Path) -> Path:
    return state / "emergency-sheet.json"
