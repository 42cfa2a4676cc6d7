"""The growth of all repositories over the working days, as a picture (SVG)."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from pathlib import Path

_WIDTH, _HEIGHT = 780, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 250, 34, 34
_COLOURS = ("#b4542c", "#7a7a7a", "#2c6fb4", "#8a4fa3", "#1e7d4f", "#000000")


def write_plot(path: Path, title: str, sizes: Mapping[str, Sequence[int]]) -> None:
    """Given each repository's bytes on each evening, draw how much it grew since the first."""
    path.write_text(plot(title, sizes), encoding="utf-8")


def plot(title: str, sizes: Mapping[str, Sequence[int]]) -> str:
    """Return the picture; lines end in their names, in the order of their height."""
    grown = {name: [size - each[0] for size in each] for name, each in sizes.items()}
    top = max(max(each) for each in grown.values()) or 1
    days = max(1, max(len(each) for each in grown.values()) - 1)
    floor = _HEIGHT - _BOTTOM
    right = _WIDTH - _RIGHT

    def y(size: float) -> float:
        return floor - size / top * (floor - _TOP)

    parts = [f'<text x="{_LEFT}" y="18" font-weight="bold">{html.escape(title)}</text>']
    for share in (0, 0.25, 0.5, 0.75, 1):
        at = y(top * share)
        parts += [
            f'<line x1="{_LEFT}" x2="{right}" y1="{at:.1f}" y2="{at:.1f}" stroke="#ddd"/>',
            f'<text x="{_LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">'
            f"{top * share / 1e6:.0f} MB</text>",
        ]
    parts += [
        f'<text x="{_LEFT}" y="{_HEIGHT - 12}">first copy</text>',
        f'<text x="{right}" y="{_HEIGHT - 12}" text-anchor="end">day {days}</text>',
    ]
    label_floor = float(_HEIGHT)
    colours = dict(zip(grown, _COLOURS, strict=False))
    for name, each in sorted(grown.items(), key=lambda item: item[1][-1]):
        points = " ".join(
            f"{_LEFT + day / days * (right - _LEFT):.1f},{y(size):.1f}"
            for day, size in enumerate(each)
        )
        colour = colours.get(name, "#000000")
        label_floor = min(y(each[-1]), label_floor - 14)  # names do not cover each other
        parts += [
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>',
            f'<text x="{right + 6}" y="{label_floor + 4:.1f}" fill="{colour}">'
            f"{html.escape(name)}: {each[-1] / 1e6:.0f} MB</text>",
        ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
        ' font-family="sans-serif" font-size="11">'
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>'
        f"{''.join(parts)}</svg>\n"
    )
