"""How long does a restore of one administration take, against a bare `borg extract`?"""

from __future__ import annotations

import shutil
from pathlib import Path

from bench.answer import Answer, Bar, Table
from bench.bench import Bench
from bench.in_turn import in_turn, seconds_of
from bench.office import BenchOffice
from bench.peers.borgmatic import WithAvplugin

_SIZES = (36_000_000, 400_000_000)  # bytes
_ROUNDS = 5
_MOST = 1.25
_BORG = "borg extract"


def ask(bench: Bench) -> Answer:
    """Restore the only administration of an office, of each size, both ways in turn."""
    tables = []
    bars = []
    for size in [bench.settings.size] if bench.settings.size else _SIZES:
        megabytes = round(size / 1e6)
        bench.say(f"restoring an administration of {megabytes} MB")
        table = _measure(bench, bench.folder / f"restore-{megabytes}", size)
        tables.append(table)
        what = f"restore of {megabytes} MB against {_BORG}"
        bars.append(Bar(what, _MOST, table.ratio(WithAvplugin.name)))
    return Answer(tables, bars)


def _measure(bench: Bench, folder: Path, size: int) -> Table:
    office = BenchOffice(folder / "office", administrations=1, size=size)
    peer = WithAvplugin(office)
    peer.prepare()
    peer.back_up([])
    [administration] = office.administrations
    [archive] = peer.borg("list", "--short", peer.repository).split()
    inside = str(administration.folder).lstrip("/")
    ways = {
        _BORG: ["borg", "extract", f"{peer.repository}::{archive}", f"pp:{inside}"],
        peer.name: ["avplugin", "restore", administration.code, "--new", "new", "--yes"],
    }
    environment = {**peer.environment, "BORG_PASSPHRASE": peer.passphrase()}
    rounds = min(_ROUNDS, bench.settings.rounds + 2)
    spent = in_turn(ways, environment, folder, rounds)
    shutil.rmtree(office.folder)
    return Table(
        f"Restore of one administration of {size / 1e6:.0f} MB to a new folder",
        "s",
        _BORG,
        seconds_of(spent),
    )
