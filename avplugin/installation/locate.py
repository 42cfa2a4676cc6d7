"""Where an installation is: from what the configuration says to folders on this machine."""

from __future__ import annotations

import collections
import dataclasses
import fnmatch
import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from avplugin.installation import register
from avplugin.installation.boundaries import BEFORE_RESTORE
from avplugin.installation.model import (
    Administration,
    BadFolder,
    Folder,
    Installation,
    Kind,
    code_key,
)
from avplugin.installation.windows_path import (
    Drives,
    MissingFolderError,
    PathError,
    is_windows_path,
    name_key,
    one_line,
    split_windows_path,
)

_GLOB = re.compile(r"[*?\[]")
_NO_ADMINISTRATIONS = frozenset(
    {"@eadir", "#recycle", "$recycle.bin", "lost+found", "system volume information"}
)


@dataclasses.dataclass(frozen=True, slots=True)
class FolderGlob:
    """Every folder that matches is an administration, its name is the code."""

    pattern: str


@dataclasses.dataclass(frozen=True, slots=True)
class Register:
    """A file exported from AccountView's Administraties window, and its columns' names."""

    file: str
    code: str
    name: str | None
    folder: str
    copy_documents: str | None
    outdated_after: float = 60 * 86400.0  # seconds


@dataclasses.dataclass(frozen=True, slots=True)
class Explicit:
    """One administration, written out in the configuration."""

    code: str
    name: str
    folder: str
    copy_documents: tuple[str, ...]


AdministrationSource = FolderGlob | Register | Explicit


def locate_installation(
    *,
    name: str,
    program: str | None,
    system: str | None,
    extra: Sequence[str],
    administrations: Sequence[AdministrationSource],
    drives: Drives,
    copy_documents_backup: Callable[[str], bool],
) -> Installation:
    """Given what the configuration says, return the installation as it is on disk now.

    Paths are Windows paths or absolute local paths. The first source that names a code wins.
    What cannot be backed up stands in the result's `bad`, and the rest goes on. Copy
    documents of a code for which `copy_documents_backup` is false are looked for as well,
    but are not missed.

    Raise RegisterError where a register cannot be read: the list is not known then.
    """
    bad: list[BadFolder] = []
    system_folders = _good(_system_folders(program, system, extra, drives), bad)

    found = []
    for claim in _claims(administrations, drives):
        if isinstance(claim, BadFolder):
            bad.append(claim)
        else:
            found.append(_administration(claim, drives, copy_documents_backup, bad))
    return Installation(name, system_folders, tuple(found), tuple(bad))


@dataclasses.dataclass(frozen=True, slots=True)
class _Claim:
    """An administration as its source names it; nothing of it is known to exist."""

    code: str
    name: str
    folder: str  # as written
    copy_documents: tuple[str, ...]
    place: str  # where it is named, for messages
    source: str
    local: str = ""  # the folder on this machine, where a glob found it there


def is_beside_administrations(
    folder: Path, sources: Sequence[AdministrationSource], installation: Installation
) -> bool:
    """Return whether a new folder would be found by a pattern, and called an administration."""
    if not any(isinstance(one, FolderGlob) for one in sources):
        return False
    found = (one.path for one in installation.folders if one.kind is Kind.ADMINISTRATION)
    return folder.parent in {Path(path).parent for path in found}


def _good(found: Iterable[Folder | BadFolder], bad: list[BadFolder]) -> tuple[Folder, ...]:
    """Return the good folders, and add the others to `bad`."""
    good = []
    for folder in found:
        if isinstance(folder, BadFolder):
            bad.append(folder)
        else:
            good.append(folder)
    return tuple(good)


# program, system and extra folders


def _system_folders(
    program: str | None, system: str | None, extra: Sequence[str], drives: Drives
) -> Iterator[Folder | BadFolder]:
    for kind, written in ((Kind.PROGRAM, program), (Kind.SYSTEM, system)):
        if written is not None:
            yield _located(Folder(kind, "", kind.value, "", written), drives)
    for code, written in _extra_codes(extra):
        yield _located(Folder(Kind.EXTRA, code, code, "", written), drives)


def _extra_codes(extra: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield each extra folder's code and path; codes are told apart by a number."""
    taken: set[str] = set()
    for written in extra:
        base = code = one_line(_last_component(written))
        number = 1
        while code_key(code) in taken:
            number += 1
            code = f"{base}-{number}"
        taken.add(code_key(code))
        yield code, written


def _last_component(written: str) -> str:
    if not is_windows_path(written):
        return PurePosixPath(written).name or written
    try:
        return split_windows_path(written)[-1].strip("\\:")
    except PathError:
        return written


# administrations: who names them


def _claims(
    sources: Sequence[AdministrationSource], drives: Drives
) -> Iterator[_Claim | BadFolder]:
    """Yield what the sources name, each code once; a code that is named twice is bad.

    The administrations written out in the configuration count as one source here: a code
    that stands twice among them is a mistake, and nobody would see the second one left out.
    """
    named = [
        (None if isinstance(source, Explicit) else number, claim)
        for number, source in enumerate(sources)
        for claim in _named_by(source, drives)
    ]
    places: dict[tuple[int | None, str], list[str]] = collections.defaultdict(list)
    for origin, claim in named:
        if isinstance(claim, _Claim):
            places[origin, code_key(claim.code)].append(claim.place)

    taken: set[str] = set()
    for origin, claim in named:
        if isinstance(claim, BadFolder):
            yield claim
            continue
        key = code_key(claim.code)
        if key not in taken:
            taken.add(key)
            same_code = places[origin, key]
            yield claim if len(same_code) == 1 else _named_twice(claim, same_code, drives)


def _named_by(source: AdministrationSource, drives: Drives) -> Iterator[_Claim | BadFolder]:
    match source:
        case FolderGlob():
            claims = _named_by_glob(source.pattern, drives)
        case Register():
            claims = _named_by_register(source, drives)
        case Explicit():
            claims = iter([_named_by_configuration(source)])

    for claim in claims:
        yield claim if isinstance(claim, BadFolder) else _with_a_code(claim, drives)


def _with_a_code(claim: _Claim, drives: Drives) -> _Claim | BadFolder:
    reason = _why_no_code(claim.code)
    return _bad_claim(claim, reason, drives) if reason else claim


def _named_by_configuration(source: Explicit) -> _Claim:
    return _Claim(
        code=source.code.strip(),
        name=source.name,
        folder=source.folder,
        copy_documents=source.copy_documents,
        place=source.folder,
        source="configuration",
    )


def _named_by_register(source: Register, drives: Drives) -> Iterator[_Claim | BadFolder]:
    file = source.file
    if is_windows_path(file):
        try:
            file = drives.resolve(file)
        except PathError as error:
            raise register.RegisterError(f"register {one_line(source.file)}: {error}") from error

    entries = register.read_register(
        Path(file),
        code=source.code,
        name=source.name,
        folder=source.folder,
        copy_documents=source.copy_documents,
    )
    for entry in entries:
        yield _Claim(
            code=entry.code,
            name=entry.name,
            folder=entry.folder,
            copy_documents=entry.copy_documents,
            place=entry.line,
            source=entry.line,
        )


def _why_no_code(code: str) -> str:
    """Return why a code cannot be one, or nothing."""
    if not code.strip():
        return "no code given"
    if one_line(code) != code:
        return _why_no_name(code) or "the code has characters that cannot be shown"
    return ""


def _named_twice(claim: _Claim, places: Sequence[str], drives: Drives) -> BadFolder:
    where = " and ".join(places)
    return _bad_claim(
        dataclasses.replace(claim, place=where),
        f"code {claim.code} stands {'twice' if len(places) == 2 else 'several times'}: {where}",
        drives,
    )


def _bad_claim(claim: _Claim, reason: str, drives: Drives) -> BadFolder:
    try:
        path = drives.resolve(claim.local or claim.folder)
    except PathError:
        path = ""
    label = claim.code.strip() or claim.place
    return BadFolder(
        kind=Kind.ADMINISTRATION,
        code=one_line(claim.code.strip()),
        label=one_line(label),
        place=one_line(claim.place),
        reason=one_line(reason),
        path=path,
    )


# administrations: folder globs


@dataclasses.dataclass(frozen=True, slots=True)
class _Glob:
    """A pattern, taken apart: the folder to begin in and what to look for below it."""

    pattern: str
    written: str  # the folder to begin in, as written in the pattern
    folder: str  # the same on this machine
    components: tuple[str, ...]  # empty where the pattern names one folder literally
    spelling: Callable[[str], str]  # names with the same spelling are the same name
    separator: str


def _named_by_glob(pattern: str, drives: Drives) -> Iterator[_Claim | BadFolder]:
    try:
        glob = _taken_apart(pattern, drives)
    except PathError as error:
        yield _bad_glob(pattern, str(error))
        return
    if not glob.components and os.path.lexists(glob.folder):
        yield _glob_claim(glob, ())
        return
    reason = _why_no_folder(glob.folder, may_be_empty=True)
    if reason:
        yield _bad_glob(pattern, f"{reason}: {glob.folder}", glob.folder)
        return

    unlisted: dict[str, str] = {}
    found = sorted(_matching(Path(glob.folder), glob, glob.components, unlisted))
    for folder, reason in unlisted.items():
        yield _bad_glob(pattern, f"{reason}: {folder}", folder)
    if not found and not unlisted:
        yield _bad_glob(pattern, "matches no folder", glob.folder)
    for folder in found:
        yield _glob_claim(glob, Path(folder).relative_to(glob.folder).parts)


def _bad_glob(pattern: str, reason: str, path: str = "") -> BadFolder:
    shown = one_line(pattern)
    return BadFolder(Kind.ADMINISTRATION, "", shown, shown, one_line(reason), path)


def _glob_claim(glob: _Glob, below: tuple[str, ...]) -> _Claim:
    folder = glob.separator.join((glob.written.rstrip(glob.separator), *below))
    folder = folder if below else glob.written
    code = unicodedata.normalize("NFC", below[-1] if below else _last_component(folder)).strip()
    return _Claim(
        code=code,
        name=code,
        folder=folder,
        copy_documents=(),
        place=folder,
        source=glob.pattern,
        local=str(Path(glob.folder, *below)),
    )


def _taken_apart(pattern: str, drives: Drives) -> _Glob:
    if is_windows_path(pattern):
        return _windows_glob(pattern, drives)
    if not pattern.startswith("/") or "\0" in pattern:
        drives.resolve(pattern)  # says what is wrong with it
    return _local_glob(pattern)


def _local_glob(pattern: str) -> _Glob:
    components = PurePosixPath(pattern).parts[1:]

    def exists(length: int) -> bool:
        return os.path.lexists(Path("/", *components[:length]))

    fixed = _fixed_components(components, exists)
    folder = str(Path("/", *components[:fixed]))
    return _Glob(pattern, folder, folder, components[fixed:], _composed, "/")


def _windows_glob(pattern: str, drives: Drives) -> _Glob:
    components = split_windows_path(pattern)

    def written(length: int) -> str:
        return "\\".join(components[:length]) if length > 1 else f"{components[0]}\\"

    def exists(length: int) -> bool:
        try:
            return os.path.lexists(drives.to_local(written(length)))
        except MissingFolderError:
            return False

    fixed = _fixed_components(components, exists)
    folder = drives.resolve(written(fixed))
    return _Glob(pattern, written(fixed), folder, components[fixed:], name_key, "\\")


def _fixed_components(components: Sequence[str], exists: Callable[[int], bool]) -> int:
    """Return how many components of a pattern stand for themselves.

    `exists` tells whether there is a folder called like that many components.
    """
    for number, component in enumerate(components):
        if _is_glob(component) and (_is_wildcard(component) or not exists(number + 1)):
            return number
    return len(components)


def _matching(
    folder: Path, glob: _Glob, components: Sequence[str], unlisted: dict[str, str]
) -> Iterator[str]:
    """Yield the folders below `folder` that match; say in `unlisted` where nobody can look."""
    if not components:
        yield str(folder)
        return
    try:
        with os.scandir(folder) as entries:
            matching = _matching_entries(list(entries), components[0], glob.spelling)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        unlisted[str(folder)] = f"cannot be read, {error.strerror}"
        return
    for entry in matching:
        if _may_be_folder(entry):
            yield from _matching(folder / entry.name, glob, components[1:], unlisted)


def _matching_entries(
    entries: Sequence[os.DirEntry[str]], component: str, spelling: Callable[[str], str]
) -> list[os.DirEntry[str]]:
    wanted = spelling(component)
    if not _is_wildcard(component):
        literal = [entry for entry in entries if spelling(entry.name) == wanted]
        if literal or not _is_glob(component):
            return literal
    return [
        entry
        for entry in entries
        if fnmatch.fnmatchcase(spelling(entry.name), wanted) and not is_passed_over(entry.name)
    ]


def _may_be_folder(entry: os.DirEntry[str]) -> bool:
    """Tell folders from files; a link to nowhere may be a folder on a disk that is missing."""
    try:
        return entry.is_dir() or (entry.is_symlink() and not Path(entry.path).exists())
    except OSError:
        return True


def _is_glob(component: str) -> bool:
    return _GLOB.search(component) is not None


def _is_wildcard(component: str) -> bool:
    """Tell whether a component is a glob even where something is called like that.

    A folder called `*` must not hide a thousand others.
    """
    return component != "" and not component.strip("*?")


def is_passed_over(name: str) -> bool:
    """Return whether a folder of this name, beside administrations, is none and never will be."""
    folded = name.casefold()
    return name.startswith(".") or BEFORE_RESTORE in folded or folded in _NO_ADMINISTRATIONS


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


# looking at the folders


def _administration(
    claim: _Claim,
    drives: Drives,
    copy_documents_backup: Callable[[str], bool],
    bad: list[BadFolder],
) -> Administration:
    name = claim.name.strip() or claim.code
    wanted = Folder(Kind.ADMINISTRATION, claim.code, name, "", claim.folder)
    if claim.folder:
        found = _good([_located(wanted, drives, claim.local)], bad)
    else:
        bad.append(_bad_claim(claim, "no folder given", drives))
        found = ()
    folder = found[0] if found else None

    missed = bad if copy_documents_backup(claim.code) else []
    documents = _good(_copy_documents(claim, name, drives), missed)
    return Administration(
        code=claim.code,
        name=name,
        folder=folder,
        copy_documents=_distinct(documents, folder),
        source=claim.source,
    )


def _copy_documents(claim: _Claim, name: str, drives: Drives) -> Iterator[Folder | BadFolder]:
    """Yield the folders of copy documents, numbered as written.

    The number of one does not depend on whether another is there tonight.
    """
    for number, written in enumerate(claim.copy_documents):
        yield _located(Folder(Kind.COPY_DOCUMENTS, claim.code, name, "", written, number), drives)


def _distinct(documents: Sequence[Folder], folder: Folder | None) -> tuple[Folder, ...]:
    """Return the folders of copy documents that are not said already."""
    said = {folder.path} if folder else set()
    distinct = []
    for document in documents:
        if document.path not in said:
            said.add(document.path)
            distinct.append(document)
    return tuple(distinct)


def _located(wanted: Folder, drives: Drives, local: str = "") -> Folder | BadFolder:
    """Return `wanted` with its path on this machine, or why it cannot be backed up."""
    try:
        path = drives.resolve(local or wanted.windows_path)
    except PathError as error:
        return _bad(wanted, str(error))

    may_be_empty = wanted.kind in (Kind.EXTRA, Kind.COPY_DOCUMENTS)
    reason = why_not_nameable(path) or _why_no_folder(path, may_be_empty=may_be_empty)
    return _bad(wanted, reason, path) if reason else dataclasses.replace(wanted, path=path)


def _bad(wanted: Folder, reason: str, path: str = "") -> BadFolder:
    return BadFolder(
        kind=wanted.kind,
        code=wanted.code,
        label=wanted.label,
        place=one_line(wanted.windows_path),
        reason=one_line(reason),
        path=path,
    )


def why_not_nameable(path: str) -> str:
    """Return why a path cannot stand in a pattern file, or nothing."""
    if path == "/":
        return "is the root folder of this machine"
    reasons = (_why_no_name(component) for component in path.split("/"))
    return next((reason for reason in reasons if reason), "")


def _why_no_name(name: str) -> str:
    """Return why a pattern file cannot express a name, or nothing."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return f"has a name that is not valid UTF-8: {name} (rename it)"
    if name.splitlines() not in ([], [name]):
        return f"has a line break in its name: {name} (rename it)"
    if name != name.strip():
        return f"has white space before or after its name: '{name}' (rename it)"
    return ""


def _why_no_folder(path: str, *, may_be_empty: bool) -> str:
    """Return why there is no folder to be read at `path`, or nothing.

    Trying beats asking: rights can come from lists or a server that `access` knows nothing of.
    """
    try:
        with os.scandir(path) as entries:
            is_empty = next(entries, None) is None
            # A folder can be listed without the right to go into it.
            Path(path, "..").stat()
    except FileNotFoundError:
        return "does not exist"
    except NotADirectoryError:
        return "is a file, not a folder"
    except PermissionError:
        return "cannot be read (this user has no right to it)"
    except OSError as error:
        return f"cannot be read, {error.strerror}"
    return "" if may_be_empty or not is_empty else "is empty"
