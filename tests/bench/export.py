"""How long a package takes, and how much memory, against `7z a` of the same folder.

    PYTHONPATH=tests python -m bench.export [MB ...]

makes an administration of each size, takes a snapshot of it, and packs it three times in each way,
taking turns, so that a slow minute hits all alike. 7-Zip's level 5 is its normal one, as 6 is that
of zlib, which avplugin takes. Level 1 shows what 7-Zip can do in a hurry.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.import_package import CODE, GENERATE, PASSWORD, Spent, run

ROUNDS = 3
PEER = "7z -mx=5"


def main(words: Sequence[str] = tuple(sys.argv[1:])) -> None:
    """Measure each size."""
    sys.stdout.write(f"{os.cpu_count()} processors; medians of {ROUNDS}, in seconds\n")
    for size in [int(word) for word in words] or [36, 400, 1000]:
        with tempfile.TemporaryDirectory(prefix="avplugin-bench-") as folder:
            measure(Path(folder), size)


def measure(folder: Path, megabytes: int) -> None:
    """Print what packing an administration of about this size costs."""
    size = str(megabytes * 1_000_000)
    run([sys.executable, "-c", GENERATE, str(folder), size], dict(os.environ), folder)
    (folder / "tmp").mkdir()
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "TMPDIR": str(folder / "tmp"),
        "AVPLUGIN_CONFIG": str(folder / "etc" / "accountview.yaml"),
        "AVPLUGIN_PACKAGE_PASSWORD": PASSWORD,
        "BORG_BASE_DIR": str(folder / "borg"),
    }
    borgmatic = folder / "etc" / "borgmatic.d" / "accountview-administrations.yaml"
    for action in (["repo-create", "--encryption", "repokey-blake2"], ["create"]):
        run(["borgmatic", "--config", str(borgmatic), *action], environment, folder)
    source = str(folder / "office" / "Administraties" / CODE)
    program = next(name for name in ("7z", "7zz") if shutil.which(name))
    add = [program, "a", "-tzip", "-mem=AES256", f"-p{PASSWORD}"]
    ways = {
        PEER: [*add, "-mx=5", "p.zip", source],
        "7z -mx=1": [*add, "-mx=1", "p.zip", source],
        "avplugin": ["avplugin", "export", CODE, "p.zip"],
        "avplugin --live": ["avplugin", "export", CODE, "p.zip", "--live"],
    }
    spent: dict[str, list[Spent]] = {way: [] for way in ways}
    sizes: dict[str, int] = {}
    for _ in range(ROUNDS):
        for way, words in ways.items():
            target = folder / "target"
            target.mkdir()
            os.sync()  # what the one has written shall not slow down the other
            spent[way].append(run(words, environment, target))
            sizes[way] = (target / "p.zip").stat().st_size
            shutil.rmtree(target)
    sys.stdout.write(f"{megabytes} MB\n")
    for way in ways:
        clock = statistics.median(one.seconds for one in spent[way])
        processor = statistics.median(one.processor for one in spent[way])
        memory = max(one.memory for one in spent[way]) / 1e6
        ratio = statistics.median(
            one.seconds / other.seconds for one, other in zip(spent[way], spent[PEER], strict=True)
        )
        sys.stdout.write(
            f"  {way:16}{clock:7.2f} (processors {processor:.2f}), {sizes[way] / 1e6:.1f} MB,"
            f" {memory:.0f} MB of memory, ratio {ratio:.2f}\n"
        )


if __name__ == "__main__":
    main()
