"""How large a repository was over time, as a small picture (SVG) inside a page."""

from __future__ import annotations

import html
from collections.abc import Sequence

from avplugin.language import Texts, day_and_month, size
from avplugin.report.content import Size

_WIDTH, _HEIGHT = 560, 170
_LEFT, _RIGHT, _TOP, _BOTTOM = 8, 8, 22, 24
_MOST = 120  # points


def chart(sizes: Sequence[Size], texts: Texts, description: str) -> str:
    """Return the picture; `description` is what it says to those who cannot see it.

    Its lower edge is zero: a repository that hardly grows must not look as if it exploded.
    """
    points = _thinned(sizes)
    begin, end = points[0].when.timestamp(), points[-1].when.timestamp()
    top = max(point.bytes for point in points) or 1
    floor = _HEIGHT - _BOTTOM

    def place(point: Size) -> tuple[float, float]:
        part = (point.when.timestamp() - begin) / (end - begin) if end > begin else 1.0
        x = _LEFT + part * (_WIDTH - _LEFT - _RIGHT)
        return x, floor - point.bytes / top * (floor - _TOP)

    places = [place(point) for point in points]
    course = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    area = f"{places[0][0]:.1f},{floor} {course} {places[-1][0]:.1f},{floor}"
    last_x, last_y = places[-1]
    first_day = day_and_month(texts, points[0].when.astimezone().date())
    last_day = day_and_month(texts, points[-1].when.astimezone().date())
    named = html.escape(description)
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{named}">'
        f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{floor}" y2="{floor}"/>'
        f'<polygon class="area" points="{area}"/><polyline class="course" points="{course}"/>'
        f'<circle class="dot" cx="{last_x:.1f}" cy="{last_y:.1f}" r="4"/>'
        f'<text x="{_LEFT}" y="14">{html.escape(size(texts, top))}</text>'
        f'<text x="{_LEFT}" y="{_HEIGHT - 6}">{html.escape(first_day)}</text>'
        f'<text x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 6}" text-anchor="end">{html.escape(last_day)}'
        "</text></svg>"
    )


def _thinned(sizes: Sequence[Size]) -> list[Size]:
    """Return no more points than a small picture can show; first and last are among them."""
    if len(sizes) <= _MOST:
        return list(sizes)
    step = (len(sizes) - 1) / (_MOST - 1)
    return [sizes[round(number * step)] for number in range(_MOST)]
