"""avplugin after-check: borgmatic's hook after a check."""

from __future__ import annotations

import click

from avplugin.commands.context import Context
from avplugin.commands.hook import hook_options


@click.command("after-check")
@hook_options
@click.pass_obj
def command(
    context: Context, set_name: str, borgmatic_config: str | None, repository: str | None
) -> None:
    """Extract and prove some folders of SET, and check held archives, when that is due.

    Exit status: 0 nothing is due, or all is well; 1 something was not proven.
    """
    import datetime  # noqa: PLC0415

    from avplugin.commands.progress import byte_progress  # noqa: PLC0415
    from avplugin.commands.verify import tell_verdict, verdict_document  # noqa: PLC0415
    from avplugin.errors import AvpluginError  # noqa: PLC0415
    from avplugin.verify.after_check import after_check, what_is_due  # noqa: PLC0415
    from avplugin.verify.drill import Status  # noqa: PLC0415

    configuration = context.configuration
    configuration.backup_set(set_name)
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    if repository is not None and not what_is_due(configuration, set_name, repository, now):
        _say_not_due(context, set_name)
        return
    from avplugin.backup.call import make_call  # noqa: PLC0415 - loads borgmatic: 0.1 s

    call = make_call(configuration, set_name, borgmatic_config, repository)
    if not what_is_due(configuration, set_name, call.repository.path, now):
        _say_not_due(context, set_name)
        return
    with byte_progress(context, f"Proving {set_name}") as show:
        checked = after_check(
            configuration,
            set_name,
            call.repository,
            now,
            show,
            lambda verdict: tell_verdict(context, verdict),
        )
    if context.as_json:
        context.answer(
            {
                "due": True,
                "drilled": [verdict_document(verdict) for verdict in checked.verdicts],
                "held": list(checked.held),
                "faults": list(checked.faults),
            }
        )
    bad = [one for one in checked.verdicts if one.status is not Status.PROVEN]
    lines = [f"{set_name}: {fault}." for fault in checked.faults]
    if bad:
        named = ", ".join(one.candidate.folder.label for one in bad)
        lines.insert(
            0,
            f"{set_name}: {len(bad)} of {len(checked.verdicts)} folders not proven out of"
            f" {call.repository}: {named}.\n{bad[0].candidate.folder.label}: {bad[0].reason}.",
        )
    if lines:
        raise AvpluginError("\n".join(lines))


def _say_not_due(context: Context, set_name: str) -> None:
    context.detail(f"{set_name}: no restore drill is due.")
    if context.as_json:
        context.answer({"due": False, "drilled": [], "held": [], "faults": []})
