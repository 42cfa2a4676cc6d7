"""Trees with nasty names, which folders of them are wanted, and what Borg must make of that."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from borgmatic.actions.pattern import collect_patterns, process_patterns
from borgmatic.borg.pattern import write_patterns_file
from hypothesis import strategies as st

from avplugin.borgmatic.patterns import Selection
from avplugin.installation.locate import why_not_nameable

NASTY_NAMES = (
    "Klant [12]",
    "Klant 1",
    "Klant 2",
    "café*",
    "café-oud",
    "cafe\u0301",  # as a Mac stores it
    "wat?",
    "*",
    "?",
    "[",
    "[!a]",
    "[[]",
    "V&D",
    "'t Hoekje",
    'zeg "ja"',
    "#recycle",
    "pp:x",
    "re:.*",
    "sh:**",
    "R x",
    "+ a",
    "! b",
    "~",
    "~root",
    "-rf",
    "{now}",
    "{hostname}",
    "%d$HOME",
    "a\\b",
    "a.",
    "...",
    "a",
    "ab",
)

names = st.one_of(
    st.sampled_from(NASTY_NAMES),
    st.text(st.sampled_from("ab*?[]!#:~-+{}%&'\" .é\u0301\\,$"), min_size=1, max_size=6),
).filter(lambda name: name not in {".", ".."} and not why_not_nameable(name))


@dataclasses.dataclass(frozen=True)
class Tree:
    """Folders as components below a root, and which of them are wanted or barred.

    Every folder holds one file, `table.dbf`.
    """

    folders: frozenset[tuple[str, ...]]
    wanted: frozenset[tuple[str, ...]]
    barred: frozenset[tuple[str, ...]]

    def paths(self, root: str, which: Iterable[tuple[str, ...]]) -> set[str]:
        """Return folders of the tree as absolute paths."""
        return {str(PurePosixPath(root, *folder)) for folder in which}

    def everything(self, root: str) -> set[str]:
        """Return all folders and files."""
        folders = self.paths(root, self.folders)
        return folders | {str(PurePosixPath(folder, "table.dbf")) for folder in folders}

    def meant(self, root: str) -> set[str]:
        """Return what is to be stored: all whose nearest marked folder is a wanted one."""
        wanted = self.paths(root, self.wanted)
        marked = wanted | self.paths(root, self.barred)
        return {
            path
            for path in self.everything(root)
            if next((str(p) for p in _lineage(path) if str(p) in marked), None) in wanted
        }

    def make(self, root: Path) -> None:
        """Make the tree on disk."""
        for folder in sorted(self.folders):
            path = root.joinpath(*folder)
            path.mkdir(parents=True)
            (path / "table.dbf").write_bytes(b"0")


def _lineage(path: str) -> tuple[PurePosixPath, ...]:
    return (PurePosixPath(path), *PurePosixPath(path).parents)


@st.composite
def trees(draw: st.DrawFn, most: int = 14) -> Tree:
    """Return trees of which some folders are wanted and some barred, nested in any way."""
    chosen = draw(st.lists(st.lists(names, min_size=1, max_size=4), min_size=1, max_size=most))
    folders = {tuple(path[:length]) for path in chosen for length in range(1, len(path) + 1)}
    ordered = sorted(folders)
    wanted = draw(st.sets(st.sampled_from(ordered), min_size=1, max_size=len(ordered)))
    barred = draw(st.sets(st.sampled_from(ordered), max_size=len(ordered)))
    return Tree(frozenset(folders | {()}), frozenset(wanted), frozenset(barred))


def selection(tree: Tree, root: str, *, may_gather: bool = False) -> Selection:
    """Return what Borg is to be told of a tree below `root`."""
    wanted, barred = tree.paths(root, tree.wanted), tree.paths(root, tree.barred)
    return Selection(wanted, barred, lambda _: may_gather)


def lines_for_borg(selected: Selection, manifest_root: str, folder: Path) -> list[str]:
    """Return the pattern file as borgmatic hands it to Borg.

    borgmatic's own functions read avplugin's pattern file, expand what they expand, and write it.
    """
    written = folder / "patterns"
    lines = selected.lines(manifest_root)
    written.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    config = {"patterns_from": [str(written)]}
    patterns = process_patterns(collect_patterns(config, None), config, None, str(folder))
    with write_patterns_file(patterns, str(folder)) as file:
        return Path(file.name).read_text(encoding="utf-8").splitlines()
