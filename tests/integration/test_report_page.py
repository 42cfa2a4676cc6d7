"""The page of `avplugin report`, in a real browser."""

from __future__ import annotations

import dataclasses
import datetime
import html
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pypdf
import pytest
from conftest import COMMANDS
from past import Past

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or "chromium"
ODD = '<b>EIK</b> & "ZN"'
CODES = ["AALBERS26", "BAKKER26", "CAFE26", "DEVRIES26", ODD, "FIETS26"]
WIDTHS = (360, 1200)

# Measured inside the page, in a copy of it: the page itself needs no script.
PROBE = """<script>
function luminance(colour) {
  const parts = colour.match(/[0-9.]+/g).slice(0, 3).map(Number).map(
    part => part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4);
  return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
}
function paper(element) {
  for (; element; element = element.parentElement) {
    const colour = getComputedStyle(element).backgroundColor;
    if (!/, 0\\)$/.test(colour)) return colour;
  }
  return 'rgb(255, 255, 255)';
}
function contrast(element) {
  const [low, high] = [luminance(getComputedStyle(element).color), luminance(paper(element))]
    .sort((one, other) => one - other);
  return (high + 0.05) / (low + 0.05);
}
addEventListener('load', () => {
  const page = document.documentElement;
  const texts = [...document.querySelectorAll('td, th, p, li, strong, caption, summary, small')];
  parent.postMessage(JSON.stringify({
    width: innerWidth,
    overflow: page.scrollWidth - page.clientWidth,
    paper: getComputedStyle(document.body).backgroundColor,
    faint: texts.filter(one => contrast(one) < 4.5).map(one => one.outerHTML.slice(0, 80)),
    verdict: document.querySelector('.verdict strong').textContent,
    rows: [...document.querySelectorAll('.nights tbody th[scope=row]')].map(
      one => one.firstChild.textContent),
    cells: [...document.querySelectorAll('.nights tbody tr:not(.group)')].map(
      one => one.querySelectorAll('td').length),
    heads: document.querySelectorAll('.nights thead th[scope=col]').length,
    strange: document.querySelectorAll('th b:not(:only-child), td b').length,
    fetched: performance.getEntriesByType('resource').length,
    language: page.lang,
    picture: document.querySelectorAll('svg[role=img][aria-label]').length,
  }), '*');
});
</script>"""

FRAMES = """<!DOCTYPE html><meta charset="utf-8"><pre id="found"></pre><script>
const found = [];
addEventListener('message', message => {
  found.push(JSON.parse(message.data));
  document.getElementById('found').textContent = JSON.stringify(found);
});
</script>"""


def chromium(folder: Path, *words: str) -> str:
    """Run the browser with nothing of its own kept; return what it printed."""
    profile = folder / "profile"
    shutil.rmtree(profile, ignore_errors=True)
    done = subprocess.run(
        [
            CHROMIUM,
            *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
            *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
            *("--disable-dev-shm-usage", f"--user-data-dir={profile}", *words),
        ],
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return done.stdout


def make_page(past: Past, language: str) -> Path:
    file = past.folder / f"{language}.html"
    done = subprocess.run(
        ["avplugin", "report", "--html", str(file), "--language", language],
        env={
            "PATH": f"{COMMANDS}:{os.environ['PATH']}",
            "HOME": str(past.folder),
            "AVPLUGIN_CONFIG": str(past.configuration),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return file


def measure(page: Path, *words: str) -> dict[int, Any]:
    """Return what a copy of the page finds out about itself, by the width of the window."""
    copy = page.with_name("copy.html")
    copy.write_text(page.read_text().replace("</body>", f"{PROBE}</body>"))
    outer = page.with_name("outer.html")
    frames = "".join(
        f'<iframe src="copy.html" style="width:{width}px;height:900px;border:0"></iframe>'
        for width in WIDTHS
    )
    outer.write_text(FRAMES + frames)
    dom = chromium(
        page.parent,
        *("--window-size=1400,1000", "--virtual-time-budget=5000", *words),
        *("--dump-dom", outer.as_uri()),
    )
    match = re.search(r'<pre id="found">(.*?)</pre>', dom, re.DOTALL)
    assert match is not None
    return {one["width"]: one for one in json.loads(html.unescape(match[1]))}


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Past:
    """An office with five bad weeks, and a name that is no good HTML."""
    now = datetime.datetime.now().astimezone()
    made = Past(tmp_path_factory.mktemp("report"), now, CODES)
    made.bad_weeks()
    return made


@pytest.mark.parametrize(
    ("language", "words", "dark"),
    [
        ("nl", (), False),
        ("en", ("--force-dark-mode", "--blink-settings=preferredColorScheme=0"), True),
    ],
    ids=["light", "dark"],
)
def test_the_page_fits_every_screen_can_be_read_and_says_what_is_wrong(
    past: Past, language: str, words: tuple[str, ...], dark: bool
) -> None:
    found = measure(make_page(past, language), *words)

    assert sorted(found) == list(WIDTHS)
    for one in found.values():
        assert one["overflow"] == 0
        assert one["faint"] == []
        assert one["fetched"] == 0
        assert one["strange"] == 0
        assert one["language"] == language
        assert one["picture"] == 1
        assert (one["paper"] == "rgb(255, 255, 255)") == (not dark)
        assert ("4 punten vragen" if language == "nl" else "4 things need") in one["verdict"]
        troubled = sorted([ODD, "AALBERS26", "BAKKER26", "CAFE26"])
        assert one["rows"] == [
            *("system in nas", "administrations in nas"),
            *troubled,
            *("DEVRIES26", "FIETS26"),
        ]
        assert set(one["cells"]) == {35}
        assert one["heads"] == 35


def test_the_page_stands_alone_and_only_its_owner_may_read_it(past: Past) -> None:
    file = make_page(past, "nl")
    text = file.read_text()

    assert file.stat().st_mode & 0o777 == 0o600
    assert not re.search(r"https?://|<script|<link|url\(|@import", text)
    assert ODD not in text
    assert html.escape(ODD) in text


def test_the_page_prints_on_a_few_sheets_of_a4(past: Past) -> None:
    file = make_page(past, "nl")
    pdf = past.folder / "page.pdf"

    chromium(past.folder, "--no-pdf-header-footer", f"--print-to-pdf={pdf}", file.as_uri())

    pages = pypdf.PdfReader(pdf).pages
    assert 1 <= len(pages) <= 3
    assert [round(float(side)) for side in pages[0].mediabox[2:]] == [595, 842]
    text = "\n".join(page.extract_text() for page in pages)
    assert "Niet alles is zoals het hoort" in text
    assert "FIETS26" in text
    assert "Laatste geslaagde proef" in text


def test_a_thousand_administrations_make_no_monstrous_page(tmp_path: Path) -> None:
    now = datetime.datetime.now().astimezone()
    past = Past(tmp_path, now, [f"KLANT{number:04}" for number in range(1000)])
    past.quiet_months(40)

    size = make_page(past, "nl").stat().st_size
    assert size < 700_000

    quiet = [dataclasses.replace(past.outcome(ago), changed=()) for ago in range(40, -1, -1)]
    past.write(quiet)
    assert make_page(past, "nl").stat().st_size < 100_000
