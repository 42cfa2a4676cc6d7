"""Where files of this machine are in a share, and connections that hang."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
import uuid
from collections.abc import Mapping
from pathlib import Path

import pytest
from smbprotocol.connection import Connection
from smbprotocol.transport import Tcp

from avplugin.configuration.sessions import SmbProbe
from avplugin.sessions.smb_share import (
    ShareError,
    SharePaths,
    UnsendableNameError,
    _cut,
    open_share,
    status_name,
)


def paths(folder: str = "", drives: Mapping[str, str] | None = None) -> SharePaths:
    """Return the paths of \\\\SRV01\\Boek."""
    probe = SmbProbe("SRV01", "Boek", "backup", None, "PASSWORD", folder=folder)
    return SharePaths(probe, drives or {})


def test_the_share_s_root_can_be_given() -> None:
    assert paths("/srv/boek").find(b"/srv/boek/Administraties/a b/T.dbf") == (
        r"Administraties\a b\T.dbf"
    )


def test_a_path_beside_the_root_is_not_in_the_share() -> None:
    assert paths("/srv/boek").find(b"/srv/boekhouding/t.dbf") is None
    assert not paths("/srv/boek").has(b"/srv")


def test_the_root_itself_is_in_the_share() -> None:
    assert paths("/srv/boek").has(b"/srv/boek")
    assert paths("/srv/boek/").find(b"/srv/boek") == ""


def test_the_root_of_the_machine_can_be_the_share_s_root() -> None:
    assert paths("/").find(b"/srv/t.dbf") == r"srv\t.dbf"


def test_a_root_may_be_a_symbolic_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    real = bytes(tmp_path.resolve() / "real" / "t.dbf")
    assert paths(str(tmp_path / "link")).find(real) == "t.dbf"


def test_a_given_root_goes_before_drives() -> None:
    drives = {r"\\srv01\boek\sub": "/srv/boek"}
    assert paths("/srv/boek", drives).find(b"/srv/boek/t.dbf") == "t.dbf"


@pytest.mark.parametrize("key", [r"\\srv01\BOEK", "//Srv01/boek/", r"\\SRV01\Boek\."])
def test_drives_name_the_share_in_any_form(key: str) -> None:
    assert paths(drives={key: "/mnt/boek"}).find(b"/mnt/boek/t.dbf") == "t.dbf"


@pytest.mark.parametrize("key", ["F:\\", r"\\srv02\Boek", r"\\srv01\Boek2", r"\\srv01"])
def test_drives_of_another_share_do_not_count(key: str) -> None:
    assert not paths(drives={key: "/mnt/boek"}).has(b"/mnt/boek/t.dbf")


def test_the_innermost_of_drives_counts() -> None:
    found = paths(drives={r"\\SRV01\Boek": "/mnt", r"\\SRV01\Boek\Adm\2026": "/mnt/nu"})
    assert found.find(b"/mnt/nu/t.dbf") == r"Adm\2026\t.dbf"
    assert found.find(b"/mnt/oud/t.dbf") == r"oud\t.dbf"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"caf\x82.dbf", r"caf\x82.dbf is not UTF-8"),
        (b"a\\b.dbf", r"a\b.dbf is no name"),
        (b"a?.dbf", "a?.dbf is no name"),
        (b"a\x1b.dbf", r"a\x1b.dbf is no name"),
        (b"map /t.dbf", "map  is no name"),
        (b"\xed\xa0\x80.dbf", "is not UTF-8"),
    ],
)
def test_a_name_that_smb_lacks_is_refused(name: bytes, shown: str) -> None:
    with pytest.raises(UnsendableNameError) as caught:
        paths("/srv").find(b"/srv/" + name)
    assert shown in str(caught.value)


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (0xC0000043, "STATUS_SHARING_VIOLATION"),
        (0xC000011F, "STATUS_TOO_MANY_OPENED_FILES"),
        (0xC00000C9, "STATUS_NETWORK_NAME_DELETED"),
        (0xC0001234, "NTSTATUS 0xC0001234"),
    ],
)
def test_a_status_has_the_name_that_microsoft_gives_it(status: int, name: str) -> None:
    assert status_name(status) == name


def test_a_connection_on_which_sending_hangs_can_be_ended() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        transport = Tcp(*server.getsockname())
        connection = Connection(uuid.uuid4(), "127.0.0.1")
        connection.transport = transport
        transport.connect()
        peer, _ = server.accept()  # and it takes nothing in

        def send() -> None:
            with contextlib.suppress(OSError):
                transport.send(bytes(16_000_000))

        sending = threading.Thread(target=send, daemon=True)
        sending.start()
        sending.join(0.3)
        assert sending.is_alive()
        ending = threading.Thread(target=_cut, args=[connection], daemon=True)
        ending.start()
        ending.join(5)
        sending.join(5)
        assert not ending.is_alive()
        assert not sending.is_alive()
        assert not transport.connected
        peer.close()


def test_a_server_whose_name_is_looked_up_for_ever_is_given_up_at_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = threading.Event()
    later: list[BaseException] = []

    def look_up(*_words: object, **_more: object) -> socket.socket:
        found.wait(10)
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr("socket.create_connection", look_up)
    monkeypatch.setattr(threading, "excepthook", lambda told: later.append(told.exc_value))
    monkeypatch.setenv("PASSWORD", "secret")
    probe = SmbProbe("SRV01", "Boek", "backup", None, "PASSWORD")
    start = time.monotonic()
    with pytest.raises(ShareError, match="SRV01 did not answer on port 445 within 1 s"):
        open_share(probe, start + 1)
    assert time.monotonic() - start < 3
    found.set()
    assert later == []
