"""Commands in a terminal, as a person sees them."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios
from pathlib import Path

from conftest import World


class Terminal:
    """A command that has a terminal of 140 columns to itself. `shown` is all that it printed."""

    def __init__(self, world: World, *words: str | Path, **environment: str) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 140, 0, 0))
        self.process = subprocess.Popen(
            ["setsid", "--ctty", *(str(word) for word in words)],
            env={**world.environment, "TERM": "xterm", **environment},
            cwd=world.folder,
            stdin=slave,
            stdout=slave,
            stderr=slave,
        )
        os.close(slave)
        self.shown = ""

    def read_until(self, text: str) -> None:
        """Read until `text` is shown; fail if the command ends before."""
        while text not in self.shown:
            assert self._read(), self.shown

    def type(self, text: str) -> None:
        """Type something."""
        os.write(self._master, text.encode())

    def end(self) -> int:
        """Read to the end and return the exit status."""
        while self._read():
            pass
        os.close(self._master)
        return self.process.wait()

    def _read(self) -> bool:
        try:
            data = os.read(self._master, 65536)
        except OSError:  # EIO: the last one who had the terminal open is gone
            return False
        self.shown += data.decode("utf-8", "replace")
        return bool(data)
