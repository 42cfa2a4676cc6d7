"""What is started and when, and what a scheduler is told of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

# Stands in every file that avplugin writes for a scheduler; without it, a file is somebody else's.
MARK = "Written by avplugin schedule install"


class Daily(NamedTuple):
    """Once a day, at a time of the clock on the wall."""

    hour: int
    minute: int

    def __str__(self) -> str:
        """Return the time, such as 02:00."""
        return f"{self.hour:02}:{self.minute:02}"


class Every(NamedTuple):
    """Day and night, so many minutes after each other: a divisor of an hour, or of a day."""

    minutes: int

    def __str__(self) -> str:
        """Return the interval, such as 10 minutes."""
        hours, minutes = divmod(self.minutes, 60)
        number, noun = (hours, "hour") if minutes == 0 else (self.minutes, "minute")
        return f"{number} {noun}{'s' if number != 1 else ''}"


@dataclasses.dataclass(frozen=True, slots=True)
class Start:
    """One thing to be started: `words` is the command, its first word an absolute path."""

    name: str  # create, prune or report; part of the names of files
    title: str
    words: tuple[str, ...]
    when: Daily | Every
    may_say_not_now: bool = False  # ends in 75, and prints why, as a rule


@dataclasses.dataclass(frozen=True, slots=True)
class WindowsAccount:
    """Who runs WSL on Windows, in which distribution, by which wsl.exe; a Windows path."""

    user: str
    distribution: str
    program: str
    has_password: bool  # Windows keeps it, and the task may use the network


@dataclasses.dataclass(frozen=True, slots=True)
class Schedule:
    """All starts, and what they have in common."""

    starts: tuple[Start, ...]
    path: str  # folders of commands, divided by colons
    environment: Mapping[str, str]
    writable: tuple[str, ...]  # folders outside /var, /run and root's home that a night writes to
    mail_to: str | None = None
    windows: WindowsAccount | None = None


class Document(NamedTuple):
    """A file for a scheduler; `place` is its path, or the name of the task that it describes."""

    place: str
    text: str
    file_name: str
    encoding: str = "utf-8"
    line_end: str = "\n"

    @property
    def data(self) -> bytes:
        """Return what stands in the file."""
        return self.text.replace("\n", self.line_end).encode(self.encoding)


class Step(NamedTuple):
    """What was done about one document: written, already so, removed or not there."""

    place: str
    done: str


class Outcome(NamedTuple):
    """What installing or removing has come to; `advice` is what is left for a person to do."""

    steps: tuple[Step, ...]
    advice: tuple[str, ...] = ()


class Present(NamedTuple):
    """A schedule of avplugin's that is there; `fault` is why it may not start, or nothing."""

    scheduler: str
    places: tuple[str, ...]
    fault: str = ""


class Scheduler(Protocol):
    """What each module of a scheduler has. `root` is / or the top folder of another system."""

    NAME: str

    def documents(self, schedule: Schedule) -> tuple[Document, ...]:
        """Return what the scheduler is to be told; raise ScheduleError if it cannot be said."""

    def install(self, schedule: Schedule, root: Path) -> Outcome:
        """Tell it. Raise ScheduleError, and change nothing, if it is somebody else's place."""

    def remove(self, root: Path) -> Outcome:
        """Take away what install has told, and nothing else."""

    def find(self, root: Path) -> Present | None:
        """Return what install has told, if it has."""
