"""A backup that somebody starts: borgmatic for one set after the other, and what came of it."""

from __future__ import annotations

import dataclasses
import datetime
import json
from collections.abc import Callable, Sequence

from avplugin.backup.call import BY_HAND, FORCED, ONLY, make_call
from avplugin.backup.due import when_due
from avplugin.borgmatic.archive import Series
from avplugin.borgmatic.configuration import Repository, load_borgmatic_configuration
from avplugin.borgmatic.start import Start, start_create
from avplugin.configuration.model import BackupSet, Configuration
from avplugin.errors import AvpluginError, UsageError
from avplugin.installation.model import code_key
from avplugin.state.outcomes import Outcome
from avplugin.state.run import SetState


@dataclasses.dataclass(frozen=True, slots=True)
class Summary:
    """What a backup of one set came to in one repository."""

    set: str
    repository: str
    outcome: Outcome
    seconds: float


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asks for: a set, or some of its administrations, in all repositories or one.

    `forced` says that interval and window do not count.
    """

    set: BackupSet
    codes: tuple[str, ...] = ()
    repository: str | None = None
    forced: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Watcher:
    """Who is told how a backup goes on: lines of borgmatic, and bytes done of how many."""

    say: Callable[[str], None]
    complain: Callable[[str], None]
    progress: Callable[[int, int], None]


def sets_wanted(
    configuration: Configuration,
    set_name: str | None,
    codes: Sequence[str],
    repository: str | None,
) -> list[BackupSet]:
    """Return the set of this name, or the one with these administrations, or all sets.

    Raise UsageError if there is none, or the administrations are not all in one set; or if none of
    them goes to the repository.
    """
    sets = [configuration.backup_set(set_name)] if set_name else list(configuration.sets.values())
    if codes:
        _refuse_unknown(configuration, codes)
        sets = [one for one in sets if all(one.selects(code) for code in codes)][:1]
        if not sets:
            raise UsageError(
                f"no set has the administration{'s' if len(codes) > 1 else ''} {', '.join(codes)};"
                " 'avplugin administrations' lists them with their sets."
            )
    if repository is not None:
        sets = [one for one in sets if _goes_to(one, repository)]
        if not sets:
            raise UsageError(f"no set has a repository {repository}.")
    return sets


def _refuse_unknown(configuration: Configuration, codes: Sequence[str]) -> None:
    installation = configuration.locate()
    known = {code_key(one.code) for one in installation.administrations}
    known |= {code_key(one.code) for one in installation.bad}
    for code in codes:
        if code_key(code) not in known:
            raise UsageError(
                f"there is no administration {code}; 'avplugin administrations' lists all."
            )


def _goes_to(backup_set: BackupSet, repository: str) -> bool:
    repositories = load_borgmatic_configuration(backup_set.borgmatic).repositories
    return any(repository in {one.path, one.label} for one in repositories)


def back_up(
    configuration: Configuration, wanted: Wanted, watcher: Watcher, *, verbose: bool
) -> tuple[int, list[Summary]]:
    """Run borgmatic for the set; return borgmatic's exit status and a summary per repository.

    Without a summary it was not due. Raise AvpluginError if the configuration breaks a promise, or
    if no hook of avplugin ran.
    """
    backup_set = wanted.set
    borgmatic = load_borgmatic_configuration(backup_set.borgmatic)
    chosen = borgmatic.repository(wanted.repository).path if wanted.repository else None
    calls = [
        make_call(configuration, backup_set.name, str(borgmatic.file), repository.path)
        for repository in borgmatic.repositories
        if chosen in {None, repository.path}
    ]
    now = datetime.datetime.now(datetime.UTC)
    dues = [when_due(call.set, call.last_good(), now) for call in calls]
    if not wanted.forced and not wanted.codes and not any(due.is_now for due in dues):
        watcher.say(f"{backup_set.name}: not now: {dues[0].why}; --force backs up all the same.")
        return 0, []
    options: list[str] = []
    environment = {BY_HAND: "1", **({FORCED: "1"} if wanted.forced else {})}
    if wanted.codes:
        backup_set = configuration.chosen_set(backup_set, wanted.codes)
        options = _options_of_chosen(configuration, backup_set)
        environment[ONLY] = json.dumps(wanted.codes)
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
        Start(tuple(options), chosen, environment),
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


def _options_of_chosen(configuration: Configuration, backup_set: BackupSet) -> list[str]:
    """Return borgmatic's options that make its archive one of the series of chosen ones."""
    series = Series(configuration.installation_name, backup_set.name)
    patterns = SetState(configuration.state, backup_set.name).patterns
    return [
        *("--patterns-from", json.dumps([str(patterns)])),
        *("--archive-name-format", series.name_format),
    ]


def _summarise(
    backup_set: BackupSet, outcome: Outcome, repositories: dict[str, Repository]
) -> Summary:
    started, ended = (
        datetime.datetime.fromisoformat(at) for at in (outcome.started, outcome.ended)
    )
    repository = repositories.get(outcome.repository)
    return Summary(
        set=backup_set.name,
        repository=str(repository) if repository else outcome.repository,
        outcome=outcome,
        seconds=(ended - started).total_seconds(),
    )
