"""The option --repository, and the snapshots it leads to."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from avplugin.commands.context import Context

if TYPE_CHECKING:
    from avplugin.borgmatic.archive import Archive
    from avplugin.snapshots.sources import Source

_Function = TypeVar("_Function", bound=Callable[..., Any])
_PASSPHRASE_VARIABLES = ("BORG_PASSPHRASE", "BORG_PASSCOMMAND", "BORG_PASSPHRASE_FD")


def repository_option(function: _Function) -> _Function:
    """Add --repository."""
    return click.option(
        "--repository",
        metavar="LABEL|URL",
        help="One of the configured repositories, or any other by its path or URL.",
    )(function)


@contextlib.contextmanager
def open_sources(
    context: Context,
    repository: str | None,
    warn: Callable[[str], None] | None = None,
) -> Iterator[list[Source]]:
    """Yield where to look: what is configured, or a repository that no configuration names.

    `warn` gets a line about each repository that cannot be read, if others can; by default it is
    printed. With `expect_same` configured repositories may be as they were last seen, to be
    confirmed.
    """
    from avplugin.errors import AvpluginError  # noqa: PLC0415
    from avplugin.snapshots.sources import bare_source, configured_sources  # noqa: PLC0415

    if repository is None and not context.has_configuration:
        try:
            _ = context.configuration
        except AvpluginError as error:
            raise AvpluginError(
                f"{str(error).splitlines()[0]}\nName one with --config FILE or $AVPLUGIN_CONFIG;"
                " with --repository URL none is needed."
            ) from error
    if repository is None or _is_configured(context, repository):
        tell = warn or context.warn
        found = configured_sources(context.configuration, repository, tell)
        with found as sources:
            yield sources
    else:
        with bare_source(repository, _ask_passphrase) as sources:
            yield sources


def _is_configured(context: Context, repository: str) -> bool:
    """Return whether the configuration names the repository.

    A path or URL is looked into all the same where the configuration cannot be read: on a bad day
    that may be what is broken.
    """
    from avplugin.errors import AvpluginError  # noqa: PLC0415
    from avplugin.snapshots.sources import names_repository  # noqa: PLC0415

    if not context.has_configuration:
        return False
    try:
        if names_repository(context.configuration, repository):
            return True
    except AvpluginError as error:
        if "/" not in repository:
            raise
        context.warn(f"without configuration: {str(error).splitlines()[0]}")
        return False
    if not set(repository) & set("/:") and not os.path.exists(repository):  # noqa: PTH110 - as typed
        raise AvpluginError(
            f"no set has a repository {repository}.\nName one by its label or path as borgmatic's"
            " configuration has them, or any other by its URL."
        )
    return False


def learn(
    context: Context,
    source: Source,
    archives: Sequence[Archive],
    text: str = "Reading the snapshots' manifests",
) -> None:
    """Read the manifests that are not known here yet, with progress: it can take minutes."""
    from rich.progress import Progress  # noqa: PLC0415

    console = context.error_console
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(text, total=None)
        source.reader.learn(
            archives, lambda done, total: progress.update(task, completed=done, total=total)
        )


def _ask_passphrase(url: str) -> str | None:
    """Return the passphrase somebody types; None if the environment has it or nobody is there."""
    if any(name in os.environ for name in _PASSPHRASE_VARIABLES) or not sys.stdin.isatty():
        return None
    answer: str = click.prompt(
        f"Passphrase of {url}", hide_input=True, default="", show_default=False, err=True
    )
    return answer
