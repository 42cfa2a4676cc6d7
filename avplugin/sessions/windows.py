"""Who is in, asked on the Windows machine that has AccountView's folders."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator, Mapping, Sequence

from avplugin.configuration.sessions import WindowsProbe
from avplugin.installation.model import Folder
from avplugin.installation.windows_path import one_line
from avplugin.sessions.model import (
    Answer,
    CannotFindOut,
    Doubt,
    Place,
    Question,
    Session,
    SessionKind,
    is_session_file,
    session_in,
)
from avplugin.sessions.windows_paths import (
    Key,
    NoWindowsNameError,
    WindowsFolders,
    WindowsPaths,
    path_key,
    windows_name,
)
from avplugin.sessions.windows_script import Process, Report, Trial, Tried, run_script

# FILE_WRITE_DATA, FILE_APPEND_DATA, DELETE, GENERIC_ALL and GENERIC_WRITE.
# Source: Microsoft, [MS-SMB2] 2.2.13.1.1, File_Pipe_Printer_Access_Mask.
_WRITING = 0x2 | 0x4 | 0x10000 | 0x10000000 | 0x40000000

# Source: Microsoft, System Error Codes, as HRESULTs of facility Win32.
_DENIED = 0x80070005
_MISSING = {0x80070002, 0x80070003}  # the file, its folder
_HELD = {0x80070020, 0x80070021}  # sharing violation, lock violation

_ACTIVE, _DISCONNECTED = 0, 4  # Source: Microsoft, WTS_CONNECTSTATE_CLASS
_STOPPED = 1  # Source: Microsoft, ServiceControllerStatus
_IDLE = datetime.timedelta(minutes=15)


def find_sessions(probe: WindowsProbe, question: Question) -> Answer:
    """Ask a Windows machine which programs of AccountView run on it and who has its files open.

    Given a place that has a name there, no session in it means that nobody is in: each of its
    tables was opened in a way that fails while anybody, on that machine or over the network, has
    it open for writing, or open at all if the question is exclusive. The names come from Windows
    as far as it tells them to the user that asks; programs and services that run have no folder.

    Raise CannotFindOut if the machine gives no whole answer, or has no folder of the installation.
    """
    plan = _make_plan(probe, question)
    if question.places and not plan.folders and not plan.doubts:
        raise CannotFindOut(
            f"it is not known what {question.places[0].folder.path} is called there.\n"
            "Name it, or a folder above it, under folders of this way of finding out."
        )
    report = run_script(
        probe,
        roots=[windows.rstrip("\\") for _, windows in plan.folders],
        trials=[Trial(trial.windows, trial.names) for trial in plan.trials],
        exclusive=question.exclusive,
        limit=question.limit,
    )
    held, file_doubts = _judge_trials(probe.name, plan.trials, report)
    doubts = (*plan.doubts, *_unanswered(probe.name, report), *file_doubts)
    doubtful = {doubt.folder for doubt in doubts}
    tried = {trial.place.folder.label for trial in plan.trials}
    sessions = (
        *_in_files(report, held, WindowsFolders(plan.folders), probe.name, question.exclusive),
        *_in_programs(report, probe),
    )
    return Answer(
        sessions=tuple(dict.fromkeys(sessions)),
        covers=frozenset() if "" in doubtful else frozenset(tried - doubtful),
        doubts=doubts,
    )


@dataclasses.dataclass(frozen=True, slots=True)
class _Trial:
    """A place, its path on the Windows machine, and its files to try with their names there."""

    place: Place
    windows: str
    files: tuple[bytes, ...]
    names: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class _Held:
    """A file that somebody has open."""

    folder: Folder
    table: str


@dataclasses.dataclass(frozen=True, slots=True)
class _Plan:
    """What to ask: files to try, and all folders of the installation that have a name there."""

    trials: tuple[_Trial, ...]
    folders: tuple[tuple[Folder, str], ...]
    doubts: tuple[Doubt, ...]


def _make_plan(probe: WindowsProbe, question: Question) -> _Plan:
    paths = WindowsPaths(probe.folders, is_guest=probe.via == "wsl")
    known: dict[str, tuple[Folder, str]] = {}
    trials = []
    doubts = []
    for folder in (*question.folders, *(place.folder for place in question.places)):
        try:
            windows = paths.find(folder)
        except NoWindowsNameError:
            continue  # a doubt if it is asked about
        if windows is not None:
            known[folder.path] = (folder, windows)
    for place in question.places:
        files = []
        names = []
        label = place.folder.label
        try:
            windows = paths.find(place.folder)
        except NoWindowsNameError as error:
            doubts.append(Doubt(probe.name, label, str(error)))
            continue
        if windows is None:
            continue
        for file in place.files if question.exclusive else place.tables:
            try:
                names.append(windows_name(file))
            except NoWindowsNameError as error:
                doubts.append(Doubt(probe.name, label, str(error)))
            else:
                files.append(file)
        trials.append(_Trial(place, windows, tuple(files), tuple(names)))
    return _Plan(tuple(trials), tuple(known.values()), tuple(doubts))


def _judge_trials(
    way: str, trials: Sequence[_Trial], report: Report
) -> tuple[Mapping[Key, _Held], tuple[Doubt, ...]]:
    """Return the files that somebody has open, and one doubt for each place not wholly tried."""
    held = {}
    doubts = []
    for trial, tried in zip(trials, report["lists"], strict=True):
        folder = trial.place.folder
        faults = []
        for one in tried["failed"]:
            path = "\\".join((trial.windows.rstrip("\\"), trial.names[one["file"]]))
            code = one["code"] & 0xFFFFFFFF  # .NET has it as a signed number
            if code in _HELD:
                table = trial.files[one["file"]].decode()
                held[path_key(path)] = _Held(folder, table)
            else:
                faults.append(_fault(path, code, report["computer"]))
        faults += _left_untried(trial, tried, report["computer"])
        if faults:
            more = f"; and {len(faults) - 1} more like it" if len(faults) > 1 else ""
            doubts.append(Doubt(way, folder.label, f"{faults[0]}{more}"))
    return held, tuple(doubts)


def _fault(path: str, code: int, computer: str) -> str:
    shown = one_line(path)
    if code == _DENIED:
        return f"{shown} may not be read there by the user that asks (let it read the folder)"
    if code in _MISSING:
        return f"{shown} is not on {computer} (ask again, or correct folders of this way)"
    return f"{shown} cannot be opened on {computer}: Windows error 0x{code:08X}"


def _left_untried(trial: _Trial, tried: Tried, computer: str) -> list[str]:
    if not tried["found"]:
        return [
            f"{one_line(trial.windows)} cannot be seen on {computer} by the user that asks"
            " (correct folders of this way, or let that user read it)"
        ]
    left = len(trial.names) - tried["tried"]
    if left:
        return [f"{left} files in {one_line(trial.windows)} were not tried in time (raise limit)"]
    return []


def _unanswered(way: str, report: Report) -> Iterator[Doubt]:
    """Yield a doubt about everything for what Windows did not answer, open files aside.

    Without the list of open files only names are missing: every table was tried as well.
    """
    for failure in report["errors"]:
        if failure["part"] != "open_files":
            yield Doubt(
                way,
                "",
                f"{report['computer']} does not list its {failure['part']} to the user that asks:"
                f" {_sentence(failure['message'])} (0x{failure['code'] & 0xFFFFFFFF:08X})",
            )


def _in_files(
    report: Report, held: Mapping[Key, _Held], folders: WindowsFolders, way: str, exclusive: bool
) -> Iterator[Session]:
    """Yield who has files open, and for files that nobody of them explains, somebody."""
    explained = set()
    for one in report["open_files"]:
        found = folders.find(one["path"])
        if found is None:
            continue
        counts = is_session_file(found[1].encode(errors="replace"))
        if not counts and not exclusive:
            continue
        key = path_key(one["path"])
        permissions = one["permissions"]
        writing = key in held if permissions is None else bool(permissions & _WRITING)
        if writing or exclusive:
            explained.add(key)
        yield session_in(
            found,
            way=way,
            user=one_line(one["user"]),
            machine=one_line(one["machine"]),
            since="",
            writing=writing and counts,
        )
    refusals = [one["message"] for one in report["errors"] if one["part"] == "open_files"]
    note = "; ".join(
        f"only administrators may list open files there: {_sentence(why)}" for why in refusals
    )
    for file in (held[key] for key in held if key not in explained):
        yield session_in(
            (file.folder, file.table),
            way=way,
            user="",
            machine="",
            since="",
            writing=True,
            note=note,
        )


def _in_programs(report: Report, probe: WindowsProbe) -> Iterator[Session]:
    """Yield a session for every program and service that runs; a service's program is one."""
    services = [service for service in report["services"] if service["state"] != _STOPPED]
    of_process = {service["process"]: service for service in services}
    links = {word.casefold() for word in probe.com_link}
    for process in report["processes"]:
        service = of_process.get(process["id"])
        words = {word.strip('"').casefold() for word in process["command_line"].split()}
        kind = SessionKind.COM_LINK if words & links else SessionKind.USER
        yield session_in(
            None,
            kind=SessionKind.BACKOFFICE_SERVER if service else kind,
            way=probe.name,
            user=one_line(process["user"]),
            machine=one_line(process["client"] or report["computer"]),
            since=_local(process["started"]).isoformat() if process["started"] else "",
            writing=True,
            note=one_line(service["display_name"]) if service else _state(process, report["now"]),
        )
    programs = {process["id"] for process in report["processes"]}
    for service in services:
        if service["process"] not in programs:
            yield session_in(
                None,
                kind=SessionKind.BACKOFFICE_SERVER,
                way=probe.name,
                user=one_line(service["account"]),
                machine=one_line(report["computer"]),
                since="",
                writing=True,
                note=one_line(service["display_name"]),
            )


def _state(process: Process, now: str) -> str:
    """Return what a person should know of the Windows session, if it is left alone."""
    if process["state"] == _DISCONNECTED:
        since = process["disconnected"]
        return f"disconnected since {_local(since):%Y-%m-%d %H:%M}" if since else "disconnected"
    since = process["last_input"]
    if process["state"] == _ACTIVE and since and _local(now) - _local(since) >= _IDLE:
        return f"idle since {_local(since):%Y-%m-%d %H:%M}"
    return ""


def _local(time: str) -> datetime.datetime:
    try:
        return datetime.datetime.fromisoformat(time).astimezone()
    except ValueError as error:
        raise CannotFindOut(f"PowerShell's answer has no time: {one_line(time)}.") from error


def _sentence(message: str) -> str:
    """Return what Windows says, in its own language, as a part of a line."""
    return one_line(" ".join(message.split()).rstrip("."))
