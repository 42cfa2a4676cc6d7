"""Copies of invoices as small PDF files.

Source: ISO 32000-1 (PDF 1.7), sections 7.3 (objects) and 7.5 (file structure).
"""

from __future__ import annotations

import datetime
import zlib

_PAGE = (
    b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]"
    b"/Resources<</Font<</F1 4 0 R>>>>/Contents 5 0 R>>"
)
_FONT = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>"


def invoice_document(
    company: str, number: int, date: datetime.date, lines: list[tuple[str, float]]
) -> bytes:
    """Given who sends an invoice, its number, date and lines in euros, return it as a PDF."""
    total = sum(amount for _, amount in lines)
    texts = [company, "", f"Factuur {number}", f"Datum {date:%d-%m-%Y}", ""]
    texts += [f"{description:<40} {amount:>12.2f}" for description, amount in lines]
    texts += ["", f"Totaal inclusief btw: EUR {total:.2f}"]
    return _document(f"Factuur {number}", texts)


def _document(title: str, texts: list[str]) -> bytes:
    shown = b"".join(b"(" + _escaped(text) + b") '\n" for text in texts)
    stream = zlib.compress(b"BT /F1 11 Tf 14 TL 60 780 Td\n" + shown + b"ET")
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        _PAGE,
        _FONT,
        b"<</Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (len(stream), stream),
        b"<</Title(" + _escaped(title) + b")/Producer(AccountView)>>",
    ]
    content = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(content))
        content += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(content)
    content += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    content += b"".join(b"%010d 00000 n \n" % place for place in places)
    content += b"trailer\n<</Size %d/Root 1 0 R/Info 6 0 R>>\n" % (len(objects) + 1)
    content += b"startxref\n%d\n%%%%EOF\n" % start
    return bytes(content)


def _escaped(text: str) -> bytes:
    for character in "\\()":
        text = text.replace(character, "\\" + character)
    return text.encode("cp1252", "replace")
