"""Packages sent by mail, and written as a draft: real snapshots, a real mail server."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from conftest import COMMANDS, World, make_world, tree
from mail_server import PASSWORD as MAIL_PASSWORD
from mail_server import USER, MailServer
from seven_zip import unpack
from terminal import Terminal

CODE, PASSWORD = "BAKKER26", "Boekhouding 2026!"
TO = ["accountant@example.com", "jan@klant.nl"]


@pytest.fixture(scope="module")
def backed_up(template: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    """An office with a clean snapshot."""
    world = make_world(template, tmp_path_factory.mktemp("mail") / "world")
    done = world.run("borgmatic", "--config", world.borgmatic_file(), "create")
    assert done.returncode == 0, done.stderr
    (world.folder / "pw").write_text(f"{PASSWORD}\n")
    (world.folder / "etc" / "secret").write_text(MAIL_PASSWORD)
    return world


@pytest.fixture
def office(backed_up: World) -> Iterator[World]:
    """The same; afterwards nothing lies around."""
    kept = backed_up.configuration.read_text()
    yield backed_up
    backed_up.configuration.write_text(kept)
    assert list((backed_up.folder / "tmp").iterdir()) == []


@pytest.fixture
def server(office: World, tmp_path: Path) -> Iterator[MailServer]:
    with MailServer(tmp_path, encryption="starttls") as running:
        configure(office, running)
        yield running


def configure(office: World, server: MailServer, **more: Any) -> None:
    mail = {
        **{"server": "localhost", "port": server.port, "from": "kantoor@example.nl"},
        **{"username": USER, "password_file": "secret"},
        "certificate_authorities": str(server.authority),
    }
    office.configure(mail={**mail, **more})


def send(office: World, *words: str, secret: bool = True) -> subprocess.CompletedProcess[str]:
    password = ["--password-file", str(office.folder / "pw")] if secret else []
    done = office.avplugin("mail", "send", *words, *password)
    assert "Traceback" not in done.stderr
    for hidden in (PASSWORD, MAIL_PASSWORD):
        assert hidden not in done.stdout + done.stderr
    return done


def text_of(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def package_in(message: EmailMessage) -> tuple[str, bytes]:
    [attachment] = message.iter_attachments()
    assert attachment.get_content_type() == "application/zip"
    return str(attachment.get_filename()), bytes(attachment.get_content())


def test_a_package_is_sent_to_each_and_7_zip_opens_it(
    office: World, server: MailServer, tmp_path: Path
) -> None:
    done = send(office, CODE, "--to", TO[0], "--to", TO[1], "--language", "nl")

    assert done.returncode == 0, done.stderr
    [(recipients, message)] = server.got
    assert recipients == TO
    assert message["To"] == ", ".join(TO)
    assert message["From"] == "kantoor@example.nl"
    assert message["Subject"] == "AccountView-administratie BAKKER26"
    assert message["Date"] and message["Message-ID"]
    text = text_of(message)
    assert "Het wachtwoord staat niet in dit bericht" in text
    assert "avplugin import BAKKER26-" in text
    name, data = package_in(message)
    assert name.startswith("BAKKER26-") and name.endswith(".zip")
    (tmp_path / "got.zip").write_bytes(data)
    unpack(tmp_path / "got.zip", tmp_path / "out", PASSWORD)
    found = {path: entry[2] for path, entry in tree(tmp_path / "out" / CODE).items()}
    there = {path: entry[2] for path, entry in tree(office.administrations / CODE).items()}
    assert found == there
    # Neither the password nor the client's name stands anywhere in it, in any way to write it.
    whole = message.as_bytes()
    assert PASSWORD.encode() not in whole
    assert PASSWORD not in text
    assert "Bakkerij" not in text + message["Subject"]


def test_in_english_and_for_a_script(office: World, server: MailServer) -> None:
    done = office.avplugin(
        *("--json", "mail", "send", CODE, "--to", TO[0]), AVPLUGIN_PACKAGE_PASSWORD=PASSWORD
    )

    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    [(_, message)] = server.got
    assert message["Subject"] == "AccountView administration BAKKER26"
    assert (answer["to"], answer["from"]) == ([TO[0]], "kantoor@example.nl")
    assert (answer["code"], answer["encrypted"], answer["clean"]) == (CODE, True, True)
    assert answer["file"] == package_in(message)[0]
    assert answer["bytes"] == len(package_in(message)[1])


def test_without_a_password_nothing_is_sent_unless_that_is_said(
    office: World, server: MailServer
) -> None:
    refused = send(office, CODE, "--to", TO[0], secret=False)
    assert refused.returncode == 2
    assert "--no-password" in refused.stderr
    assert server.got == []

    done = send(office, CODE, "--to", TO[0], "--no-password", secret=False)

    assert done.returncode == 0, done.stderr
    assert "WITHOUT a password" in done.stderr
    [(_, message)] = server.got
    assert "WITHOUT a password: whoever has this message can read the books" in text_of(message)


def test_a_package_over_the_limit_is_not_sent_and_export_is_offered(
    office: World, server: MailServer, tmp_path: Path
) -> None:
    configure(office, server, attachment_limit="10kB")

    sent = send(office, CODE, "--to", TO[0])
    draft = office.avplugin(
        *("mail", "draft", CODE, tmp_path / "x.eml", "--password-file", office.folder / "pw")
    )

    for done in (sent, draft):
        assert done.returncode == 1
        first, second = done.stderr.splitlines()
        assert "is too large to mail" in first
        assert "mail.attachment_limit is 10.0 kB" in first
        assert "'avplugin export BAKKER26 FOLDER'" in second
    assert server.got == []
    assert not (tmp_path / "x.eml").exists()


@pytest.mark.parametrize(
    "address", ["jan", "a@b.nl\nBcc: c@d.nl", "a@b.nl\r\n\r\nx", "a@b.nl,c@d.nl", "Jan <a@b.nl>"]
)
def test_what_is_no_address_is_wrong_usage_before_anything_is_packed(
    office: World, server: MailServer, tmp_path: Path, address: str
) -> None:
    for words in (
        ("mail", "send", CODE, "--to", TO[0], "--to", address),
        ("mail", "draft", CODE, tmp_path / "x.eml", "--to", address),
        ("mail", "draft", CODE, tmp_path / "x.eml", "--from", address),
    ):
        done = office.avplugin(*words, "--no-password")
        assert done.returncode == 2
        assert "is no address such as naam@kantoor.nl" in done.stderr
    assert server.got == []
    assert list(tmp_path.glob("*.eml")) == []


def test_an_address_that_the_server_refuses_is_named(office: World, tmp_path: Path) -> None:
    with MailServer(tmp_path, encryption="starttls", refuses=(TO[1],)) as server:
        configure(office, server)

        done = send(office, CODE, "--to", TO[0], "--to", TO[1])

        assert done.returncode == 1
        assert f"does not deliver to {TO[1]}" in done.stderr
        assert "All others got it." in done.stderr
        assert "--to" in done.stderr
        assert [recipients for recipients, _ in server.got] == [[TO[0]]]


def test_what_goes_wrong_is_told_in_a_line_or_two(office: World, server: MailServer) -> None:
    assert "report.mail_to" not in send(office, "NIEMAND", "--to", TO[0]).stderr
    configure(office, server, username="iemand")
    wrong = send(office, CODE, "--to", TO[0])
    office.configure(mail=None)
    none = send(office, CODE, "--to", TO[0])

    assert (wrong.returncode, none.returncode) == (1, 1)
    assert "does not let iemand in" in wrong.stderr
    assert "names no mail server" in none.stderr
    assert "avplugin mail draft" in none.stderr
    assert server.got == []
    assert send(office, CODE).returncode == 2  # to whom?


def test_a_draft_is_a_message_that_is_still_to_be_sent(office: World, tmp_path: Path) -> None:
    office.configure(mail=None)
    target = tmp_path / "concept.eml"

    done = office.avplugin(
        *("--language", "nl", "mail", "draft", CODE, target, "--to", TO[0], "--to", TO[1]),
        *("--password-file", office.folder / "pw"),
    )

    assert done.returncode == 0, done.stderr
    assert "per telefoon" in done.stdout
    data = target.read_bytes()
    head, _, _ = data.partition(b"\r\n\r\n")
    assert b"X-Unsent: 1" in head.split(b"\r\n")
    assert data.count(b"\n") == data.count(b"\r\n")
    assert max(map(len, data.split(b"\r\n"))) <= 998
    message = message_from_bytes(data, policy=default)
    assert isinstance(message, EmailMessage)
    assert message["To"] == ", ".join(TO)
    assert [message[name] for name in ("From", "Date", "Message-ID", "Bcc")] == [None] * 4
    name, package = package_in(message)
    (tmp_path / name).write_bytes(package)
    unpack(tmp_path / name, tmp_path / "out", PASSWORD)
    assert (tmp_path / "out" / CODE).is_dir()


def test_a_draft_in_a_folder_is_named_by_code_and_moment_and_import_takes_it(
    office: World, tmp_path: Path
) -> None:
    folder, again = tmp_path / "nieuw", tmp_path / "weer"
    words = ("mail", "draft", CODE, folder, "--from", "ik@kantoor.nl", "--yes")
    password = ("--password-file", office.folder / "pw")

    answer = office.avplugin_json(*words, *password)
    second = office.avplugin(*words, *password)
    third = office.avplugin(*words, *password, "--force")
    imported = office.avplugin("import", answer["draft"], "--new", again, "--yes", *password)

    [file] = folder.iterdir()
    assert str(file) == answer["draft"]
    assert file.name.startswith("BAKKER26-") and file.suffix == ".eml"
    assert (second.returncode, third.returncode) == (1, 0)
    assert "is there already" in second.stderr
    assert b"\r\nFrom: ik@kantoor.nl\r\n" in file.read_bytes()
    assert imported.returncode == 0, imported.stderr
    before, after = tree(office.administrations / CODE), tree(again)
    assert {path: entry[1:3] for path, entry in after.items() if path} == {
        path: entry[1:3] for path, entry in before.items() if path
    }


def test_a_draft_without_a_password_is_for_its_owner_only(office: World, tmp_path: Path) -> None:
    for words, mode in (
        (["--no-password"], 0o600),
        (["--password-file", str(office.folder / "pw")], 0o644),
    ):
        target = tmp_path / f"{mode:o}.eml"
        done = office.run(
            "sh",
            "-c",
            'umask 022; exec "$@"',
            "sh",
            "avplugin",
            "mail",
            "draft",
            CODE,
            target,
            *words,
        )
        assert done.returncode == 0, done.stderr
        assert target.stat().st_mode & 0o777 == mode


def test_a_draft_that_cannot_be_written_leaves_nothing(office: World, tmp_path: Path) -> None:
    password = ("--password-file", office.folder / "pw")
    (tmp_path / "map.eml").mkdir()
    (tmp_path / "oud.eml").write_text("oud")

    inside = office.avplugin(
        "mail", "draft", CODE, office.administrations / CODE / "x.eml", *password
    )
    missing = office.avplugin("mail", "draft", CODE, tmp_path / "weg" / "x.eml", *password)
    present = office.avplugin("mail", "draft", CODE, tmp_path / "oud.eml", *password)
    windows = office.avplugin("mail", "draft", CODE, r"C:\x.eml", *password)

    assert [one.returncode for one in (inside, missing, present, windows)] == [1, 2, 1, 2]
    assert (tmp_path / "oud.eml").read_text() == "oud"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["map.eml", "oud.eml"]
    assert not (office.administrations / CODE / "x.eml").exists()


def test_in_a_terminal_the_password_is_asked_twice_and_not_shown(
    office: World, server: MailServer
) -> None:
    terminal = Terminal(office, COMMANDS / "avplugin", "mail", "send", CODE, "--to", TO[0])
    terminal.read_until("Password of the package")
    terminal.type(f"{PASSWORD}\n")
    terminal.read_until("The same once more")
    terminal.type(f"{PASSWORD}\n")

    assert terminal.end() == 0, terminal.shown
    assert PASSWORD not in terminal.shown
    assert "is mailed to" in terminal.shown
    assert len(server.got) == 1


def test_a_server_that_breaks_off_is_an_error_and_nothing_stays_behind(
    office: World, server: MailServer
) -> None:
    configure(office, server, port=1)

    done = send(office, CODE, "--to", TO[0])

    assert done.returncode == 1
    assert "cannot be reached" in done.stderr
    assert os.listdir(office.folder / "tmp") == []  # noqa: PTH208 - as in office
