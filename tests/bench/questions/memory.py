"""How much memory does a night take?"""

from __future__ import annotations

from bench.answer import Answer, Table
from bench.bench import Bench
from bench.peers.borgmatic import WithDefaults


def ask(bench: Bench) -> Answer:
    """Answer with the largest process of the first copy, and of any night behind it."""
    played = bench.twenty_days()
    first = {name: [spent[0].memory] for name, spent in played.spent.items()}
    later = {
        name: [max(night.memory for night in spent[1:])] for name, spent in played.spent.items()
    }
    against = WithDefaults.name
    return Answer(
        [
            Table(
                f"First copy, memory of the largest process: {played.title}", "MB", against, first
            ),
            Table("A night, memory of the largest process", "MB", against, later),
        ]
    )
