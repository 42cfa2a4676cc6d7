"""The parts of a message as an IMAP server describes them."""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP

import pytest

from avplugin.mail.imap import parse_number
from avplugin.mail.package_message import encoded_size, size_in
from avplugin.mail.structure import parts_of

TEXT = (b"TEXT", b"PLAIN", (b"CHARSET", b"utf-8"), None, None, b"7BIT", 10, 1, None, None, None)


def zip_part(*, name: tuple[bytes, ...] = (), file: tuple[bytes, ...] | None = None) -> object:
    disposition = (b"attachment", file) if file is not None else None
    return (
        *(b"APPLICATION", b"OCTET-STREAM", name or None, None, None, b"BASE64", 780),
        *(None, disposition, None),
    )


@pytest.mark.parametrize(
    ("part", "name"),
    [
        (zip_part(name=(b"NAME", b"a.zip")), "a.zip"),
        (zip_part(file=(b"filename", b"a.zip")), "a.zip"),
        (zip_part(name=(b"name", b"b.bin"), file=(b"filename", b"a.zip")), "a.zip"),
        (zip_part(name=(b"name", b"=?utf-8?q?Caf=C3=A9=2Ezip?=")), "Café.zip"),
        (zip_part(file=(b"filename*", b"utf-8''Caf%C3%A9.zip")), "Café.zip"),
        (zip_part(file=(b"filename*0", b"a b"), name=()), "a b"),
        (zip_part(file=(b"filename*0*", b"utf-8''Caf", b"filename*1*", b"%C3%A9.zip")), "Café.zip"),
        (zip_part(file=(b"filename", b'a"; filename="b.exe')), 'a"; filename="b.exe'),
        (zip_part(file=(b"filename", b"a\r\nX: y.zip")), "aX: y.zip"),
        (zip_part(), ""),
        (zip_part(file=()), ""),
    ],
)
def test_the_name_of_an_attachment_is_read_in_each_form(part: object, name: str) -> None:
    [_, found] = parts_of(([TEXT, part], b"MIXED"))

    assert found.name == name
    assert (found.number, found.encoding, found.size) == ("2", "base64", 570)


def test_parts_of_parts_have_the_numbers_that_the_server_gives_them() -> None:
    inner = (TEXT, zip_part(), b"MIXED", None, None, None)
    forwarded = (b"MESSAGE", b"RFC822", None, None, None, b"8BIT", 900, (None,) * 10, inner, 30)
    single = (b"MESSAGE", b"RFC822", None, None, None, b"8BIT", 90, (None,) * 10, zip_part(), 3)
    body = ([TEXT, ([TEXT, TEXT], b"ALTERNATIVE"), forwarded, single], b"MIXED")

    assert [part.number for part in parts_of(body)] == ["1", "2.1", "2.2", "3.1", "3.2", "4.1"]
    assert [part.number for part in parts_of(TEXT)] == ["1"]


@pytest.mark.parametrize("text", ["5-6", "4294967295-1", "5-6/2"])
def test_a_number_is_read_as_it_is_shown(text: str) -> None:
    assert str(parse_number(text)) == text


@pytest.mark.parametrize(
    "text", ["", "5", "5-", "-5", "05-6", "5-06", "5-6/0", "5 -6", "\u0665-6", "5-6\n"]
)
def test_what_is_no_number_is_none(text: str) -> None:
    assert parse_number(text) is None


@pytest.mark.parametrize("size", [0, 1, 2, 3, 56, 57, 58, 114, 1000, 5_000_000])
def test_the_size_in_a_message_is_known_beforehand(size: int) -> None:
    message = EmailMessage(policy=SMTP)
    message.set_content(b"x" * size, maintype="application", subtype="zip")
    _, _, body = bytes(message).partition(b"\r\n\r\n")

    assert encoded_size(size) == len(body)
    assert 0 <= size_in(len(body)) - size <= 3
