"""What the global options say, and how commands print."""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

    from avplugin.configuration.model import Configuration


class Context:
    """The global options of one call."""

    def __init__(self, config: str | None, *, as_json: bool, verbose: bool, color: bool) -> None:
        self._config = config
        self.as_json = as_json
        self.verbose = verbose
        self.color = color

    @functools.cached_property
    def configuration(self) -> Configuration:
        """accountview.yaml, read when a command first asks; raise ConfigurationError."""
        from avplugin.configuration.load import load_configuration  # noqa: PLC0415

        return load_configuration(self._config)

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
    def console(self) -> Console:
        """Where tables go: standard output, as wide as need be when not a terminal."""
        return make_console(stderr=False, color=self.color)

    @functools.cached_property
    def error_console(self) -> Console:
        """Where progress goes: standard error, and only where somebody sees it."""
        return make_console(stderr=True, color=self.color)

    def print_table(self, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Print a table without lines; a column whose name begins with > is for numbers."""
        from rich.table import Table  # noqa: PLC0415 - 0.1 s
        from rich.text import Text  # noqa: PLC0415

        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        for column in columns:
            number = column.startswith(">")
            table.add_column(
                column.removeprefix(">"),
                justify="right" if number else "left",
                no_wrap=number,
                overflow="fold",
            )
        for row in rows:
            # Text, not markup: an administration may well be called [b] or Klant [12].
            table.add_row(*(Text(printable(cell)) for cell in row))
        self.console.print(table)

    def say(self, text: str) -> None:
        """Print a line for people; nothing with --json."""
        if not self.as_json:
            click.echo(printable(text))

    def detail(self, text: str) -> None:
        """Print a line that only -v asks for."""
        if self.verbose:
            self.say(text)

    def warn(self, text: str) -> None:
        """Print a warning on standard error; borgmatic logs such a line as one."""
        click.echo(printable(f"warning: {text}"), err=True)

    def answer(self, document: Any) -> None:
        """Print the answer to --json."""
        click.echo(json.dumps(document, ensure_ascii=False, indent=2, default=str))


def make_console(*, stderr: bool, color: bool) -> Console:
    """Return a console of rich's that does not fold lines when nobody sees a terminal."""
    from rich.console import Console  # noqa: PLC0415 - 0.1 s

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else 10_000
    return Console(stderr=stderr, no_color=not color, highlight=False, width=width, soft_wrap=True)


def printable(text: str) -> str:
    """Return the text with what a terminal cannot show, or would obey, made visible."""
    shown = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(
        char if char.isprintable() or char == "\n" else repr(char)[1:-1] for char in shown
    )


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
