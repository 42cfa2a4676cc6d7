"""The parts of a message as an IMAP server describes them, without the parts themselves.

Source: RFC 3501, 6.4.5 (numbers of parts) and 7.4.2 (BODYSTRUCTURE).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from email.message import Message
from typing import Any, NamedTuple

from avplugin.mail.package_message import decoded, is_zip, size_in

_DISPOSITIONS = {"attachment", "inline"}


class Part(NamedTuple):
    """One part that holds no others. `number` is the server's, `encoded_size` bytes."""

    number: str
    content_type: str
    name: str
    charset: str
    encoding: str
    encoded_size: int
    is_attachment: bool

    @property
    def size(self) -> int:
        """Bytes of the part itself; for base64 within a line of what it really has."""
        if self.encoding != "base64":
            return self.encoded_size
        return size_in(self.encoded_size)

    @property
    def is_zip(self) -> bool:
        """Whether this can be a package."""
        return is_zip(self.content_type, self.name)


def parts_of(body: Sequence[Any], number: str = "") -> Iterator[Part]:
    """Yield the parts of a parsed BODYSTRUCTURE, those of attached messages included.

    Raise ValueError, TypeError, IndexError or RecursionError for what is none.
    """
    children = _children(body)
    if children:
        for at, child in enumerate(children, 1):
            yield from parts_of(child, f"{number}.{at}" if number else str(at))
        return
    number = number or "1"
    kind = f"{_text(body[0])}/{_text(body[1])}".lower()
    if kind == "message/rfc822" and len(body) > 8 and isinstance(body[8], tuple):
        inner = body[8]
        yield from parts_of(inner, number if _children(inner) else f"{number}.1")
        return
    disposition, about = _disposition(body)
    parameters = _parameters(body[2])
    yield Part(
        number=number,
        content_type=kind,
        name=_file_name(about) or _file_name(parameters),
        charset=parameters.get("charset", ""),
        encoding=_text(body[5]).lower(),
        encoded_size=int(body[6] or 0),
        is_attachment=disposition == "attachment",
    )


def _children(body: Sequence[Any]) -> Sequence[Any]:
    """Return what a multipart holds: what stands before its subtype.

    The library has made a list of it, but in an attached message.
    """
    if isinstance(body[0], list):
        return body[0]
    return list(itertools.takewhile(lambda one: isinstance(one, tuple), body))


def _disposition(body: Sequence[Any]) -> tuple[str, dict[str, str]]:
    """Return the disposition with its parameters; where it stands depends on the type."""
    for value in body[7:]:
        if (
            isinstance(value, tuple)
            and len(value) == 2
            and _text(value[0]).lower() in _DISPOSITIONS
        ):
            return _text(value[0]).lower(), _parameters(value[1])
    return "", {}


def _parameters(value: Any) -> dict[str, str]:
    if not isinstance(value, tuple):
        return {}
    words = [_text(one) for one in value]
    return {name.lower(): text for name, text in zip(words[::2], words[1::2], strict=False)}


def _file_name(parameters: dict[str, str]) -> str:
    """Return the name of a file, which can be encoded, and in pieces (RFC 2231)."""
    message = Message()
    pieces = []
    for name, text in parameters.items():
        key, star, rest = name.partition("*")
        if key in {"name", "filename"}:
            quoted = (
                text.replace("\\", "\\\\").replace('"', '\\"').replace("\r", "").replace("\n", "")
            )
            pieces.append(f'filename{star}{rest}="{quoted}"')
    if not pieces:
        return ""
    message["Content-Disposition"] = "; ".join(["attachment", *pieces])
    return decoded(message.get_filename(""))


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")
