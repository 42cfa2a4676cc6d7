"""Where a folder is put back: to its original place, or to a new one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from avplugin.configuration.model import Configuration
from avplugin.installation.model import Installation
from avplugin.restore.choose import Choice
from avplugin.state.catalogue import folder_key
from avplugin.state.manifest import FolderManifest


def original_places(configuration: Configuration | None) -> Callable[[FolderManifest], Path]:
    """Return what says where a folder lies in the installation.

    Where the configuration knows the folder, missing or not, its word counts: it may have moved
    since. Otherwise the place in the manifest.
    """
    known: dict[str, str] = {}
    if configuration is not None:
        known = _known_places(configuration.locate())
    return lambda folder: Path(known.get(folder_key(folder.label)) or folder.path)


def new_places(choice: Choice, folder: Path) -> Callable[[FolderManifest], Path]:
    """Return what puts the chosen folder at `folder`.

    Copy documents that do not lie inside the administration get a folder of their own beside it.
    """
    absolute = folder.absolute()

    def place(part: FolderManifest) -> Path:
        if part == choice.folder:
            return absolute
        index = choice.copy_documents.index(part)
        number = f"-{index + 1}" if index else ""
        return absolute.with_name(f"{absolute.name}-kopiedocumenten{number}")

    return place


def _known_places(installation: Installation) -> dict[str, str]:
    places = {folder_key(bad.label): bad.path for bad in installation.bad if bad.path}
    places |= {folder_key(folder.label): folder.path for folder in installation.folders}
    return places
