"""Where a package may be written."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from avplugin.borgmatic.configuration import load_borgmatic_configuration
from avplugin.configuration.model import Configuration
from avplugin.errors import AvpluginError
from avplugin.installation.locate import is_beside_administrations
from avplugin.installation.model import Installation
from avplugin.package.write import ExportError


def refuse_place(folder: Path, configuration: Configuration | None) -> None:
    """Refuse a folder for packages, there or to be made, in the place of something else.

    In a folder of AccountView a package would be backed up, and packed, with the books. Raise
    ExportError. Where the list of administrations is lost, a package may be what is needed most.
    """
    if configuration is None:
        return
    around = {Path(os.path.realpath(configuration.state)): "avplugin's own folder"}
    for part in configuration.sets.values():
        with contextlib.suppress(AvpluginError):  # whoever needs it will tell
            for repository in load_borgmatic_configuration(part.borgmatic).repositories:
                around[Path(os.path.realpath(repository.path))] = "a repository"
    installation = _installation(configuration)
    if installation is not None:
        around |= {Path(one.path): one.label for one in installation.folders}
        around |= {Path(bad.path): bad.label for bad in installation.bad if bad.path}
    real = Path(os.path.realpath(folder))
    for parent in (real, *real.parents):
        if parent in around:
            where = "is" if parent == real else f"lies in {parent}, which is"
            raise ExportError(
                f"{folder} {where} {around[parent]}: a package there would be taken for a part of"
                " it.\nName a folder outside of it."
            )
    sources = configuration.administrations
    if (
        installation is not None
        and not real.exists()
        and is_beside_administrations(real, sources, installation)
    ):
        raise ExportError(
            f"{folder} would lie beside the administrations, and be taken for one.\n"
            "Name a folder elsewhere."
        )


def _installation(configuration: Configuration) -> Installation | None:
    try:
        return configuration.locate()
    except AvpluginError:
        return None
