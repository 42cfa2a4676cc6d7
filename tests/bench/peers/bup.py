"""bup, with its defaults; it does not encrypt."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from avplugin.demo.office import DemoAdministration
from bench.office import BenchOffice
from bench.peers.peer import plain_environment, size_of
from bench.spent import Spent, run, run_all


class Bup:
    """A repository of bup's."""

    name = "bup"

    def __init__(self, office: BenchOffice, folder: Path) -> None:
        self._office = office
        self._folder = folder / "bup"
        self._repository = self._folder / "repository"

    def prepare(self) -> None:
        """Make the repository."""
        self._environment = plain_environment(self._folder, BUP_DIR=str(self._repository))
        run(["bup", "init"], self._environment, self._folder)

    def back_up(self, changed: Sequence[DemoAdministration]) -> Spent:  # noqa: ARG002 - it sees itself
        """Index the office's administrations and copy documents, and save them."""
        roots = self._office.roots
        commands: list[list[str | Path]] = [
            ["bup", "index", *roots],
            ["bup", "save", "-q", "-n", "office", *roots],
        ]
        return run_all(commands, self._environment, self._folder)

    def size(self) -> int:
        """Return how many bytes the repository takes."""
        return size_of(self._repository)
