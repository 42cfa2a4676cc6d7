"""borgmatic's own configuration of a set, read with borgmatic's own functions.

A nested borgmatic would cost over a second and run the user's other hooks again. So its file is
loaded the way borgmatic loads it: includes, constants, environment variables, options of single
repositories. These functions are borgmatic's inside; borgmatic is pinned to a minor version, and a
contract test fails when they change.
"""

from __future__ import annotations

import configparser
import contextlib
import dataclasses
import fnmatch
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from avplugin.borgmatic.archive import Series
from avplugin.configuration.model import BackupSet, Configuration
from avplugin.errors import AvpluginError


class BorgmaticConfigurationError(AvpluginError):
    """borgmatic's configuration of a set is missing, or would break a promise."""


@dataclasses.dataclass(frozen=True, slots=True)
class Repository:
    """A Borg repository with borgmatic's settings for it. `path` is a path or a URL."""

    path: str
    label: str
    settings: Mapping[str, Any]

    def __str__(self) -> str:
        """Return the repository's name in messages."""
        return self.label or self.path


@dataclasses.dataclass(frozen=True, slots=True)
class BorgmaticConfiguration:
    """One file of borgmatic's."""

    file: Path
    settings: Mapping[str, Any]
    repositories: tuple[Repository, ...]

    def repository(self, wanted: str) -> Repository:
        """Return the repository with this path or label, as borgmatic's own --repository does.

        Raise BorgmaticConfigurationError if there is none.
        """
        for repository in self.repositories:
            if wanted in {repository.path, repository.label}:
                return repository
        for repository in self.repositories:
            if any(fnmatch.fnmatch(name, wanted) for name in (repository.path, repository.label)):
                return repository
        known = ", ".join(str(repository) for repository in self.repositories)
        raise BorgmaticConfigurationError(
            f"{self.file} has no repository {wanted}; it has {known}."
        )


def load_borgmatic_configuration(file: Path) -> BorgmaticConfiguration:
    """Read borgmatic's configuration file.

    Raise BorgmaticConfigurationError if it is missing, cannot be parsed, or names no repository.
    """
    from borgmatic.config import constants, environment, load, normalize  # noqa: PLC0415 - 0.1 s
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415

    if not os.path.lexists(file):
        raise BorgmaticConfigurationError(
            f"borgmatic's configuration {file} does not exist.\n"
            "Copy one from configs/borgmatic.d/, or name another with 'borgmatic' of the set."
        )
    try:
        settings = load.load_configuration(str(file))
        if not isinstance(settings, dict):
            raise BorgmaticConfigurationError(f"{file} holds no settings of borgmatic.")
        constants.apply_constants(settings, settings.get("constants"))
        environment.resolve_env_variables(settings)
        normalize.normalize(str(file), settings)
    except (OSError, ValueError, YAMLError, RecursionError) as error:
        first_line = str(error).strip().splitlines()[0]
        raise BorgmaticConfigurationError(
            f"borgmatic's configuration {file} cannot be read: {first_line}.\n"
            f"'borgmatic config validate --config {file}' says more."
        ) from error
    repositories = tuple(
        Repository(
            path=os.path.expanduser(entry["path"]),  # noqa: PTH111 - a Path would spoil ssh://
            label=entry.get("label", ""),
            settings=load.merge_repository_configuration(entry, settings),
        )
        for entry in settings.get("repositories") or ()
    )
    if not repositories:
        raise BorgmaticConfigurationError(f"{file} names no repository under 'repositories'.")
    return BorgmaticConfiguration(file, settings, repositories)


def check_promises(
    borgmatic: BorgmaticConfiguration,
    repository: Repository,
    configuration: Configuration,
    backup_set: BackupSet,
    patterns: Path,
) -> None:
    """Refuse settings with which an archive would look clean without a proof, or never be clean.

    Raise BorgmaticConfigurationError that says which line has to be there.
    """
    series = Series(configuration.installation_name, backup_set.name)
    settings = repository.settings
    file = borgmatic.file
    if settings.get("archive_name_format") != series.name_format:
        raise BorgmaticConfigurationError(
            f"{file}: archive_name_format must be '{series.name_format}': only avplugin takes"
            " .unverified away,\nonce the archive is proven clean."
        )
    matching = str(settings.get("match_archives", ""))
    if matching != series.match_archives:
        raise BorgmaticConfigurationError(
            f"{file}: match_archives must be '{series.match_archives}': prune and check must count"
            " clean archives only."
        )
    listed = [Path(name).absolute() for name in settings.get("patterns_from") or ()]
    if patterns.absolute() not in listed:
        raise BorgmaticConfigurationError(
            f"{file}: patterns_from must name {patterns}: there avplugin says which folders are"
            " meant."
        )


def known_repository_id(repository: Repository) -> str:
    """Return the id of a repository on this machine without starting Borg; empty if not known.

    Source: Borg's documentation, Internals, Repository: its file `config` holds `id`.
    """
    settings = configparser.ConfigParser(interpolation=None)
    with contextlib.suppress(OSError, configparser.Error, UnicodeDecodeError, KeyError):
        settings.read_string((Path(repository.path) / "config").read_text(encoding="utf-8"))
        return settings["repository"]["id"]
    return ""
