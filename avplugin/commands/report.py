"""avplugin report: what the nights came to, as a page or as a mail."""

from __future__ import annotations

import os

import click

from avplugin.commands.context import Context
from avplugin.language import LANGUAGES, language, texts_in

_PRIVATE = 0o600  # names of clients stand in it


@click.command("report")
@click.option(
    "--html", "html_file", metavar="FILE", type=click.Path(), help="Write a page to FILE."
)
@click.option(
    "--mail",
    is_flag=True,
    help="Mail the outcome of the night, once, as soon as it is known; schedules start this.",
)
@click.option("--now", "at_once", is_flag=True, help="With --mail: at once, whatever was mailed.")
@click.option(
    "--language",
    "wanted",
    type=click.Choice(LANGUAGES),
    help="Default is report.language, else that of the locale.",
)
@click.pass_obj
def command(
    context: Context, html_file: str | None, mail: bool, at_once: bool, wanted: str | None
) -> int:
    """Make a page on the last five weeks for people in the office, or mail how the night was.

    Exit status: 0 done, 1 error, 75 there is nothing to mail yet.
    """
    import datetime  # noqa: PLC0415
    from pathlib import Path  # noqa: PLC0415

    from avplugin.errors import NotNow, UsageError  # noqa: PLC0415

    if html_file is None and not mail:
        raise UsageError("say what to do: --html FILE or --mail.")
    if at_once and not mail:
        raise UsageError("--now goes with --mail.")
    context.tells_of_restores = False  # the report does
    configuration = context.configuration
    chosen = wanted or context.language or language(configuration.report.language, os.environ)
    texts = texts_in(chosen)
    now = datetime.datetime.now(datetime.UTC)
    answer: dict[str, object] = {}
    if html_file is not None:
        from avplugin.report.content import make_report  # noqa: PLC0415
        from avplugin.report.page import page  # noqa: PLC0415
        from avplugin.state.files import publish_atomically  # noqa: PLC0415

        report = make_report(configuration, now)
        publish_atomically(Path(html_file), page(report, texts, chosen), _PRIVATE)
        context.say(f"{html_file} is written.")
        answer |= {"file": html_file, "night": report.night.isoformat(), "safe": report.is_safe}
    if mail:
        from avplugin.report.mailing import mail_report  # noqa: PLC0415

        try:
            night = mail_report(configuration, now, texts, chosen, at_once=at_once)
        except NotNow as reason:
            # Started every ten minutes; cron would mail each line.
            context.detail(str(reason))
            if context.as_json:
                context.answer({**answer, "mailed": None})
            return NotNow.exit_status
        tell = context.say if at_once else context.detail
        tell(
            f"the outcome of the night of {night:%Y-%m-%d} is mailed to"
            f" {', '.join(configuration.report.mail_to)}."
        )
        answer |= {"mailed": night.isoformat(), "to": list(configuration.report.mail_to)}
    if context.as_json:
        context.answer(answer)
    return 0
