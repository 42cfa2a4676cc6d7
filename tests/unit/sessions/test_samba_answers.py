"""What Samba's programs print, taken apart: stand-ins print it, so every form of it can occur."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from avplugin.configuration.sessions import SambaProbe
from avplugin.installation.model import Folder, Kind
from avplugin.sessions.model import CannotFindOut, Place, Question, Session
from avplugin.sessions.samba import find_sessions

HEADING = b"""
Locked files:
Pid          User(ID)   DenyMode   Access      R/W        Oplock           SharePath   Name   Time
--------------------------------------------------------------------------------------------------
"""
WRITING = 0x12019F


class StandIn:
    """A Samba that prints what a test says, with one administration TST in its one share."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.share = folder / "share"
        self.lines: list[bytes] = []
        self.logins: list[dict[str, Any]] = []
        self._servers: list[subprocess.Popen[bytes]] = []
        self.printed: bytes | None = None  # instead of the lines
        self.printed_logins: bytes | None = None
        (self.share / "TST").mkdir(parents=True)
        self.folders = [Folder(Kind.ADMINISTRATION, "TST", "", str(self.share / "TST"), "")]
        self._add("sudo", 'shift; exec "$@"')  # for those who test as themselves
        self._add("testparm", f"cat '{folder}/configuration'")
        self._add(
            "smbstatus",
            f"""cd '{folder}'
case "$*" in *-L*) cat opens; . ./meanwhile ;; *) cat logins ;; esac""",
        )
        (folder / "meanwhile").touch()
        self.configure(f"[av]\n\tpath = {self.share}\n")

    def configure(self, shares: str) -> None:
        text = f"# Global parameters\n[global]\n\tpid directory = {self.folder}\n\n{shares}"
        (self.folder / "configuration").write_text(text)

    def start_smbd(self) -> int:
        """Start a process with smbd's name, and return its number."""
        self._servers.append(subprocess.Popen([self.folder / "smbd", "300"]))
        return self._servers[-1].pid

    def stop(self) -> None:
        for server in self._servers:
            server.kill()
            server.wait()

    def open(
        self,
        name: bytes,
        *,
        share: bytes | None = None,
        pid: bytes = b"100",
        uid: int = 1000,
        access: int = WRITING,
        oplock: bytes = b"NONE",
        deny: bytes = b"DENY_NONE",
        since: bytes = b"Sun Nov  1 09:15:37 2026",
    ) -> None:
        """Add a line; the format is that of print_share_mode_stdout() in source3/utils/status.c."""
        folder = os.fsencode(self.share) if share is None else share
        self.lines.append(
            b"%-11s  %-9d  %-10s 0x%-8x  %-10s %-14s   %s   %s   %s\n"
            % (pid, uid, deny, access, b"RDWR", oplock, folder, name, since)
        )

    def log_in(self, user: str, *, pid: int = 100, uid: int = 1000, node: int = 0xFFFFFFFF) -> None:
        self.logins.append(
            {
                "server_id": {"pid": str(pid), "task_id": "0", "vnn": str(node)},
                "uid": uid,
                "username": user,
                "remote_machine": f"PC-{pid}",
            }
        )

    def ask(self, *, exclusive: bool = False) -> tuple[Session, ...]:
        lines = HEADING + b"".join(self.lines) + b"\n" if self.lines else b"\n"
        sessions = dict(enumerate(self.logins))
        printed = self.printed if self.printed is not None else lines
        logins = self.printed_logins or json.dumps({"sessions": sessions}).encode()
        (self.folder / "opens").write_bytes(printed)
        (self.folder / "logins").write_bytes(logins)
        places = tuple(Place(folder, ()) for folder in self.folders)
        question = Question(places, tuple(self.folders), {}, exclusive, 30)
        answer = find_sessions(SambaProbe(""), question)
        assert answer.covers == {folder.label for folder in self.folders}
        return answer.sessions

    def one(self) -> Session:
        (session,) = self.ask()
        return session

    def complaint(self) -> str:
        with pytest.raises(CannotFindOut) as caught:
            self.ask()
        return str(caught.value)

    def _add(self, name: str, script: str) -> None:
        command = self.folder / name
        command.write_text(f"#!/bin/sh\n{script}\n")
        command.chmod(0o755)


@pytest.fixture
def samba(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    sleep = shutil.which("sleep")
    assert sleep
    (tmp_path / "smbd").symlink_to(sleep)
    samba = StandIn(tmp_path)
    (tmp_path / "smbd.pid").write_text(f"{samba.start_smbd()}\n")
    yield samba
    samba.stop()
    monkeypatch.undo()
    time.tzset()


def test_a_line_names_who_where_and_since_when(samba: StandIn) -> None:
    samba.log_in("j.bakker")
    samba.open(b"TST/KLANT.DBF")
    session = samba.one()

    assert str(session) == "j.bakker on PC-100 has KLANT.DBF open"
    assert session.since == "2026-11-01T09:15:37+01:00"


def test_a_file_of_somebody_who_just_logged_out_is_not_dropped(samba: StandIn) -> None:
    samba.log_in("j.bakker", pid=99)
    samba.open(b"TST/KLANT.DBF")
    session = samba.one()

    assert (session.user, session.machine, session.table) == ("", "", "KLANT.DBF")


def test_of_two_users_of_one_terminal_server_the_right_one_is_named(samba: StandIn) -> None:
    samba.log_in("j.bakker", uid=1000)
    samba.log_in("a.smit", uid=1001)
    samba.open(b"TST/KLANT.DBF", uid=1001)

    assert samba.one().user == "a.smit"


def test_with_force_user_both_users_of_one_machine_are_named(samba: StandIn) -> None:
    samba.log_in("j.bakker", uid=1000)
    samba.log_in("a.smit", uid=1001)
    samba.open(b"TST/KLANT.DBF", uid=0)

    assert str(samba.one()) == ("somebody on PC-100 has KLANT.DBF open (one of a.smit, j.bakker)")


def test_processes_of_a_cluster_are_told_apart_by_their_node(samba: StandIn) -> None:
    samba.log_in("j.bakker", node=0)
    samba.log_in("a.smit", node=1)
    samba.open(b"TST/KLANT.DBF", pid=b"1:100")

    assert samba.one().user == "a.smit"


@pytest.mark.parametrize(
    "oplock", [b"BATCH", b"LEVEL_II", b"LEASE(RWH)", b"LEASE()   ", b"LEASE STATE UNKNOWN"]
)
def test_every_kind_of_oplock_and_share_mode_is_understood(samba: StandIn, oplock: bytes) -> None:
    samba.open(b"TST/KLANT.DBF", oplock=oplock, deny=b"UNKNOWN(0xffffffff)")

    assert samba.one().table == "KLANT.DBF"


@pytest.mark.parametrize(
    ("access", "writing"),
    [
        (0x120089, False),  # as for reading
        (0x80, False),  # attributes only
        (0x2, True),
        (0x4, True),
        (0x10000, True),
        (0x10000000, True),
        (0x40000000, True),
    ],
)
def test_writing_and_deleting_tell_a_user_from_a_reader(
    samba: StandIn, access: int, writing: bool
) -> None:
    samba.open(b"TST/KLANT.DBF", access=access)

    assert samba.one().writing is writing


@pytest.mark.parametrize(
    "name",
    [
        b"  a   b   c.dbf",
        b"caf\x82.dbf",
        b"a\nb.dbf",
        b"x   Sun Nov  1 09:15:37 2026.dbf",
        "één/[2].dbf".encode(),
    ],
)
def test_names_are_kept_byte_by_byte(samba: StandIn, name: bytes) -> None:
    samba.open(b"TST/" + name)

    assert os.fsencode(samba.one().table) == name


def test_a_file_in_a_share_of_which_only_smbd_knows_the_path_is_found(
    samba: StandIn, tmp_path: Path
) -> None:
    home = tmp_path / "home" / "jan   piet"
    home.mkdir(parents=True)
    (samba.share / "TST" / "deeper").mkdir()
    (home / "link").symlink_to(samba.share / "TST" / "deeper")
    samba.open(b"link/a   b.dbf", share=os.fsencode(home))

    assert samba.one().table == "deeper/a   b.dbf"


def test_a_file_reached_by_another_mount_of_the_folder_is_found(
    samba: StandIn, tmp_path: Path
) -> None:
    (samba.share / "TST" / "deeper").mkdir()
    export = tmp_path / "export"
    export.mkdir()
    if subprocess.run(["mount", "--bind", samba.share, export], check=False).returncode:
        pytest.skip("no right to mount")
    try:
        samba.open(b"TST/deeper/KLANT.DBF", share=os.fsencode(export))

        assert samba.one().table == "deeper/KLANT.DBF"
    finally:
        subprocess.run(["umount", export], check=True)


def test_a_line_that_can_mean_two_files_counts_as_an_unknown_one(
    samba: StandIn, tmp_path: Path
) -> None:
    wide = tmp_path / "share" / "TST   b"
    wide.mkdir()
    samba.folders.append(Folder(Kind.ADMINISTRATION, "B", "", str(wide), ""))
    samba.open(b"b   c.dbf", share=os.fsencode(samba.share / "TST"))
    samba.configure(f"[a]\n\tpath = {samba.share}/TST\n\n[b]\n\tpath = {wide}\n")
    session = samba.one()

    assert (session.folder, session.table, session.writing) == ("", "", True)
    assert session.note == "in one of TST, B"


def test_shares_with_variables_or_taken_out_of_use_are_no_evidence(samba: StandIn) -> None:
    samba.configure(
        f"[a]\n\tpath = {samba.folder}/%S\n\n[b]\n\tavailable = No\n\tpath = {samba.share}\n"
        f"\n[c]\n\tpath = {samba.share}/TST/deeper\n\n[d]\n\tpath = {samba.share}/T\n\n[homes]\n"
    )

    assert "no share of Samba holds" in samba.complaint()


def test_a_share_with_quotes_or_of_the_whole_disk_is_one(samba: StandIn) -> None:
    samba.configure(f'[a]\n\tpath = "{samba.share}/"\n')
    assert samba.ask() == ()
    samba.configure("[a]\n\tpath = /\n")
    samba.open(os.fsencode(samba.share)[1:] + b"/TST/KLANT.DBF", share=b"/")
    assert samba.one().table == "KLANT.DBF"


def test_what_is_open_below_no_folder_of_the_installation_does_not_count(samba: StandIn) -> None:
    samba.open(b"other.dbf")
    samba.open(b"TST2/other.dbf")
    samba.open(b".", access=0x1F01FF)

    assert samba.ask(exclusive=True) == ()


def test_a_restore_counts_everybody_who_has_anything_open(samba: StandIn) -> None:
    samba.open(b"TST")
    samba.open(b"TST/x.pdf")
    samba.open(b"TST/KLANT.DBF:Zone.Identifier:$DATA")
    found = [(one.table, one.writing) for one in samba.ask(exclusive=True)]

    assert found == [("", False), ("x.pdf", False), ("KLANT.DBF:Zone.Identifier:$DATA", False)]
    assert samba.ask() == ()


@pytest.mark.parametrize(
    "break_line",
    [
        lambda line: line[:-20] + b"\n",
        lambda line: line.replace(b" 0x", b"   "),
        lambda line: line.replace(b"Sun Nov", b"zon nov"),
        lambda line: line.replace(b"Nov  1", b"Nov 31"),
        lambda line: line.replace(b"   TST", b" TST"),
        lambda line: b"warning: something\n" + line,
        lambda line: b"\n" + line,
        lambda line: b"\xff" + line,
    ],
)
@pytest.mark.parametrize("behind", [0, 1])
def test_one_line_that_cannot_be_understood_spoils_the_whole_answer(
    samba: StandIn, break_line: Any, behind: int
) -> None:
    for _ in range(behind + 2):
        samba.open(b"TST/KLANT.DBF")
    samba.lines[-2] = break_line(samba.lines[-2])

    assert "cannot be understood" in samba.complaint()


def test_a_server_that_was_started_anew_meanwhile_is_not_nobody(samba: StandIn) -> None:
    other = samba.start_smbd()
    (samba.folder / "meanwhile").write_text(f"echo {other} >smbd.pid\n")

    assert "started anew" in samba.complaint()
    assert samba.ask() == ()


def test_a_server_that_ended_and_was_not_buried_does_not_run(samba: StandIn) -> None:
    ended = samba.start_smbd()
    os.kill(ended, signal.SIGKILL)
    os.waitid(os.P_PID, ended, os.WEXITED | os.WNOWAIT)
    (samba.folder / "smbd.pid").write_text(f"{ended}\n")

    assert "names no smbd that runs" in samba.complaint()


@pytest.mark.parametrize("printed", [b"", HEADING.replace(b"Access", b"Rights") + b"\n", b"\n\n"])
def test_an_answer_in_another_form_is_not_nobody(samba: StandIn, printed: bytes) -> None:
    samba.printed = printed

    assert "smbstatus -L prints what cannot be understood" in samba.complaint()


@pytest.mark.parametrize(
    "printed",
    [
        b"not JSON",
        b"{}",  # what smbstatus prints to others than root
        b'{"sessions": []}',
        b'{"sessions": {"1": {}}}',
        b'{"sessions": {"1": {"server_id": {"pid": "1", "vnn": "x"}}}}',
        b'{"sessions": {"1": {"server_id": {"pid": "1", "vnn": "0"}, "uid": 1, "username": 2,'
        b' "remote_machine": ""}}}',
    ],
)
def test_logins_that_cannot_be_understood_are_not_nobody(samba: StandIn, printed: bytes) -> None:
    samba.printed_logins = printed

    assert "smbstatus -p --json prints what cannot be understood" in samba.complaint()


def test_twenty_thousand_open_files_take_a_second_or_two(samba: StandIn) -> None:
    for number in range(20_000):
        samba.open(b"TST/T%05d.DBF" % number)
    started = time.monotonic()

    assert len(samba.ask()) == 20_000
    assert time.monotonic() - started < 10
