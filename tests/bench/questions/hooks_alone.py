"""What do avplugin's hooks take by themselves?"""

from __future__ import annotations

from bench.answer import Answer, Bar, Table
from bench.bench import Bench
from bench.nights import BARE

_JUDGED = (1000,)  # administrations
_SECONDS = 6.0
_MEGABYTES = 120.0
_BOTH = "both"


def ask(bench: Bench) -> Answer:
    """Answer from the nights in which a tenth of the administrations changed."""
    tables = []
    bars = []
    for count in bench.settings.nights_of:
        nights = bench.nights(count)
        seconds = {name: [one.seconds for one in each] for name, each in nights.hooks.items()}
        seconds[_BOTH] = [sum(pair) for pair in zip(*seconds.values(), strict=True)]
        seconds["before-backup, nothing changed"] = [one.seconds for one in nights.unchanged_hook]
        bare_night = f"a night of {BARE}"
        seconds[bare_night] = [night.seconds for night in nights.changed[BARE]]
        processor = {name: [one.processor for one in each] for name, each in nights.hooks.items()}
        processor[bare_night] = [night.processor for night in nights.changed[BARE]]
        memory = {name: [one.memory for one in each] for name, each in nights.hooks.items()}
        memory[bare_night] = [night.memory for night in nights.changed[BARE]]
        time = Table(f"The hooks alone: {nights.title}", "s", bare_night, seconds)
        space = Table("The hooks alone, largest process", "MB", bare_night, memory)
        tables += [
            time,
            Table("The hooks alone, processor time", "s", bare_night, processor),
            space,
        ]
        if count in _JUDGED:
            largest = max(space.median(name) for name in nights.hooks) / 1e6
            bars += [
                Bar(f"both hooks, {count} administrations", _SECONDS, time.median(_BOTH), "s"),
                Bar(f"memory of the hooks, {count} administrations", _MEGABYTES, largest, "MB"),
            ]
    return Answer(tables, bars)
