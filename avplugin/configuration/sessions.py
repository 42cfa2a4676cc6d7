"""What accountview.yaml says about finding out who is in, checked."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path


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
    username: str  # or DOMAIN\\username, or username@domain
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
    programs: tuple[str, ...] = ("avwin.exe",)
    services: tuple[str, ...] = ("AccountView*Backoffice*",)  # display names
    com_link: tuple[str, ...] = ("-Embedding", "/automation")  # in a command line
    limit: float = 45.0
    name: str = "windows"


@dataclasses.dataclass(frozen=True, slots=True)
class CommandProbe:
    """Any program that prints the JSON of `avplugin sessions --json`."""

    command: tuple[str, ...]
    limit: float = 45.0
    name: str = "command"


Probe = SambaProbe | SmbProbe | WindowsProbe | CommandProbe
