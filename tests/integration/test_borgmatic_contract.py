"""What avplugin relies on of borgmatic's inside; a new minor version has to be looked at here."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from borgmatic.actions.pattern import collect_patterns, process_patterns
from borgmatic.borg.environment import make_environment

from avplugin.borgmatic.borg import check_borg_version, list_archives
from avplugin.borgmatic.configuration import (
    BorgmaticConfigurationError,
    Repository,
    load_borgmatic_configuration,
)
from avplugin.borgmatic.prune import judge

KNOWN_MINOR = "2.1"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "borgmatic.yaml"


def only_repository(file: Path, text: str) -> Repository:
    file.write_text(text)
    [repository] = load_borgmatic_configuration(file).repositories
    return repository


@contextlib.contextmanager
def passphrase_of(repository: Repository) -> Iterator[str | None]:
    """Yield what Borg would read from the descriptor that its environment names."""
    environment = make_environment(dict(repository.settings))
    descriptor = environment.get("BORG_PASSPHRASE_FD")
    assert "BORG_PASSPHRASE" not in environment
    added = [value for name, value in environment.items() if os.environ.get(name) != value]
    assert not any("secret" in value for value in added)
    if descriptor is None:
        yield None
    else:
        with os.fdopen(int(descriptor)) as stream:
            yield stream.read()


def test_borgmatic_is_of_the_minor_version_that_avplugin_knows() -> None:
    installed = importlib.metadata.version("borgmatic")
    project = Path(__file__).parents[2] / "pyproject.toml"
    wanted = tomllib.loads(project.read_text())["project"]["dependencies"]
    [pinned] = [requirement for requirement in wanted if requirement.startswith("borgmatic")]

    assert installed.startswith(f"{KNOWN_MINOR}."), (
        f"borgmatic {installed} is another minor version than {KNOWN_MINOR}. avplugin uses its"
        " inside: see that the other tests of this file pass, read its NEWS about hooks, soft"
        " failure, patterns and credentials, then change KNOWN_MINOR here and the pin."
    )
    major, minor = KNOWN_MINOR.split(".")
    assert re.fullmatch(rf"borgmatic>={KNOWN_MINOR}\.\d+,<{major}\.{int(minor) + 1}", pinned)


def test_includes_are_merged_and_the_files_own_settings_win(file: Path) -> None:
    (file.parent / "include").mkdir()
    (file.parent / "include" / "common.yaml").write_text(
        "repositories: [{path: /common}]\nlock_wait: 600\nkeep_daily: 7\n"
    )

    settings = only_repository(file, "<<: !include include/common.yaml\nkeep_daily: 14\n").settings

    assert (settings["lock_wait"], settings["keep_daily"]) == (600, 14)


def test_constants_and_environment_variables_are_filled_in(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AVPLUGIN_TEST_DISK", "/mnt/disk")
    monkeypatch.delenv("AVPLUGIN_TEST_LABEL", raising=False)

    repository = only_repository(
        file,
        """
constants: {office: kantoor}
repositories:
    - path: ${AVPLUGIN_TEST_DISK}/{office}.borg
      label: ${AVPLUGIN_TEST_LABEL:-disk}
archive_name_format: '{office}-{now}'
""",
    )

    assert (repository.path, repository.label) == ("/mnt/disk/kantoor.borg", "disk")
    assert repository.settings["archive_name_format"] == "kantoor-{now}"


def test_options_of_one_repository_count_for_that_one_only(file: Path) -> None:
    file.write_text(
        """
repositories:
    - {path: /a, label: a, lock_wait: 5, extra_borg_options: {create: --one}}
    - {path: 'ssh://backup@host:22/./b', label: b}
lock_wait: 600
"""
    )

    one, other = load_borgmatic_configuration(file).repositories

    assert (one.path, one.settings["lock_wait"]) == ("/a", 5)
    assert one.settings["extra_borg_options"] == {"create": "--one"}
    assert (other.path, other.settings["lock_wait"]) == ("ssh://backup@host:22/./b", 600)
    assert "extra_borg_options" not in other.settings


def test_old_forms_of_settings_are_made_new_ones(file: Path) -> None:
    repository = only_repository(
        file, "location: {repositories: [/a], patterns_from: [/p]}\nstorage: {lock_wait: 3}\n"
    )

    assert repository.path == "/a"
    assert (repository.settings["patterns_from"], repository.settings["lock_wait"]) == (["/p"], 3)


@pytest.mark.parametrize(
    ("line", "passphrase"),
    [
        ("encryption_passphrase: secret one", "secret one"),
        ("encryption_passphrase: ${AVPLUGIN_TEST_SECRET}", "secret two"),
        ("encryption_passphrase: '{credential file SECRET_FILE}'", "secret three"),
        ("encryption_passcommand: cat SECRET_FILE", "secret three"),
        ("lock_wait: 1", None),
    ],
)
def test_the_passphrase_reaches_borg_through_a_descriptor_only(
    file: Path, monkeypatch: pytest.MonkeyPatch, line: str, passphrase: str | None
) -> None:
    secret_file = file.parent / "passphrase"
    secret_file.write_text("secret three\n")
    monkeypatch.setenv("AVPLUGIN_TEST_SECRET", "secret two")
    monkeypatch.delenv("BORG_PASSPHRASE_FD", raising=False)
    monkeypatch.delenv("BORG_PASSPHRASE", raising=False)
    line = line.replace("SECRET_FILE", str(secret_file))
    repository = only_repository(file, f"repositories: [{{path: /a}}]\n{line}\n")

    for _ in range(2):  # a second call of Borg needs a descriptor of its own
        with passphrase_of(repository) as found:
            assert found == passphrase


def test_one_repository_can_have_a_passphrase_of_its_own(file: Path) -> None:
    file.write_text(
        "repositories: [{path: /a, encryption_passphrase: secret a}, {path: /b}]\n"
        "encryption_passphrase: secret b\n"
    )

    for repository, wanted in zip(
        load_borgmatic_configuration(file).repositories, ("secret a", "secret b"), strict=True
    ):
        with passphrase_of(repository) as found:
            assert found == wanted


def test_a_repository_made_with_a_passphrase_opens_with_each_way_to_give_it(file: Path) -> None:
    """With real Borg, whose first call here also proves that the descriptor is inherited."""
    path = file.parent / "repository"
    base = {"PATH": os.environ["PATH"], "BORG_BASE_DIR": str(file.parent / "borg")}
    subprocess.run(
        ["borg", "init", "--encryption", "repokey", path],
        env={**base, "BORG_PASSPHRASE": "secret three"},
        check=True,
    )
    secret_file = file.parent / "passphrase"
    secret_file.write_text("secret three\n")
    ways = (
        "encryption_passphrase: secret three",
        f"encryption_passcommand: cat {secret_file}",
    )
    borg_base = f"borg_base_directory: {file.parent / 'borg'}"
    for way in ways:
        repository = only_repository(
            file, f"repositories: [{{path: {path}}}]\n{borg_base}\n{way}\n"
        )
        assert list_archives(repository).archives == ()
        check_borg_version(repository)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no settings of borgmatic"),
        ("repositories: [", "cannot be read: "),
        ("repositories: []\n", "names no repository"),
        ("repositories:\n", "names no repository"),
        ("<<: !include gone.yaml\n", "cannot be read: .*include gone.yaml"),
        ("repositories: [{path: '${AVPLUGIN_TEST_UNSET}'}]\n", "cannot be read: .*UNSET"),
        ("- a\n", "holds no settings of borgmatic"),
        ("repositories: [{label: a}]\n", "names no repository"),
    ],
)
def test_a_file_that_borgmatic_would_refuse_is_refused(file: Path, text: str, message: str) -> None:
    file.write_text(text)

    with pytest.raises(BorgmaticConfigurationError, match=message):
        load_borgmatic_configuration(file)


def test_a_file_that_is_not_there_is_named_with_what_to_do(file: Path) -> None:
    with pytest.raises(
        BorgmaticConfigurationError, match=r"borgmatic.yaml does not .*\n.*configs/"
    ):
        load_borgmatic_configuration(file)


def test_a_pattern_file_is_read_as_avplugin_writes_it(tmp_path: Path) -> None:
    """Only roots are expanded; lines are stripped; styles and slashdots come through."""
    (tmp_path / "a1").mkdir()
    file = tmp_path / "patterns"
    file.write_text(
        f"R {tmp_path}/state/./avplugin\nR {tmp_path}/a*\n+ pp:{tmp_path}/a*\n! re:^a:b\n"
    )
    config = {"patterns_from": [str(file)]}

    patterns = process_patterns(collect_patterns(config, None), config, None, str(tmp_path))

    assert [(p.type.value, p.style.value, p.path) for p in patterns] == [
        ("R", "", f"{tmp_path}/state/./avplugin"),
        ("R", "", f"{tmp_path}/a1"),
        ("+", "pp", f"{tmp_path}/a*"),
        ("!", "re", "^a:b"),
    ]


SERIES = "office-administrations"
MOMENTS = (
    # In Amsterdam the last two lie on one day, in UTC they do not.
    *("2026-10-12T10:00:00", "2026-10-20T10:00:00", "2026-10-31T10:00:00"),
    *("2026-11-01T23:30:00", "2026-11-02T00:30:00"),
)


@pytest.fixture(scope="module")
def pruned_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with archives whose names are those of a series, and some others."""
    folder = tmp_path_factory.mktemp("pruned")
    repository = folder / "repository"
    environment = {"PATH": os.environ["PATH"], "BORG_BASE_DIR": str(folder / "borg"), "TZ": "UTC"}
    names = [(f"{SERIES}-{moment}", moment) for moment in MOMENTS]
    names += [(f"{SERIES}-{MOMENTS[0]}.hold", MOMENTS[0]), ("mine", MOMENTS[0])]
    names += [(f"{SERIES}-2026-10-01T10:00:00.checkpoint", MOMENTS[0])]
    subprocess.run(["borg", "init", "-e", "none", repository], env=environment, check=True)
    for name, moment in names:
        words = ["--timestamp", moment, f"{repository}::{name}", str(file_of_nothing(folder))]
        subprocess.run(["borg", "create", *words], env=environment, check=True)
    return repository


def file_of_nothing(folder: Path) -> Path:
    path = folder / "nothing"
    path.touch()
    return path


@pytest.mark.parametrize(
    "keep",
    [
        "keep_daily: 2",
        "keep_daily: 1\nkeep_weekly: 2\nlog_json: true",
        "keep_secondly: 1\nextra_borg_options: {prune: --keep-weekly 2 --stats}",
        "keep_within: 1H\nkeep_daily: 1",
        "keep_within: 20y\nkeep_daily: 1",
    ],
)
def test_borgmatic_prunes_what_borg_had_been_asked_about(
    pruned_repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keep: str
) -> None:
    repository = tmp_path / "repository"
    shutil.copytree(pruned_repository, repository)
    file = tmp_path / "borgmatic.yaml"
    text = (
        f"repositories: [{{path: {repository}}}]\n"
        f"borg_base_directory: {tmp_path / 'borg'}\n"
        "relocated_repo_access_is_ok: true\nunknown_unencrypted_repo_access_is_ok: true\n"
        f"archive_name_format: '{SERIES}-{{now:%Y-%m-%dT%H:%M:%S}}.unverified'\n"
        f"match_archives: 'sh:{SERIES}-????-??-??T??:??:??'\n{keep}\n"
    )
    monkeypatch.setenv("TZ", "Europe/Amsterdam")
    there = only_repository(file, text)
    before = list_archives(there).archives
    clean = {one.id for one in before if one.series and not one.is_held and not one.is_checkpoint}

    judged = judge(there)
    subprocess.run(["borgmatic", "--config", file, "prune"], check=True)

    left = {archive.id for archive in list_archives(there).archives}
    checkpoints = {one.id for one in before if one.is_checkpoint}
    assert (judged.kept | judged.pruned) - checkpoints == clean
    assert judged.kept <= left
    assert judged.pruned & left == set()
    assert {one.id for one in before if one.name in {"mine", f"{SERIES}-{MOMENTS[0]}.hold"}} <= left
