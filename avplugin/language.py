"""The language of what a bookkeeper reads, Dutch or English, out of gettext catalogues."""

from __future__ import annotations

import datetime
import gettext
from collections.abc import Mapping, Sequence
from pathlib import Path

DOMAIN = "avplugin"
LANGUAGES = ("nl", "en")
CATALOGUES = Path(__file__).with_name("locale")

Texts = gettext.NullTranslations  # what all of gettext's translations are; English is the msgid


def language(wanted: str | None, environment: Mapping[str, str]) -> str:
    """Return `nl` or `en`: what is wanted, else what the environment says as gettext reads it.

    LANGUAGE, a list, goes before the locale, unless that is C, which knows no languages.
    """
    if wanted:
        return wanted
    locale = locale_for("LC_MESSAGES", environment)
    if locale.partition(".")[0] in {"", "C", "POSIX"}:
        return "en"
    listed = (environment.get("LANGUAGE") or locale).split(":")
    known = (name[:2].lower() for name in listed if name[2:3] in {"", "_", "-", ".", "@"})
    return next((name for name in known if name in LANGUAGES), "en")


def locale_for(category: str, environment: Mapping[str, str]) -> str:
    """Return the locale that holds for a category such as LC_TIME; empty if none is set."""
    names = ("LC_ALL", category, "LANG")
    return next((environment[name] for name in names if environment.get(name)), "")


def texts_in(chosen: str) -> Texts:
    """Return the texts in a language of LANGUAGES."""
    return Texts() if chosen == "en" else gettext.translation(DOMAIN, CATALOGUES, [chosen])


def date_and_time(texts: Texts, moment: datetime.datetime) -> str:
    """Return the moment in local time, to the minute, as the language writes it."""
    return moment.astimezone().strftime(texts.gettext("%Y-%m-%d %H:%M"))


def day_and_month(texts: Texts, day: datetime.date) -> str:
    """Return a day without its year, such as 25 Nov."""
    return f"{day.day} {month(texts, day)}"


def month(texts: Texts, day: datetime.date) -> str:
    """Return the month of a day, as short as in a calendar."""
    return texts.gettext(_MONTHS[day.month - 1])


def weekday(texts: Texts, day: datetime.date) -> str:
    """Return the day of the week, as short as in a calendar."""
    return texts.gettext(_WEEKDAYS[day.weekday()])


def size(texts: Texts, number: int) -> str:
    """Return a number of bytes as people read it, such as 3.4 MB (decimal, as Borg counts)."""
    value, unit = float(number), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 1000 or unit == "TB":
            break
        value /= 1000
    if unit == "B":
        return f"{value:.0f} B"
    sign = texts.gettext("1.5")[1]  # a point, or the comma of other languages
    return f"{value:.1f} {unit}".replace(".", sign)


def some_of(texts: Texts, things: Sequence[str], most: int = 3) -> str:
    """Return the first of the things by name, and how many there are besides."""
    shown = ", ".join(things[:most])
    if len(things) <= most:
        return shown
    return texts.gettext("{some} and {number} more").format(some=shown, number=len(things) - most)


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for what is translated later
    """Mark a text for the catalogues."""
    return text


_WEEKDAYS = (N_("Mo"), N_("Tu"), N_("We"), N_("Th"), N_("Fr"), N_("Sa"), N_("Su"))
_MONTHS = (
    *(N_("Jan"), N_("Feb"), N_("Mar"), N_("Apr"), N_("May"), N_("Jun")),
    *(N_("Jul"), N_("Aug"), N_("Sep"), N_("Oct"), N_("Nov"), N_("Dec")),
)
