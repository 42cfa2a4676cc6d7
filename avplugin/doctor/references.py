"""Files that tables name (logos, layouts, documents) and no configured folder covers.

AccountView tells people to go through the tabs of the language codes by hand (support note
AV-52589, 4).
"""

from __future__ import annotations

import collections
import os
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from avplugin.backup.references import coverage_of, places_of
from avplugin.configuration.model import Configuration
from avplugin.doctor.finding import Finding, fine, some_of, warning
from avplugin.foxpro.path_references import find_references
from avplugin.installation.coverage import Judgement, Reach
from avplugin.installation.model import Installation
from avplugin.installation.scan import Contents
from avplugin.installation.windows_path import name_key
from avplugin.state.references import Place
from avplugin.wording import some

_TOLD = 100  # places
_FIELDS_TOLD = 3
_ALL = frozenset(Reach) - {Reach.COVERED}
_WHAT = {
    Reach.OUTSIDE: "lies in no configured folder",
    Reach.NO_DRIVE: "lies where 'drives' does not say",
    Reach.UNCLEAR: "cannot be looked up",
    Reach.NOTHING: "is not there",
}
_ADVICE = {
    Reach.OUTSIDE: "Add its folder under installation.extra, or under references.ignore if it needs"
    " no backup.",
    Reach.NO_DRIVE: "Say under 'drives' where that is, and add the folder under installation.extra;"
    " or under references.ignore. The disk of a workstation is reached by no backup.",
    Reach.UNCLEAR: "Mend the name, or add it under references.ignore.",
    Reach.NOTHING: "AccountView misses it as well: mend it there if it matters.",
}


class _Naming(NamedTuple):
    """A place, by which folder's table it is named, and where it leads."""

    label: str
    place: Place
    judgement: Judgement


def check(
    configuration: Configuration,
    installation: Installation,
    contents: Mapping[str, Contents],
    *,
    thorough: bool,
) -> Iterator[Finding]:
    """Search the tables of all folders as scanned, which are keyed by path."""
    coverage = coverage_of(configuration, installation)
    labels = {folder.path: folder.label for folder in installation.folders}
    namings: dict[tuple[Reach, str], list[_Naming]] = collections.defaultdict(list)
    skipped, unread = [], []
    tables = 0
    for path, inside in contents.items():
        label = labels[path]
        found = find_references(path, inside, thorough=thorough)
        tables += inside.tables
        skipped += [f"{label} {os.fsdecode(one)} {why}" for one, why in found.skipped.items()]
        unread += [f"{label} {os.fsdecode(one)} {why}" for one, why in found.unread.items()]
        for reach in _ALL:
            places = places_of(found.references, coverage.judge, frozenset({reach}))
            for place, judgement in places.items():
                key = (reach, name_key(place.folder))
                namings[key].append(_Naming(label, place, judgement))

    lines = [_line(reach, named) for (reach, _), named in sorted(namings.items())]
    yield from some_of(lines, _TOLD, "and {} more places that tables name")
    if not any(reach is not Reach.NOTHING for reach, _ in namings):
        yield fine(f"the files that {tables} tables name lie in configured folders")
    if skipped:
        yield fine(
            f"not searched for paths: {some(skipped, separator='; ')}. 'avplugin doctor --thorough'"
            " searches large files too"
        )
    if unread:
        yield warning(
            f"tables that could not be searched for paths: {some(unread, separator='; ')}",
            "'avplugin verify --live' says which tables are damaged.",
        )


def _line(reach: Reach, named: list[_Naming]) -> Finding:
    first = named[0]
    count = len({name_key(name) for one in named for name in one.place.names})
    count = max(count, *(one.place.count for one in named))
    more = f" and {count - 1} more in that folder" if count > 1 else ""
    fields = list(
        dict.fromkeys(f"{one.label} {one.place.table} {one.place.field}" for one in named)
    )
    what = f"{first.judgement.written}{more} {_WHAT[reach]}; named by {some(fields, _FIELDS_TOLD)}"
    if reach is Reach.UNCLEAR:
        what += f" ({first.judgement.why})"
    return warning(what, _ADVICE[reach])
