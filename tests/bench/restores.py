"""Restores of one administration of an office, by avplugin and by bare Borg, which take turns."""

from __future__ import annotations

import shutil
from pathlib import Path

from bench.bench import Bench
from bench.in_turn import in_turn
from bench.office import BenchOffice
from bench.peers.borgmatic import WithAvplugin
from bench.spent import Spent

BORG = "borg extract"
_ROUNDS = 5


def measure_restores(
    bench: Bench, folder: Path, *, administrations: int, size: int
) -> dict[str, list[Spent]]:
    """Return what it costs, by BORG or avplugin, to restore one of so many, of `size` bytes."""
    office = BenchOffice(folder / "office", administrations=administrations, size=size)
    peer = WithAvplugin(office)
    peer.prepare()
    peer.back_up([])
    administration = office.administrations[administrations // 2]
    [archive] = peer.borg("list", "--short", peer.repository).split()
    inside = str(administration.folder).lstrip("/")
    ways = {
        BORG: ["borg", "extract", f"{peer.repository}::{archive}", f"pp:{inside}"],
        peer.name: ["avplugin", "restore", administration.code, "--new", "new", "--yes"],
    }
    environment = {**peer.environment, "BORG_PASSPHRASE": peer.passphrase()}
    spent = in_turn(ways, environment, folder, min(_ROUNDS, bench.settings.rounds + 2))
    shutil.rmtree(office.folder)
    return spent
