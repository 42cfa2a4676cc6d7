"""What there is to prove: the newest clean copy of each folder, with what belongs to it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence

from avplugin.borgmatic.archive import Archive
from avplugin.errors import AvpluginError, UsageError
from avplugin.installation.model import Folder, Kind
from avplugin.snapshots.sources import Source
from avplugin.state.catalogue import folder_key
from avplugin.state.drills import FolderDrills, KnownDrills
from avplugin.state.manifest import FolderManifest, Manifest


@dataclasses.dataclass(frozen=True, slots=True)
class Candidate:
    """One folder in one clean archive; an administration comes with its copy documents."""

    source: Source
    archive: Archive
    manifest: Manifest
    folders: tuple[FolderManifest, ...]  # the folder itself first

    @property
    def folder(self) -> FolderManifest:
        """The folder that it is about."""
        return self.folders[0]

    @property
    def size(self) -> int:
        """Bytes to extract."""
        return sum(part.size for part in self.folders)

    def known(self, drills: KnownDrills, part: FolderManifest) -> FolderDrills:
        """Return what drills of one of the folders have come to."""
        return drills.folder(self.source.reader.listing.id, self.archive.series, part.label)


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """What there is to prove, and archives that are named clean but cannot say what they hold."""

    candidates: tuple[Candidate, ...]
    unreadable: tuple[str, ...]  # a sentence each


def find_candidates(
    sources: Sequence[Source], labels: Sequence[str], archive_name: str | None
) -> Found:
    """Return the newest clean copies in each repository, or what is in the archive named.

    `labels` limits that to these folders. Manifests have been learned already. Raise UsageError for
    a path, AvpluginError if a folder or the archive is not there, or the archive is not clean.
    """
    for label in labels:
        if "/" in label or "\\" in label:
            raise UsageError(f"{label} is a path: only whole folders are proven, by code.")
    named = [_archives(source, archive_name) for source in sources]
    if archive_name is not None and not any(named):
        raise AvpluginError(
            f"there is no snapshot {archive_name}; 'avplugin snapshots' lists them."
        )
    candidates: list[Candidate] = []
    unreadable: list[str] = []
    for source, archives in zip(sources, named, strict=True):
        unreadable += _unreadable(source, archives)
        candidates += _newest_copies(source, archives)
    if labels:
        candidates = _only(candidates, labels, archive_name)
    return Found(tuple(candidates), tuple(unreadable))


def never_stored(folders: Iterable[Folder], candidates: Iterable[Candidate]) -> list[str]:
    """Return the labels of an installation's folders of which there is nothing to prove."""
    stored = {folder_key(part.label) for one in candidates for part in one.folders}
    return [
        folder.label
        for folder in folders
        if folder.kind is not Kind.COPY_DOCUMENTS and folder_key(folder.label) not in stored
    ]


def _archives(source: Source, archive_name: str | None) -> list[Archive]:
    """Return the clean archives, newest first; of the one that is named, refuse what it is not."""
    if archive_name is None:
        return [archive for archive in source.archives() if archive.is_clean]
    found = [one for one in source.archives() if one.is_called(archive_name)]
    for archive in found:
        if not archive.is_clean or source.reader.manifest(archive) is None:
            raise AvpluginError(
                f"{archive.name} is not clean: {source.reader.reason(archive)}.\n"
                "Only clean snapshots are proven; 'avplugin snapshots' lists them."
            )
    return found


def _unreadable(source: Source, archives: Sequence[Archive]) -> Iterator[str]:
    """Yield the archives that should have a manifest and show none.

    In a repository that no configuration names, others may have made archives with such names.
    """
    for archive in archives:
        if source.reader.manifest(archive) is None:
            why = source.reader.why_unreadable(archive)
            if why or source.series is not None:
                yield (
                    f"{archive.name} is named clean, but nobody can tell what is in it:"
                    f" {why or source.reader.reason(archive)}"
                )


def _newest_copies(source: Source, archives: Sequence[Archive]) -> Iterator[Candidate]:
    seen: set[tuple[str, str]] = set()
    for archive in archives:
        manifest = source.reader.manifest(archive)
        stored = manifest.stored if manifest is not None else ()
        new = [part for part in stored if (archive.series, folder_key(part.label)) not in seen]
        taken: set[str] = set()
        for part in new:
            if manifest is None or part.label in taken:
                continue
            folders = (part, *manifest.copy_documents_of(part))
            taken |= {one.label for one in folders}
            yield Candidate(source, archive, manifest, folders)
        seen |= {(archive.series, folder_key(part.label)) for part in new}


def _only(
    candidates: Sequence[Candidate], labels: Sequence[str], archive_name: str | None
) -> list[Candidate]:
    chosen: list[Candidate] = []
    for label in dict.fromkeys(folder_key(label) for label in labels):
        found = [
            dataclasses.replace(one, folders=folders)
            for one in candidates
            if (folders := _from(one, label))
        ]
        if not found:
            written = next(one for one in labels if folder_key(one) == label)
            where = "no clean snapshot" if archive_name is None else f"{archive_name} does not"
            verb = "holds" if archive_name is None else "hold"
            raise AvpluginError(
                f"{where} {verb} {written}.\n'avplugin snapshots' lists what there is."
            )
        chosen += found
    return chosen


def _from(candidate: Candidate, key: str) -> tuple[FolderManifest, ...]:
    """Return the folders to extract for one label: with its copy documents, or these alone."""
    if folder_key(candidate.folder.label) == key:
        return candidate.folders
    return tuple(part for part in candidate.folders if folder_key(part.label) == key)
