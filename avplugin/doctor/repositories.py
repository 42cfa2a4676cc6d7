"""Whether each repository can be reached and opened, and lies where a disaster does not reach."""

from __future__ import annotations

import dataclasses
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from avplugin.borgmatic.borg import Listing
from avplugin.borgmatic.configuration import Repository
from avplugin.doctor.finding import Finding, error, fine, of_error, warning
from avplugin.errors import AvpluginError
from avplugin.installation.model import Installation
from avplugin.state.emergency_sheet import EmergencySheet

_NONE = "none"
_ELSEWHERE = "A backup has to lie elsewhere, best on another machine: move it, and change 'path'."
_REMOTE = "Log in there with ssh, as this user: it has to work with a key, and without a question."
_PASSPHRASE_SETTINGS = ("encryption_passphrase", "encryption_passcommand")
_PASSPHRASE_VARIABLES = ("BORG_PASSPHRASE", "BORG_PASSCOMMAND", "BORG_PASSPHRASE_FD")


def check(
    listings: Sequence[tuple[Repository, Listing | AvpluginError]],
    installation: Installation | None,
    sheet: EmergencySheet | None,
) -> Iterator[Finding]:
    """Look at what Borg answered about each repository, and at where it lies.

    `sheet` is the last emergency sheet that is noted, None if there was none.
    """
    for repository, answer in listings:
        if isinstance(answer, AvpluginError):
            finding = of_error(answer)
            is_remote = local_path(repository) is None
            advice = finding.advice or (_REMOTE if is_remote else "")
            yield dataclasses.replace(finding, advice=advice)
        else:
            count = len(answer.archives)
            yield fine(
                f"{repository}: reached, and its passphrase is right; {count} archives,"
                f" encryption {answer.encryption}"
            )
            yield from _encryption(repository, answer, sheet)
            yield from _passphrase(repository, answer)
        path = local_path(repository)
        if path is not None and installation is not None:
            yield from _place(repository, path, installation)


def local_path(repository: Repository) -> Path | None:
    """Return where a repository lies on this machine, None if it lies on another."""
    path = repository.path.removeprefix("file://")
    return Path(path).absolute() if "://" not in path and ":" not in path.split("/")[0] else None


def _encryption(
    repository: Repository, listing: Listing, sheet: EmergencySheet | None
) -> Iterator[Finding]:
    if listing.encryption == _NONE:
        yield warning(
            f"{repository}: it is not encrypted: whoever reads the disk reads the books",
            "Make a new one with 'borgmatic repo-create --encryption repokey-blake2'.",
        )
        return
    if sheet is not None and listing.id in sheet.repositories:
        yield fine(f"{repository}: on the emergency sheet of {sheet.made.astimezone():%Y-%m-%d}")
        return
    where = (
        "its key lies on this machine only, and is lost with it"
        if listing.encryption.startswith("keyfile")
        else "its key lies in it only, and is lost if its disk is damaged"
    )
    yield warning(
        f"{repository}: no emergency sheet is noted; without one, {where}",
        "'avplugin init --sheet' makes one with the key; keep it and the passphrase on paper,"
        " elsewhere. By hand: borgmatic key export --paper.",
    )


def _passphrase(repository: Repository, listing: Listing) -> Iterator[Finding]:
    """Tell where the passphrase is known to this shell only: a night has another environment."""
    is_told = any(repository.settings.get(key) for key in _PASSPHRASE_SETTINGS)
    named = next((name for name in _PASSPHRASE_VARIABLES if name in os.environ), None)
    if named and not is_told and listing.encryption != _NONE:
        yield error(
            f"{repository}: its passphrase comes from ${named} of this shell, which a night lacks",
            "Set encryption_passcommand in borgmatic's configuration.",
        )


def _place(repository: Repository, path: Path, installation: Installation) -> Iterator[Finding]:
    real = os.path.realpath(path)
    inside = [
        folder
        for folder in installation.folders
        if real == folder.path or real.startswith(f"{folder.path}/")
    ]
    if inside:
        yield error(
            f"{repository}: it lies inside {inside[0].label} ({inside[0].path})",
            _ELSEWHERE,
        )
        return
    beside = _beside(real, installation)
    if beside is not None:
        yield error(
            f"{repository}: it lies beside the administrations, in {beside}, where whoever can"
            " work in them, or encrypt them, can do so with the backups too",
            _ELSEWHERE,
        )
        return
    device = _device(Path(real))
    shared = [folder.label for folder in installation.folders if _device_of(folder.path) == device]
    if device is not None and shared:
        yield warning(
            f"{repository}: it lies on the same disk as {shared[0]}: both are lost together",
            "Add a repository on another machine; borgmatic takes several.",
        )


def _beside(real: str, installation: Installation) -> str | None:
    """Return the folder that administrations lie in, if this path lies in one too."""
    folders = (one.folder for one in installation.administrations)
    parents = {os.path.dirname(folder.path) for folder in folders if folder}  # noqa: PTH120
    return next((one for one in sorted(parents - {"/"}) if real.startswith(f"{one}/")), None)


def _device(path: Path) -> int | None:
    """Return the number of the disk that the path lies on, or would lie on."""
    for place in (path, *path.parents):
        device = _device_of(str(place))
        if device is not None:
            return device
    return None


def _device_of(path: str) -> int | None:
    try:
        status = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    return status.st_dev if stat.S_ISDIR(status.st_mode) else None
