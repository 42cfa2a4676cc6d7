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
    in_the_way = _Where(folders)
    not_counted = _Where(folders)
    for session in counting:
        is_ignored = ignore.include(session.user, session.machine)
        if session.kind.value in kinds and not is_ignored:
            in_the_way.add(session)
        elif session.table and session.way not in _WRITES_SHOW_AT_ONCE:
            not_counted.add(session)
    busy: dict[str, tuple[Session, ...]] = {}
    unknown: dict[str, str] = {}
    unseen: dict[Session, None] = {}
    for place in places:
        found = in_the_way.blocking(place.folder)
        if found:
            busy[place.folder.label] = found
        elif why := _why_unknown(answer, place):
            unknown[place.folder.label] = why
        unseen |= dict.fromkeys(not_counted.blocking(place.folder))
    return Verdict(busy, unknown, tuple(unseen))


def describe(sessions: Iterable[Session], most: int = 3) -> str:
    """Return who is in the way in one line; the same person is named once per table."""
    said = list(dict.fromkeys(str(session) for session in sessions))
    more = f" and {len(said) - most} more" if len(said) > most else ""
    return "; ".join(said[:most]) + more


class _Where:
    """Sessions by where they are: there can be 20,000 of them, and 2,000 folders."""

    def __init__(self, folders: Iterable[Folder]) -> None:
        self._paths = {folder.label: folder.path for folder in folders}
        self._anywhere: list[Session] = []
        self._in_administrations: list[Session] = []
        self._by_path: dict[str, list[Session]] = {}
        self._by_code: dict[str, list[Session]] = {}

    def add(self, session: Session) -> None:
        if session.folder not in self._paths:  # not known where, or not to this configuration
            self._anywhere.append(session)
            return
        # Two administrations can share one folder.
        self._by_path.setdefault(self._paths[session.folder], []).append(session)
        if session.administration:
            self._in_administrations.append(session)
            self._by_code.setdefault(code_key(session.administration), []).append(session)

    def blocking(self, folder: Folder) -> tuple[Session, ...]:
        """Return the sessions because of which the folder may not be touched."""
        if folder.kind in _OF_ADMINISTRATION:
            shared = self._by_code.get(code_key(folder.code), ())
        else:
            shared = self._in_administrations
        here = self._by_path.get(folder.path, ())
        return tuple(dict.fromkeys((*here, *shared, *self._anywhere)))


def _why_unknown(answer: Answer, place: Place) -> str:
    for doubt in answer.doubts:
        if doubt.folder in {"", place.folder.label}:
            return str(doubt)
    if place.files and place.folder.label not in answer.covers:
        return f"no way of finding out who is in looks at {place.folder.path}"
    return ""
