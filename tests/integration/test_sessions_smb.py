"""Who is in, asked of a real Samba server over SMB as of any file server."""

from __future__ import annotations

import dataclasses
import itertools
import os
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from samba import PASSWORD, SHARE, Samba, serving
from smbprotocol.connection import Request
from smbprotocol.file_info import FileInformationClass, InfoType
from smbprotocol.header import Smb2Flags
from smbprotocol.open import SMB2SetInfoRequest

from avplugin.configuration.sessions import SmbProbe
from avplugin.installation.model import Folder, Kind
from avplugin.sessions.model import Answer, CannotFindOut, Place, Question, Session
from avplugin.sessions.smb import find_sessions
from avplugin.sessions.smb_share import Share

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="smbd has to be started by root")

FULL_ACCESS = 0x1F01FF  # with WRITE_OWNER, at which smbstatus --json aborts
_numbers = itertools.count()


class Office:
    """Administrations below one folder of a share, and a probe of that share."""

    def __init__(self, samba: Samba) -> None:
        self.samba = samba
        self.name = f"Kantoor {next(_numbers)}"
        self.folder = samba.shared / self.name
        self.folder.mkdir()
        self.drives: dict[str, str] = {}
        password = samba.folder / "password"
        password.write_text(f"{PASSWORD}\n")
        self.probe = SmbProbe(
            server="127.0.0.1",
            share=SHARE,
            username="games",
            password_file=password,
            password_variable=None,
            port=samba.port,
            folder=str(samba.shared),
        )
        self.places: list[Place] = []

    def administration(self, code: str, *files: str | bytes, folder: Path | None = None) -> Path:
        """Make an administration; a file is a name, in text or in bytes."""
        path = folder or self.folder / code
        path.mkdir()
        names = tuple(os.fsencode(file) for file in files or ("debiteur.dbf", "debiteur.fpt"))
        for name in names:
            target = Path(os.fsdecode(os.path.join(os.fsencode(path), name)))  # noqa: PTH118
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(b"\x30" + bytes(600))
        place = Place(Folder(Kind.ADMINISTRATION, code, "", os.path.realpath(path), ""), names)
        self.places.append(place)
        return path

    def set(self, **settings: object) -> None:
        """Change the probe."""
        self.probe = dataclasses.replace(self.probe, **settings)  # type: ignore[arg-type]

    def ask(self, *, exclusive: bool = False, limit: float = 20) -> Answer:
        """Ask who is in."""
        folders = tuple(place.folder for place in self.places)
        return find_sessions(
            self.probe, Question(tuple(self.places), folders, self.drives, exclusive, limit)
        )

    def complaint(self, *, limit: float = 20) -> str:
        """Ask who is in, which must not be found out; return why."""
        with pytest.raises(CannotFindOut) as caught:
            self.ask(limit=limit)
        message = str(caught.value)
        assert len(message.splitlines()) <= 2
        assert PASSWORD not in message
        return message


@pytest.fixture(scope="module")
def samba(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Samba]:
    """One server for all tests that leave it running."""
    folder = tmp_path_factory.mktemp("smb")
    (folder / "shared").mkdir()
    with serving(folder / "samba", folder / "shared") as samba:
        yield samba


@pytest.fixture
def office(samba: Samba) -> Office:
    """An office with one administration."""
    office = Office(samba)
    office.administration("BAKKER26")
    return office


@pytest.fixture
def own_samba(tmp_path: Path) -> Iterator[Samba]:
    """A server that the test may end."""
    (tmp_path / "shared").mkdir()
    with serving(tmp_path / "samba", tmp_path / "shared") as samba:
        yield samba


def nobody(answer: Answer) -> bool:
    """Return whether the answer is sure that nobody is in BAKKER26."""
    return answer == Answer((), frozenset({"BAKKER26"}))


def only(answer: Answer) -> Session:
    """Return the one session of an answer without doubts."""
    assert answer.doubts == ()
    assert "BAKKER26" in answer.covers
    (session,) = answer.sessions
    return session


def test_nobody_is_in_an_administration_that_nobody_has_open(office: Office) -> None:
    assert nobody(office.ask())


def test_whoever_has_a_table_open_for_writing_is_in(office: Office) -> None:
    office.administration("JANSEN26")
    with office.samba.workstation() as station:
        station.open_table(f"{office.name}/BAKKER26/debiteur.dbf")
        answer = office.ask()
    session = only(answer)
    assert (session.administration, session.table) == ("BAKKER26", "debiteur.dbf")
    assert (session.user, session.machine, session.writing) == ("", "", True)
    assert str(session) == "somebody has debiteur.dbf open"
    assert answer.covers == {"BAKKER26", "JANSEN26"}
    assert nobody_left(office)


def nobody_left(office: Office) -> bool:
    """Return whether nobody is in any of the office's folders."""
    answer = office.ask()
    labels = {place.folder.label for place in office.places}
    return answer == Answer((), frozenset(labels))


def test_the_probe_leaves_nothing_open(office: Office) -> None:
    office.ask()
    with office.samba.workstation() as station:
        station.open_table(f"{office.name}/BAKKER26/debiteur.dbf")


def test_a_reader_is_in_only_for_what_needs_the_folder_to_itself(office: Office) -> None:
    with office.samba.workstation() as station:
        station.open_table(f"{office.name}/BAKKER26/debiteur.dbf", writing=False)
        assert nobody(office.ask())
        session = only(office.ask(exclusive=True))
    assert session.note == "perhaps only reading"


def test_a_reader_of_a_memo_is_in_for_what_needs_the_folder_to_itself(office: Office) -> None:
    with office.samba.workstation() as station:
        station.open_table(f"{office.name}/BAKKER26/debiteur.fpt", writing=False)
        office.set(tables=("debiteur.dbf",))
        assert only(office.ask(exclusive=True)).table == "debiteur.fpt"


def test_an_explorer_window_is_nobody(office: Office) -> None:
    with office.samba.workstation() as station:
        station.open_file(f"{office.name}/BAKKER26", 0, folder=True)
        assert nobody(office.ask())


def test_a_restore_meets_an_explorer_window_even_in_an_empty_folder(office: Office) -> None:
    for file in (office.folder / "BAKKER26").iterdir():
        file.unlink()
    office.places = [Place(office.places[0].folder, ())]
    assert nobody(office.ask(exclusive=True))
    with office.samba.workstation() as station:
        station.open_file(f"{office.name}/BAKKER26", 0, folder=True)
        found = only(office.ask(exclusive=True))
    assert (found.folder, found.table, found.writing) == ("BAKKER26", "", False)


def test_a_handle_with_every_right_is_somebody(office: Office) -> None:
    with office.samba.workstation() as station:
        station.open_file(f"{office.name}/BAKKER26/debiteur.dbf", FULL_ACCESS)
        assert only(office.ask()).table == "debiteur.dbf"


def test_whoever_has_a_record_locked_is_in(office: Office) -> None:
    with office.samba.workstation() as station:
        table = station.open_table(f"{office.name}/BAKKER26/debiteur.dbf")
        station.lock_record(table, 12)
        assert only(office.ask()).table == "debiteur.dbf"


def test_a_table_that_goes_when_it_is_closed_has_somebody(office: Office) -> None:
    with office.samba.workstation() as station:
        path = f"{office.name}/BAKKER26/debiteur.dbf"
        table = station.open_file(path, 0x10000 | 1, share=7)  # DELETE
        going = SMB2SetInfoRequest()
        going["info_type"] = InfoType.SMB2_0_INFO_FILE
        going["file_info_class"] = FileInformationClass.FILE_DISPOSITION_INFORMATION
        going["file_id"] = table.file_id
        going["buffer"] = b"\1"
        tree = table.tree_connect
        connection = table.connection
        sent = connection.send(going, tree.session.session_id, tree.tree_connect_id)
        connection.receive(sent)
        session = only(office.ask())
    assert session.note == "the file goes when it is closed"


def test_a_client_that_does_not_give_up_its_oplock_is_in(office: Office) -> None:
    office.administration("JANSEN26", *(f"tabel{number}.dbf" for number in range(200)))
    with office.samba.workstation() as station:
        station.open_and_fall_silent(f"{office.name}/BAKKER26/debiteur.dbf")
        start = time.monotonic()
        answer = office.ask(limit=2)
        taken = time.monotonic() - start
    assert only(answer).note == "held by a client that does not answer"
    assert answer.covers == {"BAKKER26", "JANSEN26"}
    assert 1.5 < taken < 4


def test_many_silent_clients_keep_nobody_else_from_being_found(office: Office) -> None:
    names = [f"tabel{number}.dbf" for number in range(100)]
    office.administration("AAA", *names)
    office.administration("ZZZ")
    with office.samba.workstation() as silent, office.samba.workstation() as station:
        for name in names:
            silent.open_and_fall_silent(f"{office.name}/AAA/{name}")
        station.open_table(f"{office.name}/ZZZ/debiteur.dbf")
        answer = office.ask(limit=3)
    assert len(answer.sessions) == 101
    assert answer.doubts == ()


@pytest.mark.parametrize(
    "name",
    [
        "met spaties.dbf",
        "café über €.DBF",
        "GROOT.DBF",
        "sub map/diep er/tabel.dbf",
        "a\U0001f4b0.dbf",
    ],
)
def test_names_with_blanks_and_accents_are_found(office: Office, name: str) -> None:
    office.administration("NAMEN", name)
    with office.samba.workstation() as station:
        station.open_table(f"{office.name}/NAMEN/{name}")
        answer = office.ask()
    assert [(session.folder, session.table) for session in answer.sessions] == [("NAMEN", name)]
    assert answer.doubts == ()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"caf\x82.dbf", r"caf\x82.dbf is not UTF-8"),
        (b"12:30.dbf", "12:30.dbf is no name to Windows"),
        (b"regel\nregel.dbf", r"regel\nregel.dbf is no name to Windows"),
        (b"punt./tabel.dbf", "punt. is no name to Windows"),
    ],
)
def test_a_name_that_smb_lacks_leaves_its_folder_in_doubt(
    office: Office, name: bytes, shown: str
) -> None:
    office.administration("NAMEN", name, b"gewoon.dbf")
    answer = office.ask()
    (doubt,) = answer.doubts
    assert (doubt.folder, doubt.way) == ("NAMEN", "smb")
    assert shown in doubt.why
    assert "\n" not in doubt.why
    assert answer.covers == {"BAKKER26"}


def test_a_folder_outside_the_share_is_not_covered(office: Office, tmp_path: Path) -> None:
    office.administration("ELDERS", folder=tmp_path / "elders")
    answer = office.ask()
    assert answer == Answer((), frozenset({"BAKKER26"}))


def test_a_folder_without_tables_in_the_share_is_covered(office: Office) -> None:
    office.administration("LEEG", "LEESMIJ.TXT")
    office.places[-1] = dataclasses.replace(office.places[-1], files=())
    assert office.ask().covers == {"BAKKER26", "LEEG"}


def test_folders_of_which_none_is_in_the_share_are_an_error_that_says_what_to_set(
    office: Office, tmp_path: Path
) -> None:
    office.set(folder=str(tmp_path))
    message = office.complaint()
    assert rf"\\127.0.0.1\{SHARE}" in message
    assert "`folder`" in message
    assert "`drives`" in message


def test_drives_say_where_the_share_is_without_regard_to_case(office: Office) -> None:
    office.set(folder="", server="LocalHost")
    office.drives = {
        "F:\\": "/nowhere",
        r"\\localhost\other": str(office.samba.shared),
        rf"\\LOCALHOST\{SHARE.upper()}\{office.name.upper()}": str(office.folder),
    }
    with office.samba.workstation() as station:
        station.open_table(f"{office.name}/BAKKER26/debiteur.dbf")
        assert only(office.ask()).table == "debiteur.dbf"


def test_the_innermost_folder_of_drives_counts(office: Office) -> None:
    office.administration("JANSEN26")
    office.set(folder="")
    office.drives = {
        rf"\\127.0.0.1\{SHARE}\nowhere": str(office.folder),
        rf"\\127.0.0.1\{SHARE}\{office.name}\BAKKER26": str(office.folder / "BAKKER26"),
    }
    answer = office.ask()
    assert answer.covers == {"BAKKER26"}
    assert [doubt.folder for doubt in answer.doubts] == ["JANSEN26"]


def test_a_table_that_was_deleted_since_the_folder_was_listed_is_nobody(office: Office) -> None:
    (office.folder / "BAKKER26" / "debiteur.dbf").unlink()
    assert nobody(office.ask())


def test_a_wrong_folder_is_no_proof_that_nobody_is_in(office: Office) -> None:
    with office.samba.workstation() as station:
        station.open_table(f"{office.name}/BAKKER26/debiteur.dbf")
        office.set(folder=str(office.folder))
        answer = office.ask()
    assert answer.covers == set()
    assert "does not exist" in answer.doubts[0].why
    assert "`folder`" in answer.doubts[0].why


def test_patterns_narrow_what_is_opened(office: Office) -> None:
    office.administration("JANSEN26", "Systeem.dbf", "debiteur.dbf")
    office.set(tables=("SYSTEEM.*", "nooit.dbf"))
    with office.samba.workstation() as station:
        station.open_table(f"{office.name}/JANSEN26/debiteur.dbf")
        assert office.ask().sessions == ()
        station.open_table(f"{office.name}/JANSEN26/Systeem.dbf")
        answer = office.ask()
    assert [session.table for session in answer.sessions] == ["Systeem.dbf"]
    assert answer.covers == {"JANSEN26", "BAKKER26"}


def test_where_no_table_fits_the_patterns_all_are_opened(office: Office) -> None:
    office.set(tables=("SYSTEEM.*",))
    with office.samba.workstation() as station:
        station.open_table(f"{office.name}/BAKKER26/debiteur.dbf")
        assert only(office.ask()).table == "debiteur.dbf"


def test_a_wrong_password_is_said_so(office: Office, tmp_path: Path) -> None:
    (tmp_path / "wrong").write_text("Sesam0penU")
    office.set(password_file=tmp_path / "wrong")
    message = office.complaint()
    assert "does not let games in: the name or the password is wrong" in message
    assert "Sesam0penU" not in message


def test_only_the_first_line_of_the_password_file_counts(office: Office, tmp_path: Path) -> None:
    (tmp_path / "notepad").write_bytes(f"\ufeff{PASSWORD}\r\nvan de server\r\n".encode())
    office.set(password_file=tmp_path / "notepad")
    assert nobody(office.ask())


def test_the_password_can_be_in_an_environment_variable(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.set(password_file=None, password_variable="AV_SMB_PASSWORD")
    assert "the environment variable AV_SMB_PASSWORD holds no password" in office.complaint()
    monkeypatch.setenv("AV_SMB_PASSWORD", PASSWORD)
    assert nobody(office.ask())


@pytest.mark.parametrize(
    ("contents", "why"),
    [(None, "cannot be read: No such file"), (b"\nx\n", "is empty"), (b"\xe9", "it is not UTF-8")],
)
def test_a_password_file_that_holds_none_is_said_so(
    office: Office, tmp_path: Path, contents: bytes | None, why: str
) -> None:
    if contents is not None:
        (tmp_path / "password").write_bytes(contents)
    office.set(password_file=tmp_path / "password")
    message = office.complaint()
    assert str(tmp_path / "password") in message
    assert why in message


def test_a_user_can_be_of_a_domain(office: Office) -> None:
    office.set(username=r"WORKGROUP\games")
    assert nobody(office.ask())


def test_a_user_can_be_written_with_its_domain_behind_it(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "map").write_text("games = games@kantoor.example\n")  # as a domain controller does
    with serving(
        tmp_path / "samba", tmp_path / "shared", f"username map = {tmp_path}/map"
    ) as samba:
        office = Office(samba)
        office.administration("BAKKER26")
        office.set(username="games@kantoor.example")
        assert nobody(office.ask())


def test_an_unknown_share_is_said_so(office: Office) -> None:
    office.set(share="administratie")
    assert "127.0.0.1 has no share administratie" in office.complaint()


def test_an_unknown_server_is_said_so(office: Office) -> None:
    office.set(server="no-such-server.invalid")
    assert "no-such-server.invalid cannot be reached" in office.complaint(limit=10)


def test_a_closed_port_is_said_so(office: Office) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    office.set(port=port)
    assert f"cannot be reached on port {port}: Connection refused" in office.complaint()


def test_a_server_that_never_answers_is_given_up_at_the_limit(office: Office) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        office.set(port=server.getsockname()[1])
        start = time.monotonic()
        message = office.complaint(limit=1)
        assert time.monotonic() - start < 2.5
    assert "did not answer" in message
    assert "within 1 s" in message


def test_a_port_that_takes_no_connection_is_given_up_at_the_limit(office: Office) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        address = server.getsockname()
        waiting = []
        for _ in range(3):  # the queue is full, and the kernel drops who comes next
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(address)
            waiting.append(client)
        office.set(port=address[1])
        start = time.monotonic()
        message = office.complaint(limit=1)
        assert time.monotonic() - start < 2.5
        for client in waiting:
            client.close()
    assert "did not answer" in message


@pytest.mark.parametrize("says", [b"\0\0\0\x08quite so", b"\0\0\0\0", b""])
def test_a_server_that_speaks_something_else_is_said_so(office: Office, says: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            client, _ = server.accept()
            with client:
                client.recv(1000)
                client.sendall(says)

        thread = threading.Thread(target=answer)
        thread.start()
        office.set(port=server.getsockname()[1])
        message = office.complaint(limit=2)
        thread.join()
    assert "does not speak SMB" in message or "did not answer" in message


def in_the_middle(patch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Let something happen when 300 files have been asked about."""
    send = Share._send
    sent = itertools.count()

    def send_one(self: Share, messages: Any) -> Any:
        if next(sent) == 300:
            happens()
        return send(self, messages)

    patch.setattr(Share, "_send", send_one)


def test_nobody_is_kept_out_while_other_tables_are_asked_about(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.administration("JANSEN26", *(f"tabel{number}.dbf" for number in range(400)))
    with office.samba.workstation() as station:
        in_the_middle(
            monkeypatch, lambda: station.open_table(f"{office.name}/BAKKER26/debiteur.dbf")
        )
        assert office.ask().sessions == ()


def test_a_server_that_dies_in_the_middle_leaves_doubt(
    own_samba: Samba, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = Office(own_samba)
    office.administration("AAA")
    office.administration("BBB", *(f"tabel{number}.dbf" for number in range(600)))
    in_the_middle(monkeypatch, own_samba.stop)
    start = time.monotonic()
    answer = office.ask(limit=30)
    assert time.monotonic() - start < 10
    assert answer.covers == {"AAA"}
    (doubt,) = answer.doubts
    assert doubt.folder == "BBB"
    assert rf"the connection to \\127.0.0.1\{SHARE} was lost" in doubt.why
    assert "of 600 files" in doubt.why


def test_a_server_that_stops_answering_in_the_middle_leaves_doubt(
    own_samba: Samba, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = Office(own_samba)
    office.administration("AAA")
    office.administration("BBB", *(f"tabel{number}.dbf" for number in range(600)))
    assert own_samba._process is not None
    group = own_samba._process.pid
    in_the_middle(monkeypatch, lambda: os.killpg(group, signal.SIGSTOP))
    start = time.monotonic()
    answer = office.ask(limit=2)
    assert time.monotonic() - start < 4
    assert answer.covers == {"AAA"}
    assert "did not answer everything within the limit" in answer.doubts[0].why


def test_a_guest_is_told_nothing_that_can_be_trusted(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    with serving(
        tmp_path / "samba", tmp_path / "shared", "map to guest = bad user\nguest ok = yes"
    ) as samba:
        office = Office(samba)
        office.administration("BAKKER26")
        office.set(username="niemand")
        assert "takes niemand for a guest" in office.complaint()


def test_a_user_without_rights_to_the_share_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    with serving(tmp_path / "samba", tmp_path / "shared", "valid users = root") as samba:
        office = Office(samba)
        office.administration("BAKKER26")
        assert rf"games may not use \\127.0.0.1\{SHARE}" in office.complaint()


def test_a_table_that_may_not_be_read_leaves_its_folder_in_doubt() -> None:
    with tempfile.TemporaryDirectory() as name:  # games may not enter pytest's own
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "shared").mkdir()
        samba = Samba(folder / "samba", folder / "shared")
        samba.config.write_text(samba.config.read_text().replace("force user = root\n", ""))
        samba.start()
        try:
            office = Office(samba)
            office.administration("BAKKER26")
            path = office.administration("DICHT", "debiteur.dbf", "open.dbf")
            (path / "debiteur.dbf").chmod(0o600)
            answer = office.ask()
        finally:
            samba.stop()
    assert answer.covers == {"BAKKER26"}
    (doubt,) = answer.doubts
    assert rf"games may not read \\127.0.0.1\{SHARE}\{office.name}\DICHT\debiteur.dbf" in doubt.why


def test_an_answer_that_nobody_foresaw_leaves_doubt(office: Office) -> None:
    path = office.administration("RAAR", "debiteur.dbf", "artikel.dbf")
    for name in ("debiteur.dbf", "artikel.dbf"):
        (path / name).unlink()
        (path / name).mkdir()
    answer = office.ask()
    assert answer.covers == {"BAKKER26"}
    assert "the server says STATUS_FILE_IS_A_DIRECTORY to" in answer.doubts[0].why
    assert answer.doubts[0].why.endswith("and 1 more")


@pytest.mark.parametrize(
    "settings",
    [
        "server smb encrypt = off",
        "server smb encrypt = required",
        "server max protocol = SMB2_02",
        "server max protocol = SMB2_10",
        "server max protocol = SMB3_00",
        "server signing = disabled\nserver smb encrypt = off",
    ],
)
def test_servers_of_every_age_are_asked(tmp_path: Path, settings: str) -> None:
    (tmp_path / "shared").mkdir()
    with serving(tmp_path / "samba", tmp_path / "shared", settings) as samba:
        office = Office(samba)
        office.administration("BAKKER26")
        office.administration("JANSEN26", *(f"tabel{number}.dbf" for number in range(300)))
        with samba.workstation() as station:
            station.open_table(f"{office.name}/BAKKER26/debiteur.dbf")
            answer = office.ask()
    assert only(answer).table == "debiteur.dbf"
    assert answer.covers == {"BAKKER26", "JANSEN26"}


def test_paths_in_a_dfs_root_are_sent_as_in_any_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Samba forgives a path without the server's name in it, Windows does not (MS-SMB2 2.2.13).
    (tmp_path / "shared").mkdir()
    with serving(tmp_path / "samba", tmp_path / "shared", "msdfs root = yes") as samba:
        office = Office(samba)
        office.administration("BAKKER26")
        sent: list[Request] = []
        send = Share._send

        def send_and_note(self: Share, messages: Any) -> list[Request]:
            requests = send(self, messages)
            sent.extend(requests)
            return requests

        monkeypatch.setattr(Share, "_send", send_and_note)
        assert nobody(office.ask())
    flags = [request.message["flags"] for request in sent]
    assert flags
    assert not any(flag.has_flag(Smb2Flags.SMB2_FLAGS_DFS_OPERATIONS) for flag in flags)
