"""What a restore is going to do, looked at before anything is touched."""

from __future__ import annotations

import dataclasses
import datetime
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from avplugin.configuration.model import Configuration
from avplugin.errors import AvpluginError
from avplugin.installation.locate import is_beside_administrations
from avplugin.installation.model import Installation, Kind, code_key
from avplugin.installation.scan import FolderUnreadable, scan_folder
from avplugin.installation.version import accountview_version
from avplugin.restore.choose import Choice
from avplugin.restore.targets import (
    RestoreError,
    Target,
    check_space,
    check_target,
    is_known,
    plan_targets,
)
from avplugin.restore.where import Into, New, Original, Where


@dataclasses.dataclass(frozen=True, slots=True)
class Present:
    """What is at a target now. `changed` is when a file in it last did; None without files."""

    files: int
    size: int
    changed: datetime.datetime | None


@dataclasses.dataclass(frozen=True, slots=True)
class Preparation:
    """All that somebody has to know before saying yes.

    `present` is by target: None where nothing is. Versions are AccountView's; empty if not known.
    """

    choice: Choice
    where: Where
    targets: tuple[Target, ...]
    present: tuple[Present | None, ...]
    version_then: str
    version_now: str
    warnings: tuple[str, ...]
    configuration: Configuration | None
    other_name: str = ""  # of the administration whose place it takes


def prepare(
    choice: Choice, where: Where, configuration: Configuration | None, *, other_version: bool
) -> Preparation:
    """Find out where everything goes and whether it can; nothing is changed.

    `other_version` says that the books may be of another version of AccountView than the program
    is now. Raise UsageError or RestoreError if something is in the way.
    """
    installation, trouble = locate(configuration)
    targets = plan_targets(choice, where, installation)
    for target in targets:
        check_target(target, may_replace=not isinstance(where, New))
    check_space(targets)
    if isinstance(where, Original):
        _refuse_unknown_places(targets, installation, trouble)
    if isinstance(where, New):
        _refuse_places_of_others(choice, targets, installation, configuration)
    then, now = choice.run.accountview_version, _version_of(installation)
    warnings = [trouble.splitlines()[0]] if trouble else []
    warnings += _odd_places(choice, targets, where, installation)
    if configuration is not None and installation is not None:
        warnings += _taken_for_administrations(targets, where, configuration, installation)
    warnings += _check_version(choice, where, then, now, accepted=other_version)
    return Preparation(
        choice=choice,
        where=where,
        targets=targets,
        present=tuple(present_at(target.path, target.stays) for target in targets),
        version_then=then,
        version_now=now,
        warnings=tuple(warnings),
        configuration=configuration,
        other_name=_name_of_other(where, installation),
    )


def present_at(path: Path, stays: Sequence[Path]) -> Present | None:
    """Return what lies in a folder now, without those inside it that stay; None if it is none."""
    if not path.is_dir():
        return None
    try:
        contents = scan_folder(str(path), [os.fsencode(stay) for stay in stays])
    except FolderUnreadable:
        return Present(0, 0, None)  # damaged is one of the reasons to restore
    times = [entry.modified for entry in contents.entries if entry.type == "-"]
    changed = datetime.datetime.fromtimestamp(max(times) / 1e9, tz=datetime.UTC) if times else None
    return Present(contents.files, contents.size, changed)


def _refuse_unknown_places(
    targets: Sequence[Target], installation: Installation | None, trouble: str
) -> None:
    """Replace only what is known to be that folder now, with what lies in it and who is in it.

    The place in a snapshot may be that of another machine, or of another folder since.
    """
    for target in targets:
        if target.replaces and not is_known(target.folder, installation):
            why = trouble or "no configuration says that it is that folder now"
            raise RestoreError(
                f"{target.path} holds data, and is not replaced by {target.folder.label}: {why}.\n"
                "Restore it with --new FOLDER."
            )


def _odd_places(
    choice: Choice, targets: Sequence[Target], where: Where, installation: Installation | None
) -> Iterator[str]:
    """Yield what somebody should know about where folders go."""
    if installation is None:
        return
    for part in (part for target in targets for part in target.parts):
        if isinstance(where, Original) and not is_known(part.folder, installation):
            was = "when the snapshot was made" if choice.origin.knows_places else "in the package"
            yield (
                f"where {part.folder.label} belongs now cannot be told; it goes to where it was"
                f" {was}"
            )
        shared = [
            folder.label
            for folder in installation.folders
            if folder.path == str(part.path)
            and code_key(folder.label) != code_key(part.folder.label)
        ]
        if shared and not isinstance(where, Into):
            yield f"{part.path} is the folder of {', '.join(shared)} as well"


def _taken_for_administrations(
    targets: Sequence[Target],
    where: Where,
    configuration: Configuration,
    installation: Installation,
) -> Iterator[str]:
    """Yield which copy documents a pattern for administrations would find at their new place."""
    if not isinstance(where, New):
        return
    for target in targets:
        if target.folder.kind is Kind.COPY_DOCUMENTS and is_beside_administrations(
            target.path, configuration.administrations, installation
        ):
            yield (
                f"{target.path} will lie beside the administrations, and be taken for one: move it"
                " elsewhere afterwards, or name a FOLDER that is not beside them"
            )


def _refuse_places_of_others(
    choice: Choice,
    targets: Sequence[Target],
    installation: Installation | None,
    configuration: Configuration | None,
) -> None:
    """Refuse a new folder inside one that would take it for its own, or that Borg or we keep."""
    folders = installation.folders if installation is not None else ()
    around = {Path(folder.path): folder.label for folder in folders}
    around |= choice.origin.own_places
    if configuration is not None:
        around[Path(os.path.realpath(configuration.state))] = "avplugin's own folder"
    for target in targets:
        real = Path(os.path.realpath(target.path))
        for one in (real, *real.parents):
            if one in around:
                raise RestoreError(
                    f"{target.path} lies in {one}, and would be taken for a part of"
                    f" {around[one]}.\nName a folder outside of it."
                )


def locate(configuration: Configuration | None) -> tuple[Installation | None, str]:
    """Return the installation, or None and why where its list of administrations is lost.

    Then a restore is what is needed most.
    """
    if configuration is None:
        return None, ""
    try:
        return configuration.locate(), ""
    except AvpluginError as error:
        return None, str(error)


def _name_of_other(where: Where, installation: Installation | None) -> str:
    if not isinstance(where, Into) or installation is None:
        return ""
    key = code_key(where.code)
    return next((one.name for one in installation.administrations if code_key(one.code) == key), "")


def _version_of(installation: Installation | None) -> str:
    for folder in installation.system_folders if installation is not None else ():
        if folder.kind is Kind.PROGRAM:
            return accountview_version(folder.path)
    return ""


def _check_version(
    choice: Choice, where: Where, then: str, now: str, *, accepted: bool
) -> Sequence[str]:
    """Refuse tables of another version in the place of those that the program uses."""
    kind = choice.folder.kind
    if not then or not now or then == now or kind in {Kind.PROGRAM, Kind.EXTRA}:
        return []
    said = f"what is put back is of AccountView {then}, the program is {now} now"
    if accepted or isinstance(where, New):
        return [f"{said}: opening it there is not supported by AccountView and can lose data"]
    raise RestoreError(
        f"{said}.\nAccountView does not support that and can lose data: restore it with --new"
        " FOLDER, or --other-version if you know that they fit."
    )
