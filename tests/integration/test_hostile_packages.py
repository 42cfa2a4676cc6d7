"""Packages that mean harm are refused one by one, and nothing is touched."""

from __future__ import annotations

from pathlib import Path

import pytest
from calling import call
from conftest import World, make_world, tree
from hostile_packages import CORPUS, Honest, honest
from packages import PASSWORD, PASSWORD_GIVEN


@pytest.fixture(scope="module")
def office(template: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    """An office that no package may change."""
    world = make_world(template, tmp_path_factory.mktemp("hostile") / "world")
    (world.state / "restore").mkdir(mode=0o700, parents=True)
    return world


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Honest:
    """A package that is as it should be."""
    return honest(tmp_path_factory.mktemp("honest"))


def test_the_corpus_is_large() -> None:
    assert len(CORPUS) >= 60


def as_found(found: dict[bytes, tuple[object, ...]]) -> dict[bytes, object]:
    """Return a tree without what any restore leaves that was refused.

    Its lock, the times of the folders in which it had something for a moment, and the note that
    the configuration has been read.
    """
    passing = {b"/state", b"/state/restore", b"/office/Administraties"}
    return {
        path: (entry[0], entry[2]) if path in passing else entry
        for path, entry in found.items()
        if path not in {b"/state/restore/lock", b"/state/configuration-checked"}
    }


@pytest.mark.parametrize("name", CORPUS)
def test_a_hostile_package_is_refused_and_nothing_is_touched(
    name: str, office: World, package: Honest, tmp_path: Path
) -> None:
    file = tmp_path / f"{name}{CORPUS[name].suffix}"
    file.write_bytes(CORPUS[name].make(package))
    before = tree(office.folder)

    done = call(office, "import", file, "--original", "--yes", **PASSWORD_GIVEN)

    said = done.stderr
    lines = [line for line in said.splitlines() if not line.startswith("warning: ")]
    assert done.returncode in {1, 2}, said
    assert 1 <= len(lines) <= 2, said
    assert lines[0].startswith("avplugin: ")
    assert CORPUS[name].said in said
    assert said.replace("\n", "").isprintable()
    assert as_found(tree(office.folder)) == as_found(before)
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_the_same_package_without_its_fault_is_taken(
    office: World, package: Honest, tmp_path: Path
) -> None:
    file = tmp_path / "goed.zip"
    for number, password in enumerate((PASSWORD, None)):
        file.write_bytes(package.zipped(password))

        words = ("import", file, "--new", tmp_path / str(number), "--yes")
        done = call(office, *words, **PASSWORD_GIVEN)

        assert done.returncode == 0, done.stderr
        assert (tmp_path / str(number) / "KOPIEDOC" / "Factuur 1.pdf").read_bytes() == b"%PDF"
