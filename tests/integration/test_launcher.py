"""hooks/avplugin, called as borgmatic and cron call it: with next to nothing on PATH."""

import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

LAUNCHER = Path(__file__).parents[2] / "hooks" / "avplugin"
BARE_PATH = "/usr/bin:/bin"
STAND_IN = """#!/bin/sh
printf '%s\\n' "$0" "$PATH" "$@"
exit 75
"""


def put_command(environment: Path) -> Path:
    """Put a command avplugin that prints its name, its PATH and its arguments in an environment."""
    command = environment / "bin" / "avplugin"
    command.parent.mkdir(parents=True)
    command.write_text(STAND_IN)
    command.chmod(0o755)
    return command


def put_launcher(folder: Path) -> Path:
    """Put a copy of the launcher in a folder of its own."""
    folder.mkdir(parents=True)
    return Path(shutil.copy(LAUNCHER, folder))


def call(*words: str | Path, folder: Path = Path("/")) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["env", "-i", f"PATH={BARE_PATH}", *map(str, words)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return tmp_path / "the checkout"


@pytest.fixture
def launcher(checkout: Path) -> Path:
    return put_launcher(checkout / "hooks")


@pytest.fixture
def command(checkout: Path) -> Path:
    return put_command(checkout / ".venv")


def test_in_a_checkout_it_starts_the_command_of_the_environment_there(
    launcher: Path, command: Path
) -> None:
    done = call(launcher, "before-backup", "two words", "")

    assert done.stdout.split("\n") == [
        str(command),
        f"{command.parent}:{BARE_PATH}",
        "before-backup",
        "two words",
        "",
        "",
    ]


def test_the_exit_status_is_that_of_the_command(launcher: Path, command: Path) -> None:
    assert call(launcher).returncode == 75


@pytest.mark.parametrize("packages", ["site-packages", "dist-packages"])
@pytest.mark.parametrize("library", ["lib", "lib64"])
def test_installed_with_the_package_it_starts_the_command_of_that_environment(
    tmp_path: Path, library: str, packages: str
) -> None:
    environment = tmp_path / "lib" / "python3 things"
    command = put_command(environment)
    purelib = sysconfig.get_path("purelib", "venv", {"base": str(environment)})
    purelib = purelib.replace("/lib/python3.", f"/{library}/python3.")
    purelib = purelib.replace("site-packages", packages)
    launcher = put_launcher(Path(purelib) / "avplugin" / "hooks")

    assert call(launcher, "status").stdout.splitlines() == [
        str(command),
        f"{command.parent}:{BARE_PATH}",
        "status",
    ]


def test_without_its_executable_bit_it_works_through_sh(launcher: Path, command: Path) -> None:
    launcher.chmod(0o644)

    assert call("sh", launcher).stdout.startswith(f"{command}\n")
    assert call("sh", launcher.name, folder=launcher.parent).stdout.startswith(f"{command}\n")


def test_a_chain_of_links_leads_to_it(tmp_path: Path, launcher: Path, command: Path) -> None:
    (tmp_path / "local bin").mkdir()
    first = tmp_path / "local bin" / "first"
    second = tmp_path / "local bin" / "second"
    linked_folder = tmp_path / "folder"
    first.symlink_to(Path("..") / "the checkout" / "hooks" / "avplugin")
    second.symlink_to(first)
    linked_folder.symlink_to("local bin")

    for name in (first, second, linked_folder / "second"):
        assert call(name).stdout.startswith(f"{command}\n")


def test_the_working_folder_does_not_matter(tmp_path: Path, launcher: Path, command: Path) -> None:
    link = tmp_path / "avplugin"
    link.symlink_to(launcher)

    assert call("./avplugin", folder=launcher.parent).stdout.startswith(f"{command}\n")
    assert call("the checkout/hooks/avplugin", folder=tmp_path).stdout.startswith(f"{command}\n")
    assert call("../avplugin", folder=command.parents[2]).stdout.startswith(f"{command}\n")


def test_without_an_environment_it_says_in_two_lines_where_it_looked_and_what_to_do(
    checkout: Path, launcher: Path
) -> None:
    done = call(launcher, "before-backup")

    assert done.returncode == 1
    assert done.stdout == ""
    what, advice = done.stderr.splitlines()
    assert str(checkout / ".venv") in what
    assert "./run setup" in advice


def test_a_link_to_it_in_the_environment_itself_is_not_started_for_ever(
    checkout: Path, launcher: Path
) -> None:
    command = checkout / ".venv" / "bin" / "avplugin"
    command.parent.mkdir(parents=True)
    command.symlink_to(launcher)

    assert call(launcher).returncode == 1
