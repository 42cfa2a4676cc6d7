"""Looking into a mailbox for packages: a real Dovecot, over TLS."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from conftest import World
from dovecot import ADDRESS, Dovecot, dovecot
from mail_server import PASSWORD, USER, Authority
from packages import zipped

from avplugin.configuration.mail import Encryption, ImapServer, Login
from avplugin.mail.error import MailError
from avplugin.mail.imap import Attachment, open_mailbox
from avplugin.mail.structure import Part

PACKAGE = zipped("LEESMIJ.txt", "README.txt", "BAKKER26/", "BAKKER26/A.DBF")
OTHER = zipped("foto.jpg")
ZIP = Part("2", "application/zip", "a.zip", "", "base64", 100, True)
JAN = "Jan de Boer <jan@klant.nl>"


def mail(
    *attachments: tuple[str, bytes],
    sender: str = JAN,
    subject: str = "Boeken",
    text: str = "Hierbij.",
    subtype: str = "zip",
) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, ADDRESS, subject
    message["Date"] = "Fri, 20 Nov 2026 10:00:00 +0100"
    message.set_content(text)
    for name, data in attachments:
        message.add_attachment(data, maintype="application", subtype=subtype, filename=name)
    return message


@pytest.fixture(scope="module")
def running() -> Iterator[Dovecot]:
    with dovecot() as server:
        yield server


@pytest.fixture
def server(running: Dovecot) -> Dovecot:
    """A mailbox that is empty."""
    running.empty()
    return running


class Office:
    """An office with a mailbox; nothing else of it is used here."""

    def __init__(self, folder: Path, server: Dovecot) -> None:
        self.world = World(folder)
        for name in ("program", "system", "admins/BAKKER26", "etc"):
            (folder / name).mkdir(parents=True)
        self.secret = folder / "etc" / "secret"
        self.secret.write_text(f"{PASSWORD}\n")
        self.imap: dict[str, Any] = {"server": "localhost", "port": server.tls_port}
        self.login: dict[str, Any] = {"username": USER, "password_file": "secret"}
        self.authorities: str | None = str(server.authority)
        self.folder = folder

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        mail = {"server": "localhost", "from": "av@example.nl", "imap": self.imap, **self.login}
        if self.authorities:
            mail["certificate_authorities"] = self.authorities
        self.world.configuration.write_text(
            f"""
installation: {{name: office, program: {self.folder}/program, system: {self.folder}/system}}
administrations: [{{folders: {self.folder}/admins/*}}]
state: {self.folder}/state
sessions: {{assume_nobody: true}}
mail: {json.dumps(mail)}
"""
        )
        done = self.world.avplugin(*words, **environment)
        assert "Traceback" not in done.stderr
        assert PASSWORD not in done.stdout + done.stderr
        return done

    def list(self, *words: str) -> list[Any]:
        done = self.run("--json", "mail", "list", *words)
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        assert isinstance(found, list)
        return found

    def fails(self, *words: str, **environment: str) -> str:
        done = self.run(*words, **environment)
        assert (done.returncode, done.stdout) == (1, ""), done.stderr
        assert 1 <= len(done.stderr.splitlines()) <= 2, done.stderr
        return done.stderr


@pytest.fixture
def office(tmp_path: Path, server: Dovecot) -> Office:
    return Office(tmp_path, server)


def test_packages_are_listed_newest_first_and_other_mail_is_not(
    office: Office, server: Dovecot
) -> None:
    server.deliver(mail(("BAKKER26-2026-11-19T020000.zip", PACKAGE)))
    server.deliver(mail(("vakantie.zip", OTHER), subject="Foto's"))
    server.deliver(mail(text="Zonder bijlage."))
    server.deliver(mail(("Café.zip", PACKAGE), subject="Reünie", subtype="octet-stream"))

    listed = office.list()
    everything = office.list("--any-zip")
    table = office.run("mail", "list").stdout

    assert [one["subject"] for one in listed] == ["Reünie", "Boeken"]
    newest, oldest = listed
    [package] = oldest["packages"]
    assert oldest["sender"] == "jan@klant.nl"
    assert oldest["sender_name"] == "Jan de Boer"
    assert oldest["unread"] is True
    assert package["file"] == "BAKKER26-2026-11-19T020000.zip"
    assert package["code"] == "BAKKER26"
    assert abs(package["bytes"] - len(PACKAGE)) < 78
    assert newest["packages"][0]["file"] == "Café.zip"
    assert [one["subject"] for one in everything] == ["Reünie", "Foto's", "Boeken"]
    assert [one["packages"][0]["package"] for one in everything] == [True, False, True]
    assert "jan@klant.nl" in table
    assert oldest["number"] in table
    assert [len(server.flags(uid)) for uid in server.uids()] == [0] * 4  # all are unread


def test_the_filters_are_those_of_accountview(office: Office, server: Dovecot) -> None:
    server.deliver(mail(("a.zip", PACKAGE), subject="a"))
    server.deliver(mail(("b.zip", PACKAGE), subject="b", sender="Zoë <zoe@ander.nl>"))
    server.deliver(mail(("c.zip", PACKAGE), subject="c"))
    with server.opened() as client:
        client.create_folder("Boeken & Zo") if not client.folder_exists("Boeken & Zo") else None
        client.move([server.uids()[0]], "Boeken & Zo")
        client.add_flags([client.search()[0]], [b"\\Seen"])

    def subjects(*words: str) -> list[str]:
        return [one["subject"] for one in office.list(*words)]

    assert subjects() == ["c", "b"]
    assert subjects("--sender", "jan@klant.nl") == ["c"]
    assert subjects("--sender", "zoë") == ["b"]
    assert subjects("--sender", "") == ["c", "b"]
    assert subjects("--sender", "nobody") == []
    assert subjects("--unread") == ["c"]
    assert subjects("--folder", "Boeken & Zo") == ["a"]
    office.imap["folder"] = "Boeken & Zo"
    assert subjects() == ["a"]
    assert office.run(
        "mail", "list", "--folder", "INBOX", "--unread", "--sender", "zoe"
    ).stdout == ("There is no message with a package that fits.\n")


def test_a_message_that_hides_its_package_is_found_all_the_same(
    office: Office, server: Dovecot
) -> None:
    forwarded = mail(subject="Doorgestuurd")
    forwarded.add_attachment(mail(("BAKKER26.zip", PACKAGE)))
    alone = EmailMessage()
    alone["Subject"], alone["From"] = "Alleen", JAN
    alone.set_content(PACKAGE, maintype="application", subtype="zip", cte="base64")
    server.deliver(forwarded)
    server.deliver(alone)
    server.deliver(mail(("a.zip", PACKAGE), ("b.zip", OTHER), ("c.zip", PACKAGE), subject="Drie"))

    three, single, inner = office.list("--any-zip")

    assert [one["code"] for one in three["packages"]] == ["BAKKER26", None, "BAKKER26"]
    assert [one["number"].partition("/")[2] for one in three["packages"]] == ["1", "2", "3"]
    assert single["packages"][0]["code"] == "BAKKER26"
    assert inner["packages"][0]["file"] == "BAKKER26.zip"
    # The second of three stays the third's neighbour: numbers do not depend on filters.
    assert [one["number"] for one in office.list()[0]["packages"]] == [
        three["packages"][0]["number"],
        three["packages"][2]["number"],
    ]


def test_show_prints_a_message_and_leaves_it_unread(office: Office, server: Dovecot) -> None:
    server.deliver(mail(("BAKKER26.zip", PACKAGE), text="Beste,\n\nhierbij de boeken.\n"))
    [listed] = office.list()

    dutch = office.run("--language", "nl", "mail", "show", listed["number"]).stdout
    shown = json.loads(office.run("--json", "mail", "show", listed["number"]).stdout)

    assert "jan@klant.nl (Jan de Boer)" in dutch
    assert "Beste,\n\nhierbij de boeken.\n" in dutch
    assert "BAKKER26.zip (" in dutch
    assert "bewijst niets" in dutch
    assert shown["text"] == "Beste,\n\nhierbij de boeken."
    assert shown["to"] == [ADDRESS]
    assert shown["sent"].startswith("2026-11-20T")
    assert server.flags(server.uids()[0]) == set()


def test_a_hostile_message_gives_no_orders_to_a_terminal(office: Office, server: Dovecot) -> None:
    evil = mail(
        ("\x1b[2Jx.zip", PACKAGE),
        sender='"\x1b]0;baas\x07 directie@kantoor.nl" <boef@ergens.nl>',
        subject="=?utf-8?q?=1B[31mBoeken=0A=E2=80=AEgnp?=",
        text="Klik \x1b]8;;http://evil\x07hier\x1b]8;;\x07 \u202egnp.exe\x00",
    )
    server.deliver(evil)
    [listed] = office.list()

    for words in (["mail", "list"], ["mail", "show", listed["number"]]):
        for more in ([], ["--json"]):
            done = office.run(*more, *words)
            assert done.returncode == 0, done.stderr
            assert not set("\x1b\x07\x00\u202e") & set(done.stdout)
            assert "boef@ergens.nl" in done.stdout


def test_of_a_page_the_words_are_shown_and_where_links_lead(
    office: Office, server: Dovecot
) -> None:
    message = mail(subject="Pagina")
    message.set_content(
        "<html><head><title>x</title><style>p {color: red}</style></head><body><p>Beste &eacute;n"
        "</p><script>alert(1)</script><p>Kijk <a href='http://evil.example/x'>www.kantoor.nl</a>"
        "<br>Groet</p></body></html>",
        subtype="html",
        charset="iso-8859-1",
        cte="quoted-printable",
    )
    message.add_attachment(PACKAGE, maintype="application", subtype="zip", filename="p.zip")
    server.deliver(message)
    [listed] = office.list()

    shown = json.loads(office.run("--json", "mail", "show", listed["number"]).stdout)

    assert shown["text"] == "Beste én\n\nKijk www.kantoor.nl <http://evil.example/x>\nGroet"


@pytest.mark.parametrize("number", ["1", "x", "1-", "0-1", "1-2-3", "1-2/0", "1-99999999999"])
def test_what_is_no_number_is_wrong_usage(office: Office, number: str) -> None:
    done = office.run("mail", "show", number)

    assert done.returncode == 2
    assert "is no number of a message" in done.stderr


def test_a_number_that_means_nothing_any_more_is_told(office: Office, server: Dovecot) -> None:
    server.deliver(mail(("a.zip", PACKAGE)))
    [listed] = office.list()
    validity, _, uid = listed["number"].partition("-")

    assert "is not in the folder any more" in office.fails(
        "mail", "show", f"{validity}-{int(uid) + 9}"
    )
    assert "has been numbered anew" in office.fails("mail", "show", f"{int(validity) - 1}-{uid}")


def test_every_way_to_log_in_works(office: Office, server: Dovecot) -> None:
    server.deliver(mail(("a.zip", PACKAGE)))
    ways: list[dict[str, Any]] = [
        {"password_file": str(office.secret)},
        {"password_variable": "MAIL_PASSWORD"},
        {"password": f"{{credential file {office.secret}}}"},
        {"password": "{credential file secret}"},
        {"password": "{credential systemd mail}"},
        {"token_command": ["/bin/echo", server.token()]},
    ]
    store = office.folder / "credentials"
    store.mkdir()
    (store / "mail").write_text(PASSWORD)
    for way in ways:
        office.login = {"username": USER, **way}
        done = office.run(
            "--json",
            "mail",
            "list",
            MAIL_PASSWORD=PASSWORD,
            CREDENTIALS_DIRECTORY=str(store),
        )
        assert done.returncode == 0, (way, done.stderr)
        assert (len(json.loads(done.stdout)), done.stderr) == (1, ""), way
    office.imap |= {"port": server.port, "encryption": "starttls"}
    assert len(office.list()) == 1


@pytest.mark.parametrize(
    ("login", "said"),
    [
        ({"password_file": "wrong"}, f"does not let {USER} in"),
        ({"password_file": "none"}, "cannot be read from the file"),
        ({"password_file": "empty"}, "holds no password"),
        ({"password_variable": "UNSET"}, "the environment variable UNSET holds no password"),
        ({"password": "{credential file none}"}, "cannot be had: Cannot load credential file"),
        ({"password": "{credential nonsense x}"}, "cannot be had: Unknown hook name"),
        ({"password": "{credential systemd x}"}, "cannot be had"),
        ({"token_command": ["false"]}, "false ended with exit status 1"),
        ({"token_command": ["true"]}, "true printed none"),
        ({"token_command": ["echo", "a", "b"]}, "more than one word"),
        ({"token_command": ["./not-there"]}, "cannot be started"),
        ({"token_command": ["sh", "-c", "kill $$"]}, "sh ended with signal 15"),
        ({"token_command": ["echo", "geheim-token-1"]}, f"does not let {USER} in"),
    ],
    ids=str,
)
def test_a_login_that_fails_is_told_in_a_line_or_two_without_the_secret(
    office: Office, login: dict[str, Any], said: str
) -> None:
    (office.folder / "etc" / "wrong").write_text("geheim-token-1\n")
    (office.folder / "etc" / "empty").write_text("\n")
    office.login = {"username": USER, **login}

    complaint = office.fails(
        "mail", "list", PATH="/usr/bin:/bin:" + office.world.environment["PATH"]
    )

    assert said in complaint
    assert "geheim" not in complaint


def test_a_token_that_has_expired_is_refused(office: Office, server: Dovecot) -> None:
    token = server.token(expires_in=-3600)
    office.login = {"username": USER, "token_command": ["echo", token]}

    complaint = office.fails("mail", "list")

    assert f"does not let {USER} in" in complaint
    assert token not in complaint


def test_a_folder_that_is_not_there_is_told_with_those_that_are(office: Office) -> None:
    complaint = office.fails("mail", "list", "--folder", "Nergens")

    assert "has no folder Nergens" in complaint
    assert "It has " in complaint and "INBOX" in complaint


def test_an_authority_that_nobody_named_ends_it_before_the_login(office: Office) -> None:
    office.authorities = None
    assert "has no valid certificate" in office.fails("mail", "list")
    assert "mail.certificate_authorities" in office.fails("mail", "list")
    other = Authority(office.folder)
    office.authorities = str(other.file)
    assert "has no valid certificate" in office.fails("mail", "list")
    office.authorities = str(office.secret)
    assert "holds no certificates" in office.fails("mail", "list")
    office.authorities = "none.pem"
    assert "cannot be read" in office.fails("mail", "list")


def test_a_certificate_for_another_name_is_not_taken(office: Office) -> None:
    office.imap["server"] = "127.0.0.1"

    assert "has no valid certificate for that name" in office.fails("mail", "list")


def test_a_server_that_is_gone_or_talks_nonsense_is_told(office: Office, server: Dovecot) -> None:
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        office.imap["port"] = taken.getsockname()[1]
        assert "cannot be reached" in office.fails("mail", "list")
    office.imap["port"] = server.port  # without TLS from the first byte on
    assert "no encrypted connection" in office.fails("mail", "list")
    office.imap |= {"encryption": "none"}
    for greeting in (b"* BYE go away\r\n", b"SSH-2.0\r\n", b""):
        with socket.create_server(("127.0.0.1", 0)) as listening:
            office.imap["port"] = listening.getsockname()[1]

            def greet(greeting: bytes = greeting, listening: socket.socket = listening) -> None:
                connection, _ = listening.accept()
                with connection:
                    connection.sendall(greeting)

            thread = threading.Thread(target=greet)
            thread.start()
            office.fails("mail", "list")
            thread.join()


def inbox(server: Dovecot, monkeypatch: pytest.MonkeyPatch) -> ImapServer:
    monkeypatch.setenv("MAIL_PASSWORD", PASSWORD)
    login = Login(USER, password_variable="MAIL_PASSWORD")
    return ImapServer(
        "localhost", server.tls_port, Encryption.TLS, login, authorities=server.authority
    )


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable", "8bit"])
def test_an_attachment_comes_as_it_was_sent_whatever_it_travelled_in(
    server: Dovecot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    data = PACKAGE + os.urandom(3_000_000)
    if encoding == "8bit":  # what a line can hold
        data = PACKAGE.hex().encode() * 1000
    message = mail()
    message.add_attachment(
        data, maintype="application", subtype="zip", filename="a.zip", cte=encoding
    )
    server.deliver(message)
    mailbox_of = inbox(server, monkeypatch)
    seen: list[tuple[int, int]] = []

    with open_mailbox(mailbox_of) as mailbox:
        [found] = mailbox.packages(any_zip=True)
        mailbox.fetch(found.attachments[0], tmp_path / "a.zip", lambda *at: seen.append(at))

    # A server that is handed 8bit has to give it a line end.
    assert (tmp_path / "a.zip").read_bytes().removesuffix(b"\r\n") == data.removesuffix(b"\n")
    assert seen[-1][0] == seen[-1][1]
    assert [file.name for file in tmp_path.iterdir()] == ["a.zip"]
    assert found.attachments[0].is_package == (encoding != "8bit")
    assert server.flags(found.number.uid) == set()


def test_only_the_message_that_is_meant_is_removed(
    server: Dovecot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        server.deliver(mail(("a.zip", PACKAGE)))
    first, second, third = server.uids()
    with server.opened() as client:
        client.delete_messages([first])  # by somebody else, who may think better of it

    with open_mailbox(inbox(server, monkeypatch), to_change=True) as mailbox:
        number = mailbox.packages()[-1].number
        assert number.uid == second
        mailbox.mark_read(number)
        assert server.flags(second) == {b"\\Seen"}
        assert mailbox.delete(number) is True
        with pytest.raises(MailError, match="is not in the folder any more"):
            mailbox.delete(number)
        for meant in (number._replace(validity=1), number._replace(validity=1, uid=third)):
            attachment = Attachment(ZIP, meant, True, "")
            with pytest.raises(MailError, match="has been numbered anew"):
                mailbox.delete(meant)
            with pytest.raises(MailError, match="has been numbered anew"):
                mailbox.fetch(attachment, tmp_path / "a.zip", lambda *_: None)
        assert not (tmp_path / "a.zip").exists()

    assert server.uids() == [first, third]
    assert server.flags(third) == set()


def test_without_uidplus_a_message_is_marked_and_nothing_is_removed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with dovecot("imap_capability = IMAP4rev1 LITERAL+ AUTH=PLAIN") as server:
        server.deliver(mail(("a.zip", PACKAGE)))
        server.deliver(mail(("b.zip", PACKAGE)))
        with open_mailbox(inbox(server, monkeypatch), to_change=True) as mailbox:
            assert mailbox.delete(mailbox.packages()[0].number) is False
            # What is marked as deleted is shown no more.
            assert len(mailbox.packages()) == 1
        assert [b"\\Deleted" in server.flags(uid) for uid in server.uids()] == [False, True]


def test_a_mailbox_that_was_opened_to_look_changes_nothing(
    server: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.deliver(mail(("a.zip", PACKAGE)))

    with (
        pytest.raises(MailError, match="be marked"),
        open_mailbox(inbox(server, monkeypatch)) as mailbox,
    ):
        mailbox.delete(mailbox.packages()[0].number)

    assert server.flags(server.uids()[0]) == set()


def test_a_message_with_odd_headers_hides_no_package(
    server: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = mail(("BAKKER26.zip", PACKAGE)).as_bytes()
    date, sender = b"Fri, 20 Nov 2026 10:00:00 +0100", b"From: Jan de Boer <jan@klant.nl>"
    odd = [
        *[usual.replace(date, odd) for odd in (b"", b"nonsense", b"\xff", b"=?utf-8?b?AAAA?=")],
        usual.replace(date, b"Mon, 1 Jan 0001 00:00:00 +0000"),
        usual.replace(date, b"Fri, 31 Dec 9999 23:59:59 -1400"),
        usual.replace(date, b"Fri, 20 Nov 2026 10:00:00 +9999999"),
        *[usual.replace(sender, odd) for odd in (b"X: y", b"From: ", b"From: <@>")],
        usual.replace(sender, b"From: \xe9 <\xe9@\xe8>"),
        usual.replace(sender, b"From: undisclosed-recipients:;"),
        usual.replace(sender, b"From: " + b"a" * 3000 + b"@b.nl"),
        b"Content-Type: message/rfc822\r\n\r\n" + usual,
        b"Content-Type: multipart/digest; boundary=x\r\n\r\n--x\r\n\r\n" + usual + b"\r\n--x--",
    ]
    for data in odd:
        server.deliver(data)

    with open_mailbox(inbox(server, monkeypatch)) as mailbox:
        found = mailbox.packages()
        shown = [mailbox.show(one.number) for one in found]

    assert (len(found), mailbox.unreadable) == (len(odd), 0)
    assert {one.attachments[0].code for one in found} == {"BAKKER26"}
    assert {one.text for one in shown} == {"Hierbij."}


@pytest.mark.parametrize("text", ['"', "\\", "(x)", ")", "{5}", "*", "ALL", 'a"b', 'é" {3}', "%s"])
def test_what_is_typed_as_a_sender_is_text_and_no_order_to_the_server(
    server: Dovecot, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    server.deliver(mail(("a.zip", PACKAGE)))
    server.deliver(mail(("b.zip", PACKAGE), sender=f"x{text}y <x@y.nl>".replace('"', "")))

    with open_mailbox(inbox(server, monkeypatch)) as mailbox:
        assert len(mailbox.packages(text)) <= 1


def test_doctor_looks_whether_the_mailbox_lets_us_in(office: Office, server: Dovecot) -> None:
    def found() -> list[tuple[str, str]]:
        done = office.run("--json", "doctor")
        findings = json.loads(done.stdout)["findings"]
        about = [one for one in findings if "read INBOX" in one["what"] or USER in one["what"]]
        return [(one["level"], one["what"]) for one in about if one["concern"] == "mail"]

    office.imap |= office.login
    office.login = {}
    office.secret.chmod(0o600)
    assert found() == [("fine", f"localhost:{server.tls_port} lets {USER} read INBOX")]
    office.imap["folder"] = "Nergens"
    [(level, what)] = found()
    assert (level, "has no folder Nergens" in what) == ("error", True)


def test_a_configuration_without_a_mailbox_says_what_to_write(office: Office) -> None:
    office.imap = None  # type: ignore[assignment]
    done = office.run("mail", "list")

    assert done.returncode == 1
    assert "mail.imap" in done.stderr


def test_a_mailbox_of_thousands_is_listed_in_seconds(office: Office, server: Dovecot) -> None:
    folder = server.folder / "mail" / USER / "new"
    owner = folder.stat()
    texts = [mail(text="Hallo. " * 50), mail(("factuur.pdf", b"%PDF" * 900), subtype="pdf")]
    server.deliver(mail(("BAKKER26.zip", PACKAGE), sender="een@enige.nl"))
    for number in range(2000):
        file = folder / f"{1_764_000_000 + number}.M{number}P1.test"
        file.write_bytes(texts[number % 2].as_bytes())
        os.chown(file, owner.st_uid, owner.st_gid)

    begun = time.monotonic()
    assert len(office.list()) == 1
    assert len(office.list("--sender", "een@enige.nl")) == 1
    assert time.monotonic() - begun < 20  # 1.5 s on a quiet machine
