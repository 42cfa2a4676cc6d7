"""The text of a message for a terminal, whatever its sender put into it."""

from __future__ import annotations

import binascii
import quopri
import re
from html.parser import HTMLParser

from avplugin.mail.structure import Part

_UNSEEN = {"head", "script", "style", "title", "template"}
_BLOCKS = {
    *("address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt", "footer", "form"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "ol", "p", "pre", "section"),
    *("table", "tr", "ul"),
}
_NO_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")
_MOST_BLANK_LINES = re.compile("\n{3,}")


def plain_text(part: Part, data: bytes) -> str:
    """Return what the first `data` of a text part says, line by line.

    Of HTML the words are left, and where its links lead. Control characters are still in it; who
    prints it makes them harmless.
    """
    text = _decoded(part, data)
    if part.content_type == "text/html":
        text = _words_of(text)
    lines = [line.rstrip().expandtabs(8) for line in text.splitlines()]
    return _MOST_BLANK_LINES.sub("\n\n", "\n".join(lines)).strip("\n")


def _decoded(part: Part, data: bytes) -> str:
    if part.encoding == "base64":
        letters = _NO_BASE64.sub(b"", data)
        data = binascii.a2b_base64(letters[: len(letters) // 4 * 4] + _padding(letters))
    elif part.encoding == "quoted-printable":
        data = quopri.decodestring(data)
    try:
        return data.decode(part.charset or "utf-8", "replace")
    except (LookupError, ValueError):  # a character set that nobody knows, or that is none
        return data.decode("utf-8", "replace")


def _padding(letters: bytes) -> bytes:
    """Return the last, incomplete group of base64 with what makes it complete."""
    rest = letters[len(letters) // 4 * 4 :]
    return rest + b"=" * (4 - len(rest)) if len(rest) > 1 else b""


def _words_of(html: str) -> str:
    reader = _Words()
    reader.feed(html)
    reader.close()
    return reader.text()


class _Words(HTMLParser):
    """Collects the words of a page, a line for each block, and where links lead."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._pieces: list[str] = []
        self._unseen = 0
        self._links: list[str] = []

    def text(self) -> str:
        """Return what was collected."""
        lines = "".join(self._pieces).split("\n")
        return "\n".join(" ".join(line.split()) for line in lines)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a line at a block; keep where a link leads."""
        if tag in _UNSEEN:
            self._unseen += 1
        elif tag in _BLOCKS:
            self._pieces.append("\n")
        elif tag == "td":
            self._pieces.append(" ")
        elif tag == "a":
            self._links.append(dict(attrs).get("href") or "")

    def handle_endtag(self, tag: str) -> None:
        """End a line at a block; tell where a link leads, which its words may hide."""
        if tag in _UNSEEN:
            self._unseen = max(self._unseen - 1, 0)
        elif tag in _BLOCKS:
            self._pieces.append("\n")
        elif tag == "a" and self._links:
            target = "".join(self._links.pop().split())
            if target and not self._unseen:
                self._pieces.append(f" <{target}>")

    def handle_data(self, data: str) -> None:
        """Keep words that are seen."""
        if not self._unseen:
            self._pieces.append(data.replace("\n", " "))
