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
from avplugin.installation.model import Folder
from avplugin.installation.scan import scan_folder
from avplugin.restore.put_back import Target
from avplugin.sessions.blocking import describe, judge
from avplugin.sessions.find_out import find_out
from avplugin.sessions.guard import Guard
from avplugin.sessions.model import Place, SessionKind, make_place
from avplugin.state.manifest import FolderManifest


@contextlib.contextmanager
def nobody_in(
    configuration: Configuration, targets: Sequence[Target]
) -> Iterator[Callable[[], None]]:
    """Refuse to go on while anybody is in the targets; meanwhile services are stopped.

    Yield what looks once more: somebody can come in while a folder is extracted. Of those to be
    ignored only readers are: who writes would write on into the old folder. Where nobody looks who
    is in, as with assume_nobody, and for targets outside the installation, nothing is refused.
    Raise NotNow if somebody is in, AvpluginError if it could not be found out.
    """
    concerned = _in_installation(configuration, targets)

    def look() -> None:
        if configuration.sessions.probes and concerned:
            _refuse_sessions(configuration, concerned)

    with contextlib.ExitStack() as stack:
        if configuration.sessions.quiesce and concerned:
            folder = configuration.state / "restore"
            guard = stack.enter_context(Guard(configuration, folder, this_process()))
            guard.stop_services()
        look()
        yield look


def _in_installation(configuration: Configuration, targets: Sequence[Target]) -> list[Target]:
    """Return the targets that are, or lie in, folders of the installation, missing ones too.

    None where the list of administrations is lost: then a restore is what is needed most.
    """
    try:
        installation = configuration.locate()
    except AvpluginError:
        return []
    known = {folder.path for folder in installation.folders}
    known |= {bad.path for bad in installation.bad if bad.path}
    found = []
    for target in targets:
        path = Path(os.path.realpath(target.path))
        if any(str(one) in known for one in (path, *path.parents)):
            found.append(target)
    return found


def _refuse_sessions(configuration: Configuration, targets: Sequence[Target]) -> None:
    places = [_as_place(part, target) for target in targets for part in target.folders]
    folders = [
        *configuration.locate().folders,
        *(place.folder for place in places),  # a missing folder is no folder of the installation
    ]
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
        raise AvpluginError("\n".join(["nothing is put back while that is not known:", *lines]))


def _as_place(part: FolderManifest, target: Target) -> Place:
    inside = part.path.removeprefix(target.folder.path)
    path = f"{target.path}{inside}"
    folder = Folder(part.kind, part.code, part.name, path, part.windows_path)
    if not Path(path).is_dir():
        return Place(folder, ())
    return make_place(folder, scan_folder(path))
