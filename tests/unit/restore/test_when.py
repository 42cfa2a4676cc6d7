"""A moment as a bookkeeper writes it, and what is refused rather than guessed."""

from __future__ import annotations

import datetime
import time

import pytest

from avplugin.errors import UsageError
from avplugin.restore.when import parse_when

pytestmark = pytest.mark.usefixtures("amsterdam")

DUTCH, AMERICAN, BRITISH, GERMAN = "nl_NL.UTF-8", "en_US.UTF-8", "en_GB", "de_DE@euro"
END = "23:59:59"


def now() -> datetime.datetime:
    """A Sunday, half past two in the afternoon."""
    return datetime.datetime(2026, 11, 22, 14, 30).astimezone()


def understood(text: str, locale: str = DUTCH) -> str:
    moment = parse_when(text, locale, now())
    assert moment.tzinfo is not None
    assert moment.microsecond == 999999
    return f"{moment:%Y-%m-%d %H:%M:%S}"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        # ISO 8601, whatever the locale
        ("2026-11-17", f"2026-11-17 {END}"),
        ("2026-11-17 18:00", "2026-11-17 18:00:59"),
        ("2026-11-17T18:00:05", "2026-11-17 18:00:05"),
        ("2026-11-17T18:00:05.25", "2026-11-17 18:00:05"),
        ("2026-11-17T18:00Z", "2026-11-17 19:00:59"),
        ("2026-11-17 18:00:05 +05:00", "2026-11-17 14:00:05"),
        ("2026-7-1", f"2026-07-01 {END}"),
        # in numbers
        ("17-11-2026 18:00", "2026-11-17 18:00:59"),
        ("17-11-2026, 18:00:07", "2026-11-17 18:00:07"),
        ("  17-11-2026   18:00 ", "2026-11-17 18:00:59"),
        ("17/11/2026", f"2026-11-17 {END}"),
        ("17.11.2026", f"2026-11-17 {END}"),
        ("1-2-26", f"2026-02-01 {END}"),
        ("17-11", f"2026-11-17 {END}"),
        ("17.11", f"2026-11-17 {END}"),
        ("25-12", f"2025-12-25 {END}"),
        ("29-2", f"2024-02-29 {END}"),
        ("17-11-2026 18u00", "2026-11-17 18:00:59"),
        ("17-11-2026 18u", "2026-11-17 18:00:59"),
        # in Dutch
        ("17 november 2026 18.00 uur", "2026-11-17 18:00:59"),
        ("17 november 2026 om 18:00", "2026-11-17 18:00:59"),
        ("dinsdag 17 november 2026", f"2026-11-17 {END}"),
        ("op 3 maart", f"2026-03-03 {END}"),
        ("17 mei", f"2026-05-17 {END}"),
        ("17 nov", f"2026-11-17 {END}"),
        ("17 nov. 18.30", "2026-11-17 18:30:59"),
        ("20 dec", f"2025-12-20 {END}"),
        ("29 februari", f"2024-02-29 {END}"),
        ("gisteren", f"2026-11-21 {END}"),
        ("gisteren 18:00", "2026-11-21 18:00:59"),
        ("Eergisteren 6 uur", "2026-11-20 06:00:59"),
        ("vandaag", f"2026-11-22 {END}"),
        ("dinsdag", f"2026-11-17 {END}"),
        ("afgelopen dinsdag 9:15", "2026-11-17 09:15:59"),
        ("zondag", f"2026-11-15 {END}"),
        ("zondag 02:00", "2026-11-22 02:00:59"),
        ("zondag 18:00", "2026-11-15 18:00:59"),
        ("2 dagen geleden", f"2026-11-20 {END}"),
        ("2 weken geleden 18:00", "2026-11-08 18:00:59"),
        ("6 uur geleden", "2026-11-22 08:30:00"),
        ("nu", "2026-11-22 14:30:00"),
        # a time alone
        ("13:00", "2026-11-22 13:00:59"),
        ("14:30", "2026-11-22 14:30:59"),
        ("18:00", "2026-11-21 18:00:59"),
        ("6 uur", "2026-11-22 06:00:59"),
        # in English, also for a Dutch user
        ("yesterday 6pm", "2026-11-21 18:00:59"),
        ("17 Nov 2026 12:05 a.m.", "2026-11-17 00:05:59"),
        ("November 17", f"2026-11-17 {END}"),
        ("last tuesday", f"2026-11-17 {END}"),
    ],
)
def test_what_a_dutch_user_writes_is_understood(text: str, meant: str) -> None:
    assert understood(text) == meant


@pytest.mark.parametrize("locale", [DUTCH, BRITISH, GERMAN, "C", "C.UTF-8", "POSIX", "", "xx_YY"])
def test_days_come_before_months(locale: str) -> None:
    assert understood("5/4/2026", locale) == f"2026-04-05 {END}"
    assert understood("gisteren", locale) == f"2026-11-21 {END}"
    assert understood("17 november", locale) == f"2026-11-17 {END}"


def test_only_where_the_locale_says_so_months_come_before_days() -> None:
    assert understood("5/4/2026", AMERICAN) == f"2026-05-04 {END}"
    assert understood("11/17/2026", AMERICAN) == f"2026-11-17 {END}"
    assert understood("12/11", AMERICAN) == f"2025-12-11 {END}"
    with pytest.raises(UsageError):
        understood("11/17/2026", DUTCH)


def test_on_a_server_with_an_american_locale_what_can_only_be_a_day_is_one() -> None:
    assert understood("17-11-2026 18:00", AMERICAN) == "2026-11-17 18:00:59"


def test_other_languages_are_understood_in_their_own_locale() -> None:
    assert understood("17. November 2026 18:00 Uhr", GERMAN) == "2026-11-17 18:00:00"
    assert understood("gestern", GERMAN) == f"2026-11-21 {END}"
    with pytest.raises(UsageError):
        understood("gestern", DUTCH)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "12", "99", "2026", "20261117", "abc", "BAKKER26", "18.00", "x" * 5000),
        *("17-11-2026 25:00", "17-11-2026 18:60", "2026-11-17T25:00", "17 nov 13pm"),
        *("2026-13-01", "31-2-2026", "31 februari 2026", "29-02-2026", "0001-01-01", "1" * 5000),
        *("nov", "november 2026", "vorige week", "vorige maand", "12 foo 2026", "5 uur 18:00"),
        *("17-11/2026", "17-11-20266", "17-11-2026 6", "17 nov 2026 2027", "gisteren ochtend"),
        *("17 november gisteren", "2026-11-17T18", "vorige week dinsdag"),
    ],
)
def test_what_is_not_clear_is_refused_in_two_lines(text: str) -> None:
    with pytest.raises(UsageError, match="cannot understand") as refused:
        understood(text)

    assert len(str(refused.value).splitlines()) == 2
    assert all(len(line) < 110 for line in str(refused.value).splitlines())


def test_the_examples_of_the_message_are_understood() -> None:
    with pytest.raises(UsageError) as refused:
        understood("abc")

    examples = str(refused.value).partition("Write ")[2].rstrip(".").replace(" or ", ", ")
    found = [example.strip("'") for example in examples.split(", ")]
    assert len(found) == 5
    for example in found:
        assert understood(example).startswith("2026-11-")


@pytest.mark.parametrize(
    "text", ["morgen", "2027-01-01", "over 3 dagen", "23-11-2026", "2026-11-23"]
)
def test_what_has_yet_to_come_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="has yet to come"):
        understood(text)


def test_later_today_is_no_error() -> None:
    assert understood("vandaag 18:00") == "2026-11-22 18:00:59"


@pytest.mark.parametrize(
    "text", ["2026-10-25 02:30", "25-10-2026 02:30", "25 oktober 2026 2.30 uur"]
)
def test_of_the_hour_that_comes_twice_the_later_one_is_meant(text: str) -> None:
    moment = parse_when(text, DUTCH, now()).astimezone(datetime.UTC)

    assert f"{moment:%Y-%m-%d %H:%M}" == "2026-10-25 01:30"


@pytest.mark.parametrize("text", ["2026-03-29 02:30", "29-3 2:30", "29 maart 02.30 uur"])
def test_in_the_hour_that_is_left_out_the_later_reading_counts(text: str) -> None:
    assert understood(text) == "2026-03-29 03:30:59"


def test_a_day_on_which_the_clock_changed_ends_when_it_ends() -> None:
    spring = parse_when("29-3-2026", DUTCH, now())
    autumn = parse_when("25-10-2026", DUTCH, now())

    assert f"{spring:%H:%M %z}" == "23:59 +0200"
    assert f"{autumn:%H:%M %z}" == "23:59 +0100"


@pytest.mark.parametrize(
    ("zone", "offset"),
    [
        ("CET-1CEST,M3.5.0,M10.5.0/3", "+0100"),
        (":Europe/Amsterdam", "+0100"),
        ("Not/There", "+0000"),
    ],
)
def test_every_way_in_which_a_system_says_its_zone_is_good(
    zone: str, offset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()

    for text in ("17 november 18:00", "17-11-2026 18:00", "5 dagen geleden 18:00"):
        for locale in (DUTCH, AMERICAN):
            moment = parse_when(text, locale, now())
            assert f"{moment:%Y-%m-%d %H:%M %z}" == f"2026-11-17 18:00 {offset}"


def test_the_moment_of_asking_may_be_in_any_zone() -> None:
    moment = parse_when(
        "gisteren", DUTCH, datetime.datetime(2026, 11, 22, 23, 30, tzinfo=datetime.UTC)
    )

    assert f"{moment:%Y-%m-%d}" == "2026-11-22"  # in Amsterdam it is Monday already
