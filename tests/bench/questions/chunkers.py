"""Which chunker and which compression of Borg's fit FoxPro's tables?"""

from __future__ import annotations

from bench.answer import Answer, Table
from bench.bench import Bench
from bench.office import BenchOffice
from bench.peers.borg import Borg
from bench.spent import Spent
from bench.twenty_days import SHARE

_BASE = ("fixed,16384", "zstd,3")
_CHUNKERS = (
    "fixed,4096",
    "fixed,8192",
    "fixed,12288",
    "fixed,16384",
    "fixed,16384,512",
    "fixed,32768",
    "buzhash,10,16,12,4095",
    "buzhash,12,17,14,4095",
    "buzhash,19,23,21,4095",
)
_COMPRESSIONS = (
    *("lz4", "zstd,1", "zstd,6", "zstd,9", "auto,zstd,12", "zstd,12", "zstd,19"),
    *("lzma,0", "lzma,6"),
)
_SHIPPED = "auto,zstd,12"
_SMALLER = ("fixed,4096", "fixed,8192", "fixed,12288")  # with the shipped compression


def ask(bench: Bench) -> Answer:
    """Let all of them copy the same working days; one administration is packed half-way."""
    days = bench.settings.days
    count = bench.settings.days_of
    folder = bench.folder / "chunkers"
    office = BenchOffice(folder / "office", administrations=count, size=bench.size(count))
    peers = [
        *(Borg(office, folder, chunker, _BASE[1]) for chunker in _CHUNKERS),
        *(Borg(office, folder, _BASE[0], compression) for compression in _COMPRESSIONS),
        *(Borg(office, folder, chunker, _SHIPPED) for chunker in _SMALLER),
    ]
    spent: dict[str, list[Spent]] = {peer.name: [] for peer in peers}
    sizes: dict[str, list[int]] = {peer.name: [] for peer in peers}
    for peer in peers:
        peer.prepare()
    packed = (days + 1) // 2
    for day in range(days + 1):
        if day:
            office.next_day(SHARE, pack=day == packed)
        turn = day % len(peers)
        for peer in [*peers[turn:], *peers[:turn]]:
            spent[peer.name].append(peer.back_up([]))
            sizes[peer.name].append(peer.size())
        bench.say(f"chunkers, day {day} of {days}")
    against = " ".join(_BASE)
    megabytes = sum(path.stat().st_size for root in office.roots for path in root.rglob("*")) / 1e6
    title = f"{count} administrations, {megabytes:.0f} MB, {days} working days"
    grown = {name: [size[-1] - size[0]] for name, size in sizes.items()}
    on_packed_day = {name: [size[packed] - size[packed - 1]] for name, size in sizes.items()}
    return Answer(
        [
            Table(f"Growth: {title}", "MB", against, grown),
            Table("Growth of the day with the packed one", "MB", against, on_packed_day),
            Table("First copy", "MB", against, {name: [size[0]] for name, size in sizes.items()}),
            Table(
                "First copy, processor time",
                "s",
                against,
                {name: [each[0].processor] for name, each in spent.items()},
            ),
            Table(
                "First copy, memory",
                "MB",
                against,
                {name: [each[0].memory] for name, each in spent.items()},
            ),
            Table(
                "A night, processor time",
                "s",
                against,
                {name: [night.processor for night in each[1:]] for name, each in spent.items()},
            ),
            Table(
                "A night, memory",
                "MB",
                against,
                {name: [max(night.memory for night in each[1:])] for name, each in spent.items()},
            ),
        ]
    )
