"""The manifest of a run: what is to be stored, as it lies there before the copy."""

from __future__ import annotations

import dataclasses
import datetime
import os
import secrets
import socket

from avplugin import __version__
from avplugin.backup.call import Call
from avplugin.backup.identity import system_places
from avplugin.backup.plan import Plan
from avplugin.backup.who_is_in import Clearance
from avplugin.configuration.model import Configuration
from avplugin.foxpro.health import check_tables
from avplugin.installation.model import Folder, Installation
from avplugin.installation.scan import Contents
from avplugin.installation.version import accountview_version
from avplugin.side_by_side import side_by_side
from avplugin.state.manifest import (
    NOBODY,
    NOT_CHECKED,
    FolderManifest,
    Manifest,
    RunManifest,
    describe_folder,
    describe_left_out,
)


def describe_run(
    call: Call,
    plan: Plan,
    clearance: Clearance,
    identity: str,
    started: str,
    last: Manifest | None,
) -> Manifest:
    """Return the manifest of a run that begins now.

    `identity` is the installation's number, `started` ISO 8601 in UTC. `last` is the manifest of
    the last clean snapshot: tables of folders that are as they were then are not looked at again.
    """
    run = identify_run(call.configuration, plan.installation, call.set.name, identity, started)
    nobody = NOBODY if call.configuration.sessions.probes else NOT_CHECKED
    known = {part.label: part for part in last.stored} if last is not None else {}

    def describe(folder: Folder) -> FolderManifest:
        contents = plan.contents[folder.path]
        who = clearance.despite.get(folder.label, nobody)
        before = known.get(folder.label)
        part = describe_folder(folder, contents, plan.boundaries[folder.path], who, before)
        return with_table_health(part, contents, before)

    # The others take no longer than it takes to send what another process found.
    changed = [
        folder
        for folder in plan.folders
        if (before := known.get(folder.label)) is None
        or before.fingerprint != plan.contents[folder.path].fingerprint
    ]
    looked_at = dict(zip(changed, side_by_side(describe, changed), strict=True))
    stored = [looked_at.get(folder) or describe(folder) for folder in plan.folders]
    bad = tuple(describe_left_out(one, NOT_CHECKED) for one in plan.left_out)
    used = tuple(
        describe_left_out(one, NOT_CHECKED if one.label in clearance.unknown else one.reason)
        for one in plan.in_use
    )
    return Manifest(run, (*stored, *bad, *used))


def identify_run(
    configuration: Configuration,
    installation: Installation,
    set_name: str,
    identity: str,
    started: str,
) -> RunManifest:
    """Return what says which run of which installation this is; words are as of describe_run."""
    program, system = system_places(installation)
    stamp = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
    return RunManifest(
        run=f"{stamp}-{secrets.token_hex(6)}",
        installation=configuration.installation_name,
        installation_id=identity,
        set=set_name,
        host=socket.gethostname(),
        started=started,
        avplugin_version=__version__,
        accountview_version=accountview_version(program) if program else "",
        program=program,
        system=system,
        configuration=configuration.text,
    )


def with_table_health(
    part: FolderManifest, contents: Contents, last: FolderManifest | None = None
) -> FolderManifest:
    """Return the manifest of a folder with what is wrong with its tables.

    They are not looked at again if the folder is as it was in `last`.
    """
    if (
        last is not None
        and last.table_health != NOT_CHECKED
        and (last.fingerprint, last.list_digest) == (part.fingerprint, part.list_digest)
    ):
        return dataclasses.replace(part, table_health=last.table_health, damaged=last.damaged)
    damaged = {os.fsdecode(fault.path): fault.why for fault in check_tables(part.path, contents)}
    return dataclasses.replace(
        part, table_health="damaged" if damaged else "sound", damaged=damaged
    )
