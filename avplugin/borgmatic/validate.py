"""What borgmatic itself says of its configuration."""

from __future__ import annotations

import subprocess
from pathlib import Path

from avplugin.borgmatic.start import find_borgmatic

_LIMIT = 60.0  # seconds
_HEADINGS = ("summary:", "An error occurred while", "Configuration validation", "Need some help?")


def faults_of(file: Path) -> list[str]:
    """Return what `borgmatic config validate` has against the file: nothing, if it is right.

    Raise BorgmaticError if there is no borgmatic.
    """
    words = [find_borgmatic(), "--config", str(file), "--no-color", "config", "validate"]
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, errors="replace", check=False, timeout=_LIMIT
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return [f"borgmatic could not be asked: {error}"]
    if done.returncode == 0:
        return []
    lines = [line.strip() for line in done.stderr.splitlines()]
    said = [line for line in lines if line and not line.startswith(_HEADINGS)]
    faults = [line for line in said if line.startswith("At ")]
    return faults or said or [f"borgmatic ended in {done.returncode}"]
