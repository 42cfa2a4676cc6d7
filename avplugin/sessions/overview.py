"""Who is in the whole installation, or in one administration, at this moment."""

from __future__ import annotations

import dataclasses
import os

from avplugin.configuration.model import Configuration
from avplugin.configuration.sessions import SmbProbe
from avplugin.errors import AvpluginError, UsageError
from avplugin.installation.boundaries import find_boundaries
from avplugin.installation.model import Folder, Installation, Kind, code_key
from avplugin.installation.scan import FolderUnreadable, scan_folder
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
    folders = _wanted(installation, code)
    places, doubts = _look_into(folders, installation)
    answer = find_out(settings, places, installation.folders, configuration.drives)
    labels = tuple(folder.label for folder in folders)
    if code is not None:
        answer = _only(answer, labels)
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
    return Overview(answer, labels, tuple(ignored), trusted)


def _wanted(installation: Installation, code: str | None) -> list[Folder]:
    if code is None:
        return list(installation.folders)
    found = [
        folder
        for folder in installation.folders
        if folder.kind in {Kind.ADMINISTRATION, Kind.COPY_DOCUMENTS}
        and code_key(folder.code) == code_key(code)
    ]
    if not found:
        raise UsageError(f"there is no administration {code}; see 'avplugin administrations'.")
    return found


def _look_into(
    folders: list[Folder], installation: Installation
) -> tuple[list[Place], list[Doubt]]:
    everything = {folder.path for folder in installation.folders}
    boundaries = find_boundaries({folder.path for folder in folders}, everything)
    places, doubts = [], []
    for folder in folders:
        inside = [os.fsencode(path) for path in boundaries[folder.path]]
        try:
            places.append(make_place(folder, scan_folder(folder.path, inside)))
        except FolderUnreadable as error:
            doubts.append(Doubt("avplugin", folder.label, str(error)))
    return places, doubts


def _only(answer: Answer, labels: tuple[str, ...]) -> Answer:
    """Return what concerns these folders, and what is known of no folder in particular."""
    return Answer(
        tuple(one for one in answer.sessions if one.folder in {"", *labels}),
        answer.covers & set(labels),
        tuple(doubt for doubt in answer.doubts if doubt.folder in {"", *labels}),
    )
