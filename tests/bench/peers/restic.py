"""restic, with its defaults."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from avplugin.demo.office import DemoAdministration
from bench.office import BenchOffice
from bench.peers.peer import plain_environment, size_of
from bench.spent import Spent, run


class Restic:
    """An encrypted repository of restic's."""

    name = "restic"

    def __init__(self, office: BenchOffice, folder: Path) -> None:
        self._office = office
        self._folder = folder / "restic"
        self._repository = self._folder / "repository"

    def prepare(self) -> None:
        """Make the repository."""
        self._environment = plain_environment(
            self._folder,
            RESTIC_REPOSITORY=str(self._repository),
            RESTIC_PASSWORD="nobody's",
            RESTIC_CACHE_DIR=str(self._folder / "cache"),
        )
        run(["restic", "init"], self._environment, self._folder)

    def back_up(self, changed: Sequence[DemoAdministration]) -> Spent:  # noqa: ARG002 - it sees itself
        """Back up the office's administrations and copy documents."""
        words: list[str | Path] = ["restic", "backup", "--quiet", *self._office.roots]
        return run(words, self._environment, self._folder)

    def size(self) -> int:
        """Return how many bytes the repository takes."""
        return size_of(self._repository)
