"""Erasing one administration from every archive of a real repository, and nothing else."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import COMMANDS, World, adopted, group_has_ended, make_world, until

SECRET = b"Vertrouwelijk-7f3a91c2d4"
CODE, NAME = "WEG77", "Weggegaan & Zn"
PLACE = "Weg [a-z]'{1,2} *! \u00e9n"
# Not where it lay: DOCHTER's folder lay in there, and has that in its own path.
TRACES = (SECRET, CODE.encode(), NAME.encode(), b"weg77-kopie")

SERIES = "accountview-administrations-"


def folder_of(world: World) -> Path:
    return world.office / "Layouts" / PLACE


@pytest.fixture(scope="module")
def left(template: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    """An office that WEG77 has left, with archives of every kind that still hold it.

    Its folder lay in an extra folder, DOCHTER's in it; copy documents lay elsewhere, in DOCHTER's
    folder, and in one that SAMEN has too. The newest archive is without it.
    """
    world = make_world(template, tmp_path_factory.mktemp("forget") / "world")
    weg, daughter = folder_of(world), folder_of(world) / "Diep" / "Dochter"
    bakker = world.administrations / "BAKKER26"
    for place in (weg, daughter):
        place.mkdir(parents=True)
        shutil.copy(bakker / "BTW.DBF", place)
        shutil.copy(bakker / "BTW.CDX", place)
    (weg / "GEHEIM.BAK").write_bytes(SECRET * 3000)
    (weg / "GEDEELD.BAK").write_bytes(b"shared" * 3000)
    (daughter / "GEDEELD.BAK").write_bytes(b"shared" * 3000)
    (weg / "LINK.BAK").write_bytes(b"one file, two names")
    (daughter / "LINK.BAK").hardlink_to(weg / "LINK.BAK")
    papers = [world.office / "weg77-kopie", daughter / "weg77-kopie", world.office / "Samen-kopie"]
    for number, place in enumerate(papers):
        place.mkdir()
        (place / "factuur.pdf").write_bytes(b"%%PDF-%d" % number + (SECRET if number < 2 else b""))
    (world.office / "Samen").mkdir()
    shutil.copy(bakker / "BTW.DBF", world.office / "Samen")
    shutil.copy(bakker / "BTW.CDX", world.office / "Samen")
    entry = {
        "code": CODE,
        "name": NAME,
        "folder": str(weg),
        "copy_documents": [str(place) for place in papers],
    }

    def add(document: Any) -> None:
        document["administrations"] += [
            entry,
            {"code": "DOCHTER", "folder": str(daughter)},
            {
                "code": "SAMEN",
                "folder": str(world.office / "Samen"),
                "copy_documents": [str(papers[2])],
            },
        ]

    world.edit(world.configuration, add)
    night(world, "system")
    night(world, "administrations")
    (weg / "GEHEIM.BAK").write_bytes(SECRET * 3000 + bytes(20_000))
    (bakker / "NIEUW.BAK").write_bytes(bytes(10_000))
    night(world, "administrations")
    second = f"{world.repository}::{newest(world)}"

    def remove(document: Any) -> None:
        document["administrations"].remove(entry)

    world.edit(world.configuration, remove)
    shutil.rmtree(papers[0])
    shutil.rmtree(papers[1])
    daughter.rename(world.office / "Dochter")
    kept = world.folder / "kept"
    weg.rename(kept)

    def move(document: Any) -> None:
        for one in document["administrations"]:
            if one.get("code") == "DOCHTER":
                one["folder"] = str(world.office / "Dochter")

    world.edit(world.configuration, move)
    night(world, "administrations")
    for suffix in (".unverified", ".unverified.checkpoint"):
        target = second.rpartition("::")[2] + suffix
        assert world.borg("recreate", "--comment", "-", "--target", target, second).returncode == 0
    assert world.borg("rename", second, second.rpartition("::")[2] + ".hold").returncode == 0
    bare = f"{world.repository}::{SERIES}2020-01-01T02:00:00.unverified"
    kept.rename(weg)
    shutil.copytree(world.office / "Dochter", daughter)
    assert world.borg("create", bare, weg, world.office / "Samen").returncode == 0
    shutil.rmtree(weg)
    assert world.borg("create", f"{world.repository}::other", bakker).returncode == 0
    return world


def night(world: World, set_name: str) -> None:
    done = world.borgmatic("create", set_name=set_name)
    assert done.returncode == 0, done.stdout + done.stderr


def newest(world: World) -> str:
    return [name for name in world.archives() if name.startswith(SERIES)][-1]


def remembered(world: World) -> dict[bytes, list[str]]:
    """Return which of the traces are in the repository's objects, deleted ones included."""
    folder = world.folder / "objects"
    folder.mkdir()
    passphrase = (world.folder / "etc" / "passphrase").read_text().strip()
    done = subprocess.run(
        ["borg", "debug", "dump-repo-objs", "--ghost", str(world.repository)],
        env={**world.environment, "BORG_PASSPHRASE": passphrase},
        cwd=folder,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[bytes, list[str]] = {}
    for file in folder.iterdir():
        data = file.read_bytes()
        for trace in TRACES:
            if trace in data:
                found.setdefault(trace, []).append(file.name)
    shutil.rmtree(folder)
    return found


def items(world: World, archive: str) -> list[str]:
    done = world.borg(
        "list", "--format", "{type} {size} {isomtime} {path}{NL}", f"{world.repository}::{archive}"
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def is_kept(line: str) -> bool:
    """Return whether what a line lists is not WEG77's."""
    path = line.split(" ", 3)[3]
    weg = f"office/Layouts/{PLACE}"
    if "/folders/" in path and CODE in path:
        return False
    if "weg77-kopie" in path:
        return False
    if weg not in path:
        return True
    inside = path.partition(weg)[2]
    return inside in {"", "/Diep"} or inside.startswith("/Diep/Dochter")


def shape(line: str) -> str:
    """Return a line of a list without the size of a manifest, which may have lost a word."""
    kind, size, time, path = line.split(" ", 3)
    if path.endswith("LINK.BAK"):  # its first name goes, and the next one is the file now
        kind = size = ""
    return f"{kind} {'' if path.endswith('.json') else size} {time} {path}"


def archive_times(world: World) -> dict[str, tuple[str, str]]:
    """Return when each archive was begun and ended; snapshots are ordered by that."""
    done = world.borg(
        *("list", "--consider-checkpoints", "--json", "--format", "{start}{end}{comment}"),
        world.repository,
    )
    return {one["name"]: (one["start"], one["end"]) for one in json.loads(done.stdout)["archives"]}


@dataclasses.dataclass
class Story:
    """What happened on the way to a forgotten administration, and what there was before."""

    world: World
    dry: subprocess.CompletedProcess[str]
    refused: dict[str, subprocess.CompletedProcess[str]]
    before: dict[str, list[str]]
    times: dict[str, tuple[str, str]]
    killed: list[str]
    while_cut_off: subprocess.CompletedProcess[str]
    done: subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def story(left: World) -> Story:
    """Not confirmed, then killed behind the first archive, then done."""
    world = left
    assert set(remembered(world)) == set(TRACES)
    names = world.archives()
    before = {name: items(world, name) for name in names}
    times = archive_times(world)
    dry = world.avplugin("forget", CODE, "--dry-run")
    refused = {
        "yes": world.avplugin("forget", CODE, "--yes"),
        "nobody there": world.avplugin("forget", CODE),
        "another code": world.avplugin("forget", CODE, "--confirm", "WEG7"),
    }
    assert world.archives() == names
    assert not (world.state / "receipts").exists()
    with adopted():
        process = world.start_avplugin("forget", CODE, "--confirm", CODE)
        progress = world.state / "forget" / "progress.json"
        until(lambda: process.poll() is not None or has_begun(progress))
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        assert group_has_ended(process.pid)
    assert has_begun(progress), "it was over too soon"
    killed = world.archives()
    while_cut_off = world.avplugin("forget", "NIEMAND", "--dry-run")
    done = world.avplugin("forget", CODE, "--confirm", CODE)
    return Story(world, dry, refused, before, times, killed, while_cut_off, done)


def has_begun(progress: Path) -> bool:
    """Return whether an archive is done already."""
    try:
        return any(json.loads(progress.read_text())["changed"].values())
    except (FileNotFoundError, ValueError):
        return False


def test_nothing_changes_before_the_code_is_typed(story: Story) -> None:
    page = story.dry.stdout
    assert story.dry.returncode == 0, story.dry.stderr
    assert f"{CODE} ({NAME})" in page
    assert "it is in 5 of 8 archives (1 clean, 1 held, 2 unverified, 1 checkpoint)" in page
    assert f"stays, since it is another administration's as well: {story.world.office}/Sam" in page
    assert {done.returncode for done in story.refused.values()} == {2}
    assert f"--confirm {CODE}" in story.refused["nobody there"].stderr


def test_an_administration_that_is_still_there_is_not_forgotten(left: World) -> None:
    done = left.avplugin("forget", "bakker26", "--confirm", "BAKKER26")
    assert done.returncode == 1
    assert "bakker26 is still in the installation" in done.stderr


def test_killed_in_the_middle_no_archive_is_half_done(story: Story) -> None:
    assert set(story.before) <= set(story.killed)
    assert story.while_cut_off.returncode == 1
    assert f"avplugin forget {CODE}" in story.while_cut_off.stderr


def test_everything_of_it_goes_from_every_archive_and_nothing_else(story: Story) -> None:
    world = story.world
    assert story.done.returncode == 0, story.done.stderr
    assert world.archives() == list(story.before)
    assert archive_times(world) == story.times
    assert remembered(world) == {}
    for name, lines in story.before.items():
        left = [shape(line) for line in lines if is_kept(line)]
        assert [shape(line) for line in items(world, name)] == left


def test_others_are_restored_out_of_changed_archives_and_proven(story: Story) -> None:
    world = story.world
    held = next(name for name in world.archives() if name.endswith(".hold"))
    done = world.avplugin("verify", "DOCHTER", "SAMEN", "BAKKER26", "--archive", held)
    assert done.returncode == 0, done.stdout + done.stderr
    system = world.archives()[0]
    done = world.avplugin("verify", "extra:Layouts", "--archive", system)
    assert done.returncode == 0, done.stdout + done.stderr
    done = world.avplugin(
        "restore", "DOCHTER", "--archive", held, "--new", world.folder / "back", "--yes"
    )
    assert done.returncode == 0, done.stderr
    assert (world.folder / "back" / "LINK.BAK").read_bytes() == b"one file, two names"
    assert world.borg("check", "--verify-data", world.repository).returncode == 0
    done = world.avplugin("snapshots", CODE)
    assert done.returncode == 1


def test_nothing_this_machine_keeps_names_it_but_the_receipt(story: Story) -> None:
    world = story.world
    naming = {
        file.relative_to(world.state).parts[0]
        for file in world.state.rglob("*")
        if file.is_file() and any(trace in file.read_bytes() for trace in TRACES)
    }
    assert naming == {"receipts"}
    text = "".join(file.read_text() for file in (world.state / "receipts").iterdir())
    assert NAME not in text
    assert PLACE not in text
    assert CODE in text


def test_the_next_night_goes_on_behind_changed_archives(story: Story) -> None:
    done = story.world.borgmatic("create")
    assert "nothing has changed since the clean snapshot" in done.stdout + done.stderr


def test_what_is_forgotten_already_is_nothing_to_forget(story: Story) -> None:
    done = story.world.avplugin("forget", CODE, "--confirm", CODE)
    assert done.returncode == 1
    assert "nothing to forget" in done.stderr


@pytest.fixture(scope="module")
def small(template: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    """An office with one snapshot, that two administrations have left since.

    Another snapshot is of one of these alone.
    """
    world = make_world(template, tmp_path_factory.mktemp("append-only") / "world")
    entries = []
    for code in ("EERST", "DAARNA"):
        folder = world.office / "Weg" / code
        folder.mkdir(parents=True)
        shutil.copy(world.administrations / "BAKKER26" / "BTW.DBF", folder)
        shutil.copy(world.administrations / "BAKKER26" / "BTW.CDX", folder)
        (folder / "GEHEIM.BAK").write_bytes(code.encode() * 1000)
        entries.append({"code": code, "folder": str(folder)})
    world.edit(world.configuration, lambda document: document["administrations"].extend(entries))
    night(world, "administrations")
    done = world.avplugin("backup", "administrations", "--administration", "EERST")
    assert done.returncode == 0, done.stderr

    def remove(document: Any) -> None:
        document["administrations"] = [
            one for one in document["administrations"] if one not in entries
        ]

    world.edit(world.configuration, remove)
    return world


def test_a_repository_that_frees_nothing_is_seen_and_finished_later(small: World) -> None:
    def set_append_only(value: str) -> None:
        assert small.borg("config", small.repository, "append_only", value).returncode == 0

    small.environment["BORG_RELOCATED_REPO_ACCESS_IS_OK"] = "yes"
    set_append_only("1")
    assert [name for name in small.archives() if "chosen" in name]
    done = small.avplugin("forget", "EERST", "--confirm", "EERST")
    assert (done.returncode, "--server-allows-deletion" in done.stderr) == (2, True)
    forget = ("forget", "EERST", "--confirm", "EERST", "--server-allows-deletion")
    done = small.avplugin(*forget)
    assert done.returncode == 1
    assert "still in the repository's files" in done.stderr
    receipts = sorted((small.state / "receipts").glob("*.txt"))
    assert "NOT proven: " in receipts[-1].read_text()
    set_append_only("0")
    done = small.avplugin(*forget)
    assert done.returncode == 0, done.stderr
    assert not (small.state / "forget").exists()
    assert not [name for name in small.archives() if "chosen" in name]


def test_what_a_server_keeps_is_not_called_proven(small: World) -> None:
    """Borg's own server, append-only, behind a program that stands in for ssh."""
    ssh = small.folder / "ssh"
    serve = f"exec borg serve --append-only --restrict-to-path {small.folder}"
    ssh.write_text(f"#!/bin/sh\n{serve}\n")
    ssh.chmod(0o755)
    small.environment["BORG_RELOCATED_REPO_ACCESS_IS_OK"] = "yes"
    small.configure_borgmatic(f"ssh_command: {ssh}")
    include = small.folder / "etc" / "borgmatic.d" / "include" / "accountview.yaml"
    local = include.read_text()
    include.write_text(
        include.read_text().replace(
            f"path: {small.repository}", f"path: ssh://backup{small.repository}"
        )
    )
    forget = ("forget", "DAARNA", "--repository", "local", "--confirm", "DAARNA")
    done = small.avplugin(*forget)
    assert (done.returncode, "--server-allows-deletion" in done.stderr) == (2, True)
    done = small.avplugin("--json", *forget, "--server-allows-deletion")
    include.write_text(local)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["repositories"][0]["chunks_in_files"] is None
    assert answer["repositories"][0]["chunks_in_index"] == 0
    assert answer["repositories"][0]["listed"] == []
    assert "cannot be seen from here" in Path(answer["receipt"]).read_text()


def test_an_archive_that_would_lose_something_else_is_left_as_it_was(tmp_path: Path) -> None:
    """The last guard: what Borg recreated is compared before the old archive goes."""
    for name in ("weg", "blijft"):
        (tmp_path / "adm" / name).mkdir(parents=True)
        (tmp_path / "adm" / name / "A.DBF").write_bytes(name.encode())
    order = {"folders": ["adm/weg"], "kept": [], "paths": [], "replaced": {}}
    document = {"archives": {"one": order}, "ids": str(tmp_path / "ids")}
    (tmp_path / "order.json").write_text(json.dumps(document))
    environment = {
        "PATH": f"{COMMANDS}:{os.environ['PATH']}",
        "BORG_BASE_DIR": str(tmp_path / "borg"),
        "BORG_PASSPHRASE": "x",
        "AVPLUGIN_ORDER": str(tmp_path / "order.json"),
    }

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
        )

    assert run("borg", "init", "-e", "repokey-blake2", "repo").returncode == 0
    assert run("borg", "create", "repo::one", "adm").returncode == 0
    before = run("borg", "list", "--format", "{id} {name}", "repo").stdout
    forgetful = (
        "import avplugin.borgmatic.inside_borg as inside\n"
        "inside._Recreater.process_item = lambda *words: None\n"
        "inside.main()"
    )
    done = run(sys.executable, "-c", forgetful, "recreate", "repo")
    assert done.returncode != 0
    assert "something else is missing" in done.stderr
    listed = run("borg", "list", "--format", "{id} {name}", "repo", "--glob-archives", "one").stdout
    assert listed == before
    assert "adm/blijft/A.DBF" in run("borg", "list", "--short", "repo::one").stdout
