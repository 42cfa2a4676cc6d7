"""Proving that snapshots come back, out of real repositories; and tables where they lie."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import COMMANDS, World, make_world, tree, until

TABLE = b"\x30" + b"\x1a\x0b\x16" + bytes(28) + b"\x0d"
PROVEN = {"time", "archive", "files", "bytes", "tables", "records"}


@pytest.fixture(scope="module")
def backed_up(template: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    """An office with one clean snapshot of both sets. Tests leave it and the repository alone.

    A table of VANDIJK was damaged already. DOCHTER lies in MOEDER, and MOEDER's copy documents in
    DOCHTER.
    """
    world = make_world(template, tmp_path_factory.mktemp("verify") / "world")
    mother = world.administrations / "Moeder"
    papers = mother / "Dochter" / "Kopiedoc"
    papers.mkdir(parents=True)
    shutil.copy(world.administrations / "BAKKER26" / "BTW.DBF", mother)
    shutil.copy(world.administrations / "BAKKER26" / "BTW.CDX", mother)
    shutil.copy(mother / "BTW.DBF", mother / "Dochter")
    shutil.copy(mother / "BTW.CDX", mother / "Dochter")
    (papers / "factuur.pdf").write_bytes(b"%PDF-")
    (world.administrations / "BAKKER26" / "GROOT.BAK").write_bytes(bytes(600_000))
    cut_off(world.administrations / "Van Dijk & Zonen VOF" / "DEBITEUR.DBF")

    def add(document: Any) -> None:
        document["administrations"] += [
            {"code": "MOEDER", "folder": str(mother), "copy_documents": [str(papers)]},
            {"code": "DOCHTER", "folder": str(mother / "Dochter")},
        ]

    world.edit(world.configuration, add)
    done = world.run(
        *("borgmatic", "--config", world.borgmatic_file("system")),
        *("--config", world.borgmatic_file(), "create"),
    )
    assert done.returncode == 0, done.stderr
    return world


@pytest.fixture
def office(backed_up: World) -> Iterator[World]:
    """The same, in which no drill was ever made; nothing of one is left afterwards."""
    (backed_up.state / "drills.json").unlink(missing_ok=True)
    before = tree(backed_up.office)
    yield backed_up
    assert tree(backed_up.office) == before
    assert leftovers(backed_up.state / "scratch") == []


@pytest.fixture
def copy(backed_up: World, tmp_path: Path) -> World:
    """A copy of it, repository and all, that a test may spoil."""
    world = make_world(backed_up.folder, tmp_path / "copy")
    shutil.rmtree(world.folder / "borg")
    outcomes = world.state / "administrations" / "outcomes.json"
    outcomes.write_text(outcomes.read_text().replace(str(backed_up.folder), str(world.folder)))
    (world.state / "drills.json").unlink(missing_ok=True)
    return world


def cut_off(table: Path) -> None:
    table.write_bytes(table.read_bytes()[:-10])


def records(folder: Path) -> int:
    """Return how many records the tables right in a folder hold."""
    tables = [path for path in folder.iterdir() if path.suffix.lower() in {".dbf", ".dbc"}]
    return sum(struct.unpack_from("<I", path.read_bytes(), 4)[0] for path in tables)


def leftovers(scratch: Path) -> list[str]:
    return [path.name for path in scratch.iterdir()] if scratch.exists() else []


def archive(world: World, set_name: str = "administrations") -> str:
    return next(name for name in reversed(world.archives()) if f"-{set_name}-" in name)


def verdicts(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    return {verdict["label"]: verdict for verdict in json.loads(done.stdout)}


def known(world: World) -> dict[str, Any]:
    """Return what is kept of the drills of the administrations' series."""
    document = json.loads((world.state / "drills.json").read_text())
    [by_series] = document.values()
    part: dict[str, Any] = by_series["accountview-administrations"]
    return part


def passphrase(world: World) -> str:
    return (world.folder / "etc" / "passphrase").read_text().strip()


# The drill


def test_all_folders_come_back_and_the_listings_say_so(office: World) -> None:
    administrations = office.administrations

    done = office.avplugin("--json", "verify")
    found = verdicts(done)
    listed = office.avplugin_json("administrations")
    snapshots = office.avplugin_json("snapshots")
    [version] = office.avplugin_json("snapshots", "bakker26")

    assert done.returncode == 0, done.stderr
    assert set(found) == {
        *("BAKKER26", "CAFEOUD", "DOCHTER", "KLANT1", "KLANT12", "KLANT2", "MOEDER", "VANDIJK"),
        *("program", "system", "extra:Layouts"),
    }
    assert {verdict["status"] for verdict in found.values()} == {"proven"}
    bakker = found["BAKKER26"]
    assert bakker["archive"] == archive(office)
    assert bakker["folders"] == ["BAKKER26", "copy documents of BAKKER26"]
    assert bakker["records"] == records(administrations / "BAKKER26") > 100
    files = [path for path in (administrations / "BAKKER26").rglob("*") if path.is_file()]
    assert bakker["files"] == len(files)
    assert bakker["bytes"] == sum(path.stat().st_size for path in files)
    assert found["MOEDER"]["folders"] == ["MOEDER", "copy documents of MOEDER"]
    assert (found["MOEDER"]["files"], found["DOCHTER"]["files"]) == (3, 2)
    # What was damaged when it was backed up came back as it was.
    [damage] = found["VANDIJK"]["damaged_before"]
    assert damage.startswith("VANDIJK: DEBITEUR.DBF is 9 bytes too short")
    assert found["VANDIJK"]["records"] < bakker["records"]

    assert all(set(row["proven"]) == PROVEN for row in listed["administrations"])
    assert all(set(row["proven"]) == PROVEN for row in listed["system_folders"])
    assert all(row["failure"] is None for row in listed["administrations"])
    parts = [part for snapshot in snapshots for part in snapshot["folders"]]
    assert len(parts) == 17
    assert all(set(part["proven"]) == PROVEN for part in parts)
    assert version["proven"]["archive"] == archive(office)
    assert version["failure"] is None
    assert office.state.joinpath("drills.json").stat().st_mode & 0o077 == 0


def test_a_person_reads_one_line_for_each_and_when_it_was_proven(office: World) -> None:
    done = office.avplugin("verify", "vandijk", "system")
    mother, damage, system = done.stdout.splitlines()
    rows = office.avplugin("administrations").stdout.splitlines()
    snapshots = [line.split() for line in office.avplugin("snapshots").stdout.splitlines()]
    versions = office.avplugin("snapshots", "KLANT2").stdout.splitlines()

    assert (done.returncode, done.stderr) == (0, "")
    assert mother.startswith("VANDIJK: proven: ")
    assert f" ({archive(office)} in local, taken 20" in mother
    assert damage.endswith("was damaged when it was backed up, and came back as it was")
    assert system.startswith("system: proven: 9 files, 17.2 kB, 4 tables, 14 records ")
    by_code = {row.split()[0]: row.split()[-1] for row in rows}
    assert by_code["Code"] == "Proven"
    assert by_code["KLANT2"] == "never"
    assert by_code["VANDIJK"].startswith("20")
    assert f"program: {office.office / 'Programma'} (proven: never)" in rows
    assert snapshots[0][4] == "Proven"
    assert [line[6] for line in snapshots[1:3]] == ["2", "1"]
    assert " never " in versions[2]


def test_a_sample_takes_what_is_longest_unproven(office: World) -> None:
    taken = []
    for _ in range(2):
        done = office.avplugin("--json", "verify", "--sample", "2", "--archive", archive(office))
        taken += list(verdicts(done))

    assert taken == ["BAKKER26", "CAFEOUD", "DOCHTER", "KLANT1"]


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["BAKKER26/GROOTBOEK.DBF"], 2, "is a path: only whole folders are proven"),
        (["NIEMAND"], 1, "no clean snapshot holds NIEMAND"),
        (["--archive", "nonsense"], 1, "there is no snapshot nonsense"),
        (["--sample", "0"], 2, "--sample"),
        (["--sample", "1", "BAKKER26"], 2, "name the folders, or have --sample N choose them"),
        (["--live", "--sample", "1"], 2, "--live looks at no snapshots"),
        (["--scratch", "/nowhere", "BAKKER26"], 1, "/nowhere does not exist"),
        (["--live", r"BAKKER26\GROOTBOEK.DBF"], 2, "is a path: only whole folders"),
        (["--live", "NIEMAND"], 1, "there is no folder NIEMAND in the installation"),
    ],
)
def test_what_cannot_be_meant_is_said(
    office: World, words: list[str], status: int, message: str
) -> None:
    done = office.avplugin("verify", *words)

    assert done.returncode == status
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (office.state / "drills.json").exists()


def test_nothing_is_extracted_into_a_folder_that_is_backed_up(office: World) -> None:
    done = office.avplugin("verify", "--scratch", office.administrations / "BAKKER26")

    assert done.returncode == 1
    assert "lies inside BAKKER26" in done.stderr


def test_an_archive_that_is_not_clean_is_refused_with_the_reason(copy: World) -> None:
    name = archive(copy)
    renamed = copy.borg("rename", f"{copy.repository}::{name}", f"{name}.unverified")
    assert renamed.returncode == 0, renamed.stderr

    done = copy.avplugin("verify", "--archive", f"{name}.unverified")

    assert done.returncode == 1
    assert f"{name}.unverified is not clean: its run ended before the proof" in done.stderr
    assert len(done.stderr.splitlines()) == 2


def test_a_held_archive_is_meant_by_either_name_and_what_was_proven_stays_so(copy: World) -> None:
    name = archive(copy)
    assert copy.avplugin("verify", "KLANT2").returncode == 0
    copy.borg("rename", f"{copy.repository}::{name}", f"{name}.hold")

    [version] = copy.avplugin_json("snapshots", "KLANT2")
    done = copy.avplugin("--json", "verify", "KLANT1", "--archive", name)

    assert version["archive"] == f"{name}.hold"
    assert version["proven"]["archive"] == name
    assert verdicts(done)["KLANT1"]["archive"] == f"{name}.hold"


# What does not come back


def test_what_is_damaged_in_the_repository_fails_alone_and_is_remembered(
    office: World, tmp_path: Path
) -> None:
    damaged = tmp_path / "damaged.borg"
    shutil.copytree(office.repository, damaged)
    segments = [path for path in (damaged / "data" / "0").iterdir() if path.stat().st_size > 50_000]
    segment = max(segments, key=lambda path: int(path.name))  # that of the administrations
    data = bytearray(segment.read_bytes())
    for offset in range(len(data) // 2, len(data) // 2 + 2000, 100):  # in a few files' contents
        data[offset] ^= 0xFF
    segment.write_bytes(data)
    environment = {
        "PATH": "/usr/bin:/bin",
        "AVPLUGIN_CONFIG": "",
        "HOME": str(tmp_path),
        "BORG_PASSPHRASE": passphrase(office),
        "BORG_BASE_DIR": str(tmp_path / "borg"),
    }

    done = office.run(
        *(COMMANDS / "avplugin", "--json", "verify", "--repository", damaged), **environment
    )
    listed = office.run(
        *(COMMANDS / "avplugin", "--json", "snapshots", "--repository", damaged), **environment
    )
    again = office.run(
        *(COMMANDS / "avplugin", "--json", "verify", "--repository", damaged, "--sample", "1"),
        **environment,
    )

    found = verdicts(done)
    failed = {label for label, verdict in found.items() if verdict["status"] == "failed"}
    assert done.returncode == 1, done.stdout
    assert 0 < len(failed) < len(found)
    assert all("Data integrity error: " in found[label]["reason"] for label in failed)
    assert f"avplugin: {len(failed)} of {len(found)} folders not proven: " in done.stderr
    parts = [part for snapshot in json.loads(listed.stdout) for part in snapshot["folders"]]
    assert {part["label"] for part in parts if part["failure"]} >= failed
    assert not [part for part in parts if part["failure"] and part["proven"]]
    # What failed comes first the next time, though others have been proven longer ago.
    assert set(verdicts(again)) <= failed
    assert leftovers(tmp_path / ".cache" / "avplugin" / "scratch") == []


def test_an_archive_that_is_not_what_its_manifest_says_is_not_proven(
    copy: World, tmp_path: Path
) -> None:
    name = archive(copy)
    forgery = f"{name[:-2]}{(int(name[-2:]) + 30) % 60:02}"
    forged = tmp_path / "forged"
    forged.mkdir()
    out = copy.run(
        *("sh", "-c", f"cd '{forged}' && borg extract '{copy.repository}::{name}'"),
        BORG_PASSPHRASE=passphrase(copy),
    )
    assert out.returncode == 0, out.stderr
    places = {path.name: path for path in forged.rglob("Administraties/*")}
    (places["Klant 1"] / "ARTIKEL.DBF").unlink()
    (places["Klant 2"] / "EXTRA.TXT").touch()
    os.utime(places["café-oud"] / "ARTIKEL.DBF", (1, 1))
    (places["BAKKER26"] / "link.txt").symlink_to("/etc/passwd")
    made = copy.run(
        *("sh", "-c"),
        f"cd '{forged}' && borg create '{copy.repository}::{forgery}' avplugin tmp* */",
        BORG_PASSPHRASE=passphrase(copy),
    )
    assert made.returncode == 0, made.stderr

    done = copy.avplugin("--json", "verify", "KLANT1", "KLANT2", "CAFEOUD", "BAKKER26", "VANDIJK")
    one = copy.avplugin("verify", "KLANT1")
    listed = copy.avplugin("administrations").stdout.splitlines()
    older = copy.avplugin("--json", "verify", "KLANT1", "--archive", name)

    found = verdicts(done)
    assert {verdict["archive"] for verdict in found.values()} == {forgery}
    assert done.returncode == 1
    reasons = {label: verdict["reason"] for label, verdict in found.items()}
    assert " not as its manifest says" in reasons["KLANT1"]
    assert " not as its manifest says" in reasons["KLANT2"]
    assert " not as its manifest says" in reasons["BAKKER26"]
    assert "with other modification times" in reasons["CAFEOUD"]
    assert reasons["VANDIJK"] == ""
    assert one.stdout.startswith("KLANT1: NOT proven: KLANT1 came out with ")
    assert one.stderr.splitlines()[0] == "avplugin: 1 of 1 folder not proven: KLANT1."
    assert len(one.stderr.splitlines()) == 2
    [row] = [row for row in listed if row.startswith("KLANT1 ")]
    assert "  FAILED 20" in row
    assert verdicts(older)["KLANT1"]["status"] == "proven"


def test_a_table_that_was_sound_when_it_was_backed_up_and_is_not_now_fails(copy: World) -> None:
    # As if a program had written to it while it was copied, with the old time put back.
    with contextlib.closing(sqlite3.connect(copy.state / "catalogue.sqlite")) as catalogue:
        query = "SELECT manifest FROM folder WHERE key = 'VANDIJK'"
        manifest = json.loads(catalogue.execute(query).fetchone()[0])
        text = json.dumps({**manifest, "table_health": "sound", "damaged": {}})
        with catalogue:
            catalogue.execute("UPDATE folder SET manifest = ? WHERE key = 'VANDIJK'", (text,))

    done = copy.avplugin("--json", "verify", "VANDIJK")

    assert done.returncode == 1
    verdict = verdicts(done)["VANDIJK"]
    assert verdict["status"] == "failed"
    assert "sound when they were backed up came back damaged: DEBITEUR.DBF is" in verdict["reason"]
    # Its copy documents are not to blame.
    assert known(copy)["folders"]["COPY DOCUMENTS OF VANDIJK"][0]["failure"] == ""


def test_a_repository_out_of_reach_is_not_proven_while_the_other_one_is(office: World) -> None:
    include = office.folder / "etc" / "borgmatic.d" / "include" / "accountview.yaml"
    as_shipped = include.read_text()
    away = f"repositories:\n    - path: {office.folder}/away.borg\n      label: away\n"
    include.write_text(as_shipped.replace("repositories:\n", away))
    try:
        done = office.avplugin("verify", "KLANT2")
    finally:
        include.write_text(as_shipped)

    assert done.returncode == 1
    assert done.stdout.startswith("KLANT2: proven: ")
    assert f"avplugin: the repository {office.folder}/away.borg does not exist" in done.stderr


# What is no verdict


def test_too_little_room_is_told_before_anything_is_extracted(
    office: World, tmp_path: Path
) -> None:
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    small = tmp_path / "small"
    small.mkdir()
    mounted = office.run("mount", "-t", "tmpfs", "-o", "size=200k", "none", small)
    if mounted.returncode != 0:
        pytest.skip("mounting is not possible here")
    office.configure(drill={"folder": str(small)})
    try:
        done = office.avplugin("verify", "BAKKER26", "extra:Layouts")
        assert leftovers(small) == []
    finally:
        office.configure(drill=None)
        office.run("umount", small)

    assert done.returncode == 1
    bakker, layouts = done.stdout.splitlines()
    assert bakker.startswith(f"BAKKER26: not tried: the scratch folder {small} has ")
    assert "are needed (name another with --scratch FOLDER" in bakker
    assert layouts.startswith("extra:Layouts: proven: ")
    assert "BAKKER26" not in (office.state / "drills.json").read_text()


def test_a_disk_that_fills_up_and_a_locked_repository_say_nothing_about_the_archive(
    office: World, tmp_path: Path
) -> None:
    # A limit on the size of files (in blocks of 512 bytes) is met where a full disk is.
    words = ["sh", "-c", 'ulimit -f 1000; exec "$@"', "sh", "avplugin", "verify", "BAKKER26"]
    full = office.run(*words)
    with subprocess.Popen(
        ["borg", "with-lock", str(office.repository), "sleep", "60"],
        env={**office.environment, "BORG_PASSPHRASE": passphrase(office)},
        process_group=0,
    ) as holder:
        until((office.repository / "lock.exclusive").exists)
        locked = office.avplugin("verify", "BAKKER26")
        os.killpg(holder.pid, signal.SIGTERM)

    assert full.returncode == 1
    assert full.stdout.startswith("BAKKER26: not tried: ")
    assert "has no room left" in full.stdout
    assert locked.returncode == 1
    assert "is locked by another Borg process" in locked.stderr
    assert not (office.state / "drills.json").exists()


def test_a_repository_that_is_locked_meanwhile_is_no_failure_of_the_archive(
    office: World, tmp_path: Path
) -> None:
    borg = tmp_path / "commands" / "borg"
    borg.parent.mkdir()
    said = '{"type": "log_message", "levelname": "ERROR", "msgid": "LockTimeout", "message": "x"}'
    borg.write_text(
        f"#!/bin/sh\ncase $1 in extract) echo '{said}' >&2; exit 73;; esac\n"
        f'exec "{COMMANDS}/borg" "$@"\n'
    )
    borg.chmod(0o755)
    path = f"{borg.parent}:{office.environment['PATH']}"

    done = office.avplugin("verify", "BAKKER26", "KLANT2", PATH=path)

    assert done.returncode == 1
    assert done.stdout.count("not tried: the repository ") == 2
    assert "is locked by another Borg process" in done.stdout
    assert not (office.state / "drills.json").exists()


@pytest.fixture
def slow(office: World, tmp_path: Path) -> World:
    """The office, where Borg stops in the middle of extracting until somebody ends it."""
    borg = tmp_path / "commands" / "borg"
    borg.parent.mkdir()
    borg.write_text(
        "#!/bin/sh\n"
        f'case $1 in extract) case "$*" in *--stdout*) ;; *) "{COMMANDS}/borg" "$@"\n'
        f'exec sleep 60;; esac;; esac\nexec "{COMMANDS}/borg" "$@"\n'
    )
    borg.chmod(0o755)
    slow = World(office.folder)
    slow.environment["PATH"] = f"{borg.parent}:{office.environment['PATH']}"
    return slow


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_drill_that_is_stopped_clears_up_at_once(slow: World, number: int, status: int) -> None:
    scratch = slow.state / "scratch"
    process = slow.start_avplugin("verify", "BAKKER26")
    until(lambda: any(path.is_file() for path in scratch.rglob("*")))
    [folder] = scratch.iterdir()
    mode = folder.stat().st_mode & 0o777

    process.send_signal(number)
    said = process.communicate(timeout=20)[1]

    assert (process.returncode, said.strip()) == (status, "avplugin: stopped.")
    assert mode == 0o700
    assert leftovers(scratch) == []
    assert not (slow.state / "drills.json").exists()


def test_what_a_killed_drill_left_is_removed_by_the_next_but_not_while_its_borg_lives(
    slow: World, office: World
) -> None:
    scratch = slow.state / "scratch"
    process = slow.start_avplugin("verify", "BAKKER26")
    until(lambda: any(path.is_file() for path in scratch.rglob("*")))
    [left] = leftovers(scratch)
    process.kill()
    process.wait()

    assert office.avplugin("verify", "KLANT2").returncode == 0
    assert leftovers(scratch) == [left]
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert office.avplugin("verify", "KLANT2").returncode == 0
    assert leftovers(scratch) == []


def test_a_damaged_record_of_drills_is_in_the_way_of_drills_only(office: World) -> None:
    (office.state / "drills.json").write_text("[1]")

    listed = office.avplugin("administrations")
    snapshots = office.avplugin("snapshots")
    version = office.avplugin_json("snapshots", "KLANT2")
    done = office.avplugin("verify", "KLANT2")
    hook = office.avplugin("after-check", "administrations", "--repository", office.repository)

    assert listed.returncode == snapshots.returncode == 0
    assert "warning: what was proven is not known: " in listed.stderr
    assert listed.stderr.count("warning") == snapshots.stderr.count("warning") == 1
    assert listed.stdout.splitlines()[1].split()[-1] == "?"
    assert snapshots.stdout.splitlines()[1].split()[6] == "?"
    assert (version[0]["proven"], version[0]["failure"]) == (None, None)
    for failed in (done, hook):
        assert failed.returncode == 1
        assert "drills.json is damaged" in failed.stderr
        assert "Remove it" in failed.stderr
    (office.state / "drills.json").unlink()


# After a check


def test_a_check_of_borgmatic_is_followed_by_a_drill_until_the_next_is_due(copy: World) -> None:
    copy.configure(drill={"sample": 2})
    hook = ("after-check", "administrations", "--repository", copy.repository)

    checked = copy.borgmatic("check")
    first = known(copy)
    # Not due, it does not even look whether the repository is there.
    copy.repository.rename(copy.folder / "away")
    idle = copy.avplugin_json(*hook)
    late = copy.folder / "late"
    shutil.copy(copy.state / "drills.json", late)
    text = late.read_text()
    [day] = {first["done"]["drill"], first["done"]["held"]}
    for key in ("drill", "held"):  # not of the folders, which may have the same second
        text = text.replace(f'"{key}": "{day}"', f'"{key}": "2031-01-01T00:00:00+00:00"')
    (copy.state / "drills.json").write_text(text)
    lost = copy.avplugin(*hook)
    (copy.folder / "away").rename(copy.repository)
    again = copy.avplugin("--json", *hook)

    assert checked.returncode == 0, checked.stderr
    assert set(first["folders"]) == {
        *("BAKKER26", "COPY DOCUMENTS OF BAKKER26"),
        *("CAFEOUD", "COPY DOCUMENTS OF CAFEOUD"),
    }
    assert idle == {"due": False, "drilled": [], "held": [], "faults": []}
    assert lost.returncode == 1  # a clock in the future: it is due
    assert "does not exist" in lost.stderr
    assert again.returncode == 0
    assert [one["label"] for one in json.loads(again.stdout)["drilled"]] == ["DOCHTER", "KLANT1"]


def test_what_failed_is_tried_again_at_every_check_and_makes_borgmatic_report_it(
    copy: World,
) -> None:
    name = archive(copy)
    copy.configure(drill={"sample": 1})
    chunk = chunk_of(copy, name, "BAKKER26/ARTIKEL.DBF")
    spoiled = copy.borg("debug", "delete-obj", copy.repository, chunk)
    assert spoiled.returncode == 0, spoiled.stderr
    hook = ("after-check", "administrations", "--repository", copy.repository)

    checked = copy.borgmatic("check", "--only", "repository")
    again = copy.avplugin("--json", *hook)
    deleted = copy.borg("delete", "--force", f"{copy.repository}::{name}")
    assert deleted.returncode == 0, deleted.stderr
    gone = copy.avplugin("--json", *hook)
    idle = copy.avplugin_json(*hook)

    assert checked.returncode == 1
    assert "administrations: 1 of 1 folders not proven out of local: BAKKER26." in checked.stderr
    assert again.returncode == 1
    # It is not due otherwise: only what failed is tried.
    assert [one["label"] for one in json.loads(again.stdout)["drilled"]] == ["BAKKER26"]
    # No archive holds it any more: there is nothing to prove, and nothing to complain about.
    assert gone.returncode == 0, gone.stderr
    assert json.loads(gone.stdout)["drilled"] == []
    assert idle["due"] is False


def test_held_archives_which_borgmatic_does_not_see_are_checked_too(copy: World) -> None:
    name = archive(copy)
    copy.configure(drill={"sample": 0})
    hook = ("after-check", "administrations", "--repository", copy.repository)
    copy.borg("rename", f"{copy.repository}::{name}", f"{name}.hold")
    # Without what backups came to, the repository is known by what the last drill found there.
    (copy.state / "administrations" / "outcomes.json").unlink()

    sound = copy.avplugin_json(*hook)
    idle = copy.avplugin_json(*hook)
    (copy.state / "drills.json").unlink()
    chunk = chunk_of(copy, f"{name}.hold", "BAKKER26/ARTIKEL.DBF")
    assert copy.borg("debug", "delete-obj", copy.repository, chunk).returncode == 0
    unseen = copy.borgmatic("check", "--only", "archives", "--force", PATH=without_hook(copy))
    damaged = copy.avplugin(*hook)
    again = copy.avplugin(*hook)
    copy.borg("rename", f"{copy.repository}::{name}.hold", name)
    released = copy.avplugin_json(*hook)

    assert sound == {"due": True, "drilled": [], "held": [f"{name}.hold"], "faults": []}
    assert idle["due"] is False
    assert unseen.returncode == 0, unseen.stderr
    for done in (damaged, again):
        assert done.returncode == 1
        [line] = done.stderr.splitlines()
        assert line.startswith(
            f"avplugin: administrations: the held archives {name}.hold did not pass Borg's check: "
        )
        assert "ARTIKEL.DBF" in line
    assert released["held"] == []  # what is not held is borgmatic's to check


def chunk_of(world: World, name: str, path: str) -> str:
    """Return the id of a piece of a file's contents, as Borg's debug commands know it."""
    dump = world.folder / "dump.json"
    done = world.borg("debug", "dump-archive", f"{world.repository}::{name}", dump)
    assert done.returncode == 0, done.stderr
    items = json.loads(dump.read_text())["_items"]
    item = next(item for item in items if item["path"].endswith(path))
    chunk: str = item["chunks"][0][0]
    return chunk.removeprefix("\x7f")  # so Borg marks what is in hexadecimal


def without_hook(world: World) -> str:
    """Return a PATH on which avplugin does nothing."""
    folder = world.folder / "no-avplugin"
    folder.mkdir()
    (folder / "avplugin").symlink_to("/bin/true")
    return f"{folder}:{world.environment['PATH']}"


# Where they lie


def test_tables_are_checked_where_they_lie(copy: World) -> None:
    table = copy.administrations / "BAKKER26" / "ARTIKEL.DBF"
    cut_off(table)
    memo = next((copy.administrations / "Klant 1").glob("*.FPT"))
    memo.unlink()
    nested = copy.administrations / "Klant 2" / "SUB" / "LEEG.DBF"
    nested.parent.mkdir()
    nested.touch()
    shutil.rmtree(copy.administrations / "café-oud")

    done = copy.avplugin("verify", "--live")
    lines = done.stdout.splitlines()
    answer = copy.avplugin("--json", "verify", "--live", "bakker26", "system")
    sound = copy.avplugin("verify", "--live", "system", "MOEDER", "extra:Layouts")

    assert done.returncode == 1
    assert "system: 4 tables, sound" in lines
    assert "MOEDER: 1 table, sound" in lines
    assert "DOCHTER: 1 table, sound" in lines
    assert any(
        line.startswith("BAKKER26: 13 tables, DAMAGED: ARTIKEL.DBF is 9 bytes too short for")
        for line in lines
    )
    wanted = f"{memo.stem}.DBF needs {memo.name} beside it, which is not there"
    assert f"KLANT1: 13 tables, DAMAGED: {wanted}" in lines
    assert "KLANT2: 14 tables, DAMAGED: SUB/LEEG.DBF is empty" in lines
    assert any(line.startswith("CAFEOUD: does not exist") for line in lines)
    assert lines[-1].startswith("A table that somebody is writing to can look damaged: ")
    assert "folders not sound: " in done.stderr
    assert answer.returncode == 1
    bakker, papers, system = sorted(json.loads(answer.stdout), key=lambda part: part["label"])
    assert set(bakker["damaged"]) == {"ARTIKEL.DBF"}
    assert (bakker["sound"], papers["sound"], system["sound"]) == (False, True, True)
    assert (sound.returncode, sound.stderr) == (0, "")
    assert len(sound.stdout.splitlines()) == 4
