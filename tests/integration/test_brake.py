"""Nights on which many tables are gone or damaged: nothing counts as clean, nothing is pruned."""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import World
from terminal import Terminal

ADVICE = (
    "if that was meant: 'avplugin accept administrations'; else look at the server before anything"
    " else: this is what encryption by an intruder looks like"
)


@pytest.fixture
def lived_in(world: World) -> World:
    """An office of which there is a clean snapshot."""
    assert world.borgmatic("create").returncode == 0
    return world


@pytest.fixture
def bakker(lived_in: World) -> Path:
    """The folder of an administration that is in that snapshot."""
    return lived_in.administrations / "BAKKER26"


def hook(world: World, name: str) -> subprocess.CompletedProcess[str]:
    """Run a hook alone, where borgmatic has no part in what it says."""
    return world.avplugin(
        name,
        "administrations",
        *("--borgmatic-config", world.borgmatic_file(), "--repository", world.repository),
    )


def tables(folder: Path) -> list[Path]:
    """Return the tables of a folder, containers included."""
    found = [path for path in folder.rglob("*") if path.suffix.lower() in {".dbf", ".dbc"}]
    assert len(found) >= 9
    return sorted(found)


def encrypt(files: list[Path]) -> None:
    """Overwrite files as an intruder does; not one of them begins as a table."""
    for file in files:
        file.write_bytes(b"\xff" + secrets.token_bytes(file.stat().st_size))


def brake_file(world: World) -> Any:
    """Return what is known of the brake."""
    return json.loads((world.state / "administrations" / "brake.json").read_text())


def test_encrypted_tables_stop_pruning_and_stay_unverified_until_that_is_accepted(
    lived_in: World, bakker: Path
) -> None:
    world = lived_in
    world.keep(daily=1)
    world.working_day()
    assert world.borgmatic("create").returncode == 0
    clean = world.archives()
    assert len(clean) == 2
    encrypt(tables(bakker))
    count = len(tables(bakker))
    lost = f"BAKKER26: of {count} tables 0 are gone and {count} damaged (last clean copy: "

    first = world.borgmatic("create", "prune", "compact")
    second = world.borgmatic("create")
    pruned = world.borgmatic("prune", "compact")

    assert (first.returncode, second.returncode, pruned.returncode) == (1, 1, 1)
    for done in (first, second):
        assert f"administrations: the brake is on: {count} of " in done.stderr
        assert ADVICE in done.stderr
        assert f"{lost}{clean[1]})" in done.stderr
    assert "nothing has changed since" in second.stderr
    assert f"administrations: nothing is pruned in local: the brake is on: {count}" in pruned.stderr
    assert "Compact" not in pruned.stdout + pruned.stderr
    [braked] = set(world.archives()) - set(clean)
    assert world.archives() == [*clean, braked]
    assert braked.endswith(".unverified")
    [snapshot] = [one for one in world.avplugin_json("snapshots") if one["archive"] == braked]
    assert snapshot["reason"].startswith("the brake is on: ")

    encrypt([world.administrations / "Klant 1" / "GROOTBOEK.DBF"])
    [copied] = brake_file(world).values()
    third = hook(world, "before-backup")
    assert third.returncode == 0  # another copy: there is something new in it
    assert copied["braked"]["copy"] == braked
    assert "KLANT1: of " in third.stderr

    accepted = world.avplugin("accept", "--yes")

    assert accepted.returncode == 0, accepted.stderr
    assert accepted.stdout.startswith("administrations in local: the brake is on: ")
    assert f"{lost}{clean[1]})" in accepted.stdout
    assert "administrations in local: accepted." in accepted.stdout

    done = world.borgmatic("create", "prune")

    assert done.returncode == 0, done.stderr
    newest, *others = sorted(world.archives(), reverse=True)
    assert "." not in newest
    assert newest > clean[1]
    # The unverified copy has gone. Of the clean ones prune keeps one; the other was held, since in
    # no newer one these tables are sound.
    assert others == [f"{clean[1]}.hold"]
    assert brake_file(world) == {}


def test_what_trips_the_brake_and_what_does_not(lived_in: World, bakker: Path) -> None:
    world = lived_in
    world.working_day()
    for table in tables(bakker)[:1]:
        table.unlink()
    small = hook(world, "before-backup")

    assert small.returncode == 0
    assert "the brake is on" not in small.stderr
    assert hook(world, "before-prune").returncode == 0

    renamed = [path.rename(f"{path}.locked") for path in tables(bakker)[:5]]
    locked = hook(world, "before-backup")

    assert locked.returncode == 0, "a copy is made all the same"
    assert "warning: administrations: the brake is on: 6 of " in locked.stderr
    assert "BAKKER26: of 13 tables 6 are gone and " in locked.stderr
    refused = hook(world, "before-prune")
    assert refused.returncode == 1
    assert refused.stderr.startswith(
        "avplugin: administrations: nothing is pruned in local: the brake is on: "
    )
    assert refused.stderr.endswith(f"{ADVICE}\n")
    assert refused.stderr.count("\n") == 2

    for path in renamed:
        path.rename(path.with_suffix(""))
    back = hook(world, "before-backup")

    assert back.returncode == 0
    assert "the brake is on" not in back.stderr
    assert hook(world, "before-prune").returncode == 0

    shutil.rmtree(bakker)
    assert hook(world, "before-backup").returncode == 0
    assert hook(world, "before-prune").returncode == 0

    shutil.rmtree(world.administrations / "Klant 1")
    gone = world.avplugin("--json", "before-backup", "administrations")

    assert gone.returncode == 0
    assert json.loads(gone.stdout)["brake"][2].startswith("BAKKER26: the whole folder with its 13 ")

    world.configure(brake={"percent": 50})
    assert hook(world, "before-backup").returncode == 0
    assert hook(world, "before-prune").returncode == 0

    for place in (world.administrations, world.office / "Kopiedocumenten"):
        shutil.rmtree(place)
        place.mkdir()
    nothing = hook(world, "before-backup")

    assert nothing.returncode == 1
    assert "has no folder that can be backed up" in nothing.stderr
    assert "BAKKER26: the whole folder with its 13 tables is missing" in nothing.stderr
    assert hook(world, "before-prune").returncode == 1


def test_accepting_asks_and_covers_what_it_has_shown_and_nothing_more(
    lived_in: World, bakker: Path
) -> None:
    world = lived_in
    nothing = world.avplugin("accept")
    assert (nothing.returncode, nothing.stderr) == (0, "")
    assert nothing.stdout == "The brake is off: there is nothing to accept.\n"
    assert world.avplugin_json("accept", "administrations") == []
    assert world.avplugin("accept", "nonsense").returncode == 2

    for path in tables(bakker)[:4]:
        path.unlink()
    assert hook(world, "before-backup").returncode == 0
    unasked = world.avplugin("accept", "administrations")

    assert unasked.returncode == 2
    assert "--yes" in unasked.stderr
    assert hook(world, "before-prune").returncode == 1

    for answer, status in (("n\n", 1), ("y\n", 0)):
        terminal = Terminal(world, "avplugin", "accept", "administrations")
        terminal.read_until("Was all of this meant? [y/N]")
        assert "BAKKER26: of 13 tables 4 are gone and 0 damaged" in terminal.shown
        terminal.type(answer)
        assert terminal.end() == status, terminal.shown
        assert hook(world, "before-prune").returncode == status

    same = hook(world, "before-backup")
    assert "the brake is on" not in same.stderr
    assert hook(world, "before-prune").returncode == 0

    encrypt(tables(bakker)[:1])
    more = hook(world, "before-backup")

    assert "the brake is on: 5 of " in more.stderr
    assert "BAKKER26: of 13 tables 4 are gone and 1 damaged" in more.stderr
    assert hook(world, "before-prune").returncode == 1

    [answer] = world.avplugin_json("accept", "--yes")

    assert (answer["set"], answer["repository"]) == ("administrations", "local")
    assert answer["repository_path"] == str(world.repository)
    assert answer["reasons"][1] == ADVICE
    [folder] = answer["folders"]
    assert (folder["label"], folder["tables"], folder["gone"]) == ("BAKKER26", 13, 4)
    assert len(folder["damaged"]) == 1
    assert hook(world, "before-prune").returncode == 0


@pytest.fixture
def jan(world: World) -> Iterator[Path]:
    """A file that says which administration Jan is in; empty: none."""
    where, program = world.folder / "jan", world.folder / "who"
    where.touch()
    session = {
        **{"kind": "user", "user": "jan", "machine": "", "table": "", "since": "", "way": "own"},
        **{"folder": "BAKKER26", "administration": "BAKKER26", "note": "", "writing": True},
    }
    answer = {"checked": "NOW", "covers": "all", "unknown": []}
    nobody, somebody = (
        json.dumps({**answer, "answer": word, "sessions": sessions}).replace("NOW", "'$now'")
        for word, sessions in (("nobody", []), ("somebody", [session]))
    )
    program.write_text(
        "#!/bin/sh\nnow=$(date -u +%Y-%m-%dT%H:%M:%S+00:00)\n"
        f"if [ -s {where} ]; then echo '{somebody}'; exit 75; fi\necho '{nobody}'\n"
    )
    program.chmod(0o755)
    world.configure(sessions={"probes": [{"command": [str(program)]}]})
    yield where


def test_who_is_in_a_folder_neither_puts_the_brake_on_nor_takes_it_off(
    jan: Path, lived_in: World, bakker: Path
) -> None:
    world = lived_in
    jan.write_text("BAKKER26")
    world.working_day()
    busy = hook(world, "before-backup")
    assert busy.returncode == 0, busy.stderr
    assert "BAKKER26 is left out: in use: jan" in busy.stderr
    assert "the brake is on" not in busy.stderr

    jan.write_text("")
    encrypt(tables(bakker))
    assert "the brake is on" in hook(world, "before-backup").stderr
    jan.write_text("BAKKER26")
    busy = hook(world, "before-backup")
    assert "BAKKER26 is left out: in use: jan" in busy.stderr
    assert "the brake is on" in busy.stderr
    assert hook(world, "before-prune").returncode == 1
    probes = {"probes": [{"command": [str(world.folder / "who")]}]}
    world.configure(sessions={**probes, "on_busy": "postpone"})
    put_off = hook(world, "before-backup")
    assert put_off.returncode == 1, "75 would look like a success"
    assert "put off, since somebody is in" in put_off.stderr
    assert ADVICE in put_off.stderr
    world.configure(sessions=probes)

    # What was accepted stays so while a folder is left out of a snapshot that is clean.
    assert world.avplugin("accept", "--yes").returncode == 0
    assert world.borgmatic("create").returncode == 0
    assert "." not in max(world.archives())
    jan.write_text("")
    assert "the brake is on" not in hook(world, "before-backup").stderr


def test_an_installation_without_the_hook_before_prune_goes_on_as_before(world: World) -> None:
    file = world.borgmatic_file()
    head, tail = file.read_text().split("commands:\n")
    lines = tail.split("    - before: action\n      when: [prune]\n")
    assert len(lines) == 2
    file.write_text(f"{head}commands:\n{lines[0]}")

    done = world.borgmatic("create", "prune")

    assert done.returncode == 0, done.stderr


def test_the_last_snapshot_in_which_a_table_was_sound_outlives_pruning(
    lived_in: World, bakker: Path
) -> None:
    world = lived_in
    world.keep(daily=1)
    table = bakker / "GROOTBOEK.DBF"
    sound = table.read_bytes()
    [first] = world.archives()
    table.write_bytes(sound[:-200])
    assert world.borgmatic("create").returncode == 1, "new damage is an error, once"
    assert world.borgmatic("prune").returncode == 0
    held, second = world.archives()
    assert held == f"{first}.hold"

    with (world.administrations / "Klant 1" / "BRIEF.TXT").open("w") as file:
        file.write("Geachte heer")
    assert world.borgmatic("create", "prune").returncode == 0
    held_still, third = world.archives()
    assert held_still == held
    assert third not in {first, second}

    table.write_bytes(sound)
    assert world.borgmatic("create", "prune").returncode == 0
    [fourth] = world.archives()
    assert fourth not in {first, second, third}


def test_a_new_repository_is_no_way_around_the_brake(lived_in: World, bakker: Path) -> None:
    world = lived_in
    encrypt(tables(bakker))
    assert "the brake is on" in hook(world, "before-backup").stderr
    include = world.folder / "etc" / "borgmatic.d" / "include" / "accountview.yaml"
    second = world.folder / "second.borg"
    world.edit(
        include,
        lambda document: document["repositories"].append({"path": str(second), "label": "second"}),
    )
    assert world.borg("init", "-e", "repokey-blake2", second).returncode == 0
    words = (
        "administrations",
        "--borgmatic-config",
        world.borgmatic_file(),
        "--repository",
        second,
    )

    there = world.avplugin("before-backup", *words)

    assert "BAKKER26: of 13 tables 0 are gone and 13 damaged" in there.stderr
    assert world.avplugin("before-prune", *words).returncode == 1
    assert world.avplugin("accept", "--yes").returncode == 0
    assert "the brake is on" not in world.avplugin("before-backup", *words).stderr
