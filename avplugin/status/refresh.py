"""Looks at the repositories of all sets, so that this machine knows what is in them now."""

from __future__ import annotations

from avplugin.borgmatic.archive import Series, of_series
from avplugin.borgmatic.configuration import Repository, load_borgmatic_configuration
from avplugin.configuration.model import Configuration
from avplugin.errors import AvpluginError
from avplugin.snapshots.reader import SnapshotReader
from avplugin.snapshots.sources import patient
from avplugin.state.catalogue import Catalogue


def refresh(configuration: Configuration) -> dict[str, str]:
    """Look at each repository once; return why one could not be looked at, by its path.

    Raise StateError if the catalogue is damaged.
    """
    repositories: dict[str, Repository] = {}
    series: dict[str, list[Series]] = {}
    for backup_set in configuration.sets.values():
        try:
            found = load_borgmatic_configuration(backup_set.borgmatic).repositories
        except AvpluginError:
            continue  # whoever gathers the status says so
        for repository in found:
            repositories.setdefault(repository.path, repository)
            name = Series(configuration.installation_name, backup_set.name)
            series.setdefault(repository.path, []).append(name)
    unreachable = {}
    with Catalogue.open(configuration.state) as catalogue:
        for path, repository in repositories.items():
            try:
                reader = SnapshotReader(patient(repository), catalogue)
                for name in series[path]:
                    clean = (
                        one for one in of_series(reader.listing.archives, name) if one.is_clean
                    )
                    reader.learn(list(clean)[:1])
            except AvpluginError as error:
                unreachable[path] = str(error).splitlines()[0].rstrip(".")
    return unreachable
