"""What borgmatic tells a hook, with its names resolved."""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
from pathlib import Path

from avplugin.borgmatic.archive import Series
from avplugin.borgmatic.configuration import (
    Repository,
    check_promises,
    known_repository_id,
    load_borgmatic_configuration,
)
from avplugin.configuration.model import BackupSet, Configuration
from avplugin.state.outcomes import Outcome, last_good
from avplugin.state.run import SetState

# Environment variables by which `avplugin backup` speaks to the hooks of the borgmatic it starts.
FORCED = "AVPLUGIN_FORCED"
ONLY = "AVPLUGIN_ONLY"  # codes of administrations, as JSON
BY_HAND = "AVPLUGIN_BY_HAND"  # somebody called it: no schedule, terminal or not


@dataclasses.dataclass(frozen=True, slots=True)
class Call:
    """One call of a hook: for which set, and for which repository of borgmatic's."""

    configuration: Configuration
    set: BackupSet
    repository: Repository
    state: SetState
    is_forced: bool = False  # interval and window do not count

    @property
    def series(self) -> Series:
        """The archives of the set."""
        return Series(self.configuration.installation_name, self.set.name)

    def last_good(self) -> Outcome | None:
        """Return the newest good outcome in the repository, None if there is none."""
        known = known_repository_id(self.repository)
        return last_good(self.state.outcomes(), self.repository.path, known)


def make_call(
    configuration: Configuration, set_name: str, borgmatic_file: str | None, repository: str | None
) -> Call:
    """Return the call with its names resolved; check that borgmatic's settings keep the promises.

    What `avplugin backup` was asked for besides comes through the environment, past borgmatic.
    Raise AvpluginError if the set, the file or the repository is not known.
    """
    backup_set = configuration.backup_set(set_name)
    state = SetState(configuration.state, backup_set.name)
    file = Path(borgmatic_file).absolute() if borgmatic_file else backup_set.borgmatic
    borgmatic = load_borgmatic_configuration(file)
    chosen = (
        borgmatic.repository(repository) if repository is not None else borgmatic.repositories[0]
    )
    check_promises(borgmatic, chosen, configuration, backup_set, state.patterns)
    codes = json.loads(os.environ.get(ONLY) or "[]")
    if codes:
        backup_set = configuration.chosen_set(backup_set, codes)
        state = SetState(configuration.state, backup_set.name)
    return Call(configuration, backup_set, chosen, state, is_forced=bool(os.environ.get(FORCED)))


def utc_now() -> str:
    """Return the present moment, ISO 8601 in UTC."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
