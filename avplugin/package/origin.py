"""A package as what folders are taken out of; each file is proven on its way to the disk."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import datetime
import hashlib
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from avplugin.package.manifest import PackageError, PackedDirectory, PackedFile
from avplugin.package.member import WrongPassword, contents
from avplugin.package.read import Package, folder_of
from avplugin.package.zip_directory import Member
from avplugin.restore.origin import Extracted
from avplugin.restore.prove import prove
from avplugin.state.manifest import FolderManifest

# Decrypting, unpacking and the digests go on beside each other: none holds Python's lock.
_AT_ONCE = min(4, os.cpu_count() or 1)


@dataclasses.dataclass(frozen=True, slots=True)
class PackageOrigin:
    """See Origin."""

    package: Package

    @property
    def name(self) -> str:
        """The file's name."""
        return self.package.file.name

    @property
    def place(self) -> str:
        """The folder it lies in, or the mail it came with."""
        return self.package.file.place

    @property
    def time(self) -> datetime.datetime:
        """When the books were copied."""
        return self.package.manifest.taken

    @property
    def own_places(self) -> Mapping[Path, str]:
        """None: a package is a file."""
        return {}

    @property
    def knows_places(self) -> bool:
        """A package may come from anywhere."""
        return False

    @property
    def keeps_permissions(self) -> bool:
        """A package holds neither owners nor permissions."""
        return False

    def extract(
        self, folders: Sequence[FolderManifest], into: Path, progress: Callable[[int], None] | None
    ) -> Extracted:
        """Extract and prove, as Origin says. Raise PackageError, ExtractError or OSError."""
        manifest = self.package.manifest
        wanted = {folder.path for folder in folders}
        directories = [
            one for one in manifest.directories if folder_of(one, manifest.folders).path in wanted
        ]
        for folder in folders:
            (into / folder.archived_path).mkdir(parents=True, exist_ok=True)
        for directory in sorted(directories):
            (into / directory.path).mkdir(exist_ok=True)
        jobs = [
            _Job(file, self.package.members[file.path], into / file.path)
            for file in manifest.files
            if folder_of(file, manifest.folders).path in wanted
        ]
        self._take_out(jobs, progress)
        _set_times(into, directories)
        hint = "Ask for a new package."
        return prove(folders, into, is_proven=True, hint=hint)

    def _take_out(self, jobs: Sequence[_Job], progress: Callable[[int], None] | None) -> None:
        """Write all files, the largest first, so that all end at about the same time."""
        taking = _TakingOut(self.package, progress)
        pool = concurrent.futures.ThreadPoolExecutor(_AT_ONCE)
        try:
            ordered = sorted(jobs, key=lambda job: (-job.file.size, job.file.path))
            running = [pool.submit(taking.take_out, job) for job in ordered]
            for one in concurrent.futures.as_completed(running):
                one.result()
        finally:
            taking.stopped.set()
            pool.shutdown(cancel_futures=True)


class _Job(NamedTuple):
    """One file that is taken out of a member, to a path."""

    file: PackedFile
    member: Member
    path: Path


class _Stopped(Exception):  # noqa: N818 - it ends a thread, and is seen by nobody
    """Another file could not be taken out, or somebody has stopped it all."""


class _TakingOut:
    """What the threads share that take files out of one package."""

    def __init__(self, package: Package, progress: Callable[[int], None] | None) -> None:
        self._package = package
        self._progress = progress
        self._done = 0
        self._lock = threading.Lock()
        self.stopped = threading.Event()

    def take_out(self, job: _Job) -> None:
        """Write one file and prove it. Raise PackageError that names the package, or OSError."""
        try:
            self._write(job)
        except (PackageError, WrongPassword) as error:
            is_other = isinstance(error, WrongPassword)
            why = f"{job.file.path} has another password" if is_other else error
            raise PackageError(f"{self._package.file.name} is not taken: {why}.") from error

    def _write(self, job: _Job) -> None:
        package = self._package
        digest = hashlib.sha256()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(job.path, flags, 0o666)
        try:
            for chunk in contents(
                package.file.descriptor, job.member, package.password, check_crc=package.is_plain
            ):
                if self.stopped.is_set():
                    raise _Stopped
                if not package.is_plain:
                    digest.update(chunk)
                _write_all(descriptor, chunk, job.path)
                self._tell(len(chunk))
            os.utime(descriptor, ns=(job.file.modified, job.file.modified))
        finally:
            os.close(descriptor)
        if not package.is_plain and digest.hexdigest() != job.file.sha256:
            raise PackageError(f"{job.file.path} is not what the manifest says: another SHA-256")

    def _tell(self, count: int) -> None:
        if self._progress is None:
            return
        with self._lock:
            self._done += count
            self._progress(self._done)


def _write_all(descriptor: int, data: bytes, path: Path) -> None:
    rest = memoryview(data)
    try:
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    except OSError as error:
        error.filename = str(path)
        raise


def _set_times(into: Path, directories: Sequence[PackedDirectory]) -> None:
    for directory in directories:
        os.utime(into / directory.path, ns=(directory.modified, directory.modified))
