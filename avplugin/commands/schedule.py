"""avplugin schedule: have the nights started by cron, systemd or Windows' Task Scheduler."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from avplugin.commands.context import Context

if TYPE_CHECKING:
    from collections.abc import Callable

    from avplugin.schedule.model import Outcome, Scheduler
    from avplugin.schedule.plan import Plan

_SCHEDULERS = {
    "cron": "A file in /etc/cron.d.",
    "systemd": "Services and timers of systemd.",
    "task-scheduler": "Windows' Task Scheduler, which starts WSL.",
}


def _which(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say which scheduler: one of them, or none."""
    from avplugin.errors import UsageError  # noqa: PLC0415

    @functools.wraps(command)
    def with_scheduler(*words: Any, **given: Any) -> Any:
        named = [name for name in _SCHEDULERS if given.pop(name.replace("-", "_"))]
        if len(named) > 1:
            raise UsageError(f"--{named[0]} and --{named[1]} exclude each other.")
        return command(*words, scheduler=named[0] if named else None, **given)

    chosen: Callable[..., Any] = with_scheduler
    for name, text in reversed(_SCHEDULERS.items()):
        chosen = click.option(f"--{name}", is_flag=True, help=text)(chosen)
    return click.option(
        "--root",
        metavar="FOLDER",
        default="/",
        help="Top folder of the system meant, if not this one: an image, say.",
    )(chosen)


def _what(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say what is started and when."""
    options = (
        click.option("--every", metavar="10m", help="Start the backup so often; it knows when."),
        click.option("--at", metavar="HH:MM", help="Start the backup once a day. Default 02:00."),
        click.option("--prune-at", metavar="HH:MM", help="Prune and check. Default 06:30."),
        click.option("--mail-to", metavar="ADDRESS", help="cron: who gets what is printed."),
        click.option("--windows-user", metavar="NAME", help="Who runs WSL, as DOMAIN\\NAME."),
        click.option("--distribution", metavar="NAME", help="WSL's name of this Linux."),
        click.option(
            "--password",
            is_flag=True,
            help="Windows asks for the user's password: needed where WSL has network drives.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.group("schedule")
def command() -> None:
    """Have backups, and pruning and checks, started by this machine itself."""


@command.command("show")
@_which
@_what
@click.option("--into", metavar="FOLDER", help="Write the files there, to look at or to import.")
@click.pass_obj
def show(
    context: Context,
    /,
    scheduler: str | None,
    root: str,
    into: str | None,
    **wishes: Any,
) -> None:
    """Print what install would write, and where; without a scheduler, what is installed now.

    Exit status: 0 done, 1 something cannot be said, or nothing is installed.
    """
    from avplugin.schedule.written import write_into  # noqa: PLC0415

    if scheduler is None:
        _refuse_wishes(wishes, into)
        _show_present(context, Path(root))
        return
    chosen, plan = _plan(context, scheduler, root, wishes)
    documents = chosen.documents(plan.schedule)
    for document in documents:
        if not into:
            context.say(f"==> {document.place}\n{document.text}")
    places = write_into(Path(into), documents) if into else []
    for place in places:
        context.say(f"{place}: written.")
    if context.as_json:
        context.answer(
            {
                "scheduler": scheduler,
                "documents": [{"place": one.place, "text": one.text} for one in documents],
                "files": [str(place) for place in places],
            }
        )


@command.command("install")
@_which
@_what
@click.pass_obj
def install(context: Context, /, scheduler: str | None, root: str, **wishes: Any) -> None:
    """Write it, and say what was written. Again, it changes only what is different.

    Exit status: 0 done, 1 nothing is changed.
    """
    chosen, outcome = _install(context, scheduler, root, wishes)
    _tell(context, chosen, outcome)


def install_usual(context: Context, scheduler: str) -> None:
    """Install what `avplugin schedule install` does without further options."""
    wishes = dict.fromkeys(
        ("every", "at", "prune_at", "mail_to", "windows_user", "distribution", "password")
    )
    _, outcome = _install(context, scheduler, "/", wishes)
    _say_steps(context, outcome)


@command.command("remove")
@_which
@click.pass_obj
def remove(context: Context, scheduler: str | None, root: str) -> None:
    """Take away what install has written, and nothing else.

    Exit status: 0 done, also if there was nothing; 1 nothing is changed.
    """
    from avplugin.schedule.present import scheduler_named  # noqa: PLC0415

    _require_root(scheduler, root)
    chosen = scheduler_named(_required(scheduler))
    outcome = chosen.remove(Path(root))
    if not outcome.steps:
        context.say(f"{chosen.NAME} has no schedule of avplugin's.")
    _tell(context, chosen, outcome)


def _install(
    context: Context, scheduler: str | None, root: str, wishes: dict[str, Any]
) -> tuple[Scheduler, Outcome]:
    """Install it, show what was written, and warn of what starts borgmatic as well."""
    from avplugin.errors import AvpluginError  # noqa: PLC0415
    from avplugin.schedule.present import find_others, find_schedules  # noqa: PLC0415

    _require_root(scheduler, root)
    chosen, plan = _plan(context, scheduler, root, wishes)
    for present in find_schedules(Path(root)):
        if present.scheduler != scheduler:
            raise AvpluginError(
                f"{present.scheduler} has a schedule of avplugin's already:"
                f" {', '.join(present.places)}.\n"
                f"Two would get in each other's way: 'avplugin schedule remove"
                f" --{present.scheduler}' first."
            )
    outcome = chosen.install(plan.schedule, Path(root))
    if any(step.done == "written" for step in outcome.steps):
        for document in chosen.documents(plan.schedule):
            context.say(f"==> {document.place}\n{document.text}")
    for place in find_others(Path(root)):
        context.warn(f"{place} starts borgmatic too; one of the two is enough")
    return chosen, outcome


def _plan(
    context: Context, scheduler: str | None, root: str, wishes: dict[str, Any]
) -> tuple[Scheduler, Plan]:
    """Return the scheduler, and what is to be started; warn of what a person should know."""
    from avplugin.errors import UsageError  # noqa: PLC0415
    from avplugin.schedule.plan import (  # noqa: PLC0415
        Wishes,
        daily,
        every,
        find_programs,
        plan_schedule,
    )
    from avplugin.schedule.present import scheduler_named  # noqa: PLC0415

    chosen = scheduler_named(_required(scheduler))
    if wishes["every"] and wishes["at"]:
        raise UsageError("--every and --at exclude each other.")
    if wishes["mail_to"] and scheduler != "cron":
        raise UsageError("--mail-to is cron's; 'report: {mail_to: ...}' works with all of them.")
    on_windows = ("windows_user", "distribution", "password")
    if scheduler != "task-scheduler" and any(wishes[name] for name in on_windows):
        raise UsageError("--windows-user, --distribution and --password go with --task-scheduler.")
    wanted = Wishes(
        backup=every(wishes["every"])
        if wishes["every"]
        else (daily(wishes["at"]) if wishes["at"] else None),
        prune=daily(wishes["prune_at"]) if wishes["prune_at"] else None,
        mail_to=wishes["mail_to"],
    )
    windows = None
    if scheduler == "task-scheduler":
        from avplugin.schedule.task_scheduler import find_account  # noqa: PLC0415

        windows = find_account(
            Path(root),
            wishes["windows_user"],
            wishes["distribution"],
            has_password=bool(wishes["password"]),
        )
    plan = plan_schedule(context.configuration, wanted, find_programs(), chosen.NAME, windows)
    for warning in plan.warnings:
        context.warn(warning)
    return chosen, plan


def _show_present(context: Context, root: Path) -> None:
    from avplugin.errors import AvpluginError  # noqa: PLC0415
    from avplugin.schedule.present import find_others, find_schedules, suggested  # noqa: PLC0415

    found, others = find_schedules(root), find_others(root)
    for present in found:
        context.say(f"{present.scheduler}: {', '.join(present.places)}")
        if present.fault:
            context.warn(present.fault)
    for place in others:
        context.say(f"{place} starts borgmatic too; avplugin did not write it.")
    if context.as_json:
        context.answer(
            {"installed": [present._asdict() for present in found], "others": list(others)}
        )
    if not found and not others:
        raise AvpluginError(
            "nothing starts the backups of this machine.\n"
            f"'avplugin schedule install --{suggested(root)}' fits it."
        )


def _tell(context: Context, chosen: Scheduler, outcome: Outcome) -> None:
    _say_steps(context, outcome)
    if context.as_json:
        context.answer(
            {
                "scheduler": chosen.NAME,
                "steps": [step._asdict() for step in outcome.steps],
                "advice": list(outcome.advice),
            }
        )


def _say_steps(context: Context, outcome: Outcome) -> None:
    for step in outcome.steps:
        context.say(f"{step.place}: {step.done}.")
    for advice in outcome.advice:
        context.warn(advice)


def _required(scheduler: str | None) -> str:
    from avplugin.errors import UsageError  # noqa: PLC0415
    from avplugin.schedule.present import suggested  # noqa: PLC0415

    if scheduler is None:
        raise UsageError(
            f"say which: --cron, --systemd or --task-scheduler; --{suggested()} fits this machine."
        )
    return scheduler


def _refuse_wishes(wishes: dict[str, Any], into: str | None) -> None:
    from avplugin.errors import UsageError  # noqa: PLC0415

    if into or any(wishes.values()):
        raise UsageError("these options need --cron, --systemd or --task-scheduler as well.")


def _require_root(scheduler: str | None, root: str) -> None:
    from avplugin.errors import AvpluginError  # noqa: PLC0415

    if root == "/" and scheduler != "task-scheduler" and os.geteuid() != 0:
        raise AvpluginError(
            "only root may write a schedule for this machine: put sudo before the command."
        )
