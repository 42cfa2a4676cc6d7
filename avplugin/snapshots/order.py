"""The order in which the archives of a series were made, whatever this machine's clock said.

Every archive has a number in its manifest: one more than the highest that the series had then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from avplugin.borgmatic.archive import Archive


def newest_first(archives: Iterable[Archive], number_of: Callable[[Archive], int]) -> list[Archive]:
    """Return the archives of one series, the one made last first.

    `number_of` says the number in an archive's manifest, 0 if there is none: such an archive comes
    where its time puts it among the others.
    """
    highest = 0
    placed = []
    for archive in sorted(archives, key=lambda one: one.time):
        number = number_of(archive)
        highest = max(highest, number)
        placed.append((number or highest, archive))
    placed.sort(key=lambda one: (one[0], one[1].time), reverse=True)
    return [archive for _, archive in placed]
