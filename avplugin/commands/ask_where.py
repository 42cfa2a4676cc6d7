"""The question where a folder is to be put back."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from avplugin.commands.choices import Columns, Entry
from avplugin.commands.context import Context
from avplugin.commands.questions import BACK, ask_line, choose, one_line
from avplugin.installation.model import Kind, code_key
from avplugin.restore.where import Into, New, Original, Where
from avplugin.state.manifest import FolderManifest


def ask_where(
    context: Context, folder: FolderManifest, name: str, place: Path | None
) -> Where | None:
    """Return where a folder is to be put back, or None to go a step back.

    `name` is what the folder is called here. `place` is where it lies, or lay; None if it has no
    place in this installation.
    """
    _ = context.texts.gettext
    entries = []
    asks: list[Callable[[], Where | None]] = []
    is_there = place is None or _holds_data(place)
    if place is not None:
        state = _("There is data in it now.") if is_there else _("It is missing or empty now.")
        original = entry(_("In its original place"))
        entries.append(dataclasses.replace(original, notes=(one_line(str(place)), state)))
        asks.append(Original)
    if folder.kind is Kind.ADMINISTRATION:
        entries.append(entry(_("In the place of another administration")))
        asks.append(lambda: _ask_other_code(context, folder.code))
    entries.append(entry(_("In a new folder")))
    asks.append(lambda: _ask_new_folder(context))
    question = _("Where is {folder} to be put back?").format(folder=name)
    while True:
        # Where there is data, nobody gets to replacing it by pressing Enter.
        default = None if is_there else 0
        chosen = choose(context, question, entries, Columns(("",), elastic=0), default=default)
        if chosen is None:
            return None
        where = asks[chosen]()
        if where is not None:
            return where


def entry(*cells: str) -> Entry:
    """Return an entry; its first cell is the code and its second the name to search for."""
    shown = tuple(one_line(cell) for cell in cells)
    return Entry(shown, code=cells[0], name=cells[1] if len(cells) > 1 else "")


def _ask_other_code(context: Context, own: str) -> Where | None:
    _ = context.texts.gettext
    while True:
        typed = ask_line(context, _("Code of the other administration:"))
        if typed.lower() == BACK:
            return None
        code = typed.removeprefix("=")
        if code_key(code) == code_key(own):
            context.say(_("That is its own code: for its original place, go back with b."))
        elif code:
            return Into(code)


def _ask_new_folder(context: Context) -> Where | None:
    _ = context.texts.gettext
    while True:
        typed = ask_line(context, _("New folder:"))
        if typed.lower() == BACK:
            return None
        folder = Path(typed).expanduser()
        if folder.is_absolute():
            return New(folder)
        context.say(
            _("Type the whole path as it is on this machine, such as /srv/restored/BAKKER26.")
        )


def _holds_data(folder: Path) -> bool:
    """Return whether there is anything at this place; what cannot be looked into counts as data."""
    try:
        return any(folder.iterdir())
    except FileNotFoundError:
        return False
    except OSError:
        return True
