"""The run of a set that is under way, and what the hooks of a set hand to each other."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from avplugin.borgmatic.process import Process, known_process
from avplugin.installation.scan import Contents, Entry
from avplugin.state.files import (
    StateError,
    make_folder,
    read_json,
    write_atomically,
    write_json,
)
from avplugin.state.outcomes import Known, Outcome, OutcomesFile


@dataclasses.dataclass(frozen=True, slots=True)
class Run:
    """One run of a set for one repository, from before-backup to after-backup.

    `id` stands in the manifest's path in the archive. `known_archives` are the ids of all archives
    that were in the repository before. `folders` are the paths of the folders to store with the
    boundaries inside each. `guard` keeps what the run has taken. `despite` says, by label, who was
    in folders that were overdue; `overdue` are sentences about those that were left out again,
    `newly_damaged` about tables that were sound in the last clean snapshot, `unregistered` about
    folders that have been in no list for too long, `clock` about a clock that is behind.
    `brake` are sentences that say why the archive stays unverified whatever else is proven.
    `people` are those who are in the way, `changed` labels of folders that the last clean snapshot
    had otherwise or not at all, `gone` of those it had and that are known no more.
    """

    id: str
    set: str
    repository: str
    repository_id: str
    owner: Process
    started: str
    known_archives: tuple[str, ...]
    ancestors: tuple[str, ...]
    boundaries: dict[str, tuple[str, ...]]
    size: int
    guard: Process | None = None
    despite: dict[str, str] = dataclasses.field(default_factory=dict)
    overdue: tuple[str, ...] = ()
    newly_damaged: tuple[str, ...] = ()
    unregistered: tuple[str, ...] = ()
    clock: tuple[str, ...] = ()
    brake: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()


_TUPLES = (
    *("known_archives", "ancestors", "overdue", "newly_damaged", "brake"),
    *("people", "changed", "gone", "unregistered", "clock"),
)


class SetState:
    """The folder STATE/SET: what the hooks of one set hand to each other and to borgmatic."""

    def __init__(self, state: Path, set_name: str) -> None:
        self.folder = state / set_name
        self.patterns = self.folder / "patterns"
        self.lock = self.folder / "lock"
        self._run_folder = self.folder / "run"
        self._run_file = self._run_folder / "run.json"
        self._scan_folder = self._run_folder / "scan"
        self._passed_file = self.folder / "passed.json"
        self._starts_file = self.folder / "last-start-by-schedule"
        self._outcomes = OutcomesFile(self.folder)
        self.outcomes_file = self._outcomes.path

    @property
    def manifest_root(self) -> str:
        """The root of the manifest in Borg's slashdot notation."""
        return f"{self._run_folder}/./avplugin"

    def current_run(self) -> Run | None:
        """Return the run that before-backup prepared last, if it has not ended.

        One that another version of avplugin prepared is none: nothing can be proven with it.
        """
        document = read_json(self._run_file)
        if document is None:
            return None
        try:
            document["owner"] = known_process(document["owner"])
            if document.get("guard") is not None:
                document["guard"] = known_process(document["guard"])
            for key in _TUPLES:
                document[key] = _texts(document.get(key, []))
            document["boundaries"] = {
                path: _texts(inside) for path, inside in document["boundaries"].items()
            }
            run = Run(**document)
            _texts([run.id, run.set, run.repository, run.repository_id, run.started])
            _texts(list(run.despite.values()))
        except (AttributeError, KeyError, TypeError):
            return None
        return run if type(run.size) is int else None

    def begin_run(
        self,
        run: Run,
        manifest_files: dict[str, bytes],
        contents: dict[str, Contents],
        patterns: Iterable[str],
    ) -> None:
        """Write all that the run needs; `run.json`, written last, makes it a run.

        Raise StateError if that fails; nothing of the run is left then.
        """
        self.end_run()
        try:
            self._write_run(run, manifest_files, contents, patterns)
        except StateError:
            self.end_run()
            raise

    def _write_run(
        self,
        run: Run,
        manifest_files: dict[str, bytes],
        contents: dict[str, Contents],
        patterns: Iterable[str],
    ) -> None:
        root = self._run_folder / "avplugin"
        for name, data in manifest_files.items():
            _write_plainly(root / name, data)
        for number, path in enumerate(sorted(run.boundaries)):
            _write_plainly(self._scan_folder / str(number), _pack(contents[path]))
        text = "".join(f"{line}\n" for line in patterns)
        write_atomically(self.patterns, text.encode("utf-8"))
        write_json(self._run_file, dataclasses.asdict(run))

    def manifest_sizes(self) -> dict[str, int | None]:
        """Return the manifest's paths in the archive with their sizes; None for a folder."""
        root = self._run_folder / "avplugin"
        sizes: dict[str, int | None] = {"avplugin": None}
        for path in root.rglob("*"):
            name = str(path.relative_to(self._run_folder))
            sizes[name] = None if path.is_dir() else path.stat().st_size
        return sizes

    def manifest_data(self) -> bytes:
        """Return the files of the run's manifest one behind the other."""
        root = self._run_folder / "avplugin"
        return b"".join(path.read_bytes() for path in sorted(root.rglob("*.json")))

    def contents_before(self, run: Run) -> dict[str, Contents]:
        """Return what before-backup found in each folder, by path."""
        return {
            path: _unpack((self._scan_folder / str(number)).read_bytes())
            for number, path in enumerate(sorted(run.boundaries))
        }

    def end_run(self) -> None:
        """Forget the run; `run.json` goes first, so that a crash leaves no half of one."""
        try:
            self._run_file.unlink(missing_ok=True)
            if self._run_folder.exists():
                shutil.rmtree(self._run_folder)
        except OSError as error:
            raise StateError(f"cannot clear {self._run_folder}: {error.strerror}.") from error

    def note_passed(self, process: Process, repository: str) -> None:
        """Remember that this borgmatic process has got past before-backup for the repository."""
        passed = self._passed()
        passed[repository] = dataclasses.asdict(process)
        write_json(self._passed_file, passed)

    def has_passed(self, process: Process, repository: str) -> bool:
        """Return whether the process had got past before-backup: it comes again for a retry."""
        return self._passed().get(repository) == dataclasses.asdict(process)

    def add_outcome(self, outcome: Outcome) -> None:
        """Add what a run came to."""
        self._outcomes.add(outcome)

    def outcomes(self) -> list[Outcome]:
        """Return what the runs so far came to, oldest first."""
        return self._outcomes.read().outcomes

    def outcomes_and_lost(self) -> Known:
        """Return the same, and how many entries of the file cannot be understood."""
        return self._outcomes.read()

    def note_start(self) -> None:
        """Note that borgmatic was started now by nobody at a terminal: a schedule is at work."""
        try:
            make_folder(self.folder)
            self._starts_file.touch(mode=0o600)
        except OSError as error:
            raise StateError(
                f"cannot write {self._starts_file}: {error.strerror}.\n"
                "The folder named by 'state' in accountview.yaml must be writable, with room left."
            ) from error

    def last_start(self) -> float | None:
        """Return when a schedule last started borgmatic, in seconds since 1970; None if never."""
        try:
            return self._starts_file.stat().st_mtime
        except OSError:
            return None

    def _passed(self) -> dict[str, Any]:
        document = read_json(self._passed_file)
        return document if isinstance(document, dict) else {}


def _texts(value: Any) -> tuple[str, ...]:
    """Return a list of texts as a tuple. Raise TypeError if it is none."""
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise TypeError("no list of texts")
    return tuple(value)


def _write_plainly(path: Path, data: bytes) -> None:
    """Write a file that counts for nothing once this run is over: no need to wait for the disk."""
    try:
        make_folder(path.parent)
        path.write_bytes(data)
    except OSError as error:
        raise StateError(
            f"cannot write {path}: {error.strerror}.\n"
            "The folder named by 'state' in accountview.yaml must be writable, with room left."
        ) from error


def _pack(contents: Contents) -> bytes:
    """Return the entries as bytes: one line of numbers and one path, ended by NUL, each."""
    return b"".join(
        b"%s %d %d %d %d %d %s\0"
        % (
            entry.type.encode(),
            entry.size,
            entry.modified,
            entry.changed,
            entry.inode,
            entry.links,
            entry.path,
        )
        for entry in contents.entries
    )


def _unpack(data: bytes) -> Contents:
    entries = []
    for record in data.split(b"\0")[:-1]:
        kind, size, modified, changed, inode, links, path = record.split(b" ", 6)
        entries.append(
            Entry(
                path,
                os.fsdecode(kind),
                int(size),
                int(modified),
                int(changed),
                int(inode),
                int(links),
            )
        )
    return Contents(tuple(entries))
