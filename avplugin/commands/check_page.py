"""What a restore is going to do, as the last page of AccountView's wizard shows it."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from avplugin.commands.context import Context, human_size, printable
from avplugin.language import date_and_time
from avplugin.restore.check import Preparation, Present
from avplugin.restore.targets import Part, Target
from avplugin.state.manifest import NOT_CHECKED
from avplugin.state.restores import Restore

_TOLD = 3  # damaged tables that are named


def show_check_page(context: Context, preparation: Preparation) -> None:
    """Print what comes back, out of which snapshot, and what it takes the place of."""
    _ = context.texts.gettext
    choice = preparation.choice
    unknown = _("not known")
    rows = [
        (_("Code"), choice.folder.code or choice.folder.label),
        (_("Name"), choice.folder.name or "-"),
        (_("Snapshot"), f"{choice.archive.name}, {choice.source.reader.repository}"),
        (_("Taken"), date_and_time(context.texts, choice.archive.time)),
        (_("Size"), human_size(sum(target.size for target in preparation.targets))),
        (_("Tables"), str(sum(part.folder.tables for part in _parts(preparation)))),
        *((_("Table health"), line) for line in _health(context, preparation)),
        (
            "AccountView",
            _("{then} in the snapshot, {now} now").format(
                then=preparation.version_then or unknown, now=preparation.version_now or unknown
            ),
        ),
    ]
    for target, present in zip(preparation.targets, preparation.present, strict=True):
        rows += _target_rows(context, target, present)
    _print_rows(context, _("This is what will be put back:"), rows)
    if choice.doubt:
        context.warn(_("this version was NOT proven clean: {reason}").format(reason=choice.doubt))
    for warning in preparation.warnings:
        context.warn(warning)


def show_undo_page(context: Context, restore: Restore, now: dict[str, Present | None]) -> None:
    """Print what undoing a restore changes; `now` is what is there, by path."""
    _ = context.texts.gettext
    rows = [(_("Restored"), restore.what), (_("On"), _moment(context, restore.started))]
    for folder in restore.folders:
        rows.append((_("Folder"), folder.path))
        rows.append((_("There now"), _present(context, now[folder.path])))
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
    if target.stays:
        stays = ", ".join(str(stay.relative_to(target.path)) for stay in target.stays)
        yield _("Stays as it is"), stays


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


def _health(context: Context, preparation: Preparation) -> Iterator[str]:
    _ = context.texts.gettext
    folders = [part.folder for part in _parts(preparation)]
    damaged = [why for folder in folders for why in folder.damaged.values()]
    if any(folder.table_health == NOT_CHECKED for folder in folders):
        yield _("not checked")
    elif not damaged:
        yield _("sound")
    else:
        yield context.texts.ngettext(
            "{count} damaged when the snapshot was made",
            "{count} damaged when the snapshot was made",
            len(damaged),
        ).format(count=len(damaged))
    yield from damaged[:_TOLD]


def _moment(context: Context, text: str) -> str:
    return date_and_time(context.texts, datetime.datetime.fromisoformat(text))


def _print_rows(context: Context, title: str, rows: list[tuple[str, str]]) -> None:
    width = max(len(name) for name, _ in rows)
    context.say("")
    context.say(title)
    for name, value in rows:
        context.say(f"  {name:{width}}  {printable(value)}")
    context.say("")
