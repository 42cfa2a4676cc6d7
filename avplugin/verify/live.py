"""Whether tables are sound where they lie, without any backup."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Sequence

from avplugin.configuration.model import Configuration
from avplugin.errors import AvpluginError, UsageError
from avplugin.foxpro.health import TableFault, check_tables
from avplugin.installation.boundaries import find_boundaries, left_by_restores
from avplugin.installation.model import BadFolder, Folder, Installation, Kind, code_key
from avplugin.installation.scan import FolderUnreadable, scan_folder
from avplugin.state.catalogue import folder_key


@dataclasses.dataclass(frozen=True, slots=True)
class LiveHealth:
    """The tables of one folder; `unreadable` says why they could not be looked at."""

    label: str
    path: str
    files: int = 0
    tables: int = 0
    faults: tuple[TableFault, ...] = ()
    unreadable: str = ""

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults and not self.unreadable


def check_live(configuration: Configuration, labels: Sequence[str]) -> Iterator[LiveHealth]:
    """Look at the tables of all folders, or of those with these labels; yield one after the other.

    An administration comes with its copy documents. Raise UsageError for a path, AvpluginError if
    there is no such folder or a list of administrations cannot be read.
    """
    for label in labels:
        if "/" in label or "\\" in label:
            raise UsageError(f"{label} is a path: only whole folders are looked at, by code.")
    installation = configuration.locate()
    there: list[Folder | BadFolder] = [*installation.folders, *installation.bad]
    for label in labels:
        if not any(_is_meant(one, [label]) for one in there):
            raise AvpluginError(
                f"there is no folder {label} in the installation.\n"
                "'avplugin administrations' lists what there is."
            )
    return _look(installation, labels)


def _look(installation: Installation, labels: Sequence[str]) -> Iterator[LiveHealth]:
    folders = [one for one in installation.folders if not labels or _is_meant(one, labels)]
    everything = {folder.path for folder in installation.folders}
    everything |= {bad.path for bad in installation.bad if bad.path}
    everything |= left_by_restores(everything)
    boundaries = find_boundaries({folder.path for folder in folders}, everything)
    for folder in folders:
        inside = [os.fsencode(path) for path in boundaries[folder.path]]
        try:
            contents = scan_folder(folder.path, inside)
        except FolderUnreadable as error:
            yield LiveHealth(folder.label, folder.path, unreadable=str(error))
            continue
        faults = check_tables(folder.path, contents)
        yield LiveHealth(folder.label, folder.path, contents.files, contents.tables, faults)
    for bad in installation.bad:
        if not labels or _is_meant(bad, labels):
            yield LiveHealth(bad.label, bad.path, unreadable=bad.why)


def _is_meant(folder: Folder | BadFolder, labels: Sequence[str]) -> bool:
    keys = {folder_key(label) for label in labels}
    if folder.kind is Kind.COPY_DOCUMENTS and code_key(folder.code) in keys:
        return True
    return folder_key(folder.label) in keys
