"""Gathers how the backups are, out of what this machine knows; repositories are not asked."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import os
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from avplugin.borgmatic.archive import Series
from avplugin.borgmatic.configuration import (
    Repository,
    known_repository_id,
    load_borgmatic_configuration,
)
from avplugin.configuration.model import BackupSet, Configuration
from avplugin.errors import AvpluginError
from avplugin.installation.register_age import register_ages
from avplugin.installation.windows_path import Drives
from avplugin.schedule.present import is_scheduled
from avplugin.state.brake import BrakeFile
from avplugin.state.catalogue import Catalogue
from avplugin.state.drills import DrillsFile, KnownDrills
from avplugin.state.files import StateError
from avplugin.state.moments import as_moment
from avplugin.state.outcomes import Known, Outcome
from avplugin.state.restores import Restore, RestoreJournal
from avplugin.state.run import SetState
from avplugin.state.unregistered import UnregisteredFile
from avplugin.state.waiting import WaitingList
from avplugin.status.folders import folders_of
from avplugin.status.model import FolderStatus, RepositoryStatus, Status, Unregistered
from avplugin.status.repositories import Facts, repository_status, sizes_by_path

_Value = TypeVar("_Value")

# Clocks of two machines are never quite the same; from here on one was wrong.
_FUTURE = datetime.timedelta(minutes=10)
_YOUNG = datetime.timedelta(days=3)


def gather(
    configuration: Configuration,
    now: datetime.datetime,
    unreachable: Mapping[str, str] = types.MappingProxyType({}),
    root: Path = Path("/"),
) -> Status:
    """Return how all sets are in all repositories.

    What cannot be read becomes a line of `problems`, and the rest goes on. `unreachable` says, by
    path, which repositories could not be looked at just now, and why. Below `root` lie the files of
    schedules.
    """
    state = _State(configuration, now)
    outcomes = {name: state.outcomes(name) for name in configuration.sets}
    sizes = sizes_by_path(one for part in outcomes.values() for one in part)
    drills = state.read(DrillsFile(configuration.state).read, KnownDrills({}))
    given = _Given(configuration, outcomes, sizes, drills, unreachable)
    try:
        with state.catalogue() as catalogue:
            repositories, folders = _sets(given, state, catalogue, now)
    except StateError as error:  # the catalogue is damaged
        state.problems.append(_first_line(error))
        with Catalogue.in_memory() as catalogue:
            repositories, folders = _sets(given, state, catalogue, now)
    cut_off: list[Restore] = state.read(RestoreJournal(configuration.state).cut_off, [])
    unregistered: Mapping[str, str] = state.read(UnregisteredFile(configuration.state).read, {})
    return Status(
        moment=now,
        installation=configuration.installation_name,
        repositories=tuple(repositories),
        folders=tuple(folders),
        sessions_checked=bool(configuration.sessions.probes),
        unregistered=tuple(
            Unregistered(path, as_moment(since) or now) for path, since in unregistered.items()
        ),
        registers=register_ages(configuration.administrations, Drives(configuration.drives)),
        cut_off=tuple(restore.what for restore in cut_off),
        problems=tuple(dict.fromkeys(state.problems)),
        is_unscheduled=_is_young(outcomes, now) and not is_scheduled(root),
    )


def _is_young(outcomes: Mapping[str, Sequence[Outcome]], now: datetime.datetime) -> bool:
    """Return whether it is too early to tell by the nights themselves that nothing starts them."""
    begun = [one.begun for part in outcomes.values() for one in part if one.begun is not None]
    return bool(begun) and now - min(begun) < _YOUNG


class _State:
    """The state folder as far as it can be read; `problems` says what cannot, a line each."""

    def __init__(self, configuration: Configuration, now: datetime.datetime) -> None:
        self.folder = configuration.state
        self.problems: list[str] = []
        self._now = now
        self._is_closed = False
        if self.folder.exists():
            self._is_closed = not os.access(self.folder, os.R_OK | os.X_OK)
            if self._is_closed:
                self.problems.append(
                    f"{self.folder} cannot be read by this user, so nothing is known of backups"
                )
            elif not os.access(self.folder, os.W_OK):
                self.problems.append(f"{self.folder} cannot be written to by this user")

    def read(self, function: Callable[[], _Value], otherwise: _Value) -> _Value:
        """Return what the function reads, or something else where that is a problem."""
        if self._is_closed:
            return otherwise
        try:
            return function()
        except AvpluginError as error:
            self.problems.append(_first_line(error))
            return otherwise

    def outcomes(self, set_name: str) -> list[Outcome]:
        """Return what the runs of a set came to, without those of the future."""
        state = SetState(self.folder, set_name)
        found, lost = self.read(state.outcomes_and_lost, Known([], 0))
        if lost:
            self.problems.append(
                f"{set_name}: {lost} of the entries in {state.outcomes_file} cannot be understood,"
                " and count for nothing"
            )
        limit = self._now + _FUTURE
        past = [one for one in found if one.begun is not None and one.begun <= limit]
        if len(past) < len(found):
            self.problems.append(
                f"{set_name}: {len(found) - len(past)} of its outcomes have times in the future, or"
                " none: a clock was wrong, or is"
            )
        return past

    def repositories(
        self, backup_set: BackupSet, outcomes: Sequence[Outcome]
    ) -> tuple[Repository, ...]:
        """Return the repositories of a set; if borgmatic's file is bad, those there have been."""
        try:
            return load_borgmatic_configuration(backup_set.borgmatic).repositories
        except AvpluginError as error:
            self.problems.append(_first_line(error))
            paths = dict.fromkeys(one.repository for one in outcomes)
            return tuple(Repository(path, "", {}) for path in paths)

    @contextlib.contextmanager
    def catalogue(self) -> Iterator[Catalogue]:
        """Open the catalogue; where there is none, an empty one that nobody keeps."""
        if self._is_closed or not (self.folder / "catalogue.sqlite").exists():
            with Catalogue.in_memory() as empty:
                yield empty
        else:
            with Catalogue.open(self.folder) as catalogue:
                yield catalogue


@dataclasses.dataclass(frozen=True, slots=True)
class _Given:
    """What is the same for all sets; `outcomes` are by set, `sizes` by the repository's path."""

    configuration: Configuration
    outcomes: Mapping[str, Sequence[Outcome]]
    sizes: Mapping[str, int]
    drills: KnownDrills
    unreachable: Mapping[str, str]


def _sets(
    given: _Given, state: _State, catalogue: Catalogue, now: datetime.datetime
) -> tuple[list[RepositoryStatus], list[FolderStatus]]:
    """Return how each set is in each repository, and each folder."""
    repositories: list[RepositoryStatus] = []
    folders: list[FolderStatus] = []
    for backup_set in given.configuration.sets.values():
        known = []
        for repository in state.repositories(backup_set, given.outcomes[backup_set.name]):
            facts = _facts(given, state, catalogue, backup_set, repository)
            known.append((facts, repository_status(facts, now)))
        repositories += [status for _, status in known]
        folders += folders_of(backup_set, known, catalogue, now)
    return repositories, folders


def _facts(
    given: _Given,
    state: _State,
    catalogue: Catalogue,
    backup_set: BackupSet,
    repository: Repository,
) -> Facts:
    path = repository.path
    mine = [one for one in given.outcomes[backup_set.name] if one.repository == path]
    repository_id = known_repository_id(repository) or next(
        (one.repository_id for one in reversed(mine) if one.repository_id), ""
    )
    here = SetState(state.folder, backup_set.name)
    start = here.last_start()
    return Facts(
        set=backup_set,
        repository=repository,
        id=repository_id,
        series=Series(given.configuration.installation_name, backup_set.name),
        outcomes=[one for one in mine if one.repository_id in {repository_id, ""}],
        size=given.sizes.get(path),
        listed=catalogue.listed(repository_id),
        drills=given.drills,
        drill_settings=given.configuration.drill,
        braked=state.read(partial(BrakeFile(here.folder).braked, path), None),
        waiting=state.read(partial(WaitingList(here.folder).entries, path), {}),
        last_start=None if start is None else datetime.datetime.fromtimestamp(start, datetime.UTC),
        unreachable=given.unreachable.get(path, ""),
    )


def _first_line(error: AvpluginError) -> str:
    return str(error).splitlines()[0].rstrip(".")
