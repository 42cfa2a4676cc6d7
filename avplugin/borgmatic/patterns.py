"""The pattern file that tells borgmatic, and through it Borg, exactly which folders are meant.

Two facts decide its form. borgmatic expands `*`, `?` and `[` in roots and offers no way to say
that they are meant literally, so a root never holds one: it is an ancestor without them, and
`+`/`!` lines say what is wanted below. And Borg compares every path with every line in turn, until
one matches: a folder that needs no line gets none, and folders side by side share one.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import PurePosixPath

_GLOB = re.compile(r"[*?\[]")
_FEW = 4  # alternatives that are not worth to be sorted
_DEEPEST = 20  # Python's own parser of expressions goes one call deeper for each


def make_patterns(
    wanted: Collection[str], boundaries: Collection[str], manifest_root: str
) -> list[str]:
    """Return the lines of the pattern file.

    `wanted` are absolute paths of folders to store whole, `boundaries` those of folders that must
    not be stored though they lie inside a wanted one; either may lie inside the other.
    `manifest_root` is a path in Borg's slashdot notation: what stands behind `/./` is the path in
    the archive.
    """
    chosen = {PurePosixPath(path) for path in wanted}
    barred = {PurePosixPath(path) for path in boundaries} - chosen
    roots = _outermost({_root_of(path) for path in chosen})
    rules = _Rules(chosen, barred, roots)
    manifest = manifest_root.replace("/./", "/")
    return [
        f"R {manifest_root}",
        *(f"R {root}" for root in sorted(roots)),
        f"+ pp:{manifest}",
        *rules.lines(),
    ]


def stored_ancestors(wanted: Collection[str], boundaries: Collection[str]) -> set[str]:
    """Return the folders that Borg stores only because wanted ones lie behind them."""
    chosen = {PurePosixPath(path) for path in wanted}
    barred = {PurePosixPath(path) for path in boundaries} - chosen
    roots = _outermost({_root_of(path) for path in chosen})
    return {str(path) for path in _Rules(chosen, barred, roots).passages}


def _root_of(path: PurePosixPath) -> PurePosixPath:
    """Return the nearest folder, itself included, whose whole path has no glob character."""
    for candidate in (path, *path.parents):
        if not _GLOB.search(str(candidate)):
            return candidate
    return PurePosixPath("/")


def _outermost(paths: set[PurePosixPath]) -> set[PurePosixPath]:
    return {path for path in paths if not any(parent in paths for parent in path.parents)}


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
        # Borg matches paths without their leading slash, and searches for expressions.
        alternatives = _alternatives(sorted(str(path).lstrip("/") for path in paths))
        yield f"{sign} re:^{alternatives}(?:/|$)"


def _alternatives(texts: Sequence[str], depth: int = 0) -> str:
    """Return an expression for these texts (sorted, distinct), their common beginnings only once.

    Borg tries it on every path: to try a thousand texts one by one takes longer than all else.
    """
    if len(texts) <= _FEW or depth == _DEEPEST:
        return f"(?:{'|'.join(map(re.escape, texts))})"
    shared = len(os.path.commonprefix([texts[0], texts[-1]]))
    groups = itertools.groupby(texts, key=lambda text: text[shared : shared + 1])
    branches = (
        re.escape(first) + _alternatives([text[shared + 1 :] for text in group], depth + 1)
        for first, group in groups
    )
    return f"{re.escape(texts[0][:shared])}(?:{'|'.join(branches)})"


def _nearest(path: PurePosixPath, marked: set[PurePosixPath]) -> PurePosixPath | None:
    return next((parent for parent in path.parents if parent in marked), None)
