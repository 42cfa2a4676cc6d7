"""The run of a set that is under way, and what the hooks of a set hand to each other."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from avplugin.borgmatic.process import Process, known_process
from avplugin.installation.scan import Contents
from avplugin.state.files import (
    StateError,
    make_folder,
    read_json,
    write_atomically,
    write_json,
)
from avplugin.state.manifest import ROOT
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
        self._scan_file = self._run_folder / "scan"
        self._manifest_folder = self.folder / "manifest"
        self._passed_file = self.folder / "passed.json"
        self._starts_file = self.folder / "last-start-by-schedule"
        self._outcomes = OutcomesFile(self.folder)
        self.outcomes_file = self._outcomes.path

    @property
    def manifest_root(self) -> str:
        """The root of the manifest in Borg's slashdot notation."""
        return f"{self._manifest_folder}/./{ROOT}"

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
        _update_files(self._manifest_folder / ROOT, manifest_files)
        _write_scan(self._scan_file, [contents[path] for path in sorted(run.boundaries)])
        text = "".join(f"{line}\n" for line in patterns)
        write_atomically(self.patterns, text.encode("utf-8"))
        write_json(self._run_file, dataclasses.asdict(run))

    def manifest_sizes(self) -> dict[str, int | None]:
        """Return the manifest's paths in the archive with their sizes; None for a folder."""
        sizes: dict[str, int | None] = {ROOT: None}
        for name, entry in _below(self._manifest_folder / ROOT):
            is_folder = entry.is_dir(follow_symlinks=False)
            sizes[f"{ROOT}/{name}"] = (
                None if is_folder else entry.stat(follow_symlinks=False).st_size
            )
        return sizes

    def manifest_data(self) -> bytes:
        """Return the files of the run's manifest one behind the other."""
        return b"".join(
            Path(entry.path).read_bytes()
            for _, entry in _below(self._manifest_folder / ROOT)
            if entry.is_file(follow_symlinks=False)
        )

    @contextlib.contextmanager
    def contents_before(self, run: Run) -> Iterator[ScanBefore]:
        """Open what before-backup found in each folder."""
        try:
            with self._scan_file.open("rb") as file:
                yield ScanBefore(file, sorted(run.boundaries))
        except (OSError, ValueError) as error:
            raise StateError(
                f"cannot read {self._scan_file}: {error}.\nNothing can be proven without it."
            ) from error

    def end_run(self) -> None:
        """Forget the run; `run.json` goes first, so that a crash leaves no half of one.

        The manifests of folders stay: those that are the same the next time cost Borg nothing then.
        """
        try:
            self._run_file.unlink(missing_ok=True)
            if self._run_folder.exists():
                shutil.rmtree(self._run_folder)
        except OSError as error:
            raise StateError(f"cannot clear {self._run_folder}: {error.strerror}.") from error

    def forget_manifest(self) -> None:
        """Remove what is kept of the manifest of the last run. Raise StateError."""
        try:
            if self._manifest_folder.exists():
                shutil.rmtree(self._manifest_folder)
        except OSError as error:
            raise StateError(f"cannot clear {self._manifest_folder}: {error.strerror}.") from error

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


class ScanBefore(Mapping[str, Contents]):
    """What before-backup found in each folder, by path; read when it is asked for, and not kept."""

    def __init__(self, file: BinaryIO, paths: Sequence[str]) -> None:
        self.descriptor = file.fileno()
        lengths = json.loads(file.readline())
        start = file.tell()
        offsets = itertools.accumulate(lengths, initial=start)
        self._places = dict(zip(paths, zip(offsets, lengths, strict=False), strict=True))

    def __getitem__(self, path: str) -> Contents:
        """Return what was in the folder. Raise KeyError, OSError."""
        return Contents.unpacked(self._packed(path))

    def __iter__(self) -> Iterator[str]:
        """Return the paths of the folders."""
        return iter(self._places)

    def __len__(self) -> int:
        """Return how many folders there are."""
        return len(self._places)

    def is_exactly(self, path: str, now: Contents) -> bool:
        """Return whether this folder was the same to the last bit; much faster than to compare."""
        return self._packed(path) == now.packed

    def _packed(self, path: str) -> bytes:
        offset, length = self._places[path]
        return os.pread(self.descriptor, length, offset)


def _write_scan(path: Path, found: Sequence[Contents]) -> None:
    """Write what ScanBefore reads. It counts for nothing once the run is over: no fsync."""
    try:
        make_folder(path.parent)
        with path.open("wb") as file:
            blocks = [contents.packed for contents in found]
            file.write(json.dumps([len(block) for block in blocks]).encode("ascii") + b"\n")
            file.writelines(blocks)
    except OSError as error:
        raise _cannot_write(path, error) from error


def _update_files(root: Path, files: Mapping[str, bytes]) -> None:
    """Make the folder hold these files, by relative path, and no others.

    What is right already is left alone: Borg knows it again then, and need not read it. Of files
    that change each night, a thousand cost it two seconds.
    """
    try:
        make_folder(root)
        folders = {os.path.dirname(name) for name in files}  # noqa: PTH120 - thousands of names
        right = set()
        for name, entry in _below(root):
            if entry.is_dir(follow_symlinks=False):
                if name not in folders:
                    shutil.rmtree(entry.path)
            elif name not in files or Path(entry.path).read_bytes() != files[name]:
                os.unlink(entry.path)  # noqa: PTH108 - as above
            else:
                right.add(name)
        for folder in folders:
            make_folder(root / folder)
        for name, data in files.items():
            if name not in right:
                with open(f"{root}/{name}", "wb") as file:  # noqa: PTH123 - as above
                    file.write(data)
    except OSError as error:
        raise _cannot_write(root, error) from error


def _below(root: Path) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Yield what is in the folder and in the folders in it, by relative path; a folder first."""
    pending = [("", str(root))]
    while pending:
        above, folder = pending.pop()
        with os.scandir(folder) as listing:
            entries = list(listing)
        for entry in entries:
            yield f"{above}{entry.name}", entry
            if entry.is_dir(follow_symlinks=False) and os.path.lexists(entry.path):
                pending.append((f"{above}{entry.name}/", entry.path))


def _cannot_write(path: Path, error: OSError) -> StateError:
    return StateError(
        f"cannot write {path}: {error.strerror}.\n"
        "The folder named by 'state' in accountview.yaml must be writable, with room left."
    )
