"""Does a restore of one administration take longer among a thousand than among twenty?"""

from __future__ import annotations

from bench.answer import Answer, Table
from bench.bench import Bench
from bench.restores import BORG, measure_restores
from bench.spent import Spent

_COUNTS = (20, 1000)
_SIZE = 400_000  # bytes of an administration, so that one is like another


def ask(bench: Bench) -> Answer:
    """Restore the one in the middle out of offices of both sizes, both ways in turn."""
    spent: dict[str, list[Spent]] = {}
    for count in _COUNTS:
        bench.say(f"restoring one of {count} administrations")
        spent |= _measure(bench, count)
    size = (bench.settings.size or _SIZE) / 1e6
    against = _name(BORG, _COUNTS[0])
    title = f"Restore of one administration of {size:.1f} MB to a new folder"
    return Answer(
        [
            Table(title, "s", against, {name: [a.seconds for a in b] for name, b in spent.items()}),
            Table(
                "The same, processor time",
                "s",
                against,
                {name: [one.processor for one in each] for name, each in spent.items()},
            ),
            Table(
                "The same, memory of the largest process",
                "MB",
                against,
                {name: [one.memory for one in each] for name, each in spent.items()},
            ),
        ]
    )


def _measure(bench: Bench, count: int) -> dict[str, list[Spent]]:
    folder = bench.folder / f"restore-among-{count}"
    size = bench.settings.size or _SIZE
    found = measure_restores(bench, folder, administrations=count, size=size)
    return {_name(way, count): each for way, each in found.items()}


def _name(way: str, count: int) -> str:
    return f"{way}, among {count}"
