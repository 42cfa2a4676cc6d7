"""What a mail with a package looks like, and how one is recognised."""

from __future__ import annotations

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, compat32, default

import pytest
from packages import zipped

from avplugin.mail.package_message import (
    BEGINNING,
    Beginning,
    attached_package,
    decoded,
    look_at_beginning,
)
from avplugin.package.manifest import PackageError

PACKAGE = zipped("LEESMIJ.txt", "README.txt", "BAKKER26/A.DBF", "avplugin.json")
OTHER = zipped("BAKKER26/A.DBF")


def message(*attachments: tuple[str, bytes], subtype: str = "zip") -> EmailMessage:
    made = EmailMessage(policy=SMTP)
    made["Subject"] = "Boeken"
    made.set_content("Hierbij.")
    for name, data in attachments:
        made.add_attachment(data, maintype="application", subtype=subtype, filename=name)
    return made


def read(data: bytes) -> EmailMessage:
    got = message_from_bytes(data, policy=default)
    assert isinstance(got, EmailMessage)
    return got


@pytest.mark.parametrize(
    ("data", "seen"),
    [
        (PACKAGE, Beginning(True, "BAKKER26")),
        (zipped("LEESMIJ.txt", "README.txt", "Café & Zoon/x"), Beginning(True, "Café & Zoon")),
        (zipped("LEESMIJ.txt", "README.txt"), Beginning(True, "")),
        (zipped("LEESMIJ.txt", "README.txt", "x\x1b[1m/y"), Beginning(True, "")),
        (PACKAGE[:130], Beginning(True, "")),
        (PACKAGE[:40], Beginning(False, "")),
        (OTHER, Beginning(False, "")),
        (zipped("README.txt", "BAKKER26/A.DBF"), Beginning(False, "")),
        (b"", Beginning(False, "")),
        (b"PK\x03\x04" + b"\xff" * 60, Beginning(False, "")),
    ],
)
def test_the_first_bytes_show_whether_it_is_a_package_and_of_whom(
    data: bytes, seen: Beginning
) -> None:
    assert look_at_beginning(data[:BEGINNING]) == seen


@pytest.mark.parametrize("policy", [default, compat32], ids=["new", "old"])
def test_a_package_is_found_among_other_attachments(policy: object) -> None:
    data = message(("rekening.zip", OTHER), ("BAKKER26.zip", PACKAGE)).as_bytes()

    found = attached_package(message_from_bytes(data, policy=policy))  # type: ignore[call-overload]

    assert found == ("BAKKER26.zip", PACKAGE)


def test_a_package_in_a_message_that_was_forwarded_as_an_attachment_is_found() -> None:
    outer = message()
    outer.add_attachment(message(("BAKKER26.zip", PACKAGE)))

    assert attached_package(read(outer.as_bytes())).data == PACKAGE


@pytest.mark.parametrize("name", ["BAKKER26.ZIP", "Café.zip", "a" * 150 + ".zip"])
def test_any_program_may_call_it_what_it_likes(name: str) -> None:
    made = message((name, PACKAGE), subtype="octet-stream")

    assert attached_package(read(made.as_bytes())) == (name, PACKAGE)


def test_another_zip_counts_where_it_is_alone() -> None:
    assert attached_package(read(message(("x.zip", OTHER)).as_bytes())).data == OTHER
    with pytest.raises(PackageError, match="no package is attached"):
        attached_package(read(message().as_bytes()))
    with pytest.raises(PackageError, match=r"several packages .*: x\.zip, y\.zip"):
        attached_package(read(message(("x.zip", OTHER), ("y.zip", OTHER)).as_bytes()))
    with pytest.raises(PackageError, match=r"several packages .*: x\.zip, y\.zip"):
        attached_package(read(message(("x.zip", PACKAGE), ("y.zip", PACKAGE)).as_bytes()))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("=?utf-8?q?Caf=C3=A9=2Ezip?=", "Café.zip"),
        ("=?iso-8859-1?b?Q2Fm6S56aXA=?=", "Café.zip"),
        ("=?nonsense?q?a=2Ezip?=", "=?nonsense?q?a=2Ezip?="),
        ("a\r\n b.zip", "a b.zip"),
        ("Café.zip".encode(), "Café.zip"),
        (b"Caf\xe9.zip", "Caf\ufffd.zip"),
        (None, ""),
    ],
)
def test_a_name_that_a_mail_has_encoded_is_read(text: str, name: str) -> None:
    assert decoded(text) == name
