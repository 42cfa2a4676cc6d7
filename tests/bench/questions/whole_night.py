"""What does a night with avplugin take, against the same borgmatic without hooks?"""

from __future__ import annotations

from bench.answer import Answer, Bar, Table
from bench.bench import Bench
from bench.nights import AVPLUGIN, BARE

_MOST = 1.25
_JUDGED = (200, 1000)  # administrations


def ask(bench: Bench) -> Answer:
    """Answer from nights in which a tenth of the administrations changed."""
    tables = []
    bars = []
    for count in bench.settings.nights_of:
        nights = bench.nights(count)
        seconds = {name: [night.seconds for night in each] for name, each in nights.changed.items()}
        processor = {
            name: [night.processor for night in each] for name, each in nights.changed.items()
        }
        table = Table(f"A whole night, a tenth changed: {nights.title}", "s", BARE, seconds)
        tables += [
            table,
            Table("The same, processor time", "s", BARE, processor),
            Table("What it adds to the repository", "MB", BARE, nights.growth),
        ]
        if count in _JUDGED:
            what = f"a whole night against no hooks, {count} administrations"
            bars.append(Bar(what, _MOST, table.ratio(AVPLUGIN)))
    return Answer(tables, bars)
