"""Which folders may not be copied or replaced now, and because of whom."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Generic, TypeVar

from avplugin.configuration.sessions import People
from avplugin.installation.model import Folder, code_key
from avplugin.sessions.model import Answer, Doubt, Place, Session

_T = TypeVar("_T")


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

    Sessions and doubts block what they concern, as Where says. Sessions of other `kinds`, and those
    to `ignore`, block nothing. Readers count with `readers`. A folder in which there is anything to
    have open has to be covered by some way without doubt.
    """
    in_the_way: Where[Session] = Where(folders)
    not_counted: Where[Session] = Where(folders)
    doubts: Where[Doubt] = Where(folders)
    for session in answer.sessions:
        if not session.writing and not readers:
            continue
        is_ignored = ignore.include(session.user, session.machine)
        if session.kind.value in kinds and not is_ignored:
            in_the_way.add(session.folder, session)
        elif session.table and session.way not in _WRITES_SHOW_AT_ONCE:
            not_counted.add(session.folder, session)
    for doubt in answer.doubts:
        doubts.add(doubt.folder, doubt)
    busy: dict[str, tuple[Session, ...]] = {}
    unknown: dict[str, str] = {}
    unseen: dict[Session, None] = {}
    for place in places:
        folder = place.folder
        if found := in_the_way.concerning(folder):
            busy[folder.label] = found
        elif doubted := doubts.concerning(folder):
            unknown[folder.label] = str(doubted[0])
        elif place.files and folder.label not in answer.covers:
            unknown[folder.label] = f"no way of finding out who is in looks at {folder.path}"
        unseen |= dict.fromkeys(not_counted.concerning(folder))
    return Verdict(busy, unknown, tuple(unseen))


def describe(sessions: Iterable[Session], most: int = 3) -> str:
    """Return who is in the way in one line; the same person is named once per table."""
    said = list(dict.fromkeys(str(session) for session in sessions))
    more = f" and {len(said) - most} more" if len(said) > most else ""
    return "; ".join(said[:most]) + more


class Where(Generic[_T]):
    """What is known about folders by their labels, and which folders it concerns.

    What is in one folder concerns that folder; in an administration also its copy documents, and
    the program, system and extra folders. Where the label is empty, or none that is known here, it
    concerns all. There can be 20,000 sessions, and 2,000 folders.
    """

    def __init__(self, folders: Iterable[Folder]) -> None:
        self._paths: dict[str, str] = {}
        self._codes: dict[str, set[str]] = {}  # two administrations can share one folder
        for folder in folders:
            self._paths[folder.label] = folder.path
            if folder.kind.is_of_administration:
                self._codes.setdefault(folder.path, set()).add(code_key(folder.code))
        self._anywhere: list[_T] = []
        self._in_administrations: list[_T] = []
        self._by_path: dict[str, list[_T]] = {}
        self._by_code: dict[str, list[_T]] = {}

    def add(self, label: str, item: _T) -> None:
        """Add what is known about the folder with this label."""
        path = self._paths.get(label)
        if path is None:
            self._anywhere.append(item)
            return
        self._by_path.setdefault(path, []).append(item)
        for code in self._codes.get(path, ()):
            self._by_code.setdefault(code, []).append(item)
        if path in self._codes:
            self._in_administrations.append(item)

    def concerning(self, folder: Folder) -> tuple[_T, ...]:
        """Return what concerns a folder, each once."""
        if folder.kind.is_of_administration:
            shared = self._by_code.get(code_key(folder.code), [])
        else:
            shared = self._in_administrations
        here = self._by_path.get(folder.path, [])
        return tuple(dict.fromkeys((*here, *shared, *self._anywhere)))
