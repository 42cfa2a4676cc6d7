"""What a package says of itself: which administration, of which moment, file by file.

It is one JSON document in the package. Whoever makes a package can write anything into it, so it is
checked here as far as it can be without the files; whether they are the same, reading them shows.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import re
from typing import Any, NamedTuple

from avplugin.errors import AvpluginError
from avplugin.installation.model import Kind
from avplugin.state.manifest import (
    FolderManifest,
    ManifestError,
    RunManifest,
    folder_from_document,
    run_from_document,
)

MEMBER = "avplugin.json"  # the manifest's own name in a package
VERSION = 1

_SHA256 = re.compile("[0-9a-f]{64}")
_LARGEST = 2**63 - 1  # of a size, and of a time in nanoseconds: what the kernel takes


class PackageError(AvpluginError):
    """A file is no package, or one that cannot be understood or trusted."""


class PackedFile(NamedTuple):
    """One file of a package.

    `path` is its name in the package, with / between its parts. `size` is bytes, `modified`
    nanoseconds since 1970, `sha256` hexadecimal.
    """

    path: str
    size: int
    modified: int
    sha256: str


class PackedDirectory(NamedTuple):
    """One directory of a package, each of its folders included; `path` ends without a slash."""

    path: str
    modified: int


@dataclasses.dataclass(frozen=True, slots=True)
class PackageManifest:
    """All that a package says of itself.

    `run` made the snapshot, or the package itself where that was made of the folder as it lay
    there. `taken` is when the books were copied. `snapshot` is the archive's name, empty where
    there was none; `doubt` says why it was not proven clean, and is empty if it was. The paths of
    `folders` are those in the package behind a slash; the administration's own is the first.
    """

    run: RunManifest
    taken: datetime.datetime
    snapshot: str
    doubt: str
    folders: tuple[FolderManifest, ...]
    files: tuple[PackedFile, ...]
    directories: tuple[PackedDirectory, ...]

    @property
    def folder(self) -> FolderManifest:
        """The administration's own folder."""
        return self.folders[0]

    @property
    def copy_documents(self) -> tuple[FolderManifest, ...]:
        """The folders of its copy documents."""
        return self.folders[1:]

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(file.size for file in self.files)


def package_manifest_to_json(manifest: PackageManifest) -> bytes:
    """Return the document, the same for the same manifest."""
    document = {
        "avplugin_package": VERSION,
        "run": dataclasses.asdict(manifest.run),
        "taken": manifest.taken.astimezone(datetime.UTC).isoformat(),
        "snapshot": manifest.snapshot,
        "doubt": manifest.doubt,
        "folders": [dataclasses.asdict(folder) for folder in manifest.folders],
        "files": [file._asdict() for file in manifest.files],
        "directories": [directory._asdict() for directory in manifest.directories],
    }
    return json.dumps(document, ensure_ascii=True, indent=1).encode("ascii") + b"\n"


def package_manifest_from_json(data: bytes) -> PackageManifest:
    """Return what package_manifest_to_json was given.

    A key that a later version added is passed over. Raise PackageError.
    """
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise PackageError(f"its manifest is no JSON ({error})") from error
    if not isinstance(document, dict) or "avplugin_package" not in document:
        raise PackageError("its manifest was not written by avplugin")
    if document["avplugin_package"] != VERSION:
        raise PackageError("it was made by a newer avplugin than this one, which cannot read it")
    try:
        manifest = PackageManifest(
            run=run_from_document(_dictionary(document["run"])),
            taken=_moment(document["taken"]),
            snapshot=_text(document["snapshot"]),
            doubt=_text(document["doubt"]),
            folders=tuple(folder_from_document(_dictionary(one)) for one in document["folders"]),
            files=tuple(_file(_dictionary(one)) for one in document["files"]),
            directories=tuple(_directory(_dictionary(one)) for one in document["directories"]),
        )
    except ManifestError as error:
        raise PackageError(f"it {error}") from error
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise PackageError(f"its manifest lacks something ({error!r:.80})") from error
    _check_folders(manifest)
    return manifest


def _check_folders(manifest: PackageManifest) -> None:
    kinds = [folder.kind for folder in manifest.folders]
    documents = all(kind is Kind.COPY_DOCUMENTS for kind in kinds[1:])
    if not kinds or kinds[0] is not Kind.ADMINISTRATION or not documents:
        raise PackageError("its manifest does not hold one administration with its copy documents")
    labels = {folder.label for folder in manifest.folders}
    if any(folder.left_out for folder in manifest.folders) or len(labels) != len(kinds):
        raise PackageError("its manifest has folders that are left out, or there twice")


def _dictionary(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(value)
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _number(value: Any, least: int) -> int:
    if type(value) is not int or not least <= value <= _LARGEST:
        raise ValueError(value)
    return value


def _moment(value: Any) -> datetime.datetime:
    moment = datetime.datetime.fromisoformat(_text(value))
    if moment.tzinfo is None:
        raise ValueError(value)
    return moment.astimezone(datetime.UTC)


def _file(value: dict[str, Any]) -> PackedFile:
    digest = _text(value["sha256"])
    if not _SHA256.fullmatch(digest):
        raise ValueError(digest)
    return PackedFile(
        path=_text(value["path"]),
        size=_number(value["size"], 0),
        modified=_number(value["modified"], -_LARGEST),
        sha256=digest,
    )


def _directory(value: dict[str, Any]) -> PackedDirectory:
    return PackedDirectory(_text(value["path"]), _number(value["modified"], -_LARGEST))
