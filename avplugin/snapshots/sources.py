"""Where snapshots are looked for: the repositories of all sets, or any other by its URL."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from avplugin.borgmatic.archive import Archive, Series
from avplugin.borgmatic.borg import list_archives
from avplugin.borgmatic.configuration import Repository, load_borgmatic_configuration
from avplugin.configuration.model import CHOSEN, Configuration
from avplugin.errors import AvpluginError
from avplugin.snapshots.reader import SnapshotReader
from avplugin.state.catalogue import Catalogue
from avplugin.state.run import SetState

_Error = TypeVar("_Error", bound=AvpluginError)


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """One repository with the series of archives that count in it; None means all of avplugin's.

    `state` is the folder where this machine keeps what it knows of the repository.
    """

    reader: SnapshotReader
    series: tuple[str, ...] | None
    state: Path

    def archives(self) -> list[Archive]:
        """Return the archives that count, newest first."""
        return self.reader.archives(self.series)


@contextlib.contextmanager
def configured_sources(
    configuration: Configuration, wanted: str | None, warn: Callable[[str], None]
) -> Iterator[list[Source]]:
    """Yield the repositories of all sets, each once; `wanted` limits them by path or label.

    A repository that cannot be read is warned about as long as another one can. Raise AvpluginError
    if none can, or none is meant by `wanted`.
    """
    series: dict[str, list[str]] = {}
    repositories: dict[str, Repository] = {}
    reasons: dict[str, str] = {}
    others: dict[str, None] = {}
    for name, part in configuration.sets.items():
        for repository in load_borgmatic_configuration(part.borgmatic).repositories:
            if wanted in {None, repository.path, repository.label}:
                repositories.setdefault(repository.path, repository)
                chosen = str(Series(configuration.installation_name, CHOSEN))
                series.setdefault(repository.path, [chosen]).append(
                    str(Series(configuration.installation_name, name))
                )
            else:
                others[str(repository)] = None
        for outcome in SetState(configuration.state, name).outcomes():
            if outcome.reasons and outcome.archive:
                reasons[outcome.archive] = outcome.reasons[0]
    if not repositories:
        raise AvpluginError(f"no set has a repository {wanted}.")
    with Catalogue.open(configuration.state) as catalogue:
        sources: list[Source] = []
        errors: list[AvpluginError] = []
        for path, repository in repositories.items():
            try:
                reader = SnapshotReader(patient(repository), catalogue, reasons)
            except AvpluginError as error:
                errors.append(error)
            else:
                sources.append(Source(reader, tuple(series[path]), configuration.state))
        if not sources:
            raise _unreadable(errors[0], others)
        for failure in errors:
            warn(str(failure).splitlines()[0])
        yield sources


def _unreadable(error: _Error, others: Collection[str]) -> _Error:
    """Return the error about a repository that cannot be read, with what to try instead."""
    if not others:
        return error
    return type(error)(
        f"{str(error).splitlines()[0]}\nThe same folders may be in {' or '.join(others)}: try"
        f" --repository {next(iter(others))}."
    )


def names_repository(configuration: Configuration, wanted: str) -> bool:
    """Return whether a set has a repository with this path or label."""
    return any(
        wanted in {repository.path, repository.label}
        for part in configuration.sets.values()
        for repository in load_borgmatic_configuration(part.borgmatic).repositories
    )


@contextlib.contextmanager
def bare_source(url: str, ask_passphrase: Callable[[str], str | None]) -> Iterator[list[Source]]:
    """Yield the repository `url` without any configuration, as on a new machine.

    `ask_passphrase` is asked when the environment holds none; it returns None where nobody can
    answer. Its answer reaches Borg through a pipe. The catalogue is kept beside Borg's own cache:
    this machine may be no AccountView server at all. Raise AvpluginError if it cannot be read.
    """
    if Path(url).exists():
        url = str(Path(url).absolute())  # Borg extracts in another working folder
    passphrase = ask_passphrase(url)
    settings = {} if passphrase is None else {"encryption_passphrase": passphrase}
    state = bare_state()
    with Catalogue.open(state) as catalogue:
        repository = Repository(url, "", settings)
        listing = list_archives(
            repository
        )  # whoever types a passphrase wants to know if it is right
        yield [Source(SnapshotReader(repository, catalogue, listing=listing), None, state)]


def bare_state() -> Path:
    """Return the folder for what is known of repositories that no configuration names."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "avplugin"


def patient(repository: Repository) -> Repository:
    """Return the repository for somebody who waits at a terminal: seconds, not ten minutes."""
    waiting = min(int(repository.settings.get("lock_wait") or 1), 5)
    return dataclasses.replace(repository, settings={**repository.settings, "lock_wait": waiting})


def newest_first(sources: Sequence[Source]) -> list[tuple[Source, Archive]]:
    """Return all archives of all sources, newest first."""
    pairs = [(source, archive) for source in sources for archive in source.archives()]
    return sorted(pairs, key=lambda pair: pair[1].time, reverse=True)
