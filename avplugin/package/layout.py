"""Where the folders of an administration lie in its package."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import PurePosixPath

from avplugin.errors import AvpluginError
from avplugin.installation.boundaries import find_boundaries
from avplugin.package.member_names import why_unfit
from avplugin.package.windows_names import fit_for_windows, path_key
from avplugin.state.manifest import FolderManifest


class UnfitName(AvpluginError):  # noqa: N818 - named for what is wrong
    """A folder holds something that a package cannot have."""


@dataclasses.dataclass(frozen=True, slots=True)
class Placed:
    """A folder with its place in the package: a path without a slash at either end."""

    folder: FolderManifest
    place: str


class Layout:
    """The places of an administration's folder, the first one, and of its copy documents.

    Copy documents that lie inside another of the folders stay inside, at their place there.
    """

    def __init__(self, folders: Sequence[FolderManifest]) -> None:
        self._placed = {folder.path: Placed(folder, place) for folder, place in _places(folders)}
        self._roots = {os.fsencode(part.folder.archived_path): part for part in self.placed}
        self._keys: dict[str, str] = {}

    @property
    def placed(self) -> tuple[Placed, ...]:
        """All folders, in the order in which they were given."""
        return tuple(self._placed.values())

    def find(self, path: bytes) -> tuple[Placed, bytes]:
        """Return the innermost folder that holds a path, and the path inside it, empty for itself.

        `path` begins at the root of the machine, without a slash. Raise UnfitName if it lies in
        none.
        """
        end = len(path)
        while end > 0:
            if path[:end] in self._roots:
                return self._roots[path[:end]], path[end + 1 :]
            end = path.rfind(b"/", 0, end)
        raise UnfitName(f"{os.fsdecode(path)} lies in none of the folders that were asked for.")

    def place(self, part: Placed, inside: bytes) -> str:
        """Return the place of what lies at the path `inside` a folder.

        Raise UnfitName if Windows could not have it there, or it has something else of that name.
        """
        if not inside:
            return self._taken(part.place, part)
        relative = os.fsdecode(inside)
        if why := why_unfit(f"{part.place}/{relative}"):
            raise UnfitName(
                f"{part.folder.label}: {relative} cannot be packed, since nobody could unpack it on"
                f" Windows: a name in it {why}.\nRename it, or remove it, and make a snapshot."
            )
        return self._taken(f"{part.place}/{relative}", part)

    def manifest_of(self, part: Placed) -> FolderManifest:
        """Return what the package's manifest says of a folder's place and of those inside it."""
        places = {f"/{one.place}" for one in self.placed}
        inside = find_boundaries({f"/{part.place}"}, places)[f"/{part.place}"]
        return dataclasses.replace(part.folder, path=f"/{part.place}", inside=inside)

    def _taken(self, place: str, part: Placed) -> str:
        key = path_key(place)
        other = self._keys.setdefault(key, place)
        if other is not place:
            raise UnfitName(
                f"{part.folder.label}: {place} and {other} cannot both be packed: they are one name"
                " to Windows.\nRename one of them, and make a snapshot."
            )
        return place


def _places(folders: Sequence[FolderManifest]) -> list[tuple[FolderManifest, str]]:
    code = fit_for_windows(folders[0].code)
    places: dict[str, str] = {}
    count = 0
    for folder in sorted(folders, key=lambda one: (one is not folders[0], one.path)):
        around = next(
            (str(one) for one in PurePosixPath(folder.path).parents if str(one) in places), None
        )
        if around is not None:
            places[folder.path] = places[around] + folder.path[len(around) :]
        elif folder is folders[0]:
            places[folder.path] = code
        else:
            count += 1
            number = f"-{count}" if count > 1 else ""
            places[folder.path] = f"{code}-kopiedocumenten{number}"
    return [(folder, places[folder.path]) for folder in folders]
