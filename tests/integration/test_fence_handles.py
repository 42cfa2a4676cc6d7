"""A fence around tables on a real Samba server."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import until
from samba import PASSWORD, READ_WRITE, SHARE, Samba, serving
from smbprotocol.exceptions import SharingViolation

from avplugin.configuration.sessions import SmbProbe
from avplugin.installation.model import Folder, Kind
from avplugin.sessions.fence_handles import Fence
from avplugin.sessions.model import Place, Question
from avplugin.sessions.smb import find_sessions
from avplugin.sessions.smb_share import Share, ShareError

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="smbd has to be started by root")

TABLES = tuple(rf"BAKKER26\tabel {number}.dbf" for number in range(300))
FIRST = TABLES[0]


class Office:
    """An administration on a server, and a fence that can be put around it."""

    def __init__(self, samba: Samba) -> None:
        self.samba = samba
        self.folder = samba.shared / "BAKKER26"
        self.folder.mkdir()
        for table in TABLES:
            self.file(table).write_bytes(b"\x30" + bytes(600))
        password = samba.folder / "password"
        password.write_text(PASSWORD)
        self.probe = SmbProbe(
            "127.0.0.1", SHARE, "games", password, None, port=samba.port, folder=str(samba.shared)
        )

    def file(self, table: str) -> Path:
        """Return the file that a path in the share is."""
        return self.samba.shared / table.replace("\\", "/")

    def can_write(self, table: str = FIRST) -> bool:
        """Return whether somebody can open a table as FoxPro does."""
        with self.samba.workstation() as station:
            try:
                station.open_table(table)
            except SharingViolation:
                return False
            return True


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """An office with a server of its own."""
    (tmp_path / "shared").mkdir()
    with serving(tmp_path / "samba", tmp_path / "shared") as samba:
        yield Office(samba)


@pytest.fixture
def small_office(tmp_path: Path) -> Iterator[Office]:
    """An office whose server lets one connection have 120 files open."""
    (tmp_path / "shared").mkdir()
    with serving(tmp_path / "samba", tmp_path / "shared", "max open files = 120") as samba:
        yield Office(samba)


@pytest.fixture
def fence(office: Office) -> Iterator[Fence]:
    """A fence around all tables."""
    with Fence(office.probe) as fence:
        assert fence.hold(TABLES, 20) == ()
        yield fence


def test_nobody_can_begin_to_write_while_the_fence_stands(office: Office, fence: Fence) -> None:
    assert not office.can_write(FIRST)
    assert not office.can_write(TABLES[-1])
    assert fence.tables == set(TABLES)
    assert fence.still_stands() is None


def test_who_was_refused_gets_in_as_soon_as_the_fence_is_dropped(
    office: Office, fence: Fence
) -> None:
    with office.samba.workstation() as station:
        with pytest.raises(SharingViolation):
            station.open_table(FIRST)
        start = time.monotonic()
        fence.drop()
        assert time.monotonic() - start < 0.5
        while True:
            with contextlib.suppress(SharingViolation):
                station.open_table(FIRST)
                break
            assert time.monotonic() - start < 2
    assert fence.tables == frozenset()


def test_reading_goes_on_behind_the_fence(office: Office, fence: Fence) -> None:
    with office.samba.workstation() as station:
        station.open_table(FIRST, writing=False, share=READ_WRITE)
    assert office.file(FIRST).read_bytes().startswith(b"\x30")


def test_a_probe_finds_nobody_behind_the_fence(office: Office, fence: Fence) -> None:
    folder = Folder(Kind.ADMINISTRATION, "BAKKER26", "", str(office.folder), "")
    names = tuple(os.fsencode(table.partition("\\")[2]) for table in TABLES)
    question = Question((Place(folder, names),), (folder,), {}, False, 20)
    answer = find_sessions(office.probe, question)
    assert (answer.sessions, answer.doubts) == ((), ())


def test_a_table_in_use_is_named_and_the_others_are_held(office: Office) -> None:
    with office.samba.workstation() as station, Fence(office.probe) as fence:
        station.open_table(TABLES[7])
        (refused,) = fence.hold(TABLES, 20)
        assert (refused.path, refused.in_use) == (TABLES[7], True)
        assert str(refused) == r"BAKKER26\tabel 7.dbf: in use"
        assert fence.tables == set(TABLES) - {TABLES[7]}
        assert fence.still_stands() is None


def test_a_table_that_does_not_exist_is_named_and_not_taken_for_one_in_use(
    office: Office,
) -> None:
    with Fence(office.probe) as fence:
        (refused,) = fence.hold([FIRST, "BAKKER26\\weg.dbf"], 20)
    assert (refused.path, refused.in_use) == ("BAKKER26\\weg.dbf", False)
    assert refused.why == "STATUS_OBJECT_NAME_NOT_FOUND"


def test_a_client_that_does_not_answer_has_the_table(office: Office) -> None:
    with Fence(office.probe) as fence:
        with office.samba.workstation() as station:
            station.open_and_fall_silent(FIRST)
            (refused,) = fence.hold(TABLES, 1.5)
            assert (refused.path, refused.in_use) == (FIRST, True)
        assert office.can_write(FIRST)  # nor does the fence get it later
        assert fence.still_stands() is None


def test_some_tables_can_be_let_go(office: Office, fence: Fence) -> None:
    fence.release(TABLES[:2], 10)
    assert office.can_write(TABLES[0])
    assert office.can_write(TABLES[1])
    assert not office.can_write(TABLES[2])
    assert fence.still_stands() is None


def test_a_table_that_is_held_again_is_let_go_with_one_word(office: Office, fence: Fence) -> None:
    assert fence.hold(TABLES, 10) == ()
    fence.release([FIRST], 10)
    assert office.can_write(FIRST)
    assert fence.hold(TABLES, 10) == ()
    assert not office.can_write(FIRST)


def test_tables_beyond_what_one_connection_holds_go_over_others(
    small_office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = Share._send
    sent = itertools.count()

    def count(self: Share, messages: Any) -> Any:
        next(sent)
        return send(self, messages)

    with Fence(small_office.probe) as fence:
        monkeypatch.setattr(Share, "_send", count)
        assert fence.hold(TABLES, 20) == ()
        # A full connection is asked for what is under way already, not for all that is left.
        assert next(sent) <= len(TABLES) + 2 * 64
        assert fence.tables == set(TABLES)
        assert [len(handles) for _, handles in fence._held] == [120, 120, 60]
        assert fence.still_stands() is None
        assert not any(small_office.can_write(table) for table in TABLES[::50])


def test_a_server_without_handles_is_an_error_and_leaves_nothing_held(
    small_office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("avplugin.sessions.fence_handles._MOST_CONNECTIONS", 2)
    with Fence(small_office.probe) as fence:
        with pytest.raises(ShareError, match=r"127.0.0.1 gives no more handles: \d+ tables are"):
            fence.hold(TABLES, 20)
        assert fence.tables == frozenset()
        until(small_office.can_write)


def test_a_fence_that_cannot_be_put_up_says_why(office: Office, tmp_path: Path) -> None:
    office.probe.password_file.write_text("wrong")  # type: ignore[union-attr]
    with Fence(office.probe) as fence, pytest.raises(ShareError, match="the password is wrong"):
        fence.hold(TABLES, 20)


@pytest.mark.parametrize("sample", [True, False])
def test_a_server_that_was_started_again_is_noticed(
    office: Office, fence: Fence, sample: bool
) -> None:
    office.samba.stop()
    office.samba.start()
    why = fence.still_stands(sample=sample)
    assert why is not None
    assert "was lost" in why


@pytest.mark.parametrize("sample", [True, False])
def test_a_server_that_answers_no_more_is_noticed(
    office: Office, fence: Fence, sample: bool
) -> None:
    assert office.samba._process is not None
    os.killpg(office.samba._process.pid, signal.SIGSTOP)
    start = time.monotonic()
    why = fence.still_stands(1, sample=sample)
    assert time.monotonic() - start < 3
    assert why is not None
    assert "did not answer" in why
    start = time.monotonic()
    fence.drop()
    assert time.monotonic() - start < 3


def test_one_lost_connection_of_several_is_noticed(small_office: Office) -> None:
    with Fence(small_office.probe) as fence:
        fence.hold(TABLES, 20)
        assert len(fence._held) > 1
        share, _ = fence._held[1]
        share.drop()
        assert fence.still_stands(sample=True) is not None


def test_a_thread_of_smbprotocol_that_ended_without_a_word_is_noticed(
    office: Office, fence: Fence, monkeypatch: pytest.MonkeyPatch
) -> None:
    share, _ = fence._held[0]
    transport = share._connection.transport
    assert transport is not None
    monkeypatch.setattr(transport, "recv", lambda _timeout: b"")
    share._connection.echo(sid=share._session_id, timeout=5)  # its last message
    why = fence.still_stands(10)
    assert why is not None
    assert transport.connected
    assert "was lost" in why


def test_files_that_somebody_closes_on_the_server_are_noticed(office: Office, fence: Fence) -> None:
    ended = subprocess.run(
        ["smbcontrol", "-s", office.samba.config, "smbd", "close-share", SHARE],
        check=False,
        capture_output=True,
    )
    assert ended.returncode == 0, ended.stderr
    until(lambda: fence.still_stands() is not None)


def test_a_single_handle_that_is_gone_is_noticed(office: Office, fence: Fence) -> None:
    share, handles = fence._held[0]
    share.release([handles[TABLES[5]]], time.monotonic() + 5)
    why = fence.still_stands()
    assert why == r"the server no longer holds BAKKER26\tabel 5.dbf (STATUS_FILE_CLOSED)"


def test_a_fence_goes_with_its_process_even_when_killed(office: Office) -> None:
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import pathlib, sys, time\n"
            "from avplugin.configuration.sessions import SmbProbe\n"
            "from avplugin.sessions.fence_handles import Fence\n"
            "share, password, port, table = sys.argv[1:]\n"
            "password = pathlib.Path(password)\n"
            "probe = SmbProbe('127.0.0.1', share, 'games', password, None, port=int(port))\n"
            "fence = Fence(probe)\n"
            "print(fence.hold([table], 20), flush=True)\n"
            "time.sleep(100)\n",
            *(SHARE, str(office.probe.password_file), str(office.probe.port), FIRST),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "()\n"
        assert not office.can_write()
    finally:
        holder.kill()
        holder.communicate()
    start = time.monotonic()
    until(office.can_write)
    assert time.monotonic() - start < 2
