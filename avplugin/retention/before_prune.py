"""before-prune: see to it that borgmatic's prune cannot remove what is needed."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Collection, Iterator
from typing import TypeVar

from avplugin.backup.brake import refuse_to_prune
from avplugin.backup.call import Call, utc_now
from avplugin.backup.plan import labels_of_set
from avplugin.borgmatic import borg
from avplugin.borgmatic.archive import HOLD, Archive, of_series
from avplugin.borgmatic.borg import Judged
from avplugin.borgmatic.process import calling_process, calling_words
from avplugin.borgmatic.prune import judge, refuse_other_rules
from avplugin.errors import AvpluginError
from avplugin.retention.holds import Settled, settle
from avplugin.retention.needs import Rules
from avplugin.snapshots.order import newest_first
from avplugin.snapshots.reader import SnapshotReader
from avplugin.state.catalogue import Catalogue
from avplugin.state.files import locked
from avplugin.state.manifest import Manifest
from avplugin.state.retention import Pruning, RetentionFile
from avplugin.wording import some

_Found = TypeVar("_Found")


def prepare(call: Call, say: Callable[[str], None]) -> Settled:
    """Hold what pruning would take that is needed, and note what it is going to remove.

    `say` is told what became of an earlier prune, if that is not as it should be. Raise
    AvpluginError if nothing may be pruned: the brake is on, or nobody can tell what would be lost.
    """
    refuse_other_rules(calling_words())
    refuse_to_prune(call)
    with locked(call.state.lock), Catalogue.open(call.configuration.state) as catalogue:
        _refuse_while_backing_up(call)
        refuse_to_prune(call)  # a backup that has just ended may have put the brake on
        rules = Rules(
            keep_versions=call.set.keep_versions,
            keep_retired=call.set.keep_retired,
            current=labels_of_set(call.configuration, call.set),
        )
        file = RetentionFile(call.state.folder)
        shelf = _BorgShelf(call, catalogue, file)
        settled = settle(shelf, rules, datetime.datetime.now(datetime.UTC))
        last = file.last(shelf.repository_id)
        if last is not None:
            _tell_of(last, call, shelf.names, say)
        pruning = Pruning(
            repository=str(call.repository),
            began=utc_now(),
            archives=settled.archives,
            condemned=settled.condemned,
            held=settled.held,
            owner=calling_process(),
        )
        file.note(shelf.repository_id, pruning)
    return settled


class _BorgShelf:
    """The series of a call in its repository, as Borg shows it."""

    def __init__(self, call: Call, catalogue: Catalogue, file: RetentionFile) -> None:
        self._call = call
        self._file = file
        self._catalogue = catalogue
        self._renamed: dict[str, Manifest | None] = {}  # by the new name
        self.repository_id = ""
        self.clean_archives: list[Archive] = []
        self.names: Collection[str] = ()
        self.kept: Collection[str] = ()

    def look(self) -> None:
        self._reader = SnapshotReader(self._call.repository, self._catalogue)
        listing = self._reader.listing
        if self.repository_id not in {"", listing.id}:
            raise AvpluginError(
                f"{self._call.repository.path} is another repository now than a moment ago.\n"
                "Look which disk is mounted there."
            )
        self.repository_id = listing.id
        _refuse_beside_another(self._call, self._file, listing.id)
        self.names = {archive.name for archive in listing.archives}
        series = of_series(listing.archives, self._call.series)
        clean = [archive for archive in series if archive.is_clean]
        for archive in clean:
            if archive.name in self._renamed:  # known already, but under an id that is gone
                self._catalogue.add(listing.id, archive.id, self._renamed.pop(archive.name))
        self.clean_archives = newest_first(clean, self._number)
        judged = judge(self._call.repository)
        self._refuse_what_does_not_add_up(judged)
        self.kept = judged.kept

    def copies(self) -> Iterator[tuple[Archive, Manifest | None]]:
        for archive in self.clean_archives:
            yield archive, self._manifest(archive)

    def rename(self, archive: Archive, name: str) -> None:
        self._renamed[name] = self._manifest(archive)
        borg.rename_archive(self._call.repository, archive.name, name)

    def _manifest(self, archive: Archive) -> Manifest | None:
        return self._read(archive, self._reader.manifest)

    def _number(self, archive: Archive) -> int:
        return self._read(archive, self._reader.number)

    def _read(self, archive: Archive, what: Callable[[Archive], _Found]) -> _Found:
        try:
            return what(archive)
        except borg.RepositoryUnavailable:
            raise
        except borg.BorgError as error:
            raise borg.BorgError(
                f"{_nothing_is_pruned(self._call)}: nobody can tell what is in {archive.name}.\n"
                f"{error}"
            ) from error

    def _refuse_what_does_not_add_up(self, judged: Judged) -> None:
        """Raise AvpluginError unless Borg judged exactly the clean archives that are not held."""
        checkpoints = {one.id for one in self._reader.listing.archives if one.is_checkpoint}
        spoken_of = (judged.kept | judged.pruned) - checkpoints
        there = {archive.id for archive in self.clean_archives if not archive.is_held}
        if spoken_of == there:
            return
        wrong = spoken_of ^ there
        names = [one.name for one in self._reader.listing.archives if one.id in wrong]
        raise AvpluginError(
            f"{_nothing_is_pruned(self._call)}: what Borg would keep and remove does not add up to"
            f" the clean snapshots there are ({some(names or sorted(wrong))}).\n"
            "Give archives that avplugin did not make other names, and see whether prefix or"
            " extra_borg_options of borgmatic's configuration changes what is pruned."
        )


def _nothing_is_pruned(call: Call) -> str:
    return f"{call.set.name}: nothing is pruned in {call.repository}"


def _refuse_while_backing_up(call: Call) -> None:
    """Raise AvpluginError while another borgmatic backs up the set: its archive may soon count."""
    run = call.state.current_run()
    if run is not None and run.owner != calling_process() and run.owner.is_borgmatic():
        raise AvpluginError(
            f"{_nothing_is_pruned(call)}: a backup of the set runs since {run.started} (process"
            f" {run.owner.pid}).\nWait for it to end; schedules must not overlap."
        )


def _refuse_beside_another(call: Call, file: RetentionFile, repository_id: str) -> None:
    """Raise AvpluginError while another borgmatic prunes the set in this repository.

    Borg judges for that one already, or is about to: what it was told to leave must stay held.
    """
    if file.is_pruned_beside(calling_process(), repository_id):
        raise AvpluginError(
            f"{_nothing_is_pruned(call)}: another borgmatic prunes it at this moment.\n"
            "Wait for it to end; schedules must not overlap."
        )


def _tell_of(last: Pruning, call: Call, names: Collection[str], say: Callable[[str], None]) -> None:
    """Tell of a prune that was cut off, and of held archives that somebody removed since."""
    where = f"{call.set.name} in {call.repository}"
    if last.condemned and not last.ended:
        gone = [name for name in last.condemned if name not in names]
        say(
            f"{where}: the prune of {last.began} did not end; {len(gone)} of"
            f" {len(last.condemned)} snapshots were removed. This one goes on from there"
        )
    there = {name.removesuffix(HOLD) for name in names}
    for held in last.held:
        if held.archive.removesuffix(HOLD) not in there:
            say(f"{where}: {held.archive} was held {held.why} and is gone: somebody removed it")
