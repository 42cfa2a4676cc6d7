"""Administrations go by mail from one office to another, through real servers, and are the same."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from conftest import World, make_world, tree
from dovecot import ADDRESS, dovecot
from mail_server import PASSWORD as MAIL_PASSWORD
from mail_server import USER, MailServer

from avplugin.demo.office import generate_office

INSIDE, OUTSIDE = "BAKKER26", "VANDIJK"  # by where their copy documents are
FOLDERS = {INSIDE: "BAKKER26", OUTSIDE: "Van Dijk & Zonen VOF"}
PASSWORD = "Van kantoor tot kantoor 1"


def books(office: World, code: str) -> dict[str, dict[bytes, tuple[object, ...]]]:
    """Return all files and folders of an administration: of each its type, time and contents.

    Rights are those of whoever puts it back.
    """
    folders = {
        "books": office.administrations / FOLDERS[code],
        "documents": documents(office, code),
    }
    return {
        name: {path: (entry[0][2:4], *entry[1:3]) for path, entry in tree(folder).items()}  # type: ignore[index]
        for name, folder in folders.items()
    }


def documents(office: World, code: str) -> Path:
    """Return where an administration's copy documents are."""
    if code == INSIDE:
        return office.administrations / FOLDERS[code] / "KOPIEDOC"
    return office.office / "Kopiedocumenten" / code


def use_mail(office: World, authority: Path, **mail: Any) -> list[str]:
    """Configure the mail of an office, and return the words that give a package's password."""
    folder = office.configuration.parent
    (folder / "mail-password").write_text(f"{MAIL_PASSWORD}\n")
    (folder / "package-password").write_text(f"{PASSWORD}\n")
    known = {"server": "localhost", "username": USER, "password_file": "mail-password"}
    office.configure(mail={**known, "certificate_authorities": str(authority), **mail})
    return ["--password-file", str(folder / "package-password")]


def test_every_byte_time_and_copy_document_is_the_same_in_the_other_office(
    template: Path, tmp_path: Path
) -> None:
    sender, receiver = (make_world(template, tmp_path / name) for name in ("van", "naar"))
    generate_office(tmp_path / "ander", administrations=6, size=60_000, seed=2)
    for part in ("Administraties", "Kopiedocumenten"):
        (receiver.office / part).rename(receiver.office / f"{part}.weg")
        (tmp_path / "ander" / part).rename(receiver.office / part)
    odd = sender.administrations / INSIDE / "Bijlagen é"
    (odd / "LEEG").mkdir(parents=True)
    (odd / "Crédit [2e] 100%.txt").write_bytes(bytes(range(256)) * 5000)
    os.utime(odd / "Crédit [2e] 100%.txt", ns=(1, 1_234_567_890_123_456_789))
    os.utime(odd / "LEEG", ns=(1, 1_111_111_111_000_000_001))
    sender.working_day(seed=7)
    codes = (INSIDE, OUTSIDE)
    before = {code: books(sender, code) for code in codes}
    for code in codes:
        theirs = books(receiver, code)
        for name, files in before[code].items():
            assert len(files) > 3
            assert theirs[name] != files

    with (
        dovecot() as mailbox,
        MailServer(sender.folder, encryption="starttls", hand_on_to=mailbox.lmtp_port) as server,
    ):
        ours = use_mail(
            sender, server.authority, port=server.port, **{"from": "kantoor@example.nl"}
        )
        their = use_mail(
            receiver,
            mailbox.authority,
            imap={"port": mailbox.tls_port},
            **{"from": "ander@example.nl"},
        )
        assert sender.borgmatic("create").returncode == 0
        for code in codes:
            sent = sender.avplugin("mail", "send", code, "--to", ADDRESS, *ours)
            assert sent.returncode == 0, sent.stderr

        listed = receiver.avplugin_json("mail", "list", "--unread", "--sender", "kantoor@")

        assert [one["packages"][0]["code"] for one in listed] == list(reversed(codes))
        for one in listed:
            words = ("mail", "restore", one["number"], "--original", "--yes", "--delete", *their)
            done = receiver.avplugin(*words)
            assert done.returncode == 0, done.stderr
        assert receiver.avplugin_json("mail", "list") == []

    assert {code: books(receiver, code) for code in codes} == before
    assert {code: books(sender, code) for code in codes} == before
