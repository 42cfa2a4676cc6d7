"""What lies in a folder at this moment: its list, its sizes and its fingerprints."""

from __future__ import annotations

import functools
import hashlib
import os
import stat
from collections.abc import Collection, Iterable, Iterator
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


class Contents:
    """What a scan of one folder found, sorted by path.

    It holds the entries as they are or, to be kept or sent, as bytes: a fifth of the memory.
    """

    def __init__(self, entries: tuple[Entry, ...]) -> None:
        """Take the entries, sorted."""
        self._entries: tuple[Entry, ...] | None = entries
        self._packed = b""

    @classmethod
    def unpacked(cls, packed: bytes) -> Contents:
        """Return what `packed` was made of. Reading it raises ValueError if it is damaged."""
        contents = cls(())
        contents._entries, contents._packed = None, packed
        return contents

    def __eq__(self, other: object) -> bool:
        """Return whether the other has the same entries."""
        return self.packed == other.packed if isinstance(other, Contents) else NotImplemented

    def __hash__(self) -> int:
        """Return the same number for the same entries."""
        return hash(self.packed)

    def compact(self) -> Contents:
        """Return the same as bytes, with its numbers and its fingerprint known."""
        contents = Contents.unpacked(self.packed)
        contents.files, contents.size, contents.tables = self.files, self.size, self.tables
        contents.fingerprint = self.fingerprint
        return contents

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All that lies in the folder, and the folder itself."""
        return tuple(_unpack(self._packed)) if self._entries is None else self._entries

    @property
    def packed(self) -> bytes:
        """The entries as bytes: numbers and a path, ended by NUL, each.

        Those of two scans are the same if nothing at all is different.
        """
        if self._entries is not None and not self._packed:
            self._packed = _pack(self._entries)
        return self._packed

    @functools.cached_property
    def files(self) -> int:
        """How many files there are."""
        return sum(entry.type == "-" for entry in self.entries)

    @functools.cached_property
    def size(self) -> int:
        """Bytes in all files together."""
        return sum(entry.size for entry in self.entries if entry.type == "-")

    @functools.cached_property
    def tables(self) -> int:
        """How many FoxPro tables and database containers there are."""
        return len(self.files_that_end_in(TABLE_SUFFIXES))

    @functools.cached_property
    def fingerprint(self) -> str:
        """A digest over every file's path, size and modification time.

        Survives a backup and a restore. Of folders only the path counts: their time changes with
        every temporary file.
        """
        return _digest(
            b"%s\0%s\0%d\0%d\n" % (path, kind.encode(), size, 0 if kind == "d" else modified)
            for path, kind, size, modified, _, _, _ in self.entries
        )

    @property
    def list_digest(self) -> str:
        """A digest over the type, path and size of everything in the folder."""
        return _digest(
            b"%s\0%s\0%d\n" % (entry.path, entry.type.encode(), entry.size)
            for entry in self.entries
        )

    def files_that_end_in(self, suffixes: tuple[bytes, ...]) -> tuple[bytes, ...]:
        """Return the paths of the files that end like that, in lower case as `suffixes` are."""
        return tuple(
            path
            for path, rest in _halves(self.packed)
            if path.lower().endswith(suffixes) and rest.startswith(b"'-'")
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


def _pack(entries: Iterable[Entry]) -> bytes:
    # A path, ended by NUL, and all the rest, ended by NUL; %a is the type in quotes.
    return b"".join([b"%b\0%a %d %d %d %d %d\0" % entry for entry in entries])


def _halves(packed: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the path and the rest of each entry."""
    fields = packed.split(b"\0")
    return zip(fields[:-1:2], fields[1::2], strict=True)


def _unpack(packed: bytes) -> Iterator[Entry]:
    for path, rest in _halves(packed):
        kind, size, modified, changed, inode, links = rest.split(b" ")
        letter = kind.decode("ascii").strip("'")
        yield Entry(path, letter, int(size), int(modified), int(changed), int(inode), int(links))
