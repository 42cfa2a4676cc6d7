"""What restore drills have come to: which versions of which folders were proven, and which not."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from avplugin.state.catalogue import folder_key
from avplugin.state.files import StateError, locked, read_json, write_json
from avplugin.state.manifest import FolderManifest
from avplugin.state.moments import checked_moment

KEPT_VERSIONS = 20  # of each folder in each repository

DRILL, HELD = "drill", "held"  # what a check is followed by


@dataclasses.dataclass(frozen=True, slots=True)
class Drilled:
    """What came of extracting one version of a folder.

    A version is known by its fingerprint and list digest, which are the same in every archive that
    holds it. `archive` is the one it came out of, by its name without `.hold`, and `taken` when
    that was begun. `failure` says why it was not proven; empty if it was.
    """

    label: str
    when: datetime.datetime
    archive: str
    taken: datetime.datetime
    fingerprint: str
    list_digest: str
    files: int = 0
    bytes: int = 0
    tables: int = 0
    records: int = 0
    failure: str = ""

    @property
    def version(self) -> tuple[str, str]:
        """What the version is known by."""
        return self.fingerprint, self.list_digest


@dataclasses.dataclass(frozen=True, slots=True)
class FolderDrills:
    """What came of one folder in one repository: one outcome for each version, oldest first."""

    outcomes: tuple[Drilled, ...] = ()

    @property
    def proven(self) -> Drilled | None:
        """The last one that was proven."""
        return next((one for one in reversed(self.outcomes) if not one.failure), None)

    @property
    def failure(self) -> Drilled | None:
        """The last failure that stands: neither that version nor a newer was proven since."""
        proven_since: list[datetime.datetime] = []
        for one in reversed(self.outcomes):
            if not one.failure:
                proven_since.append(one.taken)
            elif not any(taken >= one.taken for taken in proven_since):
                return one
        return None

    def of_version(self, part: FolderManifest) -> Drilled | None:
        """Return what came of this version of the folder; None if it was never drilled."""
        version = part.fingerprint, part.list_digest
        return next((one for one in self.outcomes if one.version == version), None)

    def and_then(self, drilled: Drilled) -> FolderDrills:
        """Return this with one more outcome, the last of its version."""
        others = [one for one in self.outcomes if one.version != drilled.version]
        return FolderDrills((*others, drilled)[-KEPT_VERSIONS:])


_NONE = FolderDrills()


@dataclasses.dataclass(slots=True)
class _Part:
    """What is known of one series in one repository.

    `folders` are by the key of their label. `path` is where the repository was when something that
    was due was done last.
    """

    folders: dict[str, FolderDrills] = dataclasses.field(default_factory=dict)
    done: dict[str, datetime.datetime] = dataclasses.field(default_factory=dict)
    path: str = ""


_EMPTY = _Part()
_Parts = dict[tuple[str, str], _Part]  # by repository id and series


class KnownDrills:
    """All that is known, by repository id, series and folder."""

    def __init__(self, parts: _Parts) -> None:
        self._parts = parts

    def folder(self, repository_id: str, series: str, label: str) -> FolderDrills:
        """Return what came of a folder."""
        part = self._parts.get((repository_id, series), _EMPTY)
        return part.folders.get(folder_key(label), _NONE)

    def everywhere(self, label: str) -> FolderDrills:
        """Return what came of a folder in whichever repository: the worst, if it failed in one."""
        key = folder_key(label)
        found = [part.folders[key] for part in self._parts.values() if key in part.folders]
        failed = [one for one in found if one.failure is not None]
        return max(failed or found, key=_last_proven, default=_NONE)

    def has_failures(self, repository_id: str, series: str) -> bool:
        """Return whether any failure stands."""
        part = self._parts.get((repository_id, series), _EMPTY)
        return any(one.failure is not None for one in part.folders.values())

    def by_folder(self, repository_id: str, series: str) -> Mapping[str, FolderDrills]:
        """Return what came of the folders of a series that were drilled, by the key of a label."""
        return self._parts.get((repository_id, series), _EMPTY).folders

    def of_series(self, repository_id: str, series: str) -> tuple[FolderDrills, ...]:
        """Return what came of each folder of a series."""
        return tuple(self._parts.get((repository_id, series), _EMPTY).folders.values())

    def last_done(self, repository_id: str, series: str, what: str) -> datetime.datetime | None:
        """Return when the last DRILL, or check of HELD archives, was done; None if never."""
        return self._parts.get((repository_id, series), _EMPTY).done.get(what)

    def repository_at(self, path: str, series: str) -> str:
        """Return the id of the repository that was at this path last; empty if none was."""
        found = [
            (max(part.done.values()), repository_id)
            for (repository_id, name), part in self._parts.items()
            if name == series and part.path == path and part.done
        ]
        return max(found)[1] if found else ""


class DrillsFile:
    """STATE/drills.json; every change is made under a lock, and all or nothing."""

    def __init__(self, state: Path) -> None:
        self._file = state / "drills.json"
        self._lock = state / "drills.lock"

    def read(self) -> KnownDrills:
        """Return what is known. Raise StateError if the file is damaged."""
        return KnownDrills(self._read())

    def add(self, repository_id: str, series: str, outcomes: Iterable[Drilled]) -> None:
        """Add what came of some folders."""
        with self._changing(repository_id, series) as part:
            for drilled in outcomes:
                key = folder_key(drilled.label)
                part.folders[key] = part.folders.get(key, _NONE).and_then(drilled)

    def note_done(
        self, repository_id: str, series: str, what: str, when: datetime.datetime, path: str
    ) -> None:
        """Note that the DRILL, or the check of HELD archives, that was due is done.

        `path` is where the repository is now.
        """
        with self._changing(repository_id, series) as part:
            part.done[what] = when
            part.path = path

    def forget_failures_but(
        self, repository_id: str, series: str, there: Mapping[str, Collection[tuple[str, str]]]
    ) -> None:
        """Forget failures of versions that no archive holds any more.

        `there` has the versions that are in archives, by the key of the folder's label.
        """
        with self._changing(repository_id, series) as part:
            for key, folder in part.folders.items():
                left = [
                    one
                    for one in folder.outcomes
                    if not one.failure or one.version in there.get(key, ())
                ]
                part.folders[key] = FolderDrills(tuple(left))

    @contextlib.contextmanager
    def _changing(self, repository_id: str, series: str) -> Iterator[_Part]:
        """Yield the part of a series to be changed; it is written when the block ends well."""
        with locked(self._lock):
            parts = self._read()
            yield parts.setdefault((repository_id, series), _Part())
            document: dict[str, dict[str, Any]] = {}
            for (other_id, name), part in parts.items():
                document.setdefault(other_id, {})[name] = _to_json(part)
            write_json(self._file, document)

    def _read(self) -> _Parts:
        document = read_json(self._file) or {}
        try:
            return {
                (repository_id, series): _from_json(part)
                for repository_id, by_series in document.items()
                for series, part in by_series.items()
            }
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
            raise StateError(
                f"{self._file} is damaged, or another version of avplugin wrote it.\n"
                "Remove it; avplugin makes it anew, and proves all folders again, one by one."
            ) from error


def _last_proven(folder: FolderDrills) -> str:
    return folder.proven.when.isoformat() if folder.proven is not None else ""


def _to_json(part: _Part) -> dict[str, Any]:
    return {
        "path": part.path,
        "done": {what: when.isoformat() for what, when in part.done.items()},
        "folders": {
            key: [_drilled_to_json(one) for one in folder.outcomes]
            for key, folder in part.folders.items()
            if folder.outcomes
        },
    }


def _from_json(part: Mapping[str, Any]) -> _Part:
    """Return a part; a key that a later version added is passed over."""
    return _Part(
        {
            key: FolderDrills(tuple(_drilled_from_json(one) for one in outcomes))
            for key, outcomes in part["folders"].items()
        },
        {what: checked_moment(when) for what, when in part["done"].items()},
        str(part["path"]),
    )


def _drilled_to_json(drilled: Drilled) -> dict[str, Any]:
    document = dataclasses.asdict(drilled)
    return {**document, "when": drilled.when.isoformat(), "taken": drilled.taken.isoformat()}


def _drilled_from_json(entry: Mapping[str, Any]) -> Drilled:
    texts = ("label", "archive", "fingerprint", "list_digest", "failure")
    numbers = ("files", "bytes", "tables", "records")
    values: dict[str, Any] = {name: str(entry[name]) for name in texts}
    values |= {name: int(entry[name]) for name in numbers}
    return Drilled(
        **values, when=checked_moment(entry["when"]), taken=checked_moment(entry["taken"])
    )
