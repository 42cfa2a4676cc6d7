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
    """Say whether SET may be pruned: not while the brake is on.

    Exit status: 0 it may, 1 it may not.
    """
    from avplugin.backup.brake import refuse_to_prune  # noqa: PLC0415
    from avplugin.backup.call import make_call  # noqa: PLC0415

    refuse_to_prune(make_call(context.configuration, set_name, borgmatic_config, repository))
