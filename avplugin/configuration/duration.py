"""Durations as they stand in accountview.yaml: 45s, 30m, 12h, 2d, 1w, 7y."""

from __future__ import annotations

# A year is a leap year: what has to be kept for years is not to go a day early.
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "y": 366 * 86400}


def seconds(duration: str) -> float:
    """Return the seconds of a duration that the schema has checked."""
    return float(int(duration[:-1]) * _SECONDS[duration[-1]])


def human_duration(length: float) -> str:
    """Return seconds as people say them, in the largest unit of which there are two."""
    for unit, name in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if length >= 2 * unit:
            return f"{length / unit:.0f} {name}"
    return f"{length:.0f} seconds"
