"""The schedule in a file of /etc/cron.d. Source: crontab(5) and cron(8) of Debian."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from avplugin.schedule.model import (
    MARK,
    Daily,
    Document,
    Every,
    Outcome,
    Present,
    Schedule,
    Start,
)
from avplugin.schedule.written import ScheduleError, below, is_ours, remove_all, write_all

NAME = "cron"

_FOLDER = "/etc/cron.d"
_PLACE = f"{_FOLDER}/avplugin"  # cron passes over names with a dot in them
_PROGRAMS = ("usr/sbin/cron", "usr/sbin/crond", "usr/bin/crond", "usr/sbin/cronie")


def documents(schedule: Schedule) -> tuple[Document, ...]:
    """Return the file for /etc/cron.d. Raise ScheduleError if a path cannot stand in it."""
    lines = [
        f"# {MARK} --cron; 'remove' takes it away.",
        "# What is printed is mailed to MAILTO, or else to root, if this machine can mail.",
        *([f"MAILTO={_value(schedule.mail_to)}"] if schedule.mail_to else []),
        f"PATH={_value(schedule.path)}",
        *(f"{name}={_value(value)}" for name, value in schedule.environment.items()),
        "",
        *(_line(start) for start in schedule.starts),
    ]
    return (Document(_PLACE, "\n".join(lines) + "\n", "avplugin"),)


def install(schedule: Schedule, root: Path) -> Outcome:
    """Write the file. Raise ScheduleError if there is no cron, or another file in its place."""
    wanted = documents(schedule)
    if not below(root, _FOLDER).is_dir():
        raise ScheduleError(
            f"there is no folder {below(root, _FOLDER)}: cron is not installed.\n"
            "Install it (Debian: apt-get install cron), or take --systemd."
        )
    return Outcome(tuple(write_all(wanted, root)), tuple(_advice(root)))


def remove(root: Path) -> Outcome:
    """Remove the file. Raise ScheduleError if it is somebody else's."""
    return Outcome(tuple(remove_all([_PLACE], root)))


def find(root: Path) -> Present | None:
    """Return whether the file is there, and what is wrong if nobody reads it."""
    file = below(root, _PLACE)
    if not is_ours(file):
        return None
    return Present(NAME, (str(file),), " ".join(_advice(root)))


def _advice(root: Path) -> list[str]:
    if any((root / program).exists() for program in _PROGRAMS):
        return []
    return ["No cron is installed that reads this file (Debian: apt-get install cron)."]


def _line(start: Start) -> str:
    # Of two starts at once the second would complain: the night before may still be at work.
    lock = f"/run/avplugin-{start.name}.lock"
    command = shlex.join(["flock", "--nonblock", lock, *start.words])
    if re.search(r"[\\\r\n]", command):
        raise ScheduleError(
            f"a path with a backslash or a line break cannot stand in a cron file: {command!r}.\n"
            "Take --systemd, or another path."
        )
    if start.may_say_not_now:
        command += " >/dev/null"  # what is printed is mailed; errors still are
    # To cron, % ends the command, whatever the quotes around it.
    return f"{_when(start.when)} root {command.replace('%', chr(92) + '%')}"


def _when(when: Daily | Every) -> str:
    if isinstance(when, Daily):
        return f"{when.minute} {when.hour} * * *"
    if when.minutes < 60:
        return f"*/{when.minutes} * * * *"
    return f"0 */{when.minutes // 60} * * *" if when.minutes > 60 else "0 * * * *"


def _value(text: str) -> str:
    """Return text as the value of a variable: cron takes quotes around it, and nothing else."""
    if re.search(r"[\r\n]", text):
        raise ScheduleError(f"a line break cannot stand in a cron file: {text!r}.")
    if re.fullmatch(r"[^\s'\"]+", text):
        return text
    quote = '"' if '"' not in text else "'"
    if quote in text:
        raise ScheduleError(f"both kinds of quotes cannot stand in a cron file: {text!r}.")
    return f"{quote}{text}{quote}"
