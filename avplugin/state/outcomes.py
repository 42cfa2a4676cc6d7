"""What the runs of a set came to: STATE/SET/outcomes.json, one entry a night as a rule."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from avplugin.state.files import StateError, read_json, write_json

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


def as_moment(text: str) -> datetime.datetime | None:
    """Return the moment that ISO 8601 text with a zone stands for; None if it is none."""
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


class OutcomesFile:
    """STATE/SET/outcomes.json; only the last outcomes are kept."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "outcomes.json"

    def read(self) -> list[Outcome]:
        """Return what the runs so far came to, oldest first.

        Raise StateError if that cannot be read.
        """
        known = read_json(self.path) or []
        try:
            return [_outcome(entry) for entry in known if isinstance(entry, dict)]
        except (TypeError, ValueError) as error:
            raise StateError(
                f"{self.path} is damaged.\n"
                "Remove it: snapshots are as good without it, but what each night came to is lost."
            ) from error

    def add(self, outcome: Outcome) -> None:
        """Add what a run came to; one that says the same as the last one is counted with it."""
        known = read_json(self.path) or []
        place = next(
            (
                at
                for at in reversed(range(len(known)))
                if known[at].get("repository") == outcome.repository
            ),
            None,
        )
        last = None if place is None else _outcome(known[place])
        if place is not None and last is not None and _says_the_same(last, outcome):
            known[place] = dataclasses.asdict(_joined(last, outcome))
        else:
            known.append(dataclasses.asdict(outcome))
        write_json(self.path, known[-_KEPT:])


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
    try:
        passed = _moment(now.started) - _moment(last.started)
    except (TypeError, ValueError):
        return False
    return datetime.timedelta() <= passed < _ONE_NIGHT


def _joined(last: Outcome, now: Outcome) -> Outcome:
    in_use = {line.partition(":")[0]: line for line in (*last.in_use, *now.in_use)}
    return dataclasses.replace(
        now,
        started=last.started,
        people=tuple(dict.fromkeys((*last.people, *now.people))),
        in_use=tuple(in_use.values()),
        starts=last.starts + now.starts,
    )


def _moment(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text)


def _outcome(entry: dict[str, Any]) -> Outcome:
    """Return an outcome that any version of avplugin wrote: what it lacks is empty.

    An old or newer file must not be in the way of a restore.
    """
    values: dict[str, Any] = {name: entry.get(name, "") for name in _TEXTS}
    values |= {name: entry.get(name, 0) for name in _NUMBERS}
    values |= {name: tuple(entry.get(name) or ()) for name in _LISTS}
    values |= {name: entry.get(name) for name in ("new", "repository_size")}
    return Outcome(
        **values, attended=bool(entry.get("attended")), starts=int(entry.get("starts") or 1)
    )
