"""The restore wizard: asks in AccountView's order what to put back and where, and does nothing."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from avplugin.borgmatic.archive import Archive
from avplugin.commands.ask_where import ask_where, entry
from avplugin.commands.choices import Columns, Entry
from avplugin.commands.context import Context, human_size
from avplugin.commands.questions import ask_yes_or_back, choose, one_line
from avplugin.commands.source import learn
from avplugin.errors import AvpluginError
from avplugin.installation.model import Kind
from avplugin.language import date_and_time
from avplugin.restore.where import Where
from avplugin.snapshots.reader import Newest, Version
from avplugin.snapshots.sources import Source
from avplugin.state.catalogue import folder_key
from avplugin.state.manifest import NOBODY, NOT_CHECKED, FolderManifest

_KINDS = list(Kind)


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """What somebody chose to put back, and where."""

    source: Source
    label: str  # as in the manifest
    archive: Archive
    unverified: bool  # the archive is not clean, and was chosen all the same
    where: Where
    copy_documents: bool


def ask(
    context: Context,
    sources: Sequence[Source],
    label: str | None,
    archive: str | None,
    original_place: Callable[[FolderManifest], Path],
    *,
    where: Where | None = None,
    copy_documents: bool | None = None,
    unreachable: Sequence[str] = (),
) -> Asked:
    """Ask what `label`, `archive` (a name), `where` and `copy_documents` leave open.

    `original_place` says where a folder lies, or lay; `unreachable` is what to say of repositories
    that cannot be read. Raise click.Abort if somebody stops, AvpluginError if there is nothing to
    choose from.
    """
    said = _Said(label, archive, where, copy_documents)
    return _Wizard(context, sources, said, original_place, unreachable).run()


@dataclasses.dataclass(frozen=True, slots=True)
class _Said:
    """What the command line says already; None is what is to be asked."""

    label: str | None
    archive: str | None
    where: Where | None
    copy_documents: bool | None


class _Outcome(enum.Enum):
    """How a step ended."""

    ANSWERED = enum.auto()
    SKIPPED = enum.auto()  # there was nothing to ask
    BACK = enum.auto()


class _Wizard:
    """The steps, and what was answered so far; each step relies on the ones before it."""

    def __init__(
        self,
        context: Context,
        sources: Sequence[Source],
        said: _Said,
        original_place: Callable[[FolderManifest], Path],
        unreachable: Sequence[str],
    ) -> None:
        self._context = context
        self._texts = context.texts
        self._sources = _holding(sources, said.archive)
        self._said = said
        self._original_place = original_place
        self._unreachable = [] if said.archive else list(unreachable)
        self._learnt: set[int] = set()
        self._source: Source
        self._folder: Newest
        self._archive: Archive
        self._unverified = False
        self._where: Where
        self._copy_documents = True

    def run(self) -> Asked:
        """Go through the steps, forth and back."""
        _ = self._texts.gettext
        steps = (
            self._ask_repository,
            self._ask_folder,
            self._ask_version,
            self._ask_target,
            self._ask_copy_documents,
        )
        self._context.say(_("Put back a folder. b: a step back; q: stop. Nothing is changed yet."))
        at, forward = 0, True
        while at < len(steps):
            outcome = steps[at]()
            if outcome is _Outcome.BACK or (outcome is _Outcome.SKIPPED and not forward):
                if at == 0:
                    self._context.say(_("This is the first question."))
                forward = at == 0
                at = max(at - 1, 0)
            else:
                at, forward = at + 1, True
        return Asked(
            self._source,
            self._folder.folder.label,
            self._archive,
            self._unverified,
            self._where,
            self._copy_documents,
        )

    def _ask_repository(self) -> _Outcome:
        _ = self._texts.gettext
        if len(self._sources) == 1 and not self._unreachable:
            self._source = self._sources[0]
            return _Outcome.SKIPPED
        entries = []
        for source in self._sources:
            archives = source.archives()
            newest = self._date(archives[0]) if archives else _("no snapshots")
            repository = source.reader.repository
            path = repository.path if repository.label else ""
            entries.append(entry(str(repository), newest, path))
        for reason in self._unreachable:
            entries.append(
                dataclasses.replace(
                    entry(_("cannot be reached"), "", ""),
                    notes=(one_line(reason),),
                    can_be_chosen=False,
                )
            )
        columns = Columns((_("Repository"), _("Newest snapshot"), _("Where")), elastic=2)
        chosen = choose(self._context, _("Out of which repository?"), entries, columns, default=0)
        if chosen is None:
            return _Outcome.BACK
        self._source = self._sources[chosen]
        return _Outcome.ANSWERED

    def _ask_folder(self) -> _Outcome:
        _ = self._texts.gettext
        self._learn()
        folders = sorted(
            (
                newest
                for newest in self._source.reader.newest(self._archives())
                if newest.folder.kind is not Kind.COPY_DOCUMENTS
            ),
            key=_order,
        )
        if self._said.label is not None:
            folders = [
                newest
                for newest in folders
                if folder_key(newest.folder.label) == folder_key(self._said.label)
            ]
        if not folders:
            return self._nothing_there()
        if self._said.label is not None:
            self._folder = folders[0]
            return _Outcome.SKIPPED
        entries = [self._folderentry(newest) for newest in folders]
        columns = Columns((_("Code"), _("Name"), _("Newest snapshot")), elastic=1)
        question = _("Which administration, or which other folder?")
        chosen = choose(self._context, question, entries, columns, is_searched=True)
        if chosen is None:
            return _Outcome.BACK
        self._folder = folders[chosen]
        return _Outcome.ANSWERED

    def _nothing_there(self) -> _Outcome:
        """Say that there is nothing to choose; an error where another repository cannot help."""
        what = self._said.archive or str(self._source.reader.repository)
        if len(self._sources) == 1:
            if self._said.label is None:
                raise AvpluginError(f"{what} holds nothing to put back; see 'avplugin snapshots'.")
            raise AvpluginError(
                f"no snapshot in {what} holds {self._said.label}.\n'avplugin snapshots' lists what"
                " there is; codes are those of the administrations."
            )
        _ = self._texts.gettext
        self._context.say(_("There is nothing to put back in {place}.").format(place=what))
        return _Outcome.BACK

    def _ask_version(self) -> _Outcome:
        _ = self._texts.gettext
        folder = self._folder.folder
        if self._said.archive is not None:
            self._archive = self._folder.archive
            reason = self._source.reader.reason(self._archive)
            if not self._archive.is_clean and not self._unverified:
                if not self._takes_unverified(reason):
                    raise click.Abort
                self._unverified = True
            return _Outcome.SKIPPED
        versions = self._source.reader.versions(folder.label, self._archives())
        entries = [self._versionentry(version) for version in versions]
        columns = Columns(
            (_("Newest copy"), _("The same since"), _(">Size"), _("Tables"), _("Logged in")),
            elastic=4,
        )
        question = _("Which version of {folder}?").format(folder=self._full_name(folder))
        while True:
            chosen = choose(self._context, question, entries, columns)
            if chosen is None:
                return _Outcome.BACK
            version = versions[chosen]
            if version.clean or self._takes_unverified(version.reason):
                self._archive = version.archive
                self._unverified = not version.clean
                return _Outcome.ANSWERED

    def _takes_unverified(self, reason: str) -> bool:
        _ = self._texts.gettext
        self._context.say("")
        self._context.say(_("This version was NOT proven clean: {reason}.").format(reason=reason))
        self._context.say(_("Its tables may not fit each other. A clean one is to be preferred."))
        return bool(ask_yes_or_back(self._context, _("Take it all the same?"), default=False))

    def _ask_target(self) -> _Outcome:
        if self._said.where is not None:
            self._where = self._said.where
            return _Outcome.SKIPPED
        folder = self._folder.folder
        name = self._full_name(folder)
        where = ask_where(self._context, folder, name, self._original_place(folder))
        if where is None:
            return _Outcome.BACK
        self._where = where
        return _Outcome.ANSWERED

    def _ask_copy_documents(self) -> _Outcome:
        folder = self._folder.folder
        manifest = self._source.reader.manifest(self._archive)
        documents = manifest.copy_documents_of(folder) if manifest else ()
        if not documents or self._said.copy_documents is not None:
            self._copy_documents = self._said.copy_documents is not False
            return _Outcome.SKIPPED
        files = sum(part.files for part in documents)
        question = self._texts.ngettext(
            "Put back the copy documents too ({files} file, {size})?",
            "Put back the copy documents too ({files} files, {size})?",
            files,
        ).format(files=files, size=human_size(sum(part.size for part in documents)))
        answer = ask_yes_or_back(self._context, question, default=True)
        if answer is None:
            return _Outcome.BACK
        self._copy_documents = answer
        return _Outcome.ANSWERED

    def _archives(self) -> list[Archive]:
        """Return the chosen repository's archives that count, newest first."""
        return [
            archive
            for archive in self._source.archives()
            if self._said.archive is None or archive.is_called(self._said.archive)
        ]

    def _learn(self) -> None:
        """Read the manifests of the chosen repository that are not known here yet."""
        if id(self._source) in self._learnt:
            return
        self._learnt.add(id(self._source))
        archives = self._archives()
        text = self._texts.gettext("Reading the snapshots")
        learn(self._context, self._source, archives, text)
        unknown = sum(not self._source.reader.catalogue.knows(archive.id) for archive in archives)
        if unknown:
            message = self._texts.ngettext(
                "{count} snapshot could not be read, and is not offered: see 'avplugin snapshots'.",
                "{count} snapshots could not be read, and are not offered: see 'avplugin"
                " snapshots'.",
                unknown,
            )
            self._context.complain(message.format(count=unknown))

    def _folderentry(self, newest: Newest) -> Entry:
        folder = newest.folder
        date = self._date(newest.archive)
        if not newest.archive.is_clean:
            date = self._texts.gettext("{date}, NOT clean").format(date=date)
        return entry(folder.label, self._name(folder), date)

    def _versionentry(self, version: Version) -> Entry:
        _ = self._texts.gettext
        folder = version.folder
        said = {NOT_CHECKED: _("not checked"), NOBODY: _("nobody")}
        note = _("NOT proven clean: {reason}").format(reason=version.reason)
        return Entry(
            (
                self._date(version.archive),
                date_and_time(self._texts, version.first),
                human_size(folder.size),
                self._tables(folder),
                one_line(said.get(folder.sessions, folder.sessions)),
            ),
            notes=() if version.clean else (one_line(note),),
        )

    def _tables(self, folder: FolderManifest) -> str:
        _ = self._texts.gettext
        if folder.table_health == NOT_CHECKED:
            return _("{tables}, not checked").format(tables=folder.tables)
        if count := len(folder.damaged_tables):
            text = self._texts.ngettext(
                "{tables}, {count} damaged", "{tables}, {count} damaged", count
            )
            return text.format(tables=folder.tables, count=count)
        return _("{tables}, sound").format(tables=folder.tables)

    def _name(self, folder: FolderManifest) -> str:
        """Return the name of a folder; of one that has none, what it is."""
        _ = self._texts.gettext
        kinds = {
            Kind.PROGRAM: _("the program folder"),
            Kind.SYSTEM: _("the system tables"),
            Kind.EXTRA: _("an extra folder"),
        }
        return kinds.get(folder.kind, folder.name if folder.name != folder.label else "")

    def _full_name(self, folder: FolderManifest) -> str:
        name = self._name(folder)
        return f"{folder.label} ({name})" if name else folder.label

    def _date(self, archive: Archive) -> str:
        return date_and_time(self._texts, archive.time)


def _holding(sources: Sequence[Source], archive: str | None) -> list[Source]:
    """Return the repositories that hold the archive, or all. Raise AvpluginError if none does."""
    found = [
        source
        for source in sources
        if archive is None or any(one.is_called(archive) for one in source.archives())
    ]
    if not found:
        raise AvpluginError(f"there is no snapshot {archive}; 'avplugin snapshots' lists them.")
    return found


def _order(newest: Newest) -> tuple[bool, int, str]:
    """Administrations by code, then the folders of the installation itself."""
    kind = newest.folder.kind
    return kind is not Kind.ADMINISTRATION, _KINDS.index(kind), folder_key(newest.folder.label)
