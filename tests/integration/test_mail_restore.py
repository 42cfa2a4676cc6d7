"""An administration that came by mail, put back out of a real mailbox."""

from __future__ import annotations

import json
import subprocess
import zipfile
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from conftest import COMMANDS, TABLE, World, tree
from dovecot import ADDRESS, Dovecot, dovecot
from mail_server import PASSWORD as MAIL_PASSWORD
from mail_server import USER
from packages import PASSWORD, pack
from terminal import Terminal

BAKKER, PASSWORD_FILE = "BAKKER26", "password"


@pytest.fixture(scope="module")
def running() -> Iterator[Dovecot]:
    with dovecot() as server:
        yield server


@pytest.fixture
def server(running: Dovecot) -> Dovecot:
    running.empty()
    return running


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an administration in another office."""
    folder = tmp_path_factory.mktemp("elders") / BAKKER
    folder.mkdir()
    (folder / "GROOTBOEK.DBF").write_bytes(TABLE + b"\x1a")
    (folder / "Köpie ë.txt").write_bytes(b"ja")
    return folder


@pytest.fixture(scope="module")
def package(elsewhere: Path) -> Path:
    file = elsewhere.parent / "BAKKER26-2026-11-26T020000.zip"
    pack(file, BAKKER, {BAKKER: elsewhere})
    return file


class Office:
    """An office that gets packages by mail; nothing of it is backed up here."""

    def __init__(self, folder: Path, server: Dovecot) -> None:
        self.world = World(folder)
        for name in ("program", "system", "admins/BAKKER26", "etc", "tmp"):
            (folder / name).mkdir(parents=True)
        self.place = folder / "admins" / BAKKER
        (self.place / "OUD.DBF").write_bytes(TABLE)
        (folder / "etc" / "secret").write_text(MAIL_PASSWORD)
        (folder / "etc" / "password").write_text(PASSWORD)
        (folder / "etc" / "wrong").write_text("verkeerd")
        mail = {
            "server": "localhost",
            "from": "av@example.nl",
            "certificate_authorities": str(server.authority),
            "imap": {"port": server.tls_port, "username": USER, "password_file": "secret"},
        }
        self.world.configuration.write_text(
            f"""
installation: {{name: office, program: {folder}/program, system: {folder}/system}}
administrations: [{{folders: {folder}/admins/*}}]
state: {folder}/state
sessions: {{assume_nobody: true}}
mail: {json.dumps(mail)}
"""
        )

    def restore(self, *words: str, secret: str = PASSWORD_FILE) -> subprocess.CompletedProcess[str]:
        file = self.world.folder / "etc" / secret
        done = self.world.avplugin("mail", "restore", *words, "--password-file", file)
        assert "Traceback" not in done.stderr
        assert list((self.world.folder / "tmp").iterdir()) == []  # nothing of it stays behind
        return done

    def numbers(self) -> list[str]:
        return [one["number"] for one in self.world.avplugin_json("mail", "list", "--any-zip")]


@pytest.fixture
def office(tmp_path: Path, server: Dovecot) -> Office:
    return Office(tmp_path / "office", server)


def deliver(server: Dovecot, *packages: Path, subject: str = "Boeken") -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "jan@klant.nl", ADDRESS, subject
    message.set_content("Hierbij.")
    for file in packages:
        message.add_attachment(
            file.read_bytes(), maintype="application", subtype="zip", filename=file.name
        )
    server.deliver(message)


def contents(folder: Path) -> dict[bytes, object]:
    return {path: (entry[1], entry[2]) for path, entry in tree(folder).items() if path}


def test_a_message_is_put_back_and_marked_as_read(
    office: Office, server: Dovecot, package: Path, elsewhere: Path
) -> None:
    deliver(server, package)
    deliver(server, package)
    newest, oldest = office.numbers()

    done = office.restore(oldest, "--original", "--yes")

    assert done.returncode == 0, done.stderr
    assert contents(office.place) == contents(elsewhere)
    assert "jan@klant.nl" in done.stdout
    assert "A sender's address proves nothing" in done.stdout
    assert [server.flags(uid) for uid in server.uids()] == [{b"\\Seen"}, set()]
    assert newest in office.numbers()


def test_with_delete_the_message_goes_and_no_other(
    office: Office, server: Dovecot, package: Path
) -> None:
    for _ in range(3):
        deliver(server, package)
    first, second, third = server.uids()

    done = office.restore(
        office.numbers()[1], "--new", str(office.place) + "-2", "--yes", "--delete"
    )

    assert done.returncode == 0, done.stderr
    assert "is removed from the mailbox" in done.stdout
    assert server.uids() == [first, third]
    assert second not in server.uids()
    assert [server.flags(uid) for uid in server.uids()] == [set(), set()]


@pytest.mark.parametrize(
    ("words", "secret", "status"),
    [
        (["--original", "--yes"], "wrong", 1),
        (["--original", "--yes", "--dry-run"], "password", 0),
        (["--original"], "password", 2),  # nobody is there to ask
        (["--into", "NIEMAND", "--yes"], "password", 2),
        (["--code", "SLAGER26", "--original", "--yes"], "password", 1),
    ],
)
def test_a_message_stays_unread_and_there_unless_it_was_put_back(
    office: Office, server: Dovecot, package: Path, words: list[str], secret: str, status: int
) -> None:
    deliver(server, package)
    before = tree(office.place)
    [number] = office.numbers()

    done = office.restore(number, *words, "--delete", secret=secret)

    assert done.returncode == status, done.stderr
    assert tree(office.place) == before
    assert server.flags(server.uids()[0]) == set()


def test_of_several_packages_the_one_that_is_named_is_put_back(
    office: Office, server: Dovecot, package: Path, elsewhere: Path, tmp_path: Path
) -> None:
    other = tmp_path / "SLAGER26.zip"
    pack(other, "SLAGER26", {"SLAGER26": elsewhere})
    deliver(server, other, package)
    [number] = office.numbers()

    unclear = office.restore(number, "--original", "--yes")
    named = office.restore(f"{number}/2", "--original", "--yes")

    assert unclear.returncode == 1
    assert f"say which, {number}/1 (SLAGER26.zip), {number}/2 ({package.name})" in unclear.stderr
    assert named.returncode == 0, named.stderr
    assert contents(office.place) == contents(elsewhere)
    assert "no package is attached" in office.restore(f"{number}/3", "--original", "--yes").stderr


def test_where_a_message_cannot_be_removed_the_restore_counts_all_the_same(
    tmp_path: Path, package: Path, elsewhere: Path
) -> None:
    with dovecot("imap_capability = IMAP4rev1 AUTH=PLAIN") as server:
        office = Office(tmp_path / "office", server)
        deliver(server, package)

        done = office.restore(office.numbers()[0], "--original", "--yes", "--delete")

        assert done.returncode == 0
        assert "only marked as deleted" in done.stderr
        assert contents(office.place) == contents(elsewhere)
        assert server.flags(server.uids()[0]) == {b"\\Seen", b"\\Deleted"}


def test_a_zip_of_another_program_comes_in_with_plain(
    office: Office, server: Dovecot, elsewhere: Path, tmp_path: Path
) -> None:
    file = tmp_path / "Boeken.zip"
    with zipfile.ZipFile(file, "w") as archive:
        for one in elsewhere.iterdir():
            archive.write(one, f"{BAKKER}/{one.name}")
    deliver(server, file)
    [number] = office.numbers()

    refused = office.restore(number, "--original", "--yes")
    done = office.restore(number, "--plain", BAKKER, "--original", "--yes")

    assert refused.returncode == 1
    assert done.returncode == 0, done.stderr
    assert (office.place / "GROOTBOEK.DBF").read_bytes() == TABLE + b"\x1a"


def test_without_a_terminal_it_has_to_be_said_which_and_where_to(office: Office) -> None:
    assert "say which message" in office.restore("--original", "--yes").stderr
    assert "say where to" in office.restore("1-2").stderr
    assert "NUMBER has chosen" in office.restore("1-2", "--unread", "--original").stderr
    assert "say where to once" in office.restore("1-2", "--original", "--new", "/x").stderr
    assert office.restore("1-2", "--sender", "a\nb", "--original", "--yes").returncode == 2


def test_in_a_terminal_somebody_chooses_from_a_list(
    office: Office, server: Dovecot, package: Path, elsewhere: Path
) -> None:
    deliver(server, package, subject="Oude boeken")
    deliver(server, package, subject="Nieuwe boeken")
    secret = office.world.folder / "etc" / "password"
    terminal = Terminal(
        office.world,
        *(COMMANDS / "avplugin", "--language", "nl", "mail", "restore", "--original"),
        *("--password-file", secret, "--delete"),
    )
    terminal.read_until("Uw keuze:")
    assert "Welk bericht?" in terminal.shown
    terminal.type("oude\n")
    terminal.read_until("Oude boeken")
    terminal.shown = ""
    terminal.read_until("Uw keuze:")
    terminal.type("1\n")
    terminal.read_until("Dit bericht eerst tonen? [j/N]")
    terminal.type("j\n")
    terminal.read_until("Is dit het? [J/n]")
    assert "Hierbij." in terminal.shown
    terminal.type("b\n")
    terminal.shown = ""
    terminal.read_until("Uw keuze:")
    terminal.type("2\n")
    terminal.read_until("[j/N]")
    terminal.type("\n")
    terminal.read_until("Nu terugzetten? [j/N]")
    assert "bewijst niets" in terminal.shown
    terminal.type("j\n")

    assert terminal.end() == 0, terminal.shown
    assert contents(office.place) == contents(elsewhere)
    assert len(server.uids()) == 1
    assert [one["subject"] for one in office.world.avplugin_json("mail", "list")] == [
        "Nieuwe boeken"
    ]
