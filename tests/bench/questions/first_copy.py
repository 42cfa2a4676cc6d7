"""How long does the first copy take, and how large is it?"""

from __future__ import annotations

from bench.answer import Answer, Table
from bench.bench import Bench
from bench.peers.borgmatic import WithDefaults


def ask(bench: Bench) -> Answer:
    """Answer from the first night of the working days."""
    played = bench.twenty_days()
    seconds = {name: [spent[0].seconds] for name, spent in played.spent.items()}
    sizes = {name: [size[0]] for name, size in played.sizes.items()}
    against = WithDefaults.name
    return Answer(
        [
            Table(f"First copy, time: {played.title}", "s", against, seconds),
            Table("First copy, size", "MB", against, sizes),
        ]
    )
