"""System calls of avplugin's hooks, counted with strace."""

from __future__ import annotations

import collections
import re
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

_BEGUN = re.compile(rb"\d+ +(?P<name>\w+)\((?P<rest>.*)")
_HOOK = re.compile(rb'"[^"]*", \["avplugin", "(?P<hook>[a-z-]+)"')
_STATS = frozenset({b"stat", b"lstat", b"fstat", b"newfstatat", b"statx"})
_WRITES = frozenset(
    {b"write", b"pwrite64", b"writev", b"sendto", b"sendmsg"}
)  # paths are data there


class Calls(NamedTuple):
    """How many there are in all, how many of them below the office's folders, and stats of those.

    Each that is below the folders is at least a round trip, where they are on a share.
    """

    every: int
    below: int
    stats: int


def traced_command(record: Path, words: Sequence[str]) -> list[str]:
    """Return a command that runs another and adds its system calls to the file `record`."""
    return ["strace", "-f", "-y", "-qq", "-A", "-o", str(record), *words]


def refuse_without_strace() -> None:
    """Raise SystemExit where strace may not look at processes, as in some containers."""
    done = subprocess.run(
        ["strace", "-o", "/dev/null", "true"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"bench: strace cannot look at a process here: {done.stderr.strip()}")


def count_calls(lines: Iterable[bytes], folders: Sequence[Path]) -> dict[str, Calls]:
    """Return, by hook, the calls in what strace wrote; hooks run one behind the other.

    A call that another process interrupts stands on two lines, and counts where it begins.
    """
    below = re.compile(b"|".join(rb'["<]' + re.escape(bytes(folder)) for folder in folders))
    counts: dict[str, collections.Counter[str]] = {}
    hook = ""
    for line in lines:
        begun = _BEGUN.match(line)
        if begun is None:
            continue
        name, rest = begun["name"], begun["rest"]
        if name == b"execve" and (called := _HOOK.match(rest)):
            hook = called["hook"].decode("ascii")
        count = counts.setdefault(hook, collections.Counter())
        count["every"] += 1
        if name not in _WRITES and below.search(rest):
            count["below"] += 1
            count["stats"] += name in _STATS
    return {hook: Calls(one["every"], one["below"], one["stats"]) for hook, one in counts.items()}
