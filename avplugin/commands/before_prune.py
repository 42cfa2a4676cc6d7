"""avplugin before-prune: borgmatic's hook before prune."""

from __future__ import annotations

import click

from avplugin.commands.context import Context
from avplugin.commands.hook import hook_options


@click.command("before-prune")
@hook_options
@click.pass_obj
def command(
    context: Context, set_name: str, borgmatic_config: str | None, repository: str | None
) -> None:
    """Hold the archives of SET that pruning would take though they are needed.

    Exit status: 0 SET may be pruned; 1 it may not: the brake is on, or nobody can tell what pruning
    would remove.
    """
    from avplugin.backup.call import make_call  # noqa: PLC0415
    from avplugin.retention.before_prune import prepare  # noqa: PLC0415

    call = make_call(context.configuration, set_name, borgmatic_config, repository)
    settled = prepare(call, context.warn)
    for name in settled.newly_held:
        context.detail(f"{set_name}: {name} is held.")
    for name in settled.released:
        context.detail(f"{set_name}: {name} is held no more.")
    if context.as_json:
        from avplugin.commands.after_prune import held_document  # noqa: PLC0415

        context.answer(
            {
                "condemned": settled.condemned,
                "held": held_document(settled.held),
                "newly_held": settled.newly_held,
                "released": settled.released,
            }
        )
