"""Do the days of the demo office make repositories grow as the reference has it?"""

from __future__ import annotations

from bench.answer import Answer, Table
from bench.bench import Bench
from bench.office import BenchOffice
from bench.peers.borg import Borg
from bench.peers.bup import Bup
from bench.peers.peer import Peer
from bench.peers.restic import Restic
from bench.peers.zipped import Zipped

_ADMINISTRATIONS = 20
_DAYS = 5
_SHARE = 0.5  # of the administrations that are worked in on a day
_DEFAULT = ("buzhash,19,23,21,4095", "lz4")  # Borg's
_FIXED = ("fixed,16384", "zstd,3")

# Measured before there was a bench, on an office made by other means: 20 administrations, 2,400
# files, 720 MB, half of them worked in on each of five days. The bars on growth were set by it.
# In MB: the first copy, and the growth.
_REFERENCE = {
    Zipped.name: (135, 332),
    " ".join(_DEFAULT): (238, 463),
    Restic.name: (154, 292),
    Bup.name: (189, 63),
    " ".join(_FIXED): (169, 62),
}


def ask(bench: Bench) -> Answer:
    """Let the peers copy the same five days."""
    folder = bench.folder / "calibration"
    size = bench.size(_ADMINISTRATIONS)
    office = BenchOffice(folder / "office", administrations=_ADMINISTRATIONS, size=size)
    peers: list[Peer] = [
        Zipped(office, folder),
        Borg(office, folder, *_DEFAULT),
        Restic(office, folder),
        Bup(office, folder),
        Borg(office, folder, *_FIXED),
    ]
    for peer in peers:
        peer.prepare()
    sizes: dict[str, list[int]] = {peer.name: [] for peer in peers}
    changed = list(office.administrations)
    for day in range(_DAYS + 1):
        if day:
            changed = office.next_day(_SHARE)
        for peer in peers:
            peer.back_up(changed)
            sizes[peer.name].append(peer.size())
        bench.say(f"calibration, day {day} of {_DAYS}")
    first = {name: [size[0]] for name, size in sizes.items()}
    grown = {name: [size[-1] - size[0]] for name, size in sizes.items()}
    known = [{name: [both[part] * 1e6] for name, both in _REFERENCE.items()} for part in (0, 1)]
    against = " ".join(_DEFAULT)
    return Answer(
        [
            Table("First copy, here", "MB", against, first),
            Table("First copy, the reference", "MB", against, known[0]),
            Table(f"Growth in {_DAYS} days, here", "MB", against, grown),
            Table(f"Growth in {_DAYS} days, the reference", "MB", against, known[1]),
        ]
    )
