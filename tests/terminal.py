"""Commands in a terminal, as a person sees them."""

from __future__ import annotations

import fcntl
import os
import pty
import shlex
import struct
import subprocess
import termios
import time
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


class Tmux:
    """A command in a tmux of 80 columns and 24 lines, with a server of its own in `folder`."""

    def __init__(self, world: World, folder: Path, *words: str | Path, **environment: str) -> None:
        self._folder = folder
        self._environment = {**world.environment, "TERM": "xterm-256color", **environment}
        command = shlex.join(str(word) for word in words)
        self._tmux(
            *("new-session", "-d", "-x", "80", "-y", "24", "-c", str(world.folder)),
            f"{command}; echo ended with $?; exec sleep 600",
        )

    def screen(self) -> list[str]:
        """Return the lines that are on the screen."""
        return self._tmux("capture-pane", "-p").rstrip("\n").splitlines()

    def wait_for(self, text: str) -> str:
        """Wait until `text` is on the screen, and return all of it; fail if the command ends."""
        for _ in range(600):
            shown = "\n".join(self.screen())
            if text in shown:
                return shown
            assert "ended with" not in shown, f"without {text!r}:\n{shown}"
            time.sleep(0.1)
        raise AssertionError(f"{text!r} did not come within a minute:\n{shown}")

    def press(self, *keys: str) -> None:
        """Press keys, such as Enter or C-c."""
        self._tmux("send-keys", *keys)

    def answer(self, typed: str, then: str) -> str:
        """Clear the screen, type a line, wait for what is to come then, and return the screen."""
        self._tmux("send-keys", "-R", ";", "clear-history")
        if typed:
            self._tmux("send-keys", "-l", typed)
        self.press("Enter")
        return self.wait_for(then)

    def resize(self, columns: int, lines: int) -> None:
        """Give the terminal another size, as somebody who drags its window does."""
        self._tmux("resize-window", "-x", str(columns), "-y", str(lines))

    def end(self) -> None:
        """End the server, and with it what still runs in it."""
        self._tmux("kill-server")

    def _tmux(self, *words: str) -> str:
        # The name of a socket may have 107 bytes: so it is one relative to the folder.
        done = subprocess.run(
            ["tmux", "-u", "-S", "tmux", "-f", "/dev/null", *words],
            env=self._environment,
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout
