"""Which versions of a folder exist, in which archives."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Iterable, Sequence

from avplugin.borgmatic import borg
from avplugin.borgmatic.archive import Archive
from avplugin.borgmatic.configuration import Repository, known_repository_id
from avplugin.borgmatic.repository_state import repository_state
from avplugin.state.catalogue import Catalogue, Summary
from avplugin.state.manifest import ROOT, FolderManifest, Manifest, ManifestError, read_manifest

_SEEN_JUST_NOW = datetime.timedelta(hours=1)


@dataclasses.dataclass(frozen=True, slots=True)
class Version:
    """One distinct version of a folder in one repository.

    `archive` is the newest archive that holds it, a clean one where there is one; `archives` is
    how many hold it. `reason` says why it is not clean.
    """

    repository: str
    folder: FolderManifest
    archive: Archive
    first: datetime.datetime
    archives: int
    clean: bool
    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class Snapshot:
    """One archive with its manifest; None if it holds none that can be read.

    `reason` says why it is not clean.
    """

    repository: str
    archive: Archive
    manifest: Manifest | None
    reason: str

    @property
    def is_clean(self) -> bool:
        """Whether folders can be restored out of it: a name alone is not enough."""
        return self.archive.is_clean and self.manifest is not None


@dataclasses.dataclass(frozen=True, slots=True)
class Overview:
    """One archive and what it holds in all; None if it holds no manifest that can be read.

    `reason` says why it is not clean.
    """

    repository: str
    archive: Archive
    summary: Summary | None
    reason: str

    @property
    def is_clean(self) -> bool:
        """Whether folders can be restored out of it: a name alone is not enough."""
        return self.archive.is_clean and self.summary is not None


@dataclasses.dataclass(frozen=True, slots=True)
class Newest:
    """A folder as the newest archive holds it that is clean, or, if none is, the newest one."""

    folder: FolderManifest
    archive: Archive


def is_as_listed(repository: Repository, catalogue: Catalogue) -> bool:
    """Return whether the catalogue knows what the repository holds now: Borg need not be asked."""
    state = repository_state(repository)
    known = catalogue.listed(known_repository_id(repository)) if state else None
    return known is not None and known.state == state


class SnapshotReader:
    """The archives of one repository with their manifests, read once and then remembered."""

    def __init__(
        self,
        repository: Repository,
        catalogue: Catalogue,
        reasons: dict[str, str] | None = None,
        *,
        listing: borg.Listing | None = None,
    ) -> None:
        """Find out what the repository holds, unless that is known: `listing`.

        Where nobody has written into it since it was last asked, Borg is not started. Raise
        BorgError.
        """
        self.repository = repository
        self.catalogue = catalogue
        self._reasons = reasons or {}
        self._unreadable: dict[str, str] = {}  # why, by archive id
        self._last: tuple[str, Manifest | None] | None = None  # one is asked for several times
        now = datetime.datetime.now(datetime.UTC)
        state = "" if listing else repository_state(repository)
        known_id = known_repository_id(repository) if state else ""
        known = catalogue.listed(known_id) if known_id else None
        if known is not None and known.state == state:
            self.listing = borg.Listing(known_id, "", known.archives)
            if abs(now - known.seen) < _SEEN_JUST_NOW:
                return
        else:
            self.listing = listing or borg.list_archives(repository)
        archives = self.listing.archives
        catalogue.forget_others(self.listing.id, [archive.id for archive in archives])
        seen = now.isoformat(timespec="seconds")
        catalogue.note_listed(self.listing.id, seen, archives, state)

    def archives(self, series: Iterable[str] | None = None) -> list[Archive]:
        """Return avplugin's archives, newest first; `series` limits them to these."""
        wanted = None if series is None else set(series)
        mine = [
            archive
            for archive in self.listing.archives
            if archive.series and (wanted is None or archive.series in wanted)
        ]
        return sorted(mine, key=lambda archive: archive.time, reverse=True)

    def manifest(self, archive: Archive) -> Manifest | None:
        """Return the archive's manifest, out of the catalogue or else out of the archive itself.

        None if it holds none, or one that cannot be understood; that is remembered too. Raise
        BorgError if it cannot be read now, unless `learn` has found that already.
        """
        if archive.id in self._unreadable:
            return None
        if self._last is None or self._last[0] != archive.id:
            self._get_to_know(archive)
            self._last = archive.id, self.catalogue.manifest(archive.id)
        return self._last[1]

    def number(self, archive: Archive) -> int:
        """Return the number in the archive's manifest; 0 if it says none. Raise BorgError."""
        if archive.id in self._unreadable:
            return 0
        self._get_to_know(archive)
        return self.catalogue.number(archive.id)

    def stored_folder(self, archive: Archive, label: str) -> FolderManifest | None:
        """Return the manifest of one folder that is stored in the archive; None if it is not.

        Raise as manifest() does. Of many archives this is much faster.
        """
        if archive.id in self._unreadable:
            return None
        self._get_to_know(archive)
        part = self.catalogue.folder_in(archive.id, label)
        return None if part is None or part.left_out else part

    def _get_to_know(self, archive: Archive) -> None:
        """Add the archive's manifest, or that it has none, to the catalogue."""
        if self.catalogue.knows(archive.id):
            return
        try:
            manifest = read_manifest(borg.read_files(self.repository, archive.name, ROOT))
        except ManifestError:
            manifest = None
        self.catalogue.add(self.listing.id, archive.id, manifest)

    def learn(
        self, archives: Sequence[Archive], progress: Callable[[int, int], None] | None = None
    ) -> None:
        """Read the manifests that the catalogue lacks; `progress` gets how many are done of all.

        One archive that cannot be read does not hide the others.
        """
        unknown = [archive for archive in archives if not self.catalogue.knows(archive.id)]
        for number, archive in enumerate(unknown):
            if progress is not None:
                progress(number, len(unknown))
            try:
                self.manifest(archive)
            except borg.BorgError as error:
                self._unreadable[archive.id] = str(error).splitlines()[0]

    def snapshots(self, archives: Sequence[Archive]) -> list[Snapshot]:
        """Return the archives with their manifests, in the order given."""
        return [
            Snapshot(str(self.repository), archive, self.manifest(archive), self.reason(archive))
            for archive in archives
        ]

    def newest(self, archives: Sequence[Archive]) -> list[Newest]:
        """Return every folder that is in these archives (newest first), as it was last stored.

        What `learn` has not read is passed over.
        """
        clean_first = sorted(archives, key=lambda archive: not archive.is_clean)
        by_id = {archive.id: archive for archive in clean_first}
        first = self.catalogue.first_of_each(list(by_id))
        return [Newest(folder, by_id[archive]) for archive, folder in first]

    def versions(self, label: str, archives: Sequence[Archive]) -> list[Version]:
        """Return the distinct versions of a folder in these archives (newest first), newest first.

        A version that is in a clean archive is clean, whatever else holds it.
        """
        known = self.catalogue.folder(label)
        found: dict[tuple[str, str], list[Archive]] = {}
        for archive in archives:
            folder = known.get(archive.id)
            if folder is not None and not folder.left_out:
                found.setdefault((folder.fingerprint, folder.list_digest), []).append(archive)
        versions = []
        for holders in found.values():
            clean = [archive for archive in holders if archive.is_clean]
            best = clean[0] if clean else holders[0]
            versions.append(
                Version(
                    repository=str(self.repository),
                    folder=known[best.id],
                    archive=best,
                    first=holders[-1].time,
                    archives=len(holders),
                    clean=bool(clean),
                    reason="" if clean else self.reason(best),
                )
            )
        return sorted(versions, key=lambda version: version.archive.time, reverse=True)

    def overview(self, archives: Sequence[Archive]) -> list[Overview]:
        """Return what the archives hold in all, in the order given."""
        return [
            Overview(
                str(self.repository),
                archive,
                self.catalogue.summary(archive.id) if self._holds_manifest(archive) else None,
                self.reason(archive),
            )
            for archive in archives
        ]

    def _holds_manifest(self, archive: Archive) -> bool:
        if archive.id in self._unreadable:
            return False
        self._get_to_know(archive)
        return self.catalogue.holds_manifest(archive.id)

    def why_unreadable(self, archive: Archive) -> str:
        """Return why the archive's manifest could not be read; empty if it could, or has none."""
        return self._unreadable.get(archive.id, "")

    def reason(self, archive: Archive) -> str:
        """Return why the archive is not clean, as far as this machine knows; empty if it is."""
        if archive.is_clean:
            if self._holds_manifest(archive):
                return ""
            return self._unreadable.get(archive.id) or "it holds no manifest of avplugin"
        if archive.is_checkpoint:
            return "interrupted before the end"
        return self._reasons.get(archive.name) or "its run ended before the proof"
