"""avplugin snapshots: what there is to restore."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

import click

from avplugin.commands.context import Context, human_size
from avplugin.commands.source import learn, open_sources, repository_option

if TYPE_CHECKING:
    from avplugin.snapshots.reader import Snapshot, Version


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
    found: list[Snapshot] = []
    with open_sources(context, repository) as sources:
        for source in sources:
            archives = source.archives()
            learn(context, source, archives)
            found += source.reader.snapshots(archives)
    found.sort(key=lambda snapshot: snapshot.archive.time, reverse=True)
    if context.as_json:
        context.answer([_snapshot_document(snapshot) for snapshot in found])
        return
    if not found:
        context.say("There are no snapshots yet: 'avplugin backup' makes one.")
        return
    rows = []
    for snapshot in found:
        manifest = snapshot.manifest
        stored = manifest.stored if manifest else ()
        rows.append(
            (
                local_time(snapshot.archive.time),
                str(len(stored)) if manifest else "-",
                human_size(sum(part.size for part in stored)) if manifest else "-",
                str(sum(part.tables for part in stored)) if manifest else "-",
                _state(snapshot),
                snapshot.repository,
                snapshot.archive.name,
            )
        )
    context.print_table(
        ("Taken", ">Folders", ">Size", ">Tables", "State", "Repository", "Archive"), rows
    )
    for snapshot in found:
        if _state(snapshot) != "clean":
            context.say(f"{snapshot.archive.name}: {_state(snapshot)}: {_why(snapshot)}")


def _list_versions(context: Context, folder: str, repository: str | None) -> None:
    from avplugin.errors import AvpluginError  # noqa: PLC0415

    found: list[Version] = []
    with open_sources(context, repository) as sources:
        for source in sources:
            archives = source.archives()
            learn(context, source, archives)
            found += source.reader.versions(folder, archives)
    found.sort(key=lambda version: version.archive.time, reverse=True)
    if not found:
        raise AvpluginError(
            f"no snapshot holds {folder}.\n'avplugin snapshots' lists what there is; codes are"
            " those of the administrations."
        )
    if context.as_json:
        context.answer([_version_document(version) for version in found])
        return
    rows = [
        (
            local_time(version.archive.time),
            human_size(version.folder.size),
            str(version.folder.files),
            str(version.folder.tables),
            str(version.archives),
            "clean" if version.clean else "not clean",
            version.repository,
            version.archive.name,
        )
        for version in found
    ]
    newest = found[0].folder
    name = f" ({newest.name})" if newest.name not in {"", newest.label} else ""
    context.say(f"{newest.label}{name}: distinct versions, newest first")
    context.print_table(
        ("Taken", ">Size", ">Files", ">Tables", ">Archives", "State", "Repository", "Archive"), rows
    )
    for version in found:
        if not version.clean:
            context.say(f"{version.archive.name}: not clean: {version.reason}")


def local_time(moment: datetime.datetime) -> str:
    """Return the moment in local time, to the second."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _state(snapshot: Snapshot) -> str:
    if not snapshot.is_clean:
        return "not clean"
    return "incomplete" if snapshot.manifest and snapshot.manifest.left_out else "clean"


def _why(snapshot: Snapshot) -> str:
    if not snapshot.is_clean or snapshot.manifest is None:
        return snapshot.reason
    return f"clean, without {', '.join(part.label for part in snapshot.manifest.left_out)}"


def _snapshot_document(snapshot: Snapshot) -> dict[str, object]:
    manifest = snapshot.manifest
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
            }
            for part in (manifest.stored if manifest else ())
        ],
        "left_out": [
            {"label": part.label, "reason": part.left_out}
            for part in (manifest.left_out if manifest else ())
        ],
    }


def _version_document(version: Version) -> dict[str, object]:
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
    }
