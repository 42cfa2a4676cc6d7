"""Borg by itself, with a chunker and a compression of one's choice."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from avplugin.demo.office import DemoAdministration
from bench.office import BenchOffice
from bench.peers.peer import plain_environment, size_of
from bench.spent import Spent, run


class Borg:
    """An encrypted repository of Borg's."""

    def __init__(
        self, office: BenchOffice, folder: Path, chunker: str, compression: str, name: str = ""
    ) -> None:
        self.name = name or f"{chunker} {compression}"
        self._office = office
        self._folder = folder / re.sub(r"\W+", "-", self.name)
        self._repository = self._folder / "repository"
        self._options = ["--chunker-params", chunker, "--compression", compression]

    def prepare(self) -> None:
        """Make the repository."""
        self._environment = plain_environment(
            self._folder, BORG_BASE_DIR=str(self._folder / "borg"), BORG_PASSPHRASE="nobody's"
        )
        words: list[str | Path] = [
            "borg",
            "init",
            "--encryption",
            "repokey-blake2",
            self._repository,
        ]
        run(words, self._environment, self._folder)

    def back_up(self, changed: Sequence[DemoAdministration]) -> Spent:  # noqa: ARG002 - it sees itself
        """Make one archive of the office's administrations and copy documents."""
        words: list[str | Path] = [
            *("borg", "create", *self._options, f"{self._repository}::{{now:%s.%f}}"),
            *self._office.roots,
        ]
        return run(words, self._environment, self._folder)

    def prune(self, keep: int) -> Spent:
        """Remove all archives but the newest."""
        words = ["borg", "prune", "--keep-last", str(keep), str(self._repository)]
        return run(words, self._environment, self._folder)

    def compact(self, threshold: int) -> Spent:
        """Free the space of what is in no archive, where it is so many per cent of a segment."""
        words = ["borg", "compact", "--threshold", str(threshold), str(self._repository)]
        return run(words, self._environment, self._folder)

    def size(self) -> int:
        """Return how many bytes the repository takes."""
        return size_of(self._repository)
