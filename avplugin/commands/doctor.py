"""avplugin doctor: everything that can be wrong before the first night."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from avplugin.commands.context import Context, counted

if TYPE_CHECKING:
    from avplugin.doctor.finding import Finding


@click.command("doctor")
@click.option(
    "--thorough", is_flag=True, help="Search large tables for paths, too: that can take minutes."
)
@click.pass_obj
def command(context: Context, thorough: bool) -> int:
    """Look at all that can be wrong, and say what to do about it. Nothing is changed.

    Call it as the user whose schedule runs the nights, root as a rule.

    Exit status: 0 fine, or nothing worse than warnings; 1 errors.
    """
    from avplugin.doctor.finding import Level  # noqa: PLC0415

    found = tell(context, thorough=thorough)
    errors = sum(finding.level is Level.ERROR for _, finding in found)
    warnings = sum(finding.level is Level.WARNING for _, finding in found)
    fine = len(found) - errors - warnings
    context.say(f"{counted(errors, 'error')}, {counted(warnings, 'warning')}, {fine} fine")
    if context.as_json:
        context.answer(
            {
                "errors": errors,
                "warnings": warnings,
                "findings": as_document(found),
            }
        )
    return 1 if errors else 0


def tell(
    context: Context, *, thorough: bool = False, only_trouble: bool = False
) -> list[tuple[str, Finding]]:
    """Print each finding, or those that are not fine, as soon as it is there; return them all."""
    from avplugin.configuration.load import load_configuration  # noqa: PLC0415
    from avplugin.doctor.examine import examine  # noqa: PLC0415
    from avplugin.doctor.finding import Level  # noqa: PLC0415

    found = []
    for concern, finding in examine(
        lambda: load_configuration(context.named_configuration), thorough=thorough
    ):
        found.append((concern, finding))
        if not only_trouble or finding.level is not Level.FINE:
            advice = f". {finding.advice}" if finding.advice else ""
            context.say(f"{finding.level.value:<8} {concern}: {finding.what}{advice}")
    return found


def as_document(found: Sequence[tuple[str, Finding]]) -> list[dict[str, str]]:
    """Return the findings as --json has them."""
    return [
        {
            "concern": concern,
            "level": finding.level.value,
            "what": finding.what,
            "advice": finding.advice,
        }
        for concern, finding in found
    ]
