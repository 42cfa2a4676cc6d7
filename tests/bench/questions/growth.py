"""How much does the repository grow?"""

from __future__ import annotations

import itertools

from bench.answer import Answer, Bar, Table
from bench.bench import Bench
from bench.peers.borgmatic import WithAvplugin, WithDefaults
from bench.peers.restic import Restic
from bench.peers.zipped import Zipped

_BARS = ((WithDefaults.name, 1 / 6), (Restic.name, 1 / 4), (Zipped.name, 1 / 5))


def ask(bench: Bench) -> Answer:
    """Answer from what the repositories became over the working days."""
    played = bench.twenty_days()
    total = {name: [sizes[-1] - sizes[0]] for name, sizes in played.sizes.items()}
    against = WithDefaults.name
    table = Table(f"Growth: {played.title}", "MB", against, total)
    nightly = {
        name: [after - before for before, after in itertools.pairwise(sizes)]
        for name, sizes in played.sizes.items()
    }
    packed = len(played.sizes[against]) // 2 - 1
    pack = {name: [nights[packed]] for name, nights in nightly.items()}
    tables = [
        table,
        Table("Growth of one night", "MB", against, nightly),
        Table("Growth of the night on which an administration was packed", "MB", against, pack),
    ]
    bars = [
        Bar(f"growth against {peer}", most, table.ratio(WithAvplugin.name, peer))
        for peer, most in _BARS
    ]
    return Answer(tables, bars)
