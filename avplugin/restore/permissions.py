"""Owners and permissions for what came without any: those of the folder that it takes the place of.

A table that the users of a share may not write to is no better than one that is lost.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

# Access lists of Linux, and where Samba keeps those of Windows (vfs_acl_xattr).
_LISTS = ("system.posix_acl_access", "system.posix_acl_default", "security.NTACL")


class _Access(NamedTuple):
    """Who may do what with a file or a folder."""

    owner: int
    group: int
    mode: int
    lists: tuple[tuple[str, bytes], ...]


def take_over_permissions(old: Path, new: Path) -> list[str]:
    """Give all in `new` the access that its like in the folder `old` has; return warnings.

    What has no like there gets that of another file beside it, or of the folder around it. Where
    there is no old folder, all stays as the system made it. Links in `old` are not followed; in
    `new` there are none.
    """
    if not old.is_dir() or old.is_symlink():
        return [f"{old}: a package holds no owners and permissions; see who may open the folder"]
    refused: list[Path] = []
    around: dict[Path, _Access] = {}
    for name_of_folder, folders, files in os.walk(new):
        here = Path(name_of_folder)
        there = old / here.relative_to(new)
        access = _access_of(there, stat.S_IFDIR) or around[here.parent]
        around[here] = access
        example = _example(there) or access._replace(mode=access.mode & 0o666, lists=())
        for name in sorted(files):
            _set(here / name, _access_of(there / name, stat.S_IFREG) or example, refused)
        folders.sort()
    for folder in reversed(around):  # the innermost first: this user may need what is taken away
        _set(folder, around[folder], refused)
    return _told(refused)


def _access_of(path: Path, kind: int) -> _Access | None:
    """Return the access to a file or folder; None if there is none of this kind."""
    try:
        status = path.lstat()
    except OSError:
        return None
    if stat.S_IFMT(status.st_mode) != kind:
        return None
    lists = []
    for name in _LISTS:
        with contextlib.suppress(OSError):
            lists.append((name, os.getxattr(path, name, follow_symlinks=False)))
    return _Access(status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode), tuple(lists))


def _example(folder: Path) -> _Access | None:
    """Return the access to the first file in a folder."""
    try:
        paths = sorted(folder.iterdir())
    except OSError:
        return None
    return next((found for path in paths if (found := _access_of(path, stat.S_IFREG))), None)


def _set(path: Path, access: _Access, refused: list[Path]) -> None:
    modified = path.lstat().st_mtime_ns
    try:
        if os.geteuid() == 0:
            os.chown(path, access.owner, access.group, follow_symlinks=False)
        path.chmod(access.mode)
        for name, value in access.lists:
            os.setxattr(path, name, value, follow_symlinks=False)
    except OSError:
        refused.append(path)
    os.utime(path, ns=(modified, modified))


def _told(refused: Sequence[Path]) -> list[str]:
    warnings = []
    if refused:
        warnings.append(
            f"permissions could not be set as they were on {len(refused)} files and folders, such"
            f" as {refused[0].name}"
        )
    if os.geteuid() != 0:
        warnings.append(
            "owners could not be set, since this is not root: all files belong to this user"
        )
    return warnings
