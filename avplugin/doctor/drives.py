"""Whether drives lead somewhere, and shares that are mounted will be after a restart."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from avplugin.doctor.finding import Finding, error, fine, warning
from avplugin.installation.model import Installation
from avplugin.restore.mounts import mount_of

FSTAB = Path("/etc/fstab")

_ESCAPED = re.compile(r"\\([0-7]{3})")
_REMOTE = frozenset(
    {
        "cifs",
        "smb3",
        "smbfs",
        "nfs",
        "nfs4",
        "fuse.sshfs",
        "fuse.gvfsd-fuse",
        "davfs",
        "9p",
        "drvfs",
    }
)  # 9p is what WSL calls the drives of Windows
_BY_WINDOWS = frozenset({"9p", "drvfs"})


class _Line(NamedTuple):
    """A line of fstab."""

    point: Path
    kind: str


def check(
    drives: Mapping[str, str], installation: Installation, fstab: Path = FSTAB
) -> Iterator[Finding]:
    """Look at `drives` of the configuration, and at the mounts that its folders lie on."""
    for windows_path, folder in drives.items():
        try:
            with os.scandir(folder) as entries:
                is_empty = next(entries, None) is None
        except OSError as failure:
            yield error(
                f"{windows_path} is {folder}, which cannot be read: {failure.strerror}",
                "Mount it, or mend 'drives' in accountview.yaml.",
            )
            continue
        if is_empty:
            yield error(
                f"{windows_path} is {folder}, which is empty",
                "Is the share mounted? 'mount' lists what is.",
            )
        else:
            yield fine(f"{windows_path} is {folder}")
    yield from _mounts(drives, installation, list(_lines(fstab)))


def _mounts(
    drives: Mapping[str, str], installation: Installation, lines: list[_Line]
) -> Iterator[Finding]:
    places = {os.path.realpath(folder) for folder in drives.values()}
    places |= {os.path.dirname(folder.path) for folder in installation.folders}  # noqa: PTH120
    told = set()
    for place in sorted(places):
        mount = mount_of(Path(place))
        if mount is None or mount.kind not in _REMOTE or mount.point in told:
            continue
        told.add(mount.point)
        if any(line.point == mount.point for line in lines):
            yield fine(f"{mount.point} is mounted ({mount.kind}) and stands in fstab")
        elif mount.kind in _BY_WINDOWS:
            yield fine(f"{mount.point} is a drive of Windows, mounted by WSL")
        else:
            yield warning(
                f"{mount.point} is mounted ({mount.kind}), but does not stand in fstab: it is gone"
                " after a restart",
                "Write it in /etc/fstab, with _netdev, unless something else mounts it.",
            )
    for line in lines:
        mount = mount_of(Path(os.path.realpath(line.point)))
        is_wanted = any(Path(place).is_relative_to(line.point) for place in places)
        is_there = mount is not None and mount.point == Path(os.path.realpath(line.point))
        if is_wanted and not is_there and line.point != Path("/"):
            yield error(
                f"{line.point} stands in fstab ({line.kind}), but is not mounted",
                f"mount {line.point}",
            )


def _lines(fstab: Path) -> Iterator[_Line]:
    """Yield the lines of fstab that mount something. Source: fstab(5)."""
    try:
        text = fstab.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return
    for written in text.splitlines():
        fields = written.split()
        if len(fields) >= 3 and not fields[0].startswith("#") and fields[1].startswith("/"):
            point = _ESCAPED.sub(lambda match: chr(int(match[1], 8)), fields[1])
            yield _Line(Path(point), fields[2])
