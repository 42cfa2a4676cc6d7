"""Windows paths, as AccountView knows its folders, and where they are on this machine."""

from __future__ import annotations

import collections
import os
import re
import unicodedata
from collections.abc import Mapping

from avplugin.errors import AvpluginError

# Two slashes start a UNC path, three or more are one to POSIX; backslashes are no local path
# however many there are, and YAML's single quotes make people write four.
_WINDOWS_PATH = re.compile(r"[A-Za-z]:(?=[\\/]|$)|(?:\\{2,}|//)(?=[^\\/])")
_SLASHES = re.compile(r"[\\/]+")
_BREAKS_A_LINE = frozenset({"Cc", "Cs", "Zl", "Zp"})  # Unicode categories


class PathError(AvpluginError):
    """A path from the configuration or the register leads to no folder on this machine."""


class DrivesError(PathError):
    """The configuration's `drives` cannot be meant as they stand."""


class NotAPathError(PathError):
    """A text is neither an absolute local path nor a Windows path."""


class UpwardPathError(PathError):
    """A Windows path goes up with `..`."""


class NoDriveError(PathError):
    """No entry of `drives` is the beginning of a Windows path."""


class MissingFolderError(PathError):
    """A component of a Windows path does not exist on this machine."""


class AmbiguousNameError(PathError):
    """Two names on disk are one name to Windows."""


class UnreadableFolderError(PathError):
    """A folder on the way cannot be listed, so its names cannot be compared."""


def is_windows_path(text: str) -> bool:
    r"""Tell whether `text` starts with a drive (`F:\`, `F:/`, `F:` alone) or is a UNC path."""
    return _WINDOWS_PATH.match(text) is not None


def split_windows_path(windows_path: str) -> tuple[str, ...]:
    r"""Return the components of a Windows path, the first being `F:` or `\\server`.

    Either slash separates; double ones, `.` and what Windows ignores at the end of a name
    (dots and blanks) are dropped.

    Raise NotAPathError where it is no Windows path, UpwardPathError where it has a `..`.
    """
    if not is_windows_path(windows_path):
        raise NotAPathError(f"not a Windows path: {one_line(windows_path)}")

    written = _SLASHES.split(windows_path)
    root, rest = (written[0], written[1:]) if written[0] else (rf"\\{written[1]}", written[2:])

    components = [root]
    for component in rest:
        name = component.rstrip(" .")
        if name:
            components.append(name)
        elif component.strip(" ") not in ("", "."):
            raise UpwardPathError(f"goes up with ..: {one_line(windows_path)}")
    return tuple(components)


def name_key(name: str) -> str:
    """Return the form in which two names of a folder are the same name to Windows.

    Windows upper-cases each character by itself, and only where the way back leads to the
    same character: an eszett is not SS, a dotless i is not I. Accents count as composed (NFC),
    because a Mac or a file server may have stored them apart.
    """
    if name.isascii():
        return name.upper()
    return "".join(_upper(character) for character in unicodedata.normalize("NFC", name))


def one_line(text: str) -> str:
    """Return `text` as it can stand in a message: line breaks and broken bytes escaped."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(character) for character in text)


class Drives:
    """The map from Windows paths to folders on this machine.

    Made of the configuration's `drives`: a drive, UNC path or folder of either, and the local
    folder that it is here. Folders are listed once and remembered, so an instance should
    live no longer than one look at the installation.

    Raise DrivesError where a key is no Windows path, or two keys are the same prefix.
    """

    def __init__(self, drives: Mapping[str, str]) -> None:
        self._folders: dict[tuple[str, ...], str] = {}
        self._names: dict[str, Mapping[str, list[str]]] = {}
        self._unlisted: dict[str, OSError] = {}
        self._real_paths: dict[str, str] = {}

        written: dict[tuple[str, ...], str] = {}
        for windows_prefix, folder in drives.items():
            prefix = _prefix_key(windows_prefix)
            if prefix in written:
                raise DrivesError(
                    f"drives: {one_line(windows_prefix)} and {one_line(written[prefix])}"
                    " are the same folder (remove one)"
                )
            written[prefix] = windows_prefix
            self._folders[prefix] = folder

    def resolve(self, text: str) -> str:
        """Return the folder on this machine that `text` means, symbolic links resolved.

        `text` is a Windows path or an absolute local path. A local path need not exist.

        Raise PathError where a Windows path leads nowhere, or `text` is no path at all.
        """
        _require_usable(text)
        if is_windows_path(text):
            return self._real(self.to_local(text))
        if not text.startswith("/"):
            raise NotAPathError(
                f"not an absolute path: {one_line(text)}"
                r" (start it with /, with a drive such as F:\, or with \\server)"
            )
        return self._real(text)

    def _real(self, path: str) -> str:
        """Return the path without links; what lies above it is looked at once, not for each."""
        above, _, name = path.rpartition("/")
        if not above or name in {"", ".", ".."}:
            return os.path.realpath(path)
        if above not in self._real_paths:
            self._real_paths[above] = os.path.realpath(above)
        found = f"{self._real_paths[above].rstrip('/')}/{name}"
        return os.path.realpath(found) if os.path.islink(found) else found  # noqa: PTH114

    def to_local(self, windows_path: str) -> str:
        r"""Return the local path of a Windows path such as `F:\admins\bakker26`.

        The longest prefix in `drives` wins; what follows it is looked up on disk without
        regard to letter case. Whether the last component is a folder is not looked at.

        Raise NotAPathError, UpwardPathError, NoDriveError, MissingFolderError,
        AmbiguousNameError or UnreadableFolderError.
        """
        _require_usable(windows_path)
        components = split_windows_path(windows_path)
        folder, remaining = self._mapped(windows_path, components)
        for component in remaining:
            folder = f"{folder.rstrip('/')}/{self._name_on_disk(windows_path, folder, component)}"
        return folder

    def _mapped(
        self, windows_path: str, components: tuple[str, ...]
    ) -> tuple[str, tuple[str, ...]]:
        keys = tuple(name_key(component) for component in components)
        for length in range(len(keys), 0, -1):
            folder = self._folders.get(keys[:length])
            if folder is not None:
                return folder, components[length:]

        prefix = "\\".join(components[:2]) if components[0].startswith("\\") else f"{keys[0]}\\"
        raise NoDriveError(
            f"no drive maps {one_line(windows_path)} (add {one_line(prefix)} to drives)"
        )

    def _name_on_disk(self, windows_path: str, folder: str, component: str) -> str:
        names = self._names_in(windows_path, folder).get(name_key(component), [])
        if not names:
            raise MissingFolderError(
                f"does not exist: {one_line(windows_path)}"
                f" (no {one_line(component)} in {one_line(folder)})"
            )
        if len(names) > 1:
            first, second = sorted(names)[:2]
            raise AmbiguousNameError(
                f"{one_line(first)} differs only in {_difference(first, second)} from"
                f" {one_line(second)} in {one_line(folder)} (rename one)"
            )
        return names[0]

    def _names_in(self, windows_path: str, folder: str) -> Mapping[str, list[str]]:
        """Return the names in `folder` by their key.

        Failures are remembered too: a server that went away takes its time to fail.
        """
        if folder not in self._names and folder not in self._unlisted:
            try:
                self._names[folder] = _listed(folder)
            except OSError as error:
                self._unlisted[folder] = error
        if folder in self._unlisted:
            raise _listing_error(windows_path, folder, self._unlisted[folder])
        return self._names[folder]


def _prefix_key(windows_prefix: str) -> tuple[str, ...]:
    try:
        return tuple(name_key(component) for component in split_windows_path(windows_prefix))
    except PathError as error:
        raise DrivesError(rf"drives: {error} (write F:\, F:\folder or \\server\share)") from error


def _require_usable(text: str) -> None:
    """Raise NotAPathError for what no file system call takes."""
    try:
        usable = b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        usable = False
    if not usable:
        raise NotAPathError(f"not a path: {one_line(text)}")


def _listed(folder: str) -> Mapping[str, list[str]]:
    names: dict[str, list[str]] = collections.defaultdict(list)
    with os.scandir(folder) as entries:
        for entry in entries:
            names[name_key(entry.name)].append(entry.name)
    return dict(names)


def _listing_error(windows_path: str, folder: str, error: OSError) -> PathError:
    where = f"{one_line(folder)} (on the way to {one_line(windows_path)})"
    if isinstance(error, FileNotFoundError):
        return MissingFolderError(f"does not exist: {where}")
    if isinstance(error, NotADirectoryError):
        return MissingFolderError(f"is a file, not a folder: {where}")
    return UnreadableFolderError(f"cannot be listed, {error.strerror}: {where}")


def _difference(first: str, second: str) -> str:
    composed = {unicodedata.normalize("NFC", name) for name in (first, second)}
    return "how its accents are stored" if len(composed) == 1 else "case"


def _upper(character: str) -> str:
    upper = character.upper()
    return upper if len(upper) == 1 and upper.lower() == character else character


def _escaped(character: str) -> str:
    if unicodedata.category(character) in _BREAKS_A_LINE:
        return character.encode("unicode_escape").decode("ascii")
    return character
