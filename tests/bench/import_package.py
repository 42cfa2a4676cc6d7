"""How long an import takes, and how much memory, against `7z x` of the same package.

    python tests/bench/import_package.py [MB ...]

makes an administration of each size, packs it with 'avplugin export --live', and takes it out five
times both ways, taking turns, so that a slow minute hits both alike. 7-Zip leaves what it wrote in
the system's memory; an import is on the disk when it ends, so 7-Zip is asked with a `sync` as well.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROUNDS = 5
CODE = "BAKKER26"
PASSWORD = "wachtwoord van de bench"

# Linux counts the memory of a process that starts another as that one's: this one is to be small.
GENERATE = """
import pathlib, sys
from avplugin.demo.office import generate_office
from avplugin.demo.story import install_configuration
folder = pathlib.Path(sys.argv[1])
generate_office(folder / "office", administrations=1, size=int(sys.argv[2]))
install_configuration(folder)
"""


class Spent(NamedTuple):
    """Seconds on the clock, and of the processors; bytes of memory."""

    seconds: float
    processor: float
    memory: int


def main() -> None:
    """Measure each size."""
    sizes = [int(word) for word in sys.argv[1:]] or [36, 400]
    sys.stdout.write(f"{os.cpu_count()} processors; medians of {ROUNDS}, in seconds\n")
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="avplugin-bench-") as folder:
            measure(Path(folder), size)


def measure(folder: Path, megabytes: int) -> None:
    """Print what taking out an administration of about this size costs."""
    size = str(megabytes * 1_000_000)
    run([sys.executable, "-c", GENERATE, str(folder), size], dict(os.environ), folder)
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "AVPLUGIN_CONFIG": str(folder / "etc" / "accountview.yaml"),
        "AVPLUGIN_PACKAGE_PASSWORD": PASSWORD,
    }
    package = folder / "package.zip"
    run(["avplugin", "export", CODE, str(package), "--live"], environment, folder)
    program = next(name for name in ("7z", "7zz") if shutil.which(name))
    extract = [program, "x", f"-p{PASSWORD}", "-onew", str(package)]
    ways = {
        "7z x": extract,
        "7z x, sync": ["sh", "-c", '"$@" && sync', "sh", *extract],
        "avplugin": ["avplugin", "import", str(package), "--new", "new", "--yes"],
    }
    spent: dict[str, list[Spent]] = {way: [] for way in ways}
    for _ in range(ROUNDS):
        for way, words in ways.items():
            target = folder / "target"
            target.mkdir()
            os.sync()  # what the one has written shall not slow down the other
            spent[way].append(run(words, environment, target))
            shutil.rmtree(target)
    packed = package.stat().st_size / 1e6
    sys.stdout.write(f"{megabytes} MB in a package of {packed:.0f} MB\n")
    for way in ways:
        clock = statistics.median(one.seconds for one in spent[way])
        processor = statistics.median(one.processor for one in spent[way])
        memory = max(one.memory for one in spent[way]) / 1e6
        ratio = statistics.median(
            one.seconds / other.seconds
            for one, other in zip(spent[way], spent["7z x"], strict=True)
        )
        sys.stdout.write(
            f"  {way:12}{clock:7.2f} (processors {processor:.2f}), {memory:.0f} MB of memory,"
            f" ratio {ratio:.2f}\n"
        )


def run(words: Sequence[str], environment: dict[str, str], folder: Path) -> Spent:
    """Run a command that has to succeed, and return what it cost."""
    began = time.monotonic()
    with subprocess.Popen(
        words,
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - began
    if process.returncode:
        raise SystemExit(f"{' '.join(words)}: exit {process.returncode}")
    return Spent(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)


if __name__ == "__main__":
    main()
