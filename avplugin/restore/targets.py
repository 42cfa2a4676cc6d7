"""Which folders a restore puts where, and whether they can be put there at all."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Callable, Iterable, Sequence, Set
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from avplugin.errors import AvpluginError, UsageError
from avplugin.installation.boundaries import left_by_restores
from avplugin.installation.model import BadFolder, Folder, Installation, Kind, code_key
from avplugin.restore.choose import Choice
from avplugin.restore.mounts import mounts_at_or_below
from avplugin.restore.where import Into, New, Original, Where
from avplugin.state.catalogue import folder_key
from avplugin.state.manifest import FolderManifest

_NUMBER = re.compile(r" \((\d+)\)$")  # of all but the first folder of copy documents


class RestoreError(AvpluginError):
    """A restore was refused or failed; the targets are as they were."""


class Part(NamedTuple):
    """One folder of a snapshot, and where it is put."""

    folder: FolderManifest
    path: Path


@dataclasses.dataclass(frozen=True, slots=True)
class Target:
    """What changes places as one: a folder, with those inside it that are put back with it.

    `stays` are folders inside the target that are not part of it, and keep their place.
    """

    parts: tuple[Part, ...]
    stays: tuple[Path, ...] = ()

    @property
    def folder(self) -> FolderManifest:
        """The outermost folder."""
        return self.parts[0].folder

    @property
    def path(self) -> Path:
        """Where that is put."""
        return self.parts[0].path

    @property
    def size(self) -> int:
        """Bytes to extract."""
        return sum(part.folder.size for part in self.parts)

    @property
    def replaces(self) -> bool:
        """Whether something is there that has to make way."""
        return holds_data(self.path)


def plan_targets(
    choice: Choice, where: Where, installation: Installation | None
) -> tuple[Target, ...]:
    """Return the targets of a restore, that of the chosen folder first.

    `installation` is None where there is none, as on a new machine. Raise UsageError or
    RestoreError if the folder cannot go there.
    """
    match where:
        case Original() if choice.origin.knows_places:
            place = original_places(installation)
        case Original():
            place = _places_of(choice, choice.folder.code, installation)
        case Into(code):
            _refuse_same_code(choice, code)
            place = _places_of(choice, code, installation)
        case New(folder):
            place = _new_places(choice, folder)
    parts = [Part(folder, place(folder)) for folder in (choice.folder, *choice.copy_documents)]
    _refuse_same_places(parts)
    others = _other_folders(parts, installation)
    targets: list[list[Part]] = []
    for part in sorted(parts, key=lambda part: len(part.path.parts)):
        around = next((group for group in targets if _is_part_of(part, group, others)), None)
        if around is None:
            targets.append([part])
        else:
            around.append(part)
    targets.sort(key=lambda group: group[0].folder != choice.folder)
    return tuple(Target(tuple(group), _stays(group, others)) for group in targets)


def check_target(target: Target, *, may_replace: bool) -> None:
    """Refuse a target that cannot be exchanged in one go. Raise RestoreError that says why."""
    path = target.path
    if path.is_symlink():
        raise RestoreError(
            f"{path} is a symbolic link.\nName the folder it leads to, or remove the link first."
        )
    if not path.parent.is_dir():
        raise RestoreError(f"{path.parent} does not exist.\nMake it, or mount its disk, first.")
    if os.path.lexists(path):
        if not path.is_dir():
            raise RestoreError(f"{path} is a file.\nMove it away, or name another folder.")
        refuse_mounts(path, target.stays)
        if not may_replace and holds_data(path):
            raise RestoreError(
                f"{path} holds data, and --new never replaces any.\n"
                "Name a folder that is missing or empty, or restore with --original or --into."
            )
    for folder in (path.parent, *([path] if path.is_dir() else [])):
        if not os.access(folder, os.W_OK | os.X_OK):
            raise RestoreError(
                f"{folder} cannot be written to: this user may not, or its disk is read-only.\n"
                "Restore as another user, or with --new FOLDER to another place."
            )


def check_space(targets: Sequence[Target]) -> None:
    """Refuse what cannot fit, per file system: the old folders stay until somebody removes them."""
    wanted: dict[int, int] = {}
    for target in targets:
        device = target.path.parent.stat().st_dev
        wanted[device] = wanted.get(device, 0) + target.size
        status = os.statvfs(target.path.parent)
        free = status.f_bavail * status.f_frsize
        if wanted[device] > free:
            raise RestoreError(
                f"{target.path.parent} has {free} bytes free; {wanted[device]} are needed.\n"
                "Make room, or restore with --new FOLDER to another disk."
            )


def holds_data(path: Path) -> bool:
    """Return whether there is a folder with anything in it."""
    return path.is_dir() and any(path.iterdir())


def refuse_mounts(path: Path, stays: Sequence[Path]) -> None:
    """Refuse what a rename would take along, or not move at all. Raise RestoreError."""
    for mount in mounts_at_or_below(path):
        if mount == path:
            raise RestoreError(
                f"{mount} is a mount point: it cannot change places with another folder.\n"
                "Restore with --new FOLDER to a folder below it."
            )
        if not any(mount.is_relative_to(stay) for stay in stays):
            raise RestoreError(
                f"{mount} is mounted inside {path}, and would be moved away with it.\n"
                "Unmount it first, or restore with --new FOLDER to another place."
            )
    if path.is_dir() and path.stat().st_dev != path.parent.stat().st_dev:
        raise RestoreError(
            f"{path} is on another file system than {path.parent}.\n"
            "Restore with --new FOLDER to a folder below it."
        )


def is_known(folder: FolderManifest, installation: Installation | None) -> bool:
    """Return whether the installation has the folder now, good or bad."""
    key = folder_key(folder.label)
    return any(folder_key(one.label) == key for one in _all_folders(installation))


def original_places(installation: Installation | None) -> Callable[[FolderManifest], Path]:
    """Return what says where a folder lies in the installation.

    Where the configuration knows the folder, missing or not, its word counts: it may have moved
    since. Otherwise the place in the manifest.
    """
    known = {folder_key(folder.label): folder.path for folder in _all_folders(installation)}
    return lambda folder: Path(known.get(folder_key(folder.label)) or folder.path)


def place_of_code(code: str, installation: Installation | None) -> Path | None:
    """Return where the administration with this code lies here, good or bad; None if nowhere."""
    for folder in _all_folders(installation):
        if folder.kind is Kind.ADMINISTRATION and code_key(folder.code) == code_key(code):
            return Path(folder.path)
    return None


def _refuse_same_code(choice: Choice, code: str) -> None:
    if choice.folder.kind is not Kind.ADMINISTRATION:
        raise UsageError(f"--into is for administrations; {choice.folder.label} is none.")
    if code_key(code) == code_key(choice.folder.code):
        raise UsageError(f"{code} is its own code: --original puts it back in its place.")


def _places_of(
    choice: Choice, code: str, installation: Installation | None
) -> Callable[[FolderManifest], Path]:
    """Return what puts an administration's folders in the places of the one with this code."""
    if installation is None:
        raise UsageError(
            "only accountview.yaml says where administrations lie: it is needed, or --new FOLDER."
        )
    theirs = {
        (folder.kind, _number(folder.label)): folder.path
        for folder in _all_folders(installation)
        if folder.kind.is_of_administration and code_key(folder.code) == code_key(code)
    }
    if (Kind.ADMINISTRATION, 0) not in theirs:
        raise UsageError(
            f"there is no administration {code}; 'avplugin administrations' lists all."
        )

    def place(folder: FolderManifest) -> Path:
        path = theirs.get((folder.kind, _number(folder.label)))
        if path is None and _lies_in(folder.path, choice.folder.path):
            inside = PurePosixPath(folder.path).relative_to(choice.folder.path)
            path = f"{theirs[Kind.ADMINISTRATION, 0]}/{inside}"
        if path is None:
            raise RestoreError(
                f"{code} has no folder for the {folder.label}.\n"
                "Set its Map kopiedoc in AccountView and in the register, or restore"
                " --without-copy-documents."
            )
        return Path(path)

    return place


def _new_places(choice: Choice, folder: Path) -> Callable[[FolderManifest], Path]:
    """Return what puts the chosen folder at `folder`.

    Copy documents that do not lie inside the administration get a folder of their own beside it.
    """
    absolute = folder.absolute()
    if not absolute.name:
        raise RestoreError(
            f"{absolute} is a mount point: it cannot change places with another folder.\n"
            "Name a folder below it."
        )

    def place(part: FolderManifest) -> Path:
        if part == choice.folder:
            return absolute
        if _lies_in(part.path, choice.folder.path):
            return absolute / PurePosixPath(part.path).relative_to(choice.folder.path)
        number = _number(part.label)
        ordinal = f"-{number + 1}" if number else ""
        return absolute.with_name(f"{absolute.name}-kopiedocumenten{ordinal}")

    return place


def _all_folders(installation: Installation | None) -> list[Folder | BadFolder]:
    """Return the folders that have a place on this machine, good or bad."""
    if installation is None:
        return []
    return [*(bad for bad in installation.bad if bad.path), *installation.folders]


def _number(label: str) -> int:
    """Return which of an administration's folders of copy documents a label means, from 0 on."""
    match = _NUMBER.search(label)
    return int(match[1]) - 1 if match else 0


def _refuse_same_places(parts: Sequence[Part]) -> None:
    places: dict[str, str] = {}
    for folder, path in parts:
        real = os.path.realpath(path)
        if real in places:
            raise RestoreError(
                f"{folder.label} and {places[real]} cannot both be put back at {path}.\n"
                "Give each a folder of its own, or restore --without-copy-documents."
            )
        places[real] = folder.label


def _other_folders(parts: Sequence[Part], installation: Installation | None) -> set[Path]:
    """Return the folders inside of what is put back that are not, as far as anybody knows of them.

    Those of the installation as it is now, and those that were folders of their own when the
    snapshot was made: neither is in the snapshot, so neither may be moved away.
    """
    inside = tuple(f"{str(path).rstrip('/')}/" for _, path in parts)
    everywhere = (Path(folder.path) for folder in _all_folders(installation))
    others = {path for path in everywhere if str(path).startswith(inside)}
    for folder, path in parts:
        others |= {
            path / PurePosixPath(inner).relative_to(folder.path)
            for inner in folder.inside
            if _lies_in(inner, folder.path)
        }
    known = {str(path) for path in others} | {str(path) for _, path in parts}
    others |= {Path(path) for path in left_by_restores(known)}
    return others - {path for _, path in parts}


def _is_part_of(part: Part, group: Sequence[Part], others: Set[Path]) -> bool:
    """Return whether a folder is put back inside another one, and not inside one that stays."""
    around = group[0].path
    return around in part.path.parents and not any(
        around in parent.parents for parent in part.path.parents if parent in others
    )


def _stays(group: Sequence[Part], others: Iterable[Path]) -> tuple[Path, ...]:
    """Return the outermost folders that are there, inside the target, and are not part of it."""
    around = group[0].path
    inside = {other for other in others if around in other.parents and os.path.lexists(other)}
    return tuple(sorted(path for path in inside if not inside & set(path.parents)))


def _lies_in(path: str, folder: str) -> bool:
    return PurePosixPath(folder) in PurePosixPath(path).parents
