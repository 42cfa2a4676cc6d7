"""The Borg that passes over what cannot be wanted extracts what Borg itself does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from avplugin.borgmatic.borg import BorgError, extract
from avplugin.borgmatic.configuration import Repository

COUNTED = """
import atexit
import borg.archive

count = 0

class Item(borg.archive.Item):
    def __init__(self, *words, **options):
        global count
        count += 1
        super().__init__(*words, **options)

borg.archive.Item = Item
atexit.register(lambda: print(count))
from avplugin.borgmatic.choosing_borg import main
main()
"""


@pytest.fixture(scope="module")
def archived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with an archive of folders whose names begin alike, and share a file."""
    folder = tmp_path_factory.mktemp("choosing")
    office = folder / "office"
    for name in ("BOUW", "BOUW26", "BOUW26B"):
        (office / name).mkdir(parents=True)
        for number in range(40):
            (office / name / f"{number}.DBF").write_text(f"{name} {number}")
    (office / "BOUW26" / "SHARED.DBF").hardlink_to(office / "BOUW" / "0.DBF")
    (office / "BOUW26" / os.fsdecode(b"caf\xe9.DBF")).write_text("Windows-1252")
    repository = folder / "repository"
    for words in (
        ["init", "--encryption", "none", repository],
        ["create", f"{repository}::archive", "office/BOUW", "office/BOUW26", "office/BOUW26B"],
    ):
        subprocess.run(["borg", *words], cwd=folder, env=_environment(folder), check=True)
    return folder


def _environment(folder: Path) -> dict[str, str]:
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "BORG_BASE_DIR": str(folder / "borg"),
        "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes",
    }


@pytest.fixture
def repository(archived: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """The repository of the archive."""
    for name, value in _environment(archived).items():
        monkeypatch.setenv(name, value)
    return Repository(str(archived / "repository"), "", {})


def contents(folder: Path) -> dict[str, str]:
    """Return what lies in a folder, by path."""
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_folder_comes_out_with_the_file_whose_first_name_lies_elsewhere(
    archived: Path, repository: Repository, tmp_path: Path
) -> None:
    warnings = extract(repository, "archive", ["office/BOUW26"], [], tmp_path, None)

    assert warnings == []
    expected = contents(archived / "office" / "BOUW26")
    assert expected["SHARED.DBF"] == "BOUW 0"
    assert contents(tmp_path / "office" / "BOUW26") == expected
    assert [path.name for path in (tmp_path / "office").iterdir()] == ["BOUW26"]


def test_with_progress_and_without_what_lies_inside_the_same_is_chosen(
    repository: Repository, tmp_path: Path
) -> None:
    seen: list[int] = []
    without = ["office/BOUW26/1.DBF"]

    extract(repository, "archive", ["office/BOUW26", "office/BOUW"], without, tmp_path, seen.append)

    assert (tmp_path / "office" / "BOUW" / "1.DBF").exists()
    assert not (tmp_path / "office" / "BOUW26" / "1.DBF").exists()
    assert (tmp_path / "office" / "BOUW26" / "2.DBF").exists()
    assert not (tmp_path / "office" / "BOUW26B").exists()


def test_a_folder_that_is_not_in_the_archive_is_told(
    repository: Repository, tmp_path: Path
) -> None:
    with pytest.raises(BorgError, match="never matched"):
        extract(repository, "archive", ["office/BOUW2"], [], tmp_path, None)


def test_an_extract_with_options_of_the_users_own_is_borgs_own(
    repository: Repository, tmp_path: Path
) -> None:
    options = {"extract": "--pattern=+pp:office/BOUW26B"}
    chosen = Repository(repository.path, "", {"extra_borg_options": options})

    extract(chosen, "archive", ["office/BOUW26"], [], tmp_path, None)

    assert (tmp_path / "office" / "BOUW26B" / "1.DBF").exists()


def test_objects_are_made_of_what_may_be_wanted_only(archived: Path, tmp_path: Path) -> None:
    words = ["extract", f"{archived / 'repository'}::archive", "pp:office/BOUW26"]
    done = subprocess.run(
        [sys.executable, "-c", COUNTED, *words],
        cwd=tmp_path,
        env=_environment(archived),
        capture_output=True,
        text=True,
        check=True,
    )

    # 43 in the folder, the first name of the shared file, two more folders; a few of Borg's.
    assert 46 <= int(done.stdout) <= 50
