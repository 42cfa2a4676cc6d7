"""Archives that are made up, with a reader that knows their manifests."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

from avplugin.borgmatic.archive import UNVERIFIED, Archive
from avplugin.installation.model import Kind
from avplugin.snapshots.reader import SnapshotReader
from avplugin.state.manifest import FolderManifest, Manifest, RunManifest

RUN = RunManifest(
    run="20261122T020000Z-0123456789ab",
    installation="office",
    installation_id="1",
    set="administrations",
    host="kantoor",
    started="2026-11-22T02:00:00+00:00",
    avplugin_version="1",
    accountview_version="",
    program="/srv/p",
    system="/srv/s",
    configuration="",
)
FIRST_NIGHT = datetime.datetime(2026, 11, 1, 2, tzinfo=datetime.UTC)


def folder(label: str, tables: int = 0, *damaged: str, **facts: Any) -> FolderManifest:
    """Return a folder with so many tables; `damaged` are names of their files."""
    part = FolderManifest(
        Kind.ADMINISTRATION,
        label,
        label,
        label,
        f"F:\\{label}",
        f"/srv/{label}",
        tables=tables,
        table_health="damaged" if damaged else "sound",
        damaged=dict.fromkeys(damaged, "is damaged"),
    )
    return dataclasses.replace(part, **facts)


def left_out(label: str, *, in_use: bool = False) -> FolderManifest:
    """Return a folder that is bad, or that somebody is in."""
    reason = "in use: jan" if in_use else "does not exist"
    return folder(
        label,
        left_out=reason,
        sessions=reason if in_use else "not checked",
        table_health="not checked",
    )


def manifest(*folders: FolderManifest) -> Manifest:
    return Manifest(RUN, folders)


class Shelf(SnapshotReader):
    """A reader of archives that are put on it one behind the other, a day apart."""

    def __init__(self) -> None:
        self._manifests: dict[str, Manifest | None] = {}
        self._archives: list[Archive] = []

    def put(
        self,
        *folders: FolderManifest,
        state: str = "",
        when: datetime.datetime | None = None,
        number: int = 0,
    ) -> str:
        """Add an archive, `when` or a day after the last one; return its name."""
        when = when or FIRST_NIGHT + datetime.timedelta(days=len(self._archives))
        name = f"office-administrations-{when:%Y-%m-%dT%H:%M:%S}{state}"
        self._archives.append(Archive(name, name, when))
        self._archives.sort(key=lambda archive: archive.time, reverse=True)
        run = dataclasses.replace(RUN, number=number)
        self._manifests[name] = Manifest(run, folders) if folders else None
        return name

    def put_unverified(self, *folders: FolderManifest) -> str:
        return self.put(*folders, state=UNVERIFIED)

    def archives(self, series: object = None) -> list[Archive]:  # noqa: ARG002 - as it is there
        return self._archives

    def manifest(self, archive: Archive) -> Manifest | None:
        return self._manifests[archive.id]

    def number(self, archive: Archive) -> int:
        found = self._manifests[archive.id]
        return found.run.number if found else 0

    def stored_folder(self, archive: Archive, label: str) -> FolderManifest | None:
        found = self._manifests[archive.id]
        stored = {part.label: part for part in found.stored} if found else {}
        return stored.get(label)
