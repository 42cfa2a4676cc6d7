"""avplugin mail: packages by mail, there and back."""

from __future__ import annotations

import importlib
from collections.abc import Mapping

import click

# Each lives in a module of its name and is imported only when it is called, as all commands are.
_COMMANDS: Mapping[str, str] = {
    "send": "Send a package of one administration.",
    "draft": "Write a message with a package, ready to send from your own program.",
    "list": "List the messages in the mailbox that have a package.",
    "show": "Print one message.",
    "restore": "Put back the administration out of a message.",
}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click calls it
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"avplugin.commands.mail_{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group("mail", cls=_Commands)
def command() -> None:
    """Send an administration as a package by mail, or put one back that came by mail.

    The mail server and the mailbox stand in accountview.yaml, under 'mail'.
    """
