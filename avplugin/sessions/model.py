"""Sessions, what is asked about them, and what a way of finding out answers."""

from __future__ import annotations

import dataclasses
import enum
import os
from collections.abc import Iterable, Mapping

from avplugin.errors import AvpluginError
from avplugin.installation.model import Folder
from avplugin.installation.scan import TABLE_SUFFIXES, Contents
from avplugin.installation.windows_path import one_line

# Whoever has one of these open for writing is in. Source: DOMAIN's Visual FoxPro files.
SESSION_SUFFIXES = (b".dbf", b".fpt", b".cdx", b".dbc", b".dct", b".dcx")


class SessionKind(enum.StrEnum):
    """What is logged in; the values stand in `avplugin --json sessions`."""

    USER = "user"
    COM_LINK = "com_link"
    BACKOFFICE_SERVER = "backoffice_server"

    @property
    def words(self) -> str:
        """The kind as people read it."""
        return {"user": "user", "com_link": "COM link"}.get(self.value, "Backoffice Server")


@dataclasses.dataclass(frozen=True, slots=True)
class Session:
    """One file that somebody has open, or a program that is logged in, as one way saw it.

    `folder` is the label of the folder it is in, and empty where the way cannot know. `table` is
    the file's path inside that folder. `since` is ISO 8601, or empty. `writing` is false for
    somebody who only reads. `note` is anything a person should know besides.
    """

    kind: SessionKind
    user: str
    machine: str
    folder: str
    administration: str
    table: str
    since: str
    way: str
    writing: bool
    note: str = ""

    @property
    def person(self) -> str:
        """Who it is, without what is done."""
        user, machine = one_line(self.user), one_line(self.machine)
        who = user or ("somebody" if self.kind is SessionKind.USER else f"a {self.kind.words}")
        if user and self.kind is not SessionKind.USER:
            who = f"{user} ({self.kind.words})"
        return f"{who} on {machine}" if machine else who

    def __str__(self) -> str:
        table = one_line(self.table)
        if table:
            doing = f"has {table} open" if self.writing else f"reads {table}"
        else:
            doing = "is logged in" if self.writing else "has the folder open"
        note = f" ({self.note})" if self.note else ""
        return f"{self.person} {doing}{note}"


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """A folder about which to be sure, with the files in it that a session would have open.

    `files` are paths relative to the folder, in bytes as the system has them.
    """

    folder: Folder
    files: tuple[bytes, ...]

    @property
    def tables(self) -> tuple[bytes, ...]:
        """The tables and database containers among the files."""
        return tuple(path for path in self.files if path.lower().endswith(TABLE_SUFFIXES))


@dataclasses.dataclass(frozen=True, slots=True)
class Question:
    """What a way of finding out is asked.

    `places` are the folders about which to be sure. `folders` are all folders of the installation:
    what is seen elsewhere still gets its name. `exclusive` asks for readers too, as a restore does.
    `limit` is in seconds.
    """

    places: tuple[Place, ...]
    folders: tuple[Folder, ...]
    drives: Mapping[str, str]
    exclusive: bool
    limit: float


@dataclasses.dataclass(frozen=True, slots=True)
class Doubt:
    """A folder of which a way could not find out who is in; an empty label means all."""

    way: str
    folder: str
    why: str

    def __str__(self) -> str:
        return f"{self.way} could not find out who is in: {self.why}"


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """What one way, or all of them together, found out.

    `covers` are the labels of the folders for which no session means that nobody is in.
    """

    sessions: tuple[Session, ...]
    covers: frozenset[str]
    doubts: tuple[Doubt, ...] = ()


class CannotFindOut(AvpluginError):  # noqa: N818 - named for what it means
    """A way could not find out who is in. The message says what is wrong and what to do."""


class Labels:
    """Which folder of the installation a path lies in."""

    def __init__(self, folders: Iterable[Folder]) -> None:
        self._folders = {os.fsencode(folder.path): folder for folder in folders}

    def find(self, path: bytes) -> tuple[Folder, str] | None:
        """Return the innermost folder that holds the absolute path, and the path inside it.

        None if it lies in no folder of the installation.
        """
        end = len(path)
        while end > 0:
            folder = self._folders.get(path[:end])
            if folder is not None:
                return folder, os.fsdecode(path[end + 1 :])
            end = path.rfind(b"/", 0, end)
        return None


def make_place(folder: Folder, contents: Contents) -> Place:
    """Return the place for a folder that was scanned."""
    return Place(folder, contents.files_that_end_in(SESSION_SUFFIXES))


def is_session_file(path: bytes) -> bool:
    """Return whether somebody who has the file open for writing is in."""
    return path.lower().endswith(SESSION_SUFFIXES)


def session_in(
    found: tuple[Folder, str] | None,
    *,
    way: str,
    user: str,
    machine: str,
    since: str,
    writing: bool,
    kind: SessionKind = SessionKind.USER,
    note: str = "",
) -> Session:
    """Return the session of somebody who has a file open; `found` is what Labels says of it."""
    folder, table = found if found is not None else (None, "")
    return Session(
        kind=kind,
        user=user,
        machine=machine,
        folder=folder.label if folder else "",
        administration=folder.code if folder and folder.kind.is_of_administration else "",
        table=table,
        since=since,
        way=way,
        writing=writing,
        note=note,
    )
