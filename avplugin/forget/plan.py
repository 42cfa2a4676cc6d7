"""What forgetting an administration will do, looked at before anything is changed."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path

from avplugin.borgmatic import borg, erase
from avplugin.borgmatic.archive import HOLD, Archive
from avplugin.borgmatic.configuration import load_borgmatic_configuration
from avplugin.configuration.model import Configuration
from avplugin.errors import AvpluginError, NotNow
from avplugin.forget.rewrite import belongs, is_named, lies_in, shared_paths
from avplugin.installation.model import code_key
from avplugin.installation.scan import FolderUnreadable, scan_folder
from avplugin.snapshots.sources import Source
from avplugin.state.forgetting import ForgettingFolder, Progress
from avplugin.state.manifest import FolderManifest, Manifest
from avplugin.state.restores import RestoreJournal
from avplugin.state.run import SetState
from avplugin.state.traces import Traces, find_traces_in

# Seconds, about twice what was measured on one core with a repository on its own disk.
_PER_FILE_CHANGED, _PER_FILE_READ = 0.0001, 0.00002
_PER_MEGABYTE_CHANGED = 0.001
_PER_ARCHIVE, _PER_REPOSITORY = 1.5, 6.0


@dataclasses.dataclass(frozen=True, slots=True)
class Affected:
    """One archive that has to change. `manifest` is None where it holds none.

    `holds` says that the administration itself is in it, and not only its name.
    """

    archive: Archive
    manifest: Manifest | None
    holds: bool

    @property
    def state(self) -> str:
        """What it is: clean, held, unverified or a checkpoint."""
        if self.archive.is_checkpoint:
            return "checkpoint"
        if self.archive.is_unverified:
            return "unverified"
        return "held" if self.archive.name.endswith(HOLD) else "clean"


@dataclasses.dataclass(frozen=True, slots=True)
class RepositoryPlan:
    """What happens in one repository. `emptied` are archives in which nothing else is.

    `manifests` are those of all this installation's archives, by archive id. `append_only` says why
    what goes may not become free there; empty if it does. `archives` is how many there are,
    `unfinished` are archives that an earlier try left half made.
    """

    source: Source
    affected: tuple[Affected, ...]
    emptied: tuple[Archive, ...]
    unfinished: tuple[Archive, ...]
    manifests: dict[str, Manifest | None]
    archives: int
    append_only: str

    @property
    def name(self) -> str:
        """The repository's name in messages."""
        return str(self.source.reader.repository)


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """All that is to be forgotten, and where.

    `without_manifest` is for archives that cannot say what they hold: there only goes what never
    was another administration's. `shared` are folders that stay since they are another one's as
    well, `others` are repositories that are left as they are, `on_disk` folders of it on this
    machine, as restores keep them.
    """

    configuration: Configuration
    traces: Traces
    without_manifest: erase.Order
    repositories: tuple[RepositoryPlan, ...]
    shared: tuple[str, ...]
    others: tuple[str, ...]
    on_disk: tuple[str, ...]
    goes_on: bool  # an earlier start was cut off
    seconds: float

    @property
    def is_everywhere(self) -> bool:
        """Whether no configured repository is left out."""
        return not self.others


def make_plan(
    configuration: Configuration,
    code: str,
    sources: Sequence[Source],
    is_one_repository: bool,
    learn: Callable[[Source, Sequence[Archive]], None],
) -> Plan:
    """Return what there is to forget; nothing is changed.

    `learn` reads the manifests that are not known here yet. Raise AvpluginError if the
    administration is still in the installation, an archive cannot be read, or nothing has it.
    """
    refuse_present(configuration, code)
    begun = ForgettingFolder(configuration.state).read()
    if begun is not None and code_key(begun.code) != code_key(code):
        raise AvpluginError(
            f"forgetting {begun.code} was cut off.\nFinish that first: avplugin forget {begun.code}"
        )
    manifests: dict[int, dict[str, Manifest | None]] = {}
    for number, source in enumerate(sources):
        archives = source.reader.archives()
        learn(source, archives)
        found = {archive: _manifest(source, archive) for archive in archives}
        manifests[number] = {
            archive.id: manifest
            for archive, manifest in found.items()
            if is_ours(configuration, source, archive, manifest)
        }
    known = [one for found in manifests.values() for one in found.values() if one is not None]
    traces = find_traces(code, known, begun)
    foreign = {
        part.path for manifest in known for part in manifest.folders if not belongs(part, code)
    }
    own_paths = set(traces.paths) - foreign
    _refuse_stored_again(configuration, traces)
    plans = [
        _plan_repository(source, manifests[number], traces, own_paths)
        for number, source in enumerate(sources)
    ]
    if begun is None and not any(plan.affected for plan in plans):
        is_noted = not is_one_repository and find_traces_in(configuration.state, traces)
        if not is_noted:
            where = ", ".join(str(source.reader.repository) for source in sources)
            raise AvpluginError(f"no archive in {where} has {code}: there is nothing to forget.")
    shared = {path for manifest in known for path in shared_paths(manifest, code)}
    return Plan(
        configuration=configuration,
        traces=traces,
        without_manifest=erase.Order(
            frozenset(path.lstrip("/") for path in own_paths),
            frozenset(path.lstrip("/") for path in foreign if lies_in(path, own_paths)),
        ),
        repositories=tuple(plans),
        shared=tuple(sorted(shared)),
        others=tuple(_others(configuration, sources)) if is_one_repository else (),
        on_disk=tuple(_on_disk(configuration, traces)),
        goes_on=begun is not None,
        seconds=sum(_seconds(plan, manifests[number]) for number, plan in enumerate(plans)),
    )


def find_traces(code: str, manifests: Iterable[Manifest], begun: Progress | None) -> Traces:
    """Return what the administration was called in all manifests, and where it lay.

    A name that another administration has too is none of its traces.
    """
    written = begun.code if begun else code
    names, labels, paths, windows = (
        dict.fromkeys(values)
        for values in (
            (begun.names, begun.labels, begun.paths, begun.windows_paths)
            if begun
            else ((), (), (), ())
        )
    )
    foreign = set()
    for part in (part for manifest in manifests for part in manifest.folders):
        if not belongs(part, code):
            foreign.add(part.name)
            continue
        written = part.code
        names[part.name] = labels[part.label] = windows[part.windows_path] = None
        if part.path:
            paths[part.path] = None
    return Traces(
        written,
        tuple(name for name in names if name and name not in foreign),
        tuple(labels),
        tuple(paths),
        tuple(filter(None, windows)),
    )


def refuse_present(configuration: Configuration, code: str) -> None:
    """Raise AvpluginError if the next night would store the administration again."""
    installation = configuration.locate()
    sources = [one.source for one in installation.administrations if _same(one.code, code)]
    sources += [one.place for one in installation.bad if one.code and _same(one.code, code)]
    if sources:
        raise AvpluginError(
            f"{code} is still in the installation ({sources[0]}), and the next backup would store"
            " it again.\nRemove it in AccountView and from the list of administrations, and its"
            " folder, first."
        )


def refuse_running(configuration: Configuration) -> None:
    """Raise NotNow if a backup is under way; the caller holds the locks of the sets."""
    for name in state_names(configuration):
        run = SetState(configuration.state, name).current_run()
        if run is not None and run.owner.is_borgmatic():
            raise NotNow(
                f"a backup of the set {name} runs since {run.started} (process {run.owner.pid});"
                " start it again when that has ended."
            )


def state_names(configuration: Configuration) -> list[str]:
    """Return the folders of STATE that belong to sets, in the order in which they are locked."""
    folders = configuration.state.glob("*/lock")
    there = {file.parent.name for file in folders} - {"restore"}
    return sorted({*configuration.sets, *there})


def _refuse_stored_again(configuration: Configuration, traces: Traces) -> None:
    """Refuse a folder that is still there inside one that is backed up: it would be part of it."""
    folders = {folder.path: folder.label for folder in configuration.locate().folders}
    for path in traces.paths:
        around = [one for one in folders if path.startswith(f"{one}/")]
        if path not in folders and around and _holds_files(path, folders):
            raise AvpluginError(
                f"{path} is still there, and lies in {folders[around[0]]}: the next backup would"
                " store it as a part of that.\nMove it away or remove it first."
            )


def _holds_files(path: str, folders: Collection[str]) -> bool:
    """Return whether a folder holds any file of its own."""
    inside = [os.fsencode(one) for one in folders if one.startswith(f"{path}/")]
    try:
        return scan_folder(path, inside).files > 0
    except FolderUnreadable:
        return os.path.lexists(path) and not Path(path).is_dir()


def _manifest(source: Source, archive: Archive) -> Manifest | None:
    manifest = source.reader.manifest(archive)
    why = source.reader.why_unreadable(archive)
    if why:
        raise AvpluginError(
            f"{archive.name} in {source.reader.repository} cannot be read: {why}\nNobody can tell"
            " what is in it; nothing was changed."
        )
    return manifest


def is_ours(
    configuration: Configuration, source: Source, archive: Archive, manifest: Manifest | None
) -> bool:
    """Return whether the archive is one of this installation's, also of a set that is no more.

    Another installation in the same repository can have an administration with the same code.
    """
    if manifest is not None:
        return manifest.run.installation == configuration.installation_name
    return source.series is not None and archive.series in source.series


def _plan_repository(
    source: Source,
    manifests: dict[str, Manifest | None],
    traces: Traces,
    own_paths: Collection[str],
) -> RepositoryPlan:
    listing = source.reader.listing
    affected = []
    for archive in listing.archives:
        if archive.id not in manifests:
            continue
        manifest = manifests[archive.id]
        if manifest is None:
            if own_paths and _lists_any(source, archive, own_paths):
                affected.append(Affected(archive, None, holds=True))
        elif is_named(manifest, traces):
            holds = any(belongs(part, traces.code) for part in manifest.stored)
            affected.append(Affected(archive, manifest, holds))
    mine = [archive for archive in listing.archives if archive.id in manifests]
    left = tuple(half for half, whole in erase.unfinished(listing.archives) if whole in mine)
    return RepositoryPlan(
        source=source,
        affected=tuple(affected),
        emptied=tuple(archive for archive in mine if _is_emptied(manifests[archive.id], traces)),
        unfinished=left,
        manifests=manifests,
        archives=len(listing.archives),
        append_only=erase.why_append_only(source.reader.repository),
    )


def _is_emptied(manifest: Manifest | None, traces: Traces) -> bool:
    """Return whether nothing is left in an archive, or was left by a start that was cut off."""
    return manifest is not None and all(belongs(part, traces.code) for part in manifest.stored)


def _lists_any(source: Source, archive: Archive, paths: Collection[str]) -> bool:
    """Return whether an archive without manifest holds anything of the administration."""
    folders = [os.fsencode(path.lstrip("/")) for path in paths]
    items = borg.list_items(source.reader.repository, archive.name)
    return any(
        item.path == folder or item.path.startswith(folder + b"/")
        for item in items
        for folder in folders
    )


def _others(configuration: Configuration, sources: Sequence[Source]) -> Iterator[str]:
    here = {source.reader.repository.path for source in sources}
    there = {
        repository.path: str(repository)
        for part in configuration.sets.values()
        for repository in load_borgmatic_configuration(part.borgmatic).repositories
    }
    yield from (name for path, name in there.items() if path not in here)


def _on_disk(configuration: Configuration, traces: Traces) -> Iterator[str]:
    """Yield what restores have kept of it, and the journals that say so; nothing removes these."""
    for path in traces.paths:
        if os.path.lexists(path) and not _is_anybodys(configuration, path):
            yield path
    for restore in RestoreJournal(configuration.state).restores():
        for folder in restore.folders:
            named = _same(folder.code, traces.code) or lies_in(folder.path, traces.paths)
            places = (folder.kept, folder.staging) if named else ()
            yield from (place for place in places if place and os.path.lexists(place))


def _is_anybodys(configuration: Configuration, path: str) -> bool:
    return any(folder.path == path for folder in configuration.locate().folders)


def _seconds(plan: RepositoryPlan, manifests: dict[str, Manifest | None]) -> float:
    """Return about how long one repository takes."""
    changed = [part for one in plan.affected for part in _stored(one.manifest)]
    read = [part for one in manifests.values() for part in _stored(one)]
    return (
        _PER_REPOSITORY
        + _PER_ARCHIVE * len(plan.affected)
        + _PER_FILE_CHANGED * sum(part.files for part in changed)
        + _PER_MEGABYTE_CHANGED * sum(part.size for part in changed) / 1e6
        + _PER_FILE_READ * sum(part.files for part in read)
    )


def _stored(manifest: Manifest | None) -> tuple[FolderManifest, ...]:
    return manifest.stored if manifest is not None else ()


def _same(one: str, other: str) -> bool:
    return code_key(one) == code_key(other)
