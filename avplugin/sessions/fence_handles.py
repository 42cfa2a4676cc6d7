"""Holding tables open on the file server so that nobody can begin to write them."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable
from types import TracebackType

from smbprotocol.header import NtStatus

from avplugin.configuration.sessions import SmbProbe
from avplugin.installation.windows_path import one_line
from avplugin.sessions.smb_share import (
    STATUS_TOO_MANY_OPENED_FILES,
    Share,
    ShareError,
    open_share,
    status_name,
)

# Samba says the first (after 16,424 files by default); MS-ERREF 2.3.1 knows both.
_NO_MORE_HANDLES = {NtStatus.STATUS_INSUFFICIENT_RESOURCES, STATUS_TOO_MANY_OPENED_FILES}
_IN_USE = {
    NtStatus.STATUS_SHARING_VIOLATION,
    NtStatus.STATUS_DELETE_PENDING,
    NtStatus.STATUS_PENDING,
}
_MOST_CONNECTIONS = 32  # half a million files at Samba's default


@dataclasses.dataclass(frozen=True, slots=True)
class NotHeld:
    """A table that could not be held, by its path in the share.

    `in_use` says that somebody has it; else the server refused for the reason `why`.
    """

    path: str
    in_use: bool
    why: str

    def __str__(self) -> str:
        return f"{one_line(self.path)}: {self.why}"


class Fence:
    """Tables held so that others may read them but not write, until dropped.

    Paths are in the share, as SharePaths says them. The fence goes with this process, however that
    ends: nothing about it is durable. Limits are in seconds.
    """

    def __init__(self, probe: SmbProbe) -> None:
        self._probe = probe
        self._held: list[tuple[Share, dict[str, bytes]]] = []

    def __enter__(self) -> Fence:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.drop()

    @property
    def tables(self) -> frozenset[str]:
        """The tables that are held."""
        return frozenset(path for _, handles in self._held for path in handles)

    def hold(self, tables: Iterable[str], limit: float) -> tuple[NotHeld, ...]:
        """Hold tables besides those that are held already; return those that could not be.

        Over as many connections as the server makes necessary. Raise ShareError, with nothing held
        any more, if the share cannot be used, is lost, or has no more handles.
        """
        deadline = time.monotonic() + limit
        try:
            return self._hold(dict.fromkeys(tables), deadline)
        except BaseException:
            self.drop()
            raise

    def release(self, tables: Iterable[str], limit: float) -> None:
        """Let go of some tables. Raise ShareError, with nothing held any more, if that fails."""
        deadline = time.monotonic() + limit
        wanted = set(tables)
        try:
            for share, handles in self._held:
                going = {path: handles.pop(path) for path in wanted & handles.keys()}
                share.release(going.values(), deadline)
        except BaseException:
            self.drop()
            raise

    def still_stands(self, limit: float = 30.0, *, sample: bool = False) -> str | None:
        """Return why the fence stands no more, or None: the server was asked about each handle.

        `sample` asks about one handle of each connection only, which shows a lost connection, a
        restarted server and an ended session, but not single files that were closed there.
        """
        deadline = time.monotonic() + limit
        for share, handles in self._held:
            tables = {handle: path for path, handle in handles.items()}
            asked = list(tables)[:1] if sample else list(tables)
            try:
                for handle, status in share.look_at(asked, deadline):
                    if status != NtStatus.STATUS_SUCCESS:
                        return (
                            f"the server no longer holds {one_line(tables[handle])}"
                            f" ({status_name(status)})"
                        )
            except ShareError as error:
                return str(error).partition("\n")[0]
        return None

    def drop(self) -> None:
        """Let go of everything, at once and without waiting for the server."""
        while self._held:
            share, _ = self._held.pop()
            share.drop()

    def _hold(self, tables: dict[str, None], deadline: float) -> tuple[NotHeld, ...]:
        not_held = []
        held = self.tables
        left = [path for path in tables if path not in held]
        share, handles = self._held[-1] if self._held else self._connect(deadline)
        while left:
            waiting = iter(left)
            left = []
            for opened in share.hold_files(_until(waiting, left), deadline):
                if opened.status == NtStatus.STATUS_SUCCESS:
                    handles[opened.path] = opened.handle
                elif opened.status in _NO_MORE_HANDLES:
                    left.append(opened.path)
                else:
                    in_use = opened.status in _IN_USE
                    why = "in use" if in_use else status_name(opened.status)
                    not_held.append(NotHeld(opened.path, in_use, why))
            left.extend(waiting)
            if left:
                if not handles or len(self._held) == _MOST_CONNECTIONS:
                    raise ShareError(
                        f"{one_line(self._probe.server)} gives no more handles:"
                        f" {len(self.tables)} tables are held, {len(left)} are left.\n"
                        "Name fewer tables for the fence, or allow more open files there."
                    )
                share, handles = self._connect(deadline)
        return tuple(not_held)

    def _connect(self, deadline: float) -> tuple[Share, dict[str, bytes]]:
        held: tuple[Share, dict[str, bytes]] = (open_share(self._probe, deadline), {})
        self._held.append(held)
        return held


def _until(paths: Iterable[str], refused: list[str]) -> Iterable[str]:
    """Yield paths until the first is refused."""
    for path in paths:
        yield path
        if refused:
            return
