"""Does a restore of one administration take longer among a thousand than among twenty?"""

from __future__ import annotations

import shutil

from bench.answer import Answer, Table
from bench.bench import Bench
from bench.in_turn import in_turn
from bench.office import BenchOffice
from bench.peers.borgmatic import WithAvplugin
from bench.spent import Spent

_COUNTS = (20, 1000)
_SIZE = 400_000  # bytes of an administration, so that one is like another
_ROUNDS = 5
_BORG = "borg extract"


def ask(bench: Bench) -> Answer:
    """Restore the one in the middle out of offices of both sizes, both ways in turn."""
    spent: dict[str, list[Spent]] = {}
    for count in _COUNTS:
        bench.say(f"restoring one of {count} administrations")
        spent |= _measure(bench, count)
    size = (bench.settings.size or _SIZE) / 1e6
    against = _name(_BORG, _COUNTS[0])
    title = f"Restore of one administration of {size:.1f} MB to a new folder"
    return Answer(
        [
            Table(title, "s", against, {name: [a.seconds for a in b] for name, b in spent.items()}),
            Table(
                "The same, processor time",
                "s",
                against,
                {name: [one.processor for one in each] for name, each in spent.items()},
            ),
            Table(
                "The same, memory of the largest process",
                "MB",
                against,
                {name: [one.memory for one in each] for name, each in spent.items()},
            ),
        ]
    )


def _measure(bench: Bench, count: int) -> dict[str, list[Spent]]:
    folder = bench.folder / f"restore-among-{count}"
    size = bench.settings.size or _SIZE
    office = BenchOffice(folder / "office", administrations=count, size=size)
    peer = WithAvplugin(office)
    peer.prepare()
    peer.back_up([])
    administration = office.administrations[count // 2]
    [archive] = peer.borg("list", "--short", peer.repository).split()
    inside = str(administration.folder).lstrip("/")
    ways = {
        _BORG: ["borg", "extract", f"{peer.repository}::{archive}", f"pp:{inside}"],
        peer.name: ["avplugin", "restore", administration.code, "--new", "new", "--yes"],
    }
    environment = {**peer.environment, "BORG_PASSPHRASE": peer.passphrase()}
    found = in_turn(ways, environment, folder, min(_ROUNDS, bench.settings.rounds + 2))
    shutil.rmtree(office.folder)
    return {_name(way, count): each for way, each in found.items()}


def _name(way: str, count: int) -> str:
    return f"{way}, among {count}"
