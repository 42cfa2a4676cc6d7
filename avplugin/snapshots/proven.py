"""How many of the folders in each archive are versions that a restore drill has proven."""

from __future__ import annotations

import collections
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from avplugin.borgmatic.archive import Archive
from avplugin.snapshots.reader import SnapshotReader
from avplugin.state.drills import KnownDrills


class Proven(NamedTuple):
    """Of the folders in one archive: how many are proven, and how many failed."""

    proven: int = 0
    failed: int = 0


def count_proven(
    reader: SnapshotReader, archives: Sequence[Archive], drills: KnownDrills
) -> Mapping[str, Proven]:
    """Return, by archive id, what drills have come to; an archive without any is not in it.

    Only folders that were drilled are looked up: few of a thousand.
    """
    by_series: dict[str, dict[str, Archive]] = collections.defaultdict(dict)
    for archive in archives:
        by_series[archive.series][archive.id] = archive
    counts: dict[str, Proven] = collections.defaultdict(Proven)
    for series, held in by_series.items():
        for key, outcomes in drills.by_folder(reader.listing.id, series).items():
            for identity, part in reader.catalogue.folder(key).items():
                drilled = None
                if identity in held and not part.left_out:
                    drilled = outcomes.of_version(part)
                if drilled is not None:
                    proven, failed = counts[identity]
                    fails = bool(drilled.failure)
                    counts[identity] = Proven(proven + (not fails), failed + fails)
    return counts
