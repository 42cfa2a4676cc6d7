"""What does a night take in which nothing changed, against the same borgmatic without hooks?"""

from __future__ import annotations

from bench.answer import Answer, Bar, Table
from bench.bench import Bench
from bench.nights import AVPLUGIN, BARE

_MOST = 0.2
_JUDGED = (1000,)  # administrations


def ask(bench: Bench) -> Answer:
    """Answer from quiet nights."""
    tables = []
    bars = []
    for count in bench.settings.nights_of:
        nights = bench.nights(count)
        seconds = {
            name: [night.seconds for night in each] for name, each in nights.unchanged.items()
        }
        table = Table(f"A night in which nothing changed: {nights.title}", "s", BARE, seconds)
        processor = {
            name: [night.processor for night in each] for name, each in nights.unchanged.items()
        }
        grown = Table("What it adds to the repository", "MB", BARE, nights.unchanged_growth)
        tables += [table, Table("The same, processor time", "s", BARE, processor), grown]
        if count in _JUDGED:
            what = f"a night in which nothing changed against no hooks, {count} administrations"
            bars.append(Bar(what, _MOST, table.ratio(AVPLUGIN)))
    return Answer(tables, bars)
