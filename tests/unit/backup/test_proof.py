"""The archive's own list, against what was meant to be in it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import pytest

from avplugin.backup.proof import wrong_items
from avplugin.borgmatic.borg import ItemList
from avplugin.borgmatic.process import Process
from avplugin.installation.model import Kind
from avplugin.installation.scan import Contents, Entry
from avplugin.state.manifest import FolderManifest
from avplugin.state.run import Run

RUN = Run(
    id="1",
    set="administrations",
    repository="/r",
    repository_id="00",
    owner=Process(1, 2, "3"),
    started="2026-11-22T02:00:00+00:00",
    known_archives=(),
    ancestors=("/srv",),
    boundaries={},
    size=0,
)
MANIFEST: dict[str, int | None] = {"avplugin": None, "avplugin/1": None, "avplugin/1/run.json": 7}


def contents(**files: tuple[str, int, int] | int) -> Contents:
    """Return a folder with these files: a size, or type, size and number of names."""
    entries = [Entry(b"", "d", 0, 1, 1, 1, 2)]
    for name, what in files.items():
        kind, size, links = ("-", what, 1) if isinstance(what, int) else what
        entries.append(Entry(name.replace("__", "/").encode(), kind, size, 1, 1, 1, links))
    return Contents(tuple(entries))


BEFORE = {
    "/srv/a": contents(x=3, y=0, sub=("d", 0, 2), sub__z=5),
    "/srv/a/inner": contents(x=4),
    "/srv/b": contents(one=("-", 9, 2), two=("-", 9, 2), link=("l", 4, 1), pipe=("p", 0, 1)),
}
GOOD = [
    *("avplugin d0", "avplugin/1 d0", "avplugin/1/run.json -7", "srv d0"),
    *("srv/a d0", "srv/a/x -3", "srv/a/inner d0", "srv/a/inner/x -4"),
    *("srv/a/y -0", "srv/a/sub d0", "srv/a/sub/z -5"),
    *("srv/b d0", "srv/b/one -9", "srv/b/two -0", "srv/b/link l4", "srv/b/pipe p0"),
]


def faults(
    lines: list[str], before: Mapping[str, Contents] = BEFORE, also: tuple[bytes, ...] = ()
) -> list[str]:
    data = b"".join(line.replace(" ", "\0").encode() + b"\0" for line in lines)
    parts = [
        FolderManifest(Kind.ADMINISTRATION, label, "", label, "", path)
        for label, path in (("A", "/srv/a"), ("INNER", "/srv/a/inner"), ("B", "/srv/b"))
    ]
    return wrong_items(RUN, before, MANIFEST, parts, ItemList(data), also)


def test_an_archive_that_holds_what_was_meant_has_no_fault_whatever_its_order() -> None:
    assert faults(GOOD) == []
    assert faults(GOOD[::-1]) == []


@pytest.mark.parametrize("line", GOOD)
def test_every_single_thing_is_missed(line: str) -> None:
    [fault] = faults([other for other in GOOD if other != line])

    assert fault.startswith("not in the archive, from ")
    assert fault.endswith(f": {line.split(' ', maxsplit=1)[0]}")


@pytest.mark.parametrize("line", GOOD)
def test_every_single_thing_may_be_there_once(line: str) -> None:
    path = line.split(" ", maxsplit=1)[0]

    assert faults([*GOOD, line]) == [f"in the archive, but not meant to be: {path}"]


@pytest.mark.parametrize("line", [line for line in GOOD if "srv/b/" not in line])
@pytest.mark.parametrize("other", ["-8", "h0", "l0"])
def test_every_size_and_type_counts(line: str, other: str) -> None:
    path = line.split(" ", maxsplit=1)[0]
    [fault] = faults([f"{path} {other}" if one == line else one for one in GOOD])

    assert fault.startswith("of another size in the archive, from ")
    assert fault.endswith(f": {path}")


def test_a_whole_folder_that_is_missing_is_told_by_its_name() -> None:
    left = [line for line in GOOD if not line.startswith("srv/b")]

    [fault] = faults(left)

    assert fault.startswith("not in the archive, from B: srv/b, ")


def test_names_of_one_file_may_have_its_size_or_none() -> None:
    for found in ("-9", "-0", "h9", "h0"):
        assert faults([f"srv/b/two {found}" if "two" in line else line for line in GOOD]) == []
    for found in ("-8", "l9", "d0", "p0"):
        assert faults([f"srv/b/two {found}" if "two" in line else line for line in GOOD])
    # Only those with several names: a file that is stored empty has lost all it held.
    assert faults(["srv/a/x -0" if "srv/a/x" in line else line for line in GOOD])


@pytest.mark.parametrize("path", ["srv/c", "srv/a2", "srv/a/innerx", "srv/a/inner/y", "etc/passwd"])
def test_what_nobody_meant_is_told(path: str) -> None:
    assert faults([*GOOD, f"{path} -3"]) == [f"in the archive, but not meant to be: {path}"]
    assert faults([*GOOD, f"{path} -3"], also=(path.encode(),)) == []


def test_a_root_folder_of_the_machine_is_a_dot_to_borg() -> None:
    run = dataclasses.replace(RUN, ancestors=("/",))
    data = ItemList(b".\0d0\0")

    assert wrong_items(run, {}, {}, (), data) == []


def test_what_lies_in_one_folder_is_held_only_while_it_is_looked_at() -> None:
    read: list[str] = []

    class Watched(dict[str, Contents]):
        def __getitem__(self, path: str) -> Contents:
            read.append(path)
            return super().__getitem__(path)

    assert faults(GOOD, Watched(BEFORE)) == []
    assert read == ["/srv/a", "/srv/a/inner", "/srv/b"]
