"""One run of the bench: its settings, its folder, and what several questions ask of."""

from __future__ import annotations

import dataclasses
import functools
import sys
from pathlib import Path

from bench.nights import Nights, play_nights
from bench.office import BUSY
from bench.twenty_days import TwentyDays, play_days

# About how many bytes an administration has in offices of different sizes.
_SIZES = {20: 36_000_000, 200: 1_000_000}
_SMALL = 400_000


@dataclasses.dataclass(frozen=True)
class Settings:
    """What the command line says."""

    days_of: int = 20  # administrations
    nights_of: tuple[int, ...] = (20,)
    size: int | None = None  # of an administration, in bytes
    days: int = 20
    busy: float = BUSY
    rounds: int = 3


class Bench:
    """What questions ask: an office that was played is played once for all of them."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder = folder
        self.settings = settings

    def say(self, text: str) -> None:
        """Tell how far it is; answers alone go to standard output."""
        sys.stderr.write(f"bench: {text}\n")

    def size(self, administrations: int) -> int:
        """Return how many bytes each of so many administrations gets."""
        fitting = [size for count, size in _SIZES.items() if administrations <= count]
        return self.settings.size or (fitting[0] if fitting else _SMALL)

    @functools.cache  # noqa: B019 - it lives as long as the run
    def twenty_days(self) -> TwentyDays:
        """Return what the peers made of a month of working days in the first office."""
        count = self.settings.days_of
        return play_days(
            self.folder / f"days-{count}",
            administrations=count,
            size=self.size(count),
            days=self.settings.days,
            busy=self.settings.busy,
            say=self.say,
        )

    @functools.cache  # noqa: B019 - it lives as long as the run
    def nights(self, administrations: int) -> Nights:
        """Return what nights cost with and without avplugin's hooks."""
        return play_nights(
            self.folder / f"nights-{administrations}",
            administrations=administrations,
            size=self.size(administrations),
            rounds=self.settings.rounds,
            say=self.say,
        )
