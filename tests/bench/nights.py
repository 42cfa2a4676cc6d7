"""Nights of one office with and without avplugin's hooks, which take turns."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path

from bench.office import BenchOffice
from bench.peers.borgmatic import Borgmatic, WithAvplugin, WithoutHooks, WithoutHooksOrCheck
from bench.spent import Spent

SHARE = 0.1  # of the administrations that are worked in on a day
AVPLUGIN = WithAvplugin.name
BARE = WithoutHooks.name


@dataclasses.dataclass(frozen=True)
class Nights:
    """What they cost, by peer, a figure for each round; `hooks` by their name.

    `growth` and `unchanged_growth` are bytes that the repository grew by.
    """

    title: str
    changed: dict[str, list[Spent]]
    unchanged: dict[str, list[Spent]]
    growth: dict[str, list[int]]
    unchanged_growth: dict[str, list[int]]
    hooks: dict[str, list[Spent]]
    unchanged_hook: list[Spent]


def play_nights(
    folder: Path, *, administrations: int, size: int, rounds: int, say: Callable[[str], None]
) -> Nights:
    """Make an office, and so many nights in which a tenth of it changed, and as many quiet ones."""
    began = time.monotonic()
    office = BenchOffice(folder / "office", administrations=administrations, size=size)
    say(f"made {administrations} administrations in {time.monotonic() - began:.0f} s")
    avplugin = WithAvplugin(office)
    avplugin.prepare()
    avplugin.back_up([])
    avplugin.hooks()
    peers: list[Borgmatic] = [avplugin]
    for kind in (WithoutHooks, WithoutHooksOrCheck):
        bare = kind(office, avplugin)
        bare.prepare()
        bare.back_up([])  # so that all have seen all there is
        peers.append(bare)
    say(f"first copies are there after {time.monotonic() - began:.0f} s")

    changed: dict[str, list[Spent]] = {peer.name: [] for peer in peers}
    unchanged: dict[str, list[Spent]] = {peer.name: [] for peer in peers}
    growth: dict[str, list[int]] = {peer.name: [] for peer in peers}
    unchanged_growth: dict[str, list[int]] = {peer.name: [] for peer in peers}
    hooks: dict[str, list[Spent]] = {}
    quiet: list[Spent] = []
    for number in range(rounds):
        first = number % len(peers)
        turn = [*peers[first:], *peers[:first]]
        office.next_day(SHARE)
        for peer in turn:
            before = peer.size()
            changed[peer.name].append(peer.back_up([]))
            growth[peer.name].append(peer.size() - before)
        for name, spent in avplugin.hooks():
            hooks.setdefault(name, []).append(spent)
        for peer in turn:
            before = peer.size()
            unchanged[peer.name].append(peer.back_up([]))
            unchanged_growth[peer.name].append(peer.size() - before)
        [(_, spent)] = avplugin.hooks()
        quiet.append(spent)
        say(f"night {number + 1} of {rounds}, {time.monotonic() - began:.0f} s")
    files = sum(len(list(root.rglob("*.*"))) for root in office.roots)
    title = f"{administrations} administrations, {files} files"
    return Nights(title, changed, unchanged, growth, unchanged_growth, hooks, quiet)
