"""How an administration is packed: the options of it, the password, and the progress.

avplugin export and avplugin mail share this.
"""

from __future__ import annotations

import contextlib
import dataclasses
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from avplugin.commands.context import Context, printable
from avplugin.commands.moment import moment_of
from avplugin.commands.progress import byte_progress
from avplugin.commands.source import open_sources, repository_option

if TYPE_CHECKING:
    from avplugin.configuration.model import Configuration
    from avplugin.package.books import Books
    from avplugin.package.export import Exported
    from avplugin.snapshots.sources import Source

_Function = TypeVar("_Function", bound=Callable[..., Any])


@dataclasses.dataclass(frozen=True, slots=True)
class PackingWords:
    """What the options of packing_options say."""

    at: str | None
    archive: str | None
    unverified: bool
    live: bool
    repository: str | None
    copy_documents: bool | None
    password_file: str | None
    ask_password: bool
    no_password: bool


def packing_options(function: _Function) -> _Function:
    """Add the options that say what is packed, and with which password."""
    options = (
        click.option(
            "--at", metavar="WHEN", help="The newest clean snapshot at that moment or before."
        ),
        click.option(
            "--archive", metavar="NAME", help="Out of this snapshot; default the newest clean."
        ),
        click.option("--unverified", is_flag=True, help="Take one that was not proven clean, too."),
        click.option("--live", is_flag=True, help="As it lies there now; nobody may be in."),
        click.option(
            "--copy-documents/--without-copy-documents",
            "copy_documents",
            default=None,
            help="Whether they come along; default is copy_documents.export in accountview.yaml.",
        ),
        click.option("--password-file", metavar="FILE", help="Its first line is the password."),
        click.option(
            "--ask-password", is_flag=True, help="Ask for one though a default is configured."
        ),
        click.option(
            "--no-password", is_flag=True, help="Whoever has the file can read the books."
        ),
        repository_option,
    )
    for option in reversed(options):
        function = option(function)
    return function


def refuse_contradictions(words: PackingWords) -> None:
    """Raise UsageError for options that do not go together."""
    if words.at is not None and words.archive is not None:
        raise click.UsageError("--at and --archive both say which snapshot: give one of them")
    if words.live and (words.at or words.archive or words.unverified or words.repository):
        raise click.UsageError(
            "--live takes no snapshot: leave out --at, --archive, --unverified and --repository"
        )
    if sum((words.no_password, words.ask_password, words.password_file is not None)) > 1:
        raise click.UsageError(
            "--password-file, --ask-password and --no-password: give one of them"
        )


@contextlib.contextmanager
def open_books(context: Context, code: str, words: PackingWords) -> Iterator[Books]:
    """Yield the administration as it was asked for. Raise AvpluginError."""
    configuration = context.configuration if context.has_configuration else None
    if words.live:
        from avplugin.package.live import live_books  # noqa: PLC0415

        configuration = context.configuration
        documents = _with_copy_documents(configuration, code, words)
        with live_books(configuration, code, copy_documents=documents) as live:
            yield live
        return
    with open_sources(context, words.repository) as sources:
        yield _out_of_snapshot(context, configuration, sources, code, words)


def _out_of_snapshot(
    context: Context,
    configuration: Configuration | None,
    sources: Sequence[Source],
    code: str,
    words: PackingWords,
) -> Books:
    from avplugin.errors import UsageError  # noqa: PLC0415
    from avplugin.installation.model import Kind  # noqa: PLC0415
    from avplugin.package.books import SnapshotBooks  # noqa: PLC0415
    from avplugin.restore.choose import Wanted, choose_snapshot, last_sound  # noqa: PLC0415

    wanted = Wanted(code, words.archive, moment_of(words.at), words.unverified)
    choice = choose_snapshot(sources, wanted)
    if choice.folder.kind is not Kind.ADMINISTRATION:
        raise UsageError(
            f"{choice.folder.label} is no administration, and only those are packed.\n"
            f"'avplugin restore {code} --new FOLDER' puts any folder anywhere."
        )
    if choice.doubt:
        context.warn(f"{code}: this version was NOT proven clean: {choice.doubt}")
    if choice.folder.damaged:
        sound = last_sound(sources, choice)
        hint = f"; the last one without damage is {sound.name}" if sound else ""
        context.warn(f"{code}: tables were damaged when the snapshot was made{hint}")
    if not _with_copy_documents(configuration, choice.folder.code, words):
        choice = dataclasses.replace(choice, copy_documents=())
    elif not choice.copy_documents and words.copy_documents:
        context.warn(f"{code}: {choice.origin.name} holds no copy documents of it")
    return SnapshotBooks(choice)


def _with_copy_documents(
    configuration: Configuration | None, code: str, words: PackingWords
) -> bool:
    if words.copy_documents is not None:
        return words.copy_documents
    return configuration is None or configuration.exports_copy_documents(code)


def choose_password(context: Context, words: PackingWords) -> str | None:
    """Return the password for all packages; None for none."""
    from avplugin.configuration.packages import PackageSettings  # noqa: PLC0415
    from avplugin.package.passwords import (  # noqa: PLC0415
        VARIABLE,
        check_new_password,
        given_password,
        is_short,
    )

    _ = context.texts.gettext
    if words.no_password:
        context.warn(_("WITHOUT a password: whoever has the file can read the books"))
        return None
    file = Path(words.password_file) if words.password_file is not None else None
    settings = context.configuration.packages if context.has_configuration else PackageSettings()
    password = None if words.ask_password else given_password(file, settings)
    if password is None:
        if not sys.stdin.isatty():
            raise click.UsageError(
                "nobody is there to ask for a password: --password-file FILE, the environment"
                f" variable {VARIABLE}, or --no-password"
            )
        password = _ask_password(context)
    check_new_password(password)
    if is_short(password):
        context.warn(_("a password as short as this one can be guessed"))
    return password


def _ask_password(context: Context) -> str:
    """Ask for a password, twice and without echo, until one will do."""
    from avplugin.package.passwords import why_no_password  # noqa: PLC0415

    _ = context.texts.gettext
    while True:
        first = _ask_hidden(_("Password of the package"))
        if why := why_no_password(first):
            context.complain(_("That cannot be the password: {why}.").format(why=_(why)))
        elif _ask_hidden(_("The same once more")) == first:
            return first
        else:
            context.complain(_("Those were two different ones. Once more from the start."))


def _ask_hidden(question: str) -> str:
    answer: str = click.prompt(question, hide_input=True, default="", show_default=False, err=True)
    return answer


def pack(
    context: Context, books: Books, file: Path, password: str | None, *, replace: bool = False
) -> Exported:
    """Write a package with progress, and warn of what a person should know. Raise AvpluginError."""
    from avplugin.package.export import export  # noqa: PLC0415

    _ = context.texts.gettext
    code = books.folders[0].label
    total = sum(folder.size for folder in books.folders)
    with byte_progress(context, _("Packing {code}").format(code=printable(code))) as show:
        done = export(books, file, password, lambda now: show(now, total), replace=replace)
    for warning in done.warnings:
        context.warn(f"{code}: {warning}")
    return done
