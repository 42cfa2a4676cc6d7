"""Whether everything is safe, and what each set did last night, in a sentence each."""

from __future__ import annotations

from avplugin.language import Texts, date_and_time, some_of
from avplugin.report.content import Report, SetRow
from avplugin.report.nights import Night
from avplugin.state.outcomes import FAILED, UNVERIFIED


def verdict(report: Report, texts: Texts) -> str:
    """Return one clear sentence that says whether everything is safe."""
    if report.is_safe:
        return texts.gettext("Everything is safe. There is nothing you need to do.")
    return texts.ngettext(
        "Not everything is as it should be: {number} thing needs a look.",
        "Not everything is as it should be: {number} things need a look.",
        len(report.items),
    ).format(number=len(report.items))


def last_night_of(row: SetRow, texts: Texts) -> str:
    """Return what the last night came to for a set in a repository."""
    _ = texts.gettext
    night = row.nights[0]
    best = night.best
    if best is None:
        return _("No backup ran.") if night.was_due else _("No backup was due.")
    when = best.finished
    moment = "" if when is None else date_and_time(texts, when)
    match night.came_to:
        case Night.CLEAN:
            said = texts.ngettext(
                "Backed up and proven clean: {number} folder, {changed} changed ({moment}).",
                "Backed up and proven clean: {number} folders, {changed} changed ({moment}).",
                best.folders,
            ).format(number=best.folders, changed=len(best.changed), moment=moment)
        case Night.UNCHANGED:
            said = _("Nothing had changed since the last backup ({moment}).").format(moment=moment)
        case Night.POSTPONED:
            said = _("Postponed, because somebody was in.")
        case _:
            said = _("Failed ({moment}).").format(moment=moment)
    if best.missing:
        said += " " + _("Left out: {labels}.").format(
            labels=some_of(texts, sorted(best.missing), 5)
        )
    last = night.outcomes[-1]
    if best.is_good and last.status in {FAILED, UNVERIFIED}:
        ended = last.finished
        moment = "" if ended is None else date_and_time(texts, ended)
        said += " " + _("A later try in the same night failed ({moment}).").format(moment=moment)
    if night.people:
        said += " " + _("In the way: {people}.").format(people=some_of(texts, night.people, 5))
    return said
