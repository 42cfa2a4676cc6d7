"""The language of what a bookkeeper reads, Dutch or English, out of gettext catalogues."""

from __future__ import annotations

import datetime
import gettext
from collections.abc import Mapping
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
