"""avplugin before-backup: borgmatic's hook before create."""

from __future__ import annotations

import click

from avplugin.commands.context import Context, counted, human_size
from avplugin.commands.hook import hook_options


@click.command("before-backup")
@hook_options
@click.pass_obj
def command(
    context: Context, set_name: str, borgmatic_config: str | None, repository: str | None
) -> None:
    """List and fingerprint the folders of SET, and tell borgmatic whether to go on.

    Exit status: 0 go on, 75 nothing to do now, 1 error.
    """
    from avplugin.backup.before_backup import prepare  # noqa: PLC0415
    from avplugin.backup.call import make_call  # noqa: PLC0415

    call = make_call(context.configuration, set_name, borgmatic_config, repository)
    run, plan = prepare(call, context.warn)
    for bad in (*plan.left_out, *plan.in_use):
        context.warn(f"{bad.label} is left out: {bad.why}")
    context.say(
        f"{run.set}: {counted(len(plan.folders), 'folder')}, {counted(plan.files, 'file')},"
        f" {human_size(plan.size)} to back up."
    )
    if context.as_json:
        context.answer(
            {
                "set": run.set,
                "run": run.id,
                "repository": run.repository,
                "folders": len(plan.folders),
                "files": plan.files,
                "bytes": plan.size,
                "left_out": [{"label": bad.label, "reason": bad.reason} for bad in plan.left_out],
                "in_use": [{"label": bad.label, "reason": bad.reason} for bad in plan.in_use],
                "brake": run.brake,
            }
        )
