"""The pattern file in front of real Borg, which has to store exactly what is meant."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from conftest import COMMANDS
from hypothesis import HealthCheck, given, settings
from trees import NASTY_NAMES, Tree, lines_for_borg, selection, trees


class Ground:
    """A folder for trees, and an unencrypted repository to store them in."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "srv"
        self.state = folder / "state"
        self._folder = folder
        self._repository = folder / "repository"
        (self.state / "avplugin" / "1").mkdir(parents=True)
        (self.state / "avplugin" / "1" / "run.json").write_text("{}")
        self._borg("init", "--encryption", "none", self._repository)

    def stored(self, tree: Tree) -> Counter[str]:
        """Return how often Borg takes each path; of the manifest, without the state folder."""
        shutil.rmtree(self.root, ignore_errors=True)
        tree.make(self.root)
        patterns = self._folder / "for-borg"
        lines = lines_for_borg(
            selection(tree, str(self.root), may_gather=True),
            f"{self.state}/./avplugin",
            self._folder,
        )
        patterns.write_text("\n".join(lines), encoding="utf-8")
        done = self._borg(
            "create",
            "--dry-run",
            "--list",
            "--log-json",
            "--patterns-from",
            patterns,
            f"{self._repository}::1",
        )
        entries = [json.loads(line) for line in done.stderr.splitlines()]
        assert all(entry["type"] == "file_status" for entry in entries)
        return Counter(f"/{e['path'].lstrip('/')}" for e in entries if e["status"] == "-")

    def meant(self, tree: Tree) -> Counter[str]:
        """Return each path that is to be stored, once."""
        root = str(self.root)
        selected = selection(tree, root, may_gather=True)
        manifest = [f"{self.state}/avplugin{path}" for path in ("", "/1", "/1/run.json")]
        return Counter([*manifest, *tree.meant(root), *selected.ancestors])

    def _borg(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [COMMANDS / "borg", *words],
            env={
                "PATH": os.environ["PATH"],
                "BORG_BASE_DIR": str(self._folder / "borg"),
                "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes",
                "LANG": "C.UTF-8",
            },
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=True,
        )


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    return Ground(tmp_path_factory.mktemp("ground"))


def everything_nasty(wanted: set[str], barred: set[str]) -> Tree:
    """Return a tree in which every nasty name has every third one inside it, each with an `x`."""
    inner = NASTY_NAMES[::3]
    folders: set[tuple[str, ...]] = {(name,) for name in NASTY_NAMES}
    folders |= {(name, other) for name in NASTY_NAMES for other in inner}
    folders |= {(name, other, "x") for name in NASTY_NAMES for other in inner}
    return Tree(
        frozenset({(), *folders}),
        frozenset(path for path in folders if path[-1] in wanted),
        frozenset(path for path in folders if path[-1] in barred),
    )


@pytest.mark.parametrize("first", [0, 1])
def test_every_nasty_name_is_stored_beside_its_decoys(ground: Ground, first: int) -> None:
    tree = everything_nasty(set(NASTY_NAMES[first::2]), {"x", *NASTY_NAMES[::5]})

    assert ground.stored(tree) == ground.meant(tree)


def test_a_path_of_three_thousand_letters_is_stored(ground: Ground) -> None:
    path = tuple(f"{letter * 240}[" for letter in "abcdefghijkl")
    folders = {path[:length] for length in range(len(path) + 1)}
    tree = Tree(frozenset(folders), frozenset({path[:3], path}), frozenset({path[:8]}))

    assert ground.stored(tree) == ground.meant(tree)


@given(trees())
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_exactly_what_is_meant_is_stored_once_whatever_the_names_and_the_nesting(
    ground: Ground, tree: Tree
) -> None:
    assert ground.stored(tree) == ground.meant(tree)
