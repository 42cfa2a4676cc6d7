"""The command line: parses, prints, sets exit statuses; holds no logic."""

from __future__ import annotations

import importlib
from collections.abc import Mapping

import click

from avplugin import __version__
from avplugin.commands.context import Context
from avplugin.language import LANGUAGES

# Each command lives in a module of its name and is imported only when it is called: `--help` has
# to answer at once, and a hook must not wait for what it does not use.
_COMMANDS: Mapping[str, str] = {
    "init": "Ask what a first backup needs, and write the configuration.",
    "administrations": "List the administrations and where their folders are.",
    "sessions": "Show who is in.",
    "backup": "Back up one set or all, through borgmatic, with progress.",
    "snapshots": "List the snapshots, or the versions of one folder.",
    "restore": "Put back one whole folder out of a snapshot.",
    "export": "Pack administrations, one file each, for an accountant or a client.",
    "import": "Put back one administration out of a package.",
    "mail": "Send an administration as a package by mail, or put one back that came.",
    "verify": "Prove that snapshots can be restored, or check tables where they lie.",
    "status": "Show how the backups are, and what has to be looked at.",
    "report": "Make a page on the nights, or mail the outcome of the last one.",
    "schedule": "Have the nights started by cron, systemd or the Task Scheduler.",
    "accept": "Say that it was meant that many tables are gone or damaged.",
    "doctor": "Look at everything that can be wrong before the first night.",
    "forget": "Erase one administration from every archive, for good.",
    "demo": "Generate an AccountView office to try things on.",
    "before-backup": "Hook: list what is to be stored and whether it is time.",
    "after-backup": "Hook: prove the archive clean and name it so.",
    "failed-backup": "Hook: end a run whose backup failed.",
    "before-prune": "Hook: hold what pruning must not remove, or stop it.",
    "after-prune": "Hook: tell what was removed, and what is held and why.",
    "after-check": "Hook: extract and prove some folders, when that is due.",
}

_MODULES: Mapping[str, str] = {"import": "import_package"}  # one that Python could not import


class _Commands(click.Group):
    """A group that knows its commands by name and loads one when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        name = _MODULES.get(cmd_name, cmd_name.replace("-", "_"))
        module = importlib.import_module(f"avplugin.commands.{name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--config", metavar="FILE", help="accountview.yaml to use.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else.")
@click.option("-v", "--verbose", is_flag=True, help="Say more.")
@click.option("--no-color", is_flag=True, help="Print without colours.")
@click.option(
    "--language", type=click.Choice(LANGUAGES), help="Of the wizard; default that of the locale."
)
@click.version_option(__version__, prog_name="avplugin")
@click.pass_context
def avplugin(
    ctx: click.Context,
    config: str | None,
    as_json: bool,
    verbose: bool,
    no_color: bool,
    language: str | None,
) -> None:
    """Backups of AccountView that can be trusted, on borgmatic and Borg.

    Exit status: 0 done, 1 error, 2 wrong usage, 75 not now.
    """
    ctx.obj = Context(
        config, as_json=as_json, verbose=verbose, color=not no_color, language=language
    )
