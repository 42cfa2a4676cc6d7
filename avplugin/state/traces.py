"""What an administration is called, and how it goes out of all that this machine has noted."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from avplugin.installation.boundaries import BEFORE_RESTORE
from avplugin.state.catalogue import folder_key
from avplugin.state.files import StateError, locked, read_json, write_json

FORGOTTEN = "(forgotten)"  # stands where its name stood

# Folders with a reader of their own.
_NOT_OURS = frozenset({"forget", "receipts", "restore", "scratch"})
_MANIFEST = "manifest"  # the folder with that of the last run of a set
# Words of the files themselves, which a code may happen to be as well.
_PARTS = frozenset(
    {"accepted", "braked", "changed", "done", "folders", "gone", "in_use", "left_out", "losses"}
    | {"people", "reasons", "damaged"}
)
_PLAIN = frozenset(
    {"archive", "boot", "copied", "copy", "ended", "fingerprint", "id", "list_digest"}
    | {"repository", "repository_id", "run", "since", "started", "status", "taken", "when"}
)
# Of sentences of avplugin's, and of the names of companies.
_WORDS = (
    "a an and are as at be but by changed clean copy damaged de does een en exist file "
    "files folder for from gone has have het in is it its last lies missing no not of on "
    "one open or out since table tables that the there this to van was who with "
)
_ORDINARY = frozenset(_WORDS.split())


@dataclasses.dataclass(frozen=True)
class Traces:
    """Code, names, labels of folders and paths by which one administration can be known.

    `paths` are absolute ones of a machine that made archives, `windows_paths` as written.
    """

    code: str
    names: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    windows_paths: tuple[str, ...] = ()

    def are_in(self, text: str) -> bool:
        """Return whether the text names it."""
        return self._pattern.search(text) is not None

    def out_of(self, text: str) -> str:
        """Return the text without its name."""
        return self._pattern.sub(FORGOTTEN, text)

    def is_label(self, text: str) -> bool:
        """Return whether this is the label of one of its folders."""
        return folder_key(text) in self._keys

    def is_place(self, path: str) -> bool:
        """Return whether this is one of its folders, or one that a restore of it has kept."""
        return any(
            path == one or path.lower().startswith(one.lower() + BEFORE_RESTORE)
            for one in self.paths
        )

    def has_place(self, path: str) -> bool:
        """Return whether this is the path of one of its places, or of something in one."""
        return self.is_place(path) or any(path.startswith(f"{place}/") for place in self.paths)

    @functools.cached_property
    def _keys(self) -> frozenset[str]:
        return frozenset(folder_key(label) for label in (self.code, *self.labels))

    @functools.cached_property
    def _pattern(self) -> re.Pattern[str]:
        # A hyphen too ends no word: a code of digits must not be found in a date.
        words = sorted({self.code, *filter(None, self.names)}, key=len, reverse=True)
        places = sorted({*self.paths, *filter(None, self.windows_paths)}, key=len, reverse=True)
        parts = [f"(?i:{re.escape(place)})(?![\\w-])" for place in places]
        parts += [f"(?<![\\w-]){_as_written(word)}(?![\\w-])" for word in words]
        return re.compile("|".join(parts))


def _as_written(word: str) -> str:
    """Return a pattern for a code or a name, in any letter case.

    One that is an ordinary word, as IN, is found only as it is written: what is told of others is
    full of it.
    """
    return re.escape(word) if word.lower() in _ORDINARY else f"(?i:{re.escape(word)})"


def find_traces_in(state: Path, traces: Traces) -> list[Path]:
    """Return the files of the state folder that name an administration. Raise StateError.

    The catalogue, journals of restores and receipts are not looked at: they have readers of their
    own.
    """
    found = [file for file in _json_files(state) if _changed(file, traces) is not None]
    found += [file for file in state.glob(f"*/{_MANIFEST}/**/*.json") if _tells(file, traces)]
    return found + [file for file in state.glob("*/patterns") if _names(file, traces)]


def clear_traces(state: Path, traces: Traces) -> None:
    """Take an administration out of these files. The caller holds the locks of the sets.

    Raise StateError if a file is damaged or cannot be written.
    """
    with locked(state / "drills.lock"):
        for file in find_traces_in(state, traces):
            is_of_run = file.name == "patterns" or file.relative_to(state).parts[1:2] == (
                _MANIFEST,
            )
            cleared = None if is_of_run else _changed(file, traces)
            if cleared is not None:
                write_json(file, cleared)
            else:
                file.unlink(missing_ok=True)  # the next before-backup writes these anew


def _changed(file: Path, traces: Traces) -> Any:
    """Return what a file should say, None if it says so already."""
    document = read_json(file)
    cleared = _cleared(document, traces)
    return None if cleared == document else cleared


def _names(patterns: Path, traces: Traces) -> bool:
    try:
        text = patterns.read_bytes().decode("utf-8", "surrogateescape")
    except OSError:
        return False
    paths = [path.lstrip("/") for path in traces.paths]
    if any(path in text for path in paths):
        return True
    # Folders side by side share an expression, in which the beginnings of names stand once.
    expressions = [line.partition(" re:")[2] for line in text.splitlines() if line[1:5] == " re:"]
    return any(re.search(one, path) for one in expressions for path in paths)


def _tells(manifest_file: Path, traces: Traces) -> bool:
    """Return whether a file of a manifest names it; one that was half written may."""
    try:
        return _changed(manifest_file, traces) is not None
    except StateError:
        return True


def _json_files(state: Path) -> Iterator[Path]:
    yield from sorted(state.glob("*.json"))
    for file in sorted(state.glob("*/*.json")):
        if file.parent.name not in _NOT_OURS:
            yield file


def _cleared(value: Any, traces: Traces) -> Any:
    """Return the value without what is the administration's.

    A key that is one of its labels or places goes with what it stands for, and so does an entry of
    a list that has one, or a sentence in a list that begins with one; other texts lose its name.
    """
    if isinstance(value, dict):
        return {
            key: part if key in _PLAIN and isinstance(part, str) else _cleared(part, traces)
            for key, part in value.items()
            if not _stands_for_it(key, part, traces)
        }
    if isinstance(value, list):
        return [_cleared(part, traces) for part in value if not _is_about_it(part, traces)]
    return traces.out_of(value) if isinstance(value, str) else value


def _is_about_it(part: Any, traces: Traces) -> bool:
    """Return whether an entry of a list is about one of its folders: a sentence, or an object."""
    if isinstance(part, dict):
        return isinstance(part.get("label"), str) and traces.is_label(part["label"])
    return isinstance(part, str) and traces.is_label(part.partition(": ")[0])


def _stands_for_it(key: str, part: Any, traces: Traces) -> bool:
    if isinstance(part, dict | list):
        return key not in _PARTS and traces.is_label(key)
    return isinstance(part, str) and traces.has_place(key)
