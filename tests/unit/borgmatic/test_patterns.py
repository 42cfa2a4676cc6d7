"""The pattern file, read by borgmatic's functions and matched by Borg's."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pytest
from borg.patterns import PatternMatcher, load_pattern_file
from hypothesis import given, settings
from hypothesis import strategies as st
from trees import Tree, lines_for_borg, trees

from avplugin.borgmatic.patterns import make_patterns, stored_ancestors

MANIFEST = "/var/lib/avplugin/administrations/run/./avplugin"
MANIFEST_FOLDER = "/var/lib/avplugin/administrations/run/avplugin"


def tree(*wanted: str, barred: tuple[str, ...] = (), others: tuple[str, ...] = ()) -> Tree:
    def split(paths: tuple[str, ...]) -> frozenset[tuple[str, ...]]:
        return frozenset(tuple(path.split("/")) for path in paths)

    marked = split(wanted) | split(barred) | split(others)
    folders = {path[:length] for path in marked for length in range(len(path) + 1)}
    return Tree(frozenset(folders), split(wanted), split(barred))


def stored(tree: Tree, root: str, folder: Path) -> list[str]:
    """Return what Borg would store of the tree, in its order, by its own matcher.

    The walk is that of Borg's create: a folder that is not let in is gone into only if the line
    that shut it out says so.
    """
    roots: list[str] = []
    commands: list[object] = []
    load_pattern_file(lines_for_borg(tree, root, MANIFEST, folder), roots, commands)
    matcher = PatternMatcher(fallback=True)
    matcher.add_inclexcl(commands)
    everything = tree.everything(root)
    found = []

    def walk(path: str) -> None:
        let_in, go_on = matcher.match(path), matcher.recurse_dir
        if let_in:
            found.append(path)
        if let_in or go_on:
            prefix = "/" if path == "/" else f"{path}/"
            inner = [p for p in everything if p.startswith(prefix) and p != path]
            for child in sorted({prefix + p[len(prefix) :].split("/")[0] for p in inner}):
                walk(child)

    assert roots[0] == MANIFEST
    assert matcher.match(MANIFEST_FOLDER)
    assert matcher.match(f"{MANIFEST_FOLDER}/20261122T020000Z-1/run.json")
    for start in roots[1:]:
        walk(start)
    return found


def assert_exact(tree: Tree, root: str, folder: Path) -> None:
    """Assert that all that is meant is stored, and once, with nothing but passages beside it."""
    found = stored(tree, root, folder)
    wanted = tree.paths(root, tree.wanted)
    passages = stored_ancestors(wanted, tree.paths(root, tree.barred))

    assert len(found) == len(set(found))
    assert set(found) == tree.meant(root) | passages
    assert not passages & tree.meant(root)
    assert all(any(path.startswith(f"{p.rstrip('/')}/") for path in wanted) for p in passages)


@pytest.mark.parametrize(
    "example",
    [
        tree("a"),
        tree("a", "a/b", "a/b/c"),
        tree("a", "ab", "abc"),
        tree("a", barred=("a/b",)),
        tree("a", "a/b/c", barred=("a/b",)),
        tree("a", "a/b/c", "a/b/c/d/e", barred=("a/b", "a/b/c/d")),
        tree("a/b", barred=("a",)),
        tree("a/b", barred=("a", "a/b")),
        tree("a", barred=("b", "b/c")),
        tree("Klant [12]", others=("Klant 1", "Klant 2", "Klant [12]x")),
        tree("Klant [12]", "Klant 1", others=("Klant 2",)),
        tree("Klant [12]/a", "Klant [12]/b", others=("Klant [12]/c", "Klant 1/a")),
        tree("Klant [12]", "Klant [12]/a/b", barred=("Klant [12]/a",)),
        tree("café*", others=("café-oud", "café")),
        tree("a/?/b", "a/?/b/c/d", barred=("a/?", "a/?/b/c"), others=("a/x/b", "a/?/e")),
        tree("a", "a/*", "a/*/b", barred=("a/?",)),
        tree("a", "a/*/b", barred=("a/*",)),
        tree("*", "*/a", barred=("*/b", "*/b/[")),
        tree("a" * 250 + "/" + "b" * 250 + "/" + "[" * 250, others=("c",)),
    ],
)
@pytest.mark.parametrize("root", ["/srv/accountview", "/srv/[1]/admins", "/"])
def test_exactly_what_is_meant_is_stored(example: Tree, root: str, tmp_path: Path) -> None:
    assert_exact(example, root, tmp_path)


@given(trees(), st.sampled_from(["/srv/accountview", "/srv/[1]/admins", "/"]))
@settings(max_examples=250, deadline=None)
def test_exactly_what_is_meant_is_stored_whatever_the_names_and_the_nesting(
    example: Tree, root: str
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        assert_exact(example, root, Path(folder))


def test_no_root_holds_a_glob_or_lies_in_another() -> None:
    wanted = ["/srv/av/[1]/a", "/srv/av/b", "/srv/av/b/c", "/mnt/*"]

    lines = make_patterns(wanted, [], MANIFEST)

    assert [line for line in lines if line.startswith("R ")] == [
        f"R {MANIFEST}",
        "R /mnt",
        "R /srv/av",
    ]


def test_a_folder_that_needs_no_line_gets_none() -> None:
    """Borg compares every path with every line: a thousand lines would cost a thousandfold."""
    wanted = [f"/srv/admins/{number}" for number in range(1000)]
    inner = [f"{path}/kopiedoc" for path in wanted]

    lines = make_patterns([*wanted, *inner], [], MANIFEST)

    assert [line for line in lines if not line.startswith("R ")] == [f"+ pp:{MANIFEST_FOLDER}"]
    assert len(lines) == 1002


def test_the_same_folders_give_the_same_lines_in_any_order() -> None:
    wanted, barred = ["/s/[a]", "/s/b", "/s/[a]/c/d"], ["/s/[a]/c", "/s/b/e", "/x"]

    assert make_patterns(wanted, barred, MANIFEST) == make_patterns(
        wanted[::-1], barred[::-1], MANIFEST
    )


@given(
    names=st.sets(st.text("ab[|-é", min_size=1, max_size=6), min_size=2, max_size=40),
    others=st.sets(st.text("ab[|-é", min_size=1, max_size=7), max_size=40),
)
@settings(max_examples=300, deadline=None)
def test_many_folders_side_by_side_share_a_line_that_fits_them_and_no_other(
    names: set[str], others: set[str]
) -> None:
    lines = make_patterns([f"/x[/{name}" for name in names], [], MANIFEST)
    [line] = [line for line in lines if line.startswith("+ re:")]
    expression = re.compile(line.removeprefix("+ re:"))

    for name in names:
        assert expression.search(f"x[/{name}")
        assert expression.search(f"x[/{name}/FILE.DBF")
        assert not expression.search(f"y/x[/{name}")
    for name in others - names:
        assert not expression.search(f"x[/{name}")
        assert not expression.search(f"x[/{name}/FILE.DBF")


def test_names_that_each_go_on_where_the_one_before_ended_are_no_trouble_for_python() -> None:
    paths = [f"/x[/{'a' * length}/b" for length in range(1, 256)]
    paths += [f"/x[/{'a' * 255}/{'b' * length}" for length in range(2, 256)]
    lines = make_patterns(paths, [], MANIFEST)
    [line] = [line for line in lines if line.startswith("+ re:")]
    expression = re.compile(line.removeprefix("+ re:"))

    assert all(expression.search(path[1:]) for path in paths)
    assert not expression.search(f"x[/{'a' * 255}/{'b' * 256}")
