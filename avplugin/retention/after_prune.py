"""after-prune: say what was removed and what is held, and whether that is what was to be."""

from __future__ import annotations

import dataclasses

from avplugin.backup.call import Call, utc_now
from avplugin.errors import AvpluginError
from avplugin.snapshots.reader import SnapshotReader
from avplugin.state.catalogue import Catalogue
from avplugin.state.files import locked
from avplugin.state.retention import Pruning, RetentionFile


@dataclasses.dataclass(frozen=True, slots=True)
class Pruned:
    """What became of a prune. `unmeant` are archives that are gone though Borg was to keep them."""

    pruning: Pruning
    unmeant: tuple[str, ...]


def finish(call: Call) -> Pruned:
    """Note that the prune has ended and what it removed.

    Raise AvpluginError if before-prune did not run before it; BorgError.
    """
    with locked(call.state.lock), Catalogue.open(call.configuration.state) as catalogue:
        listing = SnapshotReader(call.repository, catalogue).listing
        file = RetentionFile(call.state.folder)
        begun = file.last(listing.id)
        if begun is None or begun.ended:
            raise AvpluginError(
                f"before-prune did not run for {call.set.name} in {call.repository}, so nobody can"
                " tell what pruning removed.\n"
                "borgmatic's configuration must call it 'before: action, when: [prune]'."
            )
        there = {archive.name for archive in listing.archives}
        removed = tuple(name for name in begun.archives if name not in there)
        ended = dataclasses.replace(begun, removed=removed, ended=utc_now())
        file.note(listing.id, ended)
    condemned = set(begun.condemned)
    gone = (*removed, *(one.archive for one in begun.held if one.archive not in there))
    return Pruned(ended, tuple(name for name in gone if name not in condemned))
