"""The brake: whether so many tables are gone or damaged that nothing may be called clean.

That is what encryption by an intruder looks like. Everything is compared with the last clean copy
of each folder, so the brake stays on, night after night, until the tables are back or somebody
says that it was meant.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import NamedTuple

from avplugin.backup.call import Call, utc_now
from avplugin.borgmatic.archive import Archive, of_series
from avplugin.configuration.model import BrakeLimits
from avplugin.errors import AvpluginError
from avplugin.snapshots.reader import SnapshotReader
from avplugin.state.brake import Braked, BrakeFile, Loss
from avplugin.state.manifest import FolderManifest


class CleanCopy(NamedTuple):
    """The last clean copy of a folder, and the name of the archive that holds it."""

    folder: FolderManifest
    archive: str


def apply_brake(
    call: Call, reader: SnapshotReader, now: Iterable[FolderManifest], not_seen: Container[str]
) -> Braked | None:
    """Put the brake on or take it off, as the folders are now; return why it is on, None if not.

    `now` are those that can be stored. `not_seen` are labels of those that nobody looked at since
    somebody is in: what such a folder had lost the last time, it still counts as having lost. Raise
    BorgError if an archive cannot be read, StateError if it cannot be noted.
    """
    file = BrakeFile(call.state.folder)
    path, repository_id = call.repository.path, reader.listing.id
    known = file.braked(path)
    if known is not None and known.repository_id != repository_id:
        known = None  # another disk lies at this path now

    archives = of_series(reader.listing.archives, call.series)
    folders = {part.label: part for part in now}
    copies = clean_copies(archives, folders, reader)
    losses = find_losses(copies, folders, not_seen)
    if known is not None:
        losses |= {label: loss for label, loss in known.losses.items() if label in not_seen}
    tables = sum(copy.folder.tables for copy in copies.values())
    accepted = file.accepted(path, repository_id)
    is_on = are_too_many(losses, tables, accepted, call.configuration.brake)
    reasons = describe_losses(losses, tables, call.set.name)
    if not copies:
        # A new repository has nothing to compare with; another one of the set may have.
        for other in (one for place, one in file.all_braked().items() if place != path):
            losses |= other.losses
            reasons = other.reasons
            is_on = any(not loss.is_within(accepted.get(label)) for label, loss in losses.items())
    if not is_on:
        file.take_off(path)
        return None

    braked = Braked(
        repository=str(call.repository),
        repository_id=repository_id,
        since=known.since if known is not None else utc_now(),
        reasons=reasons,
        losses=losses,
        copy=known.copy if known is not None else "",
    )
    file.put_on(path, braked)
    return braked


def refuse_to_prune(call: Call) -> None:
    """Raise AvpluginError while the brake is on: older copies may be all there is."""
    braked = BrakeFile(call.state.folder).braked(call.repository.path)
    if braked is not None:
        why = "\n".join(braked.reasons[:2])  # what is lost and what to do
        raise AvpluginError(f"{call.set.name}: nothing is pruned in {call.repository}: {why}")


def find_losses(
    copies: Mapping[str, CleanCopy], now: Mapping[str, FolderManifest], not_seen: Container[str]
) -> dict[str, Loss]:
    """Return what each folder has lost since its last clean copy, by label.

    `now` says how they are, also by label. Of those `not_seen` nobody knows what they lost.
    """
    losses = {}
    for label, (before, archive) in copies.items():
        part = now.get(label)
        if label in not_seen:
            continue
        if part is None:
            loss = Loss(before.tables, before.tables, (), archive, is_missing=True)
        else:
            gone = max(before.tables - part.tables, 0)
            damaged = sorted(part.damaged_tables - before.damaged_tables)
            loss = Loss(before.tables, gone, tuple(damaged), archive)
        if loss.size:
            losses[label] = loss
    return losses


def are_too_many(
    losses: Mapping[str, Loss], tables: int, accepted: Mapping[str, Loss], limits: BrakeLimits
) -> bool:
    """Return whether one folder has lost too many of its tables, or all together of `tables`.

    What was accepted passes, and nothing beyond it. Folders that are missing as a whole count only
    among all, and only from the second one on: that one administration goes, or one share is not
    mounted, is nothing special, also where there are few.
    """
    beyond = [loss for label, loss in losses.items() if not loss.is_within(accepted.get(label))]
    if not beyond:
        return False
    missing = [loss for loss in losses.values() if loss.is_missing and loss.size]
    counting = [loss for loss in losses.values() if not loss.is_missing or len(missing) > 1]
    if _is_too_much(sum(loss.size for loss in counting), tables, limits):
        return True
    return any(
        _is_too_much(loss.size, loss.tables, limits) for loss in beyond if not loss.is_missing
    )


def describe_losses(losses: Mapping[str, Loss], tables: int, set_name: str) -> tuple[str, ...]:
    """Return sentences that say what is lost of how many tables, what to do, and where."""
    lost = sum(loss.size for loss in losses.values())
    worst_first = sorted(losses.items(), key=lambda pair: (-pair[1].size, pair[0]))
    return (
        f"the brake is on: {lost} of {tables} tables are gone or damaged since the last clean"
        " copies",
        f"if that was meant: 'avplugin accept {set_name}'; else look at the server before anything"
        " else: this is what encryption by an intruder looks like",
        *(_describe(label, loss) for label, loss in worst_first),
    )


def _is_too_much(lost: int, tables: int, limits: BrakeLimits) -> bool:
    return lost >= limits.least and lost * 100 >= limits.percent * tables


def _describe(label: str, loss: Loss) -> str:
    if loss.is_missing:
        what = f"the whole folder with its {loss.tables} tables is missing or bad"
    else:
        what = f"of {loss.tables} tables {loss.gone} are gone and {len(loss.damaged)} damaged"
    return f"{label}: {what} (last clean copy: {loss.since})"


def clean_copies(
    archives: Iterable[Archive], now: Iterable[str], reader: SnapshotReader
) -> dict[str, CleanCopy]:
    """Return the last clean copies of the folders by label, out of these archives, newest first.

    `now` are the labels of the folders that are there now. All folders of the last clean snapshot
    are among the copies. What it lacks, because somebody was in or something was wrong, is in an
    older one: it is looked for if the folder is there now, or was only busy then. A folder that was
    missing already is no news.
    """
    archives = iter(archives)
    copies: dict[str, CleanCopy] = {}
    wanted = set(now)
    for archive in archives:
        last = reader.manifest(archive) if archive.is_clean else None
        if last is not None:
            copies = {part.label: CleanCopy(part, archive.name) for part in last.stored}
            wanted |= {part.label for part in last.left_out if part.was_in_use}
            break
    for archive in archives:
        wanted -= copies.keys()
        if not wanted:
            break
        if archive.is_clean:
            found = {label: reader.stored_folder(archive, label) for label in wanted}
            copies |= {
                label: CleanCopy(part, archive.name)
                for label, part in found.items()
                if part is not None
            }
    return copies
