"""How each folder of a set is: since when it has no new clean copy and why, and what is damaged."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator, Mapping, Sequence

from avplugin.backup.due import overdue_since
from avplugin.configuration.model import BackupSet
from avplugin.installation.model import Kind
from avplugin.state.catalogue import Catalogue
from avplugin.state.manifest import NOT_CHECKED, FolderManifest
from avplugin.state.moments import as_moment
from avplugin.state.outcomes import CLEAN, Outcome
from avplugin.state.waiting import WHOLE_SET
from avplugin.status.model import Fault, FolderStatus, RepositoryStatus, Trouble
from avplugin.status.repositories import Facts
from avplugin.wording import some

_TOLD = 2  # how many damaged tables are named


@dataclasses.dataclass(frozen=True, slots=True)
class _Found:
    """One folder in one repository."""

    kind: Kind
    name: str
    last_clean: datetime.datetime | None
    faults: tuple[Fault, ...]


def folders_of(
    backup_set: BackupSet,
    known: Sequence[tuple[Facts, RepositoryStatus]],
    catalogue: Catalogue,
    now: datetime.datetime,
) -> list[FolderStatus]:
    """Return how each folder of a set is, over all repositories.

    Which folders there are is what the newest clean snapshots say. Raise StateError if the
    catalogue is damaged.
    """
    found: dict[str, list[_Found]] = {}
    for facts, status in known:
        for label, one in _in_repository(facts, status, catalogue, now):
            found.setdefault(label, []).append(one)
    return [
        FolderStatus(
            kind=parts[0].kind,
            label=label,
            name=next((part.name for part in parts if part.name), ""),
            set=backup_set.name,
            last_clean=max((part.last_clean for part in parts if part.last_clean), default=None),
            faults=tuple(fault for part in parts for fault in part.faults),
        )
        for label, parts in found.items()
    ]


def _in_repository(
    facts: Facts, status: RepositoryStatus, catalogue: Catalogue, now: datetime.datetime
) -> Iterator[tuple[str, _Found]]:
    newest = next((one for one in facts.clean if catalogue.knows(one.id)), None)
    manifest = catalogue.manifest(newest.id) if newest is not None else None
    parts = {part.label: part for part in manifest.folders} if manifest is not None else {}
    last_clean = _last_clean(facts, parts, catalogue)
    for label in dict.fromkeys((*parts, *(key for key in facts.waiting if key != WHOLE_SET))):
        part = parts.get(label)
        faults = [*_standing(facts, label, part, now)]
        if part is not None:
            faults += _damage(facts, part, catalogue)
        failure = facts.drills.folder(facts.id, str(facts.series), label).failure
        if failure is not None:
            faults.append(
                Fault(Trouble.DRILL_FAILED, status.repository, failure.when, failure.failure)
            )
        clean = last_clean.get(label)
        if not faults and _is_old(facts, status, clean, now):
            faults.append(Fault(Trouble.OLD, status.repository, clean, ""))
        yield (
            label,
            _Found(
                part.kind if part is not None else Kind.ADMINISTRATION,
                part.name if part is not None else "",
                clean,
                tuple(faults),
            ),
        )


def _last_clean(
    facts: Facts, parts: Mapping[str, FolderManifest], catalogue: Catalogue
) -> dict[str, datetime.datetime | None]:
    """Return up to when each folder is in a clean snapshot with all that there was."""
    good = next((one for one in reversed(facts.outcomes) if one.is_good), None)
    missing = good.missing if good is not None else frozenset()
    found: dict[str, datetime.datetime | None] = {}
    for label, part in parts.items():
        if good is not None and not part.left_out and label not in missing:
            found[label] = good.seen
        else:
            found[label] = _newest_copy(facts, label, catalogue)
    return found


def _newest_copy(facts: Facts, label: str, catalogue: Catalogue) -> datetime.datetime | None:
    known = catalogue.folder(label)
    for archive in facts.clean:
        part = known.get(archive.id)
        if part is not None and not part.left_out:
            return archive.time
    return None


def _standing(
    facts: Facts, label: str, part: FolderManifest | None, now: datetime.datetime
) -> Iterator[Fault]:
    """Yield why there is no new copy of the folder."""
    repository = str(facts.repository)
    waiting = facts.waiting.get(label)
    if waiting is not None:
        serious = waiting.is_overdue(now, facts.set.overdue_after)
        yield Fault(Trouble.IN_USE, repository, as_moment(waiting.since), waiting.who, serious)
    elif part is not None and part.left_out:
        in_use = part.was_in_use
        yield Fault(
            Trouble.IN_USE if in_use else Trouble.LEFT_OUT,
            repository,
            _left_out_since(facts.outcomes, label),
            part.left_out,
            is_serious=not in_use,
        )


def _left_out_since(outcomes: Sequence[Outcome], label: str) -> datetime.datetime | None:
    """Return when the run began from which on no clean snapshot has the folder."""
    since = None
    for outcome in reversed(outcomes):
        if outcome.status != CLEAN:
            continue
        if label not in outcome.missing:
            break
        since = outcome.begun
    return since


def _damage(facts: Facts, part: FolderManifest, catalogue: Catalogue) -> Iterator[Fault]:
    if not part.damaged:
        return
    known = catalogue.folder(part.label)
    since, sound = None, "not sound in any snapshot that is known"
    for archive in facts.clean:
        other = known.get(archive.id)
        if other is None or other.left_out or other.table_health == NOT_CHECKED:
            continue
        if not part.damaged_tables & other.damaged_tables:
            sound = f"last sound in {archive.name}"
            break
        since = archive.time
    detail = f"{some(list(part.damaged.values()), _TOLD, '; ')}; {sound}"
    yield Fault(Trouble.DAMAGED, str(facts.repository), since, detail)


def _is_old(
    facts: Facts,
    status: RepositoryStatus,
    clean: datetime.datetime | None,
    now: datetime.datetime,
) -> bool:
    """Return whether a folder's last clean copy is old though that of the set is not."""
    if status.overdue_since is not None or clean is None:
        return False
    last = Outcome("", "", "", clean.isoformat(), clean.isoformat(), CLEAN)
    return overdue_since(facts.set, last) <= now
