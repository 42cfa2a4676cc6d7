"""avplugin export: pack administrations, one file each."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from avplugin.commands.context import Context, human_size
from avplugin.commands.packing import (
    PackingWords,
    choose_password,
    open_books,
    pack,
    packing_options,
    refuse_contradictions,
)

if TYPE_CHECKING:
    from avplugin.package.books import Books
    from avplugin.package.export import Exported

_TOLD = 3  # damaged tables that are named


@click.command("export")
@click.argument("words", metavar="CODE [CODE ...] FILE|FOLDER", nargs=-1)
@packing_options
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask: make a folder that is missing.")
@click.pass_obj
def command(
    context: Context, /, words: tuple[str, ...], force: bool, yes: bool, **options: Any
) -> None:
    """Pack administrations, each with its copy documents into one ZIP with a password.

    FILE ends in .zip; any other name is a FOLDER, for a file named by code and moment. The password
    is asked for, or comes from --password-file, $AVPLUGIN_PACKAGE_PASSWORD, or 'packages' in
    accountview.yaml. 7-Zip opens such a file, and avplugin import puts it back; AccountView's own
    wizard cannot read it.

    Exit status: 0 done, 1 error, 75 somebody is in (--live). Without all packages it is not 0.
    """
    asked = PackingWords(**options)
    codes, target = _codes_and_target(words)
    refuse_contradictions(asked)
    place = _make_place(context, codes, target, replace=force, yes=yes)
    failed: dict[str, Exception] = {}
    done: dict[str, Exported] = {}
    password: list[str | None] = []  # asked for once there is something to pack
    for code in codes:
        try:
            with open_books(context, code, asked) as books:
                if not password:
                    password.append(choose_password(context, asked))
                done[code] = pack(context, books, place(books), password[0], replace=force)
            _tell(context, done[code])
        except (click.ClickException, click.Abort):
            raise
        except Exception as error:
            if not _is_of_one(error) or len(codes) == 1:
                raise
            failed[code] = error
            context.complain(f"avplugin: {code}: {_message(error)}")
    if context.as_json:
        context.answer(_document(done, failed))
    _end(codes, failed)


def _codes_and_target(words: Sequence[str]) -> tuple[list[str], str]:
    from avplugin.installation.model import code_key  # noqa: PLC0415
    from avplugin.installation.windows_path import is_windows_path  # noqa: PLC0415

    if len(words) < 2 or not words[-1]:
        raise click.UsageError("say which administrations by their codes, and behind them where to")
    target = words[-1]
    if is_windows_path(target):
        raise click.UsageError(f"{target}: where to is a path on this machine, from / on")
    return list({code_key(code): code for code in reversed(words[:-1])}.values())[::-1], target


def _make_place(
    context: Context, codes: Sequence[str], target: str, *, replace: bool, yes: bool
) -> Callable[[Books], Path]:
    """Return what says where the package of some books goes; its folder is there then."""
    from avplugin.package.export import package_name  # noqa: PLC0415
    from avplugin.package.place import refuse_place  # noqa: PLC0415
    from avplugin.package.write import refuse_present  # noqa: PLC0415

    path = Path(os.path.abspath(target))  # noqa: PTH100 - links stay, for messages
    is_file = target.lower().endswith(".zip") and not path.is_dir()
    if is_file and len(codes) > 1:
        raise click.UsageError(
            f"{target} is one file, and there is one for each administration: name a folder"
        )
    folder = path.parent if is_file else path
    refuse_place(folder, context.configuration if context.has_configuration else None)
    if is_file:
        refuse_present(path, replace=replace)
    make_folder(context, folder, ".zip", yes=yes)
    return lambda books: path if is_file else folder / package_name(books)


def make_folder(context: Context, folder: Path, suffix: str, *, yes: bool) -> None:
    """Make a folder that is missing, if somebody says so; files in it have this suffix.

    Raise AvpluginError if it cannot be made, click.Abort if it is not to be.
    """
    from avplugin.commands.questions import ask_yes  # noqa: PLC0415
    from avplugin.errors import AvpluginError  # noqa: PLC0415

    if folder.is_dir():
        return
    if os.path.lexists(folder):
        raise AvpluginError(f"{folder} is no folder.\nThe name of a file ends in {suffix}.")
    if not yes:
        if not sys.stdin.isatty() or context.as_json:
            raise click.UsageError(f"the folder {folder} does not exist: add --yes to make it")
        _ = context.texts.gettext
        question = _("The folder {folder} does not exist. Make it?").format(folder=folder)
        if not ask_yes(context, question, default=True):
            context.say(_("Nothing was written."))
            raise click.Abort
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise AvpluginError(f"cannot make {folder}: {error.strerror}.") from error


def _tell(context: Context, done: Exported) -> None:
    from avplugin.language import date_and_time  # noqa: PLC0415

    _ = context.texts.gettext
    manifest = done.manifest
    context.say(
        _("{code}, as of {moment}: {file}, {size}").format(
            code=manifest.folder.label,
            moment=date_and_time(context.texts, manifest.taken),
            file=done.file,
            size=human_size(done.size),
        )
    )
    why = [why for folder in manifest.folders for why in folder.damaged.values()]
    for line in why[:_TOLD]:
        context.warn(f"{manifest.folder.label}: {line}")
    context.detail(
        f"{len(manifest.files)} files, {human_size(manifest.size)},"
        f" from {manifest.snapshot or 'the folder itself'}"
    )


def _is_of_one(error: Exception) -> bool:
    """Return whether an error is of one package, and the others may go well."""
    from avplugin.errors import AvpluginError  # noqa: PLC0415
    from avplugin.package.passwords import PasswordError  # noqa: PLC0415

    return isinstance(error, (AvpluginError, OSError)) and not isinstance(error, PasswordError)


def _message(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{error.strerror or error}"
    return str(error)


def _end(codes: Sequence[str], failed: dict[str, Exception]) -> None:
    """Raise what says which packages are missing, if any is."""
    from avplugin.errors import AvpluginError  # noqa: PLC0415
    from avplugin.wording import some  # noqa: PLC0415

    if failed:
        raise AvpluginError(
            f"{len(failed)} of {len(codes)} packages could not be made: {some(list(failed), 20)}."
        )


def _document(done: dict[str, Exported], failed: dict[str, Exception]) -> dict[str, Any]:
    return {
        "packages": [package_document(one) for one in done.values()],
        "failed": [{"code": code, "error": _message(error)} for code, error in failed.items()],
    }


def package_document(done: Exported) -> dict[str, Any]:
    """Return a package for --json."""
    manifest = done.manifest
    return {
        "code": manifest.folder.code,
        "name": manifest.folder.name,
        "file": str(done.file),
        "bytes": done.size,
        "encrypted": done.is_encrypted,
        "archive": manifest.snapshot or None,
        "time": manifest.taken.isoformat(),
        "clean": not manifest.doubt,
        "reason": manifest.doubt,
        "folders": [
            {
                "label": folder.label,
                "path": folder.archived_path,
                "files": folder.files,
                "bytes": folder.size,
                "sessions": folder.sessions,
                "damaged": folder.damaged,
            }
            for folder in manifest.folders
        ],
        "warnings": list(done.warnings),
    }
