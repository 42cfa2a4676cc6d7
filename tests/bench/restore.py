"""How long a restore takes, against a bare `borg extract` of the same folder.

    python tests/bench/restore.py [MB ...]

makes an office with one administration for each size, and restores it five times both ways, taking
turns, so that a slow minute hits both alike. Prints the medians in seconds, and their ratio.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from avplugin.demo.office import generate_office
from avplugin.demo.story import install_configuration

ROUNDS = 5
CODE = "BAKKER26"


def main() -> None:
    """Measure each size."""
    sizes = [int(word) for word in sys.argv[1:]] or [36, 100, 200]
    sys.stdout.write(f"{os.cpu_count()} processors; medians of {ROUNDS}, in seconds\n")
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="avplugin-bench-") as folder:
            measure(Path(folder), size)


def measure(folder: Path, megabytes: int) -> None:
    """Print one line about an administration of about this size."""
    environment = prepare(folder, megabytes)
    source = folder / "office" / "Administraties" / CODE
    repository = folder / "accountview.borg"
    listed = run(environment, folder, "borg", "list", "--short", str(repository))
    [archive] = listed.split()
    ways = {
        "borg": ["borg", "extract", f"{repository}::{archive}", f"pp:{str(source).lstrip('/')}"],
        "avplugin": ["avplugin", "restore", CODE, "--new", "new", "--yes"],
    }
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(ROUNDS):
        for way, words in ways.items():
            target = folder / "target"
            target.mkdir()
            os.sync()  # what the one has written shall not slow down the other
            began = time.monotonic()
            run(environment, target, *words)
            seconds[way].append(time.monotonic() - began)
            shutil.rmtree(target)
    borg, avplugin = (statistics.median(seconds[way]) for way in ways)
    size = sum(path.stat().st_size for path in source.rglob("*")) / 1e6
    sys.stdout.write(
        f"{size:6.0f} MB: borg extract {borg:.2f}, avplugin restore {avplugin:.2f},"
        f" ratio {avplugin / borg:.2f}\n"
    )


def prepare(folder: Path, megabytes: int) -> dict[str, str]:
    """Make an office with a clean snapshot; return the environment for commands."""
    generate_office(folder / "office", administrations=1, size=megabytes * 1_000_000)
    install_configuration(folder)
    passphrase = (folder / "etc" / "passphrase").read_text().strip()
    (folder / "tmp").mkdir()
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "TMPDIR": str(folder / "tmp"),
        "AVPLUGIN_CONFIG": str(folder / "etc" / "accountview.yaml"),
        "BORG_BASE_DIR": str(folder / "borg"),
        "BORG_PASSPHRASE": passphrase,
    }
    borgmatic = folder / "etc" / "borgmatic.d" / "accountview-administrations.yaml"
    words = ["borgmatic", "--config", str(borgmatic)]
    run(environment, folder, *words, "repo-create", "--encryption", "repokey-blake2")
    run(environment, folder, *words, "create")
    return environment


def run(environment: dict[str, str], folder: Path, *words: str) -> str:
    """Run a command that has to succeed; return what it printed."""
    done = subprocess.run(
        words, env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}: {done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()
