"""Write a package: a ZIP with AES-256 that is there whole or not at all.

Deflate is most of the work. A file is cut into blocks that are deflated side by side, each with the
end of the one before it as its dictionary, so that together they are one stream as usual. Sources:
PKWARE, *APPNOTE.TXT*; WinZip, *AES Encryption Information* (AE-2); RFC 1951.
"""

from __future__ import annotations

import collections
import contextlib
import datetime
import errno
import fcntl
import functools
import hashlib
import os
import re
import secrets
import stat
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

from pyzipper.zipfile import ZIP_DEFLATED, ZIP_STORED, _ZipWriteFile
from pyzipper.zipfile_aes import WZ_AES, AESZipFile, AESZipInfo

from avplugin.errors import AvpluginError
from avplugin.package.manifest import PackedDirectory, PackedFile
from avplugin.state.files import sync_folder

LEVEL = 6  # zlib's own default
_DICTIONARY = 1 << 15  # bytes that deflate looks back
_AHEAD = 4  # blocks for each thread: what is read before it is written
_MOST_STEPS = 1000  # small files make many steps and few blocks
_BUFFER = 1 << 20
_UNFINISHED = re.compile(r"\.avplugin-export-[0-9a-f]{8}")
_IS_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EINVAL})
_EPOCH_1601 = 11_644_473_600 * 10_000_000  # of NTFS, in its units of 100 ns
_ARCHIVE, _DIRECTORY = 0x20, 0x10  # attributes of MS-DOS


class ExportError(AvpluginError):
    """There is no package; nothing is left of it."""


class AlreadyThere(ExportError):  # noqa: N818 - named for what is there
    """A file of the package's name."""


class _Member(_ZipWriteFile):
    """A file of the package that takes blocks which were deflated elsewhere."""

    def __init__(self, *words: Any) -> None:
        super().__init__(*words)
        self._compressor = None
        self._crc: int = 0

    def add(self, block: bytes, deflated: bytes) -> None:
        """Take a block, and what deflate made of it."""
        self._file_size += len(block)
        if self._encrypter is None:
            self._crc = zlib.crc32(block, self._crc)
        else:  # AE-2 has no checksum of what is in a file: its own is over what is stored
            deflated = self._encrypter.encrypt(deflated)
        self._compress_size += len(deflated)
        self._fileobj.write(deflated)


class _Info(AESZipInfo):
    """What a ZIP says of a member, its time as Windows has it included.

    The time of a ZIP itself is local, and even seconds. 7-Zip takes the other one. Source:
    APPNOTE.TXT 4.5.5, NTFS extra field.
    """

    __slots__ = ("modified",)
    modified: int  # nanoseconds since 1970

    def encode_extra(self, crc: int, compress_type: int) -> tuple[bytes, int, int]:
        moment = min(max(self.modified // 100 + _EPOCH_1601, 0), 2**63 - 1)
        times = struct.pack("<HHIHHQQQ", 0x000A, 32, 0, 1, 24, moment, moment, moment)
        extra, crc, compress_type = super().encode_extra(crc, compress_type)
        return times + extra, crc, compress_type


class _Zip(AESZipFile):
    zipinfo_cls = _Info
    zipwritefile_cls = _Member


class PackageWriter:
    """Writes one package, under another name until `publish`.

    Leaving the block without `publish` removes what there is. What an export that was killed has
    left in the folder is removed on the way in.
    """

    def __init__(self, file: Path, password: str | None, *, replace: bool = False) -> None:
        """Say where to and with which password; None is without.

        `replace` allows a file of that name to be replaced.
        """
        self._file = file
        self._password = password
        self._replace = replace
        self._steps: collections.deque[Callable[[], None]] = collections.deque()
        self._ahead = 0  # blocks in the steps

    def __enter__(self) -> PackageWriter:
        refuse_present(self._file, replace=self._replace)
        remove_unfinished(self._file.parent)
        with self._writing():
            self._temporary, self._stream = _make_temporary(self._file.parent)
        mode = 0o600 if self._password is None else 0o666 & ~_umask()
        with contextlib.suppress(OSError):  # a share may know no modes
            os.fchmod(self._stream.fileno(), mode)
        self._zip = _Zip(self._stream, "w", compression=ZIP_DEFLATED, allowZip64=True)
        threads = len(os.sched_getaffinity(0))
        self._most_ahead = threads * _AHEAD
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="deflate")
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._zip.fp = None  # it would write the end of the ZIP all the same
        with contextlib.suppress(OSError):
            self._stream.close()  # what is in its buffer may have no room
        with contextlib.suppress(OSError):
            self._temporary.unlink(missing_ok=True)

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self._stream.tell()

    def add_text(self, name: str, data: bytes, modified: int, *, is_open: bool = False) -> None:
        """Add a small file; one that `is_open` can be read without the password."""
        self._add(_info(name, len(data), modified), iter([data]), is_open=is_open)

    def add_directory(self, directory: PackedDirectory) -> None:
        """Add a directory."""
        info = _info(f"{directory.path}/", 0, directory.modified)
        info.external_attr = _DIRECTORY
        info.compress_type = ZIP_STORED
        slot: list[_Member] = []
        self._steps.append(functools.partial(self._open, slot, info, is_open=True))
        self._steps.append(functools.partial(self._close, slot))
        self._work_off(self._most_ahead)

    def add_file(self, path: str, size: int, modified: int, blocks: Iterable[bytes]) -> PackedFile:
        """Add a file of `size` bytes, and return what the manifest says of it.

        `modified` is nanoseconds since 1970. The same blocks make the same package. Raise
        ExportError if it cannot be written, or they are not as long together as they should be.
        """
        digest = hashlib.sha256()

        def seen() -> Iterator[bytes]:
            for block in blocks:
                digest.update(block)
                yield block

        self._add(_info(path, size, modified), seen(), is_open=False)
        return PackedFile(path, size, modified, digest.hexdigest())

    def publish(self) -> None:
        """Finish the package and give it its name. Raise ExportError, AlreadyThere."""
        self._work_off(0)
        with self._writing():
            self._zip.close()
            self._stream.flush()
            os.fsync(self._stream.fileno())
            refuse_present(self._file, replace=self._replace)
            if self._replace:
                self._temporary.replace(self._file)
            else:
                _rename_to_nothing(self._temporary, self._file)
            with contextlib.suppress(OSError):  # not every share can
                sync_folder(self._file.parent)

    def _add(self, info: Any, blocks: Iterator[bytes], *, is_open: bool) -> None:
        slot: list[_Member] = []  # the member, once it is its turn to be written
        self._steps.append(functools.partial(self._open, slot, info, is_open=is_open))
        left, before = info.file_size, b""
        block: bytes | None = next(blocks, b"")
        while block is not None:
            left -= len(block)
            following = next(blocks, None)
            future = self._pool.submit(_deflate, block, before, is_last=following is None)
            self._steps.append(functools.partial(self._write, slot, block, future))
            self._ahead += 1
            self._work_off(self._most_ahead)
            before = block[-_DICTIONARY:]
            block = following
        if left:
            raise ExportError(f"{info.filename} is not as long as it was said to be.")
        self._steps.append(functools.partial(self._close, slot))

    def _open(self, slot: list[_Member], info: Any, *, is_open: bool) -> None:
        password = None if self._password is None or is_open else self._password.encode("ascii")
        self._zip.setpassword(password)
        self._zip.encryption = WZ_AES if password else None
        slot.append(self._zip.open(info, "w"))

    def _write(self, slot: list[_Member], block: bytes, deflated: Future[bytes]) -> None:
        self._ahead -= 1
        slot[0].add(block, deflated.result())

    def _close(self, slot: list[_Member]) -> None:
        slot[0].close()

    def _work_off(self, most: int) -> None:
        """Write until at most so many blocks are still to be written; for 0 write all there is."""
        with self._writing():
            while self._steps and (
                not most or self._ahead > most or len(self._steps) > _MOST_STEPS
            ):
                self._steps.popleft()()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise _cannot_write(self._file, error) from error


def refuse_present(file: Path, *, replace: bool) -> None:
    """Raise AlreadyThere where there is something that the package may not take the place of."""
    try:
        mode = file.lstat().st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise _cannot_write(file, error) from error
    if not stat.S_ISREG(mode):
        raise AlreadyThere(f"{file} is there, and is no file.\nGive another name.")
    if not replace:
        raise AlreadyThere(
            f"{file} is there already, and is left as it is.\n"
            "Give another name, or add --force to replace it."
        )


def remove_unfinished(folder: Path) -> None:
    """Remove what exports that were killed have left in a folder; others are at work."""
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            if _UNFINISHED.fullmatch(path.name):
                _remove_unless_locked(path)


def _remove_unless_locked(path: Path) -> None:
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
        finally:
            os.close(descriptor)


def _make_temporary(folder: Path) -> tuple[Path, IO[bytes]]:
    """Return a new file, hidden and locked, that another export leaves alone."""
    while True:
        path = folder / f".avplugin-export-{secrets.token_hex(4)}"
        stream = open(path, "x+b", buffering=_BUFFER, opener=_closed_to_others)  # noqa: SIM115
        with contextlib.suppress(OSError):  # a share may know no locks
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.exists():  # not taken for a left-over before it was locked
            return path, stream
        stream.close()


def _closed_to_others(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _rename_to_nothing(source: Path, target: Path) -> None:
    """Rename, but never onto a file that came meanwhile. Raise FileExistsError."""
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        source.rename(target)  # FAT and some shares; refuse_present was a moment ago
    else:
        source.unlink()


def _deflate(block: bytes, before: bytes, *, is_last: bool) -> bytes:
    """Return a part of a stream of deflate that fits behind the part for what was before."""
    how = (LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, zlib.Z_DEFAULT_STRATEGY)
    compressor = zlib.compressobj(*how, before) if before else zlib.compressobj(*how)
    deflated = compressor.compress(block)
    return deflated + compressor.flush(zlib.Z_FINISH if is_last else zlib.Z_SYNC_FLUSH)


def _info(name: str, size: int, modified: int) -> Any:
    """Return what a ZIP says of a file; `modified` is nanoseconds since 1970."""
    info: Any = _Info(name, _dos_time(modified))
    info.modified = modified
    info.file_size = size
    info.compress_type = ZIP_DEFLATED
    info.create_system = 0  # MS-DOS
    info.external_attr = _ARCHIVE
    return info


def _dos_time(modified: int) -> tuple[int, int, int, int, int, int]:
    try:
        moment = datetime.datetime.fromtimestamp(modified // 1_000_000_000).astimezone()
    except (OverflowError, ValueError, OSError):
        return (1980, 1, 1, 0, 0, 0)
    if not 1980 <= moment.year <= 2107:
        return (1980, 1, 1, 0, 0, 0)
    return (moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second)


def _cannot_write(file: Path, error: OSError) -> ExportError:
    if isinstance(error, FileExistsError):
        return AlreadyThere(f"{file} has come meanwhile, and is left as it is.")
    if error.errno in _IS_FULL:
        return ExportError(
            f"{file.parent} has no room left for the package.\n"
            "Make room, or name a folder on another disk."
        )
    if error.errno == errno.EFBIG:
        return ExportError(
            f"{file} would be larger than a file can be there: 4 GB on a stick with FAT.\n"
            "Name a folder on another disk, or format the stick with exFAT or NTFS."
        )
    return ExportError(f"cannot write {file}: {error.strerror}.")
