"""avplugin accept: say that it was meant that so many tables are gone or damaged."""

from __future__ import annotations

import dataclasses
import sys
from typing import TYPE_CHECKING

import click

from avplugin.commands.context import Context

if TYPE_CHECKING:
    from avplugin.backup.accept import Brake


@click.command("accept")
@click.argument("set_name", metavar="[SET]", required=False)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def command(context: Context, set_name: str | None, yes: bool) -> int:
    """Accept what SET, or each set, has lost: the next backup can be clean again.

    Exit status: 0 accepted, or nothing to accept; 1 not accepted, 2 nobody is there to be asked.
    """
    from avplugin.backup.accept import accept, find_brakes  # noqa: PLC0415
    from avplugin.errors import UsageError  # noqa: PLC0415

    brakes = find_brakes(context.configuration, set_name)
    for brake in brakes:
        _show(context, brake)
    if brakes and not yes:
        if not sys.stdin.isatty():
            raise UsageError("nobody is here to be asked; --yes accepts it without asking.")
        if not click.confirm("Was all of this meant?", err=context.as_json):
            context.say("Nothing is accepted, and the brake stays on.")
            return 1
    accept(brakes)
    for brake in brakes:
        context.say(f"{brake.set} in {brake.braked.repository}: accepted.")
    if not brakes:
        context.say("The brake is off: there is nothing to accept.")
    if context.as_json:
        context.answer([_as_json(brake) for brake in brakes])
    return 0


def _show(context: Context, brake: Brake) -> None:
    show = context.complain if context.as_json else context.say
    reasons = "\n".join(brake.braked.reasons)
    show(f"{brake.set} in {brake.braked.repository}: {reasons}")


def _as_json(brake: Brake) -> dict[str, object]:
    return {
        "set": brake.set,
        "repository": brake.braked.repository,
        "repository_path": brake.path,
        "since": brake.braked.since,
        "reasons": brake.braked.reasons,
        "folders": [
            {"label": label, **dataclasses.asdict(loss)}
            for label, loss in brake.braked.losses.items()
        ],
    }
