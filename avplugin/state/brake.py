"""In which repositories of a set the brake is on, and which losses were meant."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Container, Mapping
from pathlib import Path
from typing import Any, TypeVar

from avplugin.borgmatic.archive import HOLD
from avplugin.state.files import StateError, read_json, write_json

_Part = TypeVar("_Part")


@dataclasses.dataclass(frozen=True, slots=True)
class Loss:
    """What a folder has lost since its last clean copy.

    Of its `tables` then, `gone` are missing now; `damaged` are those that were sound then, by path
    without suffix. `is_missing` says that the folder itself is not there. `since` is the archive
    that has the last clean copy.
    """

    tables: int
    gone: int
    damaged: tuple[str, ...]
    since: str
    is_missing: bool = False

    @property
    def size(self) -> int:
        """How many tables are lost, in one way or the other."""
        return self.gone + len(self.damaged)

    def is_within(self, accepted: Loss | None) -> bool:
        """Return whether this and more was accepted, as lost since the same clean copy."""
        return (
            accepted is not None
            and self.since.removesuffix(HOLD) == accepted.since.removesuffix(HOLD)
            and self.gone <= accepted.gone
            and set(self.damaged) <= set(accepted.damaged)
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Braked:
    """Why the brake is on in one repository.

    `repository` is its name in messages, `since` ISO 8601 in UTC. `losses` are by label. `copy` is
    the last archive of these losses, which stayed unverified for no other reason; empty if there
    is none.
    """

    repository: str
    repository_id: str
    since: str
    reasons: tuple[str, ...]
    losses: Mapping[str, Loss]
    copy: str = ""


class BrakeFile:
    """STATE/SET/brake.json: by the path of each repository, why it is on and what was accepted."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "brake.json"

    def all_braked(self) -> dict[str, Braked]:
        """Return why the brake is on, by the path of the repository; empty if it is off."""
        found = {path: self._part(path, "braked", _braked) for path in self._read()}
        return {path: braked for path, braked in found.items() if braked is not None}

    def braked(self, repository: str) -> Braked | None:
        """Return why the brake is on in the repository with this path; None if it is off."""
        return self._part(repository, "braked", _braked)

    def put_on(self, repository: str, braked: Braked) -> None:
        """Note that the brake is on, and why."""
        self._write(repository, "braked", dataclasses.asdict(braked))

    def note_copy(self, repository: str, archive: str) -> None:
        """Note that this archive holds all as it is now, and only the brake is against it."""
        braked = self.braked(repository)
        if braked is not None:
            self.put_on(repository, dataclasses.replace(braked, copy=archive))

    def take_off(self, repository: str) -> None:
        """Note that the brake is off."""
        self._write(repository, "braked", None)

    def accepted(self, repository: str, repository_id: str) -> dict[str, Loss]:
        """Return which losses of this very repository were meant, by label."""
        known = self._part(repository, "accepted", _accepted)
        return known[1] if known is not None and known[0] == repository_id else {}

    def accept(self, repository: str) -> None:
        """Take the brake off: all it was put on for was meant."""
        braked = self.braked(repository)
        if braked is None:
            return
        losses = {label: dataclasses.asdict(loss) for label, loss in braked.losses.items()}
        entry = {"repository_id": braked.repository_id, "losses": losses}
        self._write(repository, "accepted", entry)
        self.take_off(repository)

    def forget_accepted(self, repository: str, keep: Container[str]) -> None:
        """Forget what was accepted, except for these labels: there is a new clean copy."""
        known = self._part(repository, "accepted", _accepted)
        if known is None:
            return
        left = {
            label: dataclasses.asdict(loss) for label, loss in known[1].items() if label in keep
        }
        entry = {"repository_id": known[0], "losses": left} if left else None
        self._write(repository, "accepted", entry)

    def _part(
        self, repository: str, key: str, make: Callable[[Mapping[str, Any]], _Part]
    ) -> _Part | None:
        try:
            entry = self._read().get(repository, {}).get(key)
            return None if entry is None else make(entry)
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
            raise self._damaged() from error

    def _write(self, repository: str, key: str, part: Any) -> None:
        document = self._read()
        entry = {**document.get(repository, {}), key: part}
        entry = {name: value for name, value in entry.items() if value is not None}
        changed = {**document, repository: entry}
        if not entry:
            del changed[repository]
        if changed != document:
            write_json(self._file, changed)

    def _read(self) -> dict[str, Any]:
        document = read_json(self._file)
        if document is None:
            return {}
        is_right = isinstance(document, dict) and all(
            isinstance(entry, dict) for entry in document.values()
        )
        if not is_right:
            raise self._damaged()  # else the brake would be off
        known: dict[str, Any] = document
        return known

    def _damaged(self) -> StateError:
        return StateError(
            f"{self._file} is damaged.\n"
            "Remove it and make a backup: that looks anew whether the brake has to be on."
        )


def _braked(entry: Mapping[str, Any]) -> Braked:
    return Braked(
        repository=str(entry["repository"]),
        repository_id=str(entry["repository_id"]),
        since=str(entry["since"]),
        reasons=tuple(str(reason) for reason in entry["reasons"]),
        losses=_losses(entry),
        copy=str(entry["copy"]),
    )


def _accepted(entry: Mapping[str, Any]) -> tuple[str, dict[str, Loss]]:
    return str(entry["repository_id"]), _losses(entry)


def _losses(entry: Mapping[str, Any]) -> dict[str, Loss]:
    return {
        label: Loss(
            tables=int(loss["tables"]),
            gone=int(loss["gone"]),
            damaged=tuple(str(table) for table in loss["damaged"]),
            since=str(loss["since"]),
            is_missing=bool(loss["is_missing"]),
        )
        for label, loss in entry["losses"].items()
    }
