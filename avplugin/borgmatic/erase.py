"""Take folders out of archives that exist already, and prove that nothing of them is left.

Borg's recreate does it, in a program of its own (inside_borg.py): one archive after the other, each
in one transaction, so that a crash leaves every archive either as it was or as it is to be.
"""

from __future__ import annotations

import base64
import configparser
import contextlib
import dataclasses
import functools
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from avplugin.borgmatic import borg
from avplugin.borgmatic.archive import Archive
from avplugin.borgmatic.configuration import Repository

ORDER = "AVPLUGIN_ORDER"  # the environment variable that says what inside_borg is to do
RECREATE = ".recreate"  # what Borg calls an archive until it takes the old one's place


@dataclasses.dataclass(frozen=True)
class Order:
    """What becomes of one archive. Paths are those in the archive, without a leading slash.

    All below `folders` goes, but not what lies below one of `kept`: the nearest of them decides.
    The folders that lead to one of these stay as well. `paths` are single things that go;
    `replaced` has the new contents of files that stay.
    """

    folders: frozenset[str]
    kept: frozenset[str] = frozenset()
    paths: frozenset[str] = frozenset()
    replaced: Mapping[str, bytes] = dataclasses.field(default_factory=dict)

    @functools.cached_property
    def ways(self) -> frozenset[str]:
        """The folders that lead to those that stay."""
        return frozenset(above for path in self.kept for above in folders_above(path))

    def to_json(self) -> dict[str, Any]:
        """Return the order for the other program."""
        return {
            "folders": sorted(self.folders),
            "kept": sorted(self.kept),
            "paths": sorted(self.paths),
            "replaced": {
                path: base64.b64encode(data).decode("ascii") for path, data in self.replaced.items()
            },
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Order:
        """Return what to_json was called for."""
        return cls(
            frozenset(document["folders"]),
            frozenset(document["kept"]),
            frozenset(document["paths"]),
            {path: base64.b64decode(text) for path, text in document["replaced"].items()},
        )


def is_dropped(path: str, order: Order) -> bool:
    """Return whether this path of the archive goes."""
    if path in order.paths:
        return True
    if path in order.ways:
        return False
    here = path
    while here:
        if here in order.kept:
            return False
        if here in order.folders:
            return True
        here = here.rpartition("/")[0]
    return False


def folders_above(path: str) -> list[str]:
    """Return the folders above a path in an archive, the nearest first.

    Not Borg's dot, which is the root of the machine.
    """
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(len(parts) - 1, 0, -1)]


class Found(NamedTuple):
    """What is left in a repository of what was taken out.

    `listed` has the number of paths by the archive that lists them. Of the chunks that went,
    `gone` are in no archive any more, `shared` in others too. `known` is how many of the first the
    repository's index still has, `on_disk` how many its files hold; None if nobody can look.
    """

    listed: Mapping[str, int]
    gone: int
    shared: int
    known: int
    on_disk: int | None


def unfinished(archives: Sequence[Archive]) -> list[tuple[Archive, Archive]]:
    """Return what a recreate that was cut off left in a repository, with the archive it was of.

    Borg replaces the old one in the transaction that gives the new one its name: what still has the
    other name counts for nothing.
    """
    names = {archive.name: archive for archive in archives}
    found = []
    for archive in archives:
        base, mark, rest = archive.name.rpartition(RECREATE)
        if mark and (not rest or rest.startswith(".checkpoint")) and base in names:
            found.append((archive, names[base]))
    return found


def recreate(
    repository: Repository,
    orders: Mapping[str, Order],
    ids: Path,
    progress: Callable[[str], None],
) -> None:
    """Recreate the archives by name; `progress` gets the name of each when it is done.

    Each keeps its name, time and comment; its id changes. `ids` is the file that notes which chunks
    go (state/forgetting.py). Raise BorgError; what is not done yet is as it was then.
    """
    if not orders:
        return
    document = {
        "archives": {name: order.to_json() for name, order in orders.items()},
        "ids": str(ids),
    }

    def note(line: dict[str, Any]) -> None:
        if line.get("type") == "avplugin" and "recreated" in line:
            progress(str(line["recreated"]))

    with _order_file(document) as environment:
        borg.run_inside(repository, ["recreate", repository.path], environment, note)


def look(
    repository: Repository,
    orders: Mapping[str, Order],
    others: Order,
    ids: Path,
    progress: Callable[[str], None],
) -> Found:
    """Look through all archives of the repository, and through its files if it is on this machine.

    `orders` say what must not be in the archives with these names, `others` what not in all other
    ones. Raise BorgError.
    """
    document = {
        "archives": {name: order.to_json() for name, order in orders.items()},
        "others": others.to_json(),
        "ids": str(ids),
    }

    def note(line: dict[str, Any]) -> None:
        if line.get("type") == "avplugin" and "looked" in line:
            progress(str(line["looked"]))

    words = ["debug", "dump-manifest", repository.path, "-"]
    with _order_file(document) as environment:
        answer = borg.run_inside(repository, words, environment, note)
    return Found(**json.loads(answer))


def why_append_only(repository: Repository) -> str:
    """Return why the repository may be one that frees nothing; empty if it is not.

    Against such a one Borg's delete, recreate and compact all succeed. Source: Borg's
    documentation, Append-only mode: a key of the repository's config, or an option of the server.
    """
    if not is_local(repository):
        return "it is on another machine, and what a server keeps cannot be seen from here"
    settings = configparser.ConfigParser(interpolation=None)
    with contextlib.suppress(OSError, configparser.Error, UnicodeDecodeError, ValueError):
        settings.read_string(_config(repository).read_text(encoding="utf-8"))
        if settings.getboolean("repository", "append_only", fallback=False):
            return f"{_config(repository)} says append_only = 1"
    return ""


def is_local(repository: Repository) -> bool:
    """Return whether the repository's files are on this machine, as far as Borg is concerned."""
    return _config(repository).is_file()


def _config(repository: Repository) -> Path:
    return Path(repository.path.removeprefix("file://")) / "config"


@contextlib.contextmanager
def _order_file(document: Any) -> Iterator[dict[str, str]]:
    """Yield the environment that names a file with the order; no argument names a client."""
    with tempfile.TemporaryDirectory(prefix="avplugin-order-") as folder:
        file = Path(folder) / "order.json"
        file.write_text(json.dumps(document), encoding="ascii")
        yield {ORDER: str(file)}
