"""What a restore is going to do, as the last page of AccountView's wizard shows it."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from avplugin.commands.context import Context, human_size, printable
from avplugin.language import date_and_time
from avplugin.restore.check import Preparation, Present
from avplugin.restore.targets import Part, Target
from avplugin.restore.where import Into
from avplugin.state.manifest import NOT_CHECKED
from avplugin.state.restores import Restore, Swapped

_TOLD = 3  # damaged tables that are named


def show_check_page(
    context: Context,
    preparation: Preparation,
    source: Sequence[tuple[str, str]],
    who_is_in: Sequence[str],
    at: datetime.datetime | None = None,
    last_sound: str = "",
) -> None:
    """Print what comes back, out of what, and what it takes the place of.

    `source` are lines about what it comes out of. `who_is_in` are lines about people in the
    targets. `at` is the moment that was asked for. `last_sound` names the newest archive in which
    no table was damaged, if it is another one.
    """
    _ = context.texts.gettext
    choice = preparation.choice
    unknown = _("not known")
    rows = [
        (_("Code"), choice.folder.label),
        (_("Name"), choice.folder.name or "-"),
        *source,
        (_("Taken"), _taken(context, choice.origin.time, at)),
        (_("Size"), human_size(sum(target.size for target in preparation.targets))),
        (_("Tables"), str(sum(part.folder.tables for part in _parts(preparation)))),
        *_health(context, preparation),
        (
            "AccountView",
            _("{then} then, {now} now").format(
                then=preparation.version_then or unknown, now=preparation.version_now or unknown
            ),
        ),
    ]
    if isinstance(preparation.where, Into):
        other = f"{preparation.where.code.upper()} {preparation.other_name}"
        rows.append((_("In the place of"), other.strip()))
    for target, present in zip(preparation.targets, preparation.present, strict=True):
        rows += _target_rows(context, target, present)
    rows += _logged_in(context, who_is_in)
    _print_rows(context, _("This is what will be put back:"), rows)
    if choice.doubt:
        reason = _(choice.doubt)  # that of a zip of another program; all others stay as they are
        context.warn(_("this version was NOT proven clean: {reason}").format(reason=reason))
    damaged = sum(len(part.folder.damaged) for part in _parts(preparation))
    if damaged:
        hint = _("; the last one without damage is {name}").format(name=last_sound)
        context.warn(
            _("tables were damaged already when this snapshot was made{hint}").format(
                hint=hint if last_sound else ""
            )
        )
    for warning in preparation.warnings:
        context.warn(warning)


def show_undo_page(
    context: Context, restore: Restore, now: Sequence[tuple[Swapped, list[Path], Present | None]]
) -> None:
    """Print what undoing a restore changes; `now` is what stays and what else is in each folder."""
    _ = context.texts.gettext
    rows = [(_("Restored"), restore.what), (_("On"), _moment(context, restore.started))]
    for folder, stays, present in now:
        rows.append((_("Folder"), folder.path))
        rows.append((_("There now"), _present(context, present)))
        if stays:
            inside = ", ".join(str(stay.relative_to(folder.path)) for stay in stays)
            rows.append((_("Stays as it is"), inside))
        rows.append((_("Comes back"), folder.kept or _("nothing: nothing was there before")))
    _print_rows(context, _("This restore will be undone:"), rows)


def _parts(preparation: Preparation) -> Iterator[Part]:
    for target in preparation.targets:
        yield from target.parts


def _target_rows(
    context: Context, target: Target, present: Present | None
) -> Iterator[tuple[str, str]]:
    _ = context.texts.gettext
    what = _("Goes to")
    if len(target.parts) == 1 and target.folder.kind.value == "copy-documents":
        what = _("Copy documents go to")
    yield what, str(target.path)
    yield _("There now"), _present(context, present)
    missing = [
        inner
        for inner in (PurePosixPath(path) for path in target.folder.inside)
        if not (target.path / _inside(inner, target)).exists()
        and str(inner) not in {part.folder.path for part in target.parts}
    ]
    if missing:
        names = ", ".join(str(_inside(inner, target)) for inner in missing)
        yield _("Not in it"), _("{folders}: each comes back by its own name").format(folders=names)
    if target.stays:
        stays = ", ".join(str(stay.relative_to(target.path)) for stay in target.stays)
        yield _("Stays as it is"), stays


def _inside(path: PurePosixPath, target: Target) -> PurePosixPath:
    return path.relative_to(target.folder.path)


def _present(context: Context, present: Present | None) -> str:
    _ = context.texts.gettext
    if present is None:
        return _("nothing")
    if present.changed is None:
        return _("an empty folder")
    return context.texts.ngettext(
        "{files} file, {size}, last changed {date}",
        "{files} files, {size}, last changed {date}",
        present.files,
    ).format(
        files=present.files,
        size=human_size(present.size),
        date=date_and_time(context.texts, present.changed),
    )


def _health(context: Context, preparation: Preparation) -> Iterator[tuple[str, str]]:
    _ = context.texts.gettext
    folders = [part.folder for part in _parts(preparation) if part.folder.tables]
    damaged = [why for folder in folders for why in folder.damaged.values()]
    if any(folder.table_health == NOT_CHECKED for folder in folders):
        said = _("not checked")
    elif damaged:
        said = context.texts.ngettext(
            "{count} damaged when the snapshot was made",
            "{count} damaged when the snapshot was made",
            len(damaged),
        ).format(count=len(damaged))
    else:
        said = _("sound") if folders else "-"
    yield _("Table health"), said
    for why in damaged[:_TOLD]:
        yield "", why


def _taken(context: Context, taken: datetime.datetime, at: datetime.datetime | None) -> str:
    said = date_and_time(context.texts, taken)
    if at is None:
        return said
    return context.texts.gettext("{taken}, the newest of {at} or before").format(
        taken=said, at=date_and_time(context.texts, at)
    )


def _logged_in(context: Context, who_is_in: Sequence[str]) -> Iterator[tuple[str, str]]:
    _ = context.texts.gettext
    said = [_("not checked") if line == NOT_CHECKED else line for line in who_is_in]
    for number, line in enumerate(said or [_("nobody")]):
        yield "" if number else _("Logged in"), line


def _moment(context: Context, text: str) -> str:
    return date_and_time(context.texts, datetime.datetime.fromisoformat(text))


def _print_rows(context: Context, title: str, rows: list[tuple[str, str]]) -> None:
    width = max(len(name) for name, _ in rows)
    context.say("")
    context.say(title)
    for name, value in rows:
        # One line each, whatever a name holds: nobody shall write rows of his own.
        context.say(f"  {name:{width}}  {printable(value).replace(chr(10), ' ')}")
    context.say("")
