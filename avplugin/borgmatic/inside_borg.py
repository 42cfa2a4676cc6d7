"""Borg with two of its commands extended; a program of its own, started by erase.py.

`recreate` leaves out exactly the paths it is told to, puts other contents into some files, and
compares the new archive with the old one, item by item, before that one goes. `debug dump-manifest`
looks for what should not be in the repository any more.

Borg has no such things on its command line: its patterns are stored in the new archive with the
command line, its recreate cannot change a file, and no command looks into segment files. This is
Borg's inside: borgbackup is pinned to a minor version, and a contract test fails when it changes.
Source: borg 1.4.5, archive.py (ArchiveRecreater), archiver.py, repository.py (LoggedIO).
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import borg.archiver
from borg.archive import Archive, ArchiveRecreater
from borg.constants import LIST_SCAN_LIMIT
from borg.helpers import Error, Manifest
from borg.repository import TAG_PUT, Repository

from avplugin.borgmatic.erase import ORDER, Order, is_dropped
from avplugin.state.forgetting import ChunkIds

_CHUNK = 1 << 22  # no file that is replaced is so large that Borg would cut it otherwise
_order: dict[str, Any] = {}


class _NotTheSameError(Error):
    """{}: the new archive is not what it should be: {}. The old one is left as it was."""


class _Keeps:
    """What ArchiveRecreater asks which items to keep."""

    def __init__(self, order: Order) -> None:
        self._order = order

    def empty(self) -> bool:
        return False

    def match(self, path: str) -> bool:
        return not is_dropped(path, self._order)


class _Original(Archive):
    """The archive that is recreated; it is deleted only once the new one is proven."""

    def delete(self, *words: Any, **options: Any) -> Any:
        order = Order.from_json(_order["archives"][self.name])
        new = Archive(self.repository, self.key, self.manifest, f"{self.name}.recreate")
        _prove_same(self, new, order)
        return super().delete(*words, **options)


class _Recreater(ArchiveRecreater):
    """Recreates the archives that the order names, one after the other, in Borg's transactions."""

    def recreate(self, archive_name: str, comment: Any = None, target_name: Any = None) -> bool:
        document = _order["archives"].get(archive_name)
        if document is None:
            return True
        order = Order.from_json(document)
        self._replaced = order.replaced
        self.matcher = _Keeps(order)
        self._note_what_goes(archive_name, order)
        super().recreate(archive_name, comment, target_name)
        sys.stderr.write(json.dumps({"type": "avplugin", "recreated": archive_name}) + "\n")
        sys.stderr.flush()
        return True

    def open_archive(self, name: str, **options: Any) -> Archive:
        return _Original(
            self.repository, self.key, self.manifest, name, cache=self.cache, **options
        )

    def process_item(self, archive: Archive, target: Archive, item: Any) -> None:
        data = self._replaced.get(item.path)
        if data is not None and "chunks" in item:
            item.chunks = [
                self.cache.add_chunk(self.key.id_hash(part), part, target.stats)
                for part in (data[at : at + _CHUNK] for at in range(0, len(data), _CHUNK))
            ]
            item.size = len(data)
            if "chunks_healthy" in item:
                del item.chunks_healthy
            target.stats.nfiles += 1
            target.add_item(item, stats=target.stats)
            return
        super().process_item(archive, target, item)

    def save(self, *words: Any, **options: Any) -> None:
        before, sys.argv = sys.argv, ["avplugin", "forget"]  # Borg keeps it in the archive
        try:
            super().save(*words, **options)
        finally:
            sys.argv = before

    def _note_what_goes(self, name: str, order: Order) -> None:
        """Note, for the proof, which chunks go; a crash must not forget them either."""
        archive = Archive(self.repository, self.key, self.manifest, name, consider_part_files=True)
        ids = {archive.id, *archive.metadata.items}
        for item in archive.iter_items():
            if "chunks" in item and (item.path in order.replaced or is_dropped(item.path, order)):
                ids.update(chunk.id for chunk in item.chunks)
        ChunkIds(Path(_order["ids"])).add(ids)


def _prove_same(old: Archive, new: Archive, order: Order) -> None:
    """Raise _NotTheSameError unless the new archive holds what it should of the old one."""
    moved: set[str] = set()  # names of files whose first name goes

    def kept() -> Iterator[Any]:
        for item in old.iter_items():
            if is_dropped(item.path, order):
                moved.add(item.path)
            else:
                yield item

    found = new.iter_items()
    for item in kept():
        other = next(found, None)
        if other is None or other.path != item.path:
            raise _NotTheSameError(old.name, "something else is missing")
        data = order.replaced.get(item.path)
        if data is not None and "chunks" in item:
            fetched = b"".join(new.pipeline.fetch_many([chunk.id for chunk in other.chunks]))
            if fetched != data:
                raise _NotTheSameError(old.name, "a manifest has other contents")
        elif item.get("source") in moved:
            if other.mode != item.mode:
                raise _NotTheSameError(old.name, "a hard link is something else")
        elif other.as_dict() != item.as_dict():
            raise _NotTheSameError(old.name, "something differs")
    if next(found, None) is not None:
        raise _NotTheSameError(old.name, "it holds something more")


@borg.archiver.with_repository(compatibility=(Manifest.Operation.READ,))
def _look(_self: Any, _args: Any, repository: Any, manifest: Any, key: Any) -> None:
    """Print which archives list what is forgotten, and what became of its chunks."""
    ids = ChunkIds(Path(_order["ids"])).read()
    unused = set(ids)
    listed: dict[str, int] = {}
    for info in manifest.archives.list():
        order = Order.from_json(_order["archives"].get(info.name, _order["others"]))
        archive = Archive(repository, key, manifest, info.name, consider_part_files=True)
        unused.discard(archive.id)
        unused.difference_update(archive.metadata.items)
        for item in archive.iter_items():
            if is_dropped(item.path, order):
                listed[info.name] = listed.get(info.name, 0) + 1
            if "chunks" in item:
                unused.difference_update(chunk.id for chunk in item.chunks)
        sys.stderr.write(json.dumps({"type": "avplugin", "looked": info.name}) + "\n")
        sys.stderr.flush()
    local = isinstance(repository, Repository)
    answer = {
        "listed": listed,
        "gone": len(unused),
        "shared": len(ids) - len(unused),
        "known": sum(1 for one in _indexed(repository) if one in unused),
        "on_disk": _on_disk(repository, unused) if local else None,
    }
    sys.stdout.write(json.dumps(answer))


def _indexed(repository: Any) -> Iterator[bytes]:
    marker = None
    while True:
        found = repository.list(limit=LIST_SCAN_LIMIT, marker=marker)
        if not found:
            return
        yield from found
        marker = found[-1]


def _on_disk(repository: Repository, ids: set[bytes]) -> int:
    """Return how many times one of these chunks is in a segment file, deleted or not."""
    count = 0
    for segment, _file in repository.io.segment_iterator():
        for tag, key, _offset, _size in repository.io.iter_objects(segment, read_data=False):
            if tag == TAG_PUT and key in ids:
                count += 1
    return count


def main() -> None:
    """Run Borg's own command line with these parts in place of its own."""
    _order.update(json.loads(Path(os.environ[ORDER]).read_bytes()))
    borg.archiver.ArchiveRecreater = _Recreater  # type: ignore[attr-defined]
    borg.archiver.Archiver.do_debug_dump_manifest = _look  # type: ignore[method-assign]
    with contextlib.suppress(BrokenPipeError):
        borg.archiver.main()


if __name__ == "__main__":
    main()
