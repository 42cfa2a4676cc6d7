"""The hours of a day in which a backup may begin, in local time, past midnight if need be."""

from __future__ import annotations

import dataclasses
import datetime


@dataclasses.dataclass(frozen=True, slots=True)
class Window:
    """From one time of the day up to another, which may be on the next day.

    Where the clock is put forward over one of them, the window keeps its length; where it is put
    back, the hour that comes twice belongs to the same window both times.
    """

    begin: datetime.time
    end: datetime.time

    def __str__(self) -> str:
        """Return it as people say it."""
        return f"{self.begin:%H:%M} to {self.end:%H:%M}"

    def opening(self, moment: datetime.datetime) -> datetime.datetime | None:
        """Return since when the window is open at this moment; None if it is closed."""
        day = moment.astimezone().date()
        for one in (day, day - datetime.timedelta(days=1)):
            begin, end = self.hours(one)
            if begin <= moment < end:
                return begin
        return None

    def next_opening(self, moment: datetime.datetime) -> datetime.datetime:
        """Return when the window next opens, at this moment or later."""
        day = moment.astimezone().date() - datetime.timedelta(days=1)
        while True:
            begin, _ = self.hours(day)
            if begin >= moment:
                return begin
            day += datetime.timedelta(days=1)

    def hours(self, day: datetime.date) -> tuple[datetime.datetime, datetime.datetime]:
        """Return when the window that opens on a day opens and closes."""
        last_day = day if self.begin < self.end else day + datetime.timedelta(days=1)
        begin = datetime.datetime.combine(day, self.begin)
        end = datetime.datetime.combine(last_day, self.end)
        opens, closes = _moment(begin), _moment(end)
        return opens, closes if closes > opens else opens + (end - begin)


def _moment(local: datetime.datetime) -> datetime.datetime:
    """Return the moment of a time by this machine's clock; one that it leaves out comes later."""
    # astimezone() of a naive time that does not exist is an hour off; timestamp() is right (3.11).
    return datetime.datetime.fromtimestamp(local.timestamp(), datetime.UTC).astimezone()
