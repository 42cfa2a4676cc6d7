"""The report as one page of HTML that needs nothing else: no network, no script."""

from __future__ import annotations

import datetime
import html
import itertools
import string
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from avplugin import __version__
from avplugin.language import N_, Texts, date_and_time, day_and_month, month, size, some_of, weekday
from avplugin.report.chart import chart
from avplugin.report.content import Report, Row, SetRow
from avplugin.report.nights import Night
from avplugin.report.verdict import last_night_of, verdict
from avplugin.status.sentences import sentence, to_do

_MOST_ROWS = 150  # of administrations that only changed; more are folded away
_TEMPLATE = Path(__file__).with_name("page.html")


class _Look(NamedTuple):
    """How a night is shown: a letter that needs no colour, a class of the style, its meaning."""

    sign: str
    style: str
    meaning: str


_LOOKS: Mapping[Night, _Look] = {
    Night.CLEAN: _Look("✓", "c", N_("backed up, proven clean")),
    Night.UNCHANGED: _Look("=", "u", N_("nothing changed since the last backup")),
    Night.LEFT_OUT: _Look("!", "l", N_("left out: somebody was in, or the folder was bad")),
    Night.POSTPONED: _Look("…", "p", N_("postponed: somebody was in")),
    Night.FAILED: _Look("✗", "f", N_("failed, or not proven clean")),
    Night.MISSED: _Look("?", "m", N_("no backup ran, though one was due")),
    Night.NOTHING: _Look("", "e", N_("no backup was due")),
}


def page(report: Report, texts: Texts, language: str) -> str:
    """Return the page in a language of LANGUAGES, whose texts these are."""
    _ = texts.gettext
    status = report.status
    title = _("AccountView backups: {installation}").format(installation=status.installation)
    subtitle = _("Made on {moment}. The last night is that of {day}.").format(
        moment=date_and_time(texts, status.moment), day=_night_name(texts, report.night)
    )
    sections = [
        _verdict(report, texts),
        _last_night(report, texts),
        _calendar(report, texts),
        _people(report, texts),
        _growth(report, texts),
        _proven(report, texts),
    ]
    template = string.Template(_TEMPLATE.read_text("utf-8"))
    return template.substitute(
        language=language,
        title=_text(title),
        heading=_text(title),
        subtitle=_text(subtitle),
        main="\n".join(section for section in sections if section),
        footer=_footer(report, texts),
    )


def _verdict(report: Report, texts: Texts) -> str:
    style = "good" if report.is_safe else "bad"
    sign = "✓" if report.is_safe else "✗"
    items = []
    for group in grouped(report, texts):
        said, advice = group
        do = f'<span class="do">→ {_text(advice)}</span>' if advice else ""
        items.append(f"<li>{'<br>'.join(_text(line) for line in said)}{do}</li>")
    listed = f"<ul>{''.join(items)}</ul>" if items else ""
    return (
        f'<section class="verdict {style}" role="status"><strong><span aria-hidden="true">{sign}'
        f"</span> {_text(verdict(report, texts))}</strong>{listed}</section>"
    )


def grouped(report: Report, texts: Texts) -> Iterator[tuple[list[str], str]]:
    """Yield what there is to look at, in groups for which the same is to be done."""
    for advice, group in itertools.groupby(report.items, lambda item: to_do(texts, item)):
        yield [sentence(texts, item) for item in group], advice


def _last_night(report: Report, texts: Texts) -> str:
    _ = texts.gettext
    names = (_("What"), _("Last night"), _("Last clean backup"), _("Next one due"))
    head = _row_of_heads(names)
    rows = []
    for row in report.sets:
        one = row.status
        clean = _("none") if one.good is None else date_and_time(texts, one.good)
        due = _("at each start") if one.due is None else date_and_time(texts, one.due)
        rows.append(
            f'<tr><th scope="row">{_text(one.what)}</th>'
            f"<td>{_text(last_night_of(row, texts))}</td>"
            f'<td class="date" data-name="{_text(names[2])}">{_text(clean)}</td>'
            f'<td class="date" data-name="{_text(names[3])}">{_text(due)}</td></tr>'
        )
    table = f'<table class="list stack"><thead>{head}</thead><tbody>{"".join(rows)}</tbody></table>'
    return _section(_("Last night"), table)


def _calendar(report: Report, texts: Texts) -> str:
    _ = texts.gettext
    troubled = [row for row in report.rows if row.folder.has_trouble]
    quiet = [row for row in report.rows if row.is_quiet]
    changed = [row for row in report.rows if not row.is_quiet and not row.folder.has_trouble]
    shown, folded = (changed, []) if len(changed) <= _MOST_ROWS else ([], changed)
    body = [_set_row(row, texts) for row in report.sets]
    for heading, rows in (
        (_("Administrations with trouble"), troubled),
        (_("Administrations that changed"), shown),
    ):
        if rows:
            span = len(report.days) + 1
            group = f'<th colspan="{span}" scope="rowgroup">{_text(heading)}</th>'
            body.append(f'<tr class="group">{group}</tr>')
            body += [_row(row) for row in rows]
    caption = _("Each column is a night, the last one first; it counts for the day it began on.")
    parts = [
        f'<ul class="legend">{"".join(_legend(texts))}</ul>',
        _nights(report.days, body, caption, texts),
    ]
    if folded:
        summary = texts.ngettext(
            "{number} administration that changed",
            "{number} administrations that changed",
            len(folded),
        ).format(number=len(folded))
        table = _nights(report.days, [_row(row) for row in folded], summary, texts)
        parts.append(f"<details><summary>{_text(summary)}</summary>{table}</details>")
    if quiet:
        summary = texts.ngettext(
            "{number} administration in which nothing changed and nothing is wrong",
            "{number} administrations in which nothing changed and nothing is wrong",
            len(quiet),
        ).format(number=len(quiet))
        names = "".join(f"<li>{_text(_name(row))}</li>" for row in quiet)
        parts.append(
            f'<details><summary>{_text(summary)}</summary><ul class="names">{names}</ul></details>'
        )
    return _section(_("The nights of the last five weeks"), "".join(parts))


def _nights(days: Sequence[datetime.date], body: Sequence[str], caption: str, texts: Texts) -> str:
    name = _text(texts.gettext("Nights"))
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{name}">'
        f'<table class="nights"><caption>{_text(caption)}</caption>'
        f"<thead>{_days(days, texts)}</thead><tbody>{''.join(body)}</tbody></table></div>"
    )


def _days(days: Sequence[datetime.date], texts: Texts) -> str:
    months = "".join(
        f'<th class="month" scope="colgroup" colspan="{len(list(group))}">{_text(name)}</th>'
        for name, group in itertools.groupby(days, lambda day: f"{month(texts, day)} {day.year}")
    )
    each = "".join(
        f'<th scope="col">{_text(weekday(texts, day))}<b>{day.day}</b></th>' for day in days
    )
    return f"<tr><td></td>{months}</tr><tr><td></td>{each}</tr>"


def _set_row(row: SetRow, texts: Texts) -> str:
    whole = texts.gettext("the whole set")
    cells = "".join(_cell(night.came_to, some_of(texts, night.people)) for night in row.nights)
    return (
        f'<tr class="whole"><th scope="row">{_text(row.status.what)}<small>{_text(whole)}</small>'
        f"</th>{cells}</tr>"
    )


def _row(row: Row) -> str:
    name = row.folder.name if row.folder.name != row.folder.label else ""
    below = f"<small>{_text(name)}</small>" if name else ""
    cells = "".join(_cell(night) for night in row.nights)
    return f'<tr><th scope="row">{_text(row.folder.label)}{below}</th>{cells}</tr>'


def _cell(night: Night | None, title: str = "") -> str:
    if night is None:
        return "<td>"
    look = _LOOKS[night]
    hint = f' title="{_text(title)}"' if title else ""
    return f"<td class={look.style}{hint}>{look.sign}"  # a thousand rows of these: short


def _legend(texts: Texts) -> Iterator[str]:
    for night, look in _LOOKS.items():
        if night is not Night.NOTHING:
            yield (
                f'<li><b class="{look.style}" aria-hidden="true">{look.sign}</b>'
                f"{_text(texts.gettext(look.meaning))}</li>"
            )


def _people(report: Report, texts: Texts) -> str:
    _ = texts.gettext
    heading = _("Who was in the way")
    if not report.people:
        nobody = (
            _("Nobody, in these nights.")
            if report.status.sessions_checked
            else _("Not checked: avplugin was told to assume that nobody is in at night.")
        )
        return _section(heading, f"<p>{_text(nobody)}</p>")
    head = _row_of_heads((_("Who"), _("Nights")), numbers={1})
    rows = "".join(
        f'<tr><th scope="row">{_text(who)}</th><td class="number">{nights}</td></tr>'
        for who, nights in report.people.items()
    )
    table = f'<table class="list people"><thead>{head}</thead><tbody>{rows}</tbody></table>'
    return _section(heading, table)


def _growth(report: Report, texts: Texts) -> str:
    _ = texts.gettext
    figures = []
    for name, sizes in report.sizes.items():
        said = _("{repository}: {size}").format(repository=name, size=size(texts, sizes[-1].bytes))
        grown = ""
        if len(sizes) > 1:
            grown = _("{difference} more than on {day}").format(
                difference=size(texts, max(0, sizes[-1].bytes - sizes[0].bytes)),
                day=day_and_month(texts, sizes[0].when.astimezone().date()),
            )
        picture = chart(sizes, texts, f"{said}. {grown}")
        figures.append(
            f"<figure><figcaption>{_text(said)}</figcaption>{picture}"
            f'<p class="soft">{_text(grown)}</p></figure>'
        )
    if not figures:
        return ""
    heading = _("What the backups take")
    return _section(heading, f'<div class="charts">{"".join(figures)}</div>')


def _proven(report: Report, texts: Texts) -> str:
    _ = texts.gettext
    lines = []
    for row in report.sets:
        one, drills = row.status, row.status.drills
        if drills.proven is not None:
            said = _(
                "{what}: {label} was put back to try, on {when}, out of the backup of {taken}, and"
                " was right: {files} files, {records} records read."
            ).format(
                what=one.what,
                label=drills.proven.label,
                when=date_and_time(texts, drills.proven.when),
                taken=date_and_time(texts, drills.proven.taken),
                files=drills.proven.files,
                records=drills.proven.records,
            )
        elif drills.is_on:
            said = _("{what}: nothing was put back to try yet.").format(what=one.what)
        else:
            said = _("{what}: trying is turned off.").format(what=one.what)
        lines.append(f"<li>{_text(said)}</li>")
        lines += [
            f"<li>{_text(_failed(failed.label, failed.when, texts))}</li>"
            for failed in drills.failed
        ]
    heading = _("Last proven restore")
    return _section(heading, f"<ul>{''.join(lines)}</ul>")


def _failed(label: str, when: datetime.datetime, texts: Texts) -> str:
    return texts.gettext("{label} could NOT be put back when that was tried on {when}.").format(
        label=label, when=date_and_time(texts, when)
    )


def _footer(report: Report, texts: Texts) -> str:
    _ = texts.gettext
    said = [_("Made by avplugin {version} out of what this computer knows.")]
    if not report.status.sessions_checked:
        said.append(_("Whether somebody was in is not checked."))
    said += [
        _("The list of administrations {file} is of {when}.").format(
            file=register.file, when=date_and_time(texts, register.exported)
        )
        for register in report.status.registers
        if register.exported is not None
    ]
    return "".join(f"<p>{_text(line.replace('{version}', __version__))}</p>" for line in said)


def _section(heading: str, body: str) -> str:
    return f"<section><h2>{_text(heading)}</h2>{body}</section>"


def _night_name(texts: Texts, day: datetime.date) -> str:
    after = day + datetime.timedelta(days=1)
    return texts.gettext("{day} to {after}").format(
        day=day_and_month(texts, day), after=day_and_month(texts, after)
    )


def _name(row: Row) -> str:
    folder = row.folder
    return folder.label if folder.name in {"", folder.label} else f"{folder.label} {folder.name}"


def _row_of_heads(names: Iterable[str], numbers: Iterable[int] = ()) -> str:
    right = set(numbers)
    cells = (
        f'<th scope="col"{" class=number" if place in right else ""}>{_text(name)}</th>'
        for place, name in enumerate(names)
    )
    return f"<tr>{''.join(cells)}</tr>"


def _text(text: str) -> str:
    """Return text as it stands in HTML; what is not UTF-8 in a name is made visible."""
    shown = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return html.escape("".join(char if char.isprintable() else " " for char in shown))
