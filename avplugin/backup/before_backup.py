"""before-backup: find out whether there is something to do, and say exactly what."""

from __future__ import annotations

import contextlib
import datetime
import os
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path

from avplugin import __version__
from avplugin.backup.call import Call, utc_now
from avplugin.backup.identity import own_identity, system_places
from avplugin.backup.plan import Plan, make_plan
from avplugin.borgmatic import borg
from avplugin.borgmatic.archive import Archive, of_series
from avplugin.borgmatic.patterns import make_patterns, stored_ancestors
from avplugin.borgmatic.process import Process, calling_process
from avplugin.errors import AvpluginError, NotNow
from avplugin.installation.version import accountview_version
from avplugin.snapshots.reader import SnapshotReader
from avplugin.state.catalogue import Catalogue
from avplugin.state.files import locked
from avplugin.state.manifest import (
    Manifest,
    RunManifest,
    describe_folder,
    describe_left_out,
    manifest_files,
)
from avplugin.state.run import Outcome, Run


def prepare(call: Call) -> tuple[Run, Plan]:
    """Write all that borgmatic's create and after-backup need, and return it.

    Raise NotNow if nothing changed since the last clean snapshot in this repository, AvpluginError
    if something is in the way. Nothing is left half written: a run counts from its last file on.
    """
    configuration = call.configuration
    owner = calling_process()
    started = utc_now()
    with locked(call.state.lock), _noted(call, started):
        _refuse_second_run(call, owner)
        borg.check_borg_version(call.repository)
        plan = make_plan(configuration, call.set)
        if not plan.folders:
            raise AvpluginError(_nothing_to_store(call, plan))
        _refuse_repository_inside(call, plan)
        with Catalogue.open(configuration.state) as catalogue:
            reader = SnapshotReader(call.repository, catalogue)
            identity = own_identity(call, reader, plan.installation)
            manifest = _make_manifest(call, plan, identity, started)
            last = _last_clean(call, reader)
            if last is not None and call.set.only_changed and _same(manifest, reader, last):
                _refuse_unchanged(call, owner, plan, last)
            known = tuple(archive.id for archive in reader.listing.archives)
        run = _begin(call, plan, manifest, owner, reader.listing.id, known)
        call.state.note_passed(owner, call.repository.path)
    return run, plan


@contextlib.contextmanager
def _noted(call: Call, started: str) -> Iterator[None]:
    """Note why a run did not begin: `avplugin backup` and the status tell it afterwards."""
    try:
        yield
    except AvpluginError as error:
        status = "not now" if isinstance(error, NotNow) else "failed"
        with contextlib.suppress(AvpluginError):  # the first error is the one to tell
            call.state.add_outcome(
                Outcome(
                    run="",
                    repository=call.repository.path,
                    repository_id="",
                    started=started,
                    ended=utc_now(),
                    status=status,
                    reasons=(str(error),),
                )
            )
        raise


def _refuse_second_run(call: Call, owner: Process) -> None:
    """Two runs of a set would write each other's pattern file.

    Only a borgmatic is waited for. What somebody tried by hand belongs to a shell, and what a hook
    began whose borgmatic was killed belongs to the first process of all; neither ever ends it.
    """
    run = call.state.current_run()
    if run is not None and run.owner != owner and run.owner.is_borgmatic():
        raise AvpluginError(
            f"another backup of the set {call.set.name} runs since {run.started} (process"
            f" {run.owner.pid}).\nWait for it to end; schedules must not overlap."
        )


def _nothing_to_store(call: Call, plan: Plan) -> str:
    reasons = "".join(f"\n{bad.label}: {bad.why}" for bad in plan.left_out)
    return f"the set {call.set.name} has no folder that can be backed up.{reasons}"


def _refuse_repository_inside(call: Call, plan: Plan) -> None:
    """Refuse a repository inside a folder it stores: every backup would change that folder."""
    path = call.repository.path
    if "://" in path or not Path(path).is_absolute():
        return
    real = os.path.realpath(path)
    for folder in plan.folders:
        if real == folder.path or real.startswith(f"{folder.path}/"):
            raise AvpluginError(
                f"the repository {path} lies inside {folder.label} ({folder.path}).\n"
                "A backup has to lie elsewhere, best on another machine: move it and change 'path'"
                " in borgmatic's configuration."
            )


def _last_clean(call: Call, reader: SnapshotReader) -> Archive | None:
    archives = of_series(reader.listing.archives, call.series)
    return next((archive for archive in archives if archive.is_clean), None)


def _same(manifest: Manifest, reader: SnapshotReader, last: Archive) -> bool:
    """Return whether every folder is as it is in the archive, and no folder came or went."""
    before = reader.manifest(last)
    return before is not None and _state(before) == _state(manifest)


def _state(manifest: Manifest) -> dict[tuple[str, str], tuple[str, str]]:
    return {
        (part.label, part.path): (part.fingerprint, part.list_digest) for part in manifest.stored
    }


def _refuse_unchanged(call: Call, owner: Process, plan: Plan, last: Archive) -> None:
    """End the run because nothing changed; in 75 only if that is the whole story."""
    unchanged = f"{call.set.name}: nothing has changed since the clean snapshot {last.name}"
    if plan.left_out:
        named = "\n".join(f"{bad.label} is left out: {bad.why}" for bad in plan.left_out)
        raise AvpluginError(f"{unchanged}, but not all folders are in it.\n{named}")
    if call.state.has_passed(owner, call.repository.path):
        # borgmatic takes 75 for a success; a retry means that something behind the backup failed.
        raise AvpluginError(
            f"{unchanged}, but this borgmatic run has been here before.\n"
            "It repeats all actions because one of them failed: see the error before this one."
        )
    raise NotNow(f"{unchanged}: nothing to do.")


def _make_manifest(call: Call, plan: Plan, identity: str, started: str) -> Manifest:
    program, system = system_places(plan.installation)
    stamp = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
    run = RunManifest(
        run=f"{stamp}-{secrets.token_hex(6)}",
        installation=call.configuration.installation_name,
        installation_id=identity,
        set=call.set.name,
        host=socket.gethostname(),
        started=started,
        avplugin_version=__version__,
        accountview_version=accountview_version(program) if program else "",
        program=program,
        system=system,
        configuration=call.configuration.text,
    )
    stored = tuple(
        describe_folder(folder, plan.contents[folder.path], plan.boundaries[folder.path])
        for folder in plan.folders
    )
    return Manifest(run, stored + tuple(describe_left_out(bad) for bad in plan.left_out))


def _begin(
    call: Call,
    plan: Plan,
    manifest: Manifest,
    owner: Process,
    repository_id: str,
    known: tuple[str, ...],
) -> Run:
    wanted = set(plan.contents)
    others = {path for inside in plan.boundaries.values() for path in inside} - wanted
    run = Run(
        id=manifest.run.run,
        set=call.set.name,
        repository=call.repository.path,
        repository_id=repository_id,
        owner=owner,
        started=manifest.run.started,
        known_archives=known,
        ancestors=tuple(sorted(stored_ancestors(wanted, others))),
        boundaries=plan.boundaries,
        size=plan.size,
    )
    call.state.begin_run(
        run,
        manifest_files(manifest),
        plan.contents,
        make_patterns(wanted, others, call.state.manifest_root),
    )
    return run
