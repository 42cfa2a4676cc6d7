"""Borg with an export-tar that writes items as borg.stream reads them; a program of its own.

Of each item come a line of JSON and, of a file, its contents. The tar of Borg 1 keeps times to the
second only, so that nobody could prove with it what came out; nor can hard links be read one by
one. This is Borg's inside: borgbackup is pinned to a minor version, and a contract test fails when
it changes. Source: borg 1.4.5, archiver.py (Archiver._export_tar), archive.py (iter_items).
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import stat
from collections.abc import Iterator, Sequence
from typing import IO, Any, NamedTuple

import borg.archiver
from borg.helpers import Error, IncludePatternNeverMatchedWarning

from avplugin.installation.scan import TYPES

_BUFFER = 1 << 20  # bytes; chunks can be as small as 16 KiB
_AT_ONCE = 4096  # chunks that are asked for together: one by one, a distant repository takes long


class _DamagedError(Error):
    """{}: {}."""


class _Chosen(NamedTuple):
    """An item with the chunks of its contents, wherever Borg has them.

    Of one that `is_damaged` a repair of the repository has replaced some by zeros.
    """

    item: Any
    chunks: Sequence[Any]
    is_damaged: bool


def _stream(archiver: Any, args: Any, archive: Any, _tarstream: Any) -> None:
    """Write what the patterns of the command line choose."""
    with io.BufferedWriter(io.FileIO(1, "wb", closefd=False), _BUFFER) as out:
        for batch in _batches(_chosen(archiver, args, archive)):
            ids = [chunk.id for chosen in batch for chunk in chosen.chunks]
            contents = archive.pipeline.fetch_many(ids)
            for chosen in batch:
                _write(chosen, contents, out)


def _chosen(archiver: Any, args: Any, archive: Any) -> Iterator[_Chosen]:
    """Yield each item that was asked for.

    Of several names of one file (hard links) only the first one in the archive has chunks.
    """
    matcher = archiver.build_matcher(args.patterns, args.paths)
    first: dict[str, Any] = {}

    def is_wanted(item: Any) -> bool:
        if item.get("hardlink_master", False):
            first[item.path] = item
        return bool(matcher.match(item.path))

    for item in archive.iter_items(is_wanted):
        if not stat.S_ISREG(item.mode):
            yield _Chosen(item, (), is_damaged=False)
            continue
        holder = first.get(item.source) if "source" in item else item
        if holder is None:
            raise _DamagedError(item.path, f"its contents, those of {item.source}, are not there")
        yield _Chosen(item, holder.get("chunks", ()), "chunks_healthy" in holder)
    for pattern in matcher.get_unmatched_include_patterns():
        archiver.print_warning_instance(IncludePatternNeverMatchedWarning(pattern))


def _batches(items: Iterator[_Chosen]) -> Iterator[list[_Chosen]]:
    batch: list[_Chosen] = []
    count = 0
    for chosen in items:
        batch.append(chosen)
        count += 1 + len(chosen.chunks)
        if count >= _AT_ONCE:
            yield batch
            batch, count = [], 0
    if batch:
        yield batch


def _write(chosen: _Chosen, contents: Iterator[bytes], out: IO[bytes]) -> None:
    item = chosen.item
    kind = TYPES.get(stat.S_IFMT(item.mode), "?")
    size = sum(chunk.size for chunk in chosen.chunks)
    if chosen.is_damaged:
        raise _DamagedError(item.path, "parts of it are lost; a repair put zeros in their place")
    if kind == "-" and item.get("size", size) != size:
        raise _DamagedError(item.path, "its contents are not as long as its list says")
    document = {
        "path": os.fsencode(item.path).hex(),
        "type": kind,
        "size": len(os.fsencode(item.source)) if kind == "l" else size,
        "modified": item.mtime,
    }
    out.write(json.dumps(document).encode("ascii") + b"\n")
    for _ in chosen.chunks:
        size -= out.write(next(contents))
    if size:
        raise _DamagedError(item.path, "its parts are not as long as its list says")


def main() -> None:
    """Run Borg's own command line with this part in place of its own."""
    borg.archiver.Archiver._export_tar = _stream  # type: ignore[method-assign]
    with contextlib.suppress(BrokenPipeError):
        borg.archiver.main()


if __name__ == "__main__":
    main()
