"""What each scheduler is told: times, odd names, and the files that are ready in configs/."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest
from schedules import ACCOUNT, ready_files

from avplugin.errors import UsageError
from avplugin.schedule import cron, systemd, task_scheduler
from avplugin.schedule.model import Daily, Document, Every, Schedule, Start
from avplugin.schedule.plan import daily, every
from avplugin.schedule.written import ScheduleError

ODD = "a b%c'd\"e$HOME&f"
NIGHT = Daily(2, 0)
needs_systemd = pytest.mark.skipif(
    not shutil.which("systemd-analyze"), reason="there is no systemd, as on Alpine"
)
TASK = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"


def schedule(
    *words: str, when: Daily | Every = NIGHT, path: str = "/usr/bin:/bin", **more: str
) -> Schedule:
    """A schedule with one start."""
    start = Start("create", "Backup of AccountView", words or ("/bin/true",), when)
    return Schedule((start,), path=path, environment=more, writable=(), windows=ACCOUNT)


def parsed(document: Document) -> ElementTree.Element:
    """The task that stands in the file."""
    text = document.data.decode("utf-16").split("\n", 1)[1]
    return ElementTree.fromstring(text)  # noqa: S314


@pytest.fixture
def odd_program(tmp_path: Path) -> Path:
    """A program with an odd name, which writes down its words and AVPLUGIN_CONFIG."""
    program = tmp_path / ODD
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@" "$AVPLUGIN_CONFIG"\n')
    program.chmod(0o755)
    return program


def test_the_ready_files_are_what_is_written_when_nothing_was_changed() -> None:
    wanted = ready_files()
    folders = {file.parent for file in wanted}

    there = {file: file.read_bytes() for folder in folders for file in folder.iterdir()}

    assert {folder.name for folder in folders} == {"cron", "systemd", "task-scheduler"}
    assert there == wanted, "python tests/schedules.py writes them anew"


def test_cron_hands_odd_names_on_as_they_are(odd_program: Path, tmp_path: Path) -> None:
    locks = tmp_path / "locks"
    locks.mkdir()
    (document,) = cron.documents(schedule(str(odd_program), ODD, "", path=f"{tmp_path}:/usr/bin"))
    line = document.text.splitlines()[-1]
    schedule_part, command = line.split(" root ")
    # Source: crontab(5): % ends the command, and what follows is its input, unless \ is before it.
    assert not re.search(r"(?<!\\)%", command)
    command = command.replace("\\%", "%").replace("/run/", f"{locks}/")

    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=True)

    assert schedule_part == "0 2 * * *"
    assert done.stdout.split("\n")[:2] == [ODD, ""]


@pytest.mark.parametrize(
    ("value", "said"), [("a b", '"a b"'), ('a"b', "'a\"b'"), ("a'b", '"a\'b"'), ("a%b", "a%b")]
)
def test_cron_gets_values_with_blanks_in_quotes(value: str, said: str) -> None:
    (document,) = cron.documents(schedule(AVPLUGIN_CONFIG=value))

    assert f"\nAVPLUGIN_CONFIG={said}\n" in document.text


@pytest.mark.parametrize("name", ["a\nb", "a\\b"])
def test_what_a_cron_file_cannot_hold_is_refused(name: str) -> None:
    with pytest.raises(ScheduleError, match="cannot stand in a cron file"):
        cron.documents(schedule("/bin/true", name))
    with pytest.raises(ScheduleError, match="cannot stand in a cron file"):
        cron.documents(schedule(AVPLUGIN_CONFIG="both ' and \""))


def test_a_second_backup_at_once_does_not_start_and_says_nothing(tmp_path: Path) -> None:
    (document,) = cron.documents(schedule("/bin/sh", "-c", "echo started; sleep 0.3"))
    command = document.text.splitlines()[-1].split(" root ")[1].replace("/run/", f"{tmp_path}/")

    first, second = (
        subprocess.Popen(["/bin/sh", "-c", command], stdout=-1, stderr=subprocess.STDOUT)
        for _ in range(2)
    )

    assert sorted([first.communicate()[0], second.communicate()[0]]) == [b"", b"started\n"]


@pytest.mark.parametrize(
    ("when", "in_cron", "in_systemd", "in_task"),
    [
        (Daily(2, 0), "0 2 * * *", "*-*-* 02:00:00", ("02:00", None)),
        (Daily(23, 45), "45 23 * * *", "*-*-* 23:45:00", ("23:45", None)),
        (Every(10), "*/10 * * * *", "*-*-* *:0/10:00", ("00:00", "PT10M")),
        (Every(60), "0 * * * *", "*-*-* 0/1:00:00", ("00:00", "PT60M")),
        (Every(360), "0 */6 * * *", "*-*-* 0/6:00:00", ("00:00", "PT360M")),
    ],
)
def test_times_are_the_same_for_every_scheduler(
    when: Daily | Every, in_cron: str, in_systemd: str, in_task: tuple[str, str | None]
) -> None:
    plan = schedule(when=when)

    assert cron.documents(plan)[0].text.splitlines()[-1].startswith(f"{in_cron} root ")
    timer = systemd.documents(plan)[1].text
    assert f"\nOnCalendar={in_systemd}\n" in timer
    assert "\nPersistent=true\n" in timer
    task = parsed(task_scheduler.documents(plan)[0])
    assert task.findtext(f".//{TASK}StartBoundary") == f"2026-01-01T{in_task[0]}:00"
    assert task.findtext(f".//{TASK}Interval") == in_task[1]


@pytest.mark.parametrize("text", ["10m", "1m", "30m", "60m", "1h", "6h", "12h"])
def test_intervals_that_divide_an_hour_or_a_day_are_taken(text: str) -> None:
    assert every(text).minutes == int(text[:-1]) * (60 if text.endswith("h") else 1)


@pytest.mark.parametrize(
    "text", ["0m", "7m", "45m", "90m", "5h", "24h", "1d", "10", "ten", "-5m", "10m\n", ""]
)
def test_other_intervals_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        every(text)


@pytest.mark.parametrize("text", ["24:00", "12:60", "12", "2.30", "02:00\n", "", "-1:00"])
def test_what_is_no_time_of_the_day_is_refused(text: str) -> None:
    assert daily("2:05") == Daily(2, 5)
    with pytest.raises(UsageError):
        daily(text)


@pytest.fixture
def units(tmp_path: Path) -> list[Path]:
    """Services and timers with odd names in them."""
    program = tmp_path / "a b%c$HOME&f"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    start = (str(program), ODD)
    plan = Schedule(
        tuple(Start(name, name, start, Every(10)) for name in ("create", "prune", "report")),
        path=f"{tmp_path}/a b%c:/bin",
        environment={"AVPLUGIN_CONFIG": ODD},
        writable=(f"/srv/{ODD}",),
    )
    files = []
    for document in systemd.documents(plan):
        files.append(tmp_path / document.file_name)
        files[-1].write_text(document.text)
    return files


def verify(units: list[Path]) -> str:
    """Return what systemd says of units, which is nothing if they are right."""
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units],
        capture_output=True,
        text=True,
        check=False,
    )
    ours = [
        line for line in done.stderr.splitlines() if "avplugin" in line or str(units[0]) in line
    ]
    return "\n".join(ours) or ("" if done.returncode == 0 else done.stderr)


@needs_systemd
def test_systemd_finds_nothing_wrong_with_the_units(units: list[Path]) -> None:
    assert verify(units) == ""
    service = units[0]
    service.write_text(service.read_text().replace("ProtectClock=yes", "ProtectClok=yes"))
    assert "ProtectClok" in verify(units)


@needs_systemd
def test_systemd_reads_odd_names_as_they_are(units: list[Path], tmp_path: Path) -> None:
    service = units[0].read_text()

    # systemd-analyze would name the program that it looked for.
    program = tmp_path / "a b%c$HOME&f"
    program.unlink()
    assert f"Command {program} is not executable" in verify(units)
    assert 'e$$HOME&f"' in service
    assert '"-/srv/a b%%c' in service
    assert service.count("%") == 2 * service.count("%%")


def test_a_program_that_systemd_would_not_start_is_refused() -> None:
    with pytest.raises(ScheduleError, match="quotes in its path"):
        systemd.documents(schedule("/opt/uncle's/borgmatic"))


def test_a_service_may_write_state_and_repositories_and_not_accountviews_folders() -> None:
    plan = Schedule(
        (Start("create", "", ("/bin/true",), Daily(2, 0)),),
        path="/bin",
        environment={},
        writable=("/mnt/usb/accountview.borg", "/data/avplugin"),
    )

    service = systemd.documents(plan)[0].text

    assert "\nProtectSystem=strict\n" in service
    (line,) = re.findall(r"^ReadWritePaths=.*$", service, re.MULTILINE)
    assert line.split("=")[1].split() == [
        *("/var", "/run", "-/root"),
        *("-/mnt/usb/accountview.borg", "-/data/avplugin"),
    ]
    assert "\nRestrictSUIDSGID=no\n" in service


@needs_systemd
def test_the_hardening_is_no_weaker_than_promised(units: list[Path]) -> None:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=40", units[0]],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-500:]


def test_a_task_wakes_the_computer_starts_late_and_never_twice() -> None:
    plan = schedule("/usr/bin/borgmatic", "--config", "/etc/a b & c.yaml", "create")

    (document,) = task_scheduler.documents(plan)

    task = parsed(document)
    assert document.data.startswith(b"\xff\xfe<\0")
    settings = {part.tag.removeprefix(TASK): part.text for part in task.find(f"{TASK}Settings")}  # type: ignore[union-attr]
    assert settings["WakeToRun"] == settings["StartWhenAvailable"] == "true"
    assert settings["MultipleInstancesPolicy"] == "IgnoreNew"
    assert task.findtext(f".//{TASK}LogonType") == "S4U"
    assert task.findtext(f".//{TASK}UserId") == "KANTOOR\\beheerder"
    assert task.findtext(f".//{TASK}Command") == "C:\\Program Files\\WSL\\wsl.exe"
    assert task.findtext(f".//{TASK}Arguments") == (
        "-d Debian -u root --exec /usr/bin/env PATH=/usr/bin:/bin"
        ' /usr/bin/borgmatic --config "/etc/a b & c.yaml" create'
    )


def test_a_quote_that_wsl_would_not_hand_on_is_refused() -> None:
    with pytest.raises(ScheduleError, match="double quote"):
        task_scheduler.documents(schedule("/bin/true", 'a"b'))
