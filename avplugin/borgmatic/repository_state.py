"""Whether a repository on this machine is still as it was, without starting Borg."""

from __future__ import annotations

import os
from pathlib import Path

from avplugin.borgmatic.configuration import Repository


def repository_state(repository: Repository) -> str:
    """Return what is another text after whatever Borg writes into the repository.

    Empty where that cannot be known, as of a repository on another machine. Source: Borg's
    documentation, Internals, Repository. Each transaction ends in a segment with a higher number
    than all before, and leaves an index of that number; one that is cut off leaves the segment
    only, and is completed by the next Borg. So the newest of both say it all. Their change times
    tell a copy that was put in the repository's place.
    """
    folder = Path(repository.path)
    if not folder.is_absolute():
        return ""
    try:
        index = max(_numbered(folder, "index."))
        part = max(_numbered(folder / "data"))
        segment = max(_numbered(folder / "data" / str(part)))
        files = (
            folder / "config",
            folder / f"index.{index}",
            folder / "data" / str(part) / str(segment),
        )
        return " ".join(map(_identity, files))
    except (OSError, ValueError):  # none has been made yet, or it is none, or just being written
        return ""


def _numbered(folder: Path, prefix: str = "") -> list[int]:
    with os.scandir(folder) as entries:
        names = [entry.name[len(prefix) :] for entry in entries if entry.name.startswith(prefix)]
    return [int(name) for name in names if name.isdecimal()]


def _identity(file: Path) -> str:
    status = file.stat()
    return f"{file.name}:{status.st_size}:{status.st_ino}:{status.st_mtime_ns}:{status.st_ctime_ns}"
