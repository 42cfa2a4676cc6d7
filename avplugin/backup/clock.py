"""Whether this machine's clock is behind what a repository holds already."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from avplugin.backup.call import Call
from avplugin.borgmatic.archive import Archive, of_series

_SLACK = datetime.timedelta(minutes=5)  # by which a clock is put right without a word


def behind_the_newest(call: Call, archives: Sequence[Archive]) -> tuple[str, ...]:
    """Return a sentence if an archive of the call's series is from the future; else nothing.

    Borg takes what is made by such a clock for old, and prunes it first.
    """
    now = datetime.datetime.now(datetime.UTC)
    newest = next(iter(of_series(archives, call.series)), None)
    if newest is None or newest.time <= now + _SLACK:
        return ()
    return (
        f"{call.set.name}: this machine's clock says {now.astimezone():%Y-%m-%d %H:%M}, but"
        f" {newest.name} is of {newest.time.astimezone():%Y-%m-%d %H:%M}."
        " Set the clock: timedatectl set-ntp true. If it is right, that archive's time is wrong:"
        " give it a name of your own with borg rename.",
    )
