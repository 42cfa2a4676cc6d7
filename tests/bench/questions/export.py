"""How long does a package of one administration take, against 7-Zip on the folder itself?"""

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
_NORMAL, _FASTEST = "7z -mx=5", "7z -mx=1"  # as zlib's 6, which avplugin takes, and its 1
_LIVE = "avplugin --live"


def ask(bench: Bench) -> Answer:
    """Pack the only administration of an office in all ways in turn, encrypted with AES-256."""
    size = bench.settings.size or _SIZE
    bench.say(f"packing an administration of {size / 1e6:.0f} MB")
    folder = bench.folder / "export"
    office = BenchOffice(folder / "office", administrations=1, size=size)
    peer = WithAvplugin(office)
    peer.prepare()
    peer.back_up([])
    [administration] = office.administrations
    password = folder / "password"
    password.write_text("de prijs van brood\n")
    ours: list[str | Path] = [
        "avplugin",
        "export",
        administration.code,
        "p.zip",
        "--password-file",
        password,
    ]
    seven_zip = shutil.which("7z") or shutil.which("7zz") or "7z"
    theirs: list[str | Path] = [
        seven_zip,
        "a",
        "-tzip",
        "-mem=AES256",
        "-pde prijs van brood",
        "p.zip",
    ]
    ways: dict[str, list[str | Path]] = {
        _NORMAL: [*theirs, "-mx=5", administration.folder],
        _FASTEST: [*theirs, "-mx=1", administration.folder],
        peer.name: ours,
        _LIVE: [*ours, "--live"],
    }
    spent: dict[str, list[Spent]] = {name: [] for name in ways}
    sizes: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(bench.settings.rounds):
        for name in sorted(ways, reverse=bool(number % 2)):
            target = folder / "target"
            target.mkdir()
            spent[name].append(run(ways[name], peer.environment, target))
            sizes[name].append((target / "p.zip").stat().st_size)
            shutil.rmtree(target)
    shutil.rmtree(folder)
    what = f"Package of one administration of {size / 1e6:.0f} MB"
    seconds = {name: [one.seconds for one in each] for name, each in spent.items()}
    memory = {name: [float(one.memory) for one in each] for name, each in spent.items()}
    table = Table(what, "s", _NORMAL, seconds)
    most = max(memory[peer.name])
    return Answer(
        [
            table,
            Table(f"{what}, its size", "MB", _NORMAL, sizes),
            Table(f"{what}, memory of the largest process", "MB", _NORMAL, memory),
        ],
        [
            Bar(f"export against {_NORMAL}", _MOST, table.ratio(peer.name)),
            Bar("memory of an export", _MOST_MEMORY / 1e6, most / 1e6, "MB"),
        ],
    )
