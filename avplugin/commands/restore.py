"""avplugin restore: put back one whole folder, undo that, or finish what was cut off."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from avplugin.commands.context import Context
from avplugin.commands.moment import moment_of
from avplugin.commands.put_back import (
    ask_and_put_back,
    can_ask,
    journal_of,
    journals,
    refuse_contradictions,
    refuse_while_one_is_cut_off,
    said_where,
)
from avplugin.commands.source import open_sources, repository_option

if TYPE_CHECKING:
    from avplugin.configuration.model import Configuration
    from avplugin.restore.check import Preparation
    from avplugin.restore.choose import Choice
    from avplugin.restore.where import Where
    from avplugin.snapshots.sources import Source
    from avplugin.state.restores import Restore


@dataclasses.dataclass(frozen=True, slots=True)
class _Words:
    """What stands on the command line."""

    folder: str | None
    original: bool
    into: str | None
    new: str | None
    at: str | None
    archive: str | None
    unverified: bool
    without_copy_documents: bool
    other_version: bool
    yes: bool
    dry_run: bool


@click.command("restore")
@click.argument("folder", metavar="[CODE|system|program|extra:NAME]", required=False)
@click.option("--original", is_flag=True, help="To where it lies, or lay, in the installation.")
@click.option("--into", metavar="OTHERCODE", help="In the place of another administration.")
@click.option("--new", metavar="FOLDER", help="To a new folder, missing or empty now.")
@click.option("--at", metavar="WHEN", help="The newest clean snapshot at that moment or before.")
@click.option("--archive", metavar="NAME", help="Out of this snapshot; default the newest clean.")
@click.option("--unverified", is_flag=True, help="Take one that was not proven clean, too.")
@click.option("--without-copy-documents", is_flag=True, help="Leave copy documents as they are.")
@click.option("--other-version", is_flag=True, help="Though it is of another AccountView version.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Show what would be done, and stop.")
@click.option("--undo", is_flag=True, help="Swap back what the last restore replaced.")
@click.option("--recover", is_flag=True, help="Finish, or take back, a restore that was cut off.")
@repository_option
@click.pass_obj
def command(
    context: Context,
    /,
    undo: bool,
    recover: bool,
    repository: str | None,
    **words: Any,
) -> None:
    """Put back one whole folder out of a snapshot, with its copy documents.

    Without arguments, in a terminal, it asks. What is there now is kept beside it. With
    --repository URL no configuration is needed.

    Exit status: 0 done, 1 error, 75 somebody is in; in the last two nothing was changed.
    """
    asked = _Words(**words)
    if undo or recover:
        plain = dataclasses.replace(asked, yes=False, dry_run=False)
        if undo and not recover:
            plain = dataclasses.replace(plain, folder=None)
        if (undo and recover) or repository or any(dataclasses.astuple(plain)):
            raise click.UsageError(
                "--undo and --recover stand alone, but for --yes, --dry-run, and CODE --undo"
            )
    _refuse_contradictions(asked)
    context.tells_of_restores = False
    if recover:
        _recover(context, asked)
    elif undo:
        _undo(context, asked)
    else:
        _restore_or_say_what_not(context, asked, repository)


def _refuse_contradictions(words: _Words) -> None:
    refuse_contradictions(words)
    if words.at is not None and words.archive is not None:
        raise click.UsageError("--at and --archive both say which snapshot: give one of them")
    if words.at is not None and words.folder is None:
        raise click.UsageError("--at needs CODE: which folder at that moment?")


def _restore_or_say_what_not(context: Context, words: _Words, repository: str | None) -> None:
    from avplugin.borgmatic.borg import BorgError  # noqa: PLC0415

    try:
        _restore(context, words, repository)
    except BorgError as error:  # it names the repository only
        raise type(error)(f"{words.folder or 'nothing'} is not put back: {error}") from error


def _restore(context: Context, words: _Words, repository: str | None) -> None:
    from avplugin.restore.check import prepare  # noqa: PLC0415

    journal = journal_of(context)
    refuse_while_one_is_cut_off(context)
    where = said_where(words)
    is_open = words.folder is None or where is None
    if is_open and not can_ask(context, words):
        missing = "which folder, by its code" if words.folder is None else "where to"
        raise click.UsageError(
            f"say {missing}: CODE and --original, --into OTHERCODE or --new FOLDER"
        )
    configuration = context.configuration if context.has_configuration else None
    unreachable: list[str] = []  # the wizard shows them among the others
    tell = unreachable.append if is_open else None
    at = moment_of(words.at)
    with open_sources(context, repository, tell) as sources:
        choice, where = _choose(context, words, at, sources, where, unreachable)
        preparation = prepare(choice, where, configuration, other_version=words.other_version)
        _show(context, configuration, sources, preparation, at)
        about = {
            "archive": choice.origin.name,
            "time": choice.origin.time.isoformat(),
            "repository": choice.origin.place,
        }
        ask_and_put_back(context, words, preparation, journal, about)


def _choose(
    context: Context,
    words: _Words,
    at: datetime.datetime | None,
    sources: Sequence[Source],
    where: Where | None,
    unreachable: Sequence[str],
) -> tuple[Choice, Where]:
    """Return what is put back and where to, by the command line or by asking."""
    from avplugin.restore.choose import Wanted, choose_snapshot  # noqa: PLC0415

    archive, unverified, documents = words.archive, words.unverified, True
    label = words.folder
    if label is None or where is None:
        from avplugin.commands.wizard import ask  # noqa: PLC0415
        from avplugin.restore.check import locate  # noqa: PLC0415
        from avplugin.restore.targets import original_places  # noqa: PLC0415

        if label is not None and at is not None:
            archive = choose_snapshot(sources, Wanted(label, None, at, unverified)).origin.name
        configuration = context.configuration if context.has_configuration else None
        places = original_places(locate(configuration)[0])
        asked = ask(
            context,
            sources,
            label,
            archive,
            places,
            where=where,
            copy_documents=False if words.without_copy_documents else None,
            unreachable=unreachable,
        )
        sources, label, archive = [asked.source], asked.label, asked.archive.name
        unverified, where, documents = asked.unverified, asked.where, asked.copy_documents
        at = None
    choice = choose_snapshot(sources, Wanted(label, archive, at, unverified))
    if words.without_copy_documents or not documents:
        choice = dataclasses.replace(choice, copy_documents=())
    return choice, where


def _show(
    context: Context,
    configuration: Configuration | None,
    sources: Sequence[Source],
    preparation: Preparation,
    at: datetime.datetime | None,
) -> None:
    from avplugin.commands.check_page import show_check_page  # noqa: PLC0415
    from avplugin.restore.choose import last_sound  # noqa: PLC0415
    from avplugin.restore.put_back import folders_of  # noqa: PLC0415
    from avplugin.restore.who_is_in import tell_who_is_in  # noqa: PLC0415

    who = tell_who_is_in(configuration, folders_of(preparation.targets))
    sound = last_sound(sources, preparation.choice)
    origin = preparation.choice.origin
    source = [(context.texts.gettext("Snapshot"), f"{origin.name}, {origin.place}")]
    show_check_page(context, preparation, source, who, at, sound.name if sound else "")


def _undo(context: Context, words: _Words) -> None:
    from avplugin.commands.check_page import show_undo_page  # noqa: PLC0415
    from avplugin.commands.questions import ask_yes  # noqa: PLC0415
    from avplugin.restore.undo import find_undoable, look_at, undo  # noqa: PLC0415

    configuration = context.configuration if context.has_configuration else None
    journal = journal_of(context)
    refuse_while_one_is_cut_off(context)
    last = find_undoable(journal, words.folder)
    _ = context.texts.gettext
    show_undo_page(context, last, look_at(last, configuration))
    if words.dry_run:
        context.say("Nothing was changed, because of --dry-run.")
        if context.as_json:
            context.answer(_as_document(last))
        return
    if not words.yes:
        if not can_ask(context, words):
            raise click.UsageError("nobody is there to ask: add --yes, or --dry-run to look only")
        if not ask_yes(context, _("Undo it now?"), default=False):
            context.say(_("Nothing was changed."))
            raise click.Abort
    done, warnings = undo(journal, last, configuration)
    for warning in warnings:
        context.warn(warning)
    for folder in done.folders:
        context.say(_("Undone: {path}").format(path=folder.path))
        if folder.kept:
            context.say(_("What was there till now is {path}").format(path=folder.kept))
    if context.as_json:
        context.answer(_as_document(done))


def _recover(context: Context, words: _Words) -> None:
    from avplugin.restore.undo import recover  # noqa: PLC0415

    configuration = context.configuration if context.has_configuration else None
    if words.dry_run:
        for restore in (one for journal in journals(context) for one in journal.cut_off()):
            context.say(f"{restore.what} was cut off while {restore.stage.value}.")
        context.say("Nothing was changed, because of --dry-run.")
        return
    recovered = [one for journal in journals(context) for one in recover(journal, configuration)]
    if context.as_json:
        context.answer(
            [{**_as_document(one.restore), "finished": one.finished} for one in recovered]
        )
    if not recovered:
        context.say("No restore was cut off.")
    for one in recovered:
        if one.finished:
            what = "Finished undoing" if one.restore.undoes else "Finished"
            context.say(f"{what}: {one.restore.what}.")
            for folder in one.restore.folders:
                kept = f"; what was there is now {folder.kept}" if folder.kept else ""
                context.say(f"  {folder.path}{kept}")
        else:
            context.say(f"Taken back: {one.restore.what}. Its folders are as they were before.")


def _as_document(restore: Restore) -> dict[str, object]:
    return {
        "what": restore.what,
        "folders": [
            {"label": folder.label, "path": folder.path, "kept": folder.kept or None}
            for folder in restore.folders
        ],
    }
