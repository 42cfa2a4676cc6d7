"""What a command costs: seconds, processor time and memory, of it and of all that it starts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from bench import timed


class Spent(NamedTuple):
    """Wall clock and processor time in seconds; memory in bytes, of the largest process."""

    seconds: float
    processor: float
    memory: int


def run(words: Sequence[str | Path], environment: Mapping[str, str], folder: Path) -> Spent:
    """Run a command that has to succeed, in `folder`; raise SystemExit with what it said if not."""
    return run_all([words], environment, folder)


def run_all(
    commands: Iterable[Sequence[str | Path]], environment: Mapping[str, str], folder: Path
) -> Spent:
    """Run commands one behind the other and add up what they cost."""
    os.sync()  # what others have written shall not slow down this one
    total = Spent(0, 0, 0)
    for words in commands:
        one = _run(words, environment, folder)
        total = Spent(
            total.seconds + one.seconds,
            total.processor + one.processor,
            max(total.memory, one.memory),
        )
    return total


def output_of(words: Sequence[str | Path], environment: Mapping[str, str], folder: Path) -> str:
    """Return what a command that has to succeed prints."""
    done = subprocess.run(
        words, env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"bench: {' '.join(map(str, words))}:\n{done.stderr}")
    return done.stdout


def _run(words: Sequence[str | Path], environment: Mapping[str, str], folder: Path) -> Spent:
    with tempfile.TemporaryDirectory(prefix="avplugin-bench-") as place:
        record = Path(place) / "record"
        done = subprocess.run(
            timed_command(record, words),
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if done.returncode:
            said = done.stdout.decode(errors="replace")
            raise SystemExit(f"bench: {' '.join(map(str, words))}:\n{said}")
        [(_, spent)] = read_record(record)
    return spent


def timed_command(record: Path, words: Sequence[str | Path]) -> list[str]:
    """Return a command that runs another and adds what it costs to the file `record`.

    A small process has to start it: Linux counts the memory of the process that starts another
    as that one's, until it runs a program of its own.
    """
    return [sys.executable, "-I", "-S", timed.__file__, str(record), *map(str, words)]


def read_record(record: Path) -> list[tuple[str, Spent]]:
    """Return the first argument of each command in a record, and what it cost."""
    lines = map(json.loads, record.read_text().splitlines())
    return [(name, Spent(*figures)) for name, *figures in lines]
