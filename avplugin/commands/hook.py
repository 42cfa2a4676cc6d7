"""The words that borgmatic's hooks have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

_Function = TypeVar("_Function", bound=Callable[..., Any])


def hook_options(function: _Function) -> _Function:
    """Add the argument SET and what borgmatic tells its hooks."""
    function = click.option(
        "--repository", metavar="PATH", help="The repository at work: borgmatic's {repository}."
    )(function)
    function = click.option(
        "--borgmatic-config",
        metavar="FILE",
        help="borgmatic's configuration at work: its {configuration_filename}.",
    )(function)
    return click.argument("set_name", metavar="SET")(function)
