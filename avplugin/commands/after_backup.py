"""avplugin after-backup: borgmatic's hook after a create that finished."""

from __future__ import annotations

import click

from avplugin.commands.context import Context, counted, human_size
from avplugin.commands.hook import hook_options


@click.command("after-backup")
@hook_options
@click.pass_obj
def command(
    context: Context, set_name: str, borgmatic_config: str | None, repository: str | None
) -> None:
    """Prove the archive of SET clean and give it its final name.

    Exit status: 0 clean, and complete but for folders that somebody is in; 1 not proven clean, or
    a folder was left out because something is wrong with it.
    """
    from avplugin.backup.after_backup import finish  # noqa: PLC0415
    from avplugin.backup.call import make_call  # noqa: PLC0415
    from avplugin.errors import AvpluginError  # noqa: PLC0415

    call = make_call(context.configuration, set_name, borgmatic_config, repository)
    result = finish(call)
    outcome = result.outcome
    for warning in result.warnings:
        context.warn(warning)
    context.say(
        f"{set_name}: {outcome.archive} is clean: {counted(outcome.folders, 'folder')},"
        f" {counted(outcome.files, 'file')}, {human_size(outcome.size)}."
    )
    if context.as_json:
        context.answer(
            {
                "archive": outcome.archive,
                "left_out": outcome.left_out,
                "in_use": outcome.in_use,
                "faults": result.faults,
            }
        )
    faults = list(result.faults)
    if outcome.left_out:
        count = counted(len(outcome.left_out), "folder")
        faults += [f"{set_name}: {count} left out:", *outcome.left_out]
    if faults:
        raise AvpluginError("\n".join(faults))
