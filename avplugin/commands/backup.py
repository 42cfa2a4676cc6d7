"""avplugin backup: start borgmatic, show how far it is, and say what came of it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import click

from avplugin.commands.context import Context, counted, human_size, printable
from avplugin.commands.progress import byte_progress

if TYPE_CHECKING:
    from avplugin.backup.by_hand import Summary

NOT_NOW = 75
_NOTHING_DONE = {"not now", "unchanged"}


@click.command("backup")
@click.argument("set_name", metavar="[SET]", required=False)
@click.option(
    "--adopt",
    is_flag=True,
    help="First take over the archives another installation made: this is the same, moved here.",
)
@click.option("--force", is_flag=True, help="Though by interval or hour it is not time yet.")
@click.option("--repository", metavar="LABEL|PATH", help="Into this one of the repositories only.")
@click.option(
    "--administration",
    "codes",
    metavar="CODE",
    multiple=True,
    help="Only this one; may be given several times. Such snapshots are a series of their own.",
)
@click.pass_obj
def command(
    context: Context,
    set_name: str | None,
    adopt: bool,
    force: bool,
    repository: str | None,
    codes: tuple[str, ...],
) -> int:
    """Back up SET, or all sets, as borgmatic does at night.

    Exit status: 0 done, 1 something is wrong, 75 nothing to do in any set.
    """
    from avplugin.backup.by_hand import Wanted, Watcher, back_up, sets_wanted  # noqa: PLC0415
    from avplugin.backup.identity import adopt_archives  # noqa: PLC0415
    from avplugin.errors import AvpluginError  # noqa: PLC0415

    configuration = context.configuration
    sets = sets_wanted(configuration, set_name, codes, repository)
    statuses: list[int] = []
    summaries: list[Summary] = []
    for part in sets:
        try:
            if adopt and (adopted := adopt_archives(configuration, part)):
                context.say(f"{part.name}: the archives of installation {adopted} are continued.")
            with byte_progress(context, f"Backing up {part.name}") as show:
                watcher = Watcher(context.say, context.complain, show)
                wanted = Wanted(part, codes, repository, forced=force)
                status, found = back_up(configuration, wanted, watcher, verbose=context.verbose)
        except AvpluginError as error:
            click.echo(printable(f"avplugin: {error}"), err=True)
            statuses.append(1)
            continue
        statuses.append(_status(status, found))
        summaries += found
        for summary in found:
            _tell(context, summary)
    if context.as_json:
        context.answer([_document(summary) for summary in summaries])
    if 1 in statuses:
        return 1
    return NOT_NOW if all(status == NOT_NOW for status in statuses) else 0


def _status(status: int, summaries: list[Summary]) -> int:
    if status != 0:
        return 1
    return NOT_NOW if all(part.outcome.status in _NOTHING_DONE for part in summaries) else 0


def _document(summary: Summary) -> dict[str, object]:
    document = dataclasses.asdict(summary.outcome)
    for name in ("attended", "starts"):
        del document[name]
    new, repository = document.pop("new"), document.pop("repository_size")
    return {
        **document,
        "set": summary.set,
        "repository": summary.repository,
        "repository_path": summary.outcome.repository,
        "seconds": summary.seconds,
        "new_bytes": new,
        "repository_bytes": repository,
    }


def _tell(context: Context, summary: Summary) -> None:
    outcome = summary.outcome
    if outcome.status == "clean":
        new = f", {human_size(outcome.new)} of it new" if outcome.new is not None else ""
        context.say(
            f"{summary.set} in {summary.repository}: {counted(outcome.folders, 'folder')},"
            f" {counted(outcome.files, 'file')}, {human_size(outcome.size)} stored clean{new}; took"
            f" {summary.seconds:.0f} s."
        )
        for missing in (*outcome.left_out, *outcome.in_use):
            context.say(f"NOT stored: {missing}.")
    elif outcome.status == "unverified":
        context.say(f"{summary.set} in {summary.repository}: {outcome.archive} is NOT clean.")
    elif outcome.status == "failed":
        context.say(f"{summary.set} in {summary.repository}: NO new snapshot.")
