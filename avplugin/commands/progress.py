"""A progress bar in per cent with bytes and time left, on standard error of a terminal."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator

from avplugin.commands.context import Context


def is_seen() -> bool:
    """Return whether there is a terminal that a bar can stand in."""
    return sys.stderr.isatty()


@contextlib.contextmanager
def byte_progress(context: Context, text: str) -> Iterator[Callable[[int, int], None]]:
    """Yield a function to call with the bytes done so far, and of how many.

    While the bar stands, what `context` prints appears above it; at the end the bar is gone. Where
    nobody sees it there is none.
    """
    if not is_seen():
        yield lambda _done, _total: None
        return

    from rich.progress import (  # noqa: PLC0415 - 0.1 s
        BarColumn,
        DownloadColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    console = context.error_console
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
    )
    with (
        Progress(*columns, console=console, transient=True) as progress,
        context.printing_above(progress.console),
    ):
        task = progress.add_task(text, total=None)

        def show(done: int, total: int) -> None:
            progress.update(task, completed=min(done, total), total=max(total, 1))

        yield show
