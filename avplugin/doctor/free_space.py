"""Whether there is room: for state, for Borg's cache, for drills, and in the repository."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from avplugin.doctor.finding import Finding, error, fine, warning

_STATE = 200_000_000  # bytes; some ten thousand tables take a few MB
_CACHE = 500_000_000


class Need(NamedTuple):
    """A folder that is written to. With less than `least` bytes free a night fails."""

    what: str
    folder: Path
    least: int
    wanted: int


def needs(
    state: Path,
    drills: Path | None,
    caches: Mapping[str, Path],
    repositories: Mapping[str, tuple[Path, bool]],
    *,
    data: int,
    largest: int,
) -> Iterator[Need]:
    """Yield what has to be free where. Sizes are bytes: of all folders, and of the largest one.

    `drills` is where drills extract to, None if there are none; `repositories` those on this
    machine, each with whether it is empty; `caches` Borg's.
    """
    yield Need("the state folder", state, _STATE // 10, _STATE)
    if drills is not None:
        yield Need("restore drills", drills, 0, largest * 3 // 2)
    for name, folder in caches.items():
        yield Need(f"Borg's cache ({name})", folder, _CACHE // 10, _CACHE)
    for name, (folder, is_empty) in repositories.items():
        # Tables take about half of their size, zstd or lz4; a night a few per cent of that.
        first = data // 2 if is_empty else data // 20
        yield Need(f"the repository {name}", folder, first // 5, first)


def check(wanted: Iterator[Need]) -> Iterator[Finding]:
    """Compare what has to be free with what is."""
    for need in wanted:
        place = _there(need.folder)
        try:
            free = shutil.disk_usage(place).free
        except OSError as failure:
            yield error(f"{need.what}: {need.folder} cannot be looked at: {failure.strerror}")
            continue
        said = f"{need.what}: {_size(free)} free in {need.folder}"
        if free < need.least:
            yield error(f"{said}, which is too little", f"Make room for {_size(need.wanted)}.")
        elif free < need.wanted:
            yield warning(
                f"{said}, which may be too little", f"Make room for {_size(need.wanted)}."
            )
        else:
            yield fine(said)


def _there(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that is there."""
    return next(place for place in (folder, *folder.parents) if os.path.isdir(place))  # noqa: PTH112


def _size(size: int) -> str:
    value = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"
