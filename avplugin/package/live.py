"""Packages of an administration as it lies there now: nobody may be in, and nothing may move."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from avplugin.backup.describe import identify_run, with_table_health
from avplugin.backup.plan import Plan, make_plan
from avplugin.borgmatic.borg import Item, StreamedItem
from avplugin.borgmatic.process import this_process
from avplugin.configuration.model import BackupSet, Configuration
from avplugin.errors import AvpluginError, NotNow, UsageError
from avplugin.installation.model import Kind, code_key
from avplugin.installation.scan import Entry, FolderUnreadable, scan_folder
from avplugin.package.write import ExportError
from avplugin.sessions.blocking import Verdict, describe, judge
from avplugin.sessions.find_out import find_out
from avplugin.sessions.guard import Guard
from avplugin.sessions.model import SessionKind, make_place
from avplugin.state.installation_id import read_installation_id
from avplugin.state.manifest import NOBODY, NOT_CHECKED, describe_folder
from avplugin.wording import some

_BLOCK = 1 << 20
_SET = "live"  # stands for the set's name in the manifest


@contextlib.contextmanager
def live_books(
    configuration: Configuration, code: str, *, copy_documents: bool
) -> Iterator[LiveBooks]:
    """Yield an administration as it lies there, while nobody is in it.

    As for a backup, who is in is found out as `sessions` says, and services are stopped meanwhile
    if only they are in the way. Raise UsageError for a path, NotNow if somebody is in,
    AvpluginError if that cannot be found out, or a folder is missing or cannot be read.
    """
    if "/" in code or "\\" in code:
        raise UsageError(f"{code} is a path: packages are of administrations, by code.")
    wanted = dataclasses.replace(
        configuration, copy_documents_backup=copy_documents, copy_documents_backup_of={}
    )
    base = _set_of(configuration, code)
    chosen = dataclasses.replace(base, name=_SET, folders=(), select=(code,))
    plan = make_plan(wanted, chosen)
    _refuse_what_is_missing(plan, code)
    with contextlib.ExitStack() as stack:
        settings = configuration.sessions
        if settings.probes:
            verdict = _look(configuration, chosen, plan)
            if settings.quiesce and _only_services(verdict):
                guard = Guard(configuration, configuration.state / "export", this_process())
                stack.enter_context(guard).stop_services()
                verdict = _look(configuration, chosen, make_plan(wanted, chosen))
            _refuse_anybody(code, verdict)
        elif settings.quiesce:
            guard = Guard(configuration, configuration.state / "export", this_process())
            stack.enter_context(guard).stop_services()
        yield LiveBooks(configuration, chosen, make_plan(wanted, chosen))


class LiveBooks:
    """An administration as it lies there; see Books."""

    snapshot = ""
    doubt = ""

    def __init__(self, configuration: Configuration, chosen: BackupSet, plan: Plan) -> None:
        """Describe what was scanned."""
        self._configuration = configuration
        self._chosen = chosen
        self._plan = plan
        self.taken = datetime.datetime.now(datetime.UTC)
        self.run = identify_run(
            configuration,
            plan.installation,
            _SET,
            read_installation_id(configuration.state) or "",
            self.taken.isoformat(timespec="seconds"),
        )
        nobody = NOBODY if configuration.sessions.probes else NOT_CHECKED
        own_first = sorted(plan.folders, key=lambda one: one.kind is not Kind.ADMINISTRATION)
        self.folders = tuple(
            with_table_health(
                describe_folder(
                    folder, plan.contents[folder.path], plan.boundaries[folder.path], nobody
                ),
                plan.contents[folder.path],
            )
            for folder in own_first
        )
        self.own_places: Mapping[Path, str] = {
            Path(os.path.realpath(configuration.state)): "avplugin's own folder"
        }

    @contextlib.contextmanager
    def read(self) -> Iterator[Iterator[StreamedItem]]:
        """Read the files, and prove at the end that nothing moved and nobody came in."""
        yield self._items()
        for folder in self._plan.folders:
            inside = [os.fsencode(path) for path in self._plan.boundaries[folder.path]]
            try:
                now = scan_folder(folder.path, inside)
            except FolderUnreadable as error:
                raise ExportError(f"{folder.label} could not be read again: {error}.") from error
            if moved := self._plan.contents[folder.path].difference(now):
                raise _moved(folder.label, moved)
        if self._configuration.sessions.probes:
            verdict = _look(self._configuration, self._chosen, self._plan)
            _refuse_anybody(self.folders[0].label, verdict)
            if verdict.unseen:
                raise ExportError(
                    f"{self.folders[0].label}: {describe(verdict.unseen)}; that does not count as"
                    " somebody, but what was written need not show yet.\nThere is no package."
                )

    def _items(self) -> Iterator[StreamedItem]:
        for part in self.folders:
            for entry in self._plan.contents[part.path].entries:
                path = os.fsencode(part.path) + (b"/" + entry.path if entry.path else b"")
                item = Item(entry.type, entry.size, path.lstrip(b"/"))
                blocks = _blocks(path, entry, part.label) if entry.type == "-" else iter(())
                yield StreamedItem(item, entry.modified, blocks)


def _blocks(path: bytes, entry: Entry, label: str) -> Iterator[bytes]:
    """Yield a file's contents, as long as the scan found them."""
    left = entry.size
    try:
        # Without waiting: what was a file may have become a pipe since the scan.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb", buffering=_BLOCK) as file:
            while left:
                data = file.read(min(left, _BLOCK))
                if not data:
                    raise _moved(label, [os.fsdecode(entry.path)])
                left -= len(data)
                yield data
    except OSError as error:
        name = os.fsdecode(path)
        raise ExportError(f"{label}: cannot read {name}: {error.strerror}.") from error


def _moved(label: str, paths: Sequence[str]) -> ExportError:
    return ExportError(
        f"{label} changed while it was packed: {some(paths)}.\n"
        "There is no package; try again when nobody works in it, or take a snapshot."
    )


def _set_of(configuration: Configuration, code: str) -> BackupSet:
    """Return the set that the administration is in: it says who blocks it."""
    sets = list(configuration.sets.values())
    found = next((one for one in sets if one.selects(code)), None)
    if found is not None:
        return found
    everybody = frozenset(kind.value for kind in SessionKind)
    return dataclasses.replace(sets[0], blocked_by=everybody)


def _refuse_what_is_missing(plan: Plan, code: str) -> None:
    known = [one.code for one in plan.installation.administrations]
    known += [bad.code for bad in plan.installation.bad if bad.kind is Kind.ADMINISTRATION]
    if code_key(code) not in map(code_key, known):
        raise AvpluginError(
            f"there is no administration {code}.\n'avplugin administrations' lists what there is."
        )
    if plan.left_out:
        bad = plan.left_out[0]
        hint = "Mend that first"
        if bad.kind is Kind.COPY_DOCUMENTS:
            hint += ", or add --without-copy-documents"
        raise AvpluginError(f"{bad.label} cannot be packed: {bad.why}.\n{hint}.")


def _look(configuration: Configuration, chosen: BackupSet, plan: Plan) -> Verdict:
    """Return who is in the way now, by the rules of a backup."""
    places = [make_place(folder, plan.contents[folder.path]) for folder in plan.folders]
    folders = plan.installation.folders
    answer = find_out(configuration.sessions, places, folders, configuration.drives)
    ignore = configuration.sessions.ignore
    return judge(answer, places, folders, kinds=chosen.blocked_by, ignore=ignore)


def _only_services(verdict: Verdict) -> bool:
    return bool(verdict.busy) and all(
        session.kind is not SessionKind.USER for session in verdict.sessions
    )


def _refuse_anybody(code: str, verdict: Verdict) -> None:
    if verdict.busy:
        lines = [f"{label}: {describe(found)}" for label, found in verdict.busy.items()]
        raise NotNow("\n".join([f"{code} is not packed while somebody is in it.", *lines]))
    if verdict.unknown:
        lines = list(dict.fromkeys(verdict.unknown.values()))
        raise AvpluginError(
            "\n".join([f"{code} is not packed while it is not known who is in:", *lines])
        )
