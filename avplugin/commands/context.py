"""What the global options say, and how commands print."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TextIO

import click

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from avplugin.configuration.model import Configuration
    from avplugin.language import Texts


_UNPRINTED = re.compile("[\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")


class Context:
    """The global options of one call."""

    def __init__(
        self,
        config: str | None,
        *,
        as_json: bool,
        verbose: bool,
        color: bool,
        language: str | None = None,
    ) -> None:
        self._config = config
        self.language = language
        self.as_json = as_json
        self.verbose = verbose
        self.color = color
        self.tells_of_restores = True  # not by the command that looks after them
        self._bar: Console | None = None

    @functools.cached_property
    def configuration(self) -> Configuration:
        """accountview.yaml, read when a command first asks; raise ConfigurationError.

        A service that a crash left stopped is started again by whatever command comes next.
        """
        from avplugin.configuration.load import load_configuration  # noqa: PLC0415

        configuration = load_configuration(self._config)
        self._start_what_was_left_stopped(configuration)
        self.tell_of_cut_off_restores(configuration.state)
        return configuration

    @property
    def named_configuration(self) -> str | None:
        """What --config or $AVPLUGIN_CONFIG names, whether it is there or not."""
        return self._config or os.environ.get("AVPLUGIN_CONFIG")

    def use_configuration(self, file: Path) -> None:
        """Use an accountview.yaml that has just been written."""
        self._config = str(file)

    @property
    def restore_state(self) -> Path:
        """The state folder that restores note what they do in; there need be no configuration."""
        from avplugin.errors import AvpluginError  # noqa: PLC0415
        from avplugin.state.restores import state_without_configuration  # noqa: PLC0415

        if self.has_configuration:
            with contextlib.suppress(AvpluginError):  # on a bad day that may be what is broken
                return self.configuration.state
        return state_without_configuration()

    def tell_of_cut_off_restores(self, state: Path) -> None:
        """Warn if folders are still as a restore left them that was cut off."""
        from avplugin.errors import AvpluginError  # noqa: PLC0415
        from avplugin.state.restores import (  # noqa: PLC0415
            RestoreJournal,
            Stage,
            state_without_configuration,
        )

        places = dict.fromkeys((state, state_without_configuration()))
        try:
            restores = [
                one
                for place in places
                if self.tells_of_restores
                for one in RestoreJournal(place).cut_off()
            ]
        except AvpluginError as error:
            self.warn(str(error))
            return
        for restore in restores:
            if restore.stage is Stage.EXTRACTING:
                text = "nothing was changed yet; 'avplugin restore --recover' clears up"
            else:
                text = "'avplugin restore --recover' finishes it, or takes it back"
            self.warn(f"a restore of {restore.what} was cut off: {text}")

    def _start_what_was_left_stopped(self, configuration: Configuration) -> None:
        from avplugin.errors import AvpluginError  # noqa: PLC0415
        from avplugin.sessions.services import Services  # noqa: PLC0415

        try:
            if Services(configuration.state).recover():
                self.warn("what sessions.quiesce had stopped was still stopped, and is started")
        except AvpluginError as error:
            self.warn(f"what sessions.quiesce had stopped is still stopped: {error}")

    @property
    def has_configuration(self) -> bool:
        """Whether there is an accountview.yaml, named or in one of its places."""
        from avplugin.configuration.load import ConfigurationError, find_configuration  # noqa: PLC0415

        if self._config:
            return True
        try:
            return find_configuration(None).exists()
        except (ConfigurationError, OSError):
            return False

    @functools.cached_property
    def texts(self) -> Texts:
        """The texts for bookkeepers, in the language of --language or of the locale."""
        from avplugin.language import language, texts_in  # noqa: PLC0415

        return texts_in(language(self.language, os.environ))

    @functools.cached_property
    def console(self) -> Console:
        """Where tables go: standard output, as wide as need be.

        A terminal may fold a line at its edge; rich would break names that are to be copied.
        """
        from rich.console import Console  # noqa: PLC0415 - 0.1 s

        return Console(no_color=not self.color, highlight=False, width=10_000)

    @functools.cached_property
    def error_console(self) -> Console:
        """Where progress goes: standard error, and only where somebody sees it."""
        from rich.console import Console  # noqa: PLC0415 - 0.1 s

        return Console(stderr=True, no_color=not self.color, highlight=False)

    def print_table(self, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Print a table without lines; a column whose name begins with > is for numbers."""
        from rich.table import Table  # noqa: PLC0415 - 0.1 s
        from rich.text import Text  # noqa: PLC0415

        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        for column in columns:
            number = column.startswith(">")
            table.add_column(column.removeprefix(">"), justify="right" if number else "left")
        for row in rows:
            # Text, not markup: an administration may well be called [b] or Klant [12].
            table.add_row(*(Text(printable(cell)) for cell in row))
        self.console.print(table)

    @contextlib.contextmanager
    def printing_above(self, bar: Console | None) -> Iterator[None]:
        """While the block runs, print lines for a terminal above the bar that stands there."""
        self._bar = bar
        try:
            yield
        finally:
            self._bar = None

    def say(self, text: str) -> None:
        """Print a line for people; nothing with --json."""
        if not self.as_json:
            self._print(text, err=False)

    def detail(self, text: str) -> None:
        """Print a line that only -v asks for."""
        if self.verbose:
            self.say(text)

    def warn(self, text: str) -> None:
        """Print a warning on standard error; borgmatic logs such a line as one."""
        self.complain(f"warning: {text}")

    def complain(self, text: str) -> None:
        """Print a line on standard error."""
        self._print(text, err=True)

    def _print(self, text: str, *, err: bool) -> None:
        stream = sys.stderr if err else sys.stdout
        if self._bar is not None and stream.isatty():
            self._bar.print(printable(text), markup=False, highlight=False, soft_wrap=True)
        else:
            click.echo(showable(printable(text), stream), err=err)

    def answer(self, document: Any) -> None:
        """Print the answer to --json."""
        text = json.dumps(document, ensure_ascii=False, indent=2, default=str)
        # A name that is not UTF-8 has half a surrogate in it, which JSON can only say escaped.
        shown = text.encode("utf-8", "backslashreplace").decode("utf-8")
        # Nor may a name give orders to the terminal, or turn the line around.
        click.echo(_UNPRINTED.sub(lambda match: f"\\u{ord(match[0]):04x}", shown))


def printable(text: str) -> str:
    """Return the text with what a terminal cannot show, or would obey, made visible."""
    shown = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(
        char if char.isprintable() or char == "\n" else repr(char)[1:-1] for char in shown
    )


def showable(text: str, stream: TextIO) -> str:
    """Return the text with what the stream's character set lacks made visible."""
    encoding = stream.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def human_size(size: int) -> str:
    """Return a number of bytes as people read it, such as 3.4 MB (decimal, as Borg prints it)."""
    value = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, such as `1 folder` or `8 folders`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
