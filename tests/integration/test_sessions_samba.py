"""Who is in, as a real Samba server on this machine sees it."""

from __future__ import annotations

import datetime
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from samba import SHARE, Samba, Workstation, serving
from smbprotocol.tree import TreeConnect

from avplugin.configuration.sessions import SambaProbe
from avplugin.installation.model import Folder, Kind
from avplugin.sessions.model import Answer, CannotFindOut, Place, Question
from avplugin.sessions.samba import find_sessions

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="smbd has to be started by root")

FULL_ACCESS = 0x1F01FF  # with WRITE_OWNER, at which smbstatus --json aborts
DELETE = 0x10000
SHARE_ALL = 0x7
CP850 = b"caf\x82.DBF"


class Server:
    """An office's administrations on a Samba server."""

    def __init__(self, samba: Samba) -> None:
        self.samba = samba
        self.folders = tuple(
            Folder(Kind.ADMINISTRATION, path.name.upper(), "", os.path.realpath(path), "")
            for path in sorted(samba.shared.iterdir())
            if path.is_dir()
        )

    def workstation(self, share: str = SHARE) -> Workstation:
        """Return a workstation that has the share open."""
        station = self.samba.workstation()
        if share != SHARE:
            station._tree = TreeConnect(station._session, rf"\\127.0.0.1\{share}")
            station._tree.connect()
        return station

    def ask(
        self, config: Path | None = None, *, exclusive: bool = False, limit: float = 20
    ) -> Answer:
        """Ask who is in."""
        probe = SambaProbe(str(config or self.samba.config))
        places = tuple(Place(folder, ()) for folder in self.folders)
        return find_sessions(probe, Question(places, self.folders, {}, exclusive, limit))

    def complaint(self, config: Path | None = None, *, limit: float = 20) -> str:
        """Ask who is in, which must not be found out; return why."""
        with pytest.raises(CannotFindOut) as caught:
            self.ask(config, limit=limit)
        return str(caught.value)


def make_office(folder: Path) -> Path:
    """Make two administrations with names that Windows allows and programs stumble over."""
    shared = folder / "my share"
    for name in ("Adm  [één]   (2)", "TST"):
        (shared / name / "Kopie  doc").mkdir(parents=True)
        for table in ("KLANT.DBF", "KLANT.FPT", "a   b  [é]   .dbf", "Kopie  doc/x.pdf"):
            (shared / name / table).write_bytes(b"x")
    (shared / "outside.dbf").write_bytes(b"x")
    return shared


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("samba")
    with serving(folder / "smb", make_office(folder)) as samba:
        yield Server(samba)


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A server to stop or to configure otherwise."""
    with serving(tmp_path / "smb", make_office(tmp_path)) as samba:
        yield Server(samba)


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Put a command of one's own first on PATH; without a script, one that is not there."""
    commands = tmp_path / "commands"
    commands.mkdir()
    for name in ("smbstatus", "testparm", "sleep", "grep", "head", "python3"):
        real = shutil.which(name)
        assert real
        (commands / name).symlink_to(real)
    monkeypatch.setenv("PATH", str(commands))

    def put(name: str, script: str | None = None) -> None:
        (commands / name).unlink(missing_ok=True)
        if script is not None:
            (commands / name).write_text(f"#!/bin/sh\n{script}\n")
            (commands / name).chmod(0o755)

    return put


def test_nobody_is_in_when_smbd_serves_the_folders_and_no_file_is_open(server: Server) -> None:
    answer = server.ask()

    assert answer.sessions == ()
    assert answer.covers == {"ADM  [ÉÉN]   (2)", "TST"}


def test_somebody_who_writes_is_named_with_machine_table_and_time(server: Server) -> None:
    before = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    with server.workstation() as station:
        station.open_table("TST/KLANT.DBF")
        (session,) = server.ask().sessions

    assert str(session) == "games on 127.0.0.1 has KLANT.DBF open"
    assert (session.folder, session.administration, session.way) == ("TST", "TST", "samba")
    assert (
        before
        <= datetime.datetime.fromisoformat(session.since)
        <= before + datetime.timedelta(minutes=1)
    )


def test_who_only_reads_a_table_is_seen_as_a_reader(server: Server) -> None:
    with server.workstation() as station:
        station.open_table("TST/KLANT.DBF", writing=False)
        (session,) = server.ask().sessions

    assert not session.writing
    assert session.table == "KLANT.DBF"


@pytest.mark.parametrize("access", [DELETE, FULL_ACCESS, 0x4])
def test_who_may_delete_append_or_take_over_a_table_writes(server: Server, access: int) -> None:
    with server.workstation() as station:
        station.open_file("TST/KLANT.FPT", access, SHARE_ALL)
        (session,) = server.ask().sessions

    assert session.writing


def test_blanks_accents_and_brackets_in_names_arrive_as_they_are(server: Server) -> None:
    with server.workstation() as station:
        station.open_table("Adm  [één]   (2)/a   b  [é]   .dbf")
        (session,) = server.ask().sessions

    assert session.folder == "ADM  [ÉÉN]   (2)"
    assert session.table == "a   b  [é]   .dbf"


def test_folders_documents_and_files_elsewhere_keep_nobody_from_a_backup(server: Server) -> None:
    with server.workstation() as station:
        station.open_file("TST", 0, SHARE_ALL, folder=True)
        station.open_file("TST", FULL_ACCESS, SHARE_ALL, folder=True)
        station.open_file("TST/Kopie  doc/x.pdf", FULL_ACCESS, SHARE_ALL)
        station.open_table("outside.dbf")

        assert server.ask().sessions == ()
        found = {(one.table, one.writing) for one in server.ask(exclusive=True).sessions}

    assert found == {("", False), ("Kopie  doc/x.pdf", False)}


def test_a_folder_named_like_a_table_is_no_table(own_server: Server) -> None:
    (own_server.samba.shared / "TST" / "map.dbf").mkdir()
    with own_server.workstation() as station:
        station.open_file("TST/map.dbf", FULL_ACCESS, SHARE_ALL, folder=True)

        assert own_server.ask().sessions == ()


def test_a_name_in_the_code_page_of_dos_is_kept_byte_by_byte(tmp_path: Path) -> None:
    shared = make_office(tmp_path)
    Path(os.fsdecode(os.fsencode(shared) + b"/TST/" + CP850)).write_bytes(b"x")
    with serving(tmp_path / "smb", shared, "unix charset = CP850") as samba:
        server = Server(samba)
        with server.workstation() as station:
            station.open_table("TST/café.DBF")
            (session,) = server.ask().sessions

    assert os.fsencode(session.table) == CP850
    assert session.writing


def test_a_share_reached_by_a_link_or_known_only_to_smbd_leads_to_the_same_folder(
    own_server: Server, tmp_path: Path
) -> None:
    (tmp_path / "games   link").symlink_to(own_server.samba.shared)
    with own_server.samba.config.open("a") as config:
        config.write(f"[each]\npath = {tmp_path}/%U   link\nread only = no\nforce user = root\n")
        config.write(f"[linked]\npath = {tmp_path}\nread only = no\nforce user = root\n")
        config.write("follow symlinks = yes\n")
    own_server.samba.stop()
    own_server.samba.start()
    with own_server.workstation("linked") as station:
        station.open_table("games   link/TST/KLANT.DBF")
        (session,) = own_server.ask().sessions

    assert (session.folder, session.table, session.writing) == ("TST", "KLANT.DBF", True)


def test_who_lost_the_connection_long_ago_is_not_in(server: Server) -> None:
    station = server.workstation()
    station.open_table("TST/KLANT.DBF")
    assert server.ask().sessions
    station.lose_power()

    for _ in range(100):
        if not server.ask().sessions:
            break
        time.sleep(0.05)
    assert server.ask().sessions == ()


def test_a_process_of_samba_that_was_killed_leaves_nobody_behind(own_server: Server) -> None:
    station = own_server.workstation()
    station.open_table("TST/KLANT.DBF")
    config = str(own_server.samba.config)
    printed = subprocess.run(["smbstatus", "-s", config, "-L"], capture_output=True, check=True)
    os.kill(int(printed.stdout.split(b"-\n")[1].split()[0]), 9)

    assert own_server.ask().sessions == ()


def test_a_server_that_was_stopped_is_not_nobody(own_server: Server) -> None:
    own_server.samba.stop()

    assert "smbd does not run for Samba's configuration" in own_server.complaint()


def test_a_pid_file_that_names_another_program_is_not_nobody(own_server: Server) -> None:
    own_server.samba.stop()
    (own_server.samba.folder / "pid" / "smbd.pid").write_text(f"{os.getpid()}\n")

    assert "names no smbd that runs" in own_server.complaint()


def test_the_configuration_of_a_server_that_does_not_run_is_not_nobody(
    server: Server, tmp_path: Path
) -> None:
    other = Samba(tmp_path / "other", server.samba.shared)

    assert "smbd does not run" in server.complaint(other.config)


def test_a_server_that_shares_other_folders_is_not_nobody(
    server: Server, own_server: Server
) -> None:
    complaint = server.complaint(own_server.samba.config)

    assert "holds" in complaint
    assert server.folders[0].path in complaint


def test_a_configuration_that_is_not_there_is_not_nobody(server: Server, tmp_path: Path) -> None:
    complaint = server.complaint(tmp_path / "smb.conf")

    assert "testparm" in complaint
    assert str(tmp_path / "smb.conf") in complaint


def test_only_folders_below_a_share_are_covered(server: Server, tmp_path: Path) -> None:
    elsewhere = Folder(Kind.SYSTEM, "", "", str(tmp_path), "")
    server = Server(server.samba)
    server.folders = (*server.folders, elsewhere)

    assert server.ask().covers == {"ADM  [ÉÉN]   (2)", "TST"}


@pytest.mark.parametrize("name", ["smbstatus", "testparm"])
def test_a_program_of_samba_that_is_missing_is_not_nobody(
    server: Server, stand_in: Callable[..., None], name: str
) -> None:
    stand_in(name)

    complaint = server.complaint()
    assert f"{name} is not installed" in complaint
    assert "package samba" in complaint


@pytest.mark.parametrize(
    "script",
    [
        "exit 0",
        "echo nobody here",
        "echo; echo 'locked file list truncated' >&2",
        "echo; exit 1",
        "printf '\\nLocked files:\\n'",
        '"$REAL" "$@" | grep -v -e ---',
        '"$REAL" "$@" | head -c 300',
        "kill -9 $$",
    ],
)
def test_an_answer_that_cannot_be_understood_is_not_nobody(
    server: Server, stand_in: Callable[..., None], monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    monkeypatch.setenv("REAL", os.path.realpath(shutil.which("smbstatus") or ""))
    stand_in("smbstatus", f'case "$*" in *-L*) {script} ;; *) exec "$REAL" "$@" ;; esac')
    with server.workstation() as station:
        station.open_table("TST/KLANT.DBF")

        assert "smbstatus" in server.complaint()


def test_a_program_that_hangs_is_killed_and_is_not_nobody(
    server: Server, stand_in: Callable[..., None]
) -> None:
    stand_in("smbstatus", "sleep 60")
    started = time.monotonic()

    assert "did not answer" in server.complaint(limit=1)
    assert time.monotonic() - started < 5


def test_a_program_that_eats_memory_is_stopped_and_is_not_nobody(
    server: Server, stand_in: Callable[..., None]
) -> None:
    stand_in("smbstatus", 'exec python3 -I -S -c "x = bytearray(2 << 30); print()"')

    assert "failed: MemoryError" in server.complaint()


@pytest.mark.parametrize(
    ("sudo", "words"),
    [
        (None, "sudo is not installed"),
        ("echo 'sudo: a password is required' >&2; exit 1", "sudo: a password is required"),
        ('shift; exec "$@"', "only works as root"),
    ],
)
def test_without_root_nobody_is_believed_and_the_line_for_sudoers_is_given(
    request: pytest.FixtureRequest, sudo: str | None, words: str
) -> None:
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are closed to others
        folder = Path(name)
        folder.chmod(0o755)
        with serving(folder / "smb", make_office(folder)) as samba:
            server = Server(samba)
            request.getfixturevalue("stand_in")("sudo", sudo)
            commands = folder / "commands"
            shutil.copytree(os.environ["PATH"], commands, symlinks=True)
            complaint = as_nobody(server.complaint, commands)

    assert words in complaint
    if sudo:
        assert "NOPASSWD: " in complaint
        assert f"smbstatus -L -s {samba.config}, " in complaint
        assert f"smbstatus -p --json -s {samba.config}" in complaint


def as_nobody(ask: Callable[[], str], commands: Path) -> str:
    """Return what `ask` returns in a child without root's rights."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.environ["PATH"] = str(commands)
            os.setgroups([])
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
            os.write(writer, ask().encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        said = answer.read()
    os.waitpid(child, 0)
    return said
