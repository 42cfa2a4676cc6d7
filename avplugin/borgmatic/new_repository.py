"""Make the repository that borgmatic's configuration of a set names."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from avplugin.borgmatic import borg
from avplugin.borgmatic.configuration import load_borgmatic_configuration
from avplugin.borgmatic.start import BorgmaticError, borgmatic_environment, find_borgmatic


def create_repositories(file: Path, configuration: Path, encryption: str) -> None:
    """Have borgmatic make each repository of its configuration `file` that is not there yet.

    `encryption` is one of Borg's modes. Afterwards each of them is read, so that one that was there
    with another passphrase is noticed. Raise BorgmaticError or BorgError if that fails.
    """
    words = ["repo-create", "--encryption", encryption, "--make-parent-dirs"]
    try:
        done = subprocess.run(
            [find_borgmatic(), "--config", str(file), "--no-color", *words],
            env=borgmatic_environment(configuration),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise BorgmaticError(f"cannot start borgmatic: {error.strerror}.") from error
    if done.returncode:
        raise BorgmaticError(f"the repository could not be made: {_reason(done.stderr)}")
    for repository in load_borgmatic_configuration(file).repositories:
        borg.list_archives(repository)


def _reason(said: str) -> str:
    """Return what is wrong, out of all that borgmatic says around it."""
    lines = [line.strip() for line in said.partition("\nsummary:")[0].splitlines()]
    telling = [
        re.sub(r"^Remote: ", "", line)
        for line in lines
        if line and not re.search("[Ee]rror running|An error occurred|returned non-zero", line)
    ]
    return " ".join(telling) or next(filter(None, lines), "borgmatic does not say why.")
