"""Runs hooks/windows/sessions.ps1 on a Windows machine, and checks what it answers."""

from __future__ import annotations

import json
import re
import secrets
import shlex
import shutil
import typing
from collections.abc import Sequence

from avplugin.configuration.sessions import WindowsProbe
from avplugin.installation.windows_path import one_line
from avplugin.sessions.child import ChildError, Ended, ask_program
from avplugin.sessions.model import CannotFindOut
from avplugin.shipped import shipped_folder

_VERSION = 1  # of the document

_OPTIONS = ("-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-Command")

# What PowerShell is told to run. `-Command -` would read the script as if it were typed, and
# -EncodedCommand is what virus scanners look for. Between double quotes this means itself to
# cmd.exe, PowerShell and a Unix shell alike, whichever OpenSSH starts: no $, %, ` or \. Without
# the variable $input in it, PowerShell leaves standard input alone.
_COMMAND = "& ([ScriptBlock]::Create([Console]::In.ReadLine()))"

# The line that this reads: it reads what is asked up to an empty line, then the script.
_FIRST_LINE = (
    "$given = @(while ($line = [Console]::In.ReadLine()) { $line }); "
    "& ([ScriptBlock]::Create([Console]::In.ReadToEnd())) $given"
)

# Where WSL's path lacks it: it has no Windows folders under systemd, or where wsl.conf says so.
_POWERSHELL = "/mnt/c/Windows/System32/WindowsPowerShell/v1.0/powershell.exe"

_SSH = re.compile(
    r"ssh://(?:(?P<user>[^-/][^/]*)@)?(?P<host>\[[\da-fA-F:.%]+\]|[^-\s/@:\[\]][^\s/@:\[\]]*)"
    r"(?::(?P<port>\d{1,5}))?/?"
)

_FILES_IN_A_LINE = 1000  # ConvertFrom-Json of PowerShell 5.1 takes no more than 2 MB at once
_SHARE_FOR_TRYING = 0.7  # of the limit; the rest is for starting PowerShell and for the answer


class Process(typing.TypedDict):
    """A program that runs. `session` and what follows of it is the Windows session it runs in."""

    id: int
    program: str
    session: int
    user: str
    client: str  # the computer at the other end of a remote desktop
    state: int | None  # WTS_CONNECTSTATE_CLASS
    disconnected: str | None
    last_input: str | None
    started: str | None
    command_line: str


class Service(typing.TypedDict):
    """A Windows service. `state` is .NET's ServiceControllerStatus."""

    name: str
    display_name: str
    state: int
    account: str
    process: int


class OpenFile(typing.TypedDict):
    """A file or folder that somebody has open over SMB: MSFT_SmbOpenFile."""

    path: str
    user: str
    machine: str
    permissions: int | None  # an access mask


class FailedFile(typing.TypedDict):
    """A file, by its place in the list, that could not be opened, and the HRESULT."""

    file: int
    code: int


class Tried(typing.TypedDict):
    """What came of one list of files. `found` says whether their folder is there at all."""

    found: bool
    tried: int
    failed: list[FailedFile]


class Failure(typing.TypedDict):
    """A part of the question that Windows did not answer."""

    part: str  # processes, services, open_files
    type: str
    code: int
    message: str  # in the language of Windows: to show, never to decide by


class Report(typing.TypedDict):
    """All that the script says, times as ISO 8601."""

    version: int
    computer: str
    now: str
    errors: list[Failure]
    processes: list[Process]
    services: list[Service]
    open_files: list[OpenFile]
    lists: list[Tried]


class Trial(typing.NamedTuple):
    """Files to try: a folder of the Windows machine, and names in it."""

    folder: str
    files: Sequence[str]


def run_script(
    probe: WindowsProbe,
    *,
    roots: Sequence[str],
    trials: Sequence[Trial],
    exclusive: bool,
    limit: float,
) -> Report:
    """Have the script look at the Windows machine, and return what it says.

    `roots` are the folders of which open files are wanted. Of `trials`, whose results come back as
    one each, every file is opened for reading, with `exclusive` in a way that fails for readers
    too. `limit` is in seconds, for all.

    Raise CannotFindOut if there is no answer, or one that is not whole.
    """
    nonce = secrets.token_hex(8)
    asked = {
        "nonce": nonce,
        "programs": probe.programs,
        "services": probe.services,
        "roots": roots,
        "share": "None" if exclusive else "Read",
        "seconds": max(1, int(limit * _SHARE_FOR_TRYING)),
    }
    lists = [
        {"folder": trial.folder, "files": trial.files[start : start + _FILES_IN_A_LINE]}
        for trial in trials
        for start in _starts(trial)
    ]
    script = (shipped_folder("hooks") / "windows" / "sessions.ps1").read_text("ascii")
    lines = [_FIRST_LINE, json.dumps(asked), *map(json.dumps, lists), "", script]
    words, advice = _words(probe, limit)
    try:
        ended = ask_program(words, limit=limit, given="\n".join(lines).encode("ascii"))
    except ChildError as error:
        raise CannotFindOut(f"{error}.\n{advice}") from error
    report = _read_report(ended, nonce, advice)
    try:
        report["lists"] = _joined(report["lists"], trials)
    except ValueError as error:
        raise CannotFindOut(f"PowerShell's answer tells of other files: {error}.") from error
    return report


def _words(probe: WindowsProbe, limit: float) -> tuple[list[str], str]:
    """Return the command, and what a person can do if it fails."""
    if probe.via == "wsl":
        program = "powershell.exe" if shutil.which("powershell.exe") else _POWERSHELL
        words = [program, *_OPTIONS, _COMMAND]
        return words, "Try by hand, as this user: powershell.exe -NoProfile -Command Get-Date"
    server = _SSH.fullmatch(probe.via)
    if not server:
        raise CannotFindOut(
            f"{one_line(probe.via)} is no Windows machine.\nWrite via: wsl, or via: ssh://USER@HOST"
        )
    user = ["-l", server["user"]] if server["user"] else []
    port = ["-p", server["port"]] if server["port"] else []
    login = ["ssh", *user, *port, "--", server["host"].strip("[]")]
    options = [
        "-T",
        "-o",
        "BatchMode=yes",
        "-o",
        f"ConnectTimeout={max(1, int(min(10, limit / 3)))}",
    ]
    remote = " ".join(["powershell.exe", *_OPTIONS, f'"{_COMMAND}"'])
    advice = f"Try by hand, as this user, with a key and no password: {shlex.join(login)}"
    return [login[0], *options, *login[1:], remote], advice


def _read_report(ended: Ended, nonce: str, advice: str) -> Report:
    """Return the document between the marks; the rest is whatever else was printed."""
    _, _, rest = ended.output.partition(f"avplugin answer {nonce}".encode())
    text, mark, _ = rest.partition(f"avplugin end {nonce}".encode())
    if not mark:
        if b"ConstrainedLanguage" in ended.errors:
            raise CannotFindOut(
                "PowerShell may not look: its Constrained Language Mode is on.\n"
                "Exempt the user that asks from AppLocker or Application Control."
            )
        began = "broke off its answer" if rest else "gave no answer"
        raise CannotFindOut(f"PowerShell {began}: {_last_words(ended)}.\n{advice}")
    try:
        document = json.loads(text)
        if isinstance(document, dict) and document.get("version") != _VERSION:
            raise ValueError(f"it is not of version {_VERSION}")
        _check(document, Report, "the answer")
    except (ValueError, RecursionError) as error:
        raise CannotFindOut(f"PowerShell's answer cannot be read: {error}.\n{advice}") from error
    return typing.cast(Report, document)


def _check(value: object, kind: typing.Any, name: str) -> None:
    """Raise ValueError if a value of JSON is not as its annotation says."""
    if typing.is_typeddict(kind):
        if not isinstance(value, dict):
            raise ValueError(f"{name} is no object")
        for key, member in typing.get_type_hints(kind).items():
            if key not in value:
                raise ValueError(f"{name} lacks {key}")
            _check(value[key], member, key)
    elif typing.get_origin(kind) is list:
        if not isinstance(value, list):
            raise ValueError(f"{name} is no list")
        (member,) = typing.get_args(kind)
        for item in value:
            _check(item, member, f"an item of {name}")
    elif type(value) not in (typing.get_args(kind) or (kind,)):
        raise ValueError(f"{name} is {json.dumps(value)[:40]}")


def _starts(trial: Trial) -> range:
    """Return where in the files of a trial its lists start; without files there is one as well."""
    return range(0, max(1, len(trial.files)), _FILES_IN_A_LINE)


def _joined(results: Sequence[Tried], trials: Sequence[Trial]) -> list[Tried]:
    """Return one result for each trial, whose files went in several lists.

    Raise ValueError if the results cannot be of these lists.
    """
    asked = sum(len(_starts(trial)) for trial in trials)
    if len(results) != asked:
        raise ValueError(f"{len(results)} lists instead of {asked}")
    joined = []
    remaining = iter(results)
    for trial in trials:
        whole = Tried(found=True, tried=0, failed=[])
        for start in _starts(trial):
            part = next(remaining)
            if not 0 <= part["tried"] <= min(_FILES_IN_A_LINE, len(trial.files) - start):
                raise ValueError(f"{part['tried']} files were tried")
            whole["found"] &= part["found"]
            whole["tried"] += part["tried"]
            for one in part["failed"]:
                if not 0 <= one["file"] < part["tried"]:
                    raise ValueError(f"number {one['file']} of a list failed")
                whole["failed"].append(FailedFile(file=start + one["file"], code=one["code"]))
        joined.append(whole)
    return joined


def _last_words(ended: Ended) -> str:
    """Return the last thing that was said, or how it ended.

    Below an error PowerShell says where, in lines that start with a plus, and one before them.
    """
    for said in (ended.errors, ended.output):
        lines = [line.strip() for line in _decoded(said).splitlines()]
        lines = [line for line in lines if line]
        where = next((i for i, line in enumerate(lines) if line.startswith("+ ")), None)
        if where is not None:
            lines = lines[: max(1, where - 1)]
        if lines:
            return one_line(lines[-1].rstrip(".")[:300])
    return ended.complaint


def _decoded(said: bytes) -> str:
    """Return what was printed; cp850 is the code page of a console in Western Europe."""
    try:
        return said.decode()
    except UnicodeDecodeError:
        return said.decode("cp850")
