"""A zip of each administration that changed: what AccountView's own backup does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from avplugin.demo.office import DemoAdministration
from bench.office import BenchOffice
from bench.peers.peer import plain_environment, size_of
from bench.spent import Spent, run_all


class Zipped:
    """zip with its defaults, one file for each administration and night."""

    name = "zip of what changed"

    def __init__(self, office: BenchOffice, folder: Path) -> None:
        self._office = office
        self._folder = folder / "zip"
        self._nights = 0

    def prepare(self) -> None:
        """Make the folder that the zips go to."""
        self._folder.mkdir()
        self._environment = plain_environment(self._folder / "own")

    def back_up(self, changed: Sequence[DemoAdministration]) -> Spent:
        """Zip each administration that changed, with its copy documents."""
        self._nights += 1
        target = self._folder / f"{self._nights:02d}"
        target.mkdir()
        commands: list[list[str | Path]] = [
            ["zip", "-q", "-r", target / f"{number:04d}.zip", *_places(each, self._office.folder)]
            for number, each in enumerate(changed)
        ]
        return run_all(commands, self._environment, self._office.folder)

    def size(self) -> int:
        """Return how many bytes the zips take."""
        return size_of(self._folder)


def _places(administration: DemoAdministration, office: Path) -> list[Path]:
    outside = [
        folder
        for folder in administration.copy_documents
        if not folder.is_relative_to(administration.folder) and folder.is_dir()
    ]
    return [folder.relative_to(office) for folder in (administration.folder, *outside)]
