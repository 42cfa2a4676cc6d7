"""The real 7-Zip, as whoever gets a package has it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

PROGRAMS = ("7z", "7zz")  # Debian's package 7zip has the one or the other


def seven_zip(*words: str | Path, password: str = "") -> subprocess.CompletedProcess[str]:
    """Run 7-Zip; nothing is checked. Without a password it is an empty one, so that none is asked.

    A program beside the archive sees the words of a command: that is no harm in a test.
    """
    program = next(filter(None, map(shutil.which, PROGRAMS)))
    return subprocess.run(
        [program, words[0], f"-p{password}", "-y", *words[1:]],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def unpack(package: Path, into: Path, password: str = "") -> Path:
    """Unpack a package with 7-Zip, which must succeed, and return the folder."""
    done = seven_zip("x", f"-o{into}", package, password=password)
    assert done.returncode == 0, done.stdout + done.stderr
    return into
