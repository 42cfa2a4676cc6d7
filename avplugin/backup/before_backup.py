"""before-backup: find out whether there is something to do, and say exactly what."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import os
import time
from collections.abc import Callable, Container, Iterator, Sequence
from pathlib import Path

from avplugin.backup.brake import apply_brake
from avplugin.backup.call import BY_HAND, Call, utc_now
from avplugin.backup.clock import behind_the_newest
from avplugin.backup.describe import describe_run
from avplugin.backup.due import Due, is_overdue, when_due
from avplugin.backup.identity import own_identity
from avplugin.backup.plan import Plan, make_plan
from avplugin.backup.references import tell_references
from avplugin.backup.who_is_in import Clearance, PutOff, SomebodyIn, clear_the_way, put_up_fence
from avplugin.borgmatic import borg
from avplugin.borgmatic.archive import Archive, of_series
from avplugin.borgmatic.patterns import Selection, may_begin_above
from avplugin.borgmatic.process import Process, calling_process, is_attended
from avplugin.configuration.model import CHOSEN
from avplugin.errors import AvpluginError, NotNow
from avplugin.foxpro.health import without_table
from avplugin.installation.model import Kind
from avplugin.installation.unregistered import IS_UNREGISTERED, find_unregistered
from avplugin.sessions.guard import Guard, end_guard
from avplugin.snapshots.reader import SnapshotReader, is_as_listed
from avplugin.state.brake import Braked, BrakeFile
from avplugin.state.catalogue import Catalogue
from avplugin.state.files import Locked, locked
from avplugin.state.manifest import (
    Manifest,
    RunManifest,
    manifest_files,
)
from avplugin.state.outcomes import FAILED, NOT_NOW, UNCHANGED, Outcome
from avplugin.state.retention import RetentionFile
from avplugin.state.run import Run
from avplugin.state.unregistered import UnregisteredFile
from avplugin.state.waiting import WHOLE_SET, WaitingList, has_passed
from avplugin.wording import some

_PRUNE_WAIT = 600.0  # seconds; a prune takes a few
_TOLD = 3  # how many damaged tables of a folder a message tells
_TOLD_OF_BRAKE = 8  # how many lines of why the brake is on


def prepare(call: Call, say: Callable[[str], None]) -> tuple[Run, Plan]:
    """Write all that borgmatic's create and after-backup need, and return it.

    `say` is told what is waited for, and what is wrong without being in the way. Raise NotNow if
    somebody is in, or nothing changed since the last clean snapshot in this repository;
    AvpluginError if something is in the way. Nothing is left half written, and nothing stays
    taken: a run counts from its last file on.
    """
    configuration = call.configuration
    owner = calling_process()
    started = utc_now()
    due = _refuse_unless_due(call, owner)
    with _alone(call, owner), _noted(call, started), contextlib.ExitStack() as stack:
        _end_guard_that_is_left(call)
        borg.check_borg_version(call.repository)
        asked = _ask_beside(call, stack)
        plan = make_plan(call.configuration, call.set)
        if not plan.folders:
            raise AvpluginError(_nothing_to_store(call, plan) + _brake_for_nothing(call))
        _refuse_repository_inside(call, plan)
        strangers = _look_for_unregistered(call, plan, say)
        guard = _start_guard(call, owner, stack)
        with _whole_story(call, owner, plan, strangers):
            clearance = clear_the_way(call, plan, guard, say)
            _refuse_for_the_same(call, plan, clearance, due)
            if configuration.sessions.fence and guard is not None:
                clearance = put_up_fence(call, plan, guard, clearance, say)
        if configuration.sessions.probes:
            plan = _plan_again(call, plan, clearance)
        with Catalogue.open(configuration.state) as catalogue:
            listing = asked.wait() if asked is not None else None
            reader = SnapshotReader(call.repository, catalogue, listing=listing)
            identity = own_identity(call, reader, plan.installation)
            behind = behind_the_newest(call, reader.listing.archives)
            last = _last_clean(call, reader)
            before = reader.manifest(last) if last is not None else None
            manifest = describe_run(call, plan, clearance, identity, started, before)
            _tell_what_is_new(call, plan, manifest, before, say)
            not_seen = {one.label for one in plan.in_use}
            braked = apply_brake(call, reader, manifest.stored, not_seen)
            if braked is not None:
                _tell_brake(call, braked, say)
                _refuse_second_copy(call, reader, plan, manifest, clearance, braked)
            elif last is not None and call.set.only_changed and _same(manifest, before):
                found = (last, reader.listing.id)
                _refuse_unchanged(call, owner, plan, clearance, (*strangers, *behind), found)
            manifest = _numbered(call, reader, manifest)
            known = tuple(archive.id for archive in reader.listing.archives)
        selection = _selected(call, plan)
        run = _make_run(
            call, plan, selection, clearance, manifest.run, owner, reader.listing.id, known
        )
        accepted = BrakeFile(call.state.folder).accepted(call.repository.path, run.repository_id)
        run = dataclasses.replace(
            run,
            newly_damaged=_newly_damaged(manifest, before, accepted),
            unregistered=strangers,
            clock=behind,
            people=clearance.people,
            changed=_changed(manifest, before),
            gone=_gone(manifest, before),
            brake=braked.reasons if braked is not None else (),
            guard=guard.process if guard is not None else None,
        )
        tell_references(call, plan, manifest, say)
        call.state.begin_run(
            run,
            manifest_files(manifest),
            plan.contents,
            selection.lines(call.state.manifest_root),
        )
        call.state.note_passed(owner, call.repository.path)
        if guard is not None:
            guard.keep()
    return run, plan


class Unchanged(PutOff, NotNow):
    """There is nothing to store since the clean snapshot `archive`, but for whom is in."""

    def __init__(
        self, message: str, clearance: Clearance, archive: str, repository_id: str
    ) -> None:
        self.archive = archive
        self.repository_id = repository_id
        in_use = (f"{label}: {why}" for label, why in clearance.in_use.items())
        super().__init__(message, in_use, clearance.people)


def _refuse_unless_due(call: Call, owner: Process) -> Due:
    """End the run if it is too early for it: the repository is not looked at for that."""
    if not is_attended() and not os.environ.get(BY_HAND):
        call.state.note_start()
    now = datetime.datetime.now(datetime.UTC)
    if call.is_forced:
        return Due(now, "")
    due = when_due(call.set, call.last_good(), now)
    if not due.is_now and not due.missing:
        _refuse_retry(call, owner, f"{call.set.name}: not now: {due.why}")
        raise _not_now(call, f"{call.set.name}: not now: {due.why}.")
    return due


def _not_now(call: Call, said: str) -> AvpluginError:
    """Return NotNow, or an error if there has been no good backup for too long: 75 looks fine."""
    last = call.last_good()
    if is_overdue(call.set, last, datetime.datetime.now(datetime.UTC)):
        since = last.moment if last is not None else ""
        return AvpluginError(f"{said}\nIt is overdue: the last good backup is of {since}.")
    return NotNow(said)


def _refuse_for_the_same(call: Call, plan: Plan, clearance: Clearance, due: Due) -> None:
    """End a run that began for those who had to be left out, if they still have to be."""
    free = {folder.label for folder in plan.folders} - clearance.left_out.keys()
    if due.is_now or free & due.missing or clearance.despite:
        return
    named = "".join(f"\n{label} is left out: {why}" for label, why in clearance.left_out.items())
    in_use = (f"{label}: {why}" for label, why in clearance.in_use.items())
    said = f"{call.set.name}: not now: who was in the last time still is, and {due.why}.{named}"
    raise SomebodyIn(said, in_use, clearance.people)


@contextlib.contextmanager
def _alone(call: Call, owner: Process) -> Iterator[None]:
    """Hold the lock of the set; two runs of it would write each other's pattern file.

    Only a borgmatic is waited for. What somebody tried by hand belongs to a shell, and what a hook
    began whose borgmatic was killed belongs to the first process of all; neither ever ends it.
    Where borgmatic is started every few minutes, that one is at work already is nothing special.
    """
    is_frequent = call.set.interval is not None or call.set.window is not None
    kind: type[AvpluginError] = NotNow if is_frequent else AvpluginError
    pruning = RetentionFile(call.state.folder)
    end = time.monotonic() + (0 if is_frequent else _PRUNE_WAIT)
    while pruning.is_pruned_beside(owner) and time.monotonic() < end:
        time.sleep(1)
    try:
        with locked(call.state.lock, wait=not is_frequent):
            run = call.state.current_run()
            if run is not None and run.owner != owner and run.owner.is_borgmatic():
                raise kind(
                    f"another backup of the set {call.set.name} runs since {run.started} (process"
                    f" {run.owner.pid}).\nWait for it to end; schedules must not overlap."
                )
            if pruning.is_pruned_beside(owner):
                # A snapshot that lacks a folder must not become clean between the moment in which
                # before-prune holds what is needed and the prune itself: it would count for it.
                raise kind(
                    f"the set {call.set.name} is pruned by another borgmatic at this moment.\n"
                    "Wait for that to end; schedules must not overlap."
                )
            yield
    except Locked as error:
        said = f"another start of a backup of {call.set.name} is at work."
        raise _not_now(call, said) from error
    except NotNow as error:
        if type(error) is NotNow:
            raise _not_now(call, str(error)) from error
        raise


@contextlib.contextmanager
def _noted(call: Call, started: str) -> Iterator[None]:
    """Note why a run did not begin: `avplugin backup` and the status tell it afterwards."""
    try:
        yield
    except AvpluginError as error:
        put_off = error if isinstance(error, PutOff) else None
        unchanged = error if isinstance(error, Unchanged) else None
        status = NOT_NOW if isinstance(error, NotNow) else FAILED
        with contextlib.suppress(AvpluginError):  # the first error is the one to tell
            call.state.add_outcome(
                Outcome(
                    run="",
                    repository=call.repository.path,
                    repository_id=unchanged.repository_id if unchanged else "",
                    started=started,
                    ended=utc_now(),
                    status=UNCHANGED if unchanged else status,
                    archive=unchanged.archive if unchanged else "",
                    reasons=(str(error),),
                    in_use=put_off.in_use if put_off else (),
                    people=put_off.people if put_off else (),
                    attended=is_attended(),
                )
            )
        raise


def _refuse_retry(call: Call, owner: Process, said: str) -> None:
    """Raise AvpluginError if this borgmatic comes again: it takes 75 for a success.

    A retry means that something failed before.
    """
    if call.state.has_passed(owner, call.repository.path):
        raise AvpluginError(
            f"{said}, but this borgmatic run has been here before.\n"
            "It repeats all actions because one of them failed: see the error before this one."
        )


@contextlib.contextmanager
def _whole_story(
    call: Call, owner: Process, plan: Plan, strangers: Sequence[str]
) -> Iterator[None]:
    """Let a run end in 75 because somebody is in only if nothing else is wrong."""
    try:
        yield
    except NotNow as error:
        wrong = [*(f"{bad.label} is left out: {bad.why}" for bad in plan.left_out), *strangers]
        if wrong:
            raise _as_error(error, "\n".join([str(error), *wrong])) from error
        braked = BrakeFile(call.state.folder).braked(call.repository.path)
        if braked is not None:
            raise _as_error(error, "\n".join([str(error), *_told(braked)])) from error
        if call.state.has_passed(owner, call.repository.path):
            # borgmatic takes 75 for a success; a retry means that something failed before.
            raise _as_error(
                error,
                f"{error}\nThis borgmatic run has been here before: it repeats all actions because"
                " one of them failed.",
            ) from error
        raise


def _as_error(error: NotNow, text: str) -> AvpluginError:
    """Return the error with this text that takes the place of a NotNow."""
    if isinstance(error, PutOff):
        return PutOff(text, error.in_use, error.people)
    return AvpluginError(text)


def _plan_again(call: Call, plan: Plan, clearance: Clearance) -> Plan:
    """Return the plan without those left out, as the disk is now that the others have left.

    Only now it shows what they have written. Raise AvpluginError if a folder has come to it that
    nobody was asked about.
    """
    again = make_plan(call.configuration, call.set, clearance.left_out)
    asked = {(folder.label, folder.path) for folder in plan.folders}
    new = [folder.label for folder in again.folders if (folder.label, folder.path) not in asked]
    if new:
        raise AvpluginError(
            f"{call.set.name}: {new[0]} has just been added, and nobody was asked who is in it.\n"
            "Start the backup again."
        )
    return again


def _nothing_to_store(call: Call, plan: Plan) -> str:
    reasons = "".join(f"\n{bad.label}: {bad.why}" for bad in plan.left_out)
    return f"the set {call.set.name} has no folder that can be backed up.{reasons}"


def _brake_for_nothing(call: Call) -> str:
    """Put the brake on where everything is gone; return lines that say so, if it is on then."""
    braked = None
    with (
        contextlib.suppress(AvpluginError),  # that everything is gone is the error to tell
        Catalogue.open(call.configuration.state) as catalogue,
    ):
        braked = apply_brake(call, SnapshotReader(call.repository, catalogue), (), ())
    return "".join(f"\n{line}" for line in _told(braked)) if braked is not None else ""


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


def _look_for_unregistered(call: Call, plan: Plan, say: Callable[[str], None]) -> tuple[str, ...]:
    """Say which folders look like administrations but are in no list.

    Return a sentence for each that has been there for too long: that is an error. Only a set that
    holds administrations looks for them.
    """
    if not call.set.select or call.set.name == CHOSEN:
        return ()
    ignored = call.configuration.unregistered_ignored
    found = find_unregistered(plan.installation, ignored)
    since = UnregisteredFile(call.configuration.state).note(found, utc_now())
    now = datetime.datetime.now(datetime.UTC)
    late = []
    for path in found:
        text = f"{call.set.name}: {path} {IS_UNREGISTERED}"
        if has_passed(since[path], now, call.set.overdue_after):
            day = datetime.datetime.fromisoformat(since[path]).astimezone()
            late.append(f"{text} Seen since {day:%Y-%m-%d}.")
        else:
            say(text)
    return tuple(late)


def _last_clean(call: Call, reader: SnapshotReader) -> Archive | None:
    archives = of_series(reader.listing.archives, call.series)
    return next((archive for archive in archives if archive.is_clean), None)


def _numbered(call: Call, reader: SnapshotReader, manifest: Manifest) -> Manifest:
    """Return the manifest with a number above those of all clean archives that can be read."""
    series = of_series(reader.listing.archives, call.series)
    clean = [archive for archive in series if archive.is_clean]
    reader.learn(clean)
    number = max(map(reader.number, clean), default=0) + 1
    return dataclasses.replace(manifest, run=dataclasses.replace(manifest.run, number=number))


def _same(manifest: Manifest, before: Manifest | None) -> bool:
    """Return whether every folder is as it was before, and no folder came or went.

    A folder that somebody is in has not gone: an archive only to leave it out would be no use.
    """
    if before is None:
        return False
    in_use = {part.label for part in manifest.left_out if part.was_in_use}
    held = {key: state for key, state in _state(before).items() if key[0] not in in_use}
    return held == _state(manifest)


def _state(manifest: Manifest) -> dict[tuple[str, str], tuple[str, str]]:
    return {
        (part.label, part.path): (part.fingerprint, part.list_digest) for part in manifest.stored
    }


def _refuse_unchanged(
    call: Call,
    owner: Process,
    plan: Plan,
    clearance: Clearance,
    wrong: Sequence[str],
    found: tuple[Archive, str],
) -> None:
    """End the run because nothing changed; in 75 only if that is the whole story.

    `wrong` are sentences about what makes it an error. `found` is the last clean archive, and the
    id of the repository.
    """
    if clearance.despite:
        return  # what those who are in have written need not show yet
    last, repository_id = found
    unchanged = f"{call.set.name}: nothing has changed since the clean snapshot {last.name}"
    if plan.left_out or clearance.unknown or clearance.overdue:
        missing = {**{bad.label: bad.why for bad in plan.left_out}, **clearance.left_out}
        named = "\n".join(f"{label} is left out: {why}" for label, why in missing.items())
        late = "".join(f"\n{label}: {why}" for label, why in clearance.overdue.items())
        raise AvpluginError(
            "\n".join([f"{unchanged}, but not all folders are in it.\n{named}{late}", *wrong])
        )
    if wrong:
        raise AvpluginError("\n".join([f"{unchanged}.", *wrong]))
    _refuse_retry(call, owner, unchanged)
    named = "".join(f"\n{label} is left out: {why}" for label, why in clearance.in_use.items())
    free = [folder.label for folder in plan.folders]  # and as they are in a clean snapshot
    WaitingList(call.state.folder).clear(call.repository.path, [WHOLE_SET, *free])
    raise Unchanged(f"{unchanged}: nothing to do.{named}", clearance, last.name, repository_id)


def _tell_brake(call: Call, braked: Braked, say: Callable[[str], None]) -> None:
    for line in _told(braked):
        say(f"{call.set.name}: {line}")


def _told(braked: Braked) -> list[str]:
    more = len(braked.reasons) - _TOLD_OF_BRAKE
    return [
        *braked.reasons[:_TOLD_OF_BRAKE],
        *([f"... and {more} more folders"] if more > 0 else []),
    ]


def _refuse_second_copy(
    call: Call,
    reader: SnapshotReader,
    plan: Plan,
    manifest: Manifest,
    clearance: Clearance,
    braked: Braked,
) -> None:
    """End the run if there is a copy of all this already: one a night would fill the repository."""
    archives = reader.listing.archives
    copy = next((archive for archive in archives if archive.name == braked.copy), None)
    if copy is None or clearance.despite or not _same(manifest, reader.manifest(copy)):
        return
    missing = {**{bad.label: bad.why for bad in plan.left_out}, **clearance.left_out}
    lines = [f"{label} is left out: {why}" for label, why in missing.items()]
    raise AvpluginError(
        "\n".join(
            [
                f"{call.set.name}: nothing has changed since {copy.name}, so there is no other"
                " copy.",
                *_told(braked),
                *lines,
            ]
        )
    )


def _tell_what_is_new(
    call: Call,
    plan: Plan,
    manifest: Manifest,
    before: Manifest | None,
    say: Callable[[str], None],
) -> None:
    """Say what somebody has to know of the folders, though it is in no backup's way."""
    _tell_damage(manifest, say)
    _tell_tables_gone(plan, before, say)
    _tell_who_left(call, manifest, before, say)


def _tell_damage(manifest: Manifest, say: Callable[[str], None]) -> None:
    """Say which tables are damaged, each night; that is no reason not to store them."""
    for part in manifest.stored:
        if part.damaged:
            say(
                f"{part.label} has damaged tables: {some(list(part.damaged.values()), _TOLD, '; ')}"
            )


def _tell_who_left(
    call: Call, manifest: Manifest, before: Manifest | None, say: Callable[[str], None]
) -> None:
    """Say which folders the last clean snapshot knew and the set has no more: once, as a rule."""
    if before is None or call.set.name == CHOSEN:
        return
    gone = set(_gone(manifest, before))
    left = [part for part in before.folders if part.label in gone]
    codes = {part.code for part in left if part.kind is Kind.ADMINISTRATION}
    for part in left:
        if part.kind is Kind.COPY_DOCUMENTS and part.code in codes:
            continue
        name = f" ({part.name})" if part.name not in {"", part.label} else ""
        say(
            f"{call.set.name}: {part.label}{name} is in the set no more: no list names it, or"
            " nothing selects it. Snapshots keep what they have of it for keep_retired"
        )


def _tell_tables_gone(plan: Plan, before: Manifest | None, say: Callable[[str], None]) -> None:
    """Say of which tables only memo or index is there, in folders that nothing is compared with.

    Of the others the brake counts what goes.
    """
    known = {part.label for part in before.stored} if before is not None else set()
    for folder in plan.folders:
        lone = without_table(plan.contents[folder.path]) if folder.label not in known else ()
        if lone:
            names = some([os.fsdecode(path) for path in lone], _TOLD)
            say(f"{folder.label} has memos or indexes whose table is not there: {names}")


def _newly_damaged(
    manifest: Manifest, before: Manifest | None, accepted: Container[str]
) -> tuple[str, ...]:
    """Return a sentence for each folder with damage that the last clean snapshot did not have.

    That night ends in an error, once: somebody has to look. Later ones only warn, and so does the
    first one with a folder. What was `accepted` in folders with these labels needs no look.
    """
    known = {part.label: part.damaged_tables for part in before.stored} if before else {}
    said = []
    for part in manifest.stored:
        if part.label in accepted or part.label not in known:
            continue
        new = part.damaged_tables - known[part.label]
        whys = [why for path, why in part.damaged.items() if path.rpartition(".")[0].lower() in new]
        if new:
            said.append(
                f"{part.label} has newly damaged tables: {some(whys or sorted(new), _TOLD, '; ')}"
            )
    return tuple(said)


def _changed(manifest: Manifest, before: Manifest | None) -> tuple[str, ...]:
    """Return the labels of the folders that the last clean snapshot lacks, or had otherwise."""
    held = _state(before) if before is not None else {}
    now = _state(manifest)
    return tuple(label for (label, path), state in now.items() if held.get((label, path)) != state)


def _gone(manifest: Manifest, before: Manifest | None) -> tuple[str, ...]:
    """Return the labels of the folders that the last clean snapshot knew, and nobody does now."""
    known = {part.label for part in manifest.folders}
    return tuple(
        part.label for part in (before.folders if before else ()) if part.label not in known
    )


def _make_run(
    call: Call,
    plan: Plan,
    selection: Selection,
    clearance: Clearance,
    described: RunManifest,
    owner: Process,
    repository_id: str,
    known: tuple[str, ...],
) -> Run:
    return Run(
        id=described.run,
        set=call.set.name,
        repository=call.repository.path,
        repository_id=repository_id,
        owner=owner,
        started=described.started,
        known_archives=known,
        ancestors=tuple(sorted(selection.ancestors)),
        boundaries=plan.boundaries,
        size=plan.size,
        despite=dict(clearance.despite),
        overdue=tuple(f"{label}: {why}" for label, why in clearance.overdue.items()),
    )


def _selected(call: Call, plan: Plan) -> Selection:
    """Return what Borg is to be told: the paths to store, without those inside them."""
    wanted = set(plan.contents)
    others = {path for inside in plan.boundaries.values() for path in inside} - wanted
    return Selection(wanted, others, may_begin_above(call.repository.settings))


def _ask_beside(call: Call, stack: contextlib.ExitStack) -> borg.BegunListing | None:
    """Begin to ask Borg what the repository holds, beside the scan, if it has to be asked.

    Not where people are waited for: meanwhile what it holds can change.
    """
    if call.configuration.sessions.probes:
        return None
    with Catalogue.open(call.configuration.state) as catalogue:
        if is_as_listed(call.repository, catalogue):
            return None
    return stack.enter_context(borg.BegunListing(call.repository))


def _end_guard_that_is_left(call: Call) -> None:
    """Have given back what the guard of an earlier run still holds."""
    left = call.state.current_run()
    if left is not None and left.guard is not None:
        end_guard(left.guard, call.configuration, call.state.folder)


def _start_guard(call: Call, owner: Process, stack: contextlib.ExitStack) -> Guard | None:
    """Start the process that gives back what this run takes, if it takes anything."""
    sessions = call.configuration.sessions
    if not sessions.fence and not sessions.quiesce:
        return None
    return stack.enter_context(Guard(call.configuration, call.state.folder, owner))
