"""avplugin forget: erase one administration from every archive, after asking."""

from __future__ import annotations

import contextlib
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from avplugin.commands.context import Context, counted
from avplugin.commands.source import learn
from avplugin.wording import some

if TYPE_CHECKING:
    from avplugin.borgmatic.archive import Archive
    from avplugin.forget.perform import Forgotten, Result
    from avplugin.forget.plan import Plan, RepositoryPlan
    from avplugin.snapshots.sources import Source

_TOLD = 5  # how many folders of a kind the page names


@click.command("forget")
@click.argument("code", metavar="CODE")
@click.option("--repository", metavar="LABEL|URL", help="Only this one of the configured ones.")
@click.option("-n", "--dry-run", is_flag=True, help="Show what would be done, and stop.")
@click.option(
    "--confirm", metavar="CODE", help="The code once more, where nobody is there to type it."
)
@click.option(
    "--server-allows-deletion",
    is_flag=True,
    help="You know that the server of a repository is not append-only.",
)
@click.pass_obj
def command(
    context: Context,
    code: str,
    repository: str | None,
    dry_run: bool,
    confirm: str | None,
    server_allows_deletion: bool,
) -> int:
    """Erase the administration CODE from every archive of every repository, for good.

    It must have left AccountView and the list of administrations before. A receipt says what was
    erased and what was proven. One that was cut off is finished by starting it again.

    Exit status: 0 erased, or --dry-run; 1 not, or something of it is still there; 2 not confirmed;
    75 a backup is under way.
    """
    from avplugin.errors import AvpluginError, UsageError  # noqa: PLC0415
    from avplugin.forget.perform import forget  # noqa: PLC0415
    from avplugin.forget.plan import make_plan  # noqa: PLC0415
    from avplugin.installation.model import code_key  # noqa: PLC0415
    from avplugin.snapshots.sources import configured_sources  # noqa: PLC0415

    if confirm is not None and code_key(confirm) != code_key(code):
        raise UsageError(f"--confirm {confirm} is not {code}: nothing was changed.")
    faults: list[str] = []

    def read(source: Source, archives: Sequence[Archive]) -> None:
        learn(context, source, archives)

    with configured_sources(context.configuration, repository, faults.append) as sources:
        if faults:
            raise AvpluginError(
                f"{faults[0]}\nIt may hold {code} too: mend that first, or name one that can be"
                " read with --repository."
            )
        plan = make_plan(context.configuration, code, sources, repository is not None, read)
        _show(context, plan)
        if dry_run:
            if context.as_json:
                context.answer(_plan_document(plan))
            return 0
        unsure = [one for one in plan.repositories if one.append_only]
        if unsure and not server_allows_deletion:
            raise UsageError(
                f"{unsure[0].name} may be append-only ({unsure[0].append_only}): then nothing would"
                " become free.\nIf deletion is allowed there, say so with --server-allows-deletion."
            )
        if confirm is None and not _is_confirmed(context, plan.traces.code):
            context.say("That is not the code. Nothing was changed.")
            return 1
        with _bar(context) as progress:
            result = forget(plan, progress)
    _tell(context, plan, result)
    if context.as_json:
        context.answer(_result_document(plan, result))
    return 0 if result.is_proven else 1


def _show(context: Context, plan: Plan) -> None:
    """Print the page that says what will happen; with --json it goes to standard error."""
    show = context.complain if context.as_json else context.say
    show(f"Forget {_title(plan)}, for good:")
    for one in plan.repositories:
        show(f"  {one.name}: {_archives(one)}")
        if one.emptied:
            show(f"    nothing else is in {len(one.emptied)} of them, which are deleted")
        if one.append_only:
            show(f"    may be append-only: {one.append_only}")
    for path in plan.traces.paths[:_TOLD]:
        show(f"  out of these goes what lay in {path}")
    if len(plan.traces.paths) > _TOLD:
        show(f"  ... and {len(plan.traces.paths) - _TOLD} more")
    named = sum(len(one.affected) - _holding(one) for one in plan.repositories)
    if named:
        show(
            f"  {counted(named, 'more archive')} only name it (in accountview.yaml, as it was then,"
        )
        show("  or since it lay in another folder); that goes too")
    for path in plan.shared:
        show(f"  stays, since it is another administration's as well: {path}")
    for path in plan.on_disk:
        show(f"  stays on this machine; remove it yourself: {path}")
    if plan.others:
        others = ", ".join(plan.others)
        show(f"  {others} may hold it too, and is not touched; nor what this machine has noted")
    if plan.goes_on:
        show("  An earlier start was cut off; this one finishes it.")
    show(f"It takes about {_duration(plan.seconds)}. No backup can run meanwhile.")
    show("Copies of the repository, logs of borgmatic and cron, and paper are not touched.")


def _title(plan: Plan) -> str:
    names = [name for name in plan.traces.names if name != plan.traces.code]
    return f"{plan.traces.code} ({some(names)})" if names else plan.traces.code


def _archives(plan: RepositoryPlan) -> str:
    count = _holding(plan)
    states = Counter(one.state for one in plan.affected if one.holds)
    order = ("clean", "held", "unverified", "checkpoint")
    parts = ", ".join(f"{states[state]} {state}" for state in order if states[state])
    detail = f" ({parts})" if parts else ""
    return f"it is in {count} of {counted(plan.archives, 'archive')}{detail}"


def _holding(plan: RepositoryPlan) -> int:
    return sum(1 for one in plan.affected if one.holds)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(round(seconds / 10), 1) * 10} seconds"
    minutes = round(seconds / 60)
    return f"{minutes} minutes" if minutes < 120 else f"{round(minutes / 60)} hours"


def _is_confirmed(context: Context, code: str) -> bool:
    """Return whether somebody types the code. Raise UsageError where nobody can."""
    from avplugin.errors import UsageError  # noqa: PLC0415
    from avplugin.installation.model import code_key  # noqa: PLC0415

    if not sys.stdin.isatty():
        raise UsageError(f"nobody is here to be asked; '--confirm {code}' does it without asking.")
    typed: str = click.prompt(
        f"Type the code ({code}) to go on, anything else to stop",
        default="",
        show_default=False,
        err=context.as_json,
    )
    return code_key(typed) == code_key(code)


@contextlib.contextmanager
def _bar(context: Context) -> Iterator[Callable[[str, int, int], None]]:
    """Yield a function to call with what is done, how many archives of it are, and of how many."""
    if not sys.stderr.isatty():
        yield lambda _what, _done, _total: None
        return
    from rich.progress import Progress  # noqa: PLC0415 - 0.1 s

    with (
        Progress(console=context.error_console, transient=True) as progress,
        context.printing_above(progress.console),
    ):
        task = progress.add_task("", total=None)

        def show(what: str, done: int, total: int) -> None:
            progress.update(task, description=what, completed=done, total=total or None)

        yield show


def _tell(context: Context, plan: Plan, result: Result) -> None:
    for one in result.repositories:
        context.say(
            f"{one.repository}: {counted(len(one.changed), 'archive')} changed. {_proof(one)}"
        )
        for doubt in one.doubts:
            context.warn(f"{one.repository}: {doubt}")
    for path in result.on_disk:
        context.say(f"Still on this machine: {path}")
    if plan.others:
        context.say(f"Still to be done: {', '.join(plan.others)}.")
    context.say(f"Receipt: {result.receipt}")


def _proof(one: Forgotten) -> str:
    found = one.found
    if found.listed or found.known or found.on_disk:
        return "NOT all of it is gone."
    if found.on_disk is None:
        return "No archive lists it; whether the server has freed its bytes is not proven."
    return f"No archive lists it, and none of its {found.gone} chunks is stored any more."


def _plan_document(plan: Plan) -> dict[str, Any]:
    return {
        "code": plan.traces.code,
        "names": list(plan.traces.names),
        "folders": list(plan.traces.paths),
        "repositories": [
            {
                "repository": one.name,
                "archives": one.archives,
                "holding": [each.archive.name for each in one.affected if each.holds],
                "naming": [each.archive.name for each in one.affected if not each.holds],
                "append_only": one.append_only,
            }
            for one in plan.repositories
        ],
        "other_repositories": list(plan.others),
        "shared": list(plan.shared),
        "on_disk": list(plan.on_disk),
        "seconds": round(plan.seconds),
    }


def _result_document(plan: Plan, result: Result) -> dict[str, Any]:
    return {
        "code": plan.traces.code,
        "repositories": [
            {
                "repository": one.repository,
                "changed": list(one.changed),
                "deleted": list(one.deleted),
                "listed": sorted(one.found.listed),
                "chunks_gone": one.found.gone,
                "chunks_shared": one.found.shared,
                "chunks_in_index": one.found.known,
                "chunks_in_files": one.found.on_disk,
                "not_proven": list(one.doubts),
            }
            for one in result.repositories
        ],
        "other_repositories": list(plan.others),
        "on_disk": list(result.on_disk),
        "receipt": str(result.receipt),
    }
