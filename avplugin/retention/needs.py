"""What a repository needs of what it has: the one answer that everything about retention goes by.

That is, of every folder, its newest distinct clean versions, and the last clean version in which a
table was sound that is damaged now. What other archives hold as well can go.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from avplugin.borgmatic.archive import Archive
from avplugin.state.catalogue import folder_key
from avplugin.state.manifest import NOT_CHECKED, FolderManifest, Manifest
from avplugin.state.retention import Reason
from avplugin.wording import some

_EARLIER = "\0"  # behind a label, for whoever had it before
_Version = tuple[str, str]  # fingerprint and list digest


@dataclasses.dataclass(frozen=True, slots=True)
class Rules:
    """What has to be kept of each folder.

    `current` are the labels of all folders that the set has now; None if nobody can tell, and then
    none is taken for one that has left. `keep_retired` is in seconds.
    """

    keep_versions: int
    keep_retired: float
    current: frozenset[str] | None


class Need(NamedTuple):
    """Something that must not be lost, and the archives that have it, the newest first.

    One of them is enough.
    """

    reason: Reason
    holders: tuple[Archive, ...]


def find_needs(
    copies: Iterable[tuple[Archive, Manifest | None]], rules: Rules, now: datetime.datetime
) -> list[Need]:
    """Return what is needed of the clean archives, which come newest first: the last one made.

    With each comes its manifest; None if it has none that avplugin understands. Nobody can tell
    what is in such an archive, and so all of it is needed. Archives from the future are of a clock
    that was wrong: what is newest without them is needed as well.
    """
    every, until_now = _Copies(), _Copies()
    times: list[datetime.datetime] = []
    needs: list[Need] = []
    for archive, manifest in copies:
        times.append(archive.time)
        if manifest is None:
            needs.append(Need(Reason("", "nobody can tell what is in it"), (archive,)))
            continue
        every.add(archive, manifest)
        if archive.time <= now:
            until_now.add(archive, manifest)
    today = _reference(times, now)
    needs += every.needs(rules, today)
    if times and max(times) > now:
        needs += until_now.needs(rules, today)
    return needs


def choose_holds(
    needs: Sequence[Need], kept: Collection[str]
) -> dict[str, tuple[Archive, tuple[Reason, ...]]]:
    """Return which archives have to be held since pruning keeps `kept`, and why, by archive id.

    `kept` are ids of archives. Few are chosen, and those first that are held already: a name that
    changed back and forth every night would be of no use to anybody.
    """
    chosen: dict[str, tuple[Archive, tuple[Reason, ...]]] = {}
    for need in sorted(needs, key=lambda one: len(one.holders)):
        if any(archive.id in kept for archive in need.holders):
            continue
        best = min(need.holders, key=lambda one: (one.id not in chosen, not one.is_held))
        _, reasons = chosen.get(best.id, (best, ()))
        chosen[best.id] = (best, (*reasons, need.reason))
    return chosen


class _Copies:
    """All copies of the folders of a series."""

    def __init__(self) -> None:
        self._folders: dict[str, _Folder] = {}
        self._known: dict[str, tuple[str, FolderManifest]] = {}  # by label: key, copy met last
        self._last: Archive | None = None
        self._left_out: set[str] = set()  # of the last one

    def add(self, archive: Archive, manifest: Manifest) -> None:
        """Add those in an archive that is older than all before."""
        if self._last is None:
            self._last = archive
            self._left_out = {folder_key(part.label) for part in manifest.left_out}
        for part in manifest.stored:
            label = folder_key(part.label)
            key, newer = self._known.get(label, (label, part))
            if folder_key(newer.name) != folder_key(part.name) and folder_key(
                newer.path
            ) != folder_key(part.path):
                key += _EARLIER  # the code is another client's since: these books have left
            self._known[label] = (key, part)
            if key not in self._folders:
                self._folders[key] = _Folder(part.label)
            self._folders[key].add(part, archive)

    def needs(self, rules: Rules, today: datetime.datetime) -> Iterator[Need]:
        """Yield what is needed of every folder."""
        current = rules.current and {folder_key(label) for label in rules.current}
        for key, folder in self._folders.items():
            is_in_last = folder.newest == self._last
            is_current = current is None or key in current
            if is_current:
                why = "left out since then" if key in self._left_out else "not in a newer snapshot"
                why = "its newest version" if is_in_last else why
            elif (last_day := _last_day(folder.last_time, rules)) >= today:
                why = f"gone since then, kept until {last_day:%Y-%m-%d}"
            else:
                continue
            any_will_do = is_in_last and is_current
            yield from folder.needs(rules.keep_versions, why, any_will_do=any_will_do)


class _Folder:
    """The clean versions of one folder, newest first, each with the archives that hold it."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._holders: dict[_Version, list[Archive]] = {}
        self._places: dict[str, int] = {}  # by archive id, 0 is the newest
        self._damaged: dict[_Version, frozenset[str]] = {}  # tables, where they were looked at

    @property
    def newest(self) -> Archive:
        """The newest archive that has the folder."""
        return next(iter(self._holders.values()))[0]

    @property
    def last_time(self) -> datetime.datetime:
        """The latest time of all archives that have it: the newest may be of a clock behind."""
        return max(one.time for holders in self._holders.values() for one in holders)

    def add(self, part: FolderManifest, archive: Archive) -> None:
        """Add the copy of the folder in an archive that is older than all before."""
        version = (part.fingerprint, part.list_digest)
        self._places[archive.id] = len(self._places)
        self._holders.setdefault(version, []).append(archive)
        if part.table_health != NOT_CHECKED:
            self._damaged.setdefault(version, part.damaged_tables)

    def needs(self, versions: int, why: str, *, any_will_do: bool) -> Iterator[Need]:
        """Yield what is needed of the folder; `why` says it of the newest version.

        Of the archives with that one, any will do if the folder is still there. Else it has to be
        the newest: that says until when the folder was there.
        """
        holders = self._last_holders()
        if not any_will_do:
            holders[0] = holders[0][:1]
        for number, last in enumerate(holders[:versions], start=1):
            said = why if number == 1 else f"version {number} of the {versions} to keep"
            yield Need(Reason(self._label, said), last)
        yield from self._last_sound(holders)

    def _last_holders(self) -> list[tuple[Archive, ...]]:
        """Return, of each version, the archives newer than all that hold the version before it.

        A folder can go back to an older version, as after a restore. Were an archive from before
        that enough, the version in between would look like the newest one.
        """
        every = list(self._holders.values())
        return [
            tuple(one for one in holders if not before or self._is_newer(one, before[0]))
            or (holders[0],)
            for holders, before in zip(every, [*every[1:], []], strict=True)
        ]

    def _is_newer(self, one: Archive, other: Archive) -> bool:
        return self._places[one.id] < self._places[other.id]

    def _last_sound(self, holders: Sequence[tuple[Archive, ...]]) -> Iterator[Need]:
        """Yield the newest version in which each table was sound that is damaged now."""
        wanted: frozenset[str] | None = None  # of the newest version that was looked at
        for version, last in zip(self._holders, holders, strict=True):
            damaged = self._damaged.get(version)
            if damaged is None:
                continue
            if wanted is None:
                wanted = damaged
            sound = wanted - damaged
            if sound:
                why = f"the last one with {some(sorted(sound))} sound"
                yield Need(Reason(self._label, why), last)
            wanted &= damaged
            if not wanted:
                return


def _reference(times: Sequence[datetime.datetime], now: datetime.datetime) -> datetime.datetime:
    """Return the moment that counts as now for what has left.

    It is not later than the snapshot before the last one: a clock that is wrong for one night, at
    the backup or while pruning, must not let go of what is to be kept for years.
    """
    return min([now, *sorted(times)[-2:][:1]])


def _last_day(last: datetime.datetime, rules: Rules) -> datetime.datetime:
    """Return until when a folder that has left is kept, if its last archive is of then."""
    try:
        return last + datetime.timedelta(seconds=rules.keep_retired)
    except OverflowError:
        return datetime.datetime.max.replace(tzinfo=datetime.UTC)
