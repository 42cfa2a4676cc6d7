"""The restore drill: extract a folder, prove that it came back as it was, and throw it away.

One administration at a time, so that neither the scratch space nor the memory it takes grows with
the number of administrations; starting Borg for each costs half a second.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from avplugin.borgmatic.archive import HOLD
from avplugin.borgmatic.borg import BorgError, DestinationFull, RepositoryUnavailable
from avplugin.foxpro.health import check_tables
from avplugin.foxpro.records import count_records
from avplugin.installation.scan import Contents
from avplugin.restore.extract import extract_folders
from avplugin.restore.prove import ExtractError
from avplugin.state.drills import Drilled, DrillsFile
from avplugin.state.manifest import NOT_CHECKED, FolderManifest
from avplugin.verify.candidates import Candidate
from avplugin.verify.scratch import ScratchError, missing_room, scratch_folder
from avplugin.wording import some

_NAMED = 3  # how many damaged tables a sentence names


class Status(enum.StrEnum):
    """What a drill of a folder came to."""

    PROVEN = "proven"
    FAILED = "failed"  # it did not come back as it was
    NOT_TRIED = "not tried"  # something else was in the way: no room, a locked repository


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one candidate. `reason` is a sentence, empty if it is proven.

    `damaged_before` are tables that were damaged when they were backed up already, by label and
    path. Counts are over all of its folders.
    """

    candidate: Candidate
    status: Status
    reason: str = ""
    warnings: tuple[str, ...] = ()
    damaged_before: tuple[str, ...] = ()
    records: int = 0

    @property
    def files(self) -> int:
        """How many files there are."""
        return sum(part.files for part in self.candidate.folders)

    @property
    def tables(self) -> int:
        """How many tables there are."""
        return sum(part.tables for part in self.candidate.folders)


@dataclasses.dataclass(frozen=True, slots=True)
class _Part:
    """What came out of the archive for one folder."""

    records: int
    newly_damaged: tuple[str, ...]
    damaged_before: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def failure(self) -> str:
        """Why the folder is not proven; empty if it is."""
        if not self.newly_damaged:
            return ""
        named = some(self.newly_damaged, _NAMED, "; ")
        return f"tables that were sound when they were backed up came back damaged: {named}"


def drill(
    candidates: Sequence[Candidate],
    scratch: Path,
    progress: Callable[[int, int], None],
    tell: Callable[[Verdict], None],
) -> list[Verdict]:
    """Drill the candidates one after the other, and keep what comes of each at once.

    `scratch` is the folder to extract below, `progress` gets the bytes done and of how many, `tell`
    each verdict. One that fails does not stop the others. Raise ScratchError if nothing can be
    extracted at all, StateError if an outcome cannot be kept.
    """
    for state in dict.fromkeys(candidate.source.state for candidate in candidates):
        DrillsFile(state).read()  # better now than behind an hour of work
    total = sum(candidate.size for candidate in candidates)
    done = 0
    verdicts = []
    for candidate in candidates:
        verdict, parts = _drill_one(candidate, scratch, _behind(progress, done, total))
        _keep(verdict, parts)
        verdicts.append(verdict)
        tell(verdict)
        done += candidate.size
    return verdicts


def _behind(progress: Callable[[int, int], None], before: int, total: int) -> Callable[[int], None]:
    return lambda now: progress(before + now, total)


def _drill_one(
    candidate: Candidate, scratch: Path, progress: Callable[[int], None]
) -> tuple[Verdict, dict[str, _Part]]:
    """Return the verdict, and what came of each folder, by label, as far as it got."""
    parts: dict[str, _Part] = {}
    no_room = missing_room(scratch, candidate.folders)
    if no_room:
        return Verdict(candidate, Status.NOT_TRIED, no_room), parts
    try:
        with scratch_folder(scratch) as folder:
            reader = candidate.source.reader
            out = extract_folders(reader, candidate.archive, candidate.folders, folder, progress)
            for part in candidate.folders:
                place = folder / part.archived_path
                parts[part.label] = _look_into(part, str(place), out.contents[part.label])
    except ScratchError:
        raise
    except (RepositoryUnavailable, DestinationFull) as error:
        return Verdict(candidate, Status.NOT_TRIED, _sentence(error)), {}
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        return Verdict(candidate, Status.NOT_TRIED, f"{error.strerror}{where}"), {}
    except (BorgError, ExtractError) as error:
        return Verdict(candidate, Status.FAILED, _sentence(error)), {}
    failures = [f"{label}: {part.failure}" for label, part in parts.items() if part.failure]
    warnings = (*out.warnings, *(line for part in parts.values() for line in part.warnings))
    verdict = Verdict(
        candidate,
        Status.FAILED if failures else Status.PROVEN,
        "; ".join(failures),
        warnings,
        tuple(f"{label}: {why}" for label, part in parts.items() for why in part.damaged_before),
        sum(part.records for part in parts.values()),
    )
    return verdict, parts


def _look_into(part: FolderManifest, place: str, contents: Contents) -> _Part:
    """Return what is wrong with the tables now, apart from what was wrong then, and their records.

    Where nobody looked at the tables when they were backed up, it cannot be told apart.
    """
    faults = check_tables(place, contents)
    new, old, unknown = [], [], []
    for fault in faults:
        if os.fsdecode(fault.path) in part.damaged:
            old.append(fault.why)
        elif part.table_health == NOT_CHECKED:
            unknown.append(fault.why)
        else:
            new.append(fault.why)
    warnings = [
        f"{part.label}: {why}; nobody looked at it when it was backed up" for why in unknown
    ]
    records = count_records(place, contents, {fault.path for fault in faults})
    return _Part(records, tuple(new), tuple(old), tuple(warnings))


def _keep(verdict: Verdict, parts: dict[str, _Part]) -> None:
    """Write down what came of each folder; what was not tried is as unproven as before."""
    if verdict.status is Status.NOT_TRIED:
        return
    candidate = verdict.candidate
    archive = candidate.archive
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    outcomes = []
    for part in candidate.folders:
        came_out = parts.get(part.label)
        outcomes.append(
            Drilled(
                label=part.label,
                when=now,
                archive=archive.name.removesuffix(HOLD),
                taken=archive.time,
                fingerprint=part.fingerprint,
                list_digest=part.list_digest,
                files=part.files,
                bytes=part.size,
                tables=part.tables,
                records=came_out.records if came_out is not None else 0,
                failure=came_out.failure if came_out is not None else verdict.reason,
            )
        )
    source = candidate.source
    DrillsFile(source.state).add(source.reader.listing.id, archive.series, outcomes)


def _sentence(error: Exception) -> str:
    return str(error).splitlines()[0].rstrip(".")
