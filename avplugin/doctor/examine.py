"""Everything that can be wrong before the first night, looked at in order.

One concern that fails, or that lacks what another found wrong, does not keep the others from being
looked at.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from avplugin.borgmatic.borg import Listing, cache_folder, list_archives
from avplugin.borgmatic.configuration import (
    BorgmaticConfiguration,
    Repository,
    load_borgmatic_configuration,
)
from avplugin.configuration.model import Configuration
from avplugin.doctor import (
    borgmatic_files,
    clock,
    drives,
    folders,
    free_space,
    mail,
    own_backups,
    references,
    repositories,
    schedule,
    secret_files,
    versions,
    who_is_in,
)
from avplugin.doctor.finding import Finding, Level, error, fine, of_error, warning
from avplugin.errors import AvpluginError
from avplugin.installation.boundaries import find_boundaries, left_by_restores
from avplugin.installation.model import Installation
from avplugin.installation.scan import Contents, FolderUnreadable, scan_folder
from avplugin.schedule.present import find_others, find_schedules
from avplugin.snapshots.sources import patient
from avplugin.state.emergency_sheet import read_emergency_sheet
from avplugin.state.outcomes import Outcome
from avplugin.state.run import SetState

_T = TypeVar("_T")


def examine(load: Callable[[], Configuration], *, thorough: bool) -> Iterator[tuple[str, Finding]]:
    """Yield what is found, one after the other, each with the name of its concern.

    `load` returns the configuration, or raises AvpluginError. `thorough` searches every table for
    paths, however large. Nothing is changed, and nothing is raised.
    """
    facts = _Facts(load)
    concerns: dict[str, Callable[[], Iterator[Finding]]] = {
        "versions": lambda: versions.check(facts.borgmatic_found, facts.schedule_files),
        "configuration": lambda: _configuration(facts),
        "borgmatic": lambda: _borgmatic(facts),
        "folders": lambda: folders.check(
            facts.configuration, facts.installation, facts.contents, facts.unreadable
        ),
        "drives": lambda: drives.check(facts.configuration.drives, facts.installation),
        "sessions": lambda: who_is_in.check(facts.configuration),
        "repositories": lambda: _repositories(facts),
        "schedule": lambda: schedule.check(
            find_schedules(), find_others(), facts.started, facts.now
        ),
        "clock": lambda: clock.check(facts.now, facts.moments),
        "free space": lambda: free_space.check(_needs(facts)),
        "mail": lambda: mail.check(facts.configuration.mail, facts.configuration.report.mail_to),
        "secrets": lambda: secret_files.check(facts.configuration, facts.borgmatic_found),
        "own backups": lambda: own_backups.check(facts.installation, facts.contents),
        "references": lambda: references.check(
            facts.configuration, facts.installation, facts.contents, thorough=thorough
        ),
    }
    told: set[Finding] = set()
    missed: dict[Finding, list[str]] = {}
    for name, check in concerns.items():
        for finding in _survived(check):
            if finding.level is Level.ERROR and finding in told:
                missed.setdefault(finding, []).append(name)
            else:
                told.add(finding)
                yield name, finding
    for finding, names in missed.items():
        what = f"{', '.join(names)} could not be looked at, because {finding.what}"
        yield "doctor", warning(what, "Mend that first, and call doctor again.")


def _survived(check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """Yield what is found, and as the last finding why there is no more."""
    try:
        yield from check()
    except AvpluginError as failure:
        yield of_error(failure)
    except Exception as failure:  # the others have to be looked at all the same
        yield error(
            f"this could not be looked at: {type(failure).__name__}: {failure}",
            "That is a fault of avplugin: report it, with this line.",
        )


class _Facts:
    """What several concerns look at: found out once, when the first one asks.

    What cannot be found out raises AvpluginError each time.
    """

    def __init__(self, load: Callable[[], Configuration]) -> None:
        self._load = load
        self.now = datetime.datetime.now(datetime.UTC)

    @functools.cached_property
    def _configuration(self) -> Configuration | AvpluginError:
        return _tried(self._load)

    @property
    def configuration(self) -> Configuration:
        """accountview.yaml."""
        return _or_raise(self._configuration)

    @functools.cached_property
    def borgmatic(self) -> dict[str, BorgmaticConfiguration | AvpluginError]:
        """What borgmatic is told for each set, or why that cannot be read."""
        return {
            name: _tried(functools.partial(load_borgmatic_configuration, part.borgmatic))
            for name, part in self.configuration.sets.items()
        }

    @property
    def borgmatic_found(self) -> list[BorgmaticConfiguration]:
        """Those that there are; none without a configuration."""
        if isinstance(self._configuration, AvpluginError):
            return []
        found = self.borgmatic.values()
        return [one for one in found if not isinstance(one, AvpluginError)]

    @functools.cached_property
    def listings(self) -> list[tuple[Repository, Listing | AvpluginError]]:
        """What Borg says of each repository, each asked once."""
        found: dict[str, Repository] = {}
        for configuration in self.borgmatic_found:
            for repository in configuration.repositories:
                found.setdefault(repository.path, repository)
        return [
            (one, _tried(functools.partial(list_archives, _as_at_night(one))))
            for one in found.values()
        ]

    @functools.cached_property
    def _installation(self) -> Installation | AvpluginError:
        return _tried(lambda: self.configuration.locate())  # noqa: PLW0108 - that may raise too

    @property
    def installation(self) -> Installation:
        """The installation as it is on this machine."""
        return _or_raise(self._installation)

    @property
    def installation_if_any(self) -> Installation | None:
        """The same, or None where the list of administrations cannot be read."""
        found = self._installation
        return None if isinstance(found, AvpluginError) else found

    @functools.cached_property
    def _scans(self) -> tuple[dict[str, Contents], dict[str, str]]:
        paths = {folder.path for folder in self.installation.folders}
        everything = paths | {bad.path for bad in self.installation.bad if bad.path}
        everything |= left_by_restores(everything)
        contents, unreadable = {}, {}
        for path, inside in find_boundaries(paths, everything).items():
            try:
                contents[path] = scan_folder(path, [os.fsencode(one) for one in inside])
            except FolderUnreadable as failure:
                unreadable[path] = str(failure)
        return contents, unreadable

    @property
    def contents(self) -> dict[str, Contents]:
        """What lies in each folder, by path."""
        return self._scans[0]

    @property
    def unreadable(self) -> dict[str, str]:
        """Why a folder cannot be read, by path."""
        return self._scans[1]

    @functools.cached_property
    def outcomes(self) -> dict[str, list[Outcome]]:
        """What the nights of each set came to, oldest first."""
        state = self.configuration.state
        return {name: SetState(state, name).outcomes() for name in self.configuration.sets}

    @property
    def started(self) -> dict[str, datetime.datetime | None]:
        """When a schedule last started borgmatic for each set."""
        seconds = {
            name: SetState(self.configuration.state, name).last_start()
            for name in self.configuration.sets
        }
        return {
            name: None if at is None else datetime.datetime.fromtimestamp(at, datetime.UTC)
            for name, at in seconds.items()
        }

    @property
    def moments(self) -> Iterator[tuple[str, datetime.datetime]]:
        """Moments that have been, each with what it is the time of."""
        for repository, answer in self.listings:
            if isinstance(answer, Listing) and answer.archives:
                newest = max(answer.archives, key=lambda one: one.time)
                yield f"the archive {newest.name} in {repository}", newest.time
        for name, outcomes in self.outcomes.items():
            ended = outcomes[-1].finished if outcomes else None
            if ended is not None:
                yield f"the last night of the set {name}", ended

    @property
    def schedule_files(self) -> list[Path]:
        """The files of the schedules that are there."""
        try:
            places = [place for one in find_schedules() for place in one.places] + find_others()
        except AvpluginError:
            return []  # the concern of schedules says so
        services = [place.removesuffix(".timer") + ".service" for place in places]
        return [Path(place) for place in (*places, *services) if place.startswith("/")]


def _configuration(facts: _Facts) -> Iterator[Finding]:
    configuration = facts.configuration
    yield fine(f"{configuration.file} is right; sets: {', '.join(configuration.sets)}")
    installation = facts.installation
    count = len(installation.administrations)
    if count:
        yield fine(f"{count} administrations are known")
    else:
        yield error(
            "no administration is known",
            "Look at 'administrations' in accountview.yaml: a register, a pattern or single ones.",
        )


def _borgmatic(facts: _Facts) -> Iterator[Finding]:
    for name, found in facts.borgmatic.items():
        if isinstance(found, AvpluginError):
            yield of_error(found)
        else:
            yield from borgmatic_files.check(
                facts.configuration, facts.configuration.sets[name], found
            )


def _repositories(facts: _Facts) -> Iterator[Finding]:
    sheet = _tried(functools.partial(read_emergency_sheet, facts.configuration.state))
    if isinstance(sheet, AvpluginError):
        yield of_error(sheet, Level.WARNING)
        sheet = None
    yield from repositories.check(facts.listings, facts.installation_if_any, sheet)


def _needs(facts: _Facts) -> Iterator[free_space.Need]:
    configuration = facts.configuration
    drill = configuration.drill
    caches = {}
    local = {}
    for repository, answer in facts.listings:
        caches[str(repository)] = cache_folder(repository)
        path = repositories.local_path(repository)
        if path is not None and isinstance(answer, Listing):
            local[str(repository)] = (path, not answer.archives)
    sizes = [one.size for one in facts.contents.values()]
    return free_space.needs(
        configuration.state,
        (drill.folder or configuration.state / "scratch") if drill.sample else None,
        caches,
        local,
        data=sum(sizes),
        largest=max(sizes, default=0),
    )


def _as_at_night(repository: Repository) -> Repository:
    """Return the repository as a night reaches it: ssh has nobody to ask for a password.

    A machine that does not answer, or a repository that is locked, is not waited for long.
    """
    command = str(repository.settings.get("ssh_command") or os.environ.get("BORG_RSH") or "ssh")
    if Path(command.split(maxsplit=1)[0]).name == "ssh":
        command += " -o BatchMode=yes -o ConnectTimeout=20"
    asked = patient(repository)
    return dataclasses.replace(asked, settings={**asked.settings, "ssh_command": command})


def _tried(find: Callable[[], _T]) -> _T | AvpluginError:
    try:
        return find()
    except AvpluginError as failure:
        return failure


def _or_raise(found: _T | AvpluginError) -> _T:
    if isinstance(found, AvpluginError):
        raise found
    return found
