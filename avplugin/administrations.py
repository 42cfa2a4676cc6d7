"""The list of administrations as it is now, with the sets that back each one up."""

from __future__ import annotations

import dataclasses

from avplugin.configuration.model import Configuration
from avplugin.installation.model import Administration, BadFolder, Folder


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One administration and the sets it is in."""

    administration: Administration
    sets: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Listing:
    """All of an installation."""

    rows: tuple[Row, ...]
    system_folders: tuple[Folder, ...]
    bad: tuple[BadFolder, ...]


def list_administrations(configuration: Configuration) -> Listing:
    """Return what the configuration's sources name; raise AvpluginError if one cannot be read."""
    installation = configuration.locate()
    rows = tuple(
        Row(
            administration,
            tuple(
                name
                for name, part in configuration.sets.items()
                if part.selects(administration.code)
            ),
        )
        for administration in installation.administrations
    )
    return Listing(rows, installation.system_folders, installation.bad)
