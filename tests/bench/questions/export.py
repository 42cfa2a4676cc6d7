"""How long does a package of one administration take, against 7-Zip on the folder itself?"""

from __future__ import annotations

import shutil
from pathlib import Path

from bench.answer import Answer, Bar, Table
from bench.bench import Bench
from bench.in_turn import in_turn, memory_of, seconds_of
from bench.packing import MOST, MOST_MEMORY, PASSWORD, SEVEN_ZIP, export_words, one_administration

_NORMAL, _FASTEST = "7z -mx=5", "7z -mx=1"  # as zlib's 6, which avplugin takes, and its 1
_LIVE = "avplugin --live"


def ask(bench: Bench) -> Answer:
    """Pack the only administration of an office in all ways in turn, encrypted with AES-256."""
    folder = bench.folder / "export"
    administration, peer, size = one_administration(bench, folder)
    peer.back_up([])
    ours = export_words(administration, "p.zip", folder)
    theirs = [SEVEN_ZIP, "a", "-tzip", "-mem=AES256", f"-p{PASSWORD}", "p.zip"]
    ways: dict[str, list[str | Path]] = {
        _NORMAL: [*theirs, "-mx=5", administration.folder],
        _FASTEST: [*theirs, "-mx=1", administration.folder],
        peer.name: ours,
        _LIVE: [*ours, "--live"],
    }
    sizes: dict[str, list[float]] = {name: [] for name in ways}

    def weigh(name: str, target: Path) -> None:
        sizes[name].append((target / "p.zip").stat().st_size)

    spent = in_turn(ways, peer.environment, folder, bench.settings.rounds, weigh)
    shutil.rmtree(folder)
    what = f"Package of one administration of {size / 1e6:.0f} MB"
    memory = memory_of(spent)
    table = Table(what, "s", _NORMAL, seconds_of(spent))
    return Answer(
        [
            table,
            Table(f"{what}, its size", "MB", _NORMAL, sizes),
            Table(f"{what}, memory of the largest process", "MB", _NORMAL, memory),
        ],
        [
            Bar(f"export against {_NORMAL}", MOST, table.ratio(peer.name)),
            Bar("memory of an export", MOST_MEMORY, max(memory[peer.name]) / 1e6, "MB"),
        ],
    )
