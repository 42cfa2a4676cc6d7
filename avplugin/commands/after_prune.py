"""avplugin after-prune: borgmatic's hook after a prune that finished."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from avplugin.commands.context import Context, counted
from avplugin.commands.hook import hook_options

if TYPE_CHECKING:
    from avplugin.state.retention import Held

_TOLD = 4  # how many held archives the line names


@click.command("after-prune")
@hook_options
@click.pass_obj
def command(
    context: Context, set_name: str, borgmatic_config: str | None, repository: str | None
) -> None:
    """Say how many snapshots of SET were removed, and which are held and why.

    Exit status: 0 done; 1 what was removed is not what before-prune had foreseen, or it did not
    run.
    """
    from avplugin.backup.call import make_call  # noqa: PLC0415
    from avplugin.errors import AvpluginError  # noqa: PLC0415
    from avplugin.retention.after_prune import finish  # noqa: PLC0415
    from avplugin.wording import some  # noqa: PLC0415

    call = make_call(context.configuration, set_name, borgmatic_config, repository)
    pruned = finish(call)
    pruning = pruned.pruning
    where = f"{set_name} in {call.repository}"
    held = "nothing is held"
    if pruning.held:
        held = f"{len(pruning.held)} held: {some([_told(one) for one in pruning.held], _TOLD)}"
    context.say(f"{where}: {counted(len(pruning.removed), 'snapshot')} removed; {held}.")
    if context.as_json:
        context.answer(
            {
                "removed": pruning.removed,
                "held": held_document(pruning.held),
                "unmeant": pruned.unmeant,
            }
        )
    if pruned.unmeant:
        raise AvpluginError(
            f"{where}: {some(pruned.unmeant)} gone, though Borg had said before that it would keep"
            " them.\nDid another borgmatic run at the same time? 'avplugin snapshots' shows what"
            " there is."
        )


def held_document(held: Iterable[Held]) -> list[dict[str, Any]]:
    """Return held archives with why they are, as --json shows them."""
    return [
        {
            "archive": one.archive,
            "reasons": [{"label": why.label or None, "why": why.why} for why in one.reasons],
        }
        for one in held
    ]


def _told(held: Held) -> str:
    from avplugin.borgmatic.archive import HOLD  # noqa: PLC0415

    return f"{held.archive.removesuffix(HOLD)} {held.why}"
