"""What is mounted where on this machine, and how. Source: proc_pid_mountinfo(5)."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

_MOUNTS = Path("/proc/self/mountinfo")
_ESCAPED = re.compile(rb"\\([0-7]{3})")

# There a file's permissions come from its folder, as on Windows, and are not Linux's to set.
_SHARES = frozenset({"cifs", "smb3", "fuseblk"})
_WSL_DRIVE = (
    b"drvfs"  # in the options or the name of what WSL mounts, which calls it 9p or virtiofs
)
_WITHOUT = frozenset({"vfat", "exfat", "msdos"})


def mounts_at_or_below(folder: Path) -> list[Path]:
    """Return the mount points that are the folder (absolute) or lie in it, bind mounts included."""
    return sorted(mount.point for mount in _mounts() if mount.point.is_relative_to(folder))


def permissions_warning(folder: Path) -> str:
    """Return a sentence if permissions cannot be put back in this folder; empty if they can."""
    mount = mount_of(folder)
    if mount is None:
        return ""
    if mount.inherits:
        return f"permissions in {folder} come from the folder above, as Windows does it"
    if mount.kind in _WITHOUT:
        return f"{folder} is on a file system that keeps no permissions ({mount.kind})"
    return ""


def mount_of(path: Path) -> Mount | None:
    """Return the mount that the path (absolute, without links) lies on; None if none is known.

    A path that is not there lies on that of the folder in which it would be.
    """
    around = [mount for mount in _mounts() if path.is_relative_to(mount.point)]
    # Of several on one place the last one counts.
    return max(reversed(around), key=lambda one: len(one.point.parts), default=None)


class Mount(NamedTuple):
    """What is mounted at a point; `kind` is the type of the file system."""

    point: Path
    kind: str
    inherits: bool  # whether a file's permissions come from its folder


def _mounts() -> list[Mount]:
    """Return all mounts, in the order they were made."""
    found = []
    for line in _MOUNTS.read_bytes().splitlines():
        fields, _, rest = line.partition(b" - ")
        point = _ESCAPED.sub(lambda match: bytes([int(match[1], 8)]), fields.split(b" ")[4])
        kind = rest.split(b" ")[0].decode("ascii", "replace")
        inherits = kind in _SHARES or _WSL_DRIVE in rest
        found.append(Mount(Path(os.fsdecode(point)), kind, inherits))
    return found
