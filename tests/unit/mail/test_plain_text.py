"""The text of a message for a terminal."""

from __future__ import annotations

import base64
import time

import pytest

from avplugin.mail.plain_text import plain_text
from avplugin.mail.structure import Part


def part(kind: str = "plain", *, charset: str = "utf-8", encoding: str = "8bit") -> Part:
    return Part("1", f"text/{kind}", "", charset, encoding, 0, False)


@pytest.mark.parametrize(
    ("of", "data", "text"),
    [
        (part(), b"a\r\nb\r\n\r\n\r\n\r\nc  \r\n", "a\nb\n\nc"),
        (part(charset="iso-8859-1"), b"\xe9\xe9n", "één"),
        (part(charset="nonsense"), "één".encode(), "één"),
        (part(charset="utf-8\x00"), b"a", "a"),
        (part(charset=""), b"\xff", "\ufffd"),
        (part(encoding="quoted-printable"), b"=C3=A9=\r\nn", "én"),
        (part(encoding="base64"), base64.encodebytes(b"hallo " * 30), ("hallo " * 30).strip()),
        (part(encoding="base64"), b"aGFsbG8", "hallo"),  # cut off, without its end
        (part(encoding="base64"), b"aGFsbG8h!\x00aGFsb", "hallo!hal"),
        (part(encoding="base64"), b"a", ""),
        (part("html"), b"<p>a</p><p>b &amp; c<br>d</p>", "a\n\nb & c\nd"),
        (part("html"), b"<script>x<p></script><style>y</style>a<title>z</title>", "a"),
        (part("html"), b"<a href='http://e.vil/?a&amp;b'>bank</a>.", "bank <http://e.vil/?a&b>."),
        (part("html"), b"<a href='java\nscript:x'>a</a>", "a <javascript:x>"),
        (part("html"), b"<a>a</a></a></style>b", "ab"),
        (part("html"), b"a\n<b>b</b>\nc&#10;d", "a b c d"),
        (part("html"), b"<!-- x > y -->a<!-- z", "a"),
        (part("html"), b"<P CLASS=x>a</P ><!DOCTYPE x>b", "a\nb"),
        (part("html"), b"<A HREF=http://x>y</A>", "y <http://x>"),
        (part("html"), b"1 < 2 > 1 <3", "1 < 2 > 1 <3"),
        (part("html"), b"<table><tr><td>1</td><td>2</td></tr></table>", "1 2"),
    ],
)
def test_what_a_text_says_is_left(of: Part, data: bytes, text: str) -> None:
    assert plain_text(of, data) == text


@pytest.mark.parametrize("piece", [b"<", b"<!--", b"<a ", b"<a href='", b"</", b"<p", b"<a><"])
def test_a_page_that_was_made_to_be_slow_is_not(piece: bytes) -> None:
    begun = time.process_time()

    plain_text(part("html"), (piece * 200_000)[:200_000])

    assert time.process_time() - begun < 5  # Python's own parser takes up to 8 minutes
