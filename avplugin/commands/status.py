"""avplugin status: how the backups are, on one screen."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from avplugin.commands.context import Context, counted, human_size

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterator, Sequence

    from avplugin.status.attention import Attention
    from avplugin.status.model import Fault, FolderStatus, RepositoryStatus, Status

_SHOWN = 8  # things to look at, and folders with trouble; -v shows all
_WORLD_READABLE = 0o644  # node_exporter is another user


@click.command("status")
@click.option("--refresh", is_flag=True, help="First look at the repositories themselves.")
@click.option(
    "--prometheus",
    metavar="FILE",
    type=click.Path(),
    help="Write metrics for node_exporter's textfile collector (FILE ends in .prom).",
)
@click.pass_obj
def command(context: Context, refresh: bool, prometheus: str | None) -> int:
    """Show how the backups of all sets are, out of what this machine knows.

    Exit status: 0 all is well, 1 something has to be looked at.
    """
    import datetime  # noqa: PLC0415
    from pathlib import Path  # noqa: PLC0415

    from avplugin.errors import UsageError  # noqa: PLC0415
    from avplugin.status.attention import attention  # noqa: PLC0415
    from avplugin.status.gather import gather  # noqa: PLC0415

    if prometheus is not None and not prometheus.endswith(".prom"):
        raise UsageError(
            f"node_exporter reads no {prometheus}: the name of its file has to end in .prom."
        )
    context.tells_of_restores = False  # they are among what there is to look at
    configuration = context.configuration
    unreachable = _refresh(context) if refresh else {}
    status = gather(configuration, datetime.datetime.now(datetime.UTC), unreachable)
    items = attention(status)
    if prometheus is not None:
        from avplugin.state.files import publish_atomically  # noqa: PLC0415
        from avplugin.status.prometheus import metrics  # noqa: PLC0415

        publish_atomically(Path(prometheus), metrics(status, items), _WORLD_READABLE)
    if context.as_json:
        context.answer(_document(status, items))
    elif prometheus is None:
        _show(context, status, items)
    return 1 if items or "" in unreachable else 0


def _refresh(context: Context) -> dict[str, str]:
    """Look at the repositories; return why one could not be looked at, by path."""
    from avplugin.errors import AvpluginError  # noqa: PLC0415
    from avplugin.status.refresh import refresh  # noqa: PLC0415

    try:
        return refresh(context.configuration)
    except AvpluginError as error:
        context.warn(str(error).splitlines()[0])
        return {"": str(error)}


def _show(context: Context, status: Status, items: Sequence[Attention]) -> None:
    from avplugin.language import Texts  # noqa: PLC0415
    from avplugin.status.sentences import sentence, to_do  # noqa: PLC0415

    english = Texts()
    shown = items if context.verbose else items[:_SHOWN]
    said = f"{counted(len(items), 'thing')} to look at." if items else "all is well."
    _say(context, f"{status.installation}, {_local(status.moment)}: {said}")
    if status.is_unscheduled:
        _say(
            context,
            "warning: nothing was seen that starts the nights: 'avplugin schedule install'.",
        )
    for place, item in enumerate(shown):
        _say(context, f"! {sentence(english, item)}")
        advice = to_do(english, item)
        following = shown[place + 1 :][:1]
        if advice and all(to_do(english, other) != advice for other in following):
            _say(context, f"  {advice}")
    if len(shown) < len(items):
        _say(context, f"  ... and {len(items) - len(shown)} more; -v shows all.")
    for one in status.repositories:
        for line in _lines(one, status.moment):
            _say(context, line)
    _show_folders(context, status)
    for register in status.registers:
        exported = _local(register.exported) if register.exported else "a time that is not known"
        _say(context, f"The list of administrations {register.file} is of {exported}.")


def _say(context: Context, text: str) -> None:
    """Print a line; on a terminal it is broken between words, with what follows set in."""
    import shutil  # noqa: PLC0415
    import textwrap  # noqa: PLC0415

    if sys.stdout.isatty():
        set_in = " " * (len(text) - len(text.lstrip()) + 2)
        text = textwrap.fill(
            text,
            shutil.get_terminal_size().columns,
            subsequent_indent=set_in,
            break_long_words=False,
            break_on_hyphens=False,
        )
    context.say(text)


def _show_folders(context: Context, status: Status) -> None:
    from avplugin.status.model import Trouble  # noqa: PLC0415

    administrations = status.administrations
    troubled = status.troubled
    fine = sum(not one.has_trouble for one in administrations)
    who = "is found out" if status.sessions_checked else "is not checked (assume_nobody)"
    count = counted(len(administrations), "administration")
    said = f"{count}, {fine} without trouble"
    if not administrations:
        said = "No administration is in a clean snapshot yet"
    _say(context, f"{said}. Who is in {who}.")
    shown = troubled if context.verbose else troubled[:_SHOWN]
    for one in shown:
        is_damaged = any(fault.trouble is Trouble.DAMAGED for fault in one.faults)
        last = ""  # of what is damaged its last copy is clean, and all the same no good
        if one.last_clean and not is_damaged:
            last = f"; last clean copy {_local(one.last_clean)}"
        faults = "; ".join(dict.fromkeys(_fault(fault) for fault in one.faults))
        _say(context, f"  {one.label}: {faults}{last}")
    if len(shown) < len(troubled):
        _say(context, f"  ... and {len(troubled) - len(shown)} more with trouble; -v shows all.")


def _fault(fault: Fault) -> str:
    since = f" since {_local(fault.since)}" if fault.since is not None else ""
    detail = f" ({fault.detail})" if fault.detail else ""
    return f"{fault.trouble}{since}{detail}"


def _lines(one: RepositoryStatus, now: datetime.datetime) -> Iterator[str]:
    if one.clean is None:
        yield f"{one.what}: no clean snapshot yet"
    else:
        yield f"{one.what}: clean {_local(one.clean)}, {_ago(one.clean, now)}{_unchanged(one)}"
    due = "at each start" if one.due is None else _local(one.due)
    if one.due is not None and one.due <= now:
        due = "now"
    start = "no schedule has started it"
    if one.last_start is not None:
        start = f"a schedule last started it {_local(one.last_start)}"
    yield f"  due: {due}; {start}"
    yield f"  {'; '.join(_figures(one))}"


def _unchanged(one: RepositoryStatus) -> str:
    if one.good is None or one.clean is None or one.good <= one.clean:
        return ""
    return f"; unchanged up to {_local(one.good)}"


def _figures(one: RepositoryStatus) -> Iterator[str]:
    growth = one.growth
    size = "size not known" if growth.size is None else human_size(growth.size)
    if growth.night is not None and growth.week is not None:
        size += f", +{human_size(growth.night)} a night, +{human_size(growth.week)} a week"
    yield size
    if one.held is None:
        yield "held: not known, --refresh looks"
    else:
        yield f"{len(one.held)} held"
    if not one.drills.is_on:
        yield "drills are off"
    elif one.drills.last is None:
        yield "no drill yet"
    else:
        failed = f", {len(one.drills.failed)} FAILED" if one.drills.failed else ""
        yield f"drill {one.drills.last.astimezone():%Y-%m-%d}{failed}"
    if one.braked is not None:
        yield "the BRAKE is on"


def _local(moment: datetime.datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"


def _ago(moment: datetime.datetime, now: datetime.datetime) -> str:
    from avplugin.configuration.duration import human_duration  # noqa: PLC0415

    return f"{human_duration(max(0.0, (now - moment).total_seconds()))} ago"


def _document(status: Status, items: Sequence[Attention]) -> dict[str, Any]:
    from avplugin.language import Texts  # noqa: PLC0415
    from avplugin.status.sentences import sentence, to_do  # noqa: PLC0415

    english = Texts()
    return {
        "installation": status.installation,
        "time": status.moment.isoformat(timespec="seconds"),
        "attention": [
            {
                "concern": item.concern,
                "what": item.what,
                "since": _iso(item.when),
                "text": sentence(english, item),
                "to_do": to_do(english, item),
            }
            for item in items
        ],
        "sessions_checked": status.sessions_checked,
        "unscheduled": status.is_unscheduled,
        "repositories": [_repository_document(one) for one in status.repositories],
        "administrations": len(status.administrations),
        "folders": [_folder_document(one) for one in status.folders],
        "unregistered": [
            {"folder": one.path, "since": _iso(one.since)} for one in status.unregistered
        ],
        "registers": [
            {
                "file": one.file,
                "exported": _iso(one.exported),
                "outdated": one.is_outdated(status.moment),
            }
            for one in status.registers
        ],
    }


def _repository_document(one: RepositoryStatus) -> dict[str, Any]:
    return {
        "set": one.set.name,
        "repository": one.repository,
        "repository_path": one.path,
        "archive": one.archive,
        "clean": _iso(one.clean),
        "good": _iso(one.good),
        "due": _iso(one.due),
        "overdue_since": _iso(one.overdue_since),
        "last_status": None if one.last is None else one.last.status,
        "last_ended": None if one.last is None else one.last.ended,
        "last_reasons": () if one.last is None else one.last.reasons,
        "people": one.people,
        "held": one.held,
        "listed": _iso(one.listed),
        "repository_bytes": one.growth.size,
        "night_bytes": one.growth.night,
        "week_bytes": one.growth.week,
        "drill": _iso(one.drills.last),
        "drill_failed": [failed.label for failed in one.drills.failed],
        "brake": () if one.braked is None else one.braked.reasons,
        "last_start": _iso(one.last_start),
        "unreachable": one.unreachable,
    }


def _folder_document(one: FolderStatus) -> dict[str, Any]:
    return {
        "label": one.label,
        "kind": one.kind,
        "name": one.name,
        "set": one.set,
        "clean": _iso(one.last_clean),
        "trouble": [
            {
                "trouble": fault.trouble,
                "repository": fault.repository,
                "since": _iso(fault.since),
                "reason": fault.detail,
                "serious": fault.is_serious,
            }
            for fault in one.faults
        ],
    }


def _iso(moment: datetime.datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")
