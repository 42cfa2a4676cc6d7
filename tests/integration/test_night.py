"""A night with real borgmatic and real Borg: from the hooks to a clean name."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
from pathlib import Path
from typing import Any

from conftest import World, without_privileges

CLEAN = re.compile(r"accountview-administrations-\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")


def between_the_hooks(world: World, command: str) -> None:
    """Let borgmatic run a shell command before create, behind avplugin's own hook."""
    quoted = command.replace("'", "''")
    world.add_hook(f"- before: action\n  when: [create]\n  run: ['{quoted}']")


def behind_the_copy(world: World, command: str) -> None:
    """Let borgmatic run a shell command behind create, before avplugin's own hook."""
    quoted = command.replace("'", "''")
    world.add_hook(
        f"- after: action\n  when: [create]\n  states: [finish]\n  run: ['{quoted}']", first=True
    )


def test_borgmatic_create_alone_makes_a_clean_snapshot(world: World) -> None:
    done = world.borgmatic("create")

    assert done.returncode == 0, done.stderr
    [archive] = world.archives()
    assert CLEAN.fullmatch(archive)
    assert f"{archive} is clean" in done.stdout


def test_a_night_in_which_nothing_changed_makes_no_archive_and_says_so(world: World) -> None:
    assert world.borgmatic("create").returncode == 0

    done = world.borgmatic("create")

    assert done.returncode == 0
    assert "nothing has changed since the clean snapshot" in done.stdout
    assert len(world.archives()) == 1


def test_one_byte_changed_between_the_hooks_leaves_the_archive_unverified(world: World) -> None:
    table = world.administrations / "BAKKER26" / "GROOTBOEK.DBF"
    behind_the_copy(world, f'printf X | dd of="{table}" bs=1 seek=900 conv=notrunc')

    done = world.borgmatic("create")

    assert done.returncode == 1
    [archive] = world.archives()
    assert archive.endswith(".unverified")
    assert "BAKKER26 changed while it was copied: GROOTBOEK.DBF" in done.stderr


def test_a_changed_byte_is_noticed_although_the_old_time_was_put_back(world: World) -> None:
    table = world.administrations / "BAKKER26" / "GROOTBOEK.DBF"
    old = world.folder / "old"
    between_the_hooks(
        world,
        f'touch -r "{table}" {old} && printf X | dd of="{table}" bs=1 seek=900 conv=notrunc'
        f' && touch -r {old} "{table}"',
    )

    done = world.borgmatic("--verbosity", "-2", "create")

    assert done.returncode == 1
    assert table.stat().st_mtime_ns == old.stat().st_mtime_ns
    [archive] = world.archives()
    assert archive.endswith(".unverified")
    [outcome] = [o for o in outcomes(world) if o["status"] == "unverified"]
    assert outcome["reasons"] == ["BAKKER26 changed while it was copied: GROOTBOEK.DBF"]


def outcomes(world: World) -> list[dict[str, object]]:
    """Return what the runs of the administrations came to, as the state folder has it."""
    found: list[dict[str, object]] = json.loads(
        (world.state / "administrations" / "outcomes.json").read_text()
    )
    return found


def test_tables_that_the_users_own_excludes_drop_leave_the_archive_unverified(
    world: World,
) -> None:
    (world.administrations / "Klant 1" / "CACHEDIR.TAG").write_text(
        "Signature: 8a477f597d28d172789f06886806bc55"
    )
    (world.administrations / "Klant 2" / ".nobackup").touch()
    world.configure_borgmatic(
        "exclude_patterns: ['*/BAKKER26/BTW.DBF']\n"
        "exclude_caches: true\n"
        "exclude_if_present: [.nobackup]"
    )

    done = world.borgmatic("create")

    assert done.returncode == 1
    [archive] = world.archives()
    assert archive.endswith(".unverified")
    bakker = str(world.administrations / "BAKKER26" / "BTW.DBF").lstrip("/")
    assert f"not in the archive, from BAKKER26: {bakker}" in done.stderr
    assert "not in the archive, from KLANT1:" in done.stderr
    assert "not in the archive, from KLANT2:" in done.stderr


def test_a_table_that_borg_cannot_read_leaves_the_archive_unverified(world: World) -> None:
    table = world.administrations / "BAKKER26" / "BTW.DBF"
    between_the_hooks(world, f'chmod 000 "{table}"')

    done = world.run(
        *without_privileges(), "borgmatic", "--config", world.borgmatic_file(), "create"
    )

    assert done.returncode == 1
    [archive] = world.archives()
    assert archive.endswith(".unverified")
    assert "BAKKER26" in done.stderr
    assert "BTW.DBF" in done.stderr


def test_files_that_come_and_go_between_the_hooks_leave_the_archive_unverified(
    world: World,
) -> None:
    bakker, klant = world.administrations / "BAKKER26", world.administrations / "Klant 1"
    between_the_hooks(world, f'rm "{bakker}/BTW.DBF"; touch "{klant}/NIEUW.DBF"')

    done = world.borgmatic("create")

    assert done.returncode == 1
    [archive] = world.archives()
    assert archive.endswith(".unverified")
    assert "BAKKER26 changed while it was copied: BTW.DBF" in done.stderr
    assert "KLANT1 changed while it was copied: NIEUW.DBF" in done.stderr
    assert f"not in the archive, from BAKKER26: {str(bakker).lstrip('/')}/BTW.DBF" in done.stderr
    assert f"not meant to be: {str(klant).lstrip('/')}/NIEUW.DBF" in done.stderr


def test_a_retry_makes_the_next_try_clean_when_the_cause_is_gone(world: World) -> None:
    table, once = world.administrations / "BAKKER26" / "GROOTBOEK.DBF", world.folder / "once"
    between_the_hooks(world, f'test -e {once} || touch {once} "{table}"')
    world.configure_borgmatic("retries: 1")

    done = world.borgmatic("create")

    assert done.returncode == 0, done.stderr
    assert "BAKKER26 changed while it was copied: GROOTBOEK.DBF" in done.stderr
    [archive] = world.archives()
    assert CLEAN.fullmatch(archive)


def test_a_check_that_fails_behind_a_good_create_stays_a_failure_with_retries(
    world: World,
) -> None:
    world.add_hook("- before: action\n  when: [check]\n  run: ['exit 1']")
    world.configure_borgmatic("retries: 2")

    done = world.borgmatic("create", "check")

    assert done.returncode == 1
    [archive] = world.archives()
    assert CLEAN.fullmatch(archive)
    assert "nothing has changed since the clean snapshot" in done.stderr
    assert "one of them failed" in done.stderr


def test_a_damaged_repository_that_check_finds_stays_a_failure_with_retries(world: World) -> None:
    damage = world.folder / "damage.py"
    damage.write_text(
        "import pathlib, sys\n"
        "data = pathlib.Path(sys.argv[1], 'data', '0')\n"
        "file = max(data.iterdir(), key=lambda path: path.stat().st_size)\n"
        "content = bytearray(file.read_bytes())\n"
        "content[len(content) // 3] ^= 1\n"
        "file.write_bytes(content)\n"
    )
    once = world.folder / "once"
    world.add_hook(
        "- before: action\n  when: [check]\n"
        f"  run: ['test -e {once} || python {damage} {world.repository} && touch {once}']"
    )
    world.configure_borgmatic("retries: 2")

    done = world.borgmatic("create", "check")

    assert done.returncode == 1
    assert "is clean" in done.stdout


def test_links_pipes_sockets_and_odd_names_inside_a_folder_are_backed_up_clean(
    world: World,
) -> None:
    folder = world.administrations / "BAKKER26"
    odd = os.fsencode(folder) + b"/\xff\xfe caf\xe9 'x' \"y\" [1]*?.DBF"
    Path(os.fsdecode(odd)).write_bytes(b"odd")
    (folder / "two\nlines \n").mkdir()
    (folder / "two\nlines \n" / " a\tb\r\n").write_text("x")
    os.link(folder / "BTW.DBF", folder / "AAA second name.DBF")
    (folder / "link").symlink_to("BTW.DBF")
    (folder / "dangling").symlink_to("/nowhere/at all")
    (folder / "empty" / "emptier").mkdir(parents=True)
    os.mkfifo(folder / "pipe")
    here = Path.cwd()
    os.chdir(folder)  # a socket's address holds a hundred bytes
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("socket")
    finally:
        os.chdir(here)

    done = world.borgmatic("--verbosity", "2", "create", "--log-json", "--list", LC_ALL="C")

    assert done.returncode == 0, done.stderr
    [archive] = world.archives()
    assert CLEAN.fullmatch(archive)
    names = world.borg("list", "--format", "{mode}{bpath}{NUL}", f"{world.repository}::{archive}")
    assert names.stdout.count("\0") > 200
    assert sum(record.startswith("h") for record in names.stdout.split("\0")) == 1
    shutil.rmtree(folder)  # pytest cannot name what is in there


def test_the_files_that_borgmatic_stores_by_itself_do_no_harm(world: World) -> None:
    common = world.folder / "etc" / "borgmatic.d" / "include" / "accountview.yaml"
    text = common.read_text()
    assert "bootstrap:\n    store_config_files: false\n" in text
    common.write_text(text.replace("bootstrap:\n    store_config_files: false\n", ""))

    done = world.borgmatic("create")

    assert done.returncode == 0, done.stderr
    [archive] = world.archives()
    assert CLEAN.fullmatch(archive)
    listed = world.borg("list", "--short", f"{world.repository}::{archive}").stdout.splitlines()
    assert "borgmatic/bootstrap/manifest.json" in listed
    assert str(common).lstrip("/") in listed


def test_a_table_gone_before_the_first_night_is_told_in_it_and_who_leaves_in_that_night(
    world: World,
) -> None:
    (world.administrations / "Klant 1" / "GROOTBOEK.DBF").unlink()
    gone = "warning: KLANT1 has memos or indexes whose table is not there: GROOTBOEK.CDX"
    known = world.avplugin_json("administrations")["administrations"]
    [name] = [one["name"] for one in known if one["code"] == "KLANT2"]

    first = world.borgmatic("create")

    def without(document: Any) -> None:
        codes = [one["code"] for one in known if one["code"] != "KLANT2"]
        document["sets"]["administrations"]["select"] = codes

    world.edit(world.configuration, without)
    nights = [first, world.borgmatic("create"), world.borgmatic("create")]

    assert [done.returncode for done in nights] == [0, 0, 0]
    left = f"warning: administrations: KLANT2 ({name}) is in the set no more: no list names it"
    assert [done.stderr.count(gone) for done in nights] == [1, 0, 0]
    assert [done.stderr.count(left) for done in nights] == [0, 1, 0]
    assert nights[1].stderr.count("is in the set no more") == 1
    [*_, before, night] = json.loads((world.state / "administrations/outcomes.json").read_text())
    assert (before["gone"], night["status"]) == (["KLANT2"], "unchanged")


def test_a_damaged_table_is_stored_and_told_each_night(world: World) -> None:
    table = world.administrations / "BAKKER26" / "GROOTBOEK.DBF"
    assert world.borgmatic("create").returncode == 0
    table.write_bytes(table.read_bytes()[:-200])

    first = world.borgmatic("create")
    again = world.borgmatic("create")

    assert first.returncode == 1
    assert "BAKKER26 has newly damaged tables: GROOTBOEK.DBF is" in first.stderr
    assert again.returncode == 0
    assert "newly" not in again.stderr
    for done in (first, again):
        assert "BAKKER26 has damaged tables: GROOTBOEK.DBF is" in done.stderr
        assert "too short" in done.stderr
    snapshot, _ = world.avplugin_json("snapshots")
    health = {part["label"]: part for part in snapshot["folders"]}
    assert health["BAKKER26"]["table_health"] == "damaged"
    assert list(health["BAKKER26"]["damaged"]) == ["GROOTBOEK.DBF"]
    assert {part["table_health"] for label, part in health.items() if label != "BAKKER26"} == {
        "sound"
    }
