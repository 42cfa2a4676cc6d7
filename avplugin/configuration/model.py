"""What accountview.yaml says, checked."""

from __future__ import annotations

import dataclasses
import fnmatch
from collections.abc import Mapping, Sequence
from pathlib import Path

from avplugin.configuration.mail import MailServer, ReportSettings
from avplugin.configuration.packages import PackageSettings
from avplugin.configuration.sessions import OnBusy, Sessions
from avplugin.configuration.window import Window
from avplugin.errors import UsageError
from avplugin.installation.locate import AdministrationSource, locate_installation
from avplugin.installation.model import Installation, code_key
from avplugin.installation.windows_path import Drives

CHOSEN = "chosen"  # stands for a set's name where somebody chose administrations


@dataclasses.dataclass(frozen=True, slots=True)
class BackupSet:
    """What is backed up together: one borgmatic configuration, one series of archives."""

    name: str
    folders: tuple[str, ...]  # of program, system, extra
    select: tuple[str, ...]  # codes and patterns of administrations
    borgmatic: Path
    only_changed: bool
    on_busy: OnBusy
    blocked_by: frozenset[str]  # kinds of sessions
    overdue_after: float  # seconds
    interval: float | None = None  # seconds; None is each time that borgmatic is started
    window: Window | None = None
    keep_versions: int = 1
    keep_retired: float = 7 * 366 * 86400.0  # seconds

    def selects(self, code: str) -> bool:
        """Return whether the administration with this code is in the set."""
        key = code_key(code)
        return any(
            key == code_key(wanted) or fnmatch.fnmatchcase(key, code_key(wanted))
            for wanted in self.select
        )


@dataclasses.dataclass(frozen=True, slots=True)
class BrakeLimits:
    """How much may be lost from one clean snapshot to the next; from both on it is too much."""

    percent: int
    least: int  # tables


@dataclasses.dataclass(frozen=True, slots=True)
class DrillSettings:
    """When a drill is due behind a check, and what it takes."""

    every: float  # seconds
    sample: int  # administrations or other folders
    folder: Path | None  # where it extracts to; None is below the state folder


@dataclasses.dataclass(frozen=True, slots=True)
class Configuration:
    """accountview.yaml; paths of folders are still as written there, Windows paths included."""

    file: Path
    text: str
    installation_name: str
    program: str
    system: str
    extra: tuple[str, ...]
    administrations: tuple[AdministrationSource, ...]
    drives: Mapping[str, str]
    state: Path
    sets: Mapping[str, BackupSet]
    copy_documents_backup: bool
    copy_documents_backup_of: Mapping[str, bool]  # by code
    sessions: Sessions
    brake: BrakeLimits
    drill: DrillSettings
    ignored_references: tuple[str, ...]  # Windows paths that no folder need cover, * and ? in them
    keep_chosen: int  # snapshots of each administration in the series of chosen ones
    unregistered_ignored: tuple[str, ...] = ()  # patterns of names and paths
    report: ReportSettings = ReportSettings()  # noqa: RUF009 - it is frozen
    mail: MailServer | None = None
    copy_documents_export: bool = True
    copy_documents_export_of: Mapping[str, bool] = dataclasses.field(default_factory=dict)
    packages: PackageSettings = PackageSettings()  # noqa: RUF009 - it is frozen

    def chosen_set(self, base: BackupSet, codes: Sequence[str]) -> BackupSet:
        """Return what is backed up if only some administrations of a set are asked for.

        Its archives are a series of their own: one that lacks most folders would otherwise take
        the place of a whole one. Raise UsageError if the set does not have one of them.
        """
        for code in codes:
            if not base.selects(code):
                raise UsageError(f"the set {base.name} has no administration {code}.")
        return dataclasses.replace(
            base,
            name=CHOSEN,
            folders=(),
            select=tuple(codes),
            only_changed=False,
            interval=None,
            window=None,
        )

    def backup_set(self, name: str) -> BackupSet:
        """Return the set of this name; raise UsageError if there is none."""
        if name not in self.sets:
            known = ", ".join(self.sets)
            raise UsageError(f"there is no set {name} in {self.file}; there are {known}.")
        return self.sets[name]

    def backs_up_copy_documents(self, code: str) -> bool:
        """Return whether the copy documents of the administration with this code come along."""
        return _of(code, self.copy_documents_backup_of, self.copy_documents_backup)

    def exports_copy_documents(self, code: str) -> bool:
        """Return whether they come along in a package of the administration."""
        return _of(code, self.copy_documents_export_of, self.copy_documents_export)

    def locate(self) -> Installation:
        """Return the installation as it is on this machine now.

        Raise AvpluginError if a list of administrations cannot be read.
        """
        return locate_installation(
            name=self.installation_name,
            program=self.program,
            system=self.system,
            extra=self.extra,
            administrations=self.administrations,
            drives=Drives(self.drives),
            copy_documents_backup=self.backs_up_copy_documents,
        )


def _of(code: str, single: Mapping[str, bool], otherwise: bool) -> bool:
    for other, wanted in single.items():
        if code_key(other) == code_key(code):
            return wanted
    return otherwise
