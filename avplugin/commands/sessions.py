"""avplugin sessions: who is in."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from avplugin.commands.context import Context, counted

if TYPE_CHECKING:
    from avplugin.sessions.model import Session
    from avplugin.sessions.overview import Overview

_AGAIN = 5.0  # seconds between two looks with --watch
_STATUS = {"nobody": 0, "somebody": 75, "unknown": 1}


@click.command("sessions")
@click.option("--administration", metavar="CODE", help="Only who is in this one.")
@click.option("--watch", is_flag=True, help="Look again every few seconds, until Ctrl-C.")
@click.pass_obj
def command(context: Context, administration: str | None, watch: bool) -> int:
    """Show who is in: users, COM links, the Backoffice Server, and apart from them who only reads.

    Exit status: 0 nobody, 75 somebody, 1 could not find out.
    """
    from avplugin.sessions.overview import look_around  # noqa: PLC0415

    while True:
        overview = look_around(context.configuration, administration)
        if watch and not context.as_json:
            context.console.clear()
            context.say(time.strftime("%H:%M:%S"))
        status = _show(context, overview)
        if not watch:
            return status
        time.sleep(_AGAIN)


def _show(context: Context, overview: Overview) -> int:
    from avplugin.sessions.report import to_document  # noqa: PLC0415

    answer = overview.answer
    document = to_document(answer, overview.asked)
    if context.as_json:
        context.answer({**document, "ignored": [_ignored(one) for one in overview.ignored]})
        return _STATUS[document["answer"]]
    _print(context, "", [session for session in answer.sessions if session.writing])
    _print(context, "Only reading:", [one for one in answer.sessions if not one.writing])
    _print(context, "Ignored, as configured:", overview.ignored)
    for doubt in document["unknown"]:
        where = f"{doubt['folder']}: " if doubt["folder"] else ""
        way = f"{doubt['way']}: " if doubt["way"] else ""
        context.complain(f"avplugin: could not find out: {where}{way}{doubt['why']}")
    if document["answer"] == "nobody":
        count = counted(len(overview.asked), "folder")
        ways = ", ".join(dict.fromkeys(one.name for one in context.configuration.sessions.probes))
        context.say(f"Nobody is in. Looked at {count}, by {ways}.")
        for tables in overview.trusted:
            context.say(
                f"smb tries only {', '.join(tables)} where there are any: that trusts AccountView"
                " to have one of them open always."
            )
    return _STATUS[document["answer"]]


def _print(context: Context, title: str, sessions: Sequence[Session]) -> None:
    if not sessions:
        return
    if title:
        context.say(title)
    columns = ("Kind", "User", "Machine", "Folder", "Table", "Since", "Found by", "Note")
    rows = [
        (
            session.kind.words,
            session.user or "?",
            session.machine or "?",
            session.folder or "not known",
            session.table or "-",
            session.since.replace("T", " ")[:19] or "-",
            session.way,
            session.note,
        )
        for session in sessions
    ]
    context.print_table(columns, rows)


def _ignored(session: Session) -> dict[str, Any]:
    return {"user": session.user, "machine": session.machine, "folder": session.folder}
