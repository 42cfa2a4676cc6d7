"""The manifest inside every archive: what was meant to be in it, folder by folder.

It lies in the archive below `avplugin`: one file for the run, in a folder of its name, and one for
every folder, so that one client can be erased without touching the others. Those of folders have
the same path each night: what has not changed costs Borg nothing. The repository alone is enough to
know what is in it. Archives of before 2026-11-27 have all of it in the folder of the run.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import posixpath
from collections.abc import Callable, Collection, Iterable
from typing import Any, TypeVar
from urllib.parse import quote

from avplugin.errors import AvpluginError
from avplugin.installation.model import BadFolder, Folder, Kind, code_key
from avplugin.installation.scan import Contents

ROOT = "avplugin"  # the folder of manifests in every archive
VERSION = 1
NOT_CHECKED, NOBODY = "not checked", "nobody"  # of the sessions in a folder; else who was in

# What a value of each type has to be, by the type as it is written in the classes below.
_TYPES: dict[Any, Callable[[Any], bool]] = {
    "str": lambda value: isinstance(value, str),
    "int": lambda value: type(value) is int and value >= 0,
    "Kind": lambda value: isinstance(value, Kind),
    "tuple[str, ...]": lambda value: all(isinstance(one, str) for one in value),
    "dict[str, str]": lambda value: (
        isinstance(value, dict)
        and all(isinstance(one, str) for pair in value.items() for one in pair)
    ),
}

_Value = TypeVar("_Value", "RunManifest", "FolderManifest")


class ManifestError(AvpluginError):
    """An archive holds no manifest, or one that cannot be understood."""


@dataclasses.dataclass(frozen=True, slots=True)
class FolderManifest:
    """One folder of an archive, or one that was left out and why.

    Sizes are bytes. `path` is where the folder lay on the machine that made the archive; without
    its leading slash it is the path in the archive. `inside` are paths of folders that lie in this
    one and are stored, if at all, as folders of their own.
    """

    kind: Kind
    code: str
    name: str
    label: str
    windows_path: str
    path: str
    left_out: str = ""  # the reason; everything below is empty then
    fingerprint: str = ""
    list_digest: str = ""
    files: int = 0
    size: int = 0
    tables: int = 0
    inside: tuple[str, ...] = ()
    sessions: str = NOT_CHECKED  # or nobody, or who was in
    table_health: str = NOT_CHECKED  # or sound, or damaged
    damaged: dict[str, str] = dataclasses.field(default_factory=dict)  # what is wrong, by path

    @property
    def was_in_use(self) -> bool:
        """Whether it was left out because somebody was in it."""
        return bool(self.left_out) and self.sessions not in {NOT_CHECKED, NOBODY}

    @property
    def damaged_tables(self) -> frozenset[str]:
        """The damaged tables, by path without suffix: memo and index are parts of their table."""
        return frozenset(path.rpartition(".")[0].lower() for path in self.damaged)

    @property
    def archived_path(self) -> str:
        """The folder's path in the archive."""
        return self.path.lstrip("/")


@dataclasses.dataclass(frozen=True, slots=True)
class RunManifest:
    """The run that made an archive. `started` is ISO 8601 in UTC.

    `number` is higher than that of every archive of the series that there was then, whatever time
    they say; 0 in archives of versions that did not count.
    """

    run: str
    installation: str
    installation_id: str
    set: str
    host: str
    started: str
    avplugin_version: str
    accountview_version: str
    program: str
    system: str
    configuration: str  # accountview.yaml as it was; it holds no secrets
    number: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Manifest:
    """All of a run."""

    run: RunManifest
    folders: tuple[FolderManifest, ...]

    @property
    def stored(self) -> tuple[FolderManifest, ...]:
        """The folders that are in the archive."""
        return tuple(folder for folder in self.folders if not folder.left_out)

    def copy_documents_of(self, folder: FolderManifest) -> tuple[FolderManifest, ...]:
        """Return the copy documents in the archive that belong to an administration's folder."""
        return tuple(
            part
            for part in self.stored
            if folder.kind is Kind.ADMINISTRATION
            and part.kind is Kind.COPY_DOCUMENTS
            and code_key(part.code) == code_key(folder.code)
        )

    @property
    def left_out(self) -> tuple[FolderManifest, ...]:
        """The folders that should be in the archive and are not."""
        return tuple(folder for folder in self.folders if folder.left_out)

    @property
    def sessions(self) -> str:
        """Who was in before the copy: not checked, nobody or somebody."""
        said = {folder.sessions for folder in self.stored}
        if NOT_CHECKED in said or not said:
            return NOT_CHECKED
        return NOBODY if said == {NOBODY} else "somebody"


def describe_folder(
    folder: Folder,
    contents: Contents,
    inside: Iterable[str],
    sessions: str,
    last: FolderManifest | None = None,
) -> FolderManifest:
    """Return the manifest of a folder as it lies there now; `sessions` says who is in it.

    `last` is an earlier one of the folder: with the same fingerprint it has the same list.
    """
    fingerprint = contents.fingerprint
    return FolderManifest(
        kind=folder.kind,
        code=folder.code,
        name=folder.name,
        label=folder.label,
        windows_path=folder.windows_path,
        path=folder.path,
        fingerprint=fingerprint,
        list_digest=(
            last.list_digest
            if last is not None and last.fingerprint == fingerprint
            else contents.list_digest
        ),
        files=contents.files,
        size=contents.size,
        tables=contents.tables,
        inside=tuple(sorted(inside)),
        sessions=sessions,
    )


def describe_left_out(bad: BadFolder, sessions: str) -> FolderManifest:
    """Return the manifest of a folder that could not be backed up."""
    return FolderManifest(
        kind=bad.kind,
        code=bad.code,
        name="",
        label=bad.label,
        windows_path=bad.place,
        path=bad.path,
        left_out=bad.why,
        sessions=sessions,
    )


def manifest_files(manifest: Manifest) -> dict[str, bytes]:
    """Return the manifest's files by their path below `avplugin/`."""
    run = {"avplugin_manifest": VERSION, "type": "run", **_as_dict(manifest.run)}
    files = {f"{manifest.run.run}/run.json": _line(run)}
    for part in manifest.folders:
        document = {"avplugin_manifest": VERSION, "type": "folder", **_as_dict(part)}
        files[_file_name(part, files)] = _line(document)
    return files


def read_manifest(data: bytes) -> Manifest:
    """Return the manifest out of its files one behind the other, in any order.

    A key that a later version added is passed over. Raise ManifestError if there is no run among
    them, or more than one, or a file cannot be understood.
    """
    runs: list[RunManifest] = []
    folders: list[FolderManifest] = []
    for line in data.splitlines():
        document = _parse(line)
        if document.get("type") == "run":
            runs.append(run_from_document(document))
        elif document.get("type") == "folder":
            folders.append(folder_from_document(document))
    if len(runs) != 1:
        raise ManifestError("holds no manifest of avplugin" if not runs else "holds two manifests")
    return Manifest(runs[0], tuple(sorted(folders, key=lambda part: (part.kind, part.label))))


def folder_to_json(part: FolderManifest) -> str:
    """Return one folder's manifest as text for the catalogue."""
    return json.dumps(_as_dict(part), ensure_ascii=True)


def run_to_json(run: RunManifest) -> str:
    """Return the run's manifest as text for the catalogue."""
    return json.dumps(_as_dict(run), ensure_ascii=True)


def folder_from_json(text: str) -> FolderManifest:
    """Return what folder_to_json was given."""
    return folder_from_document(json.loads(text))


def run_from_json(text: str) -> RunManifest:
    """Return what run_to_json was given."""
    return run_from_document(json.loads(text))


def run_from_document(document: dict[str, Any]) -> RunManifest:
    """Return the run in a document of JSON. Raise ManifestError if it is none."""
    return _make(RunManifest, document)


def folder_from_document(document: dict[str, Any]) -> FolderManifest:
    """Return the folder in a document of JSON. Raise ManifestError if it is none."""
    try:
        values = {"kind": Kind(document["kind"]), "inside": tuple(document["inside"])}
    except (KeyError, TypeError, ValueError) as error:
        raise ManifestError(f"holds a manifest that lacks something ({error!r})") from error
    part = _make(FolderManifest, {**document, **values})
    _check_paths(part)
    return part


def _as_dict(value: RunManifest | FolderManifest) -> dict[str, Any]:
    """Return what json.dumps takes; dataclasses.asdict would copy all of it, a thousand times."""
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


def _line(document: dict[str, Any]) -> bytes:
    """Return the document on one line: the files of a manifest are read one behind the other."""
    return json.dumps(document, ensure_ascii=True).encode("ascii") + b"\n"


def _parse(line: bytes) -> dict[str, Any]:
    try:
        document = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ManifestError(f"holds a manifest that is no JSON ({error})") from error
    if not isinstance(document, dict) or "avplugin_manifest" not in document:
        raise ManifestError("holds a manifest that avplugin did not write")
    if document["avplugin_manifest"] != VERSION:
        raise ManifestError(
            f"holds a manifest of version {document['avplugin_manifest']}, which this avplugin does"
            " not know; a newer one will"
        )
    return document


def _make(cls: type[_Value], document: dict[str, Any]) -> _Value:
    known = {field.name: field.type for field in dataclasses.fields(cls)}
    values = {key: value for key, value in document.items() if key in known}
    for key, value in values.items():
        if not _TYPES[known[key]](value):
            raise ManifestError(f"holds a manifest in which {key} cannot be {value!r:.40}")
    try:
        return cls(**values)
    except TypeError as error:
        raise ManifestError(f"holds a manifest that lacks something ({error})") from error


def _check_paths(part: FolderManifest) -> None:
    """Refuse paths that lead elsewhere than they seem to: whoever has the key can write them.

    A restore works with them, and removes and moves what lies there.
    """
    if part.left_out and not part.path:
        return
    for path in (part.path, *part.inside):
        is_plain = path == posixpath.normpath(path) and path[:1] == "/" and path[1:2] not in "/"
        if not is_plain or "\0" in path:
            raise ManifestError(f"holds a manifest with a path that cannot be: {path!r:.60}")
    for path in part.inside:
        if not path.startswith(f"{part.path}/"):
            raise ManifestError(f"holds a manifest in which {path!r:.60} is not in its folder")


def _file_name(part: FolderManifest, taken: Collection[str]) -> str:
    """Return a path that any file system takes, unique in the manifest."""
    stem = f"folders/{part.kind}-{quote(part.label, safe='', errors='surrogatepass')[:150]}"
    candidates = itertools.chain([stem], (f"{stem}-{number}" for number in itertools.count(2)))
    return next(f"{name}.json" for name in candidates if f"{name}.json" not in taken)
