"""What is to be started, and when: out of accountview.yaml, and out of what somebody asks for."""

from __future__ import annotations

import dataclasses
import datetime
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from avplugin.borgmatic.configuration import (
    BorgmaticConfigurationError,
    load_borgmatic_configuration,
)
from avplugin.configuration.model import Configuration
from avplugin.errors import UsageError
from avplugin.schedule.model import Daily, Every, Schedule, Start, WindowsAccount
from avplugin.schedule.written import ScheduleError
from avplugin.shipped import shipped_folder

_CONFIGURATION = Path("/etc/avplugin/accountview.yaml")
_BORGMATIC = Path("/etc/borgmatic.d")
_USUAL_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# Under WSL, powershell.exe and net.exe, which ways of finding out who is in start.
_WINDOWS_FOLDERS = (
    "/mnt/c/Windows/System32",
    "/mnt/c/Windows/System32/WindowsPowerShell/v1.0",
)
_WRITABLE = ("/var", "/run", "/root")  # in every service of systemd's

_NIGHT = Daily(2, 0)
_OFTEN = Every(10)
_MORNING = Daily(6, 30)


@dataclasses.dataclass(frozen=True, slots=True)
class Wishes:
    """What somebody asks for; None is the default of the settings."""

    backup: Daily | Every | None = None
    prune: Daily | None = None
    mail_to: str | None = None


class Programs(NamedTuple):
    """Absolute paths of commands; a PATH on which borgmatic finds Borg, and its hooks avplugin."""

    avplugin: str
    borgmatic: str
    path: str


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """A schedule, and what a person should know before it is installed."""

    schedule: Schedule
    warnings: tuple[str, ...]


def daily(text: str) -> Daily:
    """Return the time that HH:MM means; raise UsageError if it means none."""
    match = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", text)
    if match is None:
        raise UsageError(f"'{text}' is no time of the day: write it as 02:00 or 23:30.")
    return Daily(int(match[1]), int(match[2]))


def every(text: str) -> Every:
    """Return the interval that 10m or 1h means; raise UsageError if the clock cannot hold it."""
    match = re.fullmatch(r"(\d{1,4})([mh])", text)
    minutes = int(match[1]) * (60 if match[2] == "h" else 1) if match else 0
    divides = (60 % minutes == 0 or 1440 % minutes == minutes % 60 == 0) if minutes else False
    if not divides or minutes >= 1440:
        raise UsageError(
            f"'{text}' is no interval that an hour or a day can be divided in: 10m, 15m, 1h or 6h."
        )
    return Every(minutes)


def find_programs() -> Programs:
    """Return where the commands are that a schedule starts.

    Raise ScheduleError if borgmatic, avplugin or Borg is not found.
    """
    avplugin, borgmatic, borg = (_find_program(name) for name in ("avplugin", "borgmatic", "borg"))
    usual = _USUAL_PATH.split(":")
    own = [str(Path(program).parent) for program in (avplugin, borgmatic, borg)]
    odd = [folder for folder in own if ":" in folder]
    if odd:
        raise ScheduleError(f"a folder with a colon in its name cannot stand on PATH: {odd[0]}")
    folders = [*(folder for folder in own if folder not in usual), *usual]
    folders += [folder for folder in _WINDOWS_FOLDERS if Path(folder).is_dir()]
    return Programs(avplugin, borgmatic, ":".join(dict.fromkeys(folders)))


def plan_schedule(
    configuration: Configuration,
    wishes: Wishes,
    programs: Programs,
    scheduler: str,
    windows: WindowsAccount | None = None,
) -> Plan:
    """Return what this scheduler is to start for this configuration."""
    backup = wishes.backup or _usual_backup(configuration)
    prune = wishes.prune or _usual_prune(configuration)
    files = [part.borgmatic for part in configuration.sets.values()]
    starts = [
        Start(
            "create",
            "Backup of AccountView",
            (programs.borgmatic, *_log(scheduler, backup), *_named(files), "create"),
            backup,
        ),
        Start(
            "prune",
            "Pruning and checks of AccountView's backups",
            (
                *(programs.borgmatic, *_log(scheduler, prune), *_named(files)),
                *("prune", "compact", "check"),
            ),
            prune,
        ),
    ]
    if configuration.report.mail_to:
        # It knows itself when the night is over, and that it has told it already.
        words = (programs.avplugin, "report", "--mail")
        starts.append(
            Start("report", "Mail on how the night was", words, _OFTEN, may_say_not_now=True)
        )
    named = configuration.file != _CONFIGURATION
    repositories, warnings = _local_repositories(files)
    folders = [str(configuration.state), *repositories]
    if configuration.drill.folder:
        folders.append(str(configuration.drill.folder))
    schedule = Schedule(
        starts=tuple(starts),
        path=programs.path,
        environment={"AVPLUGIN_CONFIG": str(configuration.file)} if named else {},
        writable=tuple(dict.fromkeys(folder for folder in folders if _needs_saying(folder))),
        mail_to=wishes.mail_to,
        windows=windows,
    )
    warnings += [*_others_started(files), *_not_limited(configuration, backup)]
    return Plan(schedule, tuple(warnings))


def _usual_backup(configuration: Configuration) -> Daily | Every:
    """Return when to back up if nobody says: often, where before-backup knows when it is time."""
    is_limited = any(part.interval or part.window for part in configuration.sets.values())
    return _OFTEN if is_limited else _NIGHT


def _usual_prune(configuration: Configuration) -> Daily:
    """Return when to prune if nobody says: behind the hours in which a backup may begin."""
    windows = [part.window for part in configuration.sets.values() if part.window]
    last = max((window.end for window in windows), default=datetime.time())
    minutes = last.hour * 60 + last.minute + 30
    if (minutes % 1440) <= _MORNING.hour * 60 + _MORNING.minute:
        return _MORNING
    return Daily(minutes // 60 % 24, minutes % 60)


def _log(scheduler: str, when: Daily | Every) -> tuple[str, ...]:
    """Return borgmatic's options for what it tells: 'not now' every ten minutes is too much.

    cron mails what is printed, and Windows keeps none of it. systemd's journal takes it all.
    """
    level = "-1" if isinstance(when, Every) else "0"  # errors only, or warnings too
    if scheduler == "task-scheduler":
        return ("--log-file", "/var/log/avplugin.log", "--log-file-verbosity", level)
    return ("--verbosity", level) if scheduler == "cron" and level == "-1" else ()


def _not_limited(configuration: Configuration, backup: Daily | Every) -> Iterator[str]:
    """Yield a warning for each set that is copied whenever a start finds something changed."""
    for part in configuration.sets.values():
        if isinstance(backup, Every) and not part.interval and not part.window:
            yield (
                f"the set {part.name} has no interval: it is looked at every {backup}, day and"
                f" night. 'sets: {part.name}: interval: 1d' in {configuration.file} limits it."
            )


def _named(files: list[Path]) -> list[str]:
    """Return borgmatic's options for the files of the sets, where it does not find them itself."""
    if all(file.parent == _BORGMATIC and file.suffix in {".yaml", ".yml"} for file in files):
        return []
    return [word for file in dict.fromkeys(files) for word in ("--config", str(file))]


def _others_started(files: list[Path]) -> Iterator[str]:
    """Yield a warning where borgmatic, started without a file's name, starts more than the sets."""
    if _named(files):
        return
    found = [Path("/etc/borgmatic/config.yaml"), *sorted(_BORGMATIC.glob("*.y*ml"))]
    others = [file for file in found if file.exists() and file not in files]
    if others:
        yield (
            f"borgmatic starts {', '.join(map(str, others))} each time too, as it lies in its own"
            " folder and is no set of avplugin's."
        )


def _local_repositories(files: list[Path]) -> tuple[list[str], list[str]]:
    """Return the folders of repositories on this machine, and a warning for each missing file."""
    repositories, warnings = [], []
    for file in dict.fromkeys(files):
        if not file.exists():
            warnings.append(f"borgmatic's configuration {file} is not there yet.")
            continue
        try:
            found = load_borgmatic_configuration(file).repositories
        except BorgmaticConfigurationError as error:
            warnings.append(str(error))
            continue
        repositories += [part.path for part in found if part.path.startswith("/")]
    return repositories, warnings


def _needs_saying(folder: str) -> bool:
    return not any(folder == usual or folder.startswith(f"{usual}/") for usual in _WRITABLE)


def _find_program(name: str) -> str:
    """Return the absolute path of a command, as this user finds it, or beside this Python."""
    beside = Path(sys.executable).with_name(name)
    found = shutil.which(name) or (str(beside) if beside.exists() else None)
    if found is None:
        raise ScheduleError(
            f"{name} is not on PATH, so no schedule can start it.\n"
            "README says how to put it there: step 1 of the first real backup."
        )
    # A link in /usr/local/bin is where it will still be when the checkout has moved.
    same = {os.path.realpath(found)}
    if name == "avplugin":
        same.add(os.path.realpath(shipped_folder("hooks") / "avplugin"))
    linked = [f"{folder}/{name}" for folder in _USUAL_PATH.split(":")]
    usual = [path for path in linked if os.path.exists(path) and os.path.realpath(path) in same]  # noqa: PTH110
    return usual[0] if usual else os.path.abspath(found)  # noqa: PTH100 - links stay
