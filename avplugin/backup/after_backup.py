"""after-backup: prove the archive clean and give it its final name, or say why not."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Sequence

from avplugin.backup.call import Call, utc_now
from avplugin.backup.chosen import too_many
from avplugin.backup.proof import moved_folders, wrong_items
from avplugin.backup.who_is_in import who_came_in
from avplugin.borgmatic import borg
from avplugin.borgmatic.archive import Archive, clean_name, of_series
from avplugin.borgmatic.bootstrap import stored_by_borgmatic
from avplugin.borgmatic.borg import ItemList
from avplugin.borgmatic.open_repository import OpenRepository
from avplugin.borgmatic.process import calling_process, is_attended
from avplugin.configuration.model import CHOSEN
from avplugin.errors import AvpluginError
from avplugin.sessions.guard import end_guard
from avplugin.snapshots.reader import SnapshotReader
from avplugin.state.brake import BrakeFile
from avplugin.state.catalogue import Catalogue
from avplugin.state.files import StateError, locked
from avplugin.state.manifest import ROOT, FolderManifest, Manifest, read_manifest
from avplugin.state.outcomes import Outcome
from avplugin.state.run import Run, SetState
from avplugin.state.waiting import WHOLE_SET, WaitingList

_TOLD = 8  # how many reasons a message tells


class NotClean(AvpluginError):  # noqa: N818 - named for what the archive is
    """The archive was not proven clean."""

    def __init__(self, call: Call, archive: str, reasons: Sequence[str]) -> None:
        self.archive = archive
        self.reasons = tuple(reasons)
        lines = [f"{call.set.name}: the archive {archive} is not proven clean and keeps that name:"]
        lines += reasons[:_TOLD]
        if len(reasons) > _TOLD:
            lines.append(f"... and {len(reasons) - _TOLD} more; {call.state.outcomes_file} has all")
        super().__init__("\n".join(lines))


@dataclasses.dataclass(frozen=True, slots=True)
class Result:
    """What the proof came to. `warnings` are about housekeeping behind it.

    `faults` do not make the archive less clean, but somebody has to look at them.
    """

    outcome: Outcome
    warnings: tuple[str, ...]
    faults: tuple[str, ...]


def finish(call: Call) -> Result:
    """Prove the archive of the run that before-backup prepared, and name it accordingly.

    A crash at any point leaves the archive `.unverified`, which is the safe side. Raise NotClean
    if it is not clean; AvpluginError if before-backup did not run for this borgmatic process. What
    the run has taken is given back in every case.
    """
    with locked(call.state.lock), contextlib.ExitStack() as stack:
        run = _own_run(call)
        taken = _Taken(call, run)
        manifest = read_manifest(call.state.manifest_data())
        opened = stack.enter_context(OpenRepository(call.repository))
        try:
            committed = _prove_and_commit(call, run, manifest, taken, opened)
        except AvpluginError as error:
            outcome = _outcome(run, manifest, "failed", "", [str(error)])
            if isinstance(error, NotClean):
                outcome = _outcome(run, manifest, "unverified", error.archive, error.reasons)
            with contextlib.suppress(StateError):  # the first error is the one to tell
                _end(call.state, outcome)
                if isinstance(error, NotClean):
                    labels = [WHOLE_SET, *run.despite]
                    WaitingList(call.state.folder).note_copied(run.repository, labels, utc_now())
                    if error.reasons == run.brake:
                        BrakeFile(call.state.folder).note_copy(run.repository, error.archive)
            raise
        finally:
            taken.give_back()
        outcome = _outcome(run, manifest, "clean", committed.name, [])
        with contextlib.suppress(borg.BorgError):
            sizes = opened.archive_sizes(committed.name)
            committed = committed.known_by(sizes.id, opened.state())
            outcome = dataclasses.replace(outcome, new=sizes.new, repository_size=sizes.repository)
        with contextlib.suppress(borg.BorgError):
            opened.close()
        _end(call.state, outcome)
        warnings = _tidy(call, run, manifest, committed)
    faults = (
        *(*run.overdue, *run.newly_damaged, *run.unregistered, *run.clock),
        *filter(None, [taken.fault]),
    )
    return Result(outcome, tuple(warnings), faults)


def give_up(call: Call) -> bool:
    """End the run of this borgmatic process because its backup failed; give back what it took.

    Return whether there was one. What another process prepared is left alone. Raise AvpluginError
    if what was stopped cannot be started again.
    """
    with locked(call.state.lock):
        run = call.state.current_run()
        if run is None or run.owner != calling_process():
            return False
        taken = _Taken(call, run)
        taken.give_back()
        manifest = read_manifest(call.state.manifest_data())
        reason = "borgmatic's create failed: its own error says why"
        _end(call.state, _outcome(run, manifest, "failed", "", [reason]))
        if taken.fault:
            raise AvpluginError(taken.fault)
        return True


class _Taken:
    """What the guard of a run holds. `broken` and `fault` are empty as long as all is well."""

    def __init__(self, call: Call, run: Run) -> None:
        self._call = call
        self._guard = run.guard
        self.broken = ""  # why the fence did not stand all the time
        self.fault = ""  # what somebody has to look at: a service, or the guard

    def give_back(self) -> None:
        """Give everything back; the second time nothing happens."""
        if self._guard is None:
            return
        guard, self._guard = self._guard, None
        ending = end_guard(guard, self._call.configuration, self._call.state.folder)
        self.broken, self.fault = ending.broken, ending.fault


def _own_run(call: Call) -> Run:
    run = call.state.current_run()
    if run is None:
        raise AvpluginError(
            f"before-backup did not run for the set {call.set.name}, so nothing can be proven.\n"
            "borgmatic's configuration must call it 'before: action, when: [create]'."
        )
    if run.owner != calling_process():
        raise AvpluginError(
            f"the backup of the set {call.set.name} under way belongs to process {run.owner.pid},"
            " not to this one.\nIts archive stays .unverified; schedules must not overlap."
        )
    if run.repository != call.repository.path:
        raise AvpluginError(
            f"before-backup ran for the repository {run.repository}, not for"
            f" {call.repository.path}.\nThe archive stays .unverified."
        )
    return run


@dataclasses.dataclass(frozen=True, slots=True)
class _Committed:
    """An archive that was proven clean, by its final name.

    `listing` is what the repository holds since; None as long as the archive's new id is not known.
    `state` is that of the repository then, empty if it is not known.
    """

    name: str
    before: Archive
    listing_before: borg.Listing
    listing: borg.Listing | None = None
    state: str = ""

    def known_by(self, identity: str, state: str) -> _Committed:
        """Return it with its new id, in a repository of this state."""
        renamed = dataclasses.replace(self.before, name=self.name, id=identity)
        archives = tuple(
            renamed if one.id == self.before.id else one for one in self.listing_before.archives
        )
        listing = self.listing_before._replace(archives=archives)
        return dataclasses.replace(self, listing=listing, state=state)


def _prove_and_commit(
    call: Call, run: Run, manifest: Manifest, taken: _Taken, opened: OpenRepository
) -> _Committed:
    """Return the archive with its final name; from the rename on it counts as clean."""
    with call.state.contents_before(run) as before, _Found(call, run, opened) as found:
        reasons = list(run.brake)
        reasons += [
            f"{label}, overdue, was copied though {who}" for label, who in run.despite.items()
        ]
        # Whoever was in during the copy is either still in, or has left, and then the scan shows
        # what was written: the other way round, it could have been too early to see it.
        reasons += who_came_in(call, run, manifest, before)
        reasons += moved_folders(run, before, manifest.stored)
        taken.give_back()
        if taken.broken:
            reasons.append(f"the fence did not stand all the time: {taken.broken}")
        listing, archive, items = found.wait()
        reasons += wrong_items(
            run,
            before,
            call.state.manifest_sizes(),
            manifest.stored,
            items,
            also=stored_by_borgmatic(call.repository, archive.name, items, opened),
        )
    if reasons:
        with Catalogue.open(call.configuration.state) as catalogue:
            catalogue.note_listed(listing.id, utc_now(), listing.archives)
        raise NotClean(call, archive.name, [*reasons, *filter(None, [taken.fault])])
    final = clean_name(archive.name, [other.name for other in listing.archives])
    opened.rename_archive(archive.name, final)
    return _Committed(final, archive, listing)


class _Found:
    """The archive of a run, looked for beside all else: it does not change any more."""

    def __init__(self, call: Call, run: Run, opened: OpenRepository) -> None:
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - only here

        self._opened = opened
        self._executor = ThreadPoolExecutor(max_workers=1)
        self._answer = self._executor.submit(_find_archive, call, run, opened)

    def wait(self) -> tuple[borg.Listing, Archive, ItemList]:
        """Return what the repository holds, the archive and its list; raise as _find_archive."""
        return self._answer.result()

    def __enter__(self) -> _Found:
        """Return it; on the way out Borg is not asked any more."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._opened.give_up()
        self._executor.shutdown()


def _find_archive(
    call: Call, run: Run, opened: OpenRepository
) -> tuple[borg.Listing, Archive, ItemList]:
    """Return the one archive that holds this run's manifest, with its list, and what else there is.

    Never the last one by time or place: clocks jump, and other runs come in between.
    """
    listing = opened.list_archives()
    if listing.id != run.repository_id:
        raise AvpluginError(
            f"{call.repository.path} is another repository now than when the backup began.\n"
            "Look which disk is mounted there."
        )
    mark = f"{ROOT}/{run.id}".encode()
    found: list[tuple[Archive, ItemList]] = []
    for archive in of_series(listing.archives, call.series):
        if archive.id in run.known_archives or archive.is_clean or archive.is_checkpoint:
            continue
        items = opened.list_items(archive.name)
        if mark in items:
            found.append((archive, items))
    if len(found) == 1:
        return listing, *found[0]
    if found:
        names = " and ".join(archive.name for archive, _ in found)
        raise AvpluginError(
            f"{names} both hold the manifest of this run, so neither is taken for clean.\n"
            "A borg create of an earlier, killed run went on meanwhile; run the backup again."
        )
    raise AvpluginError(
        f"no archive of this run is in {call.repository.path}.\n"
        "See what borgmatic's create said; patterns_from and archive_name_format must be as in"
        " configs/."
    )


def _tidy(call: Call, run: Run, manifest: Manifest, committed: _Committed) -> list[str]:
    """Remember the new archive's manifest and remove stale archives; return what went wrong.

    None of this can make the archive less clean, so nothing here may fail the run.
    """
    try:
        waiting = WaitingList(call.state.folder)
        waiting.clear(run.repository, [WHOLE_SET, *(part.label for part in manifest.stored)])
        in_use = {part.label for part in manifest.left_out if part.was_in_use}
        BrakeFile(call.state.folder).forget_accepted(run.repository, keep=in_use)
        with Catalogue.open(call.configuration.state) as catalogue:
            reader = SnapshotReader(call.repository, catalogue, listing=committed.listing)
            archives = of_series(reader.listing.archives, call.series)
            newest = next(archive for archive in archives if archive.name == committed.name)
            catalogue.add(run.repository_id, newest.id, manifest)
            stale = _stale(reader, archives, newest, manifest)
            if call.set.name == CHOSEN:
                stale += too_many(reader, archives, call.configuration.keep_chosen)
            if committed.state and not stale:
                # The next night need not ask Borg what is there, if nobody writes until then.
                listing = reader.listing
                catalogue.note_listed(listing.id, utc_now(), listing.archives, committed.state)
            if stale:
                borg.delete_archives(call.repository, [archive.name for archive in stale])
                left = tuple(one for one in reader.listing.archives if one not in stale)
                catalogue.note_listed(reader.listing.id, utc_now(), left)
    except (AvpluginError, StopIteration) as error:
        said = f"{committed.name} is clean, but what is no longer needed could not be cleared"
        return [f"{said}: {error}"]
    return []


def _stale(
    reader: SnapshotReader, archives: Sequence[Archive], newest: Archive, manifest: Manifest
) -> list[Archive]:
    """Return the unverified archives that are older than `newest` and hold nothing it lacks.

    One that holds a folder which the clean archive lacks may be the only copy of it.
    """
    present = {part.label for part in manifest.stored}
    stale = []
    for archive in archives:
        if archive.is_clean or archive.time > newest.time:
            continue
        other = reader.manifest(archive)
        held = present if other is None else {part.label for part in other.stored}
        if other is None and manifest.left_out:
            continue  # it cannot say what it holds, and something is missing tonight
        if held <= present:
            stale.append(archive)
    return stale


def _outcome(
    run: Run, manifest: Manifest, status: str, archive: str, reasons: Sequence[str]
) -> Outcome:
    return Outcome(
        run=run.id,
        repository=run.repository,
        repository_id=run.repository_id,
        started=run.started,
        ended=utc_now(),
        status=status,
        archive=archive,
        reasons=tuple(reasons),
        left_out=tuple(_why(part) for part in manifest.left_out if not part.was_in_use),
        in_use=tuple(_why(part) for part in manifest.left_out if part.was_in_use),
        people=run.people,
        changed=run.changed,
        gone=run.gone,
        attended=is_attended(),
        folders=len(manifest.stored),
        files=sum(part.files for part in manifest.stored),
        size=run.size,
    )


def _why(part: FolderManifest) -> str:
    return f"{part.label}: {part.left_out}"


def _end(state: SetState, outcome: Outcome) -> None:
    state.add_outcome(outcome)
    state.end_run()
