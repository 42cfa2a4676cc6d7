"""Which snapshot a folder comes from, and what comes along with it."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence

from avplugin.borgmatic.archive import Archive
from avplugin.errors import AvpluginError, UsageError
from avplugin.restore.extract import ArchiveOrigin
from avplugin.restore.origin import Origin
from avplugin.snapshots.sources import Source, newest_first
from avplugin.state.catalogue import folder_key
from avplugin.state.manifest import NOT_CHECKED, FolderManifest, RunManifest


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants back: a folder by its label, in which version.

    The newest one, or that in the archive of this name, or the newest at or before a moment.
    `unverified` says that an archive that is not clean will do.
    """

    label: str
    archive: str | None = None
    at: datetime.datetime | None = None
    unverified: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Choice:
    """One folder out of one archive or package, with the copy documents that belong to it.

    `run` made what it comes from. `doubt` says why that is not clean; it is empty if it is.
    """

    origin: Origin
    run: RunManifest
    folder: FolderManifest
    copy_documents: tuple[FolderManifest, ...]
    doubt: str = ""

    @property
    def size(self) -> int:
        """Bytes of all folders together."""
        return self.folder.size + sum(part.size for part in self.copy_documents)


def choose_snapshot(sources: Sequence[Source], wanted: Wanted) -> Choice:
    """Return the folder out of the archive that is wanted.

    Raise UsageError if the label is a path: only whole folders are restored. Raise AvpluginError if
    there is no such archive, it is not clean, or it does not hold the folder.
    """
    if "/" in wanted.label or "\\" in wanted.label:
        raise UsageError(
            f"{wanted.label} is a path: only whole folders are restored, by code, because a table"
            " with an index or memo of another moment\ngives wrong answers without an error."
        )
    if wanted.archive is not None:
        return _out_of_named(sources, wanted, wanted.archive)
    return _out_of_newest(sources, wanted)


def _out_of_named(sources: Sequence[Source], wanted: Wanted, name: str) -> Choice:
    found = [pair for pair in newest_first(sources) if pair[1].is_called(name)]
    if not found:
        raise AvpluginError(f"there is no snapshot {name}; 'avplugin snapshots' lists them.")
    for source, archive in found:
        if not archive.is_clean and not wanted.unverified:
            raise AvpluginError(
                f"{archive.name} is not clean: {source.reader.reason(archive)}.\n"
                "'avplugin snapshots' lists what is; --unverified restores it all the same."
            )
        choice = _in_archive(source, archive, wanted.label)
        if choice is not None:
            return choice
    raise AvpluginError(f"{found[0][1].name} does not hold {wanted.label}.")


def _out_of_newest(sources: Sequence[Source], wanted: Wanted) -> Choice:
    unclean = 0
    for source, archive in newest_first(sources):
        if wanted.at is not None and archive.time > wanted.at:
            continue
        if not archive.is_clean and not wanted.unverified:
            unclean += 1
            continue
        choice = _in_archive(source, archive, wanted.label)
        if choice is not None:
            return choice
    kind = "snapshot" if wanted.unverified else "clean snapshot"
    until = f" of {wanted.at.astimezone():%Y-%m-%d %H:%M} or before" if wanted.at else ""
    behind = ""
    if unclean:
        passed = "1 that is not clean was" if unclean == 1 else f"{unclean} that are not clean were"
        behind = f", though {passed} passed over (--unverified takes them)"
    raise AvpluginError(
        f"no {kind}{until} holds {wanted.label}{behind}.\n'avplugin snapshots' lists what there is."
    )


def last_sound(sources: Sequence[Source], choice: Choice) -> Archive | None:
    """Return the newest clean archive in which none of the folder's tables was damaged.

    None if the chosen one is it, or there is none.
    """
    if not choice.folder.damaged:
        return None
    for source, archive in newest_first(sources):
        if archive.is_clean:
            part = source.reader.stored_folder(archive, choice.folder.label)
            if part is not None and not part.damaged and part.table_health != NOT_CHECKED:
                return archive
    return None


def _in_archive(source: Source, archive: Archive, label: str) -> Choice | None:
    manifest = source.reader.manifest(archive)
    if manifest is None:
        return None
    folder = next(
        (part for part in manifest.stored if folder_key(part.label) == folder_key(label)), None
    )
    if folder is None:
        return None
    doubt = "" if archive.is_clean else source.reader.reason(archive)
    origin = ArchiveOrigin(source, archive)
    return Choice(origin, manifest.run, folder, manifest.copy_documents_of(folder), doubt)
