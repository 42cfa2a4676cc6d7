"""What restore and import share: where to, the questions, the deed, and telling what was done."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click

from avplugin.commands.context import Context
from avplugin.commands.progress import byte_progress, is_seen

if TYPE_CHECKING:
    from avplugin.restore.check import Preparation
    from avplugin.restore.put_back import PutBack
    from avplugin.restore.targets import Target
    from avplugin.restore.where import Where
    from avplugin.state.restores import RestoreJournal


class Words(Protocol):
    """What stands on the command line of either."""

    @property
    def original(self) -> bool:
        """Whether it goes to where it lies, or lay."""

    @property
    def into(self) -> str | None:
        """The code of the administration whose place it takes."""

    @property
    def new(self) -> str | None:
        """The new folder it goes to."""

    @property
    def yes(self) -> bool:
        """Whether nothing is asked."""

    @property
    def dry_run(self) -> bool:
        """Whether nothing is done."""


def refuse_contradictions(words: Words) -> None:
    """Refuse words that say more than one place, or none that can be."""
    from avplugin.installation.windows_path import is_windows_path  # noqa: PLC0415

    if sum((words.original, words.into is not None, words.new is not None)) > 1:
        raise click.UsageError("say where to once: --original, --into OTHERCODE or --new FOLDER")
    if words.new == "":
        raise click.UsageError("--new needs the name of a folder")
    if words.new is not None and is_windows_path(words.new):
        raise click.UsageError("--new needs the folder's path on this machine, from / on")


def said_where(words: Words) -> Where | None:
    """Return where to, if the words say so."""
    from avplugin.restore.where import Into, New, Original  # noqa: PLC0415

    if words.original:
        return Original()
    if words.into is not None:
        return Into(words.into)
    return None if words.new is None else New(Path(words.new))


def can_ask(context: Context, words: Words) -> bool:
    """Return whether somebody is there who can be asked."""
    return sys.stdin.isatty() and not context.as_json and not words.yes


def ask_and_put_back(
    context: Context,
    words: Words,
    preparation: Preparation,
    journal: RestoreJournal,
    about: Mapping[str, object],
    *,
    to_set: Sequence[str] = (),
) -> bool:
    """Ask, put back what was shown, and tell; return whether anything was put back.

    `about` are the keys of --json that say where it came from. `to_set` are lines that say what is
    to be set in AccountView then. Raise click.Abort if somebody does not want to.
    """
    from avplugin.restore.put_back import folders_of, put_back  # noqa: PLC0415
    from avplugin.restore.who_is_in import nobody_in  # noqa: PLC0415

    if words.dry_run:
        _answer_dry_run(context, preparation, about)
        return False
    _ask(context, words, preparation)
    with nobody_in(preparation.configuration, folders_of(preparation.targets)) as look:
        size = sum(target.size for target in preparation.targets)
        with byte_progress(context, context.texts.gettext("Restoring")) as show:
            tell = (lambda now: show(now, size)) if is_seen() else None
            done = put_back(preparation, journal, tell, look)
    _report(context, preparation, done, about, to_set)
    return True


def _answer_dry_run(
    context: Context, preparation: Preparation, about: Mapping[str, object]
) -> None:
    context.say("Nothing was changed, because of --dry-run.")
    if not context.as_json:
        return
    targets = []
    for target, there in zip(preparation.targets, preparation.present, strict=True):
        present = there and {
            "files": there.files,
            "bytes": there.size,
            "changed": there.changed.isoformat() if there.changed else None,
        }
        targets.append({**_target_document(target), "there": present})
    context.answer({**about, "warnings": list(preparation.warnings), "targets": targets})


def _target_document(target: Target) -> dict[str, object]:
    return {
        "label": target.folder.label,
        "path": str(target.path),
        "files": sum(part.folder.files for part in target.parts),
        "bytes": target.size,
    }


def _ask(context: Context, words: Words, preparation: Preparation) -> None:
    """Go on only if somebody says so; for another administration by typing its code."""
    from avplugin.commands.questions import ask_line, ask_yes  # noqa: PLC0415
    from avplugin.installation.model import code_key  # noqa: PLC0415
    from avplugin.restore.where import Into  # noqa: PLC0415

    if words.yes:
        return
    if not can_ask(context, words):
        raise click.UsageError("nobody is there to ask: add --yes, or --dry-run to look only")
    _ = context.texts.gettext
    if isinstance(preparation.where, Into):
        code = preparation.where.code
        question = _("This replaces the administration {code}. Type its code to go on:")
        if code_key(ask_line(context, question.format(code=code))) != code_key(code):
            context.say(_("That is another code. Nothing was changed."))
            raise click.Abort
    elif not ask_yes(context, _("Put it back now?"), default=False):
        context.say(_("Nothing was changed."))
        raise click.Abort


def _report(
    context: Context,
    preparation: Preparation,
    done: PutBack,
    about: Mapping[str, object],
    to_set: Sequence[str],
) -> None:
    from avplugin.restore.where import New  # noqa: PLC0415

    _ = context.texts.gettext
    choice = preparation.choice
    for warning in done.warnings:
        context.warn(warning)
    for folder in done.folders:
        context.say(_("Put back: {label}, {path}").format(label=folder.label, path=folder.path))
        if folder.kept:
            context.say(_("What was there is now {path}").format(path=folder.kept))
    if any(folder.kept for folder in done.folders):
        context.say(_("'avplugin restore --undo' swaps that back."))
    if context.as_json:
        restored = [
            {**_target_document(target), "kept": folder.kept or None}
            for target, folder in zip(preparation.targets, done.folders, strict=True)
        ]
        warnings = [*preparation.warnings, *done.warnings]
        context.answer({**about, "restored": restored, "warnings": warnings})
    if isinstance(preparation.where, New) and choice.folder.kind.value == "administration":
        context.say(
            _(
                "To open it in AccountView: Bestand > Administraties, Bewerken > Toevoegen, answer"
                " Nee;\nfill in code and name, point Map administratie at the folder, and answer"
                ' Ja to "already in use".'
            )
        )
    for line in to_set:
        context.say(line)


def journal_of(context: Context) -> RestoreJournal:
    """Return the journal that a restore which begins now is noted in."""
    from avplugin.state.restores import RestoreJournal  # noqa: PLC0415

    return RestoreJournal(context.restore_state)


def journals(context: Context) -> list[RestoreJournal]:
    """Return all journals: there may have been no configuration yet when a restore began."""
    from avplugin.state.restores import RestoreJournal, state_without_configuration  # noqa: PLC0415

    states = dict.fromkeys((context.restore_state, state_without_configuration()))
    return [RestoreJournal(state) for state in states]


def refuse_while_one_is_cut_off(context: Context) -> None:
    """Clear up behind a restore that was cut off before it changed anything; refuse otherwise."""
    from avplugin.errors import AvpluginError  # noqa: PLC0415
    from avplugin.restore.put_back import abandon  # noqa: PLC0415
    from avplugin.state.restores import Stage  # noqa: PLC0415

    found = [(journal, one) for journal in journals(context) for one in journal.cut_off()]
    for journal, restore in found:
        if restore.stage is not Stage.EXTRACTING:
            raise AvpluginError(
                f"a restore was cut off ({restore.what}).\n"
                "'avplugin restore --recover' finishes it, or takes it back; do that first."
            )
        context.warn(f"a restore of {restore.what} was cut off before it had changed anything")
        try:
            abandon(restore, journal)
        except AvpluginError as error:
            context.warn(str(error).splitlines()[0])
