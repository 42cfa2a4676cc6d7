"""A repository that one Borg keeps open, to be asked several things: each start takes 0.2 s.

That Borg (answering_borg.py) is the one of this Python environment. Where borgmatic's local_path
leads to another one, that is started for each question instead; the answers are the same.
"""

from __future__ import annotations

import contextlib
import datetime
import json
from types import TracebackType
from typing import Any

from avplugin.borgmatic import borg
from avplugin.borgmatic.archive import Archive
from avplugin.borgmatic.configuration import Repository
from avplugin.borgmatic.repository_state import repository_state

_LENGTH = 8  # bytes in front of each part of an answer


class OpenRepository:
    """A repository, locked for all others from the first question on until `close`.

    Every question raises BorgError if Borg cannot answer it.
    """

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._is_kept_open = borg.own_version(repository) is not None
        self._running: borg.Running | None = None
        self._times_opened = 0

    def __enter__(self) -> OpenRepository:
        """Return it; it is closed on the way out."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.give_up()

    def close(self) -> None:
        """Let go of the repository; another question opens it again."""
        running, self._running = self._running, None
        if running is not None:
            assert running.process.stdin is not None  # noqa: S101 - for mypy
            with contextlib.suppress(BrokenPipeError):
                running.process.stdin.close()
            running.wait()

    def give_up(self) -> None:
        """End Borg, also in the middle of an answer; whoever waits for that gets a BorgError."""
        if self._running is not None:
            self._running.process.terminate()

    def state(self) -> str:
        """Return repository_state, if nobody else can have written since the first question.

        Else, or where that cannot be known, it is empty.
        """
        is_ours = self._running is not None and self._times_opened == 1
        return repository_state(self._repository) if is_ours else ""

    def list_archives(self) -> borg.Listing:
        """Return what borg.list_archives does."""
        if not self._is_kept_open:
            return borg.list_archives(self._repository)
        document = json.loads(self._ask("archives"))
        archives = tuple(
            Archive(name, identity, datetime.datetime.fromisoformat(time))
            for name, identity, time in document["archives"]
        )
        return borg.Listing(document["id"], document["encryption"], archives)

    def list_items(self, archive: str) -> borg.ItemList:
        """Return what borg.list_items does."""
        if not self._is_kept_open:
            return borg.list_items(self._repository, archive)
        return borg.ItemList(self._ask("items", archive))

    def rename_archive(self, archive: str, name: str) -> None:
        """Give the archive another name; its id changes with it."""
        if self._is_kept_open:
            self._ask("rename", archive, name)
        else:
            borg.rename_archive(self._repository, archive, name)

    def archive_sizes(self, archive: str) -> borg.Sizes:
        """Return what borg.archive_sizes does."""
        if not self._is_kept_open:
            return borg.archive_sizes(self._repository, archive)
        document: dict[str, Any] = json.loads(self._ask("sizes", archive))
        return borg.Sizes(document["new"], document["repository"], document["id"])

    def _ask(self, *question: str) -> bytes:
        if self._running is None:
            self._times_opened += 1
            self._running = borg.Running(
                self._repository,
                # What a rename needs of the repository is enough for all of them.
                ["rename", f"{self._repository.path}::avplugin", "avplugin"],
                module="avplugin.borgmatic.answering_borg",
                is_asked=True,
            )
        running = self._running
        stdin, stdout = running.process.stdin, running.process.stdout
        assert stdin is not None  # noqa: S101 - for mypy
        assert stdout is not None  # noqa: S101 - for mypy
        parts: list[bytes] = []
        with contextlib.suppress(BrokenPipeError):
            stdin.write(json.dumps(question).encode("ascii") + b"\n")
            stdin.flush()
            while len(head := stdout.read(_LENGTH)) == _LENGTH:
                length = int.from_bytes(head, "big")
                if not length:
                    return b"".join(parts)
                parts.append(stdout.read(length))
        self._running = None
        running.wait()  # raises what Borg says
        raise borg.BorgError(f"Borg ended before it had answered about {self._repository}.")
