"""How long does it take to put back a package of one administration, against `7z x`?"""

from __future__ import annotations

import shutil
from pathlib import Path

from bench.answer import Answer, Bar, Table
from bench.bench import Bench
from bench.in_turn import in_turn, memory_of, seconds_of
from bench.packing import (
    MOST,
    MOST_MEMORY,
    PASSWORD,
    SEVEN_ZIP,
    export_words,
    one_administration,
    secret_words,
)
from bench.spent import run

_LAZY, _ON_DISK = "7z x", "7z x && sync"  # an import is on the disk when it ends


def ask(bench: Bench) -> Answer:
    """Pack the only administration of an office once, and take it out in all ways in turn."""
    folder = bench.folder / "import"
    administration, peer, size = one_administration(bench, folder)
    package = folder / "package.zip"
    run([*export_words(administration, package, folder), "--live"], peer.environment, folder)
    extract: list[str | Path] = [SEVEN_ZIP, "x", f"-p{PASSWORD}", "-onew", package]
    ours = ["avplugin", "import", package, "--new", "new", "--yes", *secret_words(folder)]
    ways: dict[str, list[str | Path]] = {
        _LAZY: extract,
        _ON_DISK: ["sh", "-c", '"$@" && sync', "sh", *extract],
        peer.name: ours,
    }
    spent = in_turn(ways, peer.environment, folder, bench.settings.rounds)
    shutil.rmtree(folder)
    what = f"Package of one administration of {size / 1e6:.0f} MB, taken out"
    memory = memory_of(spent)
    table = Table(what, "s", _LAZY, seconds_of(spent))
    return Answer(
        [table, Table(f"{what}: memory of the largest process", "MB", _LAZY, memory)],
        [
            Bar(f"import against {_LAZY}", MOST, table.ratio(peer.name)),
            Bar("memory of an import", MOST_MEMORY, max(memory[peer.name]) / 1e6, "MB"),
        ],
    )
