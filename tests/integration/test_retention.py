"""Pruning by borgmatic's own rules, with what is needed held, told afterwards in one line."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from conftest import World, make_world, until

NAME = "accountview-administrations-2026-11-{:02d}T02:00:00"


def night(world: World, day: int, *actions: str) -> subprocess.CompletedProcess[str]:
    """Have borgmatic make a backup as of 2 o'clock that day, and whatever else."""
    line = f"extra_borg_options: {{create: '--timestamp 2026-11-{day:02d}T02:00:00'}}"
    file = world.borgmatic_file()
    text, found = re.subn(r"extra_borg_options: .*", line, file.read_text())
    file.write_text(text if found else f"{line}\n{text}")
    (world.administrations / "BAKKER26" / "DAG.TXT").write_text(str(day))
    return world.borgmatic("create", *actions)


def hook(world: World, name: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a hook alone, where borgmatic has no part in what it says."""
    borgmatic = ("--borgmatic-config", world.borgmatic_file(), "--repository", world.repository)
    return world.avplugin(*words, name, "administrations", *borgmatic)


def klant1(world: World) -> Path:
    return world.administrations / "Klant 1"


def retention(world: World) -> dict[str, dict[str, object]]:
    """Return what is known of the last prune, by repository id."""
    found: dict[str, dict[str, object]] = json.loads(
        (world.state / "administrations" / "retention.json").read_text()
    )
    return found


@pytest.fixture(scope="module")
def nights(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three nights, of which the last two lack KLANT1; the snapshot of one day is kept."""
    world = make_world(template, tmp_path_factory.mktemp("nights") / "world")
    world.keep(daily=1)
    assert night(world, 1).returncode == 0
    klant1(world).rename(world.folder / "away")
    assert night(world, 2).returncode == 1
    assert night(world, 3).returncode == 1
    assert world.archives() == [NAME.format(day) for day in (1, 2, 3)]
    shutil.rmtree(world.folder / "borg")  # else Borg would ask whether the repository was moved
    return world.folder


@pytest.fixture
def lacking(nights: Path, tmp_path: Path) -> World:
    """A world of its own with these nights."""
    return make_world(nights, tmp_path / "world")


def test_what_newer_snapshots_lack_is_held_and_told_and_goes_once_they_have_it(
    lacking: World,
) -> None:
    world = lacking
    pruned = world.borgmatic("prune")

    assert pruned.returncode == 0, pruned.stderr
    assert world.archives() == [f"{NAME.format(1)}.hold", NAME.format(3)]
    line = (
        f"administrations in local: 1 snapshot removed; 1 held: {NAME.format(1)} for KLANT1,"
        " copy documents of KLANT1 (left out since then)."
    )
    assert line in pruned.stdout.splitlines()
    assert world.borgmatic("prune", "check").returncode == 0
    assert world.archives() == [f"{NAME.format(1)}.hold", NAME.format(3)]

    (world.folder / "away").rename(klant1(world))
    back = night(world, 4, "prune")

    assert back.returncode == 0, back.stderr
    assert "administrations in local: 2 snapshots removed; nothing is held." in back.stdout
    assert world.archives() == [NAME.format(4)]


def test_a_folder_that_left_is_kept_for_as_long_as_is_said_and_more_versions_if_wanted(
    lacking: World,
) -> None:
    world = lacking
    known = json.loads(world.avplugin("--json", "administrations").stdout)["administrations"]
    sets = {
        "administrations": {
            "select": [one["code"] for one in known if one["code"] != "KLANT1"],
            "borgmatic": str(world.borgmatic_file()),
            "keep_versions": 2,
            "keep_retired": "1d",
        },
        "system": {"folders": ["system"]},
    }
    world.configure(sets=sets)

    answer = json.loads(hook(world, "before-prune", "--json").stdout)

    # The reckoning goes by the snapshot before the last one: the second day is not over yet.
    labels = {why["label"]: why["why"] for one in answer["held"] for why in one["reasons"]}
    assert labels["KLANT1"] == "gone since then, kept until 2026-11-02"
    assert labels["BAKKER26"] == "version 2 of the 2 to keep"
    assert answer["condemned"] == []

    pruned = night(world, 4, "prune")

    assert pruned.returncode == 0, pruned.stderr
    left = world.archives()
    assert f"{NAME.format(1)}.hold" not in left
    assert left[-2:] == [f"{NAME.format(3)}.hold", NAME.format(4)]


def test_a_prune_that_was_cut_off_is_told_and_the_next_one_goes_on(lacking: World) -> None:
    world = lacking
    assert hook(world, "before-prune").returncode == 0
    unended = retention(world)
    assert hook(world, "before-prune").stderr.startswith(
        "warning: administrations in local: the prune of 20"
    )
    world.borg("delete", f"{world.repository}::{NAME.format(2)}")

    pruned = world.borgmatic("prune")

    assert pruned.returncode == 0, pruned.stderr
    assert "did not end; 1 of 1 snapshots were removed. This one goes on" in pruned.stderr
    assert "administrations in local: 0 snapshots removed; 1 held: " in pruned.stdout
    [known] = retention(world).values()
    [before] = unended.values()
    assert (before["ended"], before["condemned"]) == ("", [NAME.format(2)])
    assert known["ended"]


def test_a_hold_that_somebody_deleted_is_told_once_and_in_nobodys_way(lacking: World) -> None:
    world = lacking
    assert world.borgmatic("prune").returncode == 0
    world.borg("delete", f"{world.repository}::{NAME.format(1)}.hold")

    first, second = world.borgmatic("prune"), world.borgmatic("prune")

    said = (
        f"administrations in local: {NAME.format(1)}.hold was held for KLANT1, copy documents"
        " of KLANT1 (left out since then) and is gone: somebody removed it"
    )
    assert (first.returncode, second.returncode) == (0, 0)
    assert said in first.stderr
    assert said not in second.stderr
    assert "0 snapshots removed; nothing is held." in first.stdout


def test_an_archive_in_the_series_that_avplugin_did_not_make_is_held_and_told(
    lacking: World,
) -> None:
    world = lacking
    stranger = "accountview-administrations-2026-10-05T10:00:00"
    odd = "accountview-administrations-jjjj-mm-ddTuu:mm:ss"
    etc = str(world.folder / "etc")
    world.borg("create", "--timestamp", "2026-10-05", f"{world.repository}::{stranger}", etc)

    pruned = world.borgmatic("prune")

    assert pruned.returncode == 0, pruned.stderr
    assert f"{stranger} (nobody can tell what is in it)" in pruned.stdout
    assert f"{stranger}.hold" in world.archives()

    world.borg("create", "--timestamp", "2026-10-06", f"{world.repository}::{odd}", etc)
    there = world.archives()
    refused = world.borgmatic("prune")

    assert refused.returncode == 1
    assert "nothing is pruned in local: what Borg would keep and remove does not add up" in (
        refused.stderr
    )
    assert odd in refused.stderr
    assert world.archives() == there


def test_rules_on_borgmatics_command_line_are_refused_since_a_hook_is_not_told(
    lacking: World,
) -> None:
    world = lacking
    for words, named in (
        (("prune", "--keep-daily", "1"), "--keep-daily"),
        (("prune", "-a", "*"), "-a"),
        (("prune", "--override", "keep_daily=1"), "--override keep_daily"),
    ):
        refused = world.borgmatic(*words)
        assert refused.returncode == 1
        assert f"borgmatic was called with {named}, which" in refused.stderr
    assert len(world.archives()) == 3


@pytest.mark.parametrize("line", ["verbosity: -2", "log_json: true"])
def test_quiet_or_in_json_pruning_does_the_same_and_says_what_it_should(
    lacking: World, line: str
) -> None:
    world = lacking
    world.configure_borgmatic(line)

    pruned = world.borgmatic("prune")

    assert pruned.returncode == 0, pruned.stderr
    assert world.archives() == [f"{NAME.format(1)}.hold", NAME.format(3)]
    if line == "verbosity: -2":
        assert (pruned.stdout, pruned.stderr) == ("", "")
    else:
        messages = [json.loads(each)["message"] for each in pruned.stdout.splitlines()]
        assert any("administrations in local: 1 snapshot removed; 1 held" in m for m in messages)


def test_another_disk_under_the_same_path_has_a_story_of_its_own(
    lacking: World, template: Path
) -> None:
    world = lacking
    assert world.borgmatic("prune").returncode == 0
    [first] = retention(world)
    world.repository.rename(world.folder / "on the shelf")
    assert world.borg("init", "-e", "repokey-blake2", world.repository).returncode == 0

    unmade = hook(world, "after-prune")
    empty = world.borgmatic("prune")

    assert unmade.returncode == 1
    assert "before-prune did not run for administrations in local" in unmade.stderr
    assert empty.returncode == 0, empty.stderr
    assert "0 snapshots removed; nothing is held." in empty.stdout
    assert "is gone" not in empty.stderr
    shutil.rmtree(world.repository)
    (world.folder / "on the shelf").rename(world.repository)
    back = world.borgmatic("prune")
    assert f"1 held: {NAME.format(1)} for KLANT1" in back.stdout
    assert len(retention(world)) == 2
    assert first in retention(world)


def test_what_is_gone_though_it_was_to_stay_is_an_error(lacking: World) -> None:
    world = lacking
    assert hook(world, "before-prune").returncode == 0
    for name in (NAME.format(2), NAME.format(3)):
        world.borg("delete", f"{world.repository}::{name}")

    told = hook(world, "after-prune", "--json")

    assert told.returncode == 1
    answer = json.loads(told.stdout)
    assert answer["removed"] == [NAME.format(3), NAME.format(2)]
    assert answer["unmeant"] == [NAME.format(3)]
    assert f"{NAME.format(3)} gone, though Borg had said" in told.stderr


def test_a_damaged_note_of_the_last_prune_is_said_so_and_nothing_is_pruned(lacking: World) -> None:
    world = lacking
    assert world.borgmatic("prune").returncode == 0
    file = world.state / "administrations" / "retention.json"
    file.write_text('{"a": 1')

    refused = world.borgmatic("prune")

    assert refused.returncode == 1
    assert f"{file} is damaged" in refused.stderr
    file.unlink()
    assert world.borgmatic("prune").returncode == 0


def test_nothing_is_pruned_while_another_borgmatic_backs_up_the_set(lacking: World) -> None:
    world = lacking
    reached, go = world.folder / "reached", world.folder / "go"
    wait = f"touch {reached}; until [ -e {go} ]; do sleep 0.05; done"
    world.add_hook(f"- before: action\n  when: [create]\n  run: ['{wait}']")
    backing_up = world.start_borgmatic("create")
    until(reached.exists)

    refused = hook(world, "before-prune")
    go.touch()
    backing_up.communicate()

    assert refused.returncode == 1
    assert "nothing is pruned in local: a backup of the set runs since 20" in refused.stderr
    assert hook(world, "before-prune").returncode == 0


def test_nothing_is_pruned_if_a_manifest_cannot_be_read(lacking: World) -> None:
    world = lacking
    (world.state / "catalogue.sqlite").unlink()
    commands = world.folder / "commands"
    commands.mkdir()
    borg = shutil.which("borg", path=world.environment["PATH"])
    last = NAME.format(3)
    (commands / "borg").write_text(
        f'#!/bin/sh\ncase "$*" in *extract*::{last}*) echo unreadable >&2; exit 2 ;; esac\n'
        f'exec {borg} "$@"\n'
    )
    (commands / "borg").chmod(0o755)
    there = world.archives()

    refused = world.borgmatic("prune", PATH=f"{commands}:{world.environment['PATH']}")

    assert refused.returncode == 1
    assert f"nothing is pruned in local: nobody can tell what is in {last}" in refused.stderr
    assert world.archives() == there
    assert world.borgmatic("prune").returncode == 0


def test_no_backup_begins_between_what_is_held_and_the_prune(world: World) -> None:
    def often(document: Any) -> None:
        document["sets"]["administrations"]["interval"] = "1s"

    world.edit(world.configuration, often)
    assert world.borgmatic("create").returncode == 0
    folder = world.administrations / "BAKKER26"
    meanwhile = world.folder / "meanwhile"
    world.add_hook(
        "- before: action\n  when: [prune]\n"
        f"  run: ['mv {folder} {world.folder}/away; sleep 2; borgmatic --config"
        f" {world.borgmatic_file()} create >{meanwhile} 2>&1; true']"
    )
    world.configure_borgmatic("keep_secondly: 1")

    done = world.borgmatic("prune")

    assert done.returncode == 0, done.stderr
    assert "is pruned by another borgmatic at this moment" in meanwhile.read_text()
    assert len(world.archives()) == 1
    assert world.avplugin_json("snapshots", "BAKKER26")


def test_of_two_prunes_at_once_the_second_changes_nothing_and_ends_in_an_error(
    lacking: World,
) -> None:
    world = lacking
    meanwhile = world.folder / "meanwhile"
    world.add_hook(
        "- before: action\n  when: [prune]\n"
        f"  run: ['[ -e {meanwhile} ] || {{ borgmatic --config {world.borgmatic_file()} prune"
        f" >{meanwhile} 2>&1; echo it ended in $? >>{meanwhile}; }}']"
    )

    done = world.borgmatic("prune")

    assert done.returncode == 0, done.stderr
    assert (
        "administrations: nothing is pruned in local: another borgmatic prunes it at this moment."
    ) in meanwhile.read_text()
    assert "it ended in 1" in meanwhile.read_text()
    assert world.archives() == [f"{NAME.format(1)}.hold", NAME.format(3)]
    assert world.borgmatic("prune").returncode == 0
