"""Forgetting an administration, archive by archive; a second start finishes what was cut off."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
from collections.abc import Callable, Iterator
from pathlib import Path

from avplugin import __version__
from avplugin.borgmatic import borg, erase
from avplugin.borgmatic.erase import Found, Order
from avplugin.forget.plan import (
    Affected,
    Plan,
    RepositoryPlan,
    refuse_present,
    refuse_running,
    state_names,
)
from avplugin.forget.rewrite import belongs, lies_in, make_order
from avplugin.installation.model import code_key
from avplugin.snapshots.reader import SnapshotReader
from avplugin.state.files import locked
from avplugin.state.forgetting import ForgettingFolder, Progress, write_receipt
from avplugin.state.manifest import ROOT
from avplugin.state.restores import RestoreJournal, Stage
from avplugin.state.run import SetState
from avplugin.state.traces import Traces, clear_traces


@dataclasses.dataclass(frozen=True, slots=True)
class Forgotten:
    """What came of one repository.

    `changed` are archives, `deleted` those of them in which nothing was left. `doubts` say what was
    not proven.
    """

    repository: str
    repository_id: str
    changed: tuple[str, ...]
    deleted: tuple[str, ...]
    found: Found
    doubts: tuple[str, ...]

    @property
    def is_proven(self) -> bool:
        """Whether nothing of it is left, as far as anybody can look."""
        return not self.doubts


@dataclasses.dataclass(frozen=True, slots=True)
class Result:
    """What came of it all; `receipt` is where that is written down."""

    repositories: tuple[Forgotten, ...]
    receipt: Path
    on_disk: tuple[str, ...]

    @property
    def is_proven(self) -> bool:
        """Whether there is nothing left anywhere that could be looked at and should be gone."""
        return not any(_failed(one) for one in self.repositories)


def forget(plan: Plan, progress: Callable[[str, int, int], None]) -> Result:
    """Erase the administration of the plan; no backup runs meanwhile.

    `progress` gets what is done, how many archives of it are, and of how many. Raise NotNow if a
    backup is under way, AvpluginError if something is in the way: a second start finishes it.
    """
    configuration = plan.configuration
    with contextlib.ExitStack() as stack:
        for name in state_names(configuration):
            stack.enter_context(locked(SetState(configuration.state, name).lock))
        refuse_running(configuration)
        refuse_present(configuration, plan.traces.code)
        folder = ForgettingFolder(configuration.state)
        noted = _begin(folder, plan)
        done = []
        for one in plan.repositories:
            done.append(_forget_in(one, plan, folder, noted, progress))
        if plan.is_everywhere:
            _clear_state(plan)
        receipt = _write_receipt(plan, done)
        if not any(one.found.known or one.found.on_disk for one in done):
            folder.end()  # else a later start frees it, and proves it
    return Result(tuple(done), receipt, plan.on_disk)


def _begin(folder: ForgettingFolder, plan: Plan) -> Progress:
    known = folder.read()
    traces = plan.traces
    noted = Progress(
        code=traces.code,
        names=traces.names,
        labels=traces.labels,
        paths=traces.paths,
        windows_paths=traces.windows_paths,
        changed=known.changed if known is not None else {},
    )
    folder.write(noted)
    return noted


def _forget_in(
    plan: RepositoryPlan,
    whole: Plan,
    folder: ForgettingFolder,
    noted: Progress,
    progress: Callable[[str, int, int], None],
) -> Forgotten:
    reader = plan.source.reader
    repository, repository_id = reader.repository, reader.listing.id
    if plan.unfinished:
        borg.delete_archives(repository, [archive.name for archive in plan.unfinished])
    orders: dict[str, Order] = {}
    for number, one in enumerate(plan.affected):
        progress("Reading manifests", number, len(plan.affected))
        orders[one.archive.name] = _order(reader, one, whole)
    changed = noted.changed.setdefault(repository_id, [])
    count = 0

    def note(name: str) -> None:
        nonlocal count
        count += 1
        if name not in changed:
            changed.append(name)
            folder.write(noted)
        progress("Erasing", count, len(orders))

    ids = folder.ids(repository_id)
    erase.recreate(repository, orders, ids, note)
    if plan.emptied:
        borg.delete_archives(repository, [archive.name for archive in plan.emptied])
    if ids.exists():
        progress("Freeing space", 0, 0)
        borg.compact(repository)
    _learn_again(plan)
    looked = 0

    def look(_name: str) -> None:
        nonlocal looked
        looked += 1
        progress("Proving", looked, plan.archives)

    expected = dict(_expected(plan, whole))
    found = erase.look(repository, expected, whole.without_manifest, ids, look)
    return Forgotten(
        repository=plan.name,
        repository_id=repository_id,
        changed=tuple(changed),
        deleted=tuple(archive.name for archive in plan.emptied),
        found=found,
        doubts=tuple(_doubts(plan, found)),
    )


def _order(reader: SnapshotReader, one: Affected, plan: Plan) -> Order:
    if one.manifest is None:
        return plan.without_manifest
    files = borg.read_each_file(reader.repository, one.archive.name, ROOT)
    return make_order(one.manifest, files, plan.traces)


def _expected(plan: RepositoryPlan, whole: Plan) -> Iterator[tuple[str, Order]]:
    """Yield what must not be in each of this installation's archives, by name.

    What lies in folders that others had at that time is theirs.
    """
    folders = frozenset(path.lstrip("/") for path in whole.traces.paths)
    for archive in plan.source.reader.listing.archives:
        manifest = plan.manifests.get(archive.id)
        if manifest is not None:
            kept = {
                part.archived_path
                for part in manifest.stored
                if not belongs(part, whole.traces.code) and lies_in(part.archived_path, folders)
            }
            yield archive.name, Order(folders, frozenset(kept))


def _learn_again(plan: RepositoryPlan) -> None:
    """Have the catalogue know the new archives, and the old ones no more."""
    old = plan.source.reader
    reader = SnapshotReader(old.repository, old.catalogue)
    changed = {one.archive.name for one in plan.affected}
    reader.learn([one for one in reader.listing.archives if one.name in changed])


def _doubts(plan: RepositoryPlan, found: Found) -> Iterator[str]:
    """Yield what is still there, or cannot be known to be gone."""
    if found.listed:
        mine = [
            archive.name
            for archive in plan.source.reader.listing.archives
            if archive.id in plan.manifests and archive.name in found.listed
        ]
        foreign = len(found.listed) - len(mine)
        if mine:
            yield (
                f"{len(mine)} archives still list its folders, as a part of another folder that"
                f" would not be whole without: {', '.join(mine)}"
            )
        if foreign:
            yield (
                f"{foreign} archives that avplugin did not make, or for another installation, list"
                " its folders; they are as they were"
            )
    if found.known:
        yield f"{found.known} stored chunks of it are still in the repository's index"
    if found.on_disk:
        yield f"{found.on_disk} stored chunks of it are still in the repository's files"
    if found.on_disk is None:
        yield "what the server keeps in its files cannot be seen from here"


def _failed(one: Forgotten) -> bool:
    """Return whether something is known to be there still; what nobody can see is no failure."""
    return bool(one.found.listed or one.found.known or one.found.on_disk)


def _clear_state(plan: Plan) -> None:
    """Take it out of what this machine has noted."""
    configuration, traces = plan.configuration, plan.traces
    labels = {traces.code, *traces.labels}
    for one in plan.repositories[:1]:
        one.source.reader.catalogue.erase(labels)
    for name in state_names(configuration):
        state = SetState(configuration.state, name)
        state.end_run()
        state.forget_manifest()
    clear_traces(configuration.state, traces)
    _forget_restores(configuration.state, traces)


def _forget_restores(state: Path, traces: Traces) -> None:
    """Forget the restores of it that left nothing on disk: there is nothing to undo."""
    journal = RestoreJournal(state)
    for restore in journal.restores():
        mine = [one for one in restore.folders if code_key(one.code) == code_key(traces.code)]
        kept = [one.kept for one in restore.folders if one.kept and Path(one.kept).exists()]
        if mine and not kept and restore.stage is Stage.DONE:
            journal.forget(restore)


def _write_receipt(plan: Plan, done: list[Forgotten]) -> Path:
    now = datetime.datetime.now().astimezone()
    document = {
        "date": now.isoformat(timespec="seconds"),
        "code": plan.traces.code,
        "avplugin": __version__,
        "repositories": [_as_json(one) for one in done],
        "other_repositories": list(plan.others),
        "local_records_cleared": plan.is_everywhere,
        "left_on_disk": len(plan.on_disk),
        "shared_folders_kept": len(plan.shared),
    }
    return write_receipt(plan.configuration.state, now, document, _as_text(plan, now, done))


def _as_json(one: Forgotten) -> dict[str, object]:
    return {
        "repository": one.repository,
        "repository_id": one.repository_id,
        "archives_changed": list(one.changed),
        "archives_deleted": list(one.deleted),
        "archives_that_list_it": sorted(one.found.listed),
        "chunks_gone": one.found.gone,
        "chunks_shared": one.found.shared,
        "chunks_left_in_index": one.found.known,
        "chunks_left_in_files": one.found.on_disk,
        "not_proven": list(one.doubts),
    }


def _as_text(plan: Plan, now: datetime.datetime, done: list[Forgotten]) -> str:
    lines = [
        "Receipt: an administration erased from backups",
        "",
        f"Date:            {now.isoformat(timespec='seconds')}",
        f"Administration:  {plan.traces.code}",
        f"By:              avplugin {__version__}",
    ]
    for one in done:
        lines += ["", f"Repository {one.repository} ({one.repository_id})"]
        lines += [
            f"  archives changed: {len(one.changed)}",
            *(f"    {name}" for name in one.changed),
        ]
        if one.deleted:
            lines += [f"  of these deleted, since nothing else was in them: {len(one.deleted)}"]
        lines += [f"  {line}" for line in _proofs(one)]
        lines += [f"  NOT proven: {doubt}" for doubt in one.doubts]
    lines += [
        "",
        "Not looked at: other copies of these repositories, logs of borgmatic and cron, paper.",
    ]
    if plan.others:
        lines += [f"Not changed, and still to be done: {', '.join(plan.others)}."]
    if plan.shared:
        lines += [f"Folders kept since another administration has them too: {len(plan.shared)}."]
    if plan.on_disk:
        lines += [f"Folders of it that are still on this machine: {len(plan.on_disk)}."]
    if not plan.is_everywhere:
        lines += ["What this machine has noted about it stays until all repositories are done."]
    return "\n".join(lines) + "\n"


def _proofs(one: Forgotten) -> Iterator[str]:
    found = one.found
    if not found.listed:
        yield "proven: no archive lists any of its folders"
    if not found.known and not found.on_disk:
        where = "index" if found.on_disk is None else "index or files"
        gone = f"none of the {found.gone} chunks that only it had"
        yield f"proven: {gone} is in the repository's {where}"
    if found.shared:
        yield f"{found.shared} chunks stay: others, that are still stored, consist of them too"
