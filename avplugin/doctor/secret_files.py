"""Whether files with passwords and passphrases are closed to others."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from avplugin.borgmatic.configuration import BorgmaticConfiguration
from avplugin.configuration.model import Configuration
from avplugin.configuration.sessions import SmbProbe
from avplugin.doctor.finding import Finding, error, fine, warning


def check(
    configuration: Configuration, configurations: Iterable[BorgmaticConfiguration]
) -> Iterator[Finding]:
    """Look at the modes of the files that hold secrets."""
    files: dict[Path, str] = {}
    for probe in configuration.sessions.probes:
        if isinstance(probe, SmbProbe) and probe.password_file is not None:
            files[probe.password_file] = f"the password of {probe.username}"
    for login in configuration.mail.logins if configuration.mail is not None else ():
        if login.password_file is not None:
            files[login.password_file] = f"the mail password of {login.username}"
    if configuration.packages.password_file is not None:
        files[configuration.packages.password_file] = "the password of packages"
    for borgmatic in configurations:
        passphrase = str(borgmatic.settings.get("encryption_passphrase") or "")
        if passphrase and not passphrase.startswith("{credential "):
            files[borgmatic.file] = "the passphrase"
        for file in _read_by(str(borgmatic.settings.get("encryption_passcommand") or "")):
            files[file] = "the passphrase"
    findings = [finding for file, what in files.items() for finding in _closed(file, what)]
    yield from findings
    if files and not findings:
        yield fine("files with passwords and passphrases are closed to others")


def _read_by(command: str) -> list[Path]:
    """Return the files that a command such as `cat FILE` reads."""
    try:
        words = shlex.split(command)
    except ValueError:
        return []
    return [Path(word) for word in words[1:] if word.startswith("/")]


def _closed(file: Path, what: str) -> Iterator[Finding]:
    try:
        status = os.stat(file)  # noqa: PTH116
    except OSError as failure:
        yield error(f"{file}, with {what}, cannot be read: {failure.strerror}", "Mend its path.")
        return
    if stat.S_ISREG(status.st_mode) and status.st_mode & (stat.S_IROTH | stat.S_IRGRP):
        others = "everybody" if status.st_mode & stat.S_IROTH else "its group"
        yield warning(f"{file} holds {what}, and {others} can read it", f"chmod 600 {file}")
