"""avplugin administrations: which administrations there are, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from avplugin.commands.context import Context, counted
from avplugin.commands.proven import (
    failure_document,
    known_drills,
    proven_document,
    proven_when,
)

if TYPE_CHECKING:
    from avplugin.state.drills import KnownDrills


@click.command("administrations")
@click.pass_obj
def command(context: Context) -> None:
    """List the administrations, their folders, when they were last proven, and what is wrong.

    Exit status: 0 all folders are there, 1 some folder is bad or the register cannot be read.
    """
    from avplugin.administrations import list_administrations  # noqa: PLC0415
    from avplugin.errors import AvpluginError  # noqa: PLC0415

    listing = list_administrations(context.configuration)
    drills = known_drills(context, context.configuration.state)
    if context.as_json:
        context.answer(
            {
                "installation": context.configuration.installation_name,
                "administrations": [
                    {
                        "code": row.administration.code,
                        "name": row.administration.name,
                        "folder": row.administration.folder.path
                        if row.administration.folder
                        else None,
                        "windows_folder": row.administration.folder.windows_path
                        if row.administration.folder
                        else None,
                        "copy_documents": [
                            folder.path for folder in row.administration.copy_documents
                        ],
                        "sets": list(row.sets),
                        "source": row.administration.source,
                        **_proven(drills, row.administration.code),
                    }
                    for row in listing.rows
                ],
                "system_folders": [
                    {
                        "label": folder.label,
                        "folder": folder.path,
                        "windows_folder": folder.windows_path,
                        **_proven(drills, folder.label),
                    }
                    for folder in listing.system_folders
                ],
                "bad": [
                    {"label": bad.label, "place": bad.place, "reason": bad.reason}
                    for bad in listing.bad
                ],
            }
        )
    else:
        rows = [
            (
                row.administration.code,
                row.administration.name,
                row.administration.folder.path if row.administration.folder else "-",
                "\n".join(folder.path for folder in row.administration.copy_documents) or "-",
                ", ".join(row.sets) or "none",
                _when(drills, row.administration.code),
            )
            for row in listing.rows
        ]
        context.print_table(("Code", "Name", "Folder", "Copy documents", "Sets", "Proven"), rows)
        for folder in listing.system_folders:
            context.say(f"{folder.label}: {folder.path} (proven: {_when(drills, folder.label)})")
    for row in listing.rows:
        if not row.sets:
            context.warn(f"{row.administration.code} is in no set: it is never backed up")
    if listing.bad:
        lines = [f"{bad.label}: {bad.why}" for bad in listing.bad]
        raise AvpluginError(
            "\n".join([f"{counted(len(lines), 'folder')} cannot be backed up:", *lines])
        )


def _when(drills: KnownDrills | None, label: str) -> str:
    return proven_when(drills.everywhere(label) if drills is not None else None)


def _proven(drills: KnownDrills | None, label: str) -> dict[str, Any]:
    """Return the keys that say what restore drills of a folder have come to."""
    known = drills.everywhere(label) if drills is not None else None
    return {
        "proven": proven_document(known.proven if known is not None else None),
        "failure": failure_document(known.failure if known is not None else None),
    }
