"""How fast do the commands start that run often?"""

from __future__ import annotations

import subprocess
import sys

from bench.answer import Answer, Bar, Table
from bench.bench import Bench
from bench.office import BenchOffice
from bench.peers.borgmatic import WithAvplugin
from bench.spent import run

_ROUNDS = 9
_MOST = 0.25  # seconds
_PYTHON = "python -c pass"
_HELP = "avplugin --help"
_NOT_DUE = "avplugin before-backup, when not due"
_NOT_NOW = 75


def ask(bench: Bench) -> Answer:
    """Answer with an office of few administrations: their number does not matter here."""
    folder = bench.folder / "start"
    office = BenchOffice(folder / "office", administrations=3, size=100_000)
    peer = WithAvplugin(office)
    peer.prepare()
    configuration = folder / "etc" / "accountview.yaml"
    configuration.write_text(configuration.read_text().replace("# interval: 1d", "interval: 1d"))
    peer.back_up([])
    before_backup = [
        *("avplugin", "before-backup", "administrations"),
        *("--borgmatic-config", str(peer.file), "--repository", str(peer.repository)),
    ]
    ended = subprocess.run(
        before_backup, env=peer.environment, cwd=folder, check=False, capture_output=True
    )
    if ended.returncode != _NOT_NOW:
        raise SystemExit(f"bench: before-backup should not be due:\n{ended.stderr.decode()}")
    # A command that has to succeed: the exit status of a shell's negation.
    not_due = ["sh", "-c", '"$@"; test $? = 75', "sh", *before_backup]
    ways = {
        _PYTHON: [sys.executable, "-c", "pass"],
        _HELP: ["avplugin", "--help"],
        _NOT_DUE: not_due,
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(_ROUNDS):
        for name, words in ways.items():
            seconds[name].append(run(words, peer.environment, folder).seconds)
    table = Table("Starts", "s", _PYTHON, seconds)
    bars = [Bar(name, _MOST, table.median(name), "s") for name in (_HELP, _NOT_DUE)]
    return Answer([table], bars)
