"""What follows a check: the restore drill when it is due, and a check of the held archives."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
from collections.abc import Callable, Sequence

from avplugin.borgmatic import borg
from avplugin.borgmatic.archive import HOLD, Series
from avplugin.borgmatic.configuration import Repository
from avplugin.configuration.model import Configuration
from avplugin.errors import AvpluginError
from avplugin.installation.model import Folder
from avplugin.snapshots.reader import SnapshotReader
from avplugin.snapshots.sources import Source
from avplugin.state.catalogue import Catalogue, folder_key
from avplugin.state.drills import DRILL, HELD, DrillsFile, KnownDrills
from avplugin.state.files import StateError
from avplugin.state.run import SetState
from avplugin.verify.candidates import Candidate, find_candidates
from avplugin.verify.drill import Status, Verdict, drill
from avplugin.verify.due import failing, is_due, longest_unproven
from avplugin.verify.scratch import scratch_base


@dataclasses.dataclass(frozen=True, slots=True)
class Due:
    """What there is to do behind a check; `retry` is to drill again what failed before."""

    drill: bool
    retry: bool
    held: bool

    def __bool__(self) -> bool:
        return self.drill or self.retry or self.held


@dataclasses.dataclass(frozen=True, slots=True)
class Checked:
    """What was done behind a check. `faults` are sentences about what was not proven."""

    verdicts: tuple[Verdict, ...]
    held: tuple[str, ...]  # the archives that were checked
    faults: tuple[str, ...]


def what_is_due(
    configuration: Configuration, set_name: str, repository: str, now: datetime.datetime
) -> Due:
    """Return what is due for a set in the repository at this path, without a look into it.

    Raise StateError if what is known of drills is damaged.
    """
    known = DrillsFile(configuration.state).read()
    series = str(Series(configuration.installation_name, set_name))
    repository_id = _last_id(configuration, set_name, repository)
    repository_id = repository_id or known.repository_at(repository, series)
    return _due(configuration, known, repository_id, series, now)


def after_check(
    configuration: Configuration,
    set_name: str,
    repository: Repository,
    now: datetime.datetime,
    progress: Callable[[int, int], None],
    tell: Callable[[Verdict], None],
) -> Checked:
    """Do what is due for a set in a repository; `progress` and `tell` are those of a drill.

    Raise AvpluginError if the repository cannot be read, or there is no place to extract to.
    """
    series = Series(configuration.installation_name, set_name)
    file = DrillsFile(configuration.state)
    with Catalogue.open(configuration.state) as catalogue:
        reader = SnapshotReader(repository, catalogue)
        source = Source(reader, (str(series),), configuration.state)
        due = _due(configuration, file.read(), reader.listing.id, str(series), now)
        held: list[str] = []
        verdicts: list[Verdict] = []
        faults: list[str] = []
        if due.held:
            held = [archive.name for archive in source.archives() if archive.name.endswith(HOLD)]
            faults += _check_held(repository, series, held)
            if not faults:
                file.note_done(reader.listing.id, str(series), HELD, now, repository.path)
        if due.drill or due.retry:
            reader.learn(source.archives())
            _forget_what_is_gone(file, source, series)
            found = find_candidates([source], [], None)
            faults += found.unreadable
            chosen = _choose(configuration, due, found.candidates, file.read(), now)
            if chosen:
                folders = _installation_folders(configuration)
                scratch = scratch_base(configuration.drill.folder, configuration.state, folders)
                verdicts = drill(chosen, scratch, progress, tell)
            was_tried = all(verdict.status is not Status.NOT_TRIED for verdict in verdicts)
            if due.drill and verdicts and was_tried and not found.unreadable:
                file.note_done(reader.listing.id, str(series), DRILL, now, repository.path)
    return Checked(tuple(verdicts), tuple(held), tuple(faults))


def _due(
    configuration: Configuration,
    known: KnownDrills,
    repository_id: str,
    series: str,
    now: datetime.datetime,
) -> Due:
    """Return what is due; folders that failed are due at every check until they are proven."""
    every = configuration.drill.every
    drills = configuration.drill.sample > 0
    last = known.last_done(repository_id, series, DRILL)
    return Due(
        drill=drills and is_due(last, every, now),
        retry=drills and known.has_failures(repository_id, series),
        held=is_due(known.last_done(repository_id, series, HELD), every, now),
    )


def _last_id(configuration: Configuration, set_name: str, repository: str) -> str:
    """Return the id of the repository that the last backup found at this path; empty if unknown.

    Disks that take turns have one path and several ids.
    """
    with contextlib.suppress(StateError, AttributeError, TypeError):
        for outcome in reversed(SetState(configuration.state, set_name).outcomes()):
            if outcome.repository == repository and outcome.repository_id:
                return outcome.repository_id
    return ""


def _choose(
    configuration: Configuration,
    due: Due,
    candidates: Sequence[Candidate],
    known: KnownDrills,
    now: datetime.datetime,
) -> list[Candidate]:
    """Return what to drill: at most a sample of what failed, and a sample of the rest if due.

    What goes on failing must not keep the others from their turn.
    """
    sample = configuration.drill.sample
    failed = failing(candidates, known)
    chosen = failed[:sample]
    if due.drill:
        others = [candidate for candidate in candidates if candidate not in failed]
        chosen += longest_unproven(others, known, sample, now)
    return chosen


def _forget_what_is_gone(file: DrillsFile, source: Source, series: Series) -> None:
    """Forget failures of versions that no archive holds any more: nobody can prove them."""
    there: dict[str, set[tuple[str, str]]] = {}
    for archive in source.archives():
        manifest = source.reader.manifest(archive)
        if manifest is None:
            return  # it may hold what failed
        for part in manifest.stored:
            versions = there.setdefault(folder_key(part.label), set())
            versions.add((part.fingerprint, part.list_digest))
    file.forget_failures_but(source.reader.listing.id, str(series), there)


def _installation_folders(configuration: Configuration) -> Sequence[Folder]:
    """Return the folders of the installation; none if the list of them is lost."""
    try:
        return configuration.locate().folders
    except AvpluginError:
        return ()


def _check_held(repository: Repository, series: Series, held: Sequence[str]) -> list[str]:
    """Check exactly the held archives, which borgmatic's own check does not see."""
    if not held:
        return []
    try:
        borg.check_archives(repository, series.held_pattern)
    except borg.RepositoryUnavailable:
        raise
    except borg.BorgError as error:
        said = str(error).splitlines()[0].rstrip(".")
        return [f"the held archives {', '.join(held)} did not pass Borg's check: {said}"]
    return []
