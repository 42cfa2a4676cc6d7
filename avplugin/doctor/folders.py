"""Whether every folder can be read, by this user, and the state folder be written."""

from __future__ import annotations

import os
import pwd
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from avplugin.backup.plan import belongs
from avplugin.configuration.model import Configuration
from avplugin.doctor.finding import Finding, error, fine, some_of, warning
from avplugin.installation.model import BadFolder, Folder, Installation, Kind
from avplugin.installation.scan import Contents

_TOLD = 10
_RIGHTS = "Give the account that runs the nights the right to read it; on a share, on its server."


def check(
    configuration: Configuration,
    installation: Installation,
    contents: Mapping[str, Contents],
    unreadable: Mapping[str, str],
) -> Iterator[Finding]:
    """Look at the folders as scanned: `contents` by path, and why the others are `unreadable`."""
    yield from _who()
    bad = [
        error(f"{one.label}: {one.why}", "Mend its path in accountview.yaml or in the register.")
        for one in installation.bad
    ]
    bad += [
        error(f"{folder.label} {unreadable[folder.path]}", _RIGHTS)
        for folder in installation.folders
        if folder.path in unreadable
    ]
    yield from some_of(bad, _TOLD, "and {} more folders: 'avplugin administrations' lists them")
    files = sum(one.files for one in contents.values())
    if contents:
        yield fine(f"{len(contents)} folders with {files} files can be read")
    yield from some_of(
        list(_in_no_set(configuration, installation)), _TOLD, "and {} more folders in no set"
    )
    yield from _state(configuration, installation)
    yield from _drills(configuration)


def _who() -> Iterator[Finding]:
    if os.geteuid() == 0:
        yield fine("all of this is tried as root, as whom avplugin's schedules run")
    else:
        yield warning(
            f"all of this is tried as {_user_name(os.geteuid())}; avplugin's schedules run as root",
            "Call doctor as the account that runs the nights: sudo avplugin doctor.",
        )


def _user_name(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"


def _in_no_set(configuration: Configuration, installation: Installation) -> Iterator[Finding]:
    sets = configuration.sets.values()
    everything: list[Folder | BadFolder] = [*installation.folders, *installation.bad]
    for folder in everything:
        is_wanted = folder.kind is not Kind.COPY_DOCUMENTS or (
            configuration.backs_up_copy_documents(folder.code)
        )
        if is_wanted and not any(belongs(configuration, part, folder) for part in sets):
            yield warning(
                f"{folder.label} is in no set, and is not backed up",
                "Add it to 'select' or 'folders' of a set.",
            )


def _state(configuration: Configuration, installation: Installation) -> Iterator[Finding]:
    state = configuration.state
    real = PurePosixPath(os.path.realpath(state))
    for folder in installation.folders:
        if real.is_relative_to(folder.path):
            yield error(
                f"the state folder {state} lies inside {folder.label} ({folder.path})",
                "Set 'state' in accountview.yaml to a folder outside AccountView.",
            )
    why = why_not_writable(state)
    if why:
        yield error(
            f"the state folder {state} cannot be written: {why}",
            "Mend its rights, set 'state' to another, or call doctor as root.",
        )
    else:
        yield fine(f"the state folder {state} can be written")
    if state.exists() and state.stat().st_uid != os.geteuid():
        yield warning(
            f"the state folder {state} belongs to {_user_name(state.stat().st_uid)}, who is not who"
            " calls doctor",
            "Nights and doctor have to run as the same account.",
        )


def _drills(configuration: Configuration) -> Iterator[Finding]:
    folder = configuration.drill.folder
    if folder is None or not configuration.drill.sample:
        return
    if not folder.is_dir():
        yield error(
            f"the folder for restore drills, {folder}, is not there",
            "Make it, or mend 'drill.folder'.",
        )
    elif why := why_not_writable(folder):
        yield error(
            f"the folder for restore drills, {folder}, cannot be written: {why}", "Mend its rights."
        )


def why_not_writable(folder: Path) -> str:
    """Return why nothing can be written in the folder, or in the one it would be made in.

    Trying beats asking: rights can come from lists, and a file system can be read-only.
    """
    place = folder
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        with tempfile.TemporaryFile(dir=place):
            return ""
    except OSError as failure:
        return failure.strerror or str(failure)
