"""The text of a message for a terminal, whatever its sender put into it."""

from __future__ import annotations

import binascii
import html
import quopri
import re

from avplugin.mail.structure import Part

_UNSEEN = {"head", "script", "style", "title", "template"}
_BLOCKS = {
    *("address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt", "footer", "form"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "ol", "p", "pre", "section"),
    *("table", "tr", "ul"),
}
_NO_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")
_MARKUP = re.compile(
    r"<!--(?:.*?-->|.*)|<(/?)([A-Za-z][A-Za-z0-9]*)([^<>]*)>|<[!?/][^<>]*>", re.DOTALL
)
_HREF = re.compile(r"""\bhref\s*=\s*("[^"]*"|'[^']*'|[^\s"']+)""", re.IGNORECASE)
_BLANK = re.compile(r"\s")
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


def _words_of(page: str) -> str:
    """Return the words of a page, a line for each block, and where links lead.

    Python's own parser takes minutes for a page that was made to be slow to read; this takes time
    by its length only, and may take a > inside an attribute for the end of a tag.
    """
    pieces: list[str] = []
    links: list[str] = []
    unseen = 0
    at = 0
    for found in _MARKUP.finditer(page):
        if not unseen:
            pieces.append(_in_one_line(page[at : found.start()]))
        at = found.end()
        is_end, tag = bool(found[1]), (found[2] or "").lower()
        if tag in _UNSEEN:
            unseen = max(unseen - 1, 0) if is_end else unseen + 1
        elif tag in _BLOCKS:
            pieces.append("\n")
        elif tag == "td":
            pieces.append(" ")
        elif tag == "a" and not is_end:
            links.append(_target(found[3]))
        elif tag == "a" and links and (target := links.pop()) and not unseen:
            pieces.append(f" <{target}>")  # its words may say that it leads elsewhere
    if not unseen:
        pieces.append(_in_one_line(page[at:]))
    return "\n".join(" ".join(line.split()) for line in "".join(pieces).split("\n"))


def _in_one_line(text: str) -> str:
    return _BLANK.sub(" ", html.unescape(text))


def _target(attributes: str) -> str:
    found = _HREF.search(attributes)
    return "".join(html.unescape(found[1].strip("\"'")).split()) if found else ""
