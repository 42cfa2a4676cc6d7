"""How long does a restore of one administration take, against a bare `borg extract`?"""

from __future__ import annotations

from pathlib import Path

from bench.answer import Answer, Bar, Table
from bench.bench import Bench
from bench.in_turn import seconds_of
from bench.peers.borgmatic import WithAvplugin
from bench.restores import BORG, measure_restores

_SIZES = (36_000_000, 400_000_000)  # bytes
_MOST = 1.25


def ask(bench: Bench) -> Answer:
    """Restore the only administration of an office, of each size, both ways in turn."""
    tables = []
    bars = []
    for size in [bench.settings.size] if bench.settings.size else _SIZES:
        megabytes = round(size / 1e6)
        bench.say(f"restoring an administration of {megabytes} MB")
        table = _measure(bench, bench.folder / f"restore-{megabytes}", size)
        tables.append(table)
        what = f"restore of {megabytes} MB against {BORG}"
        bars.append(Bar(what, _MOST, table.ratio(WithAvplugin.name)))
    return Answer(tables, bars)


def _measure(bench: Bench, folder: Path, size: int) -> Table:
    spent = measure_restores(bench, folder, administrations=1, size=size)
    return Table(
        f"Restore of one administration of {size / 1e6:.0f} MB to a new folder",
        "s",
        BORG,
        seconds_of(spent),
    )
