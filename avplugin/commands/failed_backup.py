"""avplugin failed-backup: borgmatic's hook after a create that failed."""

from __future__ import annotations

import click

from avplugin.commands.context import Context
from avplugin.commands.hook import hook_options


@click.command("failed-backup")
@hook_options
@click.pass_obj
def command(
    context: Context, set_name: str, borgmatic_config: str | None, repository: str | None
) -> None:
    """End the run of SET that failed; its archive, if there is one, stays .unverified."""
    from avplugin.backup.after_backup import give_up  # noqa: PLC0415
    from avplugin.backup.call import make_call  # noqa: PLC0415
    from avplugin.errors import AvpluginError, UsageError  # noqa: PLC0415

    try:
        call = make_call(context.configuration, set_name, borgmatic_config, repository)
    except UsageError:
        raise
    except AvpluginError as error:
        context.detail(str(error))  # before-backup has said it, so that no run has begun
        return
    if give_up(call):
        context.say(f"{set_name}: the backup failed; an archive it left stays .unverified.")
