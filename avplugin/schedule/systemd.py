"""The schedule as systemd's services and timers.

The services are hardened as borgmatic's own sample is, and what AccountView needs is left open.
Source: systemd.exec(5), systemd.timer(5), and sample/systemd/borgmatic.service of borgmatic.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
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
    Step,
)
from avplugin.schedule.written import ScheduleError, below, is_ours, remove_all, write_all

NAME = "systemd"

_FOLDER = "/etc/systemd/system"
_WANTED = f"{_FOLDER}/timers.target.wants"
_NAMES = ("create", "prune", "report")

_SERVICE = """\
# {mark} --systemd; 'remove' takes it away.
# To change something, use 'systemctl edit avplugin-{name}.service', which is kept.
[Unit]
Description={title}
Wants=network-online.target
After=network-online.target remote-fs.target{after}

[Service]
Type=oneshot
User=root
{environment}
ExecStart={command}{success}
# A copy that is cut short takes its time to give back what it holds.
TimeoutStopSec=5min

# All is read-only, AccountView's folders too, but these. /var has state, mail and Samba's files,
# root's home Borg's cache. A hook of yours that writes elsewhere needs its folder added.
ProtectSystem=strict
ReadWritePaths=/var /run -/root{writable}

# Every file is to be read, and drills extract files with their owners; the rest is for programs
# that hooks call: smbstatus, and sendmail with its own user.
CapabilityBoundingSet=CAP_DAC_READ_SEARCH CAP_DAC_OVERRIDE CAP_CHOWN CAP_FOWNER CAP_FSETID
CapabilityBoundingSet=CAP_SETUID CAP_SETGID CAP_KILL CAP_NET_RAW
# Drills extract folders with the setgid bit.
RestrictSUIDSGID=no
LockPersonality=yes
# Off, as in borgmatic's sample: its monitoring hooks need that.
MemoryDenyWriteExecute=no
NoNewPrivileges=yes
PrivateDevices=yes
PrivateTmp=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
# AF_VSOCK is how WSL starts programs of Windows.
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK AF_VSOCK
RestrictNamespaces=yes
RestrictRealtime=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM

# Whoever works on this machine goes first.
Nice=19
CPUSchedulingPolicy=batch
IOSchedulingClass=best-effort
IOSchedulingPriority=7
IOWeight=100

# Every line goes to the journal: journalctl -u avplugin-{name}
LogRateLimitIntervalSec=0
"""

_TIMER = """\
# {mark} --systemd; 'remove' takes it away.
[Unit]
Description={title}

[Timer]
OnCalendar={when}
# A machine that was off makes up for it.
Persistent=true

[Install]
WantedBy=timers.target
"""


def documents(schedule: Schedule) -> tuple[Document, ...]:
    """Return a service and a timer for each start."""
    found = []
    for start in schedule.starts:
        timer = _TIMER.format(mark=MARK, title=start.title, when=_when(start.when))
        for kind, text in (("service", _service(schedule, start)), ("timer", timer)):
            name = f"avplugin-{start.name}.{kind}"
            found.append(Document(f"{_FOLDER}/{name}", text, name))
    return tuple(found)


def install(schedule: Schedule, root: Path) -> Outcome:
    """Write the units, and have systemd start the timers where it runs.

    Raise ScheduleError if a unit of this name is somebody else's, or systemd refuses.
    """
    steps = write_all(documents(schedule), root)
    unneeded = sorted(set(_NAMES) - {start.name for start in schedule.starts})
    timers = [f"avplugin-{start.name}.timer" for start in schedule.starts]
    stale = [f"avplugin-{name}.timer" for name in unneeded if is_ours(_unit(root, name, "timer"))]
    if not _runs(root):
        steps += remove_all(_places(unneeded), root)
        return Outcome(
            tuple(steps), (f"systemd does not run here. Where it does: {_enable(timers, root)}",)
        )
    if stale:
        _systemctl("disable", "--now", *stale)
        steps += remove_all(_places(unneeded), root)
    if any(step.done != "already so" for step in steps):
        _systemctl("daemon-reload")
        # A timer that runs goes on with its old time until it is started again.
        if running := [timer for timer in timers if _is_enabled(root, timer)]:
            _systemctl("restart", *running)
    missing = [timer for timer in timers if not _is_enabled(root, timer)]
    if missing:
        _systemctl("enable", "--now", *missing)
        steps += [Step(timer, "enabled and started") for timer in missing]
    return Outcome(tuple(steps))


def remove(root: Path) -> Outcome:
    """Stop the timers and remove the units. Raise ScheduleError if one is somebody else's."""
    timers = [f"avplugin-{name}.timer" for name in _NAMES if is_ours(_unit(root, name, "timer"))]
    if _runs(root) and timers:
        _systemctl("disable", "--now", *timers)
    steps = remove_all(_places(_NAMES), root)
    for timer in timers:
        below(root, f"{_WANTED}/{timer}").unlink(missing_ok=True)
    if _runs(root) and steps:
        _systemctl("daemon-reload")
    return Outcome(tuple(steps))


def find(root: Path) -> Present | None:
    """Return which units are there, and what is wrong if a timer is not enabled."""
    names = [name for name in _NAMES if is_ours(_unit(root, name, "timer"))]
    if not names:
        return None
    off = [f"avplugin-{name}.timer" for name in names]
    off = [timer for timer in off if not _is_enabled(root, timer)]
    fault = ""
    if off:
        fault = f"not enabled: {', '.join(off)}. This does it: {_enable(off, root)}"
    elif not _runs(root):
        fault = "systemd does not run on this machine."
    return Present(NAME, tuple(str(_unit(root, name, "timer")) for name in names), fault)


def _service(schedule: Schedule, start: Start) -> str:
    program = start.words[0]
    if re.search(r"""["'\\]""", program):
        raise ScheduleError(f"systemd starts no program with quotes in its path: {program}.")
    variables = {"PATH": schedule.path, **schedule.environment}
    after = {"create": "", "prune": " avplugin-create.service"}
    return _SERVICE.format(
        mark=MARK,
        name=start.name,
        title=start.title,
        # Those that a machine makes up for when it was off come behind each other.
        after=after.get(start.name, " avplugin-create.service avplugin-prune.service"),
        environment="\n".join(
            f"Environment={_quoted(f'{name}={value}')}" for name, value in variables.items()
        ),
        command=" ".join(
            [_quoted(program), *(_quoted(word).replace("$", "$$") for word in start.words[1:])]
        ),
        success="\nSuccessExitStatus=75" if start.may_say_not_now else "",
        writable="".join(f" {_quoted(f'-{folder}')}" for folder in schedule.writable),
    )


def _when(when: Daily | Every) -> str:
    if isinstance(when, Daily):
        return f"*-*-* {when}:00"
    if when.minutes < 60:
        return f"*-*-* *:0/{when.minutes}:00"
    return f"*-*-* 0/{when.minutes // 60}:00:00"


def _quoted(word: str) -> str:
    """Return a word as systemd reads it: see systemd.syntax(7), and % in systemd.unit(5)."""
    if re.search(r"[\x00-\x1f]", word):
        raise ScheduleError(f"a line break or tab cannot stand in a unit of systemd: {word!r}.")
    word = word.replace("%", "%%")
    if re.fullmatch(r"[\w@%/.,:=+-]+", word):
        return word
    word = word.replace("\\", r"\\").replace('"', r"\"")
    return f'"{word}"'


def _places(names: Sequence[str]) -> list[str]:
    return [f"{_FOLDER}/avplugin-{name}.{kind}" for name in names for kind in ("timer", "service")]


def _unit(root: Path, name: str, kind: str) -> Path:
    return below(root, f"{_FOLDER}/avplugin-{name}.{kind}")


def _is_enabled(root: Path, timer: str) -> bool:
    return below(root, f"{_WANTED}/{timer}").is_symlink()


def _enable(timers: Sequence[str], root: Path) -> str:
    where = "" if root == Path("/") else f"--root {root} "
    now = "--now " if root == Path("/") else ""
    return f"systemctl {where}enable {now}{' '.join(timers)}"


def _runs(root: Path) -> bool:
    """Return whether systemd is what runs this system: see sd_booted(3)."""
    return root == Path("/") and Path("/run/systemd/system").is_dir()


def _systemctl(*words: str) -> None:
    try:
        done = subprocess.run(
            ["systemctl", *words], capture_output=True, text=True, errors="replace", check=False
        )
    except OSError as error:
        raise ScheduleError(f"cannot start systemctl: {error.strerror}.") from error
    if done.returncode:
        raise ScheduleError(f"'systemctl {' '.join(words)}' failed: {done.stderr.strip()}")
