"""The status for Prometheus: a file for node_exporter's textfile collector.

Source: Prometheus, Exposition formats, Text-based format.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence

from avplugin.state.outcomes import CLEAN, FAILED, NOT_NOW, UNCHANGED, UNVERIFIED
from avplugin.status.attention import Attention
from avplugin.status.model import RepositoryStatus, Status

_STATUSES = (CLEAN, UNCHANGED, UNVERIFIED, NOT_NOW, FAILED)

_Sample = tuple[Mapping[str, str], float | None]


def metrics(status: Status, items: Sequence[Attention]) -> str:
    """Return the status as metrics. Times are seconds since 1970, sizes bytes.

    What is not known is left out. `items` are what somebody has to look at.
    """
    repositories = status.repositories
    now = status.moment.timestamp()

    def per(values: Iterable[float | None]) -> list[_Sample]:
        return [(_labels(one), value) for one, value in zip(repositories, values, strict=True)]

    good = [_seconds(one.good) for one in repositories]
    held = [None if one.held is None else len(one.held) for one in repositories]
    due = [_seconds(one.due) for one in repositories]
    parts = [
        _metric("attention", "How many things somebody has to look at.", [({}, len(items))]),
        _metric("status_timestamp_seconds", "When this was written.", [({}, now)]),
        _metric(
            "last_clean_timestamp_seconds",
            "When the last clean snapshot was begun.",
            per(_seconds(one.clean) for one in repositories),
        ),
        _metric(
            "last_good_timestamp_seconds",
            "Up to when a clean snapshot is known to hold all there was.",
            per(good),
        ),
        _metric(
            "last_good_age_seconds",
            "How long ago that was when this was written.",
            per(None if moment is None else max(0.0, now - moment) for moment in good),
        ),
        _metric("due_timestamp_seconds", "When the next backup is due.", per(due)),
        _metric(
            "overdue",
            "1 if there is no new clean snapshot though one was due for too long.",
            per(float(one.overdue_since is not None) for one in repositories),
        ),
        _metric(
            "repository_bytes",
            "What all archives of the repository take together.",
            per(one.growth.size for one in repositories),
        ),
        _metric(
            "growth_week_bytes",
            "By how much the set made it grow in the last seven days.",
            per(one.growth.week for one in repositories),
        ),
        _metric("held_archives", "Archives that pruning must not touch.", per(held)),
        _metric(
            "brake",
            "1 if nothing is called clean because too much is gone or damaged.",
            per(float(one.braked is not None) for one in repositories),
        ),
        _metric(
            "last_outcome",
            "1 for what the last run came to.",
            [
                ({**_labels(one), "outcome": word}, float(one.last.status == word))
                for one in repositories
                if one.last is not None
                for word in _STATUSES
            ],
        ),
        _metric(
            "last_outcome_timestamp_seconds",
            "When the last run ended.",
            per(_ended(one) for one in repositories),
        ),
        _metric(
            "last_schedule_start_timestamp_seconds",
            "When a schedule last started borgmatic.",
            per(_seconds(one.last_start) for one in repositories),
        ),
        _metric(
            "last_drill_timestamp_seconds",
            "When a restore drill was last done.",
            per(_seconds(one.drills.last) for one in repositories),
        ),
        _metric(
            "drill_failures",
            "Folders that could not be restored when that was tried.",
            per(len(one.drills.failed) for one in repositories),
        ),
        _metric(
            "administrations",
            "Administrations in the newest snapshots.",
            [({}, len(status.administrations))],
        ),
        _metric(
            "administrations_with_trouble",
            "Those of them that are left out, in use, damaged or not proven.",
            [({}, sum(one.has_trouble for one in status.administrations))],
        ),
        _metric(
            "unregistered_folders",
            "Folders that look like administrations but are in no list.",
            [({}, len(status.unregistered))],
        ),
        _metric(
            "register_timestamp_seconds",
            "When the list of administrations was exported.",
            [({"file": one.file}, _seconds(one.exported)) for one in status.registers],
        ),
    ]
    return "".join(parts)


def _metric(name: str, meaning: str, samples: Iterable[_Sample]) -> str:
    lines = [
        f"avplugin_{name}{_label_text(labels)} {_number(value)}\n"
        for labels, value in samples
        if value is not None
    ]
    if not lines:
        return ""
    return f"# HELP avplugin_{name} {meaning}\n# TYPE avplugin_{name} gauge\n{''.join(lines)}"


def _labels(one: RepositoryStatus) -> dict[str, str]:
    return {"set": one.set.name, "repository": one.repository}


def _label_text(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    pairs = (f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{','.join(pairs)}}}"


def _escaped(value: str) -> str:
    text = value.encode("utf-8", "backslashreplace").decode("utf-8")
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:.3f}"


def _seconds(moment: datetime.datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _ended(one: RepositoryStatus) -> float | None:
    return None if one.last is None else _seconds(one.last.finished)
