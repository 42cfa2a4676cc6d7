"""What a question is answered with: tables of figures, and verdicts on the bars."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

UNITS = {"s": 1.0, "MB": 1e6, "calls": 1.0}
_WHOLE = {"MB": "bytes"}  # what figures are in, where a table shows another unit


@dataclasses.dataclass(frozen=True)
class Table:
    """Figures of several rivals, each with its ratio to one of them.

    `figures` has what was measured for each of them, in seconds, bytes or calls: one figure, or
    one for each round, in the same order for all.
    """

    title: str
    unit: str  # one of UNITS
    against: str
    figures: Mapping[str, Sequence[float]]

    def median(self, name: str) -> float:
        """Return the median of one rival's figures."""
        return statistics.median(self.figures[name])

    def ratio(self, name: str, against: str = "") -> float:
        """Return the median of the ratios of the rounds, to `against` or the table's own peer.

        Round by round, because what was measured in the same minute suffered from the same.
        """
        peers = self.figures[against or self.against]
        pairs = zip(self.figures[name], peers, strict=True)
        return statistics.median(one / max(other, 1e-9) for one, other in pairs)

    def lines(self) -> list[str]:
        """Return the table as text."""
        width = max(map(len, self.figures))
        rounds = len(self.figures[self.against])
        lines = [self.title, f"{'':{width}}  {self.unit:>9} {'ratio':>7}"]
        for name, figures in self.figures.items():
            factor = UNITS[self.unit]
            spread = f"   {min(figures) / factor:.2f} to {max(figures) / factor:.2f}"
            lines.append(
                f"{name:{width}}  {self.median(name) / factor:9.2f} {self.ratio(name):7.2f}"
                f"{spread if len(figures) > 1 else ''}"
            )
        median = f"medians of {rounds}; " if rounds > 1 else ""
        return [*lines, f"({median}ratio to {self.against})"]

    def as_json(self) -> dict[str, Any]:
        """Return the table for --json, in seconds, bytes or calls."""
        return {
            "title": self.title,
            "unit": _WHOLE.get(self.unit, self.unit),
            "against": self.against,
            "figures": {
                name: {
                    "median": self.median(name),
                    "ratio": round(self.ratio(name), 4),
                    "each": list(figures),
                }
                for name, figures in self.figures.items()
            },
        }


@dataclasses.dataclass(frozen=True)
class Bar:
    """One of the numbers at the end of the design, and what was measured."""

    what: str
    most: float
    measured: float
    unit: str = ""  # of both; none for a ratio

    @property
    def passed(self) -> bool:
        """Whether it is held."""
        return self.measured <= self.most

    def line(self) -> str:
        """Return the verdict as text."""
        verdict = "PASS  " if self.passed else "missed"
        unit = f" {self.unit}" if self.unit else ""
        return f"{verdict}  {self.what}: {self.measured:.3g}{unit}, at most {self.most:.3g}{unit}"

    def as_json(self) -> dict[str, Any]:
        """Return the verdict for --json."""
        return {**dataclasses.asdict(self), "passed": self.passed}


@dataclasses.dataclass(frozen=True)
class Answer:
    """What one question came to."""

    tables: Sequence[Table]
    bars: Sequence[Bar] = ()
