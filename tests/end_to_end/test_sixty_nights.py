"""Two months of nights: the clock is libfaketime's, borgmatic and Borg are real.

People are in the way, administrations come, go, and are left out, a table is damaged, the clock
changes and is wrong. Behind it every administration has to be there in its last clean version.
"""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import json
import os
import shutil
import subprocess
import sysconfig
import time
import zoneinfo
from pathlib import Path
from typing import Any

import pytest
from conftest import World

from avplugin.demo.working_day import play_working_day

NIGHTS = 60
FIRST = datetime.date(2026, 9, 14)  # a Monday; the clock is put back on 25 October
CLOCK = Path(f"/usr/lib/{sysconfig.get_config_var('MULTIARCH')}/faketime/libfaketime.so.1")
HERE = zoneinfo.ZoneInfo("Europe/Amsterdam")
KEEP = {"keep_daily": 7, "keep_weekly": 4}

# Who is in which administration, by night.
USERS = {8: "Klant 1", 9: "Klant 1", 30: "BAKKER26", 31: "BAKKER26", 32: "BAKKER26"}
STAYS_TOO_LONG = 32
VAN_DIJK = "Van Dijk & Zonen VOF"
BAD = range(14, 20)  # Klant 2 is not there
DAMAGED = range(35, 38)  # a table of Van Dijk is cut off
COMES, GOES = 12, 26  # NIEUW is there from one night on, and no more from another
NOBODY_WORKS = {5, 6, 13, 20, 27, 41, 48, 55}
KILLED = 44  # nothing comes behind the copy
A_DAY_BEHIND = 50  # the clock is

PROBE = """#!/bin/sh
# Prints who is in as `avplugin --json sessions` does: the file beside it names the administration.
now=$(date -u +%Y-%m-%dT%H:%M:%S+00:00)
label=$(cat '{file}' 2>/dev/null)
if [ -z "$label" ]; then
    printf '{{"answer": "nobody", "checked": "%s", "sessions": [], "covers": "all",' "$now"
    printf ' "unknown": []}}'
    exit 0
fi
printf '{{"answer": "somebody", "checked": "%s", "covers": "all", "unknown": [],' "$now"
printf ' "sessions": [{{"kind": "user", "user": "jan", "machine": "balie", "folder": "%s",' "$label"
printf ' "administration": "%s", "table": "GROOTBOEK.DBF", "since": "", "way": "command",' "$label"
printf ' "writing": true, "note": ""}}]}}'
exit 75
"""


@dataclasses.dataclass
class Office:
    """A world whose clock says what night it is; `clean` has the last clean digest by code."""

    world: World
    in_use: Path
    clean: dict[str, str] = dataclasses.field(default_factory=dict)

    def at(self, moment: datetime.datetime) -> dict[str, str]:
        """Return the environment of a command that is started at this moment of local time."""
        # As an offset: a moment would be another one in Borg, which is run with the time zone UTC.
        offset = moment.replace(tzinfo=HERE).timestamp() - time.time()
        return {
            "LD_PRELOAD": str(CLOCK),
            "FAKETIME": f"{offset:+.0f}",
            "NO_FAKE_STAT": "1",
            "TZ": HERE.key,
        }

    def run(
        self, moment: datetime.datetime, *words: str | Path
    ) -> subprocess.CompletedProcess[str]:
        return self.world.run(*words, **self.at(moment))

    def borgmatic(self, moment: datetime.datetime, *words: str) -> subprocess.CompletedProcess[str]:
        return self.run(moment, "borgmatic", "--config", self.world.borgmatic_file(), *words)

    def folder(self, code: str) -> Path:
        return self.world.administrations / code

    def codes(self) -> list[str]:
        return sorted(path.name for path in self.world.administrations.iterdir())

    def outcome(self) -> dict[str, Any]:
        file = self.world.state / "administrations" / "outcomes.json"
        found: list[dict[str, Any]] = json.loads(file.read_text())
        return found[-1]


def digest(folder: Path) -> str:
    """Return what a folder holds, as one word."""
    found = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        found.update(str(path.relative_to(folder)).encode() + b"\0")
        found.update(path.read_bytes())
    return found.hexdigest()


@pytest.fixture
def office(world: World) -> Office:
    assert CLOCK.exists(), "libfaketime is missing: ./run test installs Debian's faketime"
    probe, in_use = world.folder / "probe", world.folder / "in-use"
    probe.write_text(PROBE.format(file=in_use))
    probe.chmod(0o755)
    world.configure(
        administrations=[
            {"folders": f"{world.administrations}/*"},
            # This one is known even while its folder is not there.
            {"code": "Klant 2", "name": "Klant 2", "folder": f"{world.administrations}/Klant 2"},
        ],
        sessions={"probes": [{"command": [str(probe)]}]},
        sets={
            "system": {
                "folders": ["program", "system", "extra"],
                "borgmatic": str(world.borgmatic_file("system")),
            },
            "administrations": {
                "select": "all",
                "borgmatic": str(world.borgmatic_file()),
                "interval": "1d",
                "from": "20:00",
                "until": "06:00",
            },
        },
    )
    include = world.folder / "etc" / "borgmatic.d" / "include" / "accountview.yaml"
    lines = [line for line in include.read_text().splitlines() if not line.startswith("keep_")]
    lines += [f"{name}: {count}" for name, count in KEEP.items()]
    include.write_text("\n".join(lines) + "\n")
    return Office(world, in_use)


@pytest.mark.timeout(1200)
def test_behind_sixty_nights_every_administration_is_there_in_its_last_clean_version(
    office: Office,
) -> None:
    for night in range(NIGHTS):
        moment = datetime.datetime.combine(
            FIRST + datetime.timedelta(days=night), datetime.time(2, 30)
        )
        if night == A_DAY_BEHIND:
            moment -= datetime.timedelta(days=1)
        prepare(office, night)
        play_night(office, night, moment)
        if night % 6 == 5:
            prune(office, night, moment + datetime.timedelta(hours=4))

    look_at_the_end(office, moment)


def prepare(office: Office, night: int) -> None:
    """Let the day before a night be what it was."""
    world = office.world
    away = world.folder / "away"
    if night == COMES:
        shutil.copytree(office.folder("BAKKER26"), office.folder("NIEUW"))
    if night == GOES:
        shutil.rmtree(office.folder("NIEUW"))
    if night == BAD.start:
        office.folder("Klant 2").rename(away)
    if night == BAD.stop:
        away.rename(office.folder("Klant 2"))
    if night in DAMAGED:
        (office.folder("BAKKER26") / "NOTITIE.TXT").write_text(f"night {night}")
    elif night not in NOBODY_WORKS:
        play_working_day(world.office, seed=night)
    table = office.folder(VAN_DIJK) / "PERIODE.DBF"
    if night == DAMAGED.start:
        shutil.copy2(table, world.folder / "sound")
        table.write_bytes(table.read_bytes()[:-100])
    if night == DAMAGED.stop:
        shutil.copy2(world.folder / "sound", table)
    office.in_use.write_text(USERS.get(night, ""))


def play_night(office: Office, night: int, moment: datetime.datetime) -> None:
    """Start borgmatic as a schedule does, and look whether it says what it has to."""
    before = {code: digest(office.folder(code)) for code in office.codes()}
    if night == KILLED:
        hooks = office.world.borgmatic_file()
        text = hooks.read_text()
        hooks.write_text(text.replace("after-backup administrations", "no-such-command"))
        done = office.borgmatic(moment, "create")
        hooks.write_text(text)
        assert done.returncode == 1
        return

    done = office.borgmatic(moment, "create")
    said = f"night {night}: {done.stdout}{done.stderr}"
    outcome = office.outcome()
    left_out = {line.partition(":")[0] for line in (*outcome["left_out"], *outcome["in_use"])}
    user = USERS.get(night)
    troubled = night in BAD or night in {DAMAGED.start, STAYS_TOO_LONG}
    assert done.returncode == (1 if troubled else 0), said
    if user and night != STAYS_TOO_LONG:
        assert f"{user} is left out: in use: jan on balie has GROOTBOEK.DBF open" in done.stderr
        assert outcome["people"] == ["jan on balie"]
    if night == STAYS_TOO_LONG:
        assert f"{user}, overdue, was copied though" in done.stderr
    if night in BAD:
        assert "Klant 2 is left out: " in done.stderr
    if night in DAMAGED:
        assert f"{VAN_DIJK} has damaged tables: PERIODE.DBF" in done.stderr
    if outcome["status"] == "clean":
        office.clean |= {code: one for code, one in before.items() if code not in left_out}
    elif night in NOBODY_WORKS:
        assert outcome["status"] == "unchanged", said
    else:
        assert outcome["status"] == "unverified", said
        assert night == STAYS_TOO_LONG, said
    if night % 10 == 3:
        again = office.borgmatic(moment + datetime.timedelta(minutes=10), "create")
        assert again.returncode == 0
        assert "not now: the next one is due at" in again.stdout
        assert office.outcome() == outcome


def prune(office: Office, night: int, moment: datetime.datetime) -> None:
    done = office.borgmatic(moment, "prune")

    said = f"night {night}: {done.stdout}{done.stderr}"
    assert done.returncode == 0, said
    assert "snapshots removed" in said or "snapshot removed" in said, said


def look_at_the_end(office: Office, moment: datetime.datetime) -> None:
    """Put back every administration there ever was, out of its newest clean snapshot."""
    world = office.world
    assert set(office.clean) == {*office.codes(), "NIEUW"}
    for number, (code, wanted) in enumerate(office.clean.items()):
        target = world.folder / f"back-{number}"
        done = office.run(moment, "avplugin", "restore", code, "--new", target, "--yes")
        assert done.returncode == 0, f"{code}: {done.stderr}"
        assert digest(target) == wanted, f"{code} came back in another version"

    series = "accountview-administrations-"
    names = world.archives()
    kept = [name for name in names if len(name) == len(series) + len("2026-09-14T02:30:00")]
    held = [name for name in names if name.endswith(".hold")]
    # Borg's own rules, over all that were not held: seven days, four more weeks.
    assert len(kept) == sum(KEEP.values()), names
    assert {name.removeprefix(series)[:10] for name in kept} >= {
        str(FIRST + datetime.timedelta(days=night)) for night in range(NIGHTS - 4, NIGHTS)
    }
    assert len(held) == 1, names  # the last one that has NIEUW
    assert held[0] < f"{series}{FIRST + datetime.timedelta(days=GOES)}"
    assert not [name for name in names if ".unverified" in name]


def test_the_library_that_sets_the_clock_does(tmp_path: Path) -> None:
    done = subprocess.run(
        ["date", "+%F"],
        env={**os.environ, "LD_PRELOAD": str(CLOCK), "FAKETIME": "@2026-10-25 02:30:00"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "2026-10-25\n"
