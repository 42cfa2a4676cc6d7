"""Whether AccountView's own backups lie in a folder that is backed up: they are stored twice.

Its backup folder has two folders in it, `admins` and `system`, with compressed files (support note
AV-52589, 1.2).
"""

from __future__ import annotations

import collections
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from avplugin.doctor.finding import Finding, fine, warning
from avplugin.installation.model import Installation
from avplugin.installation.scan import Contents, Entry

_PAIR = frozenset({b"admins", b"system"})
_COMPRESSED = (b".zip", b".avb", b".7z", b".rar", b".cab")
_ZIP = b"PK\x03\x04"
_TABLE = b".dbf"


def check(installation: Installation, contents: Mapping[str, Contents]) -> Iterator[Finding]:
    """Look for such folders in the folders as scanned, which are keyed by path."""
    labels = {folder.path: folder.label for folder in installation.folders}
    count = 0
    for path, found in contents.items():
        for place, size in _backups_in(path, found):
            count += 1
            shown = f"{path}/{os.fsdecode(place)}".rstrip("/")
            yield warning(
                f"{labels[path]} holds backups that AccountView makes itself, {size / 1e6:,.0f} MB"
                f" in {shown}: all of it is stored twice, and new each time",
                "Set another 'Standaardbackup-map' under Opties > Instellingen > Systeem > Backup,"
                " or have AccountView make none.",
            )
    if not count:
        yield fine("no folder holds backups that AccountView makes itself")


def _backups_in(root: str, contents: Contents) -> Iterator[tuple[bytes, int]]:
    """Yield each backup folder, relative to the root, with its size in bytes."""
    pairs: dict[bytes, dict[bytes, bytes]] = collections.defaultdict(dict)
    for entry in contents.entries:
        parent, _, name = entry.path.rpartition(b"/")
        if entry.type == "d" and name.lower() in _PAIR:
            pairs[parent][name.lower()] = entry.path
    for parent, pair in pairs.items():
        if pair.keys() != _PAIR:
            continue
        below = tuple(b"%s/" % path for path in pair.values())
        files = [one for one in contents.entries if one.type == "-" and one.path.startswith(below)]
        is_live = any(one.path.lower().endswith(_TABLE) for one in files)
        if not is_live and any(_is_compressed(root, one) for one in files):
            yield parent, sum(one.size for one in files)


def _is_compressed(root: str, entry: Entry) -> bool:
    if entry.path.lower().endswith(_COMPRESSED):
        return True
    try:
        with Path(root, os.fsdecode(entry.path)).open("rb") as file:
            return file.read(len(_ZIP)) == _ZIP
    except OSError:
        return False
