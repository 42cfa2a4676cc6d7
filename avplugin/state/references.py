"""STATE/SET/references.json: what the tables of a set name that no configured folder covers."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from avplugin.state.files import StateError, read_json, write_json


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """A folder that a field of a table points into; `folder` and `names` as written there.

    `table` is relative to the folder it is in. `names` are the first few of `count` files.
    """

    table: str
    field: str
    folder: str
    names: tuple[str, ...]
    count: int


@dataclasses.dataclass(frozen=True, slots=True)
class Look:
    """The last look at the tables of one folder.

    `newest` is the latest change time (ns) of its tables and memos then.
    """

    path: str
    fingerprint: str
    newest: int
    places: tuple[Place, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Notes:
    """What is known: looks by label of the folder, and the places (keys) that were told."""

    looks: dict[str, Look] = dataclasses.field(default_factory=dict)
    told: frozenset[str] = frozenset()


class ReferenceFile:
    """STATE/SET/references.json, of the set whose state folder is given."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "references.json"

    def read(self) -> Notes:
        """Return what was noted; nothing if nothing was. Raise StateError if it is damaged."""
        document = read_json(self._file)
        if document is None:
            return Notes()
        try:
            looks = {label: _look(part) for label, part in document["looks"].items()}
            return Notes(looks, frozenset(str(key) for key in document["told"]))
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
            raise StateError(
                f"{self._file} is damaged.\nRemove it; avplugin makes it anew, and tells again what"
                " no configured folder covers."
            ) from error

    def write(self, notes: Notes) -> None:
        """Keep the notes. Raise StateError if that fails."""
        looks = {
            label: {
                "path": look.path,
                "fingerprint": look.fingerprint,
                "newest": look.newest,
                "places": [dataclasses.asdict(place) for place in look.places],
            }
            for label, look in notes.looks.items()
        }
        write_json(self._file, {"looks": looks, "told": sorted(notes.told)})


def _look(part: dict[str, Any]) -> Look:
    places = tuple(
        Place(
            str(place["table"]),
            str(place["field"]),
            str(place["folder"]),
            tuple(str(name) for name in place["names"]),
            int(place["count"]),
        )
        for place in part["places"]
    )
    return Look(str(part["path"]), str(part["fingerprint"]), int(part["newest"]), places)
