"""How commands show what restore drills have come to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from avplugin.commands.context import Context

if TYPE_CHECKING:
    import datetime
    from pathlib import Path

    from avplugin.state.drills import Drilled, FolderDrills, KnownDrills

NOT_KNOWN = "?"


def known_drills(context: Context, state: Path) -> KnownDrills | None:
    """Return what is known of drills; None, with a warning, if that cannot be read.

    It must not be in the way of whoever looks for something to restore.
    """
    from avplugin.errors import AvpluginError  # noqa: PLC0415
    from avplugin.state.drills import DrillsFile  # noqa: PLC0415

    try:
        return DrillsFile(state).read()
    except AvpluginError as error:
        context.warn(f"what was proven is not known: {str(error).splitlines()[0]}")
        return None


def proven_when(drills: FolderDrills | None) -> str:
    """Return when a folder was last proven, or that it never was, or that the last drill failed."""
    if drills is None:
        return NOT_KNOWN
    if drills.failure is not None:
        return f"FAILED {_day(drills.failure.when)}"
    return _day(drills.proven.when) if drills.proven is not None else "never"


def version_proven_when(drilled: Drilled | None) -> str:
    """Return when one version of a folder was proven, or that it never was, or failed."""
    if drilled is None:
        return "never"
    return f"FAILED {_day(drilled.when)}" if drilled.failure else _day(drilled.when)


def proven_document(drilled: Drilled | None) -> dict[str, Any] | None:
    """Return a drill that proved a folder, for --json."""
    if drilled is None or drilled.failure:
        return None
    return {
        "time": drilled.when.isoformat(),
        "archive": drilled.archive,
        "files": drilled.files,
        "bytes": drilled.bytes,
        "tables": drilled.tables,
        "records": drilled.records,
    }


def failure_document(drilled: Drilled | None) -> dict[str, Any] | None:
    """Return a drill that failed, for --json."""
    if drilled is None or not drilled.failure:
        return None
    return {
        "time": drilled.when.isoformat(),
        "archive": drilled.archive,
        "reason": drilled.failure,
    }


def _day(moment: datetime.datetime) -> str:
    return moment.astimezone().strftime("%Y-%m-%d")
