"""What the runs of a set came to: STATE/SET/outcomes.json, one entry a night as a rule."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from avplugin.state.files import StateError, read_json, write_json
from avplugin.state.moments import as_moment

CLEAN = "clean"
UNCHANGED = "unchanged"  # nothing to store since the last clean snapshot
UNVERIFIED = "unverified"
NOT_NOW = "not now"  # somebody is in
FAILED = "failed"

GOOD = frozenset({CLEAN, UNCHANGED})

_KEPT = 2000  # more than a year of nights, of several repositories
_ONE_NIGHT = datetime.timedelta(hours=12)
_REPEATED = frozenset({NOT_NOW, UNCHANGED, FAILED})
_TEXTS = ("run", "repository", "repository_id", "started", "ended", "status", "archive")
_NUMBERS = ("folders", "files", "size")
_LISTS = ("reasons", "left_out", "in_use", "people", "changed", "gone")


def _is_number(value: object) -> bool:
    return type(value) is int and abs(value) < 2**63


# What the values of an entry have to be, where it has them; what other versions wrote is no matter.
_IS_RIGHT: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(_TEXTS, lambda value: isinstance(value, str)),
    **dict.fromkeys((*_NUMBERS, "starts"), lambda value: _is_number(value) and value >= 0),
    **dict.fromkeys(("new", "repository_size"), lambda value: value is None or _is_number(value)),
    **dict.fromkeys(
        _LISTS,
        lambda value: isinstance(value, list) and all(isinstance(one, str) for one in value),
    ),
    "attended": lambda value: isinstance(value, bool),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to. Times are ISO 8601 in UTC, sizes bytes.

    `status` is one of the words above. `starts` is how many starts it stands for: borgmatic may try
    every ten minutes whether the last user has left. `attended` says that somebody started it at a
    terminal. What was not known is None.
    """

    run: str
    repository: str
    repository_id: str
    started: str
    ended: str
    status: str
    archive: str = ""
    reasons: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()  # each folder that is not in it, with the reason
    in_use: tuple[str, ...] = ()  # the same, where the reason is that somebody was in
    people: tuple[str, ...] = ()  # who that was, each once
    changed: tuple[str, ...] = ()  # labels of folders that the last clean snapshot had otherwise
    gone: tuple[str, ...] = ()  # labels of folders that it had, and that are known no more
    folders: int = 0
    files: int = 0
    size: int = 0
    new: int | None = None  # by how much the repository grew for it
    repository_size: int | None = None  # of all archives together, as stored
    attended: bool = False
    starts: int = 1

    @property
    def moment(self) -> str:
        """Up to when it saw what people had written; ISO 8601 in UTC."""
        return self.started if self.status == CLEAN else self.ended

    @property
    def begun(self) -> datetime.datetime | None:
        """When it began; None if that is no moment."""
        return as_moment(self.started)

    @property
    def finished(self) -> datetime.datetime | None:
        """When it ended; None if that is no moment."""
        return as_moment(self.ended)

    @property
    def seen(self) -> datetime.datetime | None:
        """`moment` as one; None if it is none."""
        return as_moment(self.moment)

    @property
    def missing(self) -> frozenset[str]:
        """The labels of the folders that are not in it, for whatever reason."""
        return frozenset(line.partition(": ")[0] for line in (*self.left_out, *self.in_use))

    @property
    def is_good(self) -> bool:
        """Whether behind it all that could be stored was in a clean snapshot."""
        return self.status in GOOD


class Known(NamedTuple):
    """What the file says, oldest first; `lost` is how many entries cannot be understood."""

    outcomes: list[Outcome]
    lost: int


class OutcomesFile:
    """STATE/SET/outcomes.json; only the last outcomes are kept."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "outcomes.json"

    def read(self) -> Known:
        """Return what the runs so far came to. Raise StateError if that cannot be read."""
        entries = self._entries()
        outcomes = [one for one in map(_outcome, entries) if one is not None]
        return Known(outcomes, len(entries) - len(outcomes))

    def add(self, outcome: Outcome) -> None:
        """Add what a run came to; one that says the same as the last one is counted with it.

        What cannot be understood stays: it may be of a newer version. Raise StateError.
        """
        entries = self._entries()
        for place in reversed(range(len(entries))):
            last = _outcome(entries[place])
            if last is None or last.repository != outcome.repository:
                continue
            if _says_the_same(last, outcome):
                entries[place] = dataclasses.asdict(_joined(last, outcome))
                break
            entries.append(dataclasses.asdict(outcome))
            break
        else:
            entries.append(dataclasses.asdict(outcome))
        write_json(self.path, entries[-_KEPT:])

    def _entries(self) -> list[Any]:
        document = read_json(self.path)
        if document is not None and not isinstance(document, list):
            raise StateError(
                f"{self.path} is damaged.\n"
                "Remove it: snapshots are as good without it, but what each night came to is lost."
            )
        return document or []


def last_good(outcomes: Sequence[Outcome], repository: str, repository_id: str) -> Outcome | None:
    """Return the newest good outcome in a repository, None if there is none.

    Another repository can lie at the same path, as on disks that take turns; an empty id is one
    that could not be known, and fits any.
    """
    for outcome in reversed(outcomes):
        same = not repository_id or outcome.repository_id in {repository_id, ""}
        if outcome.repository == repository and same and outcome.is_good:
            return outcome
    return None


def _says_the_same(last: Outcome, now: Outcome) -> bool:
    """Return whether an outcome belongs to the last one of its repository: same night, same word.

    Why somebody's presence puts a set off changes by the minute; why a run fails should be seen.
    """
    if last.status != now.status or now.status not in _REPEATED or now.attended != last.attended:
        return False
    if (last.archive, last.left_out) != (now.archive, now.left_out):
        return False
    if now.status == FAILED and last.reasons != now.reasons:
        return False
    if now.begun is None or last.begun is None:
        return False
    return datetime.timedelta() <= now.begun - last.begun < _ONE_NIGHT


def _joined(last: Outcome, now: Outcome) -> Outcome:
    in_use = {line.partition(": ")[0]: line for line in (*last.in_use, *now.in_use)}
    return dataclasses.replace(
        now,
        started=last.started,
        people=tuple(dict.fromkeys((*last.people, *now.people))),
        in_use=tuple(in_use.values()),
        starts=last.starts + now.starts,
    )


def _outcome(entry: Any) -> Outcome | None:
    """Return an outcome that any version of avplugin wrote: what it lacks is empty.

    An old or newer file must not be in the way of a restore. None if it cannot be understood.
    """
    if not isinstance(entry, dict):
        return None
    values = {name: value for name, value in entry.items() if name in _IS_RIGHT}
    if not all(_IS_RIGHT[name](value) for name, value in values.items()):
        return None
    values |= {name: tuple(values[name]) for name in _LISTS if name in values}
    return Outcome(**{**dict.fromkeys(_TEXTS, ""), **values})
