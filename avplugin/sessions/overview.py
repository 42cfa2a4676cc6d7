"""Who is in the whole installation, or in one administration, at this moment."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence

from avplugin.configuration.model import Configuration
from avplugin.configuration.sessions import SmbProbe
from avplugin.errors import AvpluginError, UsageError
from avplugin.installation.boundaries import find_boundaries, left_by_restores
from avplugin.installation.model import BadFolder, Folder, Installation, code_key
from avplugin.installation.scan import FolderUnreadable, scan_folder
from avplugin.sessions.blocking import Where
from avplugin.sessions.find_out import find_out
from avplugin.sessions.model import Answer, Doubt, Place, Session, make_place


@dataclasses.dataclass(frozen=True, slots=True)
class Overview:
    """What was found out about the folders with the labels `asked`.

    `ignored` are sessions that never count as somebody; they are not part of the answer. `trusted`
    are the tables of each way that tries no others.
    """

    answer: Answer
    asked: tuple[str, ...]
    ignored: tuple[Session, ...]
    trusted: tuple[tuple[str, ...], ...]


def look_around(configuration: Configuration, code: str | None = None) -> Overview:
    """Ask all configured ways who is in, everywhere or in the administration with this code.

    Raise AvpluginError if no way is configured or a list of administrations cannot be read,
    UsageError if there is no such administration.
    """
    settings = configuration.sessions
    if not settings.probes:
        raise AvpluginError(
            f"{configuration.file} says assume_nobody, so nobody looks who is in.\n"
            "Name ways to find out under 'sessions: probes'."
        )
    installation = configuration.locate()
    folders, bad = _wanted(installation, code)
    places, doubts = look_into(folders, installation)
    doubts += [Doubt("avplugin", one.label, one.why) for one in bad]
    answer = find_out(settings, places, installation.folders, configuration.drives)
    if code is not None:
        answer = _only(answer, folders, installation)
    counting: list[Session] = []
    ignored: list[Session] = []
    for session in answer.sessions:
        is_ignored = settings.ignore.include(session.user, session.machine)
        (ignored if is_ignored else counting).append(session)
    bare = {place.folder.label for place in places if not place.files}
    answer = Answer(tuple(counting), answer.covers | bare, (*answer.doubts, *doubts))
    trusted = tuple(
        probe.tables for probe in settings.probes if isinstance(probe, SmbProbe) and probe.tables
    )
    return Overview(answer, tuple(folder.label for folder in folders), tuple(ignored), trusted)


def look_into(
    folders: Sequence[Folder], installation: Installation
) -> tuple[list[Place], list[Doubt]]:
    """Return what there is to be open in each folder, and a doubt for each that cannot be read."""
    everything = {folder.path for folder in installation.folders}
    everything |= left_by_restores(everything)
    boundaries = find_boundaries({folder.path for folder in folders}, everything)
    places, doubts = [], []
    for folder in folders:
        inside = [os.fsencode(path) for path in boundaries[folder.path]]
        try:
            places.append(make_place(folder, scan_folder(folder.path, inside)))
        except FolderUnreadable as error:
            doubts.append(Doubt("avplugin", folder.label, str(error)))
    return places, doubts


def _wanted(installation: Installation, code: str | None) -> tuple[list[Folder], list[BadFolder]]:
    if code is None:
        return list(installation.folders), list(installation.bad)
    good = [folder for folder in installation.folders if _is_of(folder, code)]
    bad = [folder for folder in installation.bad if _is_of(folder, code)]
    if not good and not bad:
        raise UsageError(f"there is no administration {code}; see 'avplugin administrations'.")
    return good, bad


def _is_of(folder: Folder | BadFolder, code: str) -> bool:
    return folder.kind.is_of_administration and code_key(folder.code) == code_key(code)


def _only(answer: Answer, folders: Sequence[Folder], installation: Installation) -> Answer:
    """Return what concerns these folders."""
    sessions: Where[Session] = Where(installation.folders)
    doubts: Where[Doubt] = Where(installation.folders)
    for session in answer.sessions:
        sessions.add(session.folder, session)
    for doubt in answer.doubts:
        doubts.add(doubt.folder, doubt)
    return Answer(
        tuple(dict.fromkeys(one for folder in folders for one in sessions.concerning(folder))),
        answer.covers & {folder.label for folder in folders},
        tuple(dict.fromkeys(one for folder in folders for one in doubts.concerning(folder))),
    )
