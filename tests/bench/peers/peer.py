"""The shape of all peers."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from avplugin.demo.office import DemoAdministration
from bench.spent import Spent


class Peer(Protocol):
    """One way to make the nightly copy of an office; `prepare` is called once, first."""

    name: str

    def prepare(self) -> None:
        """Make an empty repository."""

    def back_up(self, changed: Sequence[DemoAdministration]) -> Spent:
        """Make a copy; `changed` is what did since the last one, for peers that do not see it."""

    def size(self) -> int:
        """Return how many bytes the repository takes."""


def plain_environment(folder: Path, **more: str) -> dict[str, str]:
    """Return an environment in which commands keep what they keep below `folder`."""
    (folder / "tmp").mkdir(parents=True, exist_ok=True)
    (folder / "home").mkdir(exist_ok=True)
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "LANG": "C.UTF-8",
        **more,
    }


def size_of(folder: Path) -> int:
    """Return the length of all files below a folder, in bytes."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
