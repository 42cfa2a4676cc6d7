"""Does compaction keep up, when old archives are pruned every night?"""

from __future__ import annotations

from bench.answer import Answer, Table
from bench.bench import Bench
from bench.office import BenchOffice
from bench.peers.borg import Borg
from bench.twenty_days import SHARE

_SETTINGS = ("fixed,12288", "auto,zstd,12")  # as shipped
_KEPT = 5  # archives
_ALL_KEPT = "nothing pruned"
_DEFAULT = "pruned, compacted where 10% is unused"  # Borg's and borgmatic's default
_WHOLLY = "pruned, compacted wholly"
_THRESHOLDS = {_DEFAULT: 10, _WHOLLY: 0}
_PRUNING = {_DEFAULT: "prune and compact", _WHOLLY: "prune and compact wholly"}


def ask(bench: Bench) -> Answer:
    """Let the same days be copied into repositories that are compacted differently."""
    count = bench.settings.days_of
    folder = bench.folder / "compaction"
    office = BenchOffice(folder / "office", administrations=count, size=bench.size(count))
    peers = {
        name: Borg(office, folder, *_SETTINGS, name=name) for name in (_ALL_KEPT, _DEFAULT, _WHOLLY)
    }
    for peer in peers.values():
        peer.prepare()
    sizes: dict[str, list[int]] = {name: [] for name in peers}
    seconds: dict[str, list[float]] = {pruning: [] for pruning in _PRUNING.values()}
    seconds["create"] = []
    for day in range(bench.settings.days + 1):
        if day:
            office.next_day(SHARE)
        for name, peer in peers.items():
            created = peer.back_up([])
            if name in _THRESHOLDS:
                pruned = peer.prune(_KEPT)
                compacted = peer.compact(_THRESHOLDS[name])
                seconds[_PRUNING[name]].append(pruned.seconds + compacted.seconds)
            else:
                seconds["create"].append(created.seconds)
            sizes[name].append(peer.size())
        bench.say(f"compaction, day {day} of {bench.settings.days}")
    title = f"{count} administrations, {bench.settings.days} working days, {_KEPT} archives kept"
    ends = {name: [size[-1]] for name, size in sizes.items()}
    return Answer(
        [
            Table(f"Repository in the end: {title}", "MB", _WHOLLY, ends),
            Table("A night", "s", "create", seconds),
        ]
    )
