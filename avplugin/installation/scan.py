"""What lies in a folder at this moment: its list, its sizes and its fingerprints."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import os
import stat
from collections.abc import Collection, Iterable
from typing import NamedTuple

from avplugin.errors import AvpluginError

TABLE_SUFFIXES = (b".dbf", b".dbc")  # of four bytes each

# The letters Borg uses in its own lists, by type as in stat(2). A socket has none: Borg never
# archives one.
TYPES = {
    stat.S_IFREG: "-",
    stat.S_IFDIR: "d",
    stat.S_IFLNK: "l",
    stat.S_IFIFO: "p",
    stat.S_IFCHR: "c",
    stat.S_IFBLK: "b",
}


class FolderUnreadable(AvpluginError):  # noqa: N818 - named for what is wrong, as BadFolder is
    """A folder, or something in it, cannot be read."""


class Entry(NamedTuple):
    """One file, link or folder inside a scanned folder.

    `path` is relative to the folder, in bytes as the system has it, empty for the folder itself.
    `type` is Borg's letter. Sizes are bytes, times nanoseconds since 1970. `links` is how many
    names the file has.
    """

    path: bytes
    type: str
    size: int
    modified: int
    changed: int
    inode: int
    links: int


@dataclasses.dataclass(frozen=True)
class Contents:
    """What a scan of one folder found, sorted by path."""

    entries: tuple[Entry, ...]

    @functools.cached_property
    def files(self) -> int:
        """How many files there are."""
        return sum(entry.type == "-" for entry in self.entries)

    @functools.cached_property
    def size(self) -> int:
        """Bytes in all files together."""
        return sum(entry.size for entry in self.entries if entry.type == "-")

    @property
    def tables(self) -> int:
        """How many FoxPro tables and database containers there are."""
        return sum(
            entry.type == "-" and entry.path[-4:].lower() in TABLE_SUFFIXES
            for entry in self.entries
        )

    @property
    def fingerprint(self) -> str:
        """A digest over every file's path, size and modification time.

        Survives a backup and a restore. Of folders only the path counts: their time changes with
        every temporary file.
        """
        return _digest(
            b"%s\0%s\0%d\0%d\n"
            % (
                entry.path,
                entry.type.encode(),
                entry.size,
                0 if entry.type == "d" else entry.modified,
            )
            for entry in self.entries
        )

    @property
    def list_digest(self) -> str:
        """A digest over the type, path and size of everything in the folder."""
        return _digest(
            b"%s\0%s\0%d\n" % (entry.path, entry.type.encode(), entry.size)
            for entry in self.entries
        )

    def difference(self, later: Contents) -> list[str]:
        """Return the paths that are not the same in a later scan of the folder, as text.

        While a backup runs a file's change time and inode count too: they give away a file that
        was written with its old time put back, and one that was replaced.
        """
        now = {entry.path: _identity(entry) for entry in later.entries}
        before = {entry.path: _identity(entry) for entry in self.entries}
        moved = {path for path, identity in before.items() if now.get(path) != identity}
        return [os.fsdecode(path) or "." for path in sorted(moved | (now.keys() - before.keys()))]


def scan_folder(path: str, boundaries: Collection[bytes] = ()) -> Contents:
    """Return what lies in the folder `path` (absolute), links not followed.

    `boundaries` are absolute paths of folders inside it that are folders of their own: they and
    all below them are left out. One system call for a folder, one for a file. Raise
    FolderUnreadable if anything in it cannot be listed, or, for a file, not be opened by this user.
    """
    check_access = os.geteuid() != 0
    root = os.fsencode(path)
    skip = frozenset(boundaries)
    entries: list[Entry] = []
    try:
        entries.append(_entry(b"", os.lstat(root)))
        if entries[0].type != "d":
            raise FolderUnreadable(f"is not a folder: {path}")
        pending = [root]
        start = len(root) + 1
        while pending:
            folder = pending.pop()
            with os.scandir(folder) as listing:
                for item in listing:
                    status = item.stat(follow_symlinks=False)
                    if stat.S_ISSOCK(status.st_mode) or (skip and item.path in skip):
                        continue
                    entry = _entry(item.path[start:], status)
                    entries.append(entry)
                    if entry.type == "d":
                        pending.append(item.path)
                    elif check_access and entry.type == "-" and not os.access(item.path, os.R_OK):
                        raise FolderUnreadable(f"cannot be read: {os.fsdecode(item.path)}")
    except OSError as error:
        where = os.fsdecode(error.filename or root)
        raise FolderUnreadable(f"cannot be read: {where}: {error.strerror}") from error
    entries.sort()
    return Contents(tuple(entries))


def _entry(path: bytes, status: os.stat_result) -> Entry:
    kind = TYPES[stat.S_IFMT(status.st_mode)]
    size = status.st_size if kind in "-l" else 0
    times = status.st_mtime_ns, status.st_ctime_ns
    return Entry(path, kind, size, *times, status.st_ino, status.st_nlink)


def _identity(entry: Entry) -> tuple[object, ...]:
    if entry.type == "d":
        return (entry.type,)
    return (entry.type, entry.size, entry.modified, entry.changed, entry.inode)


def _digest(parts: Iterable[bytes]) -> str:
    return hashlib.sha256(b"".join(parts)).hexdigest()
