"""The proof that an archive is clean: it holds what was meant, and nothing moved meanwhile."""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Iterator, Mapping

from avplugin.borgmatic.borg import ItemList
from avplugin.installation.scan import Contents, FolderUnreadable, scan_folder
from avplugin.side_by_side import side_by_side
from avplugin.state.manifest import FolderManifest
from avplugin.state.run import Run, ScanBefore
from avplugin.wording import some


def moved_folders(run: Run, before: ScanBefore, folders: Iterable[FolderManifest]) -> list[str]:
    """Look at every folder again and return a sentence for each that is not as it was."""
    labels = _labels(folders)

    def look(path: str) -> str:
        try:
            inside = [os.fsencode(boundary) for boundary in run.boundaries[path]]
            now = scan_folder(path, inside)
        except FolderUnreadable as error:
            return f"{labels[path]} could not be read after the backup: {error}"
        if before.is_exactly(path, now):
            return ""
        changed = before[path].difference(now)
        return f"{labels[path]} changed while it was copied: {some(changed)}" if changed else ""

    return list(filter(None, side_by_side(look, run.boundaries, needs=[before.descriptor])))


def wrong_items(
    run: Run,
    before: Mapping[str, Contents],
    manifest_sizes: Mapping[str, int | None],
    folders: Iterable[FolderManifest],
    items: ItemList,
    also: Container[bytes] = (),
) -> list[str]:
    """Compare the archive's own list with what was meant, and return a sentence for each fault.

    `also` are paths that may be in it besides.
    """
    labels = _labels(folders)
    expected = _Expected(run, before, manifest_sizes)
    different: dict[str, list[str]] = {}
    extra: list[str] = []
    for path, found in items.pairs():
        folder, wanted = expected.take(path)
        if wanted is None:
            if path not in also:
                extra.append(os.fsdecode(path))
        elif found != wanted and not _is_the_same_file(found, wanted):
            different.setdefault(folder, []).append(os.fsdecode(path))
    reasons = []
    for folder, paths in expected.left().items():
        reasons.append(f"not in the archive, from {labels.get(folder, 'avplugin')}: {some(paths)}")
    for folder, wrong in different.items():
        reasons.append(
            f"of another size in the archive, from {labels.get(folder, 'avplugin')}: {some(wrong)}"
        )
    if extra:
        reasons.append(f"in the archive, but not meant to be: {some(extra)}")
    return reasons


_SHARED = b"+"  # in the place of the type: a file that has several names


class _Expected:
    """What the archive should hold: of each path Borg's letter and the size, as ItemList has them.

    Of a folder it is read when the first item of it comes. Borg stores one folder behind the other,
    so that what is held at a time is little; and each item is taken out once.
    """

    def __init__(
        self, run: Run, before: Mapping[str, Contents], manifest_sizes: Mapping[str, int | None]
    ) -> None:
        self._before = before
        self._waiting = {os.fsencode(path.lstrip("/")): path for path in before}
        self._paths = dict(self._waiting)
        self._open: dict[bytes, dict[bytes, bytes]] = {}
        self._others: dict[bytes, bytes] = {
            os.fsencode(name): b"d0" if size is None else b"-%d" % size
            for name, size in manifest_sizes.items()
        }
        for path in run.ancestors:
            # Borg calls the root folder of the machine a dot.
            self._others[os.fsencode(path.lstrip("/") or ".")] = b"d0"

    def take(self, path: bytes) -> tuple[str, bytes | None]:
        """Return the folder that a path belongs to (empty: none), and what it should be.

        That is None for a path that should not be there, or not once more.
        """
        root = path
        while root and root not in self._paths:
            root = root.rpartition(b"/")[0]
        if not root:
            return "", self._others.pop(path, None)
        if root in self._waiting:
            del self._waiting[root]
            self._open[root] = dict(self._items(root))
        return self._paths[root], self._open[root].pop(path, None)

    def left(self) -> dict[str, list[str]]:
        """Return the paths that nobody took, by folder."""
        missing: dict[str, list[str]] = {}
        if self._others:
            missing[""] = [os.fsdecode(path) for path in self._others]
        for root, path in self._paths.items():
            left = dict(self._items(root)) if root in self._waiting else self._open[root]
            if left:
                missing[path] = [os.fsdecode(one) for one in left]
        return missing

    def _items(self, root: bytes) -> Iterator[tuple[bytes, bytes]]:
        for entry in self._before[self._paths[root]].entries:
            path = b"%s/%s" % (root, entry.path) if entry.path else root
            is_shared = entry.type == "-" and entry.links > 1
            kind = _SHARED if is_shared else entry.type.encode("ascii")
            yield path, b"%s%d" % (kind, entry.size)


def _is_the_same_file(found: bytes, wanted: bytes) -> bool:
    """Return whether an item is a file with several names (hard links).

    Of these Borg stores the contents once and lists the others with size 0.
    """
    kind, size = found[:1], found[1:]
    return wanted[:1] == _SHARED and kind in {b"-", b"h"} and size in {wanted[1:], b"0"}


def _labels(folders: Iterable[FolderManifest]) -> dict[str, str]:
    labels: dict[str, str] = {}
    for folder in folders:
        known = labels.get(folder.path)
        labels[folder.path] = f"{known} and {folder.label}" if known else folder.label
    return labels
