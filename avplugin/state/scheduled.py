"""When a schedule last started a night: the proof that it does, with nobody at the keyboard."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import NamedTuple

from avplugin.state.files import StateError, read_json, write_json


class ScheduledStart(NamedTuple):
    """The last start of a backup by `scheduler`: cron, systemd or task-scheduler."""

    scheduler: str
    time: datetime.datetime


def note_start(state: Path, scheduler: str, time: datetime.datetime) -> None:
    """Note that this scheduler has started a backup. Raise StateError if that fails."""
    write_json(_file(state), {"scheduler": scheduler, "time": time.isoformat()})


def last_start(state: Path) -> ScheduledStart | None:
    """Return the last start, None if there was none. Raise StateError if the file is damaged."""
    document = read_json(_file(state))
    if document is None:
        return None
    try:
        time = datetime.datetime.fromisoformat(document["time"])
        return ScheduledStart(str(document["scheduler"]), time.astimezone())
    except (TypeError, KeyError, ValueError) as error:
        raise StateError(
            f"{_file(state)} is damaged.\nRemove it; the next start by the schedule makes it anew."
        ) from error


def _file(state: Path) -> Path:
    return state / "scheduled.json"
