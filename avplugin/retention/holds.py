"""Holds: clean archives under a name that borgmatic's prune does not see.

An archive is held if it has what the repository needs and pruning would take the last of it. A
hold that is needed no more gets its clean name back, and the prune that follows judges it as any
other: nothing is deleted here.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Collection, Iterator
from typing import Protocol

from avplugin.borgmatic.archive import HOLD, Archive, clean_name
from avplugin.retention.needs import Rules, choose_holds, find_needs
from avplugin.state.manifest import Manifest
from avplugin.state.retention import Held, Reason

_NO_MORE = Reason("", "needed no more, released by the next prune")


class Shelf(Protocol):
    """The clean archives of a series in one repository."""

    def look(self) -> None:
        """Take them in as they are now, and ask Borg what pruning would remove."""

    @property
    def clean_archives(self) -> list[Archive]:
        """The clean archives, held ones too, newest first."""

    @property
    def names(self) -> Collection[str]:
        """The names of all archives of the repository, whatever they are."""

    @property
    def kept(self) -> Collection[str]:
        """The ids of those that pruning would leave."""

    def copies(self) -> Iterator[tuple[Archive, Manifest | None]]:
        """Yield the clean archives, newest first, with their manifests; None without one."""

    def rename(self, archive: Archive, name: str) -> None:
        """Give an archive another name."""


@dataclasses.dataclass(frozen=True, slots=True)
class Settled:
    """What pruning will find, by name. `condemned` are those that Borg is going to remove."""

    archives: tuple[str, ...]
    condemned: tuple[str, ...]
    held: tuple[Held, ...]
    newly_held: tuple[str, ...]
    released: tuple[str, ...]


def settle(shelf: Shelf, rules: Rules, now: datetime.datetime) -> Settled:
    """Hold what is needed and would be pruned, and release what is held and needed no more.

    It is done when Borg itself says that pruning removes nothing that is needed. Whatever stops it
    half-way leaves each archive held, or one that is judged anew before the next prune. Raise
    BorgError, or AvpluginError where nobody can tell what pruning would do.
    """
    newly_held: list[str] = []
    released: list[str] = []
    may_release = True
    while True:
        shelf.look()
        holds = choose_holds(find_needs(shelf.copies(), rules, now), shelf.kept)
        to_hold = [one for one, _ in holds.values() if not one.is_held]
        to_release = [
            one
            for one in shelf.clean_archives
            if may_release and one.is_held and one.id not in holds
        ]
        # What is released takes part in Borg's reckoning again. Once is enough: what that makes
        # superfluous besides is released before the next prune.
        may_release = False
        taken = set(shelf.names)
        newly_held += [_rename(shelf, archive, HOLD, taken) for archive in to_hold]
        released += [_rename(shelf, archive, "", taken) for archive in to_release]
        if not to_hold and not to_release:
            break
    unheld = [one for one in shelf.clean_archives if not one.is_held]
    return Settled(
        archives=tuple(one.name for one in unheld),
        condemned=tuple(one.name for one in unheld if one.id not in shelf.kept),
        held=tuple(
            Held(one.name, holds[one.id][1] if one.id in holds else (_NO_MORE,))
            for one in shelf.clean_archives
            if one.is_held
        ),
        newly_held=tuple(newly_held),
        released=tuple(released),
    )


def _rename(shelf: Shelf, archive: Archive, suffix: str, taken: set[str]) -> str:
    """Give the archive its clean name and the suffix, or the next one that is not taken."""
    taken.discard(archive.name)
    name = clean_name(archive.name.removesuffix(HOLD), taken) + suffix
    taken.add(name)
    shelf.rename(archive, name)
    return name
