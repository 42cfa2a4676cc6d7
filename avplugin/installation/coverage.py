"""Whether what a Windows path points at is backed up: which folders cover it, if any."""

from __future__ import annotations

import enum
import fnmatch
import re
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from avplugin.installation.windows_path import (
    Drives,
    MissingFolderError,
    NoDriveError,
    PathError,
    name_key,
    split_windows_path,
)

# An ending such as .bmp with a sentence going on behind it.
_ENDING = re.compile(r"\.[A-Za-z0-9]{1,5}(?=[\s,)\]'])")


class Reach(enum.StrEnum):
    """Whether a backup reaches what a path points at."""

    COVERED = "covered"
    OUTSIDE = "outside"
    NOTHING = "nothing there"
    NO_DRIVE = "no drive"
    UNCLEAR = "unclear"


class Judgement(NamedTuple):
    """What became of a path. `written` is the part of the text that is the path.

    `local` is the place on this machine, empty unless there is something; `why` says why it is
    not known where the path leads, else empty.
    """

    reach: Reach
    written: str
    local: str = ""
    why: str = ""


class Coverage:
    """The folders that are backed up (absolute paths, links resolved), and what need not be.

    `ignored` are Windows paths of files and folders, with * and ? for more than one; all below
    such a folder is meant too. Folders of this machine are listed once and remembered: an instance
    is for one look.
    """

    def __init__(self, drives: Drives, stored: Iterable[str], ignored: Sequence[str] = ()) -> None:
        self._drives = drives
        self._stored = frozenset(stored)
        self._around = frozenset(
            str(parent) for path in self._stored for parent in PurePosixPath(path).parents
        )
        self._ignored = [_key(pattern).replace("[", "[[]") for pattern in ignored]
        self._known: dict[str, Judgement] = {}

    def judge(self, text: str) -> Judgement:
        """Return where a Windows path leads. It may have the rest of a sentence behind it."""
        if text not in self._known:
            self._known[text] = self._judge(text)
        return self._known[text]

    def _judge(self, text: str) -> Judgement:
        attempts = [text, *dict.fromkeys(text[: match.end()] for match in _ENDING.finditer(text))]
        judgements = [self._judge_path(attempt) for attempt in attempts]
        there = [one for one in judgements if one.reach is not Reach.NOTHING]
        return there[0] if there else judgements[-1 if len(attempts) == 1 else 1]

    def _judge_path(self, written: str) -> Judgement:
        try:
            key = _key(written)
            if any(_is_meant(key, pattern) for pattern in self._ignored):
                return Judgement(Reach.COVERED, written)
            local = self._drives.resolve(written)
        except MissingFolderError:
            return Judgement(Reach.NOTHING, written)
        except NoDriveError as error:
            return Judgement(Reach.NO_DRIVE, written, why=str(error))
        except PathError as error:
            return Judgement(Reach.UNCLEAR, written, why=str(error))
        place = PurePosixPath(local)
        is_stored = any(str(part) in self._stored for part in (place, *place.parents))
        # The folder around configured ones is no file that would be missed.
        reach = Reach.COVERED if is_stored or local in self._around else Reach.OUTSIDE
        return Judgement(reach, written, local)


def _key(path: str) -> str:
    return "\\".join(name_key(component) for component in split_windows_path(path))


def _is_meant(key: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(key, pattern) or fnmatch.fnmatchcase(key, f"{pattern}\\*")
