"""Whether this machine's clock can be believed: nights, windows and names depend on it."""

from __future__ import annotations

import datetime
import subprocess
from collections.abc import Iterable, Iterator

from avplugin.doctor.finding import Finding, error, fine, warning

_SLACK = datetime.timedelta(minutes=5)
_BUILT = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)  # no clock of a user's is earlier
_SET = (
    "Set the clock: timedatectl set-ntp true. If it is right, the other time is wrong: give such an"
    " archive a name of your own with borg rename."
)


def check(
    now: datetime.datetime, known: Iterable[tuple[str, datetime.datetime]]
) -> Iterator[Finding]:
    """Compare the moment `now` with `known` ones, each with what it is the time of."""
    latest = max(known, key=lambda one: one[1], default=None)
    if now < _BUILT:
        yield error(f"the clock says {now.astimezone():%Y-%m-%d %H:%M}, which is long ago", _SET)
    elif latest is not None and latest[1] > now + _SLACK:
        yield error(
            f"the clock says {now.astimezone():%Y-%m-%d %H:%M}, but {latest[0]} is of"
            f" {latest[1].astimezone():%Y-%m-%d %H:%M}",
            _SET,
        )
    else:
        local = now.astimezone()
        yield fine(f"the clock says {local:%Y-%m-%d %H:%M}, time zone {local:%Z} ({local:%z})")
    yield from _synchronised()


def _synchronised() -> Iterator[Finding]:
    """Ask systemd. Source: timedatectl(1), org.freedesktop.timedate1(5)."""
    try:
        done = subprocess.run(
            ["timedatectl", "show", "--property=NTPSynchronized", "--value"],
            capture_output=True,
            text=True,
            check=False,
            timeout=10,
        )
        answer = done.stdout.strip() if done.returncode == 0 else ""
    except (OSError, subprocess.TimeoutExpired):
        answer = ""
    if answer == "no":
        yield warning("nothing keeps the clock right", "timedatectl set-ntp true")
    elif answer == "yes":
        yield fine("the clock is kept right over the network")
