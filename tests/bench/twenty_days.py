"""A month of working days in one office, copied every night by all peers, which take turns."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path

from borg.compress import ZSTD

from bench.office import BenchOffice, Yesterday
from bench.peers.borgmatic import WithAvplugin, WithDefaults
from bench.peers.bup import Bup
from bench.peers.peer import Peer, size_of
from bench.peers.restic import Restic
from bench.peers.zipped import Zipped
from bench.spent import Spent

SHARE = 0.2  # of the administrations that are worked in on a day
LIMIT = "what changed, as one zstd stream"
_BEST = 19  # zstd's level for the limit


@dataclasses.dataclass(frozen=True)
class TwentyDays:
    """By peer: what each night cost and how large the repository was; the first copy comes first.

    `sizes` has the limit too: no copy can be smaller than what changed.
    """

    folder: Path
    administrations: int
    office_bytes: int
    spent: dict[str, list[Spent]]
    sizes: dict[str, list[int]]

    @property
    def title(self) -> str:
        """What the office is, for tables."""
        days = len(self.sizes[LIMIT]) - 1
        return (
            f"{self.administrations} administrations, {self.office_bytes / 1e6:.0f} MB,"
            f" {days} working days"
        )


def play_days(
    folder: Path,
    *,
    administrations: int,
    size: int,
    days: int,
    busy: float,
    say: Callable[[str], None],
) -> TwentyDays:
    """Make an office and let it live; one administration is packed half-way."""
    began = time.monotonic()
    office = BenchOffice(folder / "office", administrations=administrations, size=size, busy=busy)
    say(f"made {administrations} administrations in {time.monotonic() - began:.0f} s")
    peers: list[Peer] = [
        Zipped(office, folder),
        WithDefaults(office, folder),
        Restic(office, folder),
        Bup(office, folder),
        WithAvplugin(office),
    ]
    for peer in peers:
        peer.prepare()
    empty = {peer.name: peer.size() for peer in peers}
    spent: dict[str, list[Spent]] = {peer.name: [] for peer in peers}
    sizes: dict[str, list[int]] = {peer.name: [] for peer in peers}
    yesterday = Yesterday(office, folder / "yesterday")
    # The first copy is there to be told apart, not to be squeezed: level 19 would take minutes.
    sizes[LIMIT] = [sum(_compressed(piece, 3) for piece in yesterday.everything())]
    office_bytes = sum(map(size_of, office.roots))
    changed = list(office.administrations)
    for day in range(days + 1):
        if day:
            changed = office.next_day(SHARE, pack=day == (days + 1) // 2)
            sizes[LIMIT].append(sizes[LIMIT][-1] + _compressed(yesterday.changes(changed), _BEST))
        turn = day % len(peers)
        for peer in [*peers[turn:], *peers[:turn]]:
            spent[peer.name].append(peer.back_up(changed))
            sizes[peer.name].append(peer.size() - empty[peer.name])
        say(f"day {day} of {days}, {time.monotonic() - began:.0f} s")
    return TwentyDays(folder, administrations, office_bytes, spent, sizes)


def _compressed(content: bytes, level: int) -> int:
    return len(ZSTD(level=level).compress(content))
