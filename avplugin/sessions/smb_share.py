"""A share reached over SMB: logging in to it, and asking the server about many files at once.

Requests are pipelined: a server is asked about the next files before it has answered about the
first. Nothing here asks for a lease, an oplock or a durable handle: smbprotocol cannot give one
back, and a handle must end with its connection.
"""

from __future__ import annotations

import collections
import contextlib
import logging
import os
import queue
import socket
import struct
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from smbprotocol.connection import Connection, Request
from smbprotocol.exceptions import (
    AccessDenied,
    BadNetworkName,
    LogonFailure,
    SMBAuthenticationError,
    SMBResponseException,
)
from smbprotocol.file_info import FileInformationClass, InfoType
from smbprotocol.header import Commands, NtStatus
from smbprotocol.open import (
    CreateDisposition,
    CreateOptions,
    FilePipePrinterAccessMask,
    ImpersonationLevel,
    RequestedOplockLevel,
    ShareAccess,
)
from smbprotocol.session import Session
from smbprotocol.tree import TreeConnect

from avplugin.configuration.sessions import SmbProbe
from avplugin.errors import AvpluginError
from avplugin.installation.windows_path import name_key, one_line, split_windows_path

# MS-ERREF 2.3.1, where smbprotocol has no name for it.
STATUS_TOO_MANY_OPENED_FILES = 0xC000011F
_STATUS_NAMES = {
    value: name for name, value in vars(NtStatus).items() if name.startswith("STATUS_")
} | {
    0xC000006E: "STATUS_ACCOUNT_RESTRICTION",
    0xC0000072: "STATUS_ACCOUNT_DISABLED",
    0xC00000C9: "STATUS_NETWORK_NAME_DELETED",
    STATUS_TOO_MANY_OPENED_FILES: "STATUS_TOO_MANY_OPENED_FILES",
    0xC000015B: "STATUS_LOGON_TYPE_NOT_GRANTED",
    0xC0000224: "STATUS_PASSWORD_MUST_CHANGE",
    0xC0000234: "STATUS_ACCOUNT_LOCKED_OUT",
    0xC000035C: "STATUS_NETWORK_SESSION_EXPIRED",
}

_IN_FLIGHT = 64  # chains of requests; more makes nothing faster
_CREDITS = 512  # to ask for; a request that the server puts off keeps its credit
_LONGEST_CHAIN = 2  # requests
_LOOK = 0.25  # seconds between two looks at whether the connection still lives
_GRACE = 1.0  # seconds behind a deadline at which a connection that hangs is cut
_HEADER = 64  # bytes, of every request: MS-SMB2 2.2.1
_RELATED = b"\xff" * 16  # the file that the request before this one opened: MS-SMB2 3.2.4.1.4
_FORBIDDEN = frozenset('"*:<>?|\\') | {chr(code) for code in range(32)}  # in Windows names

_K = TypeVar("_K")
_T = TypeVar("_T")

# smbprotocol logs the end of its thread with a traceback, and Python prints what no one handles.
logging.getLogger("smbprotocol").addHandler(logging.NullHandler())


class ShareError(AvpluginError):
    """The share could not be reached or used; the message says what is wrong and what to do."""


class UnsendableNameError(Exception):
    """A file's name cannot be said over SMB; the message says which and why."""


class Opened(NamedTuple):
    """What the server said when a file was to be opened.

    `status` is an NTSTATUS (MS-ERREF 2.3.1); STATUS_PENDING means that it put the answer off until
    after the deadline. `handle` is empty where the file is not held.
    """

    path: str
    status: int
    handle: bytes


class SharePaths:
    """Where the files of this machine are in the share.

    `drives` are the configuration's; those that lead to this server and share count, unless the
    probe says itself where the share's root is.
    """

    def __init__(self, probe: SmbProbe, drives: Mapping[str, str]) -> None:
        roots = {probe.folder: ()} if probe.folder else _roots_in(probe, drives)
        self._roots = {
            os.fsencode(os.path.realpath(folder)): inside for folder, inside in roots.items()
        }

    def has(self, path: bytes) -> bool:
        """Return whether the absolute path lies in the share."""
        return self._root_of(path) is not None

    def find(self, path: bytes) -> str | None:
        """Return the path in the share, with backslashes, of an absolute path of this machine.

        None if it is not below the share. Raise UnsendableNameError for a name that SMB lacks.
        """
        root = self._root_of(path)
        if root is None:
            return None
        names = [name for name in path[len(root) :].split(b"/") if name]
        return "\\".join((*self._roots[root], *map(_sendable, names)))

    def _root_of(self, path: bytes) -> bytes | None:
        """Return the innermost root that the path is below."""
        end = len(path)
        while end > 0:
            if path[:end] in self._roots:
                return path[:end]
            end = path.rfind(b"/", 0, end)
        return b"/" if b"/" in self._roots else None


class Share:
    """A share that somebody is logged in to, over one connection. Deadlines are monotonic seconds.

    Not for several threads at a time.
    """

    def __init__(self, name: str, connection: Connection, tree: TreeConnect) -> None:
        self.name = name
        self._connection = connection
        self._session_id = tree.session.session_id
        self._tree_id = tree.tree_connect_id

    @property
    def alive(self) -> bool:
        """Whether answers can still come; smbprotocol's thread can end without saying so."""
        transport: Any = self._connection.transport
        receiver: Any = self._connection._t_worker
        return bool(transport.connected and receiver.is_alive())

    def try_files(
        self, paths: Iterable[str], deadline: float, *, exclusive: bool = False
    ) -> Iterator[Opened]:
        """Open each file, letting others only read (`exclusive`: not even that), and close it.

        Yield what the server said, in any order. Raise ShareError, behind all that was answered,
        where some was not.
        """
        close = _closing(_RELATED)
        for path, status, _ in self._ask(
            ((path, (_opening(path, exclusive), close)) for path in paths), deadline
        ):
            yield Opened(path, status, b"")

    def hold_files(self, paths: Iterable[str], deadline: float) -> Iterator[Opened]:
        """Open each file, letting others only read it, and keep it open.

        Yield and raise as `try_files` does.
        """
        for path, status, data in self._ask(
            ((path, (_opening(path, False),)) for path in paths), deadline
        ):
            # MS-SMB2 2.2.14: FileId stands behind 64 bytes.
            handle = data[64:80] if status == NtStatus.STATUS_SUCCESS else b""
            yield Opened(path, status, handle)

    def look_at(self, handles: Iterable[bytes], deadline: float) -> Iterator[tuple[bytes, int]]:
        """Ask about each handle, and yield it with the status that the server gives.

        Raise ShareError, behind all that was answered, where some was not.
        """
        for handle, status, _ in self._ask(
            ((handle, (_looking(handle),)) for handle in handles), deadline
        ):
            yield handle, status

    def release(self, handles: Iterable[bytes], deadline: float) -> None:
        """Close files that are held. Raise ShareError where the server does not answer."""
        for _ in self._ask(((handle, (_closing(handle),)) for handle in handles), deadline):
            pass

    def drop(self) -> None:
        """End the connection, and with it all that it holds; never waits for the server."""
        _cut(self._connection)

    def _ask(
        self, chains: Iterable[tuple[_K, Sequence[_Message]]], deadline: float
    ) -> Iterator[tuple[_K, int, bytes]]:
        """Send chains of related requests, and yield each key with its first request's answer.

        What the server puts off (STATUS_PENDING: somebody has to give up a lease first) is waited
        for behind all others. Raise ShareError, behind all that was answered.
        """
        complete = True
        deferred: list[tuple[_K, Request]] = []

        def in_time() -> Iterator[tuple[_K, Sequence[_Message]]]:
            nonlocal complete
            for chain in chains:
                # Requests that are put off can hold all credits.
                while not self._has_credits() and self.alive and time.monotonic() < deadline:
                    time.sleep(_LOOK)
                if time.monotonic() >= deadline:
                    complete = False
                    return
                yield chain

        # Sending hangs where the other side takes nothing in any more.
        watchdog = threading.Timer(deadline - time.monotonic() + _GRACE, self.drop)
        watchdog.daemon = True
        watchdog.start()
        try:
            for key, request, answer in self._answers(in_time(), deadline):
                if answer is None:
                    complete = False
                elif answer[0] == NtStatus.STATUS_PENDING:
                    deferred.append((key, request))
                else:
                    yield key, *answer
            for key, request in deferred:
                answer = self._wait(request, deadline, final=True)
                if answer is None:
                    with contextlib.suppress(Exception):
                        request.cancel()  # or the file would be opened for us later
                    answer = NtStatus.STATUS_PENDING, b""
                yield key, *answer
        finally:
            watchdog.cancel()
        if not complete:
            raise ShareError(
                f"{one_line(self.name)} did not answer everything within the limit.\n"
                "Is the server busy, or the network slow? A longer `limit` waits longer."
            )

    def _answers(
        self, chains: Iterable[tuple[_K, Sequence[_Message]]], deadline: float
    ) -> Iterator[tuple[_K, Request, tuple[int, bytes] | None]]:
        """Send, and yield the first answer to the first request of each chain, oldest first."""
        in_flight: collections.deque[tuple[_K, list[Request]]] = collections.deque()

        def oldest() -> tuple[_K, Request, tuple[int, bytes] | None]:
            key, (first, *others) = in_flight.popleft()
            answer = self._wait(first, deadline)
            if answer is not None and answer[0] != NtStatus.STATUS_PENDING:
                for other in others:
                    self._wait(other, deadline)
            return key, first, answer

        for key, messages in chains:
            in_flight.append((key, self._send(messages)))
            while in_flight and (len(in_flight) >= _IN_FLIGHT or not self._has_credits()):
                yield oldest()
        while in_flight:
            yield oldest()

    def _has_credits(self) -> bool:
        """Return whether the server takes one more chain; it grants credits with its answers."""
        window = self._connection.sequence_window
        return bool(window["high"] - window["low"] >= _LONGEST_CHAIN)

    def _send(self, messages: Sequence[_Message]) -> list[Request]:
        try:
            return self._connection.send_compound(  # type: ignore[no-any-return]
                messages, self._session_id, self._tree_id, related=True
            )
        except Exception as error:  # also anything that ended smbprotocol's thread
            raise self._lost() from error

    def _wait(
        self, request: Request, deadline: float, *, final: bool = False
    ) -> tuple[int, bytes] | None:
        """Return the status and the data of an answer, or None where there is none in time.

        `final`: STATUS_PENDING is no answer. Raise ShareError if the connection is lost.
        """
        while True:
            left = deadline - time.monotonic()
            # In slices: smbprotocol does not always wake who waits when its thread ends.
            if not request.response_event.wait(min(max(left, 0), _LOOK)):
                if not self.alive:
                    raise self._lost()
                if left <= 0:
                    return None
                continue
            with request.response_event_lock:
                response = request.response
                if response is None:
                    raise self._lost()
                status: int = response["status"].get_value()
                if status == NtStatus.STATUS_PENDING:
                    request.response_event.clear()
                    if final:
                        continue
                    return status, b""
            message_id = request.message["message_id"].get_value()
            self._connection.outstanding_requests.pop(message_id, None)
            return status, response["data"].get_value()

    def _lost(self) -> ShareError:
        return ShareError(
            f"the connection to {one_line(self.name)} was lost.\n"
            "Was the server restarted, or the network interrupted? Try again."
        )


def open_share(probe: SmbProbe, deadline: float) -> Share:
    """Log in to the probe's share, signed or encrypted, and never as a guest.

    `deadline` is in monotonic seconds, and holds for looking up the server's name too. Raise
    ShareError.
    """
    password = _password(probe)
    connection = Connection(uuid.uuid4(), probe.server, probe.port, require_signing=True)
    limit = max(deadline - time.monotonic(), 0)

    def log_in() -> Share:
        _connect(probe, connection, limit)
        if time.monotonic() >= deadline:  # nobody waits, or ends what hangs, any more
            raise TimeoutError
        _authenticate(probe, connection, password, limit)
        return _enter(probe, connection)

    try:
        return _within(limit, log_in, lambda: _cut(connection))
    except TimeoutError as error:
        raise ShareError(
            f"{one_line(probe.server)} did not answer on port {probe.port} within {limit:.0f} s.\n"
            "Does the server run, and do firewalls let SMB through?"
        ) from error


def status_name(status: int) -> str:
    """Return what MS-ERREF calls an NTSTATUS."""
    return _STATUS_NAMES.get(status, f"NTSTATUS 0x{status:08X}")


class _Message:
    """A request as bytes; making smbprotocol's own takes a quarter of the time for a file."""

    def __init__(self, command: int, data: bytes) -> None:
        self.COMMAND = command
        self._data = data

    def __len__(self) -> int:
        return len(self._data)

    def pack(self) -> bytes:
        return self._data


def _opening(path: str, exclusive: bool) -> _Message:
    name = path.encode("utf-16-le")
    fixed = struct.pack(  # MS-SMB2 2.2.13
        "<HBBIQQIIIIIHHII",
        57,
        0,
        RequestedOplockLevel.SMB2_OPLOCK_LEVEL_NONE,
        ImpersonationLevel.Impersonation,
        0,
        0,
        # Not to read attributes alone: then the server would not look at share modes.
        FilePipePrinterAccessMask.FILE_READ_DATA | FilePipePrinterAccessMask.FILE_READ_ATTRIBUTES,
        0,
        0 if exclusive else ShareAccess.FILE_SHARE_READ,
        CreateDisposition.FILE_OPEN,
        0 if exclusive else CreateOptions.FILE_NON_DIRECTORY_FILE,  # or a folder
        _HEADER + 56,  # where the name stands
        len(name),
        0,
        0,
    )
    return _Message(Commands.SMB2_CREATE, fixed + name)


def _closing(handle: bytes) -> _Message:
    return _Message(Commands.SMB2_CLOSE, struct.pack("<HHI16s", 24, 0, 0, handle))  # 2.2.15


def _looking(handle: bytes) -> _Message:
    """Return the question for a file's FileStandardInformation, 24 bytes (MS-FSCC 2.4.41)."""
    kind = InfoType.SMB2_0_INFO_FILE, FileInformationClass.FILE_STANDARD_INFORMATION
    fixed = struct.pack("<HBBIHHIII16s", 41, *kind, 24, 0, 0, 0, 0, 0, handle)  # MS-SMB2 2.2.37
    return _Message(Commands.SMB2_QUERY_INFO, fixed + b"\0")


def _roots_in(probe: SmbProbe, drives: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Return the folders that lie in the share, each with the names that lead to it there."""
    share = (name_key(rf"\\{probe.server}"), name_key(probe.share))
    roots = {}
    for windows_path, folder in drives.items():
        names = split_windows_path(windows_path)
        if tuple(map(name_key, names[:2])) == share:
            roots[folder] = names[2:]
    return roots


def _sendable(name: bytes) -> str:
    shown = one_line(name.decode("utf-8", "backslashreplace"))
    try:
        text = name.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnsendableNameError(f"{shown} is not UTF-8, so it has no name over SMB") from error
    # Samba calls such a file something else (8.3), and Windows cannot have it.
    if not _FORBIDDEN.isdisjoint(text) or text.endswith((" ", ".")):
        raise UnsendableNameError(f"{shown} is no name to Windows, so it has none over SMB")
    return text


def _password(probe: SmbProbe) -> str:
    if probe.password_file is None:
        password = os.environ.get(probe.password_variable or "", "")
        if not password:
            raise ShareError(
                f"the environment variable {probe.password_variable} holds no password for"
                f" {one_line(probe.username)}.\nSet it where avplugin is started."
            )
        return password
    try:
        # Notepad writes a byte order mark.
        text = probe.password_file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ShareError(
            f"the password file {probe.password_file} cannot be read: {why}.\n"
            f"Its first line is the password of {one_line(probe.username)}."
        ) from error
    password = text.partition("\n")[0]
    if not password:
        raise ShareError(
            f"the password file {probe.password_file} is empty.\n"
            f"Its first line is the password of {one_line(probe.username)}."
        )
    return password


def _connect(probe: SmbProbe, connection: Connection, limit: float) -> None:
    try:
        connection.connect(timeout=limit)
    except ValueError as error:  # smbprotocol's word for a socket that cannot be connected
        cause = error.__cause__
        if isinstance(cause, TimeoutError):
            raise TimeoutError from error
        why = (isinstance(cause, OSError) and cause.strerror) or _first_line(error)
        raise ShareError(
            f"{one_line(probe.server)} cannot be reached on port {probe.port}: {why}.\n"
            "Does the server run, is its name right, and do firewalls let SMB through?"
        ) from error
    except Exception as error:  # also anything that ended smbprotocol's thread
        raise ShareError(
            f"{one_line(probe.server)} does not speak SMB 2 or 3 on port {probe.port}:"
            f" {_first_line(error)}.\nIs it the right server and port?"
        ) from error


def _authenticate(probe: SmbProbe, connection: Connection, password: str, limit: float) -> None:
    who, server = one_line(probe.username), one_line(probe.server)
    session = Session(
        connection,
        probe.username,
        password,
        require_encryption=bool(connection.supports_encryption),
    )
    try:
        session.connect()
        connection.echo(sid=session.session_id, timeout=limit, credit_request=_CREDITS)
    except (LogonFailure, SMBAuthenticationError) as error:
        raise ShareError(
            f"{server} does not let {who} in: the name or the password is wrong.\n"
            r"Write a user of a domain as DOMAIN\user."
        ) from error
    except SMBResponseException as error:
        raise ShareError(
            f"{server} does not let {who} in: {status_name(error.status)}.\n"
            "Look at this account on the server."
        ) from error
    except Exception as error:  # as above
        if "guest" in str(error):
            raise ShareError(
                f"{server} takes {who} for a guest: it does not know that name.\n"
                "Make the user there; what a guest is told cannot be trusted."
            ) from error
        raise ShareError(
            f"{server} broke off while {who} logged in: {_first_line(error)}.\nTry again."
        ) from error


def _enter(probe: SmbProbe, connection: Connection) -> Share:
    name = rf"\\{probe.server}\{probe.share}"
    session = next(iter(connection.session_table.values()))
    tree = TreeConnect(session, name)
    try:
        tree.connect()
    except BadNetworkName as error:
        raise ShareError(
            f"{one_line(probe.server)} has no share {one_line(probe.share)}.\n"
            "Write `share` as Windows shows it, without folders."
        ) from error
    except AccessDenied as error:
        raise ShareError(
            f"{one_line(probe.username)} may not use {one_line(name)}.\n"
            "Give that user read rights, to the share and to its folders."
        ) from error
    except Exception as error:  # as above
        raise ShareError(
            f"{one_line(name)} cannot be used: {_first_line(error)}.\nLook at it on the server."
        ) from error
    tree.is_dfs_share = False  # or paths would have to start with the server's name
    return Share(name, connection, tree)


def _first_line(error: BaseException) -> str:
    if isinstance(error, SMBResponseException):
        return status_name(error.status)
    return one_line(str(error).partition("\n")[0].rstrip(".") or type(error).__name__)


def _within(limit: float, work: Callable[[], _T], cut: Callable[[], None]) -> _T:
    """Return what the work returns, or raise what it raises.

    At the limit, in seconds, call `cut`, raise TimeoutError, and leave the work to end by itself:
    nothing stops a thread that looks up a name.
    """
    outcome: queue.SimpleQueue[tuple[_T | None, BaseException | None]] = queue.SimpleQueue()
    abandoned = threading.Event()

    def run() -> None:
        try:
            outcome.put((work(), None))
        except BaseException as error:  # it is raised by who waits
            cut()
            outcome.put((None, error))
        if abandoned.is_set():
            cut()

    threading.Thread(target=run, daemon=True).start()
    try:
        result, error = outcome.get(timeout=max(limit, 0))
    except queue.Empty:
        abandoned.set()
        cut()
        raise TimeoutError from None
    if error is not None:
        raise error
    return result  # type: ignore[return-value]


def _cut(connection: Connection) -> None:
    """End a connection without a word: logging off would wait for the server."""
    transport: Any = connection.transport
    if transport is None or not transport.connected:
        return  # while it connects, smbprotocol would make us wait
    with contextlib.suppress(OSError):
        # smbprotocol's own way waits for a sender that hangs; this wakes it.
        transport._sock.shutdown(socket.SHUT_RDWR)
    with contextlib.suppress(OSError):
        connection.disconnect(close=False)
