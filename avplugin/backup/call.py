"""What borgmatic tells a hook, with its names resolved."""

from __future__ import annotations

import dataclasses
import datetime
from pathlib import Path

from avplugin.borgmatic.archive import Series
from avplugin.borgmatic.configuration import (
    Repository,
    check_promises,
    load_borgmatic_configuration,
)
from avplugin.configuration.model import BackupSet, Configuration
from avplugin.state.run import SetState


@dataclasses.dataclass(frozen=True, slots=True)
class Call:
    """One call of a hook: for which set, and for which repository of borgmatic's."""

    configuration: Configuration
    set: BackupSet
    repository: Repository
    state: SetState

    @property
    def series(self) -> Series:
        """The archives of the set."""
        return Series(self.configuration.installation_name, self.set.name)


def make_call(
    configuration: Configuration, set_name: str, borgmatic_file: str | None, repository: str | None
) -> Call:
    """Return the call with its names resolved; check that borgmatic's settings keep the promises.

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
    return Call(configuration, backup_set, chosen, state)


def utc_now() -> str:
    """Return the present moment, ISO 8601 in UTC."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
