"""Which borgmatic process called this hook, and whether it still lives.

A process is known by its id, by when it started (in clock ticks since the machine did, so a clock
that is set does not matter) and by the boot it started in. Source: proc(5).
"""

from __future__ import annotations

import dataclasses
import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_SHELLS = {"sh", "dash", "bash", "sudo", "env", "su"}


@dataclasses.dataclass(frozen=True, slots=True)
class Process:
    """One process of this machine, of this boot or an earlier one."""

    pid: int
    started: int  # clock ticks since the boot
    boot: str

    def lives(self) -> bool:
        """Return whether this very process, not another with its id, still runs."""
        return find_process(self.pid) == self

    def is_borgmatic(self) -> bool:
        """Return whether this very process still runs, and is borgmatic."""
        return self.lives() and _is_borgmatic(_command_line(self.pid))


def known_process(document: Any) -> Process:
    """Return the process that a file says, as dataclasses.asdict() made it. Raise TypeError."""
    process = Process(**document)
    if [type(one) for one in (process.pid, process.started, process.boot)] != [int, int, str]:
        raise TypeError("no process")
    return process


def calling_process() -> Process:
    """Return the borgmatic process that runs this hook.

    Without one among the ancestors (somebody tries a hook by hand), the nearest ancestor that is
    not a shell started only to run the hook.
    """
    # A shell that runs the hook has borgmatic in its words too: in a path, as the repository's.
    ancestors = [pid for pid in _ancestors() if not _only_passes_on(_command_line(pid))]
    for pid in ancestors:
        if _is_borgmatic(_command_line(pid)):
            return _known(pid)
    return _known(ancestors[0] if ancestors else os.getppid())


def calling_words() -> list[str]:
    """Return the command line of the borgmatic that runs this hook; empty without one."""
    process = calling_process()
    return _command_line(process.pid) if process.is_borgmatic() else []


def this_process() -> Process:
    """Return the process that calls this."""
    return _known(os.getpid())


def is_attended() -> bool:
    """Return whether somebody sits at a terminal that this process belongs to."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True


def _known(pid: int) -> Process:
    return find_process(pid) or Process(pid, 0, "")


def find_process(pid: int) -> Process | None:
    """Return the process that has this id now, None if none does or it has ended."""
    fields = _stat_fields(pid)
    # A zombie is no longer at work, though its parent has not noticed yet.
    if fields is None or fields[0] in {"Z", "X"}:
        return None
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return Process(pid, int(fields[19]), boot)


def _stat_fields(pid: int) -> list[str] | None:
    """Return /proc/PID/stat from its third field on; the second may hold blanks and brackets."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return text[text.rindex(")") + 2 :].split()


def _ancestors() -> Iterator[int]:
    pid = os.getppid()
    while pid > 1:
        yield pid
        fields = _stat_fields(pid)
        pid = int(fields[1]) if fields else 0


def _command_line(pid: int) -> list[str]:
    try:
        data = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return []
    return [os.fsdecode(part) for part in data.split(b"\0")]


def _is_borgmatic(words: list[str]) -> bool:
    """Return whether these words start borgmatic: by its name, through Python, or as a module."""
    names = [word.rpartition("/")[2] for word in words[:3]]
    return "borgmatic" in names or any(
        word == "-m" and following.startswith("borgmatic")
        for word, following in itertools.pairwise(words)
    )


def _only_passes_on(words: list[str]) -> bool:
    name = words[0].rpartition("/")[2].lstrip("-") if words else ""
    return name in _SHELLS and "avplugin" in " ".join(words[1:])
