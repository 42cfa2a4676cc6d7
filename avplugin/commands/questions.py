"""Questions in plain lines: they work over SSH, in any terminal, and for a screen reader."""

from __future__ import annotations

import enum
import shutil
import sys
from collections.abc import Sequence

import click

from avplugin.commands.choices import Columns, Entry, lay_out, matching, meant, pages, shortened
from avplugin.commands.context import Context, printable, showable

BACK, STOP = "b", "q"  # the same letters in every language
_YES = {"y", "yes", "j", "ja"}  # in every language too: fingers do not change with LANG
_NO = {"n", "no", "nee"}
_AROUND_A_PAGE = 7  # lines: two blank ones, the question, the titles, two of help, the prompt


class _Move(enum.Enum):
    """Where to go from a list."""

    BACK = enum.auto()
    NEXT_PAGE = enum.auto()


def ask_line(context: Context, prompt: str) -> str:
    """Return what somebody types, without blanks around it; empty for Enter alone.

    Raise click.Abort for `q`, Ctrl-C and Ctrl-D.
    """
    while True:
        context.say("")
        try:
            typed: str = click.prompt(
                showable(printable(prompt), sys.stdout),
                default="",
                show_default=False,
                prompt_suffix=" ",
            )
        except click.Abort:
            click.echo(err=True)  # past the prompt, and the terminal's own ^C
            raise
        except UnicodeDecodeError:  # the terminal sends another character set than it says
            context.say(context.texts.gettext("That could not be read; try it without accents."))
            continue
        if typed.strip().lower() == STOP:
            raise click.Abort
        return typed.strip()


def ask_yes(context: Context, question: str, *, default: bool) -> bool:
    """Return whether somebody says yes. Raise click.Abort as ask_line does."""
    while (answer := ask_yes_or_back(context, question, default=default)) is None:
        pass
    return answer


def ask_yes_or_back(context: Context, question: str, *, default: bool) -> bool | None:
    """Return whether somebody says yes, None to go back. Raise click.Abort as ask_line does."""
    _ = context.texts.gettext
    hint = _("[Y/n]") if default else _("[y/N]")
    while True:
        typed = ask_line(context, f"{question} {hint}").lower()
        if typed.lower() == BACK:
            return None
        if not typed:
            return default
        if typed in _YES | _NO:
            return typed in _YES
        context.say(_("Please answer with yes or no."))


def choose(
    context: Context,
    question: str,
    entries: Sequence[Entry],
    columns: Columns,
    *,
    is_searched: bool = False,
    default: int | None = None,
) -> int | None:
    """Show the entries, page by page, and return the number of the one that is chosen.

    None means to go back. `default` is what Enter chooses.
    """
    choosable = [entry for entry in entries if entry.can_be_chosen]
    shown: Sequence[Entry] = entries
    page = 0
    while True:
        count = _show(context, question, shown, columns, page, is_searched=is_searched)
        answer = _read(context, entries, shown, is_searched=is_searched, default=default, of=count)
        if isinstance(answer, Entry):
            return next(at for at, entry in enumerate(choosable) if entry is answer)
        if isinstance(answer, list):
            shown, page = answer, 0
        elif answer is _Move.NEXT_PAGE:
            page = (page + 1) % count
        elif shown is entries:
            return None
        else:
            shown, page = entries, 0


def _show(
    context: Context,
    question: str,
    entries: Sequence[Entry],
    columns: Columns,
    page: int,
    *,
    is_searched: bool,
) -> int:
    """Print one page of a list, and return how many there are."""
    _ = context.texts.gettext
    size = shutil.get_terminal_size()
    # A line as wide as the terminal makes some of them go on to the next one.
    titles, blocks = lay_out(entries, columns, size.columns - 1)
    divided = pages(blocks, max(size.lines - _AROUND_A_PAGE, 3))
    page = min(page, len(divided) - 1)
    say = context.say
    say("")
    say(shortened(one_line(question), size.columns - 1))
    if titles.strip():
        say(titles)
    for line in divided[page]:
        say(line)
    if is_searched:
        say(_("A number or a code chooses; part of a code or name searches."))
    if len(divided) > 1:
        say(
            _("Page {page} of {pages}; Enter shows the next one.").format(
                page=page + 1, pages=len(divided)
            )
        )
    return len(divided)


def _read(
    context: Context,
    entries: Sequence[Entry],
    shown: Sequence[Entry],
    *,
    is_searched: bool,
    default: int | None,
    of: int,
) -> Entry | list[Entry] | _Move:
    """Return what is chosen, what was found, or where to go."""
    _ = context.texts.gettext
    prompt = _("Your choice:")
    if default is not None:
        prompt = _("Your choice [{default}]:").format(default=default + 1)
    while True:
        typed = ask_line(context, prompt)
        if typed.lower() == BACK:
            return _Move.BACK
        if not typed and default is not None:
            return [entry for entry in entries if entry.can_be_chosen][default]
        if not typed and of > 1:
            return _Move.NEXT_PAGE
        found = meant(shown, typed) or meant(entries, f"={typed.removeprefix('=')}")
        if len(found) == 1:
            return found[0]
        if not found and typed and is_searched and (hits := matching(entries, typed)):
            return hits
        context.say(_why_not(context, typed, is_searched=is_searched, is_unclear=bool(found)))


def _why_not(context: Context, typed: str, *, is_searched: bool, is_unclear: bool) -> str:
    """Return why nothing is chosen by what was typed."""
    _ = context.texts.gettext
    if is_unclear:
        message = _(
            "{typed} is a line and a code: type #{typed} for the line, ={typed} for the code."
        )
    elif is_searched and typed:
        message = _("Nothing here has {typed} in its code or name.")
    else:
        message = _("Type the number of a line.")
    return message.format(typed=typed)


def one_line(text: str) -> str:
    """Return the text as one line that this terminal can show, and does not obey."""
    return showable(printable(text).replace("\n", " "), sys.stdout)
