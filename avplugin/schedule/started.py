"""Who has started this run: a schedule says so in the environment."""

from __future__ import annotations

import datetime
import os
from pathlib import Path

from avplugin.schedule.model import STARTED_BY
from avplugin.state.scheduled import note_start


def note_started_by(state: Path) -> None:
    """Note in the state folder that a schedule works, if one has started this.

    Raise StateError if the state folder cannot be written to.
    """
    scheduler = os.environ.get(STARTED_BY)
    if scheduler:
        note_start(state, scheduler, datetime.datetime.now(datetime.UTC))
