"""Take back what the last restore put in place; finish or take back one that was cut off."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from avplugin.borgmatic.process import this_process
from avplugin.configuration.model import Configuration
from avplugin.installation.boundaries import left_by_restores
from avplugin.installation.model import Folder, Kind
from avplugin.restore.check import Present, present_at
from avplugin.restore.put_back import (
    abandon,
    clear_up,
    swap_folders,
    unstoppable,
    who_came_in,
)
from avplugin.restore.staging import kept_name, staging_for
from avplugin.restore.swap import LostTrack, plan_swap
from avplugin.restore.targets import RestoreError, refuse_mounts
from avplugin.restore.who_is_in import nobody_in
from avplugin.state.catalogue import folder_key
from avplugin.state.files import locked
from avplugin.state.restores import Restore, RestoreJournal, Stage, Swapped


@dataclasses.dataclass(frozen=True, slots=True)
class Recovered:
    """What became of a restore that was cut off. `finished`: its folders are in their places."""

    restore: Restore
    finished: bool


def find_undoable(journal: RestoreJournal, label: str | None = None) -> Restore:
    """Return the restore that can be undone: the last one, or the last one of a folder.

    Those to a new folder do not count. Raise RestoreError if it cannot be undone.
    """
    last = journal.last_done(folder_key(label) if label is not None else None)
    if last is None:
        raise RestoreError(f"there is no restore{f' of {label}' if label else ''} to undo.")
    check_undoable(last)
    return last


def check_undoable(last: Restore) -> None:
    """Raise RestoreError if a restore cannot be undone any more."""
    if last.undoes:
        raise RestoreError(
            f"the last restore ({last.what}) has been undone already.\n"
            f"What it had put in place is in {', '.join(part.kept for part in last.folders)}."
        )
    for folder in last.folders:
        if folder.kept and not Path(folder.kept).is_dir():
            raise RestoreError(
                f"{last.what} cannot be undone: {folder.kept} is not there any more.\n"
                "Restore the version you want out of a snapshot instead."
            )
        if not os.path.lexists(folder.path) or os.lstat(folder.path).st_ino != folder.inode:
            raise RestoreError(
                f"{last.what} cannot be undone: {folder.path} is no longer what it put there.\n"
                "Move folders by hand, or restore the version you want out of a snapshot."
            )


def look_at(
    restore: Restore, configuration: Configuration | None
) -> list[tuple[Swapped, list[Path], Present | None]]:
    """Return each folder that a restore has put back, what stays in it, and what else is there."""
    found = []
    for folder in restore.folders:
        stays = _stays_now(folder, configuration)
        found.append((folder, stays, present_at(Path(folder.path), stays)))
    return found


def undo(
    journal: RestoreJournal, last: Restore, configuration: Configuration | None
) -> tuple[Restore, list[str]]:
    """Let the folders of the last restore and those that were there before change places again.

    Return the restore that this is, whose `kept` is where the folders went that were there till
    now, and warnings. Raise RestoreError or NotNow with everything as it was.
    """
    now = datetime.datetime.now().astimezone()
    with nobody_in(configuration, as_folders(last.folders), even_if_lost=True) as look:
        with locked(journal.lock), unstoppable():
            if last not in journal.restores():
                raise RestoreError("another restore has come in between.\nLook again.")
            check_undoable(last)
            folders = tuple(
                _planned(folder, configuration, f"{now:%Y%m%d-%H%M%S}") for folder in last.folders
            )
            restore = journal.begin(
                Restore(
                    number=0,
                    what=last.what,
                    started=now.astimezone(datetime.UTC).isoformat(timespec="seconds"),
                    owner=this_process(),
                    stage=Stage.SWAPPING,
                    folders=folders,
                    undoes=last.number,
                )
            )
            try:
                swap_folders(restore, look)
            except LostTrack:
                raise
            except BaseException:
                abandon(restore, journal)
                raise
            restore = clear_up(restore, journal)
            journal.forget(last)
        warnings = who_came_in(look)
    return restore, warnings


def recover(journal: RestoreJournal, configuration: Configuration | None) -> list[Recovered]:
    """Finish each restore that was cut off, or take it back; return what became of each.

    Raise NotNow if somebody is in one of the folders, AvpluginError if neither can be done.
    """
    done = []
    for restore in journal.cut_off():
        if restore.stage is Stage.EXTRACTING:
            with locked(journal.lock):
                if restore in journal.cut_off():  # else another one recovers at the same time
                    abandon(restore, journal)
            done.append(Recovered(restore, finished=False))
            continue
        with (
            nobody_in(configuration, as_folders(restore.folders)) as look,
            locked(journal.lock),
            unstoppable(),
        ):
            if restore not in journal.cut_off():
                continue  # another one recovers at the same time
            done.append(_finish_or_take_back(restore, journal, look))
    return done


def as_folders(swapped: Sequence[Swapped]) -> list[Folder]:
    """Return the folders of a restore, to find out who is in them."""
    return [
        Folder(Kind(part.kind), part.code, part.name, path, "")
        for part in swapped
        for path in part.parts
    ]


def _finish_or_take_back(
    restore: Restore, journal: RestoreJournal, look: Callable[[], None]
) -> Recovered:
    restore = dataclasses.replace(restore, owner=this_process())
    journal.note(restore)
    try:
        swap_folders(restore, look)
    except LostTrack as error:
        raise LostTrack(
            f"{restore.what} can neither be finished nor taken back: {str(error).splitlines()[0]}\n"
            f"{_where(restore)}"
        ) from error
    except RestoreError:
        abandon(restore, journal)
        return Recovered(restore, finished=False)
    restore = clear_up(restore, journal)
    if restore.undoes:
        with contextlib.suppress(StopIteration):
            journal.forget(next(one for one in journal.restores() if one.number == restore.undoes))
    return Recovered(restore, finished=True)


def _planned(folder: Swapped, configuration: Configuration | None, when: str) -> Swapped:
    """Return how the folder that was there before comes back."""
    place = Path(folder.path)
    staging = staging_for(place)
    old = Path(folder.kept) if folder.kept else staging  # nothing was there
    kept = kept_name(place, when)
    stays = _stays_now(folder, configuration)
    for path in (place, old):
        refuse_mounts(path, stays)
    swap = plan_swap(place, old, kept, stays)
    after = place if swap.attributes else old  # what stays keeps the folder around it
    return dataclasses.replace(
        folder,
        kept=str(kept),
        staging=str(staging),
        stays=tuple(str(stay) for stay in stays),
        inode=after.lstat().st_ino if os.path.lexists(after) else 0,
        swap=swap.to_json(),
    )


def _stays_now(folder: Swapped, configuration: Configuration | None) -> list[Path]:
    """Return the folders inside that kept their place then, and those that have come since."""
    inside = {Path(stay) for stay in folder.stays}
    if configuration is not None:
        known = {one.path for one in configuration.locate().folders}
        inside |= {Path(path) for path in known | left_by_restores(known)}
    inside = {
        path
        for path in inside
        if Path(folder.path) in path.parents
        and str(path) not in folder.parts
        and os.path.lexists(path)
    }
    return sorted(path for path in inside if not inside & set(path.parents))


def _where(restore: Restore) -> str:
    places = [
        path
        for folder in restore.folders
        for path in (folder.path, folder.kept, folder.staging)
        if path and os.path.lexists(path)
    ]
    return (
        f"Nothing was removed. Look, with the disks mounted as they were, at {', '.join(places)}"
        " and put them in place by hand."
    )
