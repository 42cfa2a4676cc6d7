"""Nobody may be in a folder that is put back, not even reading."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from avplugin.borgmatic.process import this_process
from avplugin.configuration.model import Configuration
from avplugin.configuration.sessions import People
from avplugin.errors import AvpluginError, NotNow
from avplugin.installation.model import Folder, Installation
from avplugin.installation.scan import FolderUnreadable, scan_folder
from avplugin.sessions.blocking import describe, judge
from avplugin.sessions.find_out import find_out
from avplugin.sessions.guard import Guard
from avplugin.sessions.model import Place, SessionKind, make_place
from avplugin.state.manifest import NOT_CHECKED


@contextlib.contextmanager
def nobody_in(
    configuration: Configuration | None, folders: Sequence[Folder], *, even_if_lost: bool = False
) -> Iterator[Callable[[], None]]:
    """Refuse to go on while anybody is in the folders; meanwhile services are stopped.

    Yield what looks once more: somebody can come in while a folder is extracted. Of those to be
    ignored only readers are: who writes would write on into the old folder. Where nobody looks who
    is in, as with assume_nobody, and for folders outside the installation, nothing is refused; nor
    where the list of administrations is lost, unless `even_if_lost`.
    Raise NotNow if somebody is in, AvpluginError if it could not be found out.
    """
    if configuration is None:
        yield lambda: None
        return
    if even_if_lost:
        configuration.locate()  # or raise
    sessions = configuration.sessions
    is_asking = bool(sessions.probes or sessions.quiesce)
    concerned = _in_installation(configuration, folders) if is_asking else []

    def look() -> None:
        if sessions.probes and concerned:
            _refuse_sessions(configuration, concerned)

    with contextlib.ExitStack() as stack:
        if sessions.quiesce and concerned:
            folder = configuration.state / "restore"
            guard = stack.enter_context(Guard(configuration, folder, this_process()))
            guard.stop_services()
        look()
        yield look


def tell_who_is_in(configuration: Configuration | None, folders: Sequence[Folder]) -> list[str]:
    """Return lines about who is in the folders, or why that is not known; none if nobody is.

    A folder outside the installation has nobody in it.
    """
    if configuration is None or not configuration.sessions.probes:
        return [NOT_CHECKED]
    concerned = _in_installation(configuration, folders)
    try:
        if concerned:
            _refuse_sessions(configuration, concerned)
    except AvpluginError as error:
        return str(error).splitlines()[1:]
    return []


def _in_installation(configuration: Configuration, folders: Sequence[Folder]) -> list[Folder]:
    """Return the folders that are, or lie in, folders of the installation, missing ones too.

    Each goes by the name that it has there. None where the list of administrations is lost: then a
    restore is what is needed most.
    """
    try:
        installation = configuration.locate()
    except AvpluginError:
        return []
    own = {folder.path: folder for folder in installation.folders}
    known = own.keys() | {bad.path for bad in installation.bad if bad.path}
    found = []
    for folder in folders:
        path = Path(os.path.realpath(folder.path))
        if any(str(one) in known for one in (path, *path.parents)):
            found.append(own.get(str(path), folder))
    return found


def _refuse_sessions(configuration: Configuration, concerned: Sequence[Folder]) -> None:
    installation = configuration.locate()
    places = [_as_place(folder, installation) for folder in concerned]
    folders = [*installation.folders, *concerned]  # a missing folder is none of the installation's
    answer = find_out(configuration.sessions, places, folders, configuration.drives, exclusive=True)
    ignore = configuration.sessions.ignore
    counting = [
        session
        for session in answer.sessions
        if session.writing or not ignore.include(session.user, session.machine)
    ]
    verdict = judge(
        dataclasses.replace(answer, sessions=tuple(counting)),
        places,
        folders,
        kinds=frozenset(SessionKind),
        ignore=People(),
        readers=True,
    )
    if verdict.busy:
        lines = [f"{label}: {describe(found)}" for label, found in verdict.busy.items()]
        raise NotNow("\n".join(["nothing is put back while somebody is in.", *lines]))
    if verdict.unknown:
        lines = list(dict.fromkeys(verdict.unknown.values()))
        raise AvpluginError(
            "\n".join(["nothing is put back while it is not known who is in:", *lines])
        )


def _as_place(folder: Folder, installation: Installation) -> Place:
    """Return the place for a folder, without those that lie inside it and are others."""
    inside = [os.fsencode(other.path) for other in installation.folders if other != folder]
    try:
        return make_place(folder, scan_folder(folder.path, inside))
    except FolderUnreadable:  # missing, or damaged, which is a reason to restore it
        return Place(folder, ())
