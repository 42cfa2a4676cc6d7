"""avplugin restore: put back one whole folder."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from avplugin.commands.context import Context, counted, human_size
from avplugin.commands.progress import byte_progress
from avplugin.commands.snapshots import local_time
from avplugin.commands.source import open_sources, repository_option

if TYPE_CHECKING:
    from avplugin.restore.choose import Choice
    from avplugin.restore.put_back import Restored, Target


@click.command("restore")
@click.argument("folder", metavar="CODE|system|program|extra:NAME")
@click.option("--original", is_flag=True, help="Where it was; that must be missing or empty now.")
@click.option("--new", metavar="FOLDER", help="To a new folder.")
@click.option(
    "--archive", metavar="NAME", help="Out of this snapshot; default the newest clean one."
)
@repository_option
@click.pass_obj
def command(
    context: Context,
    folder: str,
    original: bool,
    new: str | None,
    archive: str | None,
    repository: str | None,
) -> None:
    """Put back one whole folder out of a clean snapshot, with its copy documents.

    A folder that holds data is never written over. With --repository URL no configuration is
    needed.
    """
    from avplugin.restore.choose import choose_snapshot  # noqa: PLC0415
    from avplugin.restore.places import new_places, original_places  # noqa: PLC0415
    from avplugin.restore.put_back import leave_what_is_there, plan_targets, put_back  # noqa: PLC0415
    from avplugin.restore.who_is_in import nobody_in  # noqa: PLC0415

    if original == (new is not None):
        raise click.UsageError("say where to: --original or --new FOLDER")
    if new == "":
        raise click.UsageError("--new needs the name of a folder")
    with open_sources(context, repository) as sources:
        choice = choose_snapshot(sources, folder, archive)
        _announce(context, choice)
        if new is not None:
            places = new_places(choice, Path(new))
        else:
            places = original_places(context.configuration if context.has_configuration else None)
        targets = plan_targets(choice, places)
        present: tuple[Target, ...] = ()
        if original:
            targets, present = leave_what_is_there(targets)
        with contextlib.ExitStack() as stack:
            look: Callable[[], None] = lambda: None  # noqa: E731 - nothing to look at
            if context.has_configuration:
                look = stack.enter_context(nobody_in(context.configuration, targets))
            with byte_progress(context, "Restoring") as show:
                restored = put_back(choice, targets, lambda done: show(done, choice.size), look)
            for target in present:
                context.say(f"{target.folder.label}: {target.path} holds data and stays as it is.")
            _report(context, choice, restored, is_new=new is not None)


def _announce(context: Context, choice: Choice) -> None:
    folder = choice.folder
    name = f" ({folder.name})" if folder.name not in {"", folder.label} else ""
    documents = " with its copy documents" if choice.copy_documents else ""
    context.say(
        f"{folder.label}{name}{documents}: {human_size(choice.size)},"
        f" {counted(folder.tables, 'table')}, from"
        f" {choice.archive.name}, taken {local_time(choice.archive.time)}."
    )


def _report(context: Context, choice: Choice, restored: Restored, *, is_new: bool) -> None:
    for warning in restored.warnings:
        context.warn(warning)
    for target in restored.targets:
        context.say(f"Put back, as its manifest says it was: {target.folder.label}, {target.path}")
    if context.as_json:
        context.answer(
            {
                "archive": choice.archive.name,
                "time": choice.archive.time.isoformat(),
                "repository": str(choice.source.reader.repository),
                "restored": [
                    {
                        "label": target.folder.label,
                        "path": str(target.path),
                        "files": sum(part.files for part in target.folders),
                        "bytes": target.size,
                    }
                    for target in restored.targets
                ],
                "warnings": list(restored.warnings),
            }
        )
    if is_new and choice.folder.kind.value == "administration":
        context.say(
            "To open it in AccountView: Bestand > Administraties, Bewerken > Toevoegen, answer Nee;"
            "\nfill in code and name, point Map administratie at the folder, and answer Ja to"
            ' "already in use".'
        )
