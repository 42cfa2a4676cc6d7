"""The questions of `avplugin init`, in the order in which AccountView shows the answers."""

from __future__ import annotations

import dataclasses
import os
import shutil
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path

from avplugin.commands.choices import Columns, Entry
from avplugin.commands.context import Context
from avplugin.commands.questions import BACK, ask_line, choose, one_line
from avplugin.errors import AvpluginError
from avplugin.installation.register import RegisterColumn, read_columns
from avplugin.installation.windows_path import Drives, PathError, is_windows_path
from avplugin.setup.answers import ASSUME_NOBODY, SAMBA, WSL
from avplugin.setup.check import why_no_repository
from avplugin.setup.columns import guess_columns
from avplugin.setup.files import needed_drives
from avplugin.setup.given import Given

_MOST_SHOWN = 3  # cells of a column, to tell it by


class Interview:
    """The steps; each returns True once answered, False to go back, None if it asks nothing."""

    def __init__(self, context: Context, given: Given) -> None:
        """Take what is given, which is not asked, and what is asked is added to it."""
        self._context = context
        self._given = given
        self._fixed = {
            field.name for field in dataclasses.fields(given) if getattr(given, field.name)
        }
        self._columns: Sequence[RegisterColumn] = ()
        self._steps: tuple[Callable[[], bool | None], ...] = (
            self.ask_program,
            self.ask_system,
            self.ask_extra,
            self.ask_administrations,
            self.ask_columns,
            self.ask_drives,
            self.ask_sessions,
            self.ask_repository,
        )

    def run(self) -> None:
        """Ask what is not given. Raise click.Abort if somebody stops."""
        _ = self._context.texts.gettext
        self._context.say(
            _(
                "The first configuration. b: a step back; q: stop. Nothing is written before the"
                " end."
            )
        )
        self._go(0, forward=True)

    def run_again(self) -> bool:
        """Ask from the end on, where something cannot be so; False if there is nothing to ask."""
        return self._go(len(self._steps) - 1, forward=False)

    def _go(self, at: int, *, forward: bool) -> bool:
        """Go through the steps from one on, forth and back; return whether any was asked."""
        _ = self._context.texts.gettext
        asked = False
        while at < len(self._steps):
            answered = self._steps[at]()
            asked = asked or answered is not None
            if answered is False or (answered is None and not forward and at > 0):
                if at == 0:
                    self._context.say(_("This is the first question."))
                forward = False
                at = max(at - 1, 0)
            else:
                at, forward = at + 1, True
        return asked

    def ask_program(self) -> bool | None:
        """Ask for the program folder."""
        _ = self._context.texts.gettext
        return self._ask_folder(
            "program", _("Folder of the program files, as shown in Help > Info:")
        )

    def ask_system(self) -> bool | None:
        """Ask for the system folder."""
        _ = self._context.texts.gettext
        return self._ask_folder(
            "system", _("Folder of the system tables, as shown in Help > Info:")
        )

    def ask_extra(self) -> bool | None:
        """Ask for extra folders, one after the other."""
        if "extra" in self._fixed:
            return None
        _ = self._context.texts.gettext
        self._given.extra.clear()
        self._explain(
            _("Are there folders with layouts, icons or documents that the program needs?")
        )
        while True:
            folder = ask_line(self._context, _("An extra folder, or Enter for no more:"))
            if folder.lower() == BACK:
                return False
            if not folder:
                return True
            why = self._why_no_folder(folder)
            if why:
                self._context.say(why)
            else:
                self._given.extra.append(folder)

    def ask_administrations(self) -> bool | None:
        """Ask for the register, or for a pattern of folders."""
        if self._fixed & {"register", "folders"}:
            return None
        _ = self._context.texts.gettext
        self._given.register = self._given.folders = None
        self._explain(
            _(
                "Where are the administrations? Export the window Bestand > Administraties to DBF,"
                " CSV or XLSX and name the file. Or name the folder they all lie in, with /* behind"
                " it."
            )
        )
        while True:
            typed = ask_line(self._context, _("File, or folder with /*:"))
            if typed.lower() == BACK:
                return False
            if typed.endswith(("*", "*/")):
                self._given.folders = typed
                return True
            why = self._take_register(typed)
            if why is None:
                return True
            self._context.say(why)

    def _take_register(self, typed: str) -> str | None:
        """Take the register, or return why it cannot be one."""
        _ = self._context.texts.gettext
        if not typed:
            return _("Type a path.")
        if not is_windows_path(typed):
            typed = os.path.abspath(os.path.expanduser(typed))  # noqa: PTH100, PTH111 - as typed
        self._given.register = typed
        if needed_drives([typed], self._given.drives) and not self._ask_drives_of([typed]):
            return ""
        try:
            self._columns = read_columns(Path(Drives(self._given.drives).resolve(typed)))
        except AvpluginError as error:
            self._given.register = None
            return one_line(str(error))
        return None

    def ask_columns(self) -> bool | None:
        """Ask which column is which; what is in them says it as a rule."""
        if not self._given.register:
            return None
        _ = self._context.texts.gettext
        if not self._columns:
            file = Drives(self._given.drives).resolve(self._given.register)
            self._columns = read_columns(Path(file))
        guess = guess_columns(self._columns)
        questions = (
            ("column_code", _("Which column holds the code?"), guess.code, False),
            ("column_name", _("Which column holds the name?"), guess.name, True),
            ("column_folder", _("Which column is Map administratie?"), guess.folder, False),
            (
                "column_copy_documents",
                _("Which column is Map kopiedoc, the folder of copy documents?"),
                guess.copy_documents,
                True,
            ),
        )
        asked = None
        for name, question, guessed, may_lack in questions:
            if name in self._fixed:
                continue
            chosen = self._ask_column(question, guessed, may_lack=may_lack)
            if chosen is None:
                return False
            setattr(self._given, name, chosen or None)
            asked = True
        return asked

    def _ask_column(self, question: str, guessed: str | None, *, may_lack: bool) -> str | None:
        """Return a heading, an empty text for none of them, None to go back."""
        _ = self._context.texts.gettext
        entries = [
            Entry(
                (column.heading, ", ".join([cell for cell in column.cells if cell][:_MOST_SHOWN]))
            )
            for column in self._columns
        ]
        headings = [column.heading for column in self._columns]
        if may_lack:
            entries.append(Entry((_("none of them"), "")))
            headings.append("")
        default = headings.index(guessed or "") if (guessed or "") in headings else None
        titles = Columns((_("Column"), _("What is in it")), elastic=1)
        chosen = choose(self._context, question, entries, titles, default=default)
        return None if chosen is None else headings[chosen]

    def ask_drives(self) -> bool | None:
        """Ask where the drives and shares are that were named, or stand in the register."""
        paths = [*self._given.paths, *self._registered()]
        missing = needed_drives(paths, self._given.drives)
        if not missing:
            return None
        return self._ask_drives_of(paths)

    def ask_sessions(self) -> bool | None:
        """Ask how to find out who is in."""
        if "sessions" in self._fixed:
            return None
        _ = self._context.texts.gettext
        ways = [
            (SAMBA, _("Samba on this machine shares the folders: ask it")),
            (WSL, _("This is WSL, and the folders are on this Windows computer: ask Windows")),
            ("", _("Another way: a file like those of configs/sessions")),
            (ASSUME_NOBODY, _("No way: I see to it myself that nobody is logged in at night")),
        ]
        entries = [Entry((text,)) for _way, text in ways]
        question = _("How can avplugin find out who is logged in to AccountView?")
        while True:
            chosen = choose(self._context, question, entries, Columns(("",), elastic=0))
            if chosen is None:
                return False
            way = ways[chosen][0]
            if not way:
                way = ask_line(self._context, _("The file:"))
                if way.lower() == BACK:
                    continue
                if not Path(way).is_file():
                    self._context.say(_("{path} is not there.").format(path=way))
                    continue
            self._given.sessions = way
            return True

    def ask_repository(self) -> bool | None:
        """Ask where the backups go."""
        if "repository" in self._fixed:
            return None
        _ = self._context.texts.gettext
        self._explain(
            _(
                "Where are the backups to go? Best to another computer, such as"
                " ssh://backup@host/./accountview.borg, or to a folder on another disk."
            )
        )
        while True:
            typed = ask_line(self._context, _("Path or URL:"))
            if typed.lower() == BACK:
                return False
            why = why_no_repository(typed)
            if not why:
                self._given.repository = typed
                return True
            self._context.say(why)

    def _explain(self, text: str) -> None:
        width = shutil.get_terminal_size().columns - 1
        self._context.say("")
        self._context.say(textwrap.fill(text, width, break_on_hyphens=False))

    def _ask_folder(self, name: str, question: str) -> bool | None:
        if name in self._fixed:
            return None
        while True:
            typed = ask_line(self._context, question)
            if typed.lower() == BACK:
                return False
            why = self._why_no_folder(typed)
            if not why:
                setattr(self._given, name, typed)
                return True
            self._context.say(why)

    def _why_no_folder(self, typed: str) -> str:
        """Return why this cannot be the folder, or nothing; asks for drives on the way."""
        _ = self._context.texts.gettext
        if not typed:
            return _("Type a path.")
        if needed_drives([typed], self._given.drives) and not self._ask_drives_of([typed]):
            return _("Then another path.")
        try:
            place = Path(Drives(self._given.drives).resolve(typed))
        except PathError as error:
            return one_line(str(error))
        return "" if place.is_dir() else _("{path} is not there.").format(path=place)

    def _ask_drives_of(self, paths: Sequence[str]) -> bool:
        """Ask where each drive or share of the paths is on this machine; False to go back."""
        _ = self._context.texts.gettext
        while missing := needed_drives(paths, self._given.drives):
            windows = missing[0]
            question = _("Where is {drive} on this machine? Its folder, from / on:").format(
                drive=windows
            )
            typed = ask_line(self._context, question)
            if typed.lower() == BACK:
                return False
            if typed.startswith("/") and Path(typed).is_dir():
                self._given.drives[windows] = typed
            else:
                self._context.say(_("{path} is not there.").format(path=typed))
        return True

    def _registered(self) -> list[str]:
        """Return the paths that stand in the register's columns of folders."""
        headings = {self._given.column_folder, self._given.column_copy_documents}
        return [cell for one in self._columns if one.heading in headings for cell in one.cells]
