"""What has to be looked at in sentences, and what to do about it, in the language wanted."""

from __future__ import annotations

import datetime

from avplugin.language import N_, Texts, date_and_time, some_of
from avplugin.status.attention import Attention, Concern

_FOLD = 300  # characters of a program's own message


# Of each: with a moment, and without one.
_SENTENCES: dict[Concern, tuple[str, str]] = {
    Concern.BRAKE: (
        N_(
            "{what}: the brake is on since {when}: many tables are gone or damaged at once, in"
            " {detail}."
        ),
        N_("{what}: the brake is on: many tables are gone or damaged at once, in {detail}."),
    ),
    Concern.OVERDUE: (
        N_("{what}: overdue: the last clean backup is of {when}."),
        N_("{what}: overdue: no clean backup was ever made."),
    ),
    Concern.NEVER: (
        N_("{what}: there is no clean backup yet."),
        N_("{what}: there is no clean backup yet."),
    ),
    Concern.FAILED: (
        N_("{what}: the backup of {when} failed: {detail}."),
        N_("{what}: the last backup failed: {detail}."),
    ),
    Concern.UNVERIFIED: (
        N_("{what}: the copy of {when} was not proven clean: {detail}."),
        N_("{what}: the last copy was not proven clean: {detail}."),
    ),
    Concern.NO_RUN: (
        N_("{what}: no backup ran last night."),
        N_("{what}: no backup ran last night."),
    ),
    Concern.UNREACHABLE: (
        N_("{what}: cannot be reached: {detail}."),
        N_("{what}: cannot be reached: {detail}."),
    ),
    Concern.CUT_OFF: (
        N_("A restore of {what} was cut off."),
        N_("A restore of {what} was cut off."),
    ),
    Concern.LEFT_OUT: (
        N_("{what}: in no backup since {when}: {detail}."),
        N_("{what}: in no backup: {detail}."),
    ),
    Concern.IN_USE: (
        N_("{what}: no clean copy since {when}, because somebody is always in: {people}."),
        N_("{what}: no clean copy, because somebody is always in: {people}."),
    ),
    Concern.DRILL_FAILED: (
        N_("{what}: could not be restored when that was tried on {when}: {detail}."),
        N_("{what}: could not be restored when that was tried: {detail}."),
    ),
    Concern.DAMAGED: (
        N_("{what}: has damaged tables, at least since {when}: {detail}."),
        N_("{what}: has damaged tables: {detail}."),
    ),
    Concern.OLD: (
        N_("{what}: the last clean copy is of {when}."),
        N_("{what}: has no clean copy."),
    ),
    Concern.UNREGISTERED: (
        N_(
            "{what} looks like an administration, but no list names it: it is not backed up"
            " (seen since {when})."
        ),
        N_("{what} looks like an administration, but no list names it: it is not backed up."),
    ),
    Concern.REGISTER: (
        N_(
            "The list of administrations {what} is of {when}: administrations that were added since"
            " are not backed up."
        ),
        N_("The list of administrations {what} is old."),
    ),
    Concern.NO_SCHEDULE: (
        N_("{what}: no schedule has started a backup since {when}."),
        N_("{what}: no schedule has started a backup yet."),
    ),
    Concern.DRILL_LATE: (
        N_("{what}: no restore was tried since {when}."),
        N_("{what}: no restore was tried yet."),
    ),
    Concern.STATE: ("{detail}.", "{detail}."),
}

_CLOSE = N_("See to it that everybody closes AccountView in the evening; those named here did not.")
_SCHEDULE = N_(
    "Find out whether the computer is on at night and its schedule runs; 'avplugin doctor' looks"
    " for the cause."
)
_PASS_ON = N_("Pass this on to whoever looks after the backups.")
_TO_DO: dict[Concern, str] = {
    Concern.BRAKE: N_(
        "Look at once whether this was meant. If it was, run 'avplugin accept'. If not, it may be"
        " an intruder who encrypts files: take the server off the network."
    ),
    Concern.OVERDUE: _SCHEDULE,
    Concern.NEVER: _SCHEDULE,
    Concern.NO_RUN: _SCHEDULE,
    Concern.NO_SCHEDULE: _SCHEDULE,
    Concern.CUT_OFF: N_("Run 'avplugin restore --recover'; until then do not work in it."),
    Concern.LEFT_OUT: N_("See to it that the folder is where it belongs, and can be read."),
    Concern.DRILL_FAILED: N_(
        "Have whoever looks after the backups find out today whether it can be restored."
    ),
    Concern.DAMAGED: N_(
        "Have AccountView check the administration, or restore the last version that is sound."
    ),
    Concern.UNREGISTERED: N_(
        "Export the window Bestand > Administraties again. If it is no administration, name it"
        " under unregistered.ignore in accountview.yaml."
    ),
    Concern.REGISTER: N_("Export the window Bestand > Administraties again."),
    Concern.DRILL_LATE: N_(
        "Find out why borgmatic's check does not run; 'avplugin verify' proves by hand."
    ),
    Concern.STATE: "",
}


def sentence(texts: Texts, item: Attention) -> str:
    """Return what is to be looked at, as a sentence, with who was in the way behind it."""
    _ = texts.gettext
    with_moment, without = _SENTENCES[item.concern]
    said = _(with_moment if item.when is not None else without)
    if item.concern in {Concern.OVERDUE, Concern.NEVER}:
        if item.people:
            said += " " + _("In the way: {people}.")
        elif item.detail:
            said += " " + _("The last try: {detail}.")
    return said.format(
        what=item.what,
        when=_when(texts, item.when),
        detail=_short(item.detail),
        people=some_of(texts, item.people, 5),
    )


def to_do(texts: Texts, item: Attention) -> str:
    """Return what to do about it; empty where the sentence says all."""
    text = _CLOSE if item.people else _TO_DO.get(item.concern, _PASS_ON)
    return texts.gettext(text) if text else ""


def _when(texts: Texts, moment: datetime.datetime | None) -> str:
    return "" if moment is None else date_and_time(texts, moment)


def _short(detail: str) -> str:
    """Return a message without the full stop at its end, and no longer than people read."""
    text = " ".join(detail.split()).rstrip(".")
    return text if len(text) <= _FOLD else f"{text[:_FOLD]}..."
