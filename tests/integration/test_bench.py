"""`./run bench`, with the question that takes least."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]


def bench(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bench", "--folder", str(folder), *words],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(TESTS), "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_question_is_answered_with_figures_ratios_and_verdicts(tmp_path: Path) -> None:
    done = bench(tmp_path, "start", "--json")

    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert {"processor", "memory", "borg", "load before"} <= answer["machine"].keys()
    [table] = answer["questions"]["start"]["tables"]
    figures = table["figures"][table["against"]]
    assert figures["ratio"] == 1
    assert 0 < figures["median"] < 10
    bars = answer["questions"]["start"]["bars"]
    assert all(bar["passed"] == (bar["measured"] <= bar["most"]) for bar in bars)
    assert not list(tmp_path.iterdir())


def test_a_question_that_there_is_not_is_told_with_those_that_there_are(tmp_path: Path) -> None:
    done = bench(tmp_path, "speed")

    assert done.returncode == 2
    assert "speed: no such question; there are first_copy, " in done.stderr
