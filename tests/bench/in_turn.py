"""Several ways to do one thing, in turn, so that a slow minute hits all alike."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bench.spent import Spent, run


def in_turn(
    ways: Mapping[str, Sequence[str | Path]],
    environment: Mapping[str, str],
    folder: Path,
    rounds: int,
    look: Callable[[str, Path], None] = lambda _name, _target: None,
) -> dict[str, list[Spent]]:
    """Return what each way costs in each round; each runs in an empty folder below `folder`.

    `look` gets the way's name and what it left there.
    """
    spent: dict[str, list[Spent]] = {name: [] for name in ways}
    for number in range(rounds):
        for name in sorted(ways, reverse=bool(number % 2)):
            target = folder / "target"
            target.mkdir()
            spent[name].append(run(ways[name], environment, target))
            look(name, target)
            shutil.rmtree(target)
    return spent


def seconds_of(spent: Mapping[str, Sequence[Spent]]) -> dict[str, list[float]]:
    """Return the seconds on the clock of each."""
    return {name: [one.seconds for one in each] for name, each in spent.items()}


def memory_of(spent: Mapping[str, Sequence[Spent]]) -> dict[str, list[float]]:
    """Return the memory of each, in bytes."""
    return {name: [float(one.memory) for one in each] for name, each in spent.items()}
