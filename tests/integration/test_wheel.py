"""What somebody gets who installs avplugin with pip."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    [built] = folder.glob("avplugin-*.whl")
    return built


def files_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_configs_and_hooks_are_in_the_wheel_as_they_are_here(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for folder in ("configs", "hooks"):
            for name in files_below(CHECKOUT / folder):
                here = CHECKOUT / folder / name
                there = f"avplugin/{folder}/{name}"
                mode = archive.getinfo(there).external_attr >> 16
                assert archive.read(there) == here.read_bytes()
                assert bool(mode & 0o111) == bool(here.stat().st_mode & 0o111)


def test_schema_types_and_licence_are_in_the_wheel_and_tests_are_not(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()

    assert "avplugin/configuration/schema.yaml" in names
    assert "avplugin/py.typed" in names
    assert [name for name in names if name.endswith("dist-info/licenses/LICENSE")]
    tops = {name.partition("/")[0] for name in names}
    assert len(tops) == 2
    assert "avplugin" in tops


def test_the_translations_are_in_the_wheel_as_they_are_here(wheel: Path) -> None:
    folder = CHECKOUT / "avplugin" / "locale"
    found = files_below(folder)

    assert any(name.endswith(".mo") for name in found)
    with zipfile.ZipFile(wheel) as archive:
        for name in found:
            assert archive.read(f"avplugin/locale/{name}") == (folder / name).read_bytes()


def test_the_installed_package_finds_its_configs_and_hooks(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]);"
        "from avplugin.shipped import shipped_folder;"
        "print(shipped_folder('configs')); print(shipped_folder('hooks'))"
    )

    done = subprocess.run(
        [sys.executable, "-I", "-c", code, tmp_path],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.splitlines() == [
        str(tmp_path / "avplugin" / "configs"),
        str(tmp_path / "avplugin" / "hooks"),
    ]
    assert (tmp_path / "avplugin" / "configs" / "accountview.yaml").is_file()
    assert (tmp_path / "avplugin" / "hooks" / "avplugin").is_file()
