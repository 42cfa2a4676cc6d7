"""Memo files (.FPT, and .DCT beside a database container): the texts that tables point at.

Source: Microsoft, *Memo File Structure (.FPT)*, previous-versions/8599s21w. Unlike everything
else in FoxPro, whole numbers in these files have their most significant byte first.
"""

from __future__ import annotations

import struct

HEADER = struct.Struct(">I2xH504x")  # next free block, block size
BLOCK_HEADER = struct.Struct(">II")  # signature, length of the text in bytes
BLOCK_SIZE = 64  # what SET BLOCKSIZE is when nobody sets it
TEXT = 1  # block signature of a memo field; 0 is a picture
FIRST_BLOCK = HEADER.size // BLOCK_SIZE


class MemoBlocks:
    """Blocks to stand at the end of a memo file, the first of them at number `next_free`."""

    def __init__(self, next_free: int = FIRST_BLOCK, block_size: int = BLOCK_SIZE) -> None:
        self.next_free = next_free
        self.block_size = block_size
        self.added = 0
        self._parts: list[bytes] = []

    def add(self, text: bytes) -> int:
        """Add one text; return its block number, which is what the table's record holds.

        No text is no block: its number is 0.
        """
        if not text:
            return 0
        number = self.next_free
        length = BLOCK_HEADER.size + len(text)
        blocks = -(-length // self.block_size)
        self._parts.append(BLOCK_HEADER.pack(TEXT, len(text)) + text)
        self._parts.append(bytes(blocks * self.block_size - length))
        self.next_free += blocks
        self.added += 1
        return number

    def content(self) -> bytes:
        """Return the blocks, padded to whole ones."""
        return b"".join(self._parts)

    def header(self) -> bytes:
        """Return the 512 bytes at the beginning of a file that ends with these blocks."""
        return HEADER.pack(self.next_free, self.block_size)


def read_text(content: bytes, number: int) -> bytes:
    """Given a whole memo file and a block number, return the text that starts there."""
    if number == 0:
        return b""
    _, block_size = HEADER.unpack_from(content)
    start = number * block_size
    _, length = BLOCK_HEADER.unpack_from(content, start)
    return content[start + BLOCK_HEADER.size : start + BLOCK_HEADER.size + length]
