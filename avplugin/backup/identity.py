"""Which installation made a set's archives: this one, or another one of the same name."""

from __future__ import annotations

import socket

from avplugin.backup.call import Call, make_call
from avplugin.borgmatic.archive import of_series
from avplugin.borgmatic.configuration import load_borgmatic_configuration
from avplugin.configuration.model import BackupSet, Configuration
from avplugin.errors import AvpluginError
from avplugin.installation.model import Installation
from avplugin.snapshots.reader import SnapshotReader
from avplugin.state.catalogue import Catalogue
from avplugin.state.installation_id import (
    adopt_installation_id,
    ensure_installation_id,
    read_installation_id,
)
from avplugin.state.manifest import RunManifest


def own_identity(call: Call, reader: SnapshotReader, installation: Installation) -> str:
    """Return this installation's number; refuse archives that another installation made.

    State that was lost is made good out of the newest archive, if that was made on this machine
    from these program and system folders.
    """
    state = call.configuration.state
    mine = read_installation_id(state)
    theirs = _newest_run(call, reader)
    if theirs is None or theirs.installation_id == mine:
        return ensure_installation_id(state)
    here = (socket.gethostname(), *system_places(installation))
    if mine is None and here == (theirs.host, theirs.program, theirs.system):
        return ensure_installation_id(state, theirs.installation_id)
    raise AvpluginError(
        f"the archives {call.series}-... in {call.repository.path} were made by another"
        f" installation (machine {theirs.host}, program folder {theirs.program}).\n"
        "Give this one another 'installation.name' or repository; if it is the same one on a new"
        f" machine, 'avplugin backup {call.set.name} --adopt' continues them."
    )


def system_places(installation: Installation) -> tuple[str, str]:
    """Return where the program and the system folder are, also if they are bad."""
    places = {"program": "", "system": ""}
    for folder in installation.system_folders:
        places[folder.kind.value] = folder.path
    for bad in installation.bad:
        places.setdefault(bad.kind.value, "")
        places[bad.kind.value] = places[bad.kind.value] or bad.path
    return places["program"], places["system"]


def adopt_archives(configuration: Configuration, backup_set: BackupSet) -> str | None:
    """Take over the number of the installation that made the set's archives; return it.

    None if there is nothing to take over. Raise BorgError if a repository cannot be read.
    """
    borgmatic = load_borgmatic_configuration(backup_set.borgmatic)
    mine = read_installation_id(configuration.state)
    with Catalogue.open(configuration.state) as catalogue:
        for repository in borgmatic.repositories:
            call = make_call(configuration, backup_set.name, str(borgmatic.file), repository.path)
            theirs = _newest_run(call, SnapshotReader(repository, catalogue))
            if theirs is not None and theirs.installation_id != mine:
                adopt_installation_id(configuration.state, theirs.installation_id)
                return theirs.installation_id
    return None


def _newest_run(call: Call, reader: SnapshotReader) -> RunManifest | None:
    """Return who made the newest archive of the set that says so."""
    manifests = map(reader.manifest, of_series(reader.listing.archives, call.series))
    return next((manifest.run for manifest in manifests if manifest is not None), None)
