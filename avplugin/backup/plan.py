"""What a set is made of at this moment: the folders to store and those that cannot be."""

from __future__ import annotations

import dataclasses
import os
import types
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from avplugin.configuration.model import BackupSet, Configuration
from avplugin.errors import AvpluginError
from avplugin.installation.boundaries import find_boundaries, left_by_restores
from avplugin.installation.locate import why_not_nameable
from avplugin.installation.model import BadFolder, Folder, Installation, Kind
from avplugin.installation.scan import Contents, FolderUnreadable, scan_folder
from avplugin.side_by_side import side_by_side
from avplugin.state.restores import RestoreJournal, Stage

_SYSTEM_KINDS = {Kind.PROGRAM: "program", Kind.SYSTEM: "system", Kind.EXTRA: "extra"}


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """The folders of a set with what lies in them.

    `left_out` are bad folders, `in_use` those that somebody is in, or may be.
    `contents` and `boundaries` are keyed by the folder's path: two administrations can share one.
    Boundaries are the folders inside it that are folders of their own.
    """

    installation: Installation
    folders: tuple[Folder, ...]
    left_out: tuple[BadFolder, ...]
    contents: dict[str, Contents]
    boundaries: dict[str, tuple[str, ...]]
    in_use: tuple[BadFolder, ...] = ()

    @property
    def size(self) -> int:
        """Bytes to store, before Borg compresses and deduplicates them."""
        return sum(contents.size for contents in self.contents.values())

    @property
    def files(self) -> int:
        """How many files to store."""
        return sum(contents.files for contents in self.contents.values())


def make_plan(
    configuration: Configuration,
    backup_set: BackupSet,
    in_use: Mapping[str, str] = types.MappingProxyType({}),
) -> Plan:
    """Find and scan all folders of the set.

    A folder that is missing or cannot be read is left out and stands in `left_out`; so is one that
    is `in_use`, which says why by label. Raise
    AvpluginError if the list of administrations cannot be read, or if the state folder lies in a
    folder to be stored.
    """
    installation = configuration.locate()
    wanted = [f for f in installation.folders if belongs(configuration, backup_set, f)]
    left_out = [b for b in installation.bad if belongs(configuration, backup_set, b)]
    left_out += _selected_but_unknown(installation, backup_set)
    all_paths = {folder.path for folder in installation.folders}
    # A bad folder still bounds the one it lies in, unless a pattern file cannot name it.
    all_paths |= {
        bad.path for bad in installation.bad if bad.path and not why_not_nameable(bad.path)
    }
    all_paths |= left_by_restores(all_paths)
    boundaries = find_boundaries({folder.path for folder in wanted}, all_paths)
    halfway = _halfway_restored(configuration)
    good: list[Folder] = []
    used: list[BadFolder] = []
    _refuse_state_inside(configuration, wanted)
    scanned = _scan(
        {
            folder.path: boundaries[folder.path]
            for folder in wanted
            if folder.label not in in_use and folder.path not in halfway
        }
    )
    for folder in wanted:
        if folder.label in in_use:
            used.append(_left_out(folder, in_use[folder.label]))
            continue
        if folder.path in halfway:
            left_out.append(_left_out(folder, halfway[folder.path]))
            continue
        found = scanned[folder.path]
        if isinstance(found, str):
            left_out.append(_left_out(folder, found))
        else:
            good.append(folder)
    contents = {path: found for path, found in scanned.items() if isinstance(found, Contents)}
    return Plan(
        installation,
        tuple(good),
        tuple(left_out),
        contents,
        {path: boundaries[path] for path in contents},
        tuple(used),
    )


def _scan(boundaries: Mapping[str, Sequence[str]]) -> dict[str, Contents | str]:
    """Return what lies in each of these folders, by path, or why it cannot be read."""

    def look(path: str) -> Contents | str:
        try:
            inside = [os.fsencode(boundary) for boundary in boundaries[path]]
            return scan_folder(path, inside).compact()
        except FolderUnreadable as error:
            return str(error)

    return dict(zip(boundaries, side_by_side(look, boundaries), strict=True))


def _left_out(folder: Folder, reason: str) -> BadFolder:
    place = folder.windows_path or folder.path
    return BadFolder(folder.kind, folder.code, folder.label, place, reason, path=folder.path)


def belongs(
    configuration: Configuration, backup_set: BackupSet, folder: Folder | BadFolder
) -> bool:
    """Return whether the folder is one of the set's."""
    if folder.kind in _SYSTEM_KINDS:
        return _SYSTEM_KINDS[folder.kind] in backup_set.folders
    if not backup_set.select:
        return False
    if not folder.code:  # a line of a register without a code, a pattern that finds nothing
        return True
    if folder.kind is Kind.COPY_DOCUMENTS and not configuration.backs_up_copy_documents(
        folder.code
    ):
        return False
    return backup_set.selects(folder.code)


def labels_of_set(configuration: Configuration, backup_set: BackupSet) -> frozenset[str] | None:
    """Return the labels of all folders that the set has now, good ones, bad ones and busy ones.

    None if nobody can tell them all, as where a pattern finds nothing: its disk may be away. Raise
    AvpluginError if a list of administrations cannot be read.
    """
    installation = configuration.locate()
    bad = [one for one in installation.bad if belongs(configuration, backup_set, one)]
    if any(one.kind.is_of_administration and not one.code for one in bad):
        return None
    bad += _selected_but_unknown(installation, backup_set)
    good = [one for one in installation.folders if belongs(configuration, backup_set, one)]
    return frozenset([*(one.label for one in good), *(one.label for one in bad)])


def _halfway_restored(configuration: Configuration) -> dict[str, str]:
    """Return the folders that a restore was moving in when it was cut off, and what to do.

    What lies there may be half the old folder and half the new one.
    """
    return {
        path: f"a restore of {restore.what} was cut off; 'avplugin restore --recover' finishes it"
        for restore in RestoreJournal(configuration.state).cut_off()
        if restore.stage is Stage.SWAPPING
        for folder in restore.folders
        for path in folder.parts
    }


def _selected_but_unknown(installation: Installation, backup_set: BackupSet) -> list[BadFolder]:
    """Return the codes and patterns under `select` that fit no administration."""
    codes = [administration.code for administration in installation.administrations]
    codes += [bad.code for bad in installation.bad if bad.kind is Kind.ADMINISTRATION]
    return [
        BadFolder(
            Kind.ADMINISTRATION,
            "",
            wanted,
            f"sets.{backup_set.name}.select",
            "is selected, but no administration has that code",
        )
        for wanted in backup_set.select
        if wanted != "*"
        and not any(dataclasses.replace(backup_set, select=(wanted,)).selects(c) for c in codes)
    ]


def _refuse_state_inside(configuration: Configuration, wanted: Sequence[Folder]) -> None:
    """Refuse a state folder inside a folder to be stored: every backup would change that folder."""
    state = os.path.realpath(configuration.state)
    around = {str(path) for path in (PurePosixPath(state), *PurePosixPath(state).parents)}
    folder = next((folder for folder in wanted if folder.path in around), None)
    if folder is not None:
        raise AvpluginError(
            f"the state folder {state} lies inside {folder.label} ({folder.path}).\n"
            "Set 'state' in accountview.yaml to a folder outside AccountView."
        )
