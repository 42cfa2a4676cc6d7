"""How long does it take to put back a package of one administration, against `7z x`?"""

from __future__ import annotations

import shutil
from pathlib import Path

from bench.answer import Answer, Bar, Table
from bench.bench import Bench
from bench.office import BenchOffice
from bench.peers.borgmatic import WithAvplugin
from bench.spent import Spent, run

_SIZE = 1_000_000_000  # bytes
_MOST = 1.3
_MOST_MEMORY = 120e6  # bytes
_LAZY, _ON_DISK = "7z x", "7z x && sync"  # an import is on the disk when it ends


def ask(bench: Bench) -> Answer:
    """Pack the only administration of an office once, and take it out in all ways in turn."""
    size = bench.settings.size or _SIZE
    bench.say(f"taking out a package of {size / 1e6:.0f} MB")
    folder = bench.folder / "import"
    office = BenchOffice(folder / "office", administrations=1, size=size)
    peer = WithAvplugin(office)
    peer.prepare()
    [administration] = office.administrations
    password = folder / "password"
    password.write_text("de prijs van brood\n")
    package = folder / "package.zip"
    secret: list[str | Path] = ["--password-file", password]
    pack = ["avplugin", "export", administration.code, package, "--live", *secret]
    run(pack, peer.environment, folder)
    seven_zip = shutil.which("7z") or shutil.which("7zz") or "7z"
    extract: list[str | Path] = [seven_zip, "x", "-pde prijs van brood", "-onew", package]
    ways: dict[str, list[str | Path]] = {
        _LAZY: extract,
        _ON_DISK: ["sh", "-c", '"$@" && sync', "sh", *extract],
        peer.name: ["avplugin", "import", package, "--new", "new", "--yes", *secret],
    }
    spent: dict[str, list[Spent]] = {name: [] for name in ways}
    for number in range(bench.settings.rounds):
        for name in sorted(ways, reverse=bool(number % 2)):
            target = folder / "target"
            target.mkdir()
            spent[name].append(run(ways[name], peer.environment, target))
            shutil.rmtree(target)
    shutil.rmtree(folder)
    what = f"Package of one administration of {size / 1e6:.0f} MB, taken out"
    seconds = {name: [one.seconds for one in each] for name, each in spent.items()}
    memory = {name: [float(one.memory) for one in each] for name, each in spent.items()}
    table = Table(what, "s", _LAZY, seconds)
    return Answer(
        [table, Table(f"{what}: memory of the largest process", "MB", _LAZY, memory)],
        [
            Bar(f"import against {_LAZY}", _MOST, table.ratio(peer.name)),
            Bar("memory of an import", _MOST_MEMORY / 1e6, max(memory[peer.name]) / 1e6, "MB"),
        ],
    )
