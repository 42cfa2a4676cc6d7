"""The local catalogue of manifests, keyed by archive id: a cache that may be deleted any time."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import json
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from avplugin.borgmatic.archive import Archive
from avplugin.installation.model import code_key
from avplugin.state.files import StateError, make_folder
from avplugin.state.manifest import (
    FolderManifest,
    Manifest,
    folder_from_json,
    folder_to_json,
    run_from_json,
    run_to_json,
)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS archive
    (id TEXT PRIMARY KEY, repository TEXT NOT NULL, run TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS folder
    (archive TEXT NOT NULL, key TEXT NOT NULL, manifest TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS folder_key ON folder (key, archive);
CREATE INDEX IF NOT EXISTS folder_archive ON folder (archive);
CREATE TABLE IF NOT EXISTS summary
    (archive TEXT PRIMARY KEY, folders INTEGER NOT NULL, size INTEGER NOT NULL,
     tables INTEGER NOT NULL, left_out TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS listed
    (repository TEXT PRIMARY KEY, seen TEXT NOT NULL, archives TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS listed_in_state
    (repository TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID;
"""
_NO_MANIFEST = ""  # stands for the run of an archive that holds no manifest
_VERSION = 1


@dataclasses.dataclass(frozen=True, slots=True)
class Listed:
    """What a repository was last seen to hold, and when, and in which state it was; see there."""

    seen: datetime.datetime
    archives: tuple[Archive, ...]
    state: str


class Summary(NamedTuple):
    """What an archive holds in all: folders, bytes, tables; and the labels of what was left out."""

    folders: int
    size: int
    tables: int
    left_out: tuple[str, ...]


class Catalogue:
    """Manifests of archives, by archive id. Every change is one transaction of SQLite."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    @contextlib.contextmanager
    def open(cls, state: Path) -> Iterator[Catalogue]:
        """Open the catalogue of a state folder; a damaged one, or another version's, is made anew.

        Where the folder cannot be written, as when somebody only wants to look, the catalogue
        lives in memory for the time of the command. Raise StateError if damage shows only when
        the catalogue is in use; the next command makes it anew.
        """
        file = state / "catalogue.sqlite"
        catalogue = cls(_connect(file))
        try:
            yield catalogue
        except sqlite3.DatabaseError as error:
            if not isinstance(error, sqlite3.OperationalError):  # that is no damage: locked, say
                with contextlib.suppress(OSError):
                    file.unlink()
            raise StateError(
                f"cannot read the catalogue {file}: {error}.\n"
                "Start the command again; the catalogue is a cache, and nothing is lost."
            ) from error
        finally:
            catalogue._connection.close()

    @classmethod
    @contextlib.contextmanager
    def in_memory(cls) -> Iterator[Catalogue]:
        """Return an empty catalogue that nobody keeps."""
        with contextlib.closing(_connect_memory()) as connection:
            yield cls(connection)

    def knows(self, archive: str) -> bool:
        """Return whether the archive's manifest, or that it has none, is known."""
        row = self._connection.execute("SELECT 1 FROM archive WHERE id = ?", (archive,)).fetchone()
        return row is not None

    def add(self, repository_id: str, archive: str, manifest: Manifest | None) -> None:
        """Add the manifest of an archive; None says that it holds none."""
        run = _NO_MANIFEST if manifest is None else run_to_json(manifest.run)
        folders = () if manifest is None else manifest.folders
        rows = [(archive, folder_key(part.label), folder_to_json(part)) for part in folders]

        def write(transaction: sqlite3.Connection) -> None:
            transaction.execute("DELETE FROM folder WHERE archive = ?", (archive,))
            transaction.execute(
                "INSERT OR REPLACE INTO archive VALUES (?, ?, ?)", (archive, repository_id, run)
            )
            transaction.executemany("INSERT INTO folder VALUES (?, ?, ?)", rows)
            if manifest is not None:
                _write_summary(transaction, archive, manifest)

        self._change(write)

    def holds_manifest(self, archive: str) -> bool:
        """Return whether a known archive holds a manifest."""
        row = self._connection.execute("SELECT run FROM archive WHERE id = ?", (archive,))
        return bool(row.fetchone()[0] != _NO_MANIFEST)

    def summary(self, archive: str) -> Summary | None:
        """Return what a known archive holds in all; None if it holds no manifest.

        Of hundreds of archives all manifests together are hundreds of MB.
        """
        query = "SELECT folders, size, tables, left_out FROM summary WHERE archive = ?"
        row = self._connection.execute(query, (archive,)).fetchone()
        if row is None:  # an earlier avplugin added it, or something was erased
            manifest = self.manifest(archive)
            if manifest is None:
                return None
            self._change(lambda transaction: _write_summary(transaction, archive, manifest))
            row = self._connection.execute(query, (archive,)).fetchone()
        folders, size, tables, left_out = row
        return Summary(folders, size, tables, tuple(json.loads(left_out)))

    def manifest(self, archive: str) -> Manifest | None:
        """Return the manifest of a known archive; None if it holds none."""
        run = self._connection.execute(
            "SELECT run FROM archive WHERE id = ?", (archive,)
        ).fetchone()[0]
        if run == _NO_MANIFEST:
            return None
        rows = self._connection.execute("SELECT manifest FROM folder WHERE archive = ?", (archive,))
        folders = sorted(
            (folder_from_json(row[0]) for row in rows), key=lambda part: (part.kind, part.label)
        )
        return Manifest(run_from_json(run), tuple(folders))

    def number(self, archive: str) -> int:
        """Return the number that the manifest of a known archive says; 0 if there is none."""
        run = self._connection.execute(
            "SELECT run FROM archive WHERE id = ?", (archive,)
        ).fetchone()[0]
        return 0 if run == _NO_MANIFEST else run_from_json(run).number

    def folder_in(self, archive: str, label: str) -> FolderManifest | None:
        """Return the manifest of one folder in a known archive; None if there is none."""
        row = self._connection.execute(
            "SELECT manifest FROM folder WHERE key = ? AND archive = ?",
            (folder_key(label), archive),
        ).fetchone()
        return None if row is None else folder_from_json(row[0])

    def folder(self, label: str) -> Mapping[str, FolderManifest]:
        """Return the manifests of one folder by archive id, over all known archives."""
        rows = self._connection.execute(
            "SELECT archive, manifest FROM folder WHERE key = ?", (folder_key(label),)
        )
        return {archive: folder_from_json(text) for archive, text in rows}

    def first_of_each(self, archives: Sequence[str]) -> list[tuple[str, FolderManifest]]:
        """Return, of every folder, the first of these archives that it is stored in.

        With it comes the folder's manifest there. Only that is read of each folder: in a thousand
        folders and hundreds of archives all manifests together are hundreds of MB.
        """
        places = {archive: place for place, archive in enumerate(archives)}
        holders: dict[str, list[int]] = {}
        # Said to use the index that covers it: otherwise every manifest is passed over on the way.
        for key, archive in self._connection.execute(
            "SELECT key, archive FROM folder INDEXED BY folder_key"
        ):
            if archive in places:
                holders.setdefault(key, []).append(places[archive])
        found = []
        for key, at in holders.items():
            for place in sorted(at):
                part = self.folder_in(archives[place], key)
                if part is not None and not part.left_out:
                    found.append((archives[place], part))
                    break
        return found

    def note_listed(
        self, repository_id: str, seen: str, archives: Sequence[Archive], state: str = ""
    ) -> None:
        """Note what a repository holds at the moment `seen` (ISO 8601 in UTC).

        `state` is what repository_state said before it was asked; empty if that is not known.
        """
        text = json.dumps([[one.name, one.id, one.time.isoformat()] for one in archives])

        def write(transaction: sqlite3.Connection) -> None:
            transaction.execute(
                "INSERT OR REPLACE INTO listed VALUES (?, ?, ?)", (repository_id, seen, text)
            )
            transaction.execute(
                "INSERT OR REPLACE INTO listed_in_state VALUES (?, ?)", (repository_id, state)
            )

        self._change(write)

    def listed(self, repository_id: str) -> Listed | None:
        """Return what a repository was last seen to hold; None if it was never looked at."""
        row = self._connection.execute(
            "SELECT seen, archives, state FROM listed LEFT JOIN listed_in_state USING (repository)"
            " WHERE repository = ?",
            (repository_id,),
        ).fetchone()
        if row is None:
            return None
        archives = tuple(
            Archive(name, identity, datetime.datetime.fromisoformat(time))
            for name, identity, time in json.loads(row[1])
        )
        return Listed(datetime.datetime.fromisoformat(row[0]), archives, row[2] or "")

    def forget_others(self, repository_id: str, archives: Collection[str]) -> None:
        """Drop what is known of archives of the repository that are there no more."""
        rows = self._connection.execute(
            "SELECT id FROM archive WHERE repository = ?", (repository_id,)
        )
        present = set(archives)
        gone = [(row[0],) for row in rows if row[0] not in present]
        if not gone:
            return

        def write(transaction: sqlite3.Connection) -> None:
            transaction.executemany("DELETE FROM folder WHERE archive = ?", gone)
            transaction.executemany("DELETE FROM archive WHERE id = ?", gone)
            transaction.executemany("DELETE FROM summary WHERE archive = ?", gone)

        self._change(write)

    def erase(self, labels: Collection[str]) -> None:
        """Erase the folders with these labels, of all archives, and what SQLite keeps of old rows.

        Raise StateError from `open` if the catalogue cannot be written.
        """
        keys = [(folder_key(label),) for label in labels]
        self._connection.execute("PRAGMA secure_delete = ON")
        with self._connection as transaction:
            transaction.executemany("DELETE FROM folder WHERE key = ?", keys)
            transaction.execute("DELETE FROM summary")
        self._connection.execute("VACUUM")

    def _change(self, write: Callable[[sqlite3.Connection], None]) -> None:
        """Change the catalogue; from when the disk is full on, only what is in memory of it."""
        try:
            with self._connection as transaction:
                write(transaction)
        except sqlite3.OperationalError:
            on_disk, self._connection = self._connection, sqlite3.connect(":memory:")
            with contextlib.closing(on_disk):
                on_disk.backup(self._connection)
            with self._connection as transaction:
                write(transaction)


def _write_summary(transaction: sqlite3.Connection, archive: str, manifest: Manifest) -> None:
    stored = manifest.stored
    values = (
        archive,
        len(stored),
        sum(part.size for part in stored),
        sum(part.tables for part in stored),
        json.dumps([part.label for part in manifest.left_out]),
    )
    transaction.execute("INSERT OR REPLACE INTO summary VALUES (?, ?, ?, ?, ?)", values)


def folder_key(label: str) -> str:
    """Return the form in which two labels mean the same folder; codes know no letter case."""
    return code_key(label)


def _connect(file: Path) -> sqlite3.Connection:
    for _ in range(2):
        try:
            make_folder(file.parent)
            file.touch(mode=0o600)
            connection = sqlite3.connect(file, timeout=30)
        except (StateError, OSError, sqlite3.OperationalError):
            break
        try:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version not in (0, _VERSION):
                raise sqlite3.DatabaseError("another version of avplugin wrote it")
            connection.executescript(_SCHEMA)
            connection.execute(f"PRAGMA user_version = {_VERSION}")
            return connection
        except sqlite3.OperationalError:
            connection.close()  # locked for long, read-only, or the disk is full
            break
        except sqlite3.DatabaseError:
            connection.close()
            with contextlib.suppress(OSError):
                file.unlink()
    return _connect_memory()


def _connect_memory() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.executescript(_SCHEMA)
    return connection
