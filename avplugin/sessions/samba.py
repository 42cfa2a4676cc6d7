"""Who is in, asked on the machine whose own Samba shares AccountView's folders."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import json
import os
import pwd
import re
import shlex
import shutil
import stat
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from avplugin.configuration.sessions import SambaProbe
from avplugin.installation.model import Folder
from avplugin.sessions.child import ChildError, Ended, ask_program
from avplugin.sessions.model import (
    Answer,
    CannotFindOut,
    Labels,
    Place,
    Question,
    Session,
    is_session_file,
    session_in,
)
from avplugin.wording import some

_MEMORY = 1024 * 1024 * 1024  # bytes; smbstatus prints 20,000 open files with 200 MB
_PACKAGES = {
    "smbstatus": "samba",
    "testparm": "samba-common-bin (Debian) or samba-common-tools (Fedora)",
    "sudo": "sudo, or run avplugin as root",
}

# Open files not with --json: for 5,000 of them smbstatus 4.17 needs 1.7 GB, and it aborts when any
# handle has WRITE_OWNER.
_OPEN_FILES = ("-L",)
_LOGINS = ("-p", "--json")

# FILE_WRITE_DATA, FILE_APPEND_DATA, DELETE, GENERIC_ALL and GENERIC_WRITE.
# Source: Microsoft, [MS-SMB2] 2.2.13.1.1, File_Pipe_Printer_Access_Mask.
_WRITING = 0x2 | 0x4 | 0x10000 | 0x10000000 | 0x40000000

# What `smbstatus -L` prints: a line break alone where nothing is open, otherwise a heading and one
# line for each open file, its time as of asctime(3). Source: print_share_mode_stdout() in Samba's
# source3/utils/status.c. SharePath and Name are as they are, with blanks and even line breaks.
_HEADING = re.compile(
    rb"\nLocked files:\nPid +User\(ID\) +DenyMode +Access +R/W +Oplock +SharePath +Name +Time\n-+\n"
)
_START = (
    rb"(?P<pid>[\w:.]+) +(?P<uid>\d+) +\S+ +0x(?P<access>[0-9a-f]{1,8}) +(?:RDONLY|WRONLY|RDWR) +"
    rb"(?:[A-Z_]+|LEASE\(.{0,3}\)|LEASE STATE UNKNOWN) {3,}(?=/)"
)
_LINE = re.compile(
    _START
    + rb"(?P<path>.+?   .+?)   (?P<since>[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d [\d:]{8} \d{4})\n",
    re.DOTALL,
)
_NEXT = re.compile(rb"\n" + _START)
_BETWEEN = b"   "  # SharePath and Name

_MOST_QUOTED = 200  # characters of a line that could not be understood
_NAMED = 3  # how many folders a message names; the rest is counted

_NOT_CLUSTERED = 0xFFFFFFFF  # NONCLUSTER_VNN in Samba's librpc/idl/server_id.idl


def find_sessions(probe: SambaProbe, question: Question) -> Answer:
    """Ask this machine's Samba who has files of AccountView open.

    Given a place below one of Samba's shares, no session in it means that nobody is in: smbd runs
    for this configuration before and after it was asked, and every line it said was understood.
    Raise CannotFindOut if that is not so, or if no folder of the installation is below a share.
    """
    samba = _Samba(probe, time.monotonic() + question.limit)
    pid_folder, shares = samba.configuration()
    covered = frozenset(
        place.folder.label for place in question.places if _is_shared(place.folder, shares)
    )
    if not any(_is_shared(folder, shares) for folder in question.folders) and not covered:
        raise CannotFindOut(
            f"no share of {samba.name} holds {_some(question.places)}.\n"
            "Name the right smb.conf, or ask the server that does share it."
        )
    before = samba.server(pid_folder)
    opens = samba.opens()
    logins = samba.logins()
    if samba.server(pid_folder) != before:
        raise CannotFindOut("smbd was started anew while it was asked.\nTry again.")
    places = _Places(question.folders, shares)
    found = (_session(one, places, logins, probe.name, question.exclusive) for one in opens)
    return Answer(tuple(session for session in found if session is not None), covered)


@dataclasses.dataclass(frozen=True, slots=True)
class _Open:
    """One line of smbstatus; `path` is SharePath and Name with three blanks between them."""

    process: str
    uid: int
    writing: bool
    path: bytes
    since: str


@dataclasses.dataclass(frozen=True, slots=True)
class _Login:
    """Somebody who is logged in to Samba."""

    uid: int
    user: str
    machine: str


class _Samba:
    """The Samba of this machine, asked through its own programs until `deadline`."""

    def __init__(self, probe: SambaProbe, deadline: float) -> None:
        self.name = f"Samba's configuration {probe.config}" if probe.config else "Samba"
        self._config = probe.config
        self._deadline = deadline

    def configuration(self) -> tuple[bytes, tuple[bytes, ...]]:
        """Return the folder of smbd's pid file and the folders that are shared, links resolved."""
        config = [self._config] if self._config else []
        sections = _sections(self._ask([_find("testparm"), "-sv", *config]).output)
        pid_folder = sections.get(b"global", {}).get(b"pid directory", b"")
        if not pid_folder.startswith(b"/"):
            raise CannotFindOut(f"{self.name} names no 'pid directory': see 'testparm -sv'.")
        shares = {
            os.path.realpath(path)
            for name, section in sections.items()
            if name != b"global" and section.get(b"available") != b"No"
            # A path with Samba's variables is another one for each user.
            if (path := section.get(b"path", b"").strip(b'"')).startswith(b"/") and b"%" not in path
        }
        return pid_folder, tuple(sorted(shares))

    def server(self, pid_folder: bytes) -> int:
        """Return the process id of the smbd that runs for this configuration."""
        file = Path(os.fsdecode(pid_folder)) / "smbd.pid"
        try:
            pid = int(file.read_text())
            status = Path(f"/proc/{pid}/status").read_text(errors="replace")
        except (OSError, ValueError):
            pid, status = 0, ""
        # A pid file outlives a server that was killed, and its number may be another's by now.
        if not re.match(r"Name:\tsmbd.*^State:\t[^ZX]", status, re.DOTALL | re.MULTILINE):
            raise CannotFindOut(
                f"smbd does not run for {self.name}: {file} names no smbd that runs.\n"
                "Start it (systemctl start smbd), or name the smb.conf that it runs with."
            )
        return pid

    def opens(self) -> list[_Open]:
        """Return all open files."""
        ended = self._ask_as_root(*_OPEN_FILES)
        if b"truncated" in ended.errors or b"Can't load" in ended.errors:
            raise CannotFindOut(f"smbstatus -L did not see everything: {ended.complaint}.")
        return list(_parse_opens(ended.output))

    def logins(self) -> dict[str, list[_Login]]:
        """Return all who are logged in, by the process that serves them."""
        return _parse_logins(self._ask_as_root(*_LOGINS).output)

    def _ask_as_root(self, *words: str) -> Ended:
        program = _find("smbstatus")
        tail = ["-s", self._config] if self._config else []
        if os.geteuid() == 0:
            return self._ask([program, *words, *tail])
        wanted = ([program, *_OPEN_FILES, *tail], [program, *_LOGINS, *tail])
        return self._ask(
            [_find("sudo"), "-n", program, *words, *tail],
            "smbstatus needs root. Run avplugin as root, or have 'visudo' add this line:"
            f" {_user_name()} ALL=(root) NOPASSWD: {', '.join(map(_sudoers, wanted))}",
        )

    def _ask(self, words: Sequence[str], advice: str = "") -> Ended:
        """Run a program that has to succeed."""
        advice = advice or f"Try it by hand: {shlex.join(words)}"
        left = self._deadline - time.monotonic()
        try:
            ended = ask_program(
                words,
                limit=max(round(left, 1), 0.1),
                memory=_MEMORY,
                environment={"LC_ALL": "C"},
            )
        except ChildError as error:
            raise CannotFindOut(f"{error}.\n{advice}") from error
        if ended.status != 0:
            raise CannotFindOut(f"{shlex.join(words)} failed: {ended.complaint}.\n{advice}")
        return ended


class _Places:
    """Where in the installation an open file lies."""

    def __init__(self, folders: Sequence[Folder], shares: Sequence[bytes]) -> None:
        self._labels = Labels(folders)
        self._shares = shares
        self._paths = {_identity(path): path for path in _paths(folders)}
        self._known: dict[bytes, bytes] = {}

    def find(self, path: bytes) -> list[tuple[bytes, tuple[Folder, str]]]:
        """Return what SharePath and Name can mean: paths in the installation, and where they lie.

        That is mostly one, or none where the file lies elsewhere.
        """
        ends = [len(share) for share in self._shares if path.startswith(share + _BETWEEN)]
        if not ends:  # the path has Samba's variables, or the share was taken out meanwhile
            ends = [gap.start() for gap in re.finditer(rb"(?=   )", path)]
        found = []
        for end in ends:
            full = os.path.normpath(b"%s/%s" % (path[:end], path[end + len(_BETWEEN) :]))
            folder, _, name = full.rpartition(b"/")
            real = b"%s/%s" % (self._resolve(folder), name)
            place = self._labels.find(real)
            if place is not None:
                found.append((real, place))
        return found

    def _resolve(self, folder: bytes) -> bytes:
        """Return the path that a folder has in the installation, if it is in there.

        Samba says how a file was reached: that can be a symbolic link, or another mount.
        """
        if folder not in self._known:
            self._known[folder] = real = os.path.realpath(folder or b"/").rstrip(b"/")
            above = real
            while above:
                same = self._paths.get(_identity(above))
                if same is not None:
                    self._known[folder] = same + real[len(above) :]
                    break
                above = above.rpartition(b"/")[0]
        return self._known[folder]


def _session(
    one: _Open,
    places: _Places,
    logins: Mapping[str, Sequence[_Login]],
    way: str,
    exclusive: bool,
) -> Session | None:
    """Return the session that an open file is, or None if it does not count."""
    found = places.find(one.path)
    if not found:
        return None
    is_table = is_session_file(one.path) and not any(_is_folder(path) for path, _ in found)
    if not is_table and not exclusive:
        return None
    # With 'force user' a file belongs to another user than the one who is logged in.
    of_process = logins.get(one.process, ())
    owners = [login for login in of_process if login.uid == one.uid] or of_process
    users = sorted({login.user for login in owners})
    machines = sorted({login.machine for login in owners})
    notes = [f"one of {', '.join(users)}"] if len(users) > 1 else []
    if len(found) > 1:
        notes.append(f"in one of {', '.join(folder.label for _, (folder, _) in found)}")
    return session_in(
        found[0][1] if len(found) == 1 else None,
        way=way,
        user=users[0] if len(users) == 1 else "",
        machine=machines[0] if len(machines) == 1 else "",
        since=one.since,
        writing=one.writing and is_table,
        note="; ".join(notes),
    )


def _parse_opens(printed: bytes) -> Iterator[_Open]:
    """Take apart what `smbstatus -L` prints; raise CannotFindOut at what cannot be understood."""
    if printed == b"\n":
        return
    heading = _HEADING.match(printed)
    position = heading.end() if heading else 0
    while heading and (line := _LINE.match(printed, position)):
        since = _iso(line["since"])
        if since is None or _NEXT.search(line["path"]):
            break
        yield _Open(
            process=line["pid"].decode().partition(".")[0],
            uid=int(line["uid"]),
            writing=bool(int(line["access"], 16) & _WRITING),
            path=line["path"],
            since=since,
        )
        position = line.end()
    if not heading or printed[position:] != b"\n":
        fault = printed[position:].strip().partition(b"\n")[0].decode("utf-8", "backslashreplace")
        raise CannotFindOut(
            f"smbstatus -L prints what cannot be understood: {fault[:_MOST_QUOTED] or 'nothing'}\n"
            "Samba 4.17 or later is needed; see 'smbstatus -V'."
        )


@functools.cache
def _iso(asctime: bytes) -> str | None:
    """Return ISO 8601 for the local time that asctime(3) prints, or None if it is none."""
    try:
        moment = datetime.datetime.strptime(asctime.decode(), "%a %b %d %H:%M:%S %Y")
    except ValueError:
        return None
    return moment.astimezone().isoformat()


def _parse_logins(printed: bytes) -> dict[str, list[_Login]]:
    """Take apart what `smbstatus -p --json` prints; return the logins by process."""
    found: dict[str, list[_Login]] = {}
    try:
        document = json.loads(printed.decode("utf-8", "surrogateescape"))
        for session in document["sessions"].values():
            server = session["server_id"]
            node = int(server["vnn"])
            # As `smbstatus -L` writes it. Source: server_id_str_buf() in Samba's lib/util.
            process = server["pid"] if node == _NOT_CLUSTERED else f"{node}:{server['pid']}"
            login = _Login(int(session["uid"]), session["username"], session["remote_machine"])
            if not all(isinstance(word, str) for word in (process, login.user, login.machine)):
                raise TypeError("a name is no text")
            found.setdefault(process, []).append(login)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CannotFindOut(
            f"smbstatus -p --json prints what cannot be understood ({error!r}).\n"
            "Samba 4.17 or later is needed; see 'smbstatus -V'."
        ) from error
    return found


def _sections(printed: bytes) -> dict[bytes, dict[bytes, bytes]]:
    """Take apart what testparm prints: the parameters of each section."""
    sections: dict[bytes, dict[bytes, bytes]] = {}
    section: dict[bytes, bytes] = {}
    for line in printed.splitlines():
        if line.startswith(b"[") and line.endswith(b"]"):
            section = sections.setdefault(line[1:-1], {})
        elif line.startswith(b"\t") and b" = " in line:
            name, _, value = line.strip().partition(b" = ")
            section[name] = value
    return sections


def _is_shared(folder: Folder, shares: Iterable[bytes]) -> bool:
    real = os.path.realpath(os.fsencode(folder.path))
    return any(os.path.commonpath((real, share)) == share for share in shares)


def _paths(folders: Iterable[Folder]) -> list[bytes]:
    """Return the paths of the folders that are there."""
    paths = (os.fsencode(folder.path) for folder in folders)
    return [path for path in paths if _identity(path) is not None]


def _identity(path: bytes) -> tuple[int, int] | None:
    """Return what two ways to one folder have in common, or None if it cannot be seen."""
    status = _status(path)
    return None if status is None else (status.st_dev, status.st_ino)


def _is_folder(path: bytes) -> bool:
    status = _status(path)
    return status is not None and stat.S_ISDIR(status.st_mode)


def _status(path: bytes) -> os.stat_result | None:
    try:
        return Path(os.fsdecode(path)).stat()
    except OSError:
        return None


def _find(program: str) -> str:
    """Return the path of a program; a plain user's PATH lacks the folders for administrators."""
    found = shutil.which(program, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
    if found is None:
        raise CannotFindOut(
            f"{program} is not installed on this machine.\nInstall the package"
            f" {_PACKAGES[program]}."
        )
    return found


def _user_name() -> str:
    """Return this user as sudoers(5) writes users."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"#{os.geteuid()}"


def _sudoers(words: Sequence[str]) -> str:
    """Return a command as sudoers(5) wants it written."""
    return " ".join(re.sub(r"([\\,:= ])", r"\\\1", word) for word in words)


def _some(places: Sequence[Place]) -> str:
    return some([place.folder.path for place in places], _NAMED)
