"""Which snapshot a folder comes from, and what comes along with it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from avplugin.borgmatic.archive import HOLD, Archive
from avplugin.errors import AvpluginError, UsageError
from avplugin.installation.model import Kind, code_key
from avplugin.snapshots.sources import Source, newest_first
from avplugin.state.catalogue import folder_key
from avplugin.state.manifest import FolderManifest, Manifest


@dataclasses.dataclass(frozen=True, slots=True)
class Choice:
    """One folder in one clean archive, with the copy documents that belong to it."""

    source: Source
    archive: Archive
    manifest: Manifest
    folder: FolderManifest
    copy_documents: tuple[FolderManifest, ...]

    @property
    def size(self) -> int:
        """Bytes of all folders together."""
        return self.folder.size + sum(part.size for part in self.copy_documents)


def choose_snapshot(sources: Sequence[Source], label: str, archive_name: str | None) -> Choice:
    """Return the folder out of the newest clean archive that holds it, or out of the one named.

    Raise UsageError if `label` is a path: only whole folders are restored. Raise AvpluginError if
    no clean archive holds the folder.
    """
    if "/" in label or "\\" in label:
        raise UsageError(
            f"{label} is a path: only whole folders are restored, by code, because a table with an"
            " index or memo of another moment\ngives wrong answers without an error."
        )
    wanted = archive_name.removesuffix(HOLD) if archive_name is not None else ""
    unclean = 0
    for source, archive in newest_first(sources):
        # What was held since, or is held no longer, is still the archive that is meant.
        if archive_name is not None and archive.name.removesuffix(HOLD) != wanted:
            continue
        if not archive.is_clean:
            unclean += 1
            if archive_name is not None:
                raise AvpluginError(
                    f"{archive.name} is not clean: {source.reader.reason(archive)}.\n"
                    "Only clean snapshots are restored; 'avplugin snapshots' lists them."
                )
            continue
        manifest = source.reader.manifest(archive)
        choice = _in_archive(source, archive, manifest, label) if manifest else None
        if choice is not None:
            return choice
        if archive_name is not None:
            raise AvpluginError(f"{archive.name} does not hold {label}.")
    if archive_name is not None:
        raise AvpluginError(
            f"there is no snapshot {archive_name}; 'avplugin snapshots' lists them."
        )
    behind = f", though {unclean} that are not clean were passed over" if unclean else ""
    raise AvpluginError(
        f"no clean snapshot holds {label}{behind}.\n'avplugin snapshots' lists what there is."
    )


def _in_archive(source: Source, archive: Archive, manifest: Manifest, label: str) -> Choice | None:
    folder = next(
        (part for part in manifest.stored if folder_key(part.label) == folder_key(label)), None
    )
    if folder is None:
        return None
    documents = tuple(
        part
        for part in manifest.stored
        if folder.kind is Kind.ADMINISTRATION
        and part.kind is Kind.COPY_DOCUMENTS
        and code_key(part.code) == code_key(folder.code)
    )
    return Choice(source, archive, manifest, folder, documents)
