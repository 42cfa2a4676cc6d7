"""What the bench makes of what it measures."""

import dataclasses
import datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest
from bench.answer import Bar, Table
from bench.calls import Calls, count_calls
from bench.office import changed_bytes
from bench.plot import plot
from bench.spent import run

from avplugin.foxpro.open_table import OpenTable, pack_table
from avplugin.foxpro.table import Field, build_table

TODAY = datetime.date(2026, 11, 27)


def test_a_ratio_is_the_median_of_the_ratios_of_the_rounds() -> None:
    # A slow second round, and a third in which only the one was lucky: 4.4 to 4 means nothing.
    table = Table("", "s", "bare", {"bare": [2, 20, 4], "avplugin": [3, 30, 4.4]})

    assert table.ratio("avplugin") == 1.5
    assert table.ratio("bare", "avplugin") == pytest.approx(2 / 3)
    assert table.median("avplugin") == 4.4
    assert "avplugin       4.40    1.50   3.00 to 30.00" in table.lines()


def test_a_bar_is_held_up_to_its_number_and_missed_above() -> None:
    bar = Bar("growth", 0.2, 0.2)

    assert bar.passed
    assert bar.line().startswith("PASS")
    above = dataclasses.replace(bar, measured=0.201)
    assert not above.passed
    assert above.line() == "missed  growth: 0.201, at most 0.2"


def test_what_changed_is_the_bytes_that_differ_and_what_was_appended() -> None:
    old = bytes(10_000)
    new = bytearray(old + b"appended")
    new[4095:4098] = b"abc"
    new[7] = 1

    assert changed_bytes(old, bytes(new), is_table=False) == b"\x01abcappended"
    assert changed_bytes(old, old, is_table=False) == b""
    assert changed_bytes(b"", b"all", is_table=True) == b"all"


def test_records_that_only_moved_when_a_table_was_packed_did_not_change(tmp_path: Path) -> None:
    rows = [(f"{number:04d}",) for number in range(500)]
    path = tmp_path / "MUTATIE.DBF"
    built = build_table([Field("CODE", "C", 4)], rows, updated=TODAY, deleted=frozenset({3}))
    path.write_bytes(built.table)
    old = path.read_bytes()
    opened = OpenTable(path)
    opened.update(9, {"CODE": "new!"})
    opened.write(TODAY)
    pack_table(path, TODAY)
    new = path.read_bytes()

    changed = changed_bytes(old, new, is_table=True)

    assert changed.endswith(b"new!")
    assert len(changed) == OpenTable(path).header.header_length + 5


def test_the_plot_is_a_picture_with_a_line_for_each_peer() -> None:
    drawn = plot("Growth & more", {"restic": [5, 10, 20], "avplugin": [5, 6, 7]})

    root = ElementTree.fromstring(drawn)  # noqa: S314 - our own
    lines = root.findall("{http://www.w3.org/2000/svg}polyline")
    assert [len(line.attrib["points"].split()) for line in lines] == [3, 3]
    assert "restic: 0 MB" in drawn


def test_what_a_command_costs_includes_what_it_starts(tmp_path: Path) -> None:
    script = "import os; os.system('python3 -c \"b = bytes(range(200)) * 1_000_000\"')"
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin"}

    spent = run(["python3", "-c", script], environment, tmp_path)
    little = run(["true"], environment, tmp_path)

    assert spent.memory > 200_000_000
    assert little.memory < 50_000_000
    assert spent.seconds > 0
    assert spent.processor > 0


def test_a_command_that_fails_ends_the_bench_with_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no such repository"):
        run(["sh", "-c", "echo no such repository; exit 2"], {"PATH": "/bin"}, tmp_path)


def test_calls_count_for_their_hook_where_they_begin_and_by_the_folder_they_are_about() -> None:
    traced = [
        b'7 execve("/v/bin/avplugin", ["avplugin", "before-backup", "all"], 0x7f /* 9 vars */) = 0',
        b'7 newfstatat(AT_FDCWD</root>, "/office/adm/A/X.DBF", {st_mode=S_IFREG|0644}, 0) = 0',
        b"8 getdents64(4</office/adm/A>,  <unfinished ...>",
        b"8 <... getdents64 resumed>0x55, 32768) = 0",
        b'7 write(3</state/patterns>, "R \n+ pp:"/office/adm/A"..., 80) = 80',
        b'7 newfstatat(AT_FDCWD</root>, "/official", 0x7f, 0) = -1 ENOENT (No such file)',
        b"7 --- SIGCHLD {si_signo=SIGCHLD} ---",
        b'9 execve("/v/bin/avplugin", ["avplugin", "after-backup", "all"], 0x7f /* 9 vars */) = 0',
        b'9 openat(AT_FDCWD</root>, "/office/docs/A", O_RDONLY) = 4</office/docs/A>',
    ]

    counted = count_calls(traced, [Path("/office/adm"), Path("/office/docs")])

    assert counted == {"before-backup": Calls(5, 2, 1), "after-backup": Calls(2, 1, 0)}
