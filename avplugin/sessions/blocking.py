"""Which folders may not be copied or replaced now, and because of whom."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from avplugin.configuration.sessions import People
from avplugin.installation.model import Folder, Kind, code_key
from avplugin.sessions.model import Answer, Place, Session

_OF_ADMINISTRATION = {Kind.ADMINISTRATION, Kind.COPY_DOCUMENTS}

# Ways that look at a file system where a write is seen at once. NTFS shows final sizes and times
# only when the last handle closes (DOMAIN, SMB as measured).
_WRITES_SHOW_AT_ONCE = {"samba"}


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer means for some folders, by their labels.

    `busy` has who is in the way, `unknown` why it could not be found out. `unseen` are sessions
    that block nothing, but whose writes could not be seen before they end.
    """

    busy: Mapping[str, tuple[Session, ...]]
    unknown: Mapping[str, str]
    unseen: tuple[Session, ...] = ()

    @property
    def is_free(self) -> bool:
        """Whether all folders are."""
        return not self.busy and not self.unknown

    @property
    def sessions(self) -> tuple[Session, ...]:
        """Everybody who is in the way of any folder, each once."""
        return tuple(dict.fromkeys(one for found in self.busy.values() for one in found))


def judge(
    answer: Answer,
    places: Sequence[Place],
    folders: Sequence[Folder],
    *,
    kinds: frozenset[str],
    ignore: People,
    readers: bool = False,
) -> Verdict:
    """Return which of the places are blocked.

    A session known to be in one folder blocks that folder; one in an administration also its copy
    documents, and the program, system and extra folders. One of which the folder is not known
    blocks everything. Sessions of other `kinds`, and those to `ignore`, block nothing. Readers
    count with `readers`. A folder in which there is anything to have open has to be covered by
    some way without doubt.
    """
    counting = [session for session in answer.sessions if session.writing or readers]
    blocking = [
        session
        for session in counting
        if session.kind.value in kinds and not ignore.include(session.user, session.machine)
    ]
    paths = {folder.label: folder.path for folder in folders}
    busy: dict[str, tuple[Session, ...]] = {}
    unknown: dict[str, str] = {}
    for place in places:
        found = tuple(one for one in blocking if _blocks(one, place.folder, paths))
        if found:
            busy[place.folder.label] = found
        elif why := _why_unknown(answer, place):
            unknown[place.folder.label] = why
    unseen = tuple(
        session
        for session in counting
        if session not in blocking and session.table and session.way not in _WRITES_SHOW_AT_ONCE
        if any(_blocks(session, place.folder, paths) for place in places)
    )
    return Verdict(busy, unknown, unseen)


def describe(sessions: Iterable[Session], most: int = 3) -> str:
    """Return who is in the way in one line; the same person is named once per table."""
    said = list(dict.fromkeys(str(session) for session in sessions))
    more = f" and {len(said) - most} more" if len(said) > most else ""
    return "; ".join(said[:most]) + more


def _blocks(session: Session, folder: Folder, paths: Mapping[str, str]) -> bool:
    if session.folder not in paths:  # it is not known where, or not to this configuration
        return True
    if paths[session.folder] == folder.path:  # two administrations can share one folder
        return True
    if not session.administration:
        return False
    if folder.kind in _OF_ADMINISTRATION:
        return code_key(folder.code) == code_key(session.administration)
    return True


def _why_unknown(answer: Answer, place: Place) -> str:
    for doubt in answer.doubts:
        if doubt.folder in {"", place.folder.label}:
            return str(doubt)
    if place.files and place.folder.label not in answer.covers:
        return f"no way of finding out who is in looks at {place.folder.path}"
    return ""
