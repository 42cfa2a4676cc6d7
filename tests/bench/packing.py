"""What the questions about packages share: one large administration, and who packs it."""

from __future__ import annotations

import shutil
from pathlib import Path

from avplugin.demo.office import DemoAdministration
from bench.bench import Bench
from bench.office import BenchOffice
from bench.peers.borgmatic import WithAvplugin

MOST, MOST_MEMORY = 1.3, 120.0  # of 7-Zip's time; MB
PASSWORD = "de prijs van brood"
SEVEN_ZIP = shutil.which("7z") or shutil.which("7zz") or "7z"
_SIZE = 1_000_000_000  # bytes


def one_administration(bench: Bench, folder: Path) -> tuple[DemoAdministration, WithAvplugin, int]:
    """Return the only administration of an office, who backs it up, and its size in bytes."""
    size = bench.settings.size or _SIZE
    bench.say(f"packing an administration of {size / 1e6:.0f} MB")
    office = BenchOffice(folder / "office", administrations=1, size=size)
    peer = WithAvplugin(office)
    peer.prepare()
    [administration] = office.administrations
    (folder / "password").write_text(f"{PASSWORD}\n")
    return administration, peer, size


def export_words(
    administration: DemoAdministration, package: str | Path, folder: Path
) -> list[str | Path]:
    """Return what packs it; `folder` is that of one_administration."""
    return ["avplugin", "export", administration.code, package, *secret_words(folder)]


def secret_words(folder: Path) -> list[str | Path]:
    """Return what tells avplugin the password."""
    return ["--password-file", folder / "password"]
