"""What the bench can be asked. A question is one module here, named after what it asks.

It has a docstring of one line and `ask(bench: Bench) -> Answer`, and stands in QUESTIONS.
"""

from __future__ import annotations

from typing import Protocol

from bench.answer import Answer
from bench.bench import Bench
from bench.questions import (
    calibration,
    chunkers,
    compaction,
    export,
    first_copy,
    growth,
    hooks_alone,
    import_package,
    memory,
    metadata,
    nothing_changed,
    restore,
    restore_among_many,
    round_trips,
    snapshots,
    start,
    time_per_night,
    whole_night,
)


class Question(Protocol):
    """What a module here is."""

    __doc__: str | None

    def ask(self, bench: Bench) -> Answer:
        """Measure it."""


QUESTIONS: dict[str, Question] = {
    "first_copy": first_copy,
    "time_per_night": time_per_night,
    "growth": growth,
    "memory": memory,
    "whole_night": whole_night,
    "nothing_changed": nothing_changed,
    "hooks_alone": hooks_alone,
    "restore": restore,
    "snapshots": snapshots,
    "start": start,
}
# These take long, and are asked by name only.
ON_REQUEST: dict[str, Question] = {
    "calibration": calibration,
    "chunkers": chunkers,
    "compaction": compaction,
    "export": export,
    "import_package": import_package,
    "metadata": metadata,
    "restore_among_many": restore_among_many,
    "round_trips": round_trips,
}
