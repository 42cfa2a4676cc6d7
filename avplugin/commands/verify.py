"""avplugin verify: prove that snapshots can be restored, or check tables where they lie."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from avplugin.commands.context import Context, counted, human_size
from avplugin.commands.progress import byte_progress
from avplugin.commands.snapshots import local_time
from avplugin.commands.source import learn, open_sources, repository_option
from avplugin.wording import some

if TYPE_CHECKING:
    from avplugin.installation.model import Folder
    from avplugin.snapshots.sources import Source
    from avplugin.verify.drill import Verdict
    from avplugin.verify.live import LiveHealth

_NAMED = 8  # how many folders an error names


@click.command("verify")
@click.argument("folders", metavar="[CODE|system|program|extra:NAME]...", nargs=-1)
@click.option("--live", is_flag=True, help="Check the tables where they lie; no backup is needed.")
@click.option("--archive", metavar="NAME", help="This snapshot; default the newest clean ones.")
@click.option(
    "--sample", metavar="N", type=click.IntRange(min=1), help="Only N, those longest unproven."
)
@click.option("--scratch", metavar="FOLDER", help="Where there is room to extract.")
@repository_option
@click.pass_obj
def command(
    context: Context,
    folders: tuple[str, ...],
    live: bool,
    archive: str | None,
    sample: int | None,
    scratch: str | None,
    repository: str | None,
) -> None:
    """Extract folders, prove that they are what was backed up, and throw them away again.

    Without CODE, all folders of the newest clean snapshots, in each repository. With --live, look
    at the tables of the installation itself instead.

    Exit status: 0 all is well, also if a table was damaged before it was backed up already; 1
    something was not proven, or, with --live, is damaged.
    """
    if live:
        if archive or sample or scratch or repository:
            raise click.UsageError("--live looks at no snapshots: it takes codes only")
        _check_live(context, folders)
        return
    if folders and sample:
        raise click.UsageError("name the folders, or have --sample N choose them")
    faults: list[str] = []  # a repository that cannot be read is not proven either
    with open_sources(context, repository, faults.append) as sources:
        for source in sources:
            learn(context, source, source.archives())
        if repository is None and not folders and archive is None:
            faults += _never_stored(context, sources)
        _drill(context, sources, folders, archive, sample, scratch, faults)


def _check_live(context: Context, labels: Sequence[str]) -> None:
    from avplugin.errors import AvpluginError  # noqa: PLC0415
    from avplugin.verify.live import check_live  # noqa: PLC0415

    found = []
    for health in check_live(context.configuration, labels):
        found.append(health)
        _tell_live(context, health)
    if context.as_json:
        context.answer([_live_document(health) for health in found])
    bad = [health.label for health in found if not health.is_sound]
    if any(health.faults for health in found):
        context.say(
            "A table that somebody is writing to can look damaged: 'avplugin sessions' shows who is"
            " in; look again when nobody is."
        )
    if bad:
        raise AvpluginError(f"{counted(len(bad), 'folder')} not sound: {some(bad, _NAMED)}.")


def _tell_live(context: Context, health: LiveHealth) -> None:
    if health.unreadable:
        context.say(f"{health.label}: {health.unreadable}")
        return
    damaged = [_described(fault.path, fault.why) for fault in health.faults]
    verdict = f"DAMAGED: {'; '.join(damaged)}" if damaged else "sound"
    context.say(f"{health.label}: {counted(health.tables, 'table')}, {verdict}")


def _described(path: bytes, why: str) -> str:
    """Return what is wrong, which begins with the file's name, with the folder it lies in."""
    folder = os.path.dirname(os.fsdecode(path))  # noqa: PTH120 - a name, not a place
    return f"{folder}/{why}" if folder else why


def _live_document(health: LiveHealth) -> dict[str, Any]:
    return {
        "label": health.label,
        "folder": health.path or None,
        "sound": health.is_sound,
        "files": health.files,
        "tables": health.tables,
        "damaged": {os.fsdecode(fault.path): fault.why for fault in health.faults},
        "reason": health.unreadable,
    }


def _drill(
    context: Context,
    sources: Sequence[Source],
    labels: Sequence[str],
    archive: str | None,
    sample: int | None,
    scratch: str | None,
    faults: list[str],
) -> None:
    import datetime  # noqa: PLC0415

    from avplugin.errors import AvpluginError  # noqa: PLC0415
    from avplugin.state.drills import DrillsFile  # noqa: PLC0415
    from avplugin.verify.candidates import find_candidates  # noqa: PLC0415
    from avplugin.verify.drill import Status, drill  # noqa: PLC0415
    from avplugin.verify.due import longest_unproven  # noqa: PLC0415
    from avplugin.verify.scratch import scratch_base  # noqa: PLC0415

    found = find_candidates(sources, labels, archive)
    faults += found.unreadable
    candidates = list(found.candidates)
    state = sources[0].state
    if sample is not None:
        now = datetime.datetime.now(datetime.UTC)
        candidates = longest_unproven(candidates, DrillsFile(state).read(), sample, now)
    base = scratch_base(_scratch(context, scratch), state, _installation(context))
    with byte_progress(context, "Proving") as show:
        verdicts = drill(candidates, base, show, lambda verdict: tell_verdict(context, verdict))
    if context.as_json:
        context.answer([verdict_document(verdict) for verdict in verdicts])
    elif not verdicts and not faults:
        context.say("There is no clean snapshot to prove yet.")
    for line in faults:
        context.complain(f"avplugin: {line}")
    bad = [one.candidate.folder.label for one in verdicts if one.status is not Status.PROVEN]
    if bad:
        raise AvpluginError(
            f"{len(bad)} of {counted(len(verdicts), 'folder')} not proven: {some(bad, _NAMED)}.\n"
            "'avplugin snapshots CODE' lists other versions; 'borgmatic check' tests a repository."
        )
    if faults:
        raise AvpluginError("not everything could be read or was there, so not all is proven.")


def _never_stored(context: Context, sources: Sequence[Source]) -> list[str]:
    """Return a line for each folder of the installation that no clean snapshot holds."""
    from avplugin.verify.candidates import find_candidates, never_stored  # noqa: PLC0415

    labels = never_stored(_installation(context), find_candidates(sources, (), None).candidates)
    return [f"{label}: no clean snapshot holds it" for label in labels]


def _scratch(context: Context, named: str | None) -> Path | None:
    if named is not None:
        return Path(named)
    return context.configuration.drill.folder if _is_configured(context) else None


def _installation(context: Context) -> Sequence[Folder]:
    """Return the folders of the installation; none where it is not known here, or lost."""
    from avplugin.errors import AvpluginError  # noqa: PLC0415

    try:
        return context.configuration.locate().folders if context.has_configuration else ()
    except AvpluginError:
        return ()


def _is_configured(context: Context) -> bool:
    """Return whether there is a configuration that can be read: a drill may do without one."""
    from avplugin.errors import AvpluginError  # noqa: PLC0415

    try:
        return context.has_configuration and context.configuration is not None
    except AvpluginError:
        return False


def tell_verdict(context: Context, verdict: Verdict) -> None:
    """Print what came of one drill."""
    folder, archive = verdict.candidate.folder, verdict.candidate.archive
    origin = (
        f"{archive.name} in {verdict.candidate.source.reader.repository},"
        f" taken {local_time(archive.time)}"
    )
    if verdict.reason:
        context.say(f"{folder.label}: {_status(verdict)}: {verdict.reason} ({origin})")
    else:
        context.say(
            f"{folder.label}: proven: {counted(verdict.files, 'file')},"
            f" {human_size(verdict.candidate.size)}, {counted(verdict.tables, 'table')},"
            f" {counted(verdict.records, 'record')} ({origin})"
        )
    for line in verdict.damaged_before:
        context.say(f"{line}; it was damaged when it was backed up, and came back as it was")
    for warning in verdict.warnings:
        context.warn(warning)


def _status(verdict: Verdict) -> str:
    return "NOT proven" if verdict.status == "failed" else "not tried"


def verdict_document(verdict: Verdict) -> dict[str, Any]:
    """Return what came of one drill, for --json."""
    candidate = verdict.candidate
    return {
        "label": candidate.folder.label,
        "name": candidate.folder.name,
        "folders": [part.label for part in candidate.folders],
        "archive": candidate.archive.name,
        "time": candidate.archive.time.isoformat(),
        "repository": str(candidate.source.reader.repository),
        "status": verdict.status.value,
        "reason": verdict.reason,
        "files": verdict.files,
        "bytes": candidate.size,
        "tables": verdict.tables,
        "records": verdict.records,
        "damaged_before": list(verdict.damaged_before),
        "warnings": list(verdict.warnings),
    }
