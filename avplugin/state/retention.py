"""What the last prune of each repository of a set was to remove, what it did, and what is held."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from avplugin.borgmatic.process import Process, known_process
from avplugin.state.files import StateError, read_json, write_json
from avplugin.wording import some


@dataclasses.dataclass(frozen=True, slots=True)
class Reason:
    """Why an archive is held: for which folder, by its label, and why.

    The label is empty where nobody can tell what is in the archive.
    """

    label: str
    why: str


@dataclasses.dataclass(frozen=True, slots=True)
class Held:
    """An archive that pruning must not touch; the name ends in `.hold`."""

    archive: str
    reasons: tuple[Reason, ...]

    @property
    def why(self) -> str:
        """Why it is held, as it stands behind the name in a message; cut short if that is long."""
        labels: dict[str, list[str]] = {}
        for reason in self.reasons:
            labels.setdefault(reason.why, []).append(reason.label)
        told = []
        for why, each in labels.items():
            named = some(sorted(set(filter(None, each))))
            told.append(f"for {named} ({why})" if named else f"({why})")
        return some(told, 2)


@dataclasses.dataclass(frozen=True, slots=True)
class Pruning:
    """One prune of a set in one repository.

    `began` and `ended` are ISO 8601 in UTC; `ended` is empty until after-prune was there. Archives
    are known by name: `archives` are the clean ones that there were, held ones not among them,
    `condemned` those of them that Borg was to remove.
    """

    repository: str
    began: str
    archives: tuple[str, ...]
    condemned: tuple[str, ...]
    held: tuple[Held, ...]
    removed: tuple[str, ...] = ()
    ended: str = ""
    owner: Process | None = None  # the borgmatic that prunes

    def is_under_way(self, other_than: Process) -> bool:
        """Return whether another borgmatic than this one still prunes."""
        if self.ended or self.owner is None or self.owner == other_than:
            return False
        return self.owner.is_borgmatic()


class RetentionFile:
    """STATE/SET/retention.json: the last prune, by the id of the repository."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "retention.json"

    def last(self, repository_id: str) -> Pruning | None:
        """Return the last prune of the repository, ended or not; None if none is known.

        Raise StateError if the file is damaged.
        """
        try:
            entry = self._read().get(repository_id)
            return None if entry is None else _pruning(entry)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise self._damaged() from error

    def is_pruned_beside(self, owner: Process, repository_id: str = "") -> bool:
        """Return whether another borgmatic prunes the set at this moment.

        With `repository_id` only in that repository, else in any.

        Raise StateError if the file is damaged.
        """
        try:
            prunings = [
                _pruning(entry)
                for known_id, entry in self._read().items()
                if repository_id in {"", known_id}
            ]
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise self._damaged() from error
        return any(one.is_under_way(owner) for one in prunings)

    def note(self, repository_id: str, pruning: Pruning) -> None:
        """Note a prune that begins now, or has ended."""
        write_json(self._file, {**self._read(), repository_id: dataclasses.asdict(pruning)})

    def _read(self) -> dict[str, Any]:
        document = read_json(self._file)
        if document is not None and not isinstance(document, dict):
            raise self._damaged()
        return document or {}

    def _damaged(self) -> StateError:
        return StateError(
            f"{self._file} is damaged.\n"
            "Remove it: it only says what the last prune removed. The next one makes it anew."
        )


def _pruning(entry: Mapping[str, Any]) -> Pruning:
    """Return a prune; a key that a later version added is passed over."""
    names = {key: tuple(map(str, entry[key])) for key in ("archives", "condemned", "removed")}
    held = tuple(
        Held(
            str(one["archive"]),
            tuple(Reason(str(each["label"]), str(each["why"])) for each in one["reasons"]),
        )
        for one in entry["held"]
    )
    return Pruning(
        repository=str(entry["repository"]),
        began=str(entry["began"]),
        archives=names["archives"],
        condemned=names["condemned"],
        held=held,
        removed=names["removed"],
        ended=str(entry["ended"]),
        owner=known_process(entry["owner"]) if entry.get("owner") else None,
    )
