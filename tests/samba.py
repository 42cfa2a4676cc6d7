"""A real Samba server for one test, and workstations that hold files on it as FoxPro does."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from smbprotocol.connection import Connection, Request
from smbprotocol.file_info import FileAttributes
from smbprotocol.header import SMB2HeaderRequest
from smbprotocol.open import (
    CreateDisposition,
    CreateOptions,
    DirectoryAccessMask,
    FilePipePrinterAccessMask,
    ImpersonationLevel,
    LockFlags,
    Open,
    RequestedOplockLevel,
    ShareAccess,
    SMB2LockElement,
)
from smbprotocol.session import Session
from smbprotocol.tree import TreeConnect

SHARE = "av"
PASSWORD = "een-geheim"  # of every user of the server

READ_WRITE = ShareAccess.FILE_SHARE_READ | ShareAccess.FILE_SHARE_WRITE


class Samba:
    """smbd on a port of its own choosing on loopback, with all its files below one folder.

    Shares `shared` as \\\\127.0.0.1\\av. Its users have to be users of this machine; Debian has a
    user `games` everywhere.
    """

    def __init__(self, folder: Path, shared: Path, more: str = "") -> None:
        self.folder = folder
        self.shared = shared
        self.port = _free_port()
        self.config = folder / "smb.conf"
        folder.mkdir(parents=True)
        for name in ("lock", "state", "cache", "private", "pid", "ncalrpc"):
            (folder / name).mkdir()
        self.config.write_text(
            f"""[global]
server role = standalone server
smb ports = {self.port}
interfaces = lo
bind interfaces only = yes
lock directory = {folder}/lock
state directory = {folder}/state
cache directory = {folder}/cache
private dir = {folder}/private
pid directory = {folder}/pid
ncalrpc dir = {folder}/ncalrpc
log file = {folder}/log
max log size = 0
disable spoolss = yes
disable netbios = yes
load printers = no
server services = s3fs
{more}
[{SHARE}]
path = {shared}
read only = no
force user = root
"""
        )
        self.add_user("root")
        self.add_user("games")
        self._process: subprocess.Popen[bytes] | None = None

    def add_user(self, name: str) -> None:
        """Give a user of this machine the right to log in."""
        subprocess.run(
            ["smbpasswd", "-c", str(self.config), "-s", "-a", name],
            input=f"{PASSWORD}\n{PASSWORD}\n".encode(),
            check=True,
            capture_output=True,
        )

    def start(self) -> None:
        """Start smbd and wait until it answers."""
        self._process = subprocess.Popen(
            [_program("smbd"), "-s", str(self.config), "-F", "--no-process-group"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            assert self._process.poll() is None, (self.folder / "log").read_text()
            time.sleep(0.05)
        raise AssertionError("smbd does not answer")

    def stop(self) -> None:
        """End smbd and all its children."""
        if self._process is not None:
            # The group is smbd's own: it was started as the leader of a session.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def workstation(self, user: str = "games") -> Workstation:
        """Return a workstation on which `user` is logged in to Windows."""
        return Workstation(self.port, user)


class Workstation:
    """One SMB client, with a connection of its own."""

    def __init__(self, port: int, user: str) -> None:
        self._connection = Connection(uuid.uuid4(), "127.0.0.1", port)
        self._connection.connect()
        self._session = Session(self._connection, user, PASSWORD, require_encryption=False)
        self._session.connect()
        self._tree = TreeConnect(self._session, rf"\\127.0.0.1\{SHARE}")
        self._tree.connect()

    def __enter__(self) -> Workstation:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.log_out()

    def open_table(self, path: str, *, writing: bool = True, share: int = READ_WRITE) -> Open:
        """Open a table as FoxPro does: share mode read+write, no lease.

        `path` is below the share, with either slash. Raise smbprotocol's SharingViolation if
        somebody keeps others out.
        """
        access = FilePipePrinterAccessMask.GENERIC_READ
        if writing:
            access |= FilePipePrinterAccessMask.GENERIC_WRITE
        return self.open_file(path, access, share)

    def open_file(
        self, path: str, access: int, share: int = READ_WRITE, *, folder: bool = False
    ) -> Open:
        """Open a file with any access mask, or a folder as an Explorer window does."""
        opened = Open(self._tree, path.replace("/", "\\"))
        opened.create(
            ImpersonationLevel.Impersonation,
            access or DirectoryAccessMask.FILE_LIST_DIRECTORY,
            FileAttributes.FILE_ATTRIBUTE_NORMAL,
            share,
            CreateDisposition.FILE_OPEN,
            CreateOptions.FILE_DIRECTORY_FILE if folder else CreateOptions.FILE_NON_DIRECTORY_FILE,
        )
        return opened

    def lock_record(self, table: Open, record: int) -> None:
        """Lock a record as FoxPro does: a range of bytes that no table is long enough for."""
        lock = SMB2LockElement()
        lock["offset"] = 0x7FFFFFFE - record
        lock["length"] = 1
        lock["flags"] = (
            LockFlags.SMB2_LOCKFLAG_EXCLUSIVE_LOCK | LockFlags.SMB2_LOCKFLAG_FAIL_IMMEDIATELY
        )
        table.lock([lock])

    def open_and_fall_silent(self, path: str) -> None:
        """Open a table with an oplock, and never answer when the server wants that back."""
        # smbprotocol's thread ends at a message that answers no request, and with it the
        # connection; with a request to answer, it lives on and does nothing.
        unasked = 0xFFFFFFFFFFFFFFFF  # MS-SMB2 2.2.23.1: the MessageId of a break notification
        self._connection.outstanding_requests[unasked] = Request(
            SMB2HeaderRequest(), SMB2HeaderRequest, self._connection
        )
        Open(self._tree, path.replace("/", "\\")).create(
            ImpersonationLevel.Impersonation,
            FilePipePrinterAccessMask.GENERIC_READ | FilePipePrinterAccessMask.GENERIC_WRITE,
            FileAttributes.FILE_ATTRIBUTE_NORMAL,
            READ_WRITE,
            CreateDisposition.FILE_OPEN,
            CreateOptions.FILE_NON_DIRECTORY_FILE,
            oplock_level=RequestedOplockLevel.SMB2_OPLOCK_LEVEL_BATCH,
        )

    def log_out(self) -> None:
        """Close everything; nothing happens if that was done."""
        with contextlib.suppress(Exception):
            self._connection.disconnect(close=True)

    def lose_power(self) -> None:
        """Drop the connection without a word, as when a machine is switched off."""
        with contextlib.suppress(Exception):
            transport: Any = self._connection.transport
            transport.close()


@contextlib.contextmanager
def serving(folder: Path, shared: Path, more: str = "") -> Iterator[Samba]:
    """Yield a running server that shares `shared`; `more` are lines for [global]."""
    samba = Samba(folder, shared, more)
    samba.start()
    try:
        yield samba
    finally:
        samba.stop()


def _program(name: str) -> str:
    """Return the path of a program that a plain user's PATH lacks."""
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    assert found, f"{name} is missing: ./run test installs Debian's samba"
    return found


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port
