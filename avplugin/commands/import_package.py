"""avplugin import: put back one administration out of a package, or out of another zip of it."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from avplugin.commands.context import Context, human_size
from avplugin.commands.put_back import (
    ask_and_put_back,
    can_ask,
    journal_of,
    refuse_contradictions,
    refuse_while_one_is_cut_off,
    said_where,
)

if TYPE_CHECKING:
    from avplugin.configuration.model import Configuration
    from avplugin.package.read import OpenZip, Package
    from avplugin.restore.check import Preparation
    from avplugin.restore.choose import Choice
    from avplugin.restore.where import Where

_TRIES = 3  # at a password


@dataclasses.dataclass(frozen=True, slots=True)
class ImportWords:
    """What stands on the command line, of import or of mail restore."""

    original: bool = False
    into: str | None = None
    new: str | None = None
    code: str | None = None
    plain: str | None = None
    password_file: str | None = None
    without_copy_documents: bool = False
    other_version: bool = False
    yes: bool = False
    dry_run: bool = False


@click.command("import")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--original", is_flag=True, help="In the place of the administration of its code.")
@click.option("--into", metavar="OTHERCODE", help="In the place of another administration.")
@click.option("--new", metavar="FOLDER", help="To a new folder, missing or empty now.")
@click.option("--code", metavar="CODE", help="Only if it is a package of this administration.")
@click.option("--plain", metavar="CODE", help="A zip of the folder of CODE, made without avplugin.")
@click.option("--password-file", metavar="FILE", help="The password is the first line of it.")
@click.option("--without-copy-documents", is_flag=True, help="Leave copy documents as they are.")
@click.option("--other-version", is_flag=True, help="Though it is of another AccountView version.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Show what would be done, and stop.")
@click.pass_obj
def command(context: Context, /, file: Path, **words: Any) -> None:
    """Put back one administration out of a package of 'avplugin export'.

    FILE is the package, or a mail with the package attached, saved as .eml. What is there now is
    kept beside it, and 'avplugin restore --undo' swaps it back.

    Exit status: 0 done, 1 error, 75 somebody is in; in the last two nothing was changed.
    """
    import_package(context, file, ImportWords(**words))


def import_package(
    context: Context, file: Path, words: ImportWords, *, place: str | None = None
) -> bool:
    """Put back the administration in a package, as the words say, or ask.

    `place` is what people are told of where the package comes from; default is its folder.
    Return whether it was put back: not with --dry-run. Raise AvpluginError, OSError,
    click.UsageError, or click.Abort if somebody does not want to; then nothing was changed.
    """
    from avplugin.restore.check import prepare  # noqa: PLC0415

    refuse_contradictions(words)
    if words.plain is not None and words.code is not None:
        raise click.UsageError("--plain says the code already: leave out --code")
    where = said_where(words)
    if where is None and not can_ask(context, words):
        raise click.UsageError("say where to: --original, --into OTHERCODE or --new FOLDER")
    context.tells_of_restores = False
    refuse_while_one_is_cut_off(context)
    configuration = context.configuration if context.has_configuration else None
    with _opened(file) as found:
        opened = found if place is None else dataclasses.replace(found, place=place)
        package = _read(context, words, opened, configuration)
        choice = _choice(words, package)
        where = where or _ask_where(context, choice, configuration)
        preparation = prepare(choice, where, configuration, other_version=words.other_version)
        _show(context, package, preparation)
        return ask_and_put_back(
            context,
            words,
            preparation,
            journal_of(context),
            _about(package, preparation),
            to_set=_to_set(context, preparation),
        )


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[OpenZip]:
    """Open the package, or the one that is attached to a saved mail."""
    from avplugin.package.read import open_zip  # noqa: PLC0415
    from avplugin.package.saved_mail import open_attached  # noqa: PLC0415

    opening = open_attached if file.suffix.lower() == ".eml" else open_zip
    with opening(file) as opened:
        yield opened


def _read(
    context: Context, words: ImportWords, opened: OpenZip, configuration: Configuration | None
) -> Package:
    from avplugin.package.copy_documents import copy_documents_inside, set_apart  # noqa: PLC0415
    from avplugin.package.plain import read_plain  # noqa: PLC0415
    from avplugin.package.read import read_package  # noqa: PLC0415
    from avplugin.restore.check import locate  # noqa: PLC0415

    code = words.plain
    if code is None:
        package = _unlocked(context, words, opened, lambda word: read_package(opened, word))
    else:
        package = _unlocked(context, words, opened, lambda word: read_plain(opened, code, word))
    if words.new is not None:
        return package
    target = words.into if words.into is not None else package.manifest.folder.code
    documents = copy_documents_inside(target, locate(configuration)[0])
    return dataclasses.replace(package, manifest=set_apart(package.manifest, documents))


def _unlocked(
    context: Context,
    words: ImportWords,
    opened: OpenZip,
    read: Callable[[str | None], Package],
) -> Package:
    """Read the package, with its password if it has one: given, or asked for three times.

    The configured password may well be another one: packages come from others.
    """
    from avplugin.commands.questions import one_line  # noqa: PLC0415
    from avplugin.configuration.packages import PackageSettings  # noqa: PLC0415
    from avplugin.errors import UsageError  # noqa: PLC0415
    from avplugin.package.member import WrongPassword  # noqa: PLC0415
    from avplugin.package.passwords import VARIABLE, given_password  # noqa: PLC0415

    if not opened.is_encrypted:
        return read(None)
    file = Path(words.password_file) if words.password_file is not None else None
    settings = context.configuration.packages if context.has_configuration else PackageSettings()
    given = given_password(file, settings)
    may_ask = can_ask(context, words)
    if given is not None:
        try:
            return read(given)
        except WrongPassword:
            if file is not None or VARIABLE in os.environ or not may_ask:
                raise
    if not may_ask:
        raise UsageError(
            f"{opened.name} has a password: give it by --password-file FILE, or in ${VARIABLE}."
        )
    for left in reversed(range(_TRIES)):
        password: str = click.prompt(
            context.texts.gettext("Password of {file}").format(file=one_line(opened.name)),
            hide_input=True,
            default="",
            show_default=False,
            err=True,
        )
        try:
            return read(password)
        except WrongPassword as error:
            if not left:
                raise
            context.complain(context.texts.gettext(str(error)))
    raise AssertionError


def _choice(words: ImportWords, package: Package) -> Choice:
    from avplugin.errors import AvpluginError  # noqa: PLC0415
    from avplugin.installation.model import code_key  # noqa: PLC0415
    from avplugin.package.origin import PackageOrigin  # noqa: PLC0415
    from avplugin.restore.choose import Choice  # noqa: PLC0415

    manifest = package.manifest
    if words.code is not None and code_key(words.code) != code_key(manifest.folder.code):
        raise AvpluginError(
            f"{package.file.name} is a package of {manifest.folder.code}, not of {words.code}."
        )
    documents = () if words.without_copy_documents else manifest.copy_documents
    origin = PackageOrigin(package)
    return Choice(origin, manifest.run, manifest.folder, documents, manifest.doubt)


def _ask_where(context: Context, choice: Choice, configuration: Configuration | None) -> Where:
    from avplugin.commands.ask_where import ask_where  # noqa: PLC0415
    from avplugin.restore.check import locate  # noqa: PLC0415
    from avplugin.restore.targets import place_of_code  # noqa: PLC0415

    folder = choice.folder
    name = f"{folder.code} ({folder.name})" if folder.name else folder.code
    place = place_of_code(folder.code, locate(configuration)[0])
    where = ask_where(context, folder, name, place)
    if where is None:
        raise click.Abort
    return where


def _show(context: Context, package: Package, preparation: Preparation) -> None:
    from avplugin.commands.check_page import show_check_page  # noqa: PLC0415
    from avplugin.restore.put_back import folders_of  # noqa: PLC0415
    from avplugin.restore.who_is_in import tell_who_is_in  # noqa: PLC0415
    from avplugin.state.manifest import NOT_CHECKED  # noqa: PLC0415

    _ = context.texts.gettext
    file, run = package.file, package.manifest.run
    packed = human_size(file.size)
    lock = _("with a password") if package.is_encrypted else _("WITHOUT a password")
    source = [(_("Package"), f"{file.name}, {file.place} ({packed}, {lock})")]
    if package.is_plain:
        source.append((_("Made by"), _("another program than avplugin")))
    else:
        made_by = _("{installation} on {host}, avplugin {version}")
        source.append(
            (
                _("Says it is of"),
                made_by.format(
                    installation=run.installation, host=run.host, version=run.avplugin_version
                ),
            )
        )
        if package.manifest.snapshot:
            source.append((_("Snapshot"), package.manifest.snapshot))
    who = tell_who_is_in(preparation.configuration, folders_of(preparation.targets))
    show_check_page(context, preparation, source, who)
    if not package.is_plain and package.sessions == NOT_CHECKED:
        context.warn(_("when the books were copied, nobody looked whether somebody was in"))
    if package.is_plain or not package.is_encrypted:
        context.warn(_("anybody can have made this package: no name in it proves who did"))
    else:
        context.warn(
            _("whoever knows the password can have made this package: no name proves who did")
        )


def _about(package: Package, preparation: Preparation) -> dict[str, object]:
    from avplugin.package.places import folders_to_set  # noqa: PLC0415

    manifest = package.manifest
    return {
        "package": package.file.name,
        "place": package.file.place,
        "encrypted": package.is_encrypted,
        "plain": package.is_plain,
        "code": manifest.folder.code,
        "name": manifest.folder.name,
        "time": manifest.taken.isoformat(),
        "archive": manifest.snapshot,
        "installation": manifest.run.installation,
        "host": manifest.run.host,
        "avplugin_version": manifest.run.avplugin_version,
        "accountview_version": manifest.run.accountview_version,
        "doubt": manifest.doubt,
        "to_set": [one._asdict() for one in folders_to_set(preparation)],
    }


def _to_set(context: Context, preparation: Preparation) -> list[str]:
    """Return lines about what is to be set in AccountView afterwards."""
    from avplugin.package.places import folders_to_set  # noqa: PLC0415

    _ = context.texts.gettext
    lines = []
    for one in folders_to_set(preparation):
        if one.kind.value == "administration":
            text = _("Map administratie is to be {here}")
        else:
            text = _(
                "Map kopiedoc (Opties > Instellingen > Administratie > Kopiedoc) is to be {here}"
            )
        if one.there:
            text += _("; where the package comes from it was {there}")
        lines.append(text.format(here=one.here, there=one.there))
    return lines
