"""The pattern file that tells borgmatic, and through it Borg, exactly which folders are meant.

Three facts decide its form. borgmatic expands `*`, `?` and `[` in roots and offers no way to say
that they are meant literally, so a root never holds one: it is an ancestor without them, and
`+`/`!` lines say what is wanted below. It compares every root with every other one, a minute for
1,700 of them: many become few, the folders around them. And Borg compares every path with every
line in turn, until one matches: a folder that needs no line gets none, and folders side by side
share one.
"""

from __future__ import annotations

import collections
import itertools
import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

_GLOB = re.compile(r"[*?\[]")
_MOST_ROOTS = 20  # borgmatic compares so many with each other in no time
# Settings of borgmatic's with which Borg judges the contents of a folder by the folder itself: what
# lies above those that are wanted must not have a say.
_JUDGING_FOLDERS = ("one_file_system", "exclude_if_present", "exclude_caches", "exclude_nodump")
_FEW = 4  # alternatives that are not worth to be sorted
_DEEPEST = 20  # Python's own parser of expressions goes one call deeper for each


class Selection:
    """The folders of one archive, as Borg is told them.

    `wanted` are absolute paths of folders to store whole, `boundaries` those of folders that must
    not be stored though they lie inside a wanted one; either may lie inside the other.
    `may_begin_in` says whether Borg may be sent into a folder only because wanted ones lie in it.
    """

    def __init__(
        self,
        wanted: Collection[str],
        boundaries: Collection[str] = (),
        may_begin_in: Callable[[str], bool] = lambda _: False,
    ) -> None:
        chosen = {PurePosixPath(path) for path in wanted}
        barred = {PurePosixPath(path) for path in boundaries} - chosen
        self._roots = _gathered(_outermost({_root_of(path) for path in chosen}), may_begin_in)
        self._rules = _Rules(chosen, barred, self._roots)

    @property
    def ancestors(self) -> frozenset[str]:
        """The folders that Borg stores only because wanted ones lie behind them."""
        return frozenset(str(path) for path in self._rules.passages)

    def lines(self, manifest_root: str) -> list[str]:
        """Return the lines of the pattern file.

        `manifest_root` is a path in Borg's slashdot notation: what stands behind `/./` is the path
        in the archive.
        """
        manifest = manifest_root.replace("/./", "/")
        return [
            f"R {manifest_root}",
            *(f"R {root}" for root in sorted(self._roots)),
            f"+ pp:{manifest}",
            *self._rules.lines(),
        ]


def may_begin_above(settings: Mapping[str, Any]) -> Callable[[str], bool]:
    """Given borgmatic's settings, return whether Borg may be sent into a folder around wanted ones.

    It must be able to list it, and none of its other rules may turn it away there.
    """
    if any(settings.get(key) for key in _JUDGING_FOLDERS):
        return lambda _: False
    return lambda path: os.access(path, os.R_OK | os.X_OK)


def _root_of(path: PurePosixPath) -> PurePosixPath:
    """Return the nearest folder, itself included, whose whole path has no glob character."""
    for candidate in (path, *path.parents):
        if not _GLOB.search(str(candidate)):
            return candidate
    return PurePosixPath("/")


def _outermost(paths: set[PurePosixPath]) -> set[PurePosixPath]:
    return {path for path in paths if not any(parent in paths for parent in path.parents)}


def _gathered(roots: set[PurePosixPath], may_begin_in: Callable[[str], bool]) -> set[PurePosixPath]:
    """Return the roots, or, if they are too many, folders around them; those side by side first."""
    fixed: set[PurePosixPath] = set()  # these are left where they are
    shut = _shut(roots, may_begin_in) if len(roots) > _MOST_ROOTS else set()
    while len(roots) > _MOST_ROOTS:
        beside: dict[PurePosixPath, set[PurePosixPath]] = collections.defaultdict(set)
        for root in roots - fixed:
            beside[root.parent].add(root)
        if not beside:
            break
        if all(len(children) == 1 for children in beside.values()):
            depths = collections.Counter(len(parent.parts) for parent in beside)
            usual = max(depths, key=lambda depth: (depths[depth], depth))
            moved = [parent for parent in beside if len(parent.parts) == usual]
        else:
            moved = [parent for parent, children in beside.items() if len(children) > 1]
        for parent in moved:
            children = beside[parent]
            if len(parent.parts) > 1 and parent not in shut:
                roots = roots - children | {parent}
            else:
                fixed |= children
        roots = _outermost(roots)
    return roots


def _shut(roots: set[PurePosixPath], may_begin_in: Callable[[str], bool]) -> set[PurePosixPath]:
    """Return the folders around the roots from which Borg would not get to all that is in them.

    These are the ones it may not begin in, and those around them: it would not get through.
    """
    around = {folder for parent in {root.parent for root in roots} for folder in _lineage(parent)}
    closed = {folder for folder in around if not may_begin_in(str(folder))}
    return {folder for path in closed for folder in _lineage(path)}


def _lineage(path: PurePosixPath) -> tuple[PurePosixPath, ...]:
    return (path, *path.parents)


class _Rules:
    """Which paths below the roots are let in, passed through and kept out."""

    def __init__(
        self, chosen: set[PurePosixPath], barred: set[PurePosixPath], roots: set[PurePosixPath]
    ) -> None:
        self.passages: set[PurePosixPath] = set()
        self.kept_out = roots - chosen
        self.let_in: set[PurePosixPath] = set()
        marked = chosen | barred | roots
        for path in barred:
            if _nearest(path, marked) in chosen:
                self.kept_out.add(path)
        for path in chosen - roots:
            outside = _nearest(path, marked)
            if outside in chosen:
                continue
            self.let_in.add(path)
            # Up to the one that is kept out, every folder on the way has to be passed through.
            for parent in path.parents:
                self.passages.add(parent)
                if parent in self.kept_out:
                    break

    def lines(self) -> Iterator[str]:
        """Yield the lines, inner folders before outer, since the first that matches counts."""
        folders = self.passages | self.let_in | self.kept_out
        for depth in sorted({len(path.parts) for path in folders}, reverse=True):
            yield from (f"+ pf:{path}" for path in _of_depth(self.passages, depth))
            yield from _whole_folders("+", _of_depth(self.let_in, depth))
            yield from _whole_folders("!", _of_depth(self.kept_out, depth))


def _of_depth(paths: set[PurePosixPath], depth: int) -> list[PurePosixPath]:
    return sorted(path for path in paths if len(path.parts) == depth)


def _whole_folders(sign: str, paths: list[PurePosixPath]) -> Iterator[str]:
    """Yield the line for folders with all that is in them; several share one expression."""
    if len(paths) == 1:
        yield f"{sign} pp:{paths[0]}"
    elif paths:
        # Borg matches paths without their leading slash, and searches for expressions. A dollar
        # sign would let in what has a line break behind the name.
        alternatives = _alternatives(sorted(str(path).lstrip("/") for path in paths))
        yield rf"{sign} re:^{alternatives}(?:/|\Z)"


def _alternatives(texts: Sequence[str], depth: int = 0) -> str:
    """Return an expression for these texts (sorted, distinct), their common beginnings only once.

    Borg tries it on every path: to try a thousand texts one by one takes longer than all else.
    """
    if len(texts) <= _FEW or depth == _DEEPEST:
        return f"(?:{'|'.join(map(re.escape, texts))})"
    first, last = texts[0], texts[-1]
    pairs = enumerate(zip(first, last, strict=False))
    shared = next((at for at, (one, other) in pairs if one != other), len(first))
    groups = itertools.groupby(texts, key=lambda text: text[shared : shared + 1])
    branches = (
        re.escape(letter) + _alternatives([text[shared + 1 :] for text in group], depth + 1)
        for letter, group in groups
    )
    return f"{re.escape(first[:shared])}(?:{'|'.join(branches)})"


def _nearest(path: PurePosixPath, marked: set[PurePosixPath]) -> PurePosixPath | None:
    return next((parent for parent in path.parents if parent in marked), None)
