"""Which schedule is there on this machine."""

from __future__ import annotations

import re
from pathlib import Path

from avplugin.schedule import cron, systemd, task_scheduler
from avplugin.schedule.model import Present, Scheduler
from avplugin.schedule.written import ScheduleError

SCHEDULERS: tuple[Scheduler, ...] = (cron, systemd, task_scheduler)

_BY_HAND = ("etc/crontab", "var/spool/cron/crontabs/root", "var/spool/cron/root")
_SCHTASKS = "mnt/c/Windows/System32/schtasks.exe"
_BORGMATIC_TIMER = "etc/systemd/system/timers.target.wants/borgmatic.timer"
_STARTS_BORGMATIC = re.compile(r"^\s*[^#\s].*\bborgmatic\b", re.MULTILINE)


def scheduler_named(name: str) -> Scheduler:
    """Return the module of `cron`, `systemd` or `task-scheduler`."""
    return next(one for one in SCHEDULERS if name == one.NAME)


def find_schedules(root: Path = Path("/")) -> list[Present]:
    """Return what avplugin has installed: as a rule one, none where nothing starts the nights.

    Raise ScheduleError if a file or a task cannot be read.
    """
    found = (scheduler.find(root) for scheduler in SCHEDULERS)
    return [present for present in found if present is not None]


def find_others(root: Path = Path("/")) -> list[str]:
    """Return the places, not avplugin's, that start borgmatic as well: cron lines, its own timer.

    What this user may not read is left out.
    """
    files = [root / place for place in _BY_HAND]
    if (root / "etc/cron.d").is_dir():
        files += sorted((root / "etc/cron.d").iterdir())
    ours = {place for present in find_schedules(root) for place in present.places}
    found = [str(file) for file in files if str(file) not in ours and _starts_borgmatic(file)]
    timer = root / _BORGMATIC_TIMER
    return [*found, *([str(timer)] if timer.is_symlink() else [])]


def is_scheduled(root: Path = Path("/")) -> bool:
    """Return whether anything is seen that starts borgmatic; true where Windows had to be asked."""
    if (root / _SCHTASKS).exists():
        return True
    try:
        return bool(find_schedules(root) or find_others(root))
    except (ScheduleError, OSError):
        return True  # somebody who may read it can tell: avplugin doctor


def suggested(root: Path = Path("/")) -> str:
    """Return the name of the scheduler that fits this machine."""
    if (root / _SCHTASKS).exists():
        return task_scheduler.NAME  # WSL runs only while somebody has started it
    if (root / "run/systemd/system").is_dir():
        return systemd.NAME
    return cron.NAME


def _starts_borgmatic(file: Path) -> bool:
    try:
        text = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
    except OSError:
        return False
    return _STARTS_BORGMATIC.search(text) is not None
