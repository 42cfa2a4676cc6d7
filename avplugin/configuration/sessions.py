"""What accountview.yaml says about finding out who is in, checked."""

from __future__ import annotations

import dataclasses
import enum
import fnmatch
from collections.abc import Mapping
from pathlib import Path

PROGRAMS = ("avwin.exe",)
SERVICES = ("AccountView*Backoffice*",)  # display names
COM_LINK = ("-Embedding", "/automation")  # in the command line of what COM starts


@dataclasses.dataclass(frozen=True, slots=True)
class SambaProbe:
    """The folders are on this machine, shared by Samba."""

    config: str  # smb.conf; empty: Samba's own default
    limit: float = 45.0  # seconds, as in all probes
    name: str = "samba"


@dataclasses.dataclass(frozen=True, slots=True)
class SmbProbe:
    """The folders are on another server, Windows or Samba, reached over SMB."""

    server: str
    share: str
    username: str  # or DOMAIN\username, or username@domain
    password_file: Path | None
    password_variable: str | None  # the name of an environment variable
    port: int = 445
    folder: str = ""  # where the share's root is on this machine; empty: as `drives` says
    tables: tuple[str, ...] = ()  # patterns of file names; empty: every table
    limit: float = 45.0
    name: str = "smb"


@dataclasses.dataclass(frozen=True, slots=True)
class WindowsProbe:
    """The folders are on a Windows machine that runs PowerShell for us."""

    via: str  # wsl, or ssh://USER@HOST
    folders: Mapping[str, str]  # folders of this machine and what they are called there
    programs: tuple[str, ...] = PROGRAMS
    services: tuple[str, ...] = SERVICES
    com_link: tuple[str, ...] = COM_LINK
    limit: float = 45.0
    name: str = "windows"


@dataclasses.dataclass(frozen=True, slots=True)
class CommandProbe:
    """Any program that prints the JSON of `avplugin --json sessions`."""

    command: tuple[str, ...]
    limit: float = 45.0
    name: str = "command"


Probe = SambaProbe | SmbProbe | WindowsProbe | CommandProbe


class OnBusy(enum.StrEnum):
    """What becomes of a backup while somebody is in."""

    LEAVE_OUT = "leave_out"
    POSTPONE = "postpone"
    FAIL = "fail"


@dataclasses.dataclass(frozen=True, slots=True)
class People:
    """Patterns of user names and of machines, in any letter case."""

    users: tuple[str, ...] = ()
    machines: tuple[str, ...] = ()

    def include(self, user: str, machine: str) -> bool:
        r"""Return whether the user, with or without its `DOMAIN\`, or the machine is meant."""
        bare = user.rpartition("\\")[2]
        return any(
            fnmatch.fnmatchcase(name.lower(), pattern.lower())
            for names, patterns in (((user, bare), self.users), ((machine,), self.machines))
            for name in names
            if name
            for pattern in patterns
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Sessions:
    """The whole of `sessions`. Without probes somebody else sees to it that nobody is in.

    Durations are seconds. Commands are lists of words; empty: none.
    """

    probes: tuple[Probe, ...]
    wait: float
    ignore: People
    known_as: Mapping[str, People]  # by kind: com_link, backoffice_server
    notify: tuple[str, ...]
    quiesce: tuple[str, ...]
    resume: tuple[str, ...]
    fence: bool
    fence_tables: tuple[str, ...]  # patterns of file names
    fence_limit: float

    @property
    def fence_probe(self) -> SmbProbe | None:
        """The way over which the fence is held."""
        return next((probe for probe in self.probes if isinstance(probe, SmbProbe)), None)
