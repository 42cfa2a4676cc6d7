"""The schedule as tasks of Windows' Task Scheduler, which start WSL.

Source of the format: Microsoft, [MS-TSCH] 2.5, Task Definition; of wsl.exe in Program Files, the
only one that works while nobody is logged on: WSL's issue 9231.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

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
    WindowsAccount,
)
from avplugin.schedule.written import ScheduleError

NAME = "task-scheduler"

_FOLDER = r"\avplugin"
_NAMES = ("create", "prune", "report")
_SYSTEM32 = Path("mnt/c/Windows/System32")
_NEW_WSL = "Program Files/WSL/wsl.exe"

_TASK = """\
<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Author>avplugin</Author>
    <Description>{description}</Description>
  </RegistrationInfo>
  <Triggers>
    <CalendarTrigger>
      <StartBoundary>2026-01-01T{begin}:00</StartBoundary>{repetition}
      <ScheduleByDay>
        <DaysInterval>1</DaysInterval>
      </ScheduleByDay>
    </CalendarTrigger>
  </Triggers>
  <Principals>
    <Principal id="Author">
      <UserId>{user}</UserId>
      <LogonType>{logon}</LogonType>
      <RunLevel>HighestAvailable</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <StartWhenAvailable>true</StartWhenAvailable>
    <WakeToRun>{wake}</WakeToRun>
    <ExecutionTimeLimit>PT12H</ExecutionTimeLimit>
    <Enabled>true</Enabled>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>{command}</Command>
      <Arguments>{arguments}</Arguments>
    </Exec>
  </Actions>
</Task>
"""

_REPETITION = """
      <Repetition>
        <Interval>PT{minutes}M</Interval>
        <Duration>P1D</Duration>
      </Repetition>"""


def find_account(
    root: Path, user: str | None, distribution: str | None, *, has_password: bool
) -> WindowsAccount:
    """Return who runs WSL here, with what is given in place of what is found.

    Raise ScheduleError, which says what to give, where this is no WSL.
    """
    if user is None:
        user = _ask(root, "whoami.exe")
    if distribution is None:
        # sudo takes the variable away; the top folder as Windows sees it is called \\HOST\NAME\.
        distribution = os.environ.get("WSL_DISTRO_NAME") or _of_top_folder(_ask(root, "wslpath"))
    missing = [
        option
        for option, value in (("--windows-user", user), ("--distribution", distribution))
        if not value
    ]
    if missing or not user or not distribution:
        raise ScheduleError(
            f"this is no WSL that answers, so {' and '.join(missing)} must be given: who runs WSL"
            " on Windows, and what 'wsl.exe --list' calls the distribution."
        )
    is_new = (root / "mnt/c" / _NEW_WSL).exists() or not (root / _SYSTEM32).exists()
    program = r"C:\Program Files\WSL\wsl.exe" if is_new else r"C:\Windows\System32\wsl.exe"
    return WindowsAccount(user, distribution, program, has_password)


def documents(schedule: Schedule) -> tuple[Document, ...]:
    """Return a task for each start; its place is the name of the task."""
    assert schedule.windows is not None  # noqa: S101 - what plan_schedule makes for this scheduler
    return tuple(
        Document(
            f"{_FOLDER}\\{start.name}",
            _task(schedule, schedule.windows, start),
            f"avplugin-{start.name}.xml",
            encoding="utf-16",  # with its byte order mark, as schtasks.exe wants it
            line_end="\r\n",
        )
        for start in schedule.starts
    )


def install(schedule: Schedule, root: Path) -> Outcome:
    """Register the tasks with Windows.

    Raise ScheduleError if there is no schtasks.exe here, it refuses, or a task is somebody else's.
    """
    assert schedule.windows is not None  # noqa: S101 - as above
    program = _require_schtasks(root)
    found = _registered(program)
    steps = []
    for document in documents(schedule):
        registered = found.get(document.place)
        if registered is not None and _is_same(registered, document.text):
            steps.append(Step(document.place, "already so"))
        else:
            _register(program, document, schedule.windows)
            steps.append(Step(document.place, "written"))
    wanted = {document.place for document in documents(schedule)}
    steps += [_delete(program, place) for place in found if place not in wanted]
    return Outcome(tuple(steps))


def remove(root: Path) -> Outcome:
    """Take avplugin's tasks away. Raise ScheduleError as install does."""
    program = _require_schtasks(root)
    return Outcome(tuple(_delete(program, place) for place in _registered(program)))


def find(root: Path) -> Present | None:
    """Return which tasks Windows has; None as well where there is no Windows to be asked."""
    program = _find_program(root, "schtasks.exe")
    found = _registered(program) if program else {}
    if not found:
        return None
    off = [place for place, text in found.items() if _is_disabled(text)]
    fault = f"disabled in the Task Scheduler: {', '.join(off)}." if off else ""
    return Present(NAME, tuple(found), fault)


def _task(schedule: Schedule, windows: WindowsAccount, start: Start) -> str:
    variables = {"PATH": schedule.path, **schedule.environment}
    words = [
        *("-d", windows.distribution, "-u", "root", "--exec", "/usr/bin/env"),
        *(f"{name}={value}" for name, value in variables.items()),
        *start.words,
    ]
    odd = [word for word in words if re.search(r'["\x00-\x1f]', word)]
    if odd:
        raise ScheduleError(
            f"a double quote or line break cannot stand in a task for wsl.exe: {odd[0]!r}."
        )
    minutes = start.when.minutes if isinstance(start.when, Every) else None
    filled = {
        "begin": str(start.when) if isinstance(start.when, Daily) else "00:00",
        "repetition": _REPETITION.format(minutes=minutes) if minutes else "",
        "wake": "false" if start.name == "report" else "true",  # it is not worth that
        "user": escape(windows.user),
        "logon": "Password" if windows.has_password else "S4U",
        "command": escape(windows.program),
        "arguments": escape(subprocess.list2cmdline(words)),
    }
    # Windows gives a task back in other words than it got it: the number tells it again.
    number = hashlib.sha256(_TASK.format(description="", **filled).encode()).hexdigest()[:16]
    description = escape(f"{start.title}. {MARK} --task-scheduler, number {number}.")
    return _TASK.format(description=description, **filled)


def _registered(program: str) -> dict[str, str]:
    """Return avplugin's tasks, as Windows tells them. Raise ScheduleError for somebody else's."""
    found = {}
    for name in _NAMES:
        place = f"{_FOLDER}\\{name}"
        done = _run([program, "/Query", "/TN", place, "/XML"])
        if done.returncode:
            continue  # it says so in the language of that Windows; the status is all there is
        text = _decoded(done.stdout)
        if MARK not in text:
            raise ScheduleError(
                f"the task {place} of Windows was not made by avplugin, and is left as it is.\n"
                "Give it another name in the Task Scheduler, and try again."
            )
        found[place] = text
    return found


def _is_same(registered: str, wanted: str) -> bool:
    number = re.search(r"number [0-9a-f]{16}", wanted)
    return number is not None and number[0] in registered and not _is_disabled(registered)


def _is_disabled(registered: str) -> bool:
    return re.search(r"<Enabled>\s*false\s*</Enabled>", registered) is not None


def _register(program: str, document: Document, windows: WindowsAccount) -> None:
    # Windows reads the file as the user that WSL starts with, who is not root.
    with tempfile.TemporaryDirectory(prefix="avplugin-task-") as folder:
        Path(folder).chmod(0o755)
        file = Path(folder, "task.xml")
        file.write_bytes(document.data)
        file.chmod(0o644)
        named = _run(["wslpath", "-w", str(file)]).stdout.decode("utf-8", "replace").strip()
        words = [program, "/Create", "/TN", document.place, "/XML", named, "/F"]
        if windows.has_password:
            # schtasks asks for the password itself, on the terminal: it stands in no argument.
            words += ["/RU", windows.user, "/RP", "*"]
        done = _run(words, talks=windows.has_password)
    if done.returncode:
        why = _decoded(done.stderr or b"").strip() or "see above"
        raise ScheduleError(
            f"Windows did not take the task {document.place}: {why}\n"
            "Start the terminal as administrator of Windows, and try again."
        )


def _delete(program: str, place: str) -> Step:
    done = _run([program, "/Delete", "/TN", place, "/F"])
    if done.returncode:
        why = _decoded(done.stderr).strip()
        raise ScheduleError(
            f"Windows did not remove the task {place}: {why}\n"
            "Start the terminal as administrator of Windows, and try again."
        )
    return Step(place, "removed")


def _require_schtasks(root: Path) -> str:
    program = _find_program(root, "schtasks.exe")
    if program is None:
        raise ScheduleError(
            "there is no schtasks.exe here: this is no WSL, or its interop is off.\n"
            "'avplugin schedule show --task-scheduler --into FOLDER' writes files to import."
        )
    return program


def _find_program(root: Path, name: str) -> str | None:
    """Return a program of Windows; PATH lacks them under sudo, and where wsl.conf says so."""
    beside = root / _SYSTEM32 / name
    return shutil.which(name) or (str(beside) if beside.exists() else None)


def _ask(root: Path, name: str) -> str | None:
    program = shutil.which(name) if name == "wslpath" else _find_program(root, name)
    if program is None:
        return None
    done = _run([program, *(["-w", "/"] if name == "wslpath" else [])])
    return _decoded(done.stdout).strip() if done.returncode == 0 else None


def _of_top_folder(path: str | None) -> str | None:
    return path.rstrip("\\").rpartition("\\")[2] if path else None


def _decoded(output: bytes) -> str:
    """Return what a program of Windows printed; what it says of its encoding need not be so."""
    is_wide = output[1:2] == b"\0" or output.startswith(b"\xff\xfe")
    return output.decode("utf-16" if is_wide else "cp1252", "replace")


def _run(words: Sequence[str], *, talks: bool = False) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            words,
            capture_output=not talks,
            stdin=None if talks else subprocess.DEVNULL,
            check=False,
            timeout=None if talks else 60,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ScheduleError(f"cannot start {words[0]}: {error}.") from error
