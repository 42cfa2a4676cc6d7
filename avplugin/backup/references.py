"""What tables name outside the configured folders, told on the night on which it is new."""

from __future__ import annotations

import collections
import os
import time
from collections.abc import Callable, Iterable, Mapping

from avplugin.backup.call import Call
from avplugin.backup.plan import Plan, belongs
from avplugin.configuration.model import Configuration
from avplugin.errors import AvpluginError
from avplugin.foxpro.path_references import Reference, find_references, is_table, memo_of
from avplugin.installation.coverage import Coverage, Judgement, Reach
from avplugin.installation.model import BadFolder, Folder, Installation
from avplugin.installation.scan import Contents
from avplugin.installation.windows_path import Drives, name_key
from avplugin.state.manifest import FolderManifest, Manifest
from avplugin.state.references import Look, Notes, Place, ReferenceFile

NAMES_KEPT = 5  # of the files in one place; enough to see whether it is still there
_TOLD = 5  # how many new places a night tells
_WHICH = {
    Reach.OUTSIDE: "no configured folder covers it",
    Reach.NO_DRIVE: "'drives' does not say where that is, and no configured folder covers it",
}


def coverage_of(configuration: Configuration, installation: Installation) -> Coverage:
    """Return what the sets of the configuration back up.

    A folder that is missing tonight covers what it did: that it is missing is told elsewhere.
    """
    sets = configuration.sets.values()
    everything: list[Folder | BadFolder] = [*installation.folders, *installation.bad]
    stored = [
        one.path
        for one in everything
        if one.path and any(belongs(configuration, part, one) for part in sets)
    ]
    return Coverage(Drives(configuration.drives), stored, configuration.ignored_references)


def places_of(
    references: Iterable[Reference], judge: Callable[[str], Judgement], wanted: frozenset[Reach]
) -> dict[Place, Judgement]:
    """Return where the references lead that are judged as wanted, by folder they point into.

    With each place comes the judgement on one of them.
    """
    grouped: dict[tuple[str, str, str], dict[str, Judgement]] = collections.defaultdict(dict)
    spelled: dict[tuple[str, str, str], str] = {}
    for reference in references:
        judgement = judge(reference.path)
        if judgement.reach in wanted:
            folder, name = _split(judgement.written)
            group = (os.fsdecode(reference.table), reference.field, name_key(folder))
            spelled.setdefault(group, folder)
            grouped[group].setdefault(name, judgement)
    places = {}
    for group, names in grouped.items():
        table, field, _ = group
        place = Place(table, field, spelled[group], tuple(names)[:NAMES_KEPT], len(names))
        places[place] = next(iter(names.values()))
    return places


def tell_references(call: Call, plan: Plan, manifest: Manifest, say: Callable[[str], None]) -> None:
    """Say which references that no configured folder covers are new, and how many there are.

    Only tables that changed since the last look are read. Nothing that goes wrong here is in the
    way of a backup; it is said.
    """
    try:
        _tell(call, plan, {part.label: part for part in manifest.stored}, say)
    except (AvpluginError, OSError) as error:
        say(f"{call.set.name}: the paths in the tables were not looked at: {error}")


def _tell(
    call: Call, plan: Plan, parts: Mapping[str, FolderManifest], say: Callable[[str], None]
) -> None:
    file = ReferenceFile(call.state.folder)
    try:
        before = file.read()
    except AvpluginError as error:
        say(str(error))
        before = Notes()
    coverage = coverage_of(call.configuration, plan.installation)
    known = {folder.label for folder in plan.installation.folders}
    known |= {bad.label for bad in plan.installation.bad}
    looks = {label: look for label, look in before.looks.items() if label in known}
    seen: set[str] = set()
    for folder in plan.folders:
        if folder.path not in seen:
            seen.add(folder.path)
            contents, part = plan.contents[folder.path], parts[folder.label]
            looks[folder.label] = _look(part, contents, before.looks.get(folder.label), coverage)

    found = [
        (label, place, judgement)
        for label, look in looks.items()
        for place in look.places
        if (judgement := _still_uncovered(place, coverage)) is not None
    ]
    keys = frozenset(name_key(place.folder) for _, place, _ in found)
    _say(call, [one for one in found if name_key(one[1].folder) not in before.told], found, say)
    after = Notes(looks, keys)
    if after != before:
        file.write(after)


def _look(part: FolderManifest, contents: Contents, last: Look | None, coverage: Coverage) -> Look:
    """Return what stands in the tables of a folder; what did not change is not read again.

    Change times, unlike times of writing, cannot be set back by a program that puts a table back.
    They are compared with each other, since a server has a clock of its own; one from the future
    proves nothing about what came after it.
    """
    if last is not None and (last.path, last.fingerprint) == (part.path, part.fingerprint):
        return last
    newest: dict[bytes, int] = {}  # by table and memo together
    for entry in contents.entries:
        if entry.type == "-" and entry.path[-4:].lower() in {b".dbf", b".fpt"}:
            key = memo_of(entry.path)
            newest[key] = max(newest.get(key, 0), entry.changed)
    since = 0
    if last is not None and last.path == part.path and last.newest <= time.time_ns():
        since = last.newest
    tables = {entry.path for entry in contents.entries if is_table(entry)}
    changed = {path for path in tables if newest[memo_of(path)] >= since}
    damaged = {memo_of(os.fsencode(path)) for path in part.damaged}
    readable = {path for path in changed if memo_of(path) not in damaged}
    found = find_references(part.path, contents, readable)
    kept = [
        place
        for place in (last.places if last is not None else ())
        if os.fsencode(place.table) in (tables - readable) | found.unread.keys()
    ]
    wanted = frozenset(_WHICH)
    places = (*kept, *places_of(found.references, coverage.judge, wanted))
    return Look(part.path, part.fingerprint, max(newest.values(), default=0), places)


def _still_uncovered(place: Place, coverage: Coverage) -> Judgement | None:
    """Return the judgement on a place as things are tonight; None if there is nothing to tell."""
    for name in place.names:
        judgement = coverage.judge(f"{place.folder}\\{name}")
        if judgement.reach in _WHICH:
            return judgement
    return None


def _say(
    call: Call,
    new: list[tuple[str, Place, Judgement]],
    found: list[tuple[str, Place, Judgement]],
    say: Callable[[str], None],
) -> None:
    first: dict[str, tuple[str, Place, Judgement]] = {}
    for one in new:
        first.setdefault(name_key(one[1].folder), one)
    for label, place, judgement in list(first.values())[:_TOLD]:
        say(
            f"{label}: {place.table}, field {place.field}, names {judgement.written}:"
            f" {_WHICH[judgement.reach]}"
        )
    if len(first) > _TOLD:
        say(f"{call.set.name}: ... and {len(first) - _TOLD} more new places of that kind")
    if found:
        files = sum(place.count for _, place, _ in found)
        folders = len({name_key(place.folder) for _, place, _ in found})
        say(
            f"{call.set.name}: what tables name and no configured folder covers: {files}, in"
            f" {folders} places; 'avplugin doctor' lists them"
        )


def _split(written: str) -> tuple[str, str]:
    r"""Return the folder of a Windows path and the name in it, with single backslashes."""
    plain = written.replace("/", "\\").rstrip("\\")
    folder, _, name = plain.rpartition("\\")
    return folder.rstrip("\\"), name
