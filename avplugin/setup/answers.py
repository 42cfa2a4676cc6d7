"""What has to be known of an installation before its first backup."""

from __future__ import annotations

import dataclasses
import os
import shlex
from collections.abc import Mapping
from pathlib import Path

from avplugin.configuration.load import default_state_folder

ENCRYPTIONS = ("repokey-blake2", "repokey", "keyfile-blake2", "keyfile")
ASSUME_NOBODY, SAMBA, WSL = "nobody", "samba", "wsl"


@dataclasses.dataclass(frozen=True, slots=True)
class RegisterColumns:
    """The export of the window Administraties, and which of its columns is which."""

    file: str
    code: str
    folder: str
    name: str | None = None
    copy_documents: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Answers:
    """Folders are as somebody says them: Windows paths, or paths on this machine."""

    name: str
    program: str
    system: str
    extra: tuple[str, ...]
    administrations: RegisterColumns | str  # or a pattern of folders
    drives: Mapping[str, str]
    repository: str  # a path or a URL
    label: str
    encryption: str  # of ENCRYPTIONS
    sessions: str  # ASSUME_NOBODY, SAMBA, WSL, or a file like those of configs/sessions


@dataclasses.dataclass(frozen=True, slots=True)
class Places:
    """Where the configuration goes."""

    configuration: Path  # accountview.yaml
    borgmatic: Path  # the folder of borgmatic's files
    state: Path

    @property
    def passphrase(self) -> Path:
        """The file with the passphrase."""
        return self.configuration.parent / "passphrase"

    @property
    def is_usual(self) -> bool:
        """Whether avplugin finds the configuration without being told where."""
        return self.configuration == Path("/etc/avplugin/accountview.yaml")

    @property
    def command(self) -> str:
        """What avplugin is called by with this configuration, as a shell takes it."""
        return (
            "avplugin"
            if self.is_usual
            else f"avplugin --config {shlex.quote(str(self.configuration))}"
        )


def usual_places(configuration: str | None) -> Places:
    """Return where the files go: below /etc for root, below their home for others.

    `configuration` is what --config or $AVPLUGIN_CONFIG says; the rest then lies beside it.
    """
    if configuration:
        file = Path(os.path.abspath(configuration))  # noqa: PTH100 - links stay
        return Places(file, file.parent / "borgmatic.d", file.parent / "state")
    if os.geteuid() == 0:
        etc = Path("/etc")
        file = etc / "avplugin" / "accountview.yaml"
        return Places(file, etc / "borgmatic.d", default_state_folder())
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    file = home / "avplugin" / "accountview.yaml"
    return Places(file, file.parent / "borgmatic.d", default_state_folder())
