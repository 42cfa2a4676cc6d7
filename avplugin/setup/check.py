"""Whether the answers can be meant, before anything is written."""

from __future__ import annotations

import dataclasses
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from avplugin.configuration.load import ConfigurationError, load_configuration
from avplugin.errors import AvpluginError
from avplugin.installation.model import BadFolder, Installation, Kind
from avplugin.installation.windows_path import is_windows_path
from avplugin.setup.answers import Answers, Places
from avplugin.setup.files import configuration_files


class AnswersError(AvpluginError):
    """Something that was answered cannot be so. The message says all of it at once."""


@dataclasses.dataclass(frozen=True, slots=True)
class Checked:
    """What the answers come to; `warnings` is what a person should look at."""

    installation: Installation
    files: dict[Path, str]
    warnings: tuple[str, ...]


def check_answers(answers: Answers, places: Places) -> Checked:
    """Look at every folder and at the register, and return what would be written.

    Raise AnswersError if a backup could not work like that.
    """
    files = configuration_files(answers, places)
    with tempfile.TemporaryDirectory(prefix="avplugin-init-") as folder:
        draft = Path(folder, "accountview.yaml")
        draft.write_text(files[places.configuration], encoding="utf-8")
        try:
            installation = load_configuration(str(draft)).locate()
        except AvpluginError as error:
            text = str(error).replace(f"{draft}: ", "").replace(str(draft), "accountview.yaml")
            kind = AnswersError if isinstance(error, ConfigurationError) else type(error)
            raise kind(text) from error
    faults = [*_faulty_folders(installation), *_faulty_places(answers, places, installation)]
    if faults:
        raise AnswersError("\n".join(faults))
    return Checked(installation, files, tuple(_warnings(answers, installation)))


def why_no_repository(repository: str) -> str:
    """Return why this cannot be where a repository is, or nothing."""
    if is_windows_path(repository):
        return f"'{repository}' is a Windows path: write where it is on this machine, from / on"
    if re.search(r"[\x00-\x1f]", repository) or not repository:
        return "a repository's path or URL is one line of text"
    if repository.startswith("/") and ":" in repository:
        return f"'{repository}': borgmatic takes what is before a colon for another computer's name"
    if re.match(r"[a-z0-9]+://[^/@]*:[^/@]*@", repository):
        return "a password does not belong in a repository's URL: use a key, see ssh-keygen(1)"
    is_url = re.match(r"ssh://[^/]+/.|[^/:]+@[^/:]+:.", repository)
    if not is_url and not repository.startswith("/"):
        return (
            f"'{repository}' is neither a path from / on nor a URL such as ssh://backup@host/./av"
        )
    return ""


def _faulty_folders(installation: Installation) -> Iterator[str]:
    for bad in _bad_system_folders(installation):
        yield f"{bad.label}: {bad.why}"
    if not any(part.folder for part in installation.administrations):
        yield "no administration has a folder that can be backed up:"
        yield from (f"{bad.label}: {bad.why}" for bad in _bad_administrations(installation)[:3])


def _faulty_places(answers: Answers, places: Places, installation: Installation) -> Iterator[str]:
    why = why_no_repository(answers.repository)
    if why:
        yield why
    mine = {"the state folder": places.state, "the configuration": places.configuration.parent}
    if answers.repository.startswith("/"):
        mine["the repository"] = Path(answers.repository)
    for what, place in mine.items():
        real = os.path.realpath(place)
        for folder in installation.folders:
            if real == folder.path or real.startswith(f"{folder.path}/"):
                yield (
                    f"{what} {place} lies in AccountView's folder {folder.path}: whatever befalls"
                    " that folder befalls the backups too. Choose a place outside"
                )
                break
            if what == "the repository" and folder.path.startswith(f"{real}/"):
                yield f"{what} {place} is a folder that holds {folder.path}. Choose one of its own"
                break


def _warnings(answers: Answers, installation: Installation) -> Iterator[str]:
    for bad in _bad_administrations(installation):
        yield f"{bad.label}: {bad.why}"
    for folder in installation.system_folders:
        names = {entry.name.lower() for entry in Path(folder.path).iterdir()}
        if folder.kind is Kind.PROGRAM and "avwin.exe" not in names:
            yield f"there is no avwin.exe in {folder.path}: is it what Help > Info shows?"
    if answers.repository.startswith("/"):
        yield (
            f"the repository {answers.repository} is on this machine: keep a second one somewhere"
            " else, for a fire or a thief takes both"
        )


def _bad_system_folders(installation: Installation) -> list[BadFolder]:
    return [bad for bad in installation.bad if not bad.kind.is_of_administration]


def _bad_administrations(installation: Installation) -> list[BadFolder]:
    return [bad for bad in installation.bad if bad.kind.is_of_administration]
