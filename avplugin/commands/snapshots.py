"""avplugin snapshots: what there is to restore."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from avplugin.commands.context import Context, human_size
from avplugin.commands.proven import (
    NOT_KNOWN,
    failure_document,
    known_drills,
    proven_document,
    version_proven_when,
)
from avplugin.commands.source import learn, open_sources, repository_option

if TYPE_CHECKING:
    from pathlib import Path

    from avplugin.snapshots.reader import Overview, Snapshot, Version
    from avplugin.snapshots.sources import Source
    from avplugin.state.drills import Drilled, KnownDrills
    from avplugin.state.manifest import FolderManifest

# What a drill of this version of a folder, in one repository, has come to.
_Lookup: TypeAlias = "Callable[[str, FolderManifest], Drilled | None]"


@click.command("snapshots")
@click.argument("folder", metavar="[CODE|system|program|extra:NAME]", required=False)
@repository_option
@click.pass_obj
def command(context: Context, folder: str | None, repository: str | None) -> None:
    """List the snapshots; with CODE, the distinct versions of that folder, newest first.

    With --repository URL no configuration is needed: the repository and its passphrase
    (BORG_PASSPHRASE, or asked for) are enough.
    """
    if folder is None:
        _list_snapshots(context, repository)
    else:
        _list_versions(context, folder, repository)


def _list_snapshots(context: Context, repository: str | None) -> None:
    with open_sources(context, repository) as sources:
        for source in sources:
            learn(context, source, source.archives())
        if context.as_json:
            context.answer(_snapshot_documents(context, sources))
            return
        found = _overviews(context, sources)
    if not found:
        context.say("There are no snapshots yet: 'avplugin backup' makes one.")
        return
    rows = []
    for overview, proven in found:
        summary = overview.summary
        rows.append(
            (
                local_time(overview.archive.time),
                str(summary.folders) if summary else "-",
                human_size(summary.size) if summary else "-",
                str(summary.tables) if summary else "-",
                proven,
                _state(overview),
                overview.repository,
                overview.archive.name,
            )
        )
    context.print_table(
        ("Taken", ">Folders", ">Size", ">Tables", ">Proven", "State", "Repository", "Archive"), rows
    )
    for overview, _ in found:
        if _state(overview) != "clean":
            context.say(f"{overview.archive.name}: {_state(overview)}: {_why(overview)}")


def _overviews(context: Context, sources: Sequence[Source]) -> list[tuple[Overview, str]]:
    """Return what each archive holds in all, newest first, with how much of it was proven."""
    from avplugin.snapshots.proven import Proven, count_proven  # noqa: PLC0415

    found: list[tuple[Overview, str]] = []
    for source, drills in zip(sources, _drills(context, sources), strict=True):
        archives = source.archives()
        counts = count_proven(source.reader, archives, drills) if drills is not None else None
        for overview in source.reader.overview(archives):
            # Of one that is not clean nobody knows which versions it holds.
            said = "-"
            if overview.is_clean:
                said = NOT_KNOWN
            if overview.is_clean and counts is not None:
                proven, failed = counts.get(overview.archive.id, Proven())
                said = f"{proven}, {failed} FAILED" if failed else str(proven)
            found.append((overview, said))
    return sorted(found, key=lambda pair: pair[0].archive.time, reverse=True)


def _snapshot_documents(context: Context, sources: Sequence[Source]) -> list[dict[str, object]]:
    found: list[tuple[Snapshot, _Lookup | None]] = []
    for source, lookup in zip(sources, _lookups(context, sources), strict=True):
        found += [(one, lookup) for one in source.reader.snapshots(source.archives())]
    found.sort(key=lambda pair: pair[0].archive.time, reverse=True)
    return [_snapshot_document(snapshot, lookup) for snapshot, lookup in found]


def _list_versions(context: Context, folder: str, repository: str | None) -> None:
    from avplugin.errors import AvpluginError  # noqa: PLC0415

    found: list[tuple[Version, _Lookup | None]] = []
    with open_sources(context, repository) as sources:
        lookups = _lookups(context, sources)
        for source, lookup in zip(sources, lookups, strict=True):
            archives = source.archives()
            learn(context, source, archives)
            found += [(version, lookup) for version in source.reader.versions(folder, archives)]
    found.sort(key=lambda pair: pair[0].archive.time, reverse=True)
    if not found:
        raise AvpluginError(
            f"no snapshot holds {folder}.\n'avplugin snapshots' lists what there is; codes are"
            " those of the administrations."
        )
    if context.as_json:
        context.answer([_version_document(version, lookup) for version, lookup in found])
        return
    rows = [
        (
            local_time(version.archive.time),
            human_size(version.folder.size),
            str(version.folder.files),
            str(version.folder.tables),
            str(version.archives),
            NOT_KNOWN
            if lookup is None
            else version_proven_when(lookup(version.archive.series, version.folder)),
            _version_state(version),
            version.repository,
            version.archive.name,
        )
        for version, lookup in found
    ]
    newest = found[0][0].folder
    name = f" ({newest.name})" if newest.name not in {"", newest.label} else ""
    context.say(f"{newest.label}{name}: distinct versions, newest first")
    context.print_table(
        (
            *("Taken", ">Size", ">Files", ">Tables", ">Archives"),
            *("Proven", "State", "Repository", "Archive"),
        ),
        rows,
    )
    for version, _ in found:
        if not version.clean:
            context.say(f"{version.archive.name}: not clean: {version.reason}")


def _version_state(version: Version) -> str:
    state = "clean" if version.clean else "not clean"
    damaged = len(version.folder.damaged_tables)
    return f"{state}, {damaged} damaged" if damaged else state


def _lookups(context: Context, sources: Sequence[Source]) -> list[_Lookup | None]:
    """Return for each source what knows about drills; None where that cannot be read."""
    return [
        _lookup(source.reader.listing.id, drills)
        for source, drills in zip(sources, _drills(context, sources), strict=True)
    ]


def _drills(context: Context, sources: Sequence[Source]) -> list[KnownDrills | None]:
    known: dict[Path, KnownDrills | None] = {}
    for state in dict.fromkeys(source.state for source in sources):
        known[state] = known_drills(context, state)
    return [known[source.state] for source in sources]


def _lookup(repository_id: str, drills: KnownDrills | None) -> _Lookup | None:
    if drills is None:
        return None
    return lambda series, part: drills.folder(repository_id, series, part.label).of_version(part)


def _drill_document(
    part: FolderManifest, series: str, lookup: _Lookup | None
) -> dict[str, dict[str, Any] | None]:
    drilled = lookup(series, part) if lookup is not None else None
    return {"proven": proven_document(drilled), "failure": failure_document(drilled)}


def local_time(moment: datetime.datetime) -> str:
    """Return the moment in local time, to the second."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _state(overview: Overview) -> str:
    if not overview.is_clean:
        return "not clean"
    return "incomplete" if overview.summary and overview.summary.left_out else "clean"


def _why(overview: Overview) -> str:
    if not overview.is_clean or overview.summary is None:
        return overview.reason
    return f"clean, without {', '.join(overview.summary.left_out)}"


def _snapshot_document(snapshot: Snapshot, lookup: _Lookup | None) -> dict[str, object]:
    manifest = snapshot.manifest
    lookup = lookup if snapshot.is_clean else None
    return {
        "archive": snapshot.archive.name,
        "id": snapshot.archive.id,
        "time": snapshot.archive.time.isoformat(),
        "series": snapshot.archive.series,
        "repository": snapshot.repository,
        "clean": snapshot.is_clean,
        "reason": snapshot.reason,
        "accountview_version": manifest.run.accountview_version if manifest else None,
        "sessions": manifest.sessions if manifest else None,
        "folders": [
            {
                "label": part.label,
                "kind": part.kind.value,
                "code": part.code,
                "name": part.name,
                "bytes": part.size,
                "files": part.files,
                "tables": part.tables,
                "sessions": part.sessions,
                "table_health": part.table_health,
                "damaged": part.damaged,
                **_drill_document(part, snapshot.archive.series, lookup),
            }
            for part in (manifest.stored if manifest else ())
        ],
        "left_out": [
            {"label": part.label, "reason": part.left_out}
            for part in (manifest.left_out if manifest else ())
        ],
    }


def _version_document(version: Version, lookup: _Lookup | None) -> dict[str, object]:
    return {
        "label": version.folder.label,
        "name": version.folder.name,
        "time": version.archive.time.isoformat(),
        "first": version.first.isoformat(),
        "archive": version.archive.name,
        "archives": version.archives,
        "repository": version.repository,
        "clean": version.clean,
        "reason": version.reason,
        "bytes": version.folder.size,
        "files": version.folder.files,
        "tables": version.folder.tables,
        "sessions": version.folder.sessions,
        "table_health": version.folder.table_health,
        "damaged": version.folder.damaged,
        "fingerprint": version.folder.fingerprint,
        **_drill_document(version.folder, version.archive.series, lookup),
    }
