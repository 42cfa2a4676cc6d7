"""The pattern file, read by borgmatic's functions and matched by Borg's."""

from __future__ import annotations

import re
import tempfile
import unittest.mock
from pathlib import Path

import pytest
from borg.patterns import PatternMatcher, load_pattern_file
from hypothesis import given, settings
from hypothesis import strategies as st
from trees import Tree, lines_for_borg, selection, trees

from avplugin.borgmatic import patterns
from avplugin.borgmatic.patterns import Selection, may_begin_above

MANIFEST = "/var/lib/avplugin/administrations/run/./avplugin"
MANIFEST_FOLDER = "/var/lib/avplugin/administrations/run/avplugin"


def tree(*wanted: str, barred: tuple[str, ...] = (), others: tuple[str, ...] = ()) -> Tree:
    def split(paths: tuple[str, ...]) -> frozenset[tuple[str, ...]]:
        return frozenset(tuple(path.split("/")) for path in paths)

    marked = split(wanted) | split(barred) | split(others)
    folders = {path[:length] for path in marked for length in range(len(path) + 1)}
    return Tree(frozenset(folders), split(wanted), split(barred))


def stored(tree: Tree, selected: Selection, root: str, folder: Path) -> list[str]:
    """Return what Borg would store of the tree, in its order, by its own matcher.

    The walk is that of Borg's create: a folder that is not let in is gone into only if the line
    that shut it out says so.
    """
    roots: list[str] = []
    commands: list[object] = []
    load_pattern_file(lines_for_borg(selected, MANIFEST, folder), roots, commands)
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


def assert_exact(tree: Tree, root: str, folder: Path, *, may_gather: bool = False) -> None:
    """Assert that all that is meant is stored, and once, with nothing but passages beside it."""
    selected = selection(tree, root, may_gather=may_gather)
    found = stored(tree, selected, root, folder)
    wanted = tree.paths(root, tree.wanted)
    passages = selected.ancestors

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


@given(trees(), st.sampled_from(["/srv/accountview", "/srv/[1]/admins"]))
@settings(max_examples=250, deadline=None)
def test_exactly_what_is_meant_is_stored_where_roots_are_gathered(example: Tree, root: str) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        unittest.mock.patch.object(patterns, "_MOST_ROOTS", 1),
    ):
        assert_exact(example, root, Path(folder), may_gather=True)


def roots_of(selected: Selection) -> list[str]:
    return [line[2:] for line in selected.lines(MANIFEST)[1:] if line.startswith("R ")]


def test_many_folders_side_by_side_have_one_root_for_borgmatic_compares_each_with_each() -> None:
    wanted = [f"/srv/av/admins/{number}" for number in range(1000)]
    documents = [f"/mnt/docs/{number}/kopiedoc" for number in range(300)]
    single = "/opt/one/two/three/four"

    selected = Selection([*wanted, *documents, single], (), lambda _: True)

    assert roots_of(selected) == ["/mnt/docs", single, "/srv/av/admins"]
    assert selected.ancestors == {"/mnt/docs", "/srv/av/admins"} | {
        f"/mnt/docs/{number}" for number in range(300)
    }


def test_a_few_folders_keep_their_roots() -> None:
    wanted = [f"/srv/av/admins/{number}" for number in range(20)]

    assert roots_of(Selection(wanted, (), lambda _: True)) == sorted(wanted)


def test_no_root_is_moved_to_where_borg_may_not_begin() -> None:
    wanted = [f"/srv/{number % 2}/{number}" for number in range(100)]

    selected = Selection(wanted, (), lambda path: path == "/srv/1")

    odd = [path for path in wanted if not path.startswith("/srv/1/")]
    assert roots_of(selected) == sorted([*odd, "/srv/1"])


def test_borg_is_not_sent_through_a_folder_that_it_may_not_list() -> None:
    """What lies behind it can be read by its own path, and is scanned so; it has to be stored."""
    wanted = [f"/srv/av/{number}" for number in range(100)]
    behind = "/srv/av/closed/BAKKER26"

    selected = Selection([*wanted, behind], (), lambda path: path != "/srv/av/closed")

    assert behind in roots_of(selected)
    assert "/srv/av/closed" not in selected.ancestors


def test_what_lies_behind_a_folder_that_cannot_be_listed_keeps_no_others_apart() -> None:
    wanted = [f"/srv/av/{number}" for number in range(100)]

    selected = Selection([*wanted, "/mnt/closed/x"], (), lambda path: path != "/mnt/closed")

    assert roots_of(selected) == ["/mnt/closed/x", "/srv/av"]


def test_the_root_folder_of_the_machine_is_never_begun_in() -> None:
    wanted = [f"/{number}" for number in range(100)]

    assert roots_of(Selection(wanted, (), lambda _: True)) == sorted(wanted)


@pytest.mark.parametrize("setting", ["one_file_system", "exclude_caches", "exclude_nodump"])
def test_borg_does_not_begin_above_where_that_folder_would_be_judged(setting: str) -> None:
    assert may_begin_above({})("/usr")
    assert may_begin_above({setting: False})("/usr")
    assert not may_begin_above({setting: True})("/usr")
    assert not may_begin_above({"exclude_if_present": [".nobackup"]})("/usr")
    assert not may_begin_above({})("/does/not/exist")


def test_no_root_holds_a_glob_or_lies_in_another() -> None:
    wanted = ["/srv/av/[1]/a", "/srv/av/b", "/srv/av/b/c", "/mnt/*"]

    lines = Selection(wanted, []).lines(MANIFEST)

    assert [line for line in lines if line.startswith("R ")] == [
        f"R {MANIFEST}",
        "R /mnt",
        "R /srv/av",
    ]


def test_a_folder_that_needs_no_line_gets_none() -> None:
    """Borg compares every path with every line: a thousand lines would cost a thousandfold."""
    wanted = [f"/srv/admins/{number}" for number in range(1000)]
    inner = [f"{path}/kopiedoc" for path in wanted]

    lines = Selection([*wanted, *inner], []).lines(MANIFEST)

    assert [line for line in lines if not line.startswith("R ")] == [f"+ pp:{MANIFEST_FOLDER}"]
    assert len(lines) == 1002


def test_the_same_folders_give_the_same_lines_in_any_order() -> None:
    wanted, barred = ["/s/[a]", "/s/b", "/s/[a]/c/d"], ["/s/[a]/c", "/s/b/e", "/x"]

    assert Selection(wanted, barred).lines(MANIFEST) == Selection(wanted[::-1], barred[::-1]).lines(
        MANIFEST
    )


@given(
    names=st.sets(st.text("ab[|-é", min_size=1, max_size=6), min_size=2, max_size=40),
    others=st.sets(st.text("ab[|-é\n", min_size=1, max_size=7), max_size=40),
)
@settings(max_examples=300, deadline=None)
def test_many_folders_side_by_side_share_a_line_that_fits_them_and_no_other(
    names: set[str], others: set[str]
) -> None:
    lines = Selection([f"/x[/{name}" for name in names], []).lines(MANIFEST)
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
    lines = Selection(paths, []).lines(MANIFEST)
    [line] = [line for line in lines if line.startswith("+ re:")]
    expression = re.compile(line.removeprefix("+ re:"))

    assert all(expression.search(path[1:]) for path in paths)
    assert not expression.search(f"x[/{'a' * 255}/{'b' * 256}")
