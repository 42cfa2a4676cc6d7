"""The machine that the figures come from."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path

_VERSIONS = {
    "borg": ["borg", "--version"],
    "borgmatic": ["borgmatic", "--version"],
    "restic": ["restic", "version"],
    "bup": ["bup", "--version"],
}


def describe_machine(folder: Path, path: str) -> dict[str, str]:
    """Return what the machine is, with the file system of `folder` and the programs on `path`."""
    found = {
        "processor": f"{_processor()}, {os.cpu_count()} of them",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1e9:.0f} GB",
        "system": f"{_system()}, Linux {platform.release()}",
        "file system": _file_system(folder),
        "load before": " ".join(f"{load:.1f}" for load in os.getloadavg()),
        "python": platform.python_version(),
    }
    for name, words in _VERSIONS.items():
        if shutil.which(name, path=path):
            said = subprocess.run(
                words, env={"PATH": path}, capture_output=True, text=True, check=False
            ).stdout
            found[name] = " ".join(said.split()[:2]).removeprefix(f"{name} ")
    return found


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()


def _file_system(folder: Path) -> str:
    best = ("", "unknown")
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, place, kind, *_ = line.split()
        if folder.is_relative_to(place) and len(place) >= len(best[0]):
            best = (place, kind)
    return best[1]
