"""A backup that somebody starts: borgmatic for one set after the other, and what came of it."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable

from avplugin.backup.call import make_call
from avplugin.borgmatic import borg
from avplugin.borgmatic.configuration import Repository, load_borgmatic_configuration
from avplugin.borgmatic.start import start_create
from avplugin.configuration.model import BackupSet, Configuration
from avplugin.errors import AvpluginError
from avplugin.state.run import Outcome, SetState


@dataclasses.dataclass(frozen=True, slots=True)
class Summary:
    """What a backup of one set came to in one repository.

    `new` is how many bytes the repository grew by for it, compressed; None if that is not known.
    """

    set: str
    repository: str
    outcome: Outcome
    seconds: float
    new: int | None


@dataclasses.dataclass(frozen=True, slots=True)
class Watcher:
    """Who is told how a backup goes on: lines of borgmatic, and bytes done of how many."""

    say: Callable[[str], None]
    complain: Callable[[str], None]
    progress: Callable[[int, int], None]


def back_up(
    configuration: Configuration, backup_set: BackupSet, watcher: Watcher, *, verbose: bool
) -> tuple[int, list[Summary]]:
    """Run borgmatic for the set; return borgmatic's exit status and a summary per repository.

    Raise AvpluginError if the configuration breaks a promise, or if no hook of avplugin ran.
    """
    borgmatic = load_borgmatic_configuration(backup_set.borgmatic)
    for repository in borgmatic.repositories:
        make_call(configuration, backup_set.name, str(borgmatic.file), repository.path)
    state = SetState(configuration.state, backup_set.name)
    before = set(state.outcomes())
    total = 0

    def progress(done: int) -> None:
        nonlocal total
        if not total or done == 0:
            run = state.current_run()
            total = run.size if run else 0
        watcher.progress(done, total)

    status = start_create(
        borgmatic.file,
        configuration.file,
        verbose=verbose,
        progress=progress,
        say=watcher.say,
        complain=watcher.complain,
    )
    new = [outcome for outcome in state.outcomes() if outcome not in before]
    if not new and status == 0:
        raise AvpluginError(
            f"borgmatic ran for the set {backup_set.name}, but called no hook of avplugin.\n"
            f"{borgmatic.file} needs the 'commands' of configs/borgmatic.d/."
        )
    repositories = {repository.path: repository for repository in borgmatic.repositories}
    return status, [_summarise(backup_set, outcome, repositories) for outcome in new]


def _summarise(
    backup_set: BackupSet, outcome: Outcome, repositories: dict[str, Repository]
) -> Summary:
    started, ended = (
        datetime.datetime.fromisoformat(at) for at in (outcome.started, outcome.ended)
    )
    repository = repositories.get(outcome.repository)
    new = None
    if repository is not None and outcome.status == "clean":
        new = borg.archive_statistics(repository, outcome.archive)["deduplicated_size"]
    return Summary(
        set=backup_set.name,
        repository=str(repository) if repository else outcome.repository,
        outcome=outcome,
        seconds=(ended - started).total_seconds(),
        new=new,
    )
