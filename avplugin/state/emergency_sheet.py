"""STATE/emergency_sheet.json: when an emergency sheet was made, and for which repositories."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from avplugin.state.files import StateError, read_json, write_json
from avplugin.state.moments import checked_moment


class EmergencySheet(NamedTuple):
    """The last sheet. `made` is in UTC, `repositories` are Borg's ids of those on it."""

    made: datetime.datetime
    repositories: frozenset[str]


def read_emergency_sheet(state: Path) -> EmergencySheet | None:
    """Return what is noted in the state folder; None if no sheet was made. Raise StateError."""
    document = read_json(_file(state))
    if document is None:
        return None
    try:
        made = checked_moment(document["made"])
        return EmergencySheet(
            made.astimezone(datetime.UTC), frozenset(str(one) for one in document["repositories"])
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise StateError(
            f"{_file(state)} is damaged.\nRemove it, and make the emergency sheet again:"
            " 'avplugin init --sheet'."
        ) from error


def note_emergency_sheet(state: Path, repositories: Iterable[str]) -> None:
    """Note that a sheet was made now, for the repositories with these ids. Raise StateError.

    Those on an earlier sheet stay noted: their keys are the same for as long as they exist.
    """
    try:
        earlier = read_emergency_sheet(state)
    except StateError:
        earlier = None  # it is written anew
    listed = sorted({*repositories, *(earlier.repositories if earlier else ())})
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    write_json(_file(state), {"made": now, "repositories": listed})


def _file(state: Path) -> Path:
    return state / "emergency_sheet.json"
