"""avplugin init: the first configuration, tested, with a schedule and an emergency sheet."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from avplugin.commands.context import Context

if TYPE_CHECKING:
    from avplugin.doctor.finding import Finding
    from avplugin.setup.answers import Answers, Places
    from avplugin.setup.check import Checked
    from avplugin.setup.given import Given

_FOLDER = "FOLDER"


@click.command("init")
@click.option("--sheet", "only_sheet", is_flag=True, help="Only make the emergency sheet again.")
@click.option("--name", metavar="NAME", help="First word of every archive. Default accountview.")
@click.option("--program", metavar=_FOLDER, help="Program files, as Help > Info shows it.")
@click.option("--system", metavar=_FOLDER, help="System tables, as Help > Info shows it.")
@click.option("--extra", metavar=_FOLDER, multiple=True, help="Layouts and the like; repeatable.")
@click.option("--register", metavar="FILE", help="The window Administraties, exported.")
@click.option("--column-code", metavar="COLUMN", help="Its column with the code.")
@click.option("--column-name", metavar="COLUMN", help="Its column with the name.")
@click.option("--column-folder", metavar="COLUMN", help="Its column Map administratie.")
@click.option("--column-copy-documents", metavar="COLUMN", help="Its column Map kopiedoc.")
@click.option("--folders", metavar="PATTERN", help="Instead of a register: FOLDER/*.")
@click.option(
    "--drive", "drives", metavar="DRIVE=FOLDER", multiple=True, help="Where F:\\ is here."
)
@click.option("--repository", metavar="PATH|URL", help="Where the backups go.")
@click.option("--label", metavar="NAME", help="What to call it. Default backup.")
@click.option("--encryption", metavar="MODE", help="Borg's. Default repokey-blake2.")
@click.option(
    "--sessions", metavar="HOW", help="nobody, samba, wsl, or a file of configs/sessions."
)
@click.option("--state", metavar=_FOLDER, help="What has to outlive a run.")
@click.option("--borgmatic-folder", metavar=_FOLDER, help="Where borgmatic's files go.")
@click.option("--create/--no-create", default=None, help="Make the repository. Default: yes.")
@click.option(
    "--schedule",
    type=click.Choice(("cron", "systemd", "task-scheduler", "none")),
    help="What starts the nights. Default none with --yes.",
)
@click.option("--sheet-file", metavar="FILE", help="Where the emergency sheet goes.")
@click.option("--force", is_flag=True, help="Write over a configuration; the old is kept.")
@click.option("-y", "--yes", is_flag=True, help="Ask nothing.")
@click.pass_obj
def command(
    context: Context,
    /,
    only_sheet: bool,
    state: str | None,
    borgmatic_folder: str | None,
    create: bool | None,
    schedule: str | None,
    sheet_file: str | None,
    force: bool,
    yes: bool,
    **options: Any,
) -> int:
    """Ask what a backup needs to know, write the configuration, and test it.

    Exit status: 0 done; 1 something cannot be so, or is to be looked at; 2 an option is missing.
    """
    from avplugin.commands.doctor import as_document  # noqa: PLC0415
    from avplugin.doctor.finding import Level  # noqa: PLC0415

    if only_sheet:
        made = _make_sheet(context, sheet_file)
        if context.as_json:
            context.answer({"sheet": made})
        return 0
    given = _given(options)
    places = _places(context, state, borgmatic_folder)
    asks = not yes and sys.stdin.isatty() and not context.as_json
    checked, answers = _answers(context, given, places, asks=asks, force=force)
    _write(context, checked, places, force=force)
    if create is not False and not _create(context, answers, places):
        return 1
    scheduled = _offer_schedule(context, places, schedule, asks=asks)
    sheet: str | None = None
    if create is not False:
        usual = places.configuration.with_name("emergency-sheet.txt")
        sheet = _make_sheet(context, sheet_file or str(usual))
    findings = _examine(context, places)
    _say_what_is_next(context, places)
    if context.as_json:
        context.answer(
            {
                "configuration": str(places.configuration),
                "files": [str(file) for file in checked.files],
                "warnings": list(checked.warnings),
                "schedule": scheduled,
                "sheet": sheet,
                "findings": as_document(findings),
            }
        )
    return 1 if any(finding.level is Level.ERROR for _, finding in findings) else 0


def _given(options: dict[str, Any]) -> Given:
    from avplugin.errors import UsageError  # noqa: PLC0415
    from avplugin.setup.answers import ENCRYPTIONS  # noqa: PLC0415
    from avplugin.setup.given import Given  # noqa: PLC0415

    if options["register"] and options["folders"]:
        raise UsageError("--register and --folders exclude each other.")
    if options["encryption"] not in {None, *ENCRYPTIONS}:
        raise UsageError(f"--encryption is one of {', '.join(ENCRYPTIONS)}.")
    drives = {}
    for text in options.pop("drives"):
        windows, equals, folder = text.partition("=")
        if not equals or not folder.startswith("/"):
            raise UsageError(f"--drive '{text}' is not of the form 'F:\\=/srv/accountview'.")
        drives[windows] = folder
    return Given(**{**options, "extra": list(options["extra"])}, drives=drives)


def _places(context: Context, state: str | None, borgmatic_folder: str | None) -> Places:
    import dataclasses  # noqa: PLC0415

    from avplugin.setup.answers import usual_places  # noqa: PLC0415

    places = usual_places(context.named_configuration)
    if state:
        places = dataclasses.replace(places, state=Path(state).absolute())
    if borgmatic_folder:
        places = dataclasses.replace(places, borgmatic=Path(borgmatic_folder).absolute())
    return places


def _answers(
    context: Context, given: Given, places: Places, *, asks: bool, force: bool
) -> tuple[Checked, Answers]:
    """Return the answers, checked; in a terminal, ask until somebody agrees to them."""
    from avplugin.setup.check import AnswersError, check_answers  # noqa: PLC0415
    from avplugin.setup.fill import complete  # noqa: PLC0415
    from avplugin.setup.write import refuse_existing, require_writable  # noqa: PLC0415

    require_writable(places)
    refuse_existing(dict.fromkeys([places.configuration], ""), force=force)
    interview = None
    if asks:
        from avplugin.commands.interview import Interview  # noqa: PLC0415

        interview = Interview(context, given)
        interview.run()
    while True:
        complete(given)
        answers = given.answers()
        try:
            checked = check_answers(answers, places)
            break
        except AnswersError as error:
            if interview is None:
                raise
            context.complain(f"\n{error}")
            if not interview.run_again():
                raise
    refuse_existing(checked.files, force=force)
    for warning in checked.warnings:
        context.warn(warning)
    if asks:
        _show(context, answers, checked, places)
        from avplugin.commands.questions import ask_yes  # noqa: PLC0415

        if not ask_yes(context, context.texts.gettext("Write this?"), default=True):
            raise click.Abort
    return checked, answers


def _show(context: Context, answers: Answers, checked: Checked, places: Places) -> None:
    _ = context.texts.gettext
    found = sum(1 for part in checked.installation.administrations if part.folder)
    texts = (
        (_("Program files"), answers.program),
        (_("System tables"), answers.system),
        (_("Extra folders"), ", ".join(answers.extra) or "-"),
        (_("Administrations"), str(found)),
        (_("Who is in"), answers.sessions),
        (_("Backups go to"), answers.repository),
        (_("Configuration"), str(places.configuration)),
    )
    width = max(len(title) for title, _text in texts)
    context.say("")
    for title, text in texts:
        context.say(f"{title.ljust(width)}  {text}")


def _write(context: Context, checked: Checked, places: Places, *, force: bool) -> None:
    from avplugin.setup.write import write_configuration  # noqa: PLC0415

    for line in write_configuration(checked.files, places, force=force):
        context.say(line)
    context.use_configuration(places.configuration)


def _create(context: Context, answers: Answers, places: Places) -> bool:
    """Make the repository; return whether that went well."""
    from avplugin.borgmatic.new_repository import create_repositories  # noqa: PLC0415
    from avplugin.errors import AvpluginError  # noqa: PLC0415

    file = places.borgmatic / "accountview-system.yaml"
    try:
        create_repositories(file, places.configuration, answers.encryption)
    except AvpluginError as error:
        context.complain(f"avplugin: {error}")
        context.complain(
            "The configuration is written. Correct the repository in"
            f" {places.borgmatic / 'include' / 'accountview.yaml'}, then:\n"
            f"  borgmatic --config {file} repo-create --encryption {answers.encryption}\n"
            f"  {places.command} init --sheet"
        )
        return False
    context.say(f"{answers.repository}: the repository is there, and opens with the passphrase.")
    return True


def _examine(context: Context, places: Places) -> list[tuple[str, Finding]]:
    """Have the doctor look at all of it; tell, and return, what is not fine."""
    from avplugin.commands.doctor import tell  # noqa: PLC0415
    from avplugin.doctor.finding import Level  # noqa: PLC0415

    context.say("")
    found = tell(context, only_trouble=True)
    told = [one for one in found if one[1].level is not Level.FINE]
    fine = len(found) - len(told)
    context.say(f"{places.command} doctor: {fine} things fine and {len(told)} to be looked at.")
    return told


def _offer_schedule(
    context: Context, places: Places, schedule: str | None, *, asks: bool
) -> str | None:
    """Install the schedule that is wanted, and return its scheduler; None without one."""
    from avplugin.errors import AvpluginError  # noqa: PLC0415
    from avplugin.schedule.present import suggested  # noqa: PLC0415

    fitting = suggested()
    if schedule is None and asks:
        from avplugin.commands.questions import ask_yes  # noqa: PLC0415

        _ = context.texts.gettext
        question = _("Have {scheduler} start a backup every night?").format(scheduler=fitting)
        schedule = fitting if ask_yes(context, question, default=True) else "none"
    if schedule is None or schedule == "none":
        context.say(f"No schedule yet: {places.command} schedule install --{fitting}")
        return None
    from avplugin.commands.schedule import install_usual  # noqa: PLC0415

    try:
        install_usual(context, schedule)
    except AvpluginError as error:
        context.complain(f"avplugin: {error}")
        context.complain(f"No schedule yet: {places.command} schedule install --{schedule}")
        return None
    return schedule


def _make_sheet(context: Context, file: str | None) -> str:
    """Write the emergency sheet to a file and return the file's name, or print and return it."""
    from avplugin.emergency_sheet import make_sheet, open_vaults  # noqa: PLC0415
    from avplugin.state.files import write_atomically  # noqa: PLC0415

    text = make_sheet(context.configuration, open_vaults(context.configuration), context.texts)
    if file is None:
        context.say(text)
        return text
    write_atomically(Path(file).absolute(), text.encode("utf-8"))
    context.say(
        f"{file}: the emergency sheet. Print it, write the passphrase on it, keep it elsewhere."
    )
    return file


def _say_what_is_next(context: Context, places: Places) -> None:
    _ = context.texts.gettext
    context.say("")
    context.say(
        _("Now, while nobody is logged in to AccountView: {command}; then try a restore.").format(
            command=f"{places.command} backup"
        )
    )
