"""How long does a night take?"""

from __future__ import annotations

from bench.answer import Answer, Table
from bench.bench import Bench
from bench.peers.borgmatic import WithDefaults


def ask(bench: Bench) -> Answer:
    """Answer from the nights behind the first."""
    played = bench.twenty_days()
    seconds = {name: [night.seconds for night in each[1:]] for name, each in played.spent.items()}
    processor = {
        name: [night.processor for night in each[1:]] for name, each in played.spent.items()
    }
    against = WithDefaults.name
    return Answer(
        [
            Table(f"A night, time: {played.title}", "s", against, seconds),
            Table("A night, processor time", "s", against, processor),
        ]
    )
