"""A moment as people write it: ISO 8601, the dates of their locale, Dutch or English words."""

from __future__ import annotations

import contextlib
import datetime
import re
from typing import TYPE_CHECKING, Any

from avplugin.errors import UsageError

if TYPE_CHECKING:
    from dateparser.date import DateData

_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?\s?(Z|[+-]\d\d:?\d\d)?", re.I)
_YEAR_FIRST = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})")
_YEAR_LAST = re.compile(r"(\d{1,2})([-/.])(\d{1,2})(?:\2(\d{4}|\d\d))?")
_TIME_AT_THE_END = re.compile(
    r"(?:(?P<day>.*\S)[\s,]+)??(?:(?:om|at)\s+)?(?P<hour>\d{1,2})"
    r"(?:(?P<mark>[:.uh])(?P<minute>\d\d)(?:[:.](?P<second>\d\d))?)?"
    r"\s*(?P<unit>uur|u|h|(?P<half>[ap])\.?m\.?)?",
    re.IGNORECASE,
)
_AT_FRONT = re.compile(r"^(op|on|afgelopen) ", re.IGNORECASE)  # the library does not know them
_LAST_MOMENT = datetime.time(23, 59, 59, 999999)
_LAST_SECOND = 59  # people see minutes: what was taken in the same minute is meant too
_A_DAY = datetime.timedelta(days=1)
_LANGUAGES = ("nl", "en")
_SETTINGS: dict[str, Any] = {
    "PREFER_DATES_FROM": "past",
    "RETURN_TIME_AS_PERIOD": True,
    # The library cannot read every TZ that the system can; local time is added afterwards.
    "TIMEZONE": "UTC",
}


def parse_when(text: str, locale: str, now: datetime.datetime) -> datetime.datetime:
    """Return the moment that `text` means, in local time.

    A date alone means the end of that day, hours and minutes the end of that minute. A time alone
    means the last time that it was so late, a moment in the hour that comes twice the later one.
    Where the year or the day is open, the past is meant. Days come before months unless the locale
    (such as `nl_NL.UTF-8`) writes them the other way round. `now` is aware. Raise UsageError if
    that is not clear or has yet to come.
    """
    here = now.astimezone().replace(tzinfo=None)
    words = _AT_FRONT.sub("", " ".join(text.split()), count=1)
    try:
        moment = _read(words, locale, here)
    except (ValueError, OverflowError, OSError):
        moment = None
    if moment is None:
        shown = text if len(text) <= 60 else f"{text[:57]}..."
        raise UsageError(
            f"cannot understand {shown!r} as a moment.\nWrite 2026-11-17, '2026-11-17 18:00',"
            " '17-11-2026 18:00', '17 november 18:00' or 'gisteren 18:00'."
        )
    if moment.date() > here.date():
        raise UsageError(
            f"{text!r} would be {moment:%Y-%m-%d %H:%M}, and that has yet to come.\n"
            "Name a moment of the past; the newest snapshot at or before it is taken."
        )
    return moment


def _read(text: str, locale: str, now: datetime.datetime) -> datetime.datetime | None:
    """Return the moment, in local time; None, or a ValueError, if the text does not say one."""
    if iso := _ISO.fullmatch(text):
        moment = datetime.datetime.fromisoformat(text.upper().replace(" Z", "Z"))
        return _local(moment if iso[1] else moment.replace(second=_LAST_SECOND))
    day_text, time = _split_off_time(text)
    if time is not None and not day_text:
        moment = datetime.datetime.combine(now, time)
        is_today = moment.replace(second=0) <= now
        return _local(moment if is_today else moment - _A_DAY)
    day = _read_numbers(day_text, locale, now.date())
    if day is None and any(char.isalpha() for char in day_text):
        found = _read_words(day_text, locale, now)
        if isinstance(found, datetime.datetime):
            return _local(found) if time is None else None
        day = found
        # On a Sunday, `sunday` alone is the last one; `sunday 02:00` was this night.
        if day == now.date() - 7 * _A_DAY and time and time <= now.time():
            day = day if re.search(r"\d", day_text) else now.date()
    return None if day is None else _local(datetime.datetime.combine(day, time or _LAST_MOMENT))


def _local(moment: datetime.datetime) -> datetime.datetime:
    """Return the moment in local time, the later one of two that a clock shows alike.

    Borg notes microseconds, people see seconds: what was taken in the same second is meant too.
    """
    whole = moment.replace(microsecond=999999)
    # Of an hour that the clock jumps over, fold=0 is the later reading (PEP 495).
    return max(whole.replace(fold=fold).astimezone() for fold in (0, 1))


def _split_off_time(text: str) -> tuple[str, datetime.time | None]:
    """Return the text without a time of day at its end, and that time."""
    found = _TIME_AT_THE_END.fullmatch(text)
    if found is None:
        return text, None
    # 17.11 alone is a date, and in `november 17` the number is no hour.
    has_mark = found["mark"] and (found["mark"] != "." or found["day"])
    if not has_mark and not found["unit"]:
        return text, None
    hour = int(found["hour"])
    if half := (found["half"] or "").lower():
        if not 1 <= hour <= 12:
            raise ValueError("no hour of twelve")
        hour = hour % 12 + (12 if half == "p" else 0)
    time = datetime.time(hour, int(found["minute"] or 0), int(found["second"] or _LAST_SECOND))
    return (found["day"] or "").rstrip(", "), time


def _read_numbers(text: str, locale: str, today: datetime.date) -> datetime.date | None:
    """Return the date that is written in numbers only; None if the text is of another form."""
    if found := _YEAR_FIRST.fullmatch(text):
        return datetime.date(int(found[1]), int(found[3]), int(found[4]))
    found = _YEAR_LAST.fullmatch(text)
    if found is None:
        return None
    first, second = int(found[1]), int(found[3])
    # Dutch servers often have an American locale: what can only be a day is one.
    is_month_first = first <= 12 and _has_month_first(locale)
    month, day = (first, second) if is_month_first else (second, first)
    if found[4]:
        return datetime.date(int(found[4]) + (2000 if len(found[4]) == 2 else 0), month, day)
    for year in range(today.year, today.year - 9, -1):  # 29 February comes every 4 or 8 years
        with contextlib.suppress(ValueError):
            date = datetime.date(year, month, day)
            if date <= today:
                return date
    raise ValueError("no such day")


def _read_words(
    text: str, locale: str, now: datetime.datetime
) -> datetime.date | datetime.datetime | None:
    """Return the date, or the moment if there is a time among the words.

    The library's guesses are not taken: a month or a week is no day, and every number has to come
    back in what it understood. `18 u` is to it 18 hours ago, also behind a date.
    """
    found = _ask_library(text, locale, now, absolute=True)
    if found.date_obj is not None:
        moment = found.date_obj
        said = {
            *(moment.day, moment.month, moment.year, moment.year % 100),
            *(moment.hour, moment.hour % 12 or 12, moment.minute, moment.second),
        }
        if not {int(number) for number in re.findall(r"\d+", text)} <= said:
            return None
    else:
        found = _ask_library(text, locale, now, absolute=False)
        if len(re.findall(r"\d+", text)) > 1:
            return None
    if found.date_obj is None:
        return None
    if found.period == "time":
        return found.date_obj
    is_day = found.period == "day" or (found.period == "week" and re.search(r"\d", text))
    date: datetime.date = found.date_obj.date()
    return date if is_day else None


def _ask_library(text: str, locale: str, now: datetime.datetime, *, absolute: bool) -> DateData:
    from dateparser.date import DateDataParser  # noqa: PLC0415 - 0.1 s

    settings = {
        **_SETTINGS,
        "PARSERS": ["absolute-time" if absolute else "relative-time"],
        "RELATIVE_BASE": now,
        # A weekday says which day it is without a number, and needs no month.
        "REQUIRE_PARTS": ["day", "month"] if absolute and re.search(r"\d", text) else [],
        "DATE_ORDER": "DMY",
        "PREFER_LOCALE_DATE_ORDER": False,
    }
    languages = list(dict.fromkeys((_tag(locale).partition("-")[0], *_LANGUAGES)))
    try:
        return DateDataParser(languages=languages, settings=settings).get_date_data(text)
    except ValueError:  # it does not know the locale's language, or there is none
        return DateDataParser(languages=list(_LANGUAGES), settings=settings).get_date_data(text)


def _has_month_first(locale: str) -> bool:
    """Return whether the locale writes 11/17/2026."""
    tag = _tag(locale)
    if tag in {"", "C", "POSIX"}:
        return False
    from dateparser.date import DateDataParser  # noqa: PLC0415 - 0.1 s

    # A language's own country has no entry of its own.
    for locales, languages in (([tag], None), (None, [tag.partition("-")[0]])):
        with contextlib.suppress(ValueError):
            reader = DateDataParser(languages=languages, locales=locales, settings=_SETTINGS)
            moment = reader.get_date_data("11/12/2001").date_obj
            return moment is not None and moment.month == 11
    return False


def _tag(locale: str) -> str:
    """Return `nl-NL` for `nl_NL.UTF-8@euro`."""
    return re.split(r"[.@]", locale)[0].replace("_", "-")
