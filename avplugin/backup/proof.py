"""The proof that an archive is clean: it holds what was meant, and nothing moved meanwhile."""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Mapping

from avplugin.borgmatic.borg import Item
from avplugin.installation.scan import Contents, FolderUnreadable, scan_folder
from avplugin.state.manifest import FolderManifest
from avplugin.state.run import Run
from avplugin.wording import some


def moved_folders(
    run: Run, before: Mapping[str, Contents], folders: Iterable[FolderManifest]
) -> list[str]:
    """Look at every folder again and return a sentence for each that is not as it was."""
    reasons = []
    labels = _labels(folders)
    for path, inside in run.boundaries.items():
        try:
            now = scan_folder(path, [os.fsencode(boundary) for boundary in inside])
        except FolderUnreadable as error:
            reasons.append(f"{labels[path]} could not be read after the backup: {error}")
            continue
        changed = before[path].difference(now)
        if changed:
            reasons.append(f"{labels[path]} changed while it was copied: {some(changed)}")
    return reasons


def wrong_items(
    run: Run,
    before: Mapping[str, Contents],
    manifest_sizes: Mapping[str, int | None],
    folders: Iterable[FolderManifest],
    items: Iterable[Item],
    also: Container[bytes] = (),
) -> list[str]:
    """Compare the archive's own list with what was meant, and return a sentence for each fault.

    `also` are paths that may be in it besides.
    """
    labels = _labels(folders)
    expected = dict(_expected(run, before, manifest_sizes))
    missing: dict[str, list[str]] = {}
    different: dict[str, list[str]] = {}
    extra: list[str] = []
    for item in items:
        found = expected.pop(item.path, None)
        if found is None:
            if item.path not in also:
                extra.append(os.fsdecode(item.path))
        elif not found.fits(item):
            different.setdefault(found.folder, []).append(os.fsdecode(item.path))
    for path, wanted in expected.items():
        missing.setdefault(wanted.folder, []).append(os.fsdecode(path))
    reasons = []
    for folder, paths in missing.items():
        reasons.append(f"not in the archive, from {labels.get(folder, 'avplugin')}: {some(paths)}")
    for folder, paths in different.items():
        reasons.append(
            f"of another size in the archive, from {labels.get(folder, 'avplugin')}: {some(paths)}"
        )
    if extra:
        reasons.append(f"in the archive, but not meant to be: {some(extra)}")
    return reasons


class _Expected:
    """What one path of the archive should be. `folder` is the folder it belongs to."""

    __slots__ = ("folder", "shared", "size", "type")

    def __init__(self, folder: str, kind: str, size: int, *, shared: bool) -> None:
        self.folder = folder
        self.type = kind
        self.size = size
        self.shared = shared

    def fits(self, item: Item) -> bool:
        """Return whether the item is it.

        Of several names of one file (hard links) Borg stores the contents once and lists the
        others with size 0.
        """
        if item.type not in {self.type, "h" if self.shared else self.type}:
            return False
        return item.size == self.size or (self.shared and item.size == 0)


def _expected(
    run: Run, before: Mapping[str, Contents], manifest_sizes: Mapping[str, int | None]
) -> Iterable[tuple[bytes, _Expected]]:
    for name, size in manifest_sizes.items():
        kind = "d" if size is None else "-"
        yield os.fsencode(name), _Expected("", kind, size or 0, shared=False)
    for path in run.ancestors:
        # Borg calls the root folder of the machine a dot.
        archived = os.fsencode(path.lstrip("/") or ".")
        yield archived, _Expected("", "d", 0, shared=False)
    for path, contents in before.items():
        root = os.fsencode(path.lstrip("/"))
        for entry in contents.entries:
            archived = b"%s/%s" % (root, entry.path) if entry.path else root
            shared = entry.type == "-" and entry.links > 1
            yield archived, _Expected(path, entry.type, entry.size, shared=shared)


def _labels(folders: Iterable[FolderManifest]) -> dict[str, str]:
    labels: dict[str, str] = {}
    for folder in folders:
        known = labels.get(folder.path)
        labels[folder.path] = f"{known} and {folder.label}" if known else folder.label
    return labels
