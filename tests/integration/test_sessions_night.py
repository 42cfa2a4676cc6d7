"""Real borgmatic nights while real Samba clients come, stay and go."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import World, group_has_ended, until
from samba import PASSWORD, SHARE, Samba, serving
from smbprotocol.exceptions import SharingViolation

TABLE = "Administraties/BAKKER26/GROOTBOEK.DBF"


@pytest.fixture
def samba(world: World, tmp_path: Path) -> Iterator[Samba]:
    """A running Samba that shares the office, and an accountview.yaml that asks it who is in."""
    with serving(tmp_path / "samba", world.office) as samba:
        ask(world, {"samba": {"config": str(samba.config)}})
        yield samba


def ask(world: World, *probes: dict[str, Any], **sessions: Any) -> None:
    """Write `sessions` of accountview.yaml."""
    world.configure(sessions={"probes": list(probes), **sessions})


def smb(world: World, samba: Samba, folder: str = "") -> dict[str, Any]:
    """Return the probe `smb` for the server, which shares that folder of the office."""
    password = world.folder / "etc" / "smb-password"
    password.write_text(PASSWORD)
    password.chmod(0o600)
    return {
        "smb": {
            "server": "127.0.0.1",
            "port": samba.port,
            "share": SHARE,
            "username": "root",
            "password_file": str(password),
            "folder": str(world.office / folder),
        }
    }


def outcome(world: World, set_name: str = "administrations") -> Any:
    """Return what the last run came to."""
    return json.loads((world.state / set_name / "outcomes.json").read_text())[-1]


def before_backup(
    world: World, set_name: str = "administrations"
) -> subprocess.CompletedProcess[str]:
    """Run the hook alone, where borgmatic has no part in what it says. It takes a second."""
    return world.avplugin(
        "before-backup",
        set_name,
        "--borgmatic-config",
        world.borgmatic_file(set_name),
        "--repository",
        world.repository,
    )


def hold_up(world: World) -> tuple[Path, Path]:
    """Have borgmatic wait between before-backup and its copy; return `reached` and `go`."""
    reached, go = world.folder / "reached", world.folder / "go"
    wait = f"touch {reached}; until [ -e {go} ]; do sleep 0.05; done"
    world.add_hook(f"- before: action\n  when: [create]\n  run: ['{wait}']")
    return reached, go


def note_services(world: World) -> Path:
    """Return the file in which `quiesce` and `resume`, see SERVICES, write what they do."""
    return world.folder / "services"


def services(world: World) -> dict[str, list[str]]:
    """Return quiesce and resume that only write down that they were called."""
    file = note_services(world)
    return {
        "quiesce": ["sh", "-c", f"echo stopped >>{file}"],
        "resume": ["sh", "-c", f"echo started >>{file}"],
    }


def guards(world: World) -> list[str]:
    """Return the guards of this world that run."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = file.read_bytes().decode("utf-8", "replace")
        except OSError:
            continue
        if "guard_process" in words and str(world.folder) in words:
            found.append(words)
    return found


def test_a_user_in_one_administration_has_only_that_one_left_out(
    world: World, samba: Samba
) -> None:
    with samba.workstation() as workstation:
        workstation.open_table(TABLE)
        done = world.borgmatic("create")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "BAKKER26 is left out: in use: games on 127.0.0.1 has GROOTBOEK.DBF" in done.stderr
    [archive] = world.archives()
    assert not archive.endswith(".unverified")
    assert any(line.startswith("BAKKER26: in use") for line in outcome(world)["in_use"])
    listed = world.borg("list", f"{world.repository}::{archive}", "--short").stdout
    assert "Administraties/BAKKER26" not in listed
    assert "Administraties/Klant 1/" in listed


def test_once_the_user_has_left_the_next_night_is_complete(world: World, samba: Samba) -> None:
    with samba.workstation() as workstation:
        workstation.open_table(TABLE)
        world.borgmatic("create")

    done = world.borgmatic("create")

    assert done.returncode == 0, done.stderr
    assert not outcome(world)["in_use"]
    assert len(world.archives()) == 2
    assert json.loads((world.state / "administrations" / "waiting.json").read_text()) == {
        str(world.repository): {}
    }


def test_who_was_left_out_is_backed_up_once_free_though_the_next_night_is_not_due_yet(
    world: World, samba: Samba
) -> None:
    def by_interval(document: Any) -> None:
        document["sets"]["administrations"]["interval"] = "1d"

    world.edit(world.configuration, by_interval)
    with samba.workstation() as workstation:
        workstation.open_table(TABLE)
        assert world.borgmatic("create").returncode == 0
        world.working_day()  # in the others; and the repository is not even looked at
        world.repository.rename(world.folder / "away")
        while_in = world.borgmatic("create")
        (world.folder / "away").rename(world.repository)
    assert while_in.returncode == 0, while_in.stderr
    assert "who was in the last time still is" in while_in.stdout
    assert "BAKKER26 is left out: in use: games on 127.0.0.1" in while_in.stdout

    once_free, later = world.borgmatic("create"), world.borgmatic("create")

    assert once_free.returncode == 0, once_free.stderr
    assert later.returncode == 0
    assert "not now: the next one is due" in later.stdout
    assert len(world.archives()) == 2
    assert not outcome(world)["in_use"]


def test_nothing_changed_but_for_whom_is_in_makes_no_archive(world: World, samba: Samba) -> None:
    world.borgmatic("create")
    with samba.workstation() as workstation:
        workstation.open_table(TABLE)
        done = world.borgmatic("create")

    assert done.returncode == 0
    assert outcome(world)["status"] == "unchanged"
    assert "BAKKER26 is left out: in use" in outcome(world)["reasons"][0]
    assert len(world.archives()) == 1


def test_a_set_can_be_put_off_while_somebody_is_in(world: World, samba: Samba) -> None:
    ask(world, {"samba": {"config": str(samba.config)}}, on_busy="postpone")
    with samba.workstation() as workstation:
        workstation.open_table(TABLE)
        done = world.borgmatic("create")

    assert done.returncode == 0, done.stderr
    assert outcome(world)["status"] == "not now"
    assert "put off, since somebody is in" in outcome(world)["reasons"][0]
    assert "BAKKER26: games on 127.0.0.1 has GROOTBOEK.DBF open" in outcome(world)["reasons"][0]
    assert world.archives() == []


def test_somebody_who_is_in_can_be_made_an_error(world: World, samba: Samba) -> None:
    ask(world, {"samba": {"config": str(samba.config)}}, on_busy={"administrations": "fail"})
    with samba.workstation() as workstation:
        workstation.open_table(TABLE)
        done = before_backup(world)

    assert done.returncode == 1
    assert "no backup, since somebody is in" in done.stderr
    assert "BAKKER26: games on 127.0.0.1 has GROOTBOEK.DBF open" in done.stderr
    assert world.archives() == []


def test_a_user_in_an_administration_puts_off_the_system_set(world: World, samba: Samba) -> None:
    with samba.workstation() as workstation:
        workstation.open_table(TABLE)
        done = before_backup(world, "system")

    assert done.returncode == 75, done.stderr
    assert outcome(world, "system")["status"] == "not now"
    assert "games on 127.0.0.1 has GROOTBOEK.DBF open" in outcome(world, "system")["reasons"][0]


def test_who_comes_in_during_the_copy_leaves_the_archive_unverified_and_is_named(
    world: World, samba: Samba
) -> None:
    reached, go = hold_up(world)
    running = world.start_borgmatic("create")
    until(reached.exists)
    with samba.workstation() as workstation:
        workstation.open_table(TABLE)
        go.touch()
        said, _ = running.communicate()

    assert running.returncode == 1
    assert "BAKKER26 was in use after the copy: games on 127.0.0.1 has GROOTBOEK.DBF open" in said
    [archive] = world.archives()
    assert archive.endswith(".unverified")


def test_with_the_fence_nobody_comes_in_during_the_copy_and_the_archive_is_clean(
    world: World, samba: Samba
) -> None:
    ask(world, smb(world, samba), fence=True, fence_tables=["GROOTBOEK.DBF"])
    reached, go = hold_up(world)
    running = world.start_borgmatic("create")
    until(reached.exists)
    with samba.workstation() as workstation:
        with pytest.raises(SharingViolation):
            workstation.open_table(TABLE)
        workstation.open_table(TABLE, writing=False)  # reading goes on
        go.touch()
        said, _ = running.communicate()
        workstation.open_table(TABLE)  # and now at once

    assert running.returncode == 0, said
    [archive] = world.archives()
    assert not archive.endswith(".unverified")
    assert guards(world) == []


def test_a_fence_that_fell_in_between_leaves_the_archive_unverified(
    world: World, samba: Samba
) -> None:
    ask(world, smb(world, samba), fence=True, fence_tables=["GROOTBOEK.DBF"])
    reached, go = hold_up(world)
    running = world.start_borgmatic("create")
    until(reached.exists)
    samba.stop()
    samba.start()
    go.touch()
    said, _ = running.communicate()

    assert running.returncode == 1
    assert "the fence did not stand all the time" in said
    [archive] = world.archives()
    assert archive.endswith(".unverified")
    assert guards(world) == []


def test_killing_borgmatic_leaves_no_fence_and_no_stopped_service(
    world: World, samba: Samba, adopting: None
) -> None:
    ask(
        world,
        smb(world, samba),
        fence=True,
        fence_tables=["GROOTBOEK.DBF"],
        **services(world),
    )
    reached, go = hold_up(world)
    running = world.start_borgmatic("create")
    until(reached.exists)
    assert note_services(world).read_text() == "stopped\n"
    assert guards(world)

    running.kill()
    running.wait()
    until(lambda: not guards(world))
    go.touch()
    assert group_has_ended(running.pid)

    assert note_services(world).read_text() == "stopped\nstarted\n"
    with samba.workstation() as workstation:
        workstation.open_table(TABLE)


def test_killing_the_guard_too_leaves_the_service_to_the_next_command(
    world: World, samba: Samba, adopting: None
) -> None:
    ask(world, {"samba": {"config": str(samba.config)}}, **services(world))
    reached, go = hold_up(world)
    running = world.start_borgmatic("create")
    until(reached.exists)
    guard = json.loads((world.state / "administrations" / "run" / "run.json").read_text())["guard"]
    running.kill()
    os.kill(guard["pid"], signal.SIGKILL)
    running.wait()
    go.touch()
    assert group_has_ended(running.pid)
    assert note_services(world).read_text() == "stopped\n"

    done = world.avplugin("sessions")

    assert done.returncode == 0, done.stderr
    assert note_services(world).read_text() == "stopped\nstarted\n"


@pytest.mark.parametrize("way", ["success", "not now", "failure", "SIGTERM"])
def test_a_stopped_service_is_started_again_once(world: World, samba: Samba, way: str) -> None:
    ask(
        world,
        {"samba": {"config": str(samba.config)}},
        on_busy="postpone",
        **services(world),
    )
    if way == "success":
        assert world.borgmatic("create").returncode == 0
    elif way == "not now":
        world.borgmatic("create")
        note_services(world).unlink()
        world.borgmatic("create")
        assert outcome(world)["status"] == "unchanged"
    elif way == "failure":
        world.add_hook("- before: action\n  when: [create]\n  run: ['exit 1']")
        assert world.borgmatic("create").returncode == 1
    else:
        reached, _ = hold_up(world)
        running = world.start_borgmatic("create")
        until(reached.exists)
        os.killpg(running.pid, signal.SIGTERM)
        running.communicate()

    until(lambda: not guards(world))
    assert note_services(world).read_text() == "stopped\nstarted\n"


def test_people_are_waited_for_and_told(world: World, samba: Samba) -> None:
    told = world.folder / "told"
    words = ["sh", "-c", f'echo "$0 $1 $2 $3" >>{told}', "{moment}", "{user}", "{machine}"]
    ask(
        world,
        {"samba": {"config": str(samba.config)}},
        wait="60s",
        notify=[*words, "{administration}"],
    )
    with samba.workstation() as workstation:
        workstation.open_table(TABLE)
        running = world.start_borgmatic("create")
        until(told.exists)
        until(told.read_text)
    said, _ = running.communicate()

    assert running.returncode == 0
    assert "waiting up to 60 seconds for people to leave: games on 127.0.0.1" in said
    assert told.read_text() == "begin games 127.0.0.1 BAKKER26\n"
    assert not outcome(world)["in_use"]


def test_somebody_who_never_leaves_makes_an_overdue_copy_that_is_not_clean(
    world: World, samba: Samba
) -> None:
    world.configure(
        sets={
            "administrations": {
                "select": "all",
                "borgmatic": str(world.borgmatic_file()),
                "overdue_after": "3s",
            },
            "system": {"folders": ["program", "system", "extra"]},
        }
    )
    with samba.workstation() as workstation:
        workstation.open_table(TABLE)
        assert world.borgmatic("create").returncode == 0
        time.sleep(3)
        world.working_day()
        done = world.borgmatic("create")

    assert done.returncode == 1
    assert "BAKKER26, overdue, was copied though in use: games" in done.stderr
    [clean, copy] = world.archives()
    assert not clean.endswith(".unverified")
    assert copy.endswith(".unverified")
    listed = world.borg("list", f"{world.repository}::{copy}", "--short").stdout
    assert "Administraties/BAKKER26/GROOTBOEK.DBF" in listed


def test_whom_the_configuration_ignores_is_nobody(world: World, samba: Samba) -> None:
    ask(world, {"samba": {"config": str(samba.config)}}, ignore={"users": ["games"]})
    with samba.workstation() as workstation:
        workstation.open_table(TABLE)
        done = world.borgmatic("create")

    assert done.returncode == 0
    assert not outcome(world)["in_use"]
    assert not world.archives()[0].endswith(".unverified")


def test_could_not_find_out_is_an_error_and_never_nobody(world: World, samba: Samba) -> None:
    samba.stop()

    done = before_backup(world)

    assert done.returncode == 1
    assert "could not find out who is in" in done.stderr
    assert world.archives() == []


def test_a_folder_that_no_way_looks_at_is_not_taken_for_empty(
    world: World, samba: Samba, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    (world.administrations / "Klant 1").rename(elsewhere)
    world.edit(
        world.configuration,
        lambda document: document["administrations"].insert(
            0, {"code": "ELDERS", "folder": str(elsewhere)}
        ),
    )

    done = world.borgmatic("create")

    assert done.returncode == 1
    assert f"no way of finding out who is in looks at {elsewhere}" in done.stderr
    assert not world.archives()[0].endswith(".unverified")


def test_every_folder_of_a_snapshot_says_that_nobody_was_in(world: World, samba: Samba) -> None:
    world.borgmatic("create")

    [snapshot] = world.avplugin_json("snapshots")

    assert snapshot["sessions"] == "nobody"
    assert {part["sessions"] for part in snapshot["folders"]} == {"nobody"}


@pytest.fixture
def lost(world: World, samba: Samba) -> Path:
    """The folder of BAKKER26, emptied after a backup."""
    assert world.borgmatic("create").returncode == 0
    folder = world.administrations / "BAKKER26"
    shutil.rmtree(folder)
    folder.mkdir()
    return folder


def test_nothing_is_put_back_where_somebody_only_looks(
    world: World, samba: Samba, lost: Path
) -> None:
    with samba.workstation() as workstation:
        workstation.open_file("Administraties/BAKKER26", 0, folder=True)
        done = world.avplugin("restore", "--yes", "BAKKER26", "--original")

        assert done.returncode == 75
        assert "BAKKER26: games on 127.0.0.1 has the folder open" in done.stdout
        assert list(lost.iterdir()) == []

    done = world.avplugin("restore", "--yes", "BAKKER26", "--original")

    assert done.returncode == 0, done.stderr
    assert (lost / "GROOTBOEK.DBF").exists()


def test_nothing_is_put_back_where_nobody_can_say_who_is_in(
    world: World, samba: Samba, lost: Path
) -> None:
    samba.stop()

    done = world.avplugin("restore", "--yes", "BAKKER26", "--original")

    assert done.returncode == 1
    assert "nothing is put back while it is not known who is in" in done.stderr
    assert list(lost.iterdir()) == []


def test_services_are_stopped_while_a_folder_is_put_back(
    world: World, samba: Samba, lost: Path
) -> None:
    ask(world, {"samba": {"config": str(samba.config)}}, **services(world))

    done = world.avplugin("restore", "--yes", "BAKKER26", "--original")

    assert done.returncode == 0, done.stderr
    assert note_services(world).read_text() == "stopped\nstarted\n"
    assert guards(world) == []


def test_a_service_that_does_not_start_again_is_an_error_of_a_clean_night(
    world: World, samba: Samba
) -> None:
    failing = {**services(world), "resume": ["sh", "-c", "echo dienst start niet >&2; exit 2"]}
    ask(world, {"samba": {"config": str(samba.config)}}, **failing)

    done = world.borgmatic("create")

    assert done.returncode == 1
    assert "sessions.resume: sh failed: dienst start niet" in done.stderr
    assert not world.archives()[0].endswith(".unverified")


def test_a_service_that_does_not_stop_is_an_error_and_is_started_again(
    world: World, samba: Samba
) -> None:
    file = note_services(world)
    failing = {**services(world), "quiesce": ["sh", "-c", f"echo tried >>{file}; exit 2"]}
    ask(world, {"samba": {"config": str(samba.config)}}, **failing)

    done = before_backup(world)

    assert done.returncode == 1
    assert "sessions.quiesce: sh failed: exit status 2" in done.stderr
    assert file.read_text() == "tried\nstarted\n"
    assert world.archives() == []
    assert guards(world) == []


def test_two_sets_at_once_stop_a_service_once_and_start_it_behind_the_last(
    world: World, samba: Samba
) -> None:
    ask(world, {"samba": {"config": str(samba.config)}}, **services(world))
    reached, go = hold_up(world)
    running = world.start_borgmatic("create")
    until(reached.exists)

    done = world.borgmatic("create", set_name="system")
    while_running = note_services(world).read_text()
    go.touch()
    running.communicate()

    assert done.returncode == 0, done.stderr
    assert while_running == "stopped\n"
    assert note_services(world).read_text() == "stopped\nstarted\n"


def test_two_servers_are_asked_each_about_its_own_folders(world: World, tmp_path: Path) -> None:
    with (
        serving(tmp_path / "one", world.administrations) as one,
        serving(tmp_path / "two", world.office / "Programma") as two,
    ):
        ask(world, smb(world, one, "Administraties"), smb(world, two, "Programma"))
        assert world.borgmatic("create").returncode == 0
        done = world.borgmatic("create", set_name="system")

    assert done.returncode == 0, done.stderr
    assert outcome(world, "system")["status"] == "clean"


def test_a_retry_that_finds_somebody_in_is_no_success(world: World, samba: Samba) -> None:
    """borgmatic takes 75 for a success, and would forget what failed behind the backup."""
    ask(world, {"samba": {"config": str(samba.config)}}, on_busy="postpone")
    reached, go = world.folder / "reached", world.folder / "go"
    behind = f"touch {reached}; until [ -e {go} ]; do sleep 0.05; done; exit 1"
    world.add_hook(f"- after: action\n  when: [create]\n  states: [finish]\n  run: ['{behind}']")
    world.configure_borgmatic("retries: 1")
    running = world.start_borgmatic("create")
    until(reached.exists)
    with samba.workstation() as workstation:
        workstation.open_table(TABLE)
        go.touch()
        said, _ = running.communicate()

    assert running.returncode == 1
    assert "This borgmatic run has been here before" in said


def test_somebody_in_does_not_hide_a_folder_that_is_gone(world: World, samba: Samba) -> None:
    ask(world, {"samba": {"config": str(samba.config)}}, on_busy="postpone")
    shutil.rmtree(world.administrations / "Klant 1")
    with samba.workstation() as workstation:
        workstation.open_table(TABLE)
        done = before_backup(world)

    assert done.returncode == 1
    assert "put off, since somebody is in" in done.stderr
    assert "KLANT1 is left out" in done.stderr


def test_what_takes_too_long_is_given_back_and_not_called_clean(world: World, samba: Samba) -> None:
    ask(world, smb(world, samba), fence=True, fence_limit="2s", **services(world))
    reached, go = hold_up(world)
    running = world.start_borgmatic("create")
    until(reached.exists)
    until(lambda: note_services(world).read_text() == "stopped\nstarted\n")
    until(lambda: not guards(world))
    go.touch()
    said, _ = running.communicate()

    assert running.returncode == 1
    assert "the fence did not stand all the time: at" in said
    assert "fence_limit (2 seconds) was over" in said
    assert world.archives()[0].endswith(".unverified")


def test_killing_before_backup_leaves_no_stopped_service(world: World, tmp_path: Path) -> None:
    program = tmp_path / "who-is-in"
    nobody = {"answer": "nobody", "sessions": [], "covers": "all", "unknown": []}
    answer = json.dumps({**nobody, "checked": "NOW"})
    answer = answer.replace("NOW", "'$(date -u +%Y-%m-%dT%H:%M:%S+00:00)'")
    hang = f"[ ! -e {note_services(world)} ] || exec sleep 60"
    program.write_text(f"#!/bin/sh\n{hang}\necho '{answer}'\n")
    program.chmod(0o755)
    ask(world, {"command": [str(program)]}, **services(world))
    running = world.start_borgmatic("create")
    until(lambda: note_services(world).exists() and "stopped" in note_services(world).read_text())

    os.killpg(running.pid, signal.SIGKILL)
    running.communicate()
    until(lambda: not guards(world))

    assert note_services(world).read_text() == "stopped\nstarted\n"


def test_somebody_who_comes_in_as_the_fence_is_put_up_is_left_out(
    world: World, samba: Samba
) -> None:
    """The probe is told of one table only, so the fence is what meets the user."""
    probe = smb(world, samba)
    probe["smb"]["tables"] = ["BTW.DBF", "ADMIN.DBF"]
    ask(world, probe, fence=True, fence_tables=["GROOTBOEK.DBF"])
    with samba.workstation() as workstation:
        workstation.open_table(TABLE)
        done = world.borgmatic("create")

    assert done.returncode == 0, done.stderr
    assert "BAKKER26 is left out: in use: somebody has GROOTBOEK.DBF open" in done.stderr
    assert not world.archives()[0].endswith(".unverified")


def test_over_smb_too_a_user_in_an_administration_puts_off_the_system_set(
    world: World, samba: Samba
) -> None:
    ask(world, smb(world, samba))
    with samba.workstation() as workstation:
        workstation.open_table(TABLE)
        done = before_backup(world, "system")

    assert done.returncode == 75, done.stderr
    assert outcome(world, "system")["status"] == "not now"


def test_a_long_wait_does_not_count_for_the_fence(world: World, samba: Samba) -> None:
    """fence_limit begins when something is taken. A table that goes as its user leaves is no doubt.

    The other tables are those of administrations, and the system set has none that are called so.
    """
    ask(
        world,
        smb(world, samba),
        fence=True,
        fence_limit="10s",
        fence_tables=["GROOTBOEK.DBF"],
        wait="60s",
    )
    temporary = world.administrations / "BAKKER26" / "TMP00012.DBF"
    temporary.write_bytes(b"")
    with samba.workstation() as workstation:
        workstation.open_table(TABLE)
        running = world.start_borgmatic("create")
        assert running.stdout is not None
        while "waiting up to" not in running.stdout.readline():
            assert running.poll() is None
        temporary.unlink()
        time.sleep(11)
    said, _ = running.communicate()

    assert running.returncode == 0, said
    assert outcome(world)["status"] == "clean"
    assert world.borgmatic("create", set_name="system").returncode == 0
    assert outcome(world, "system")["status"] == "clean"


def test_who_is_left_out_is_not_kept_out(world: World, samba: Samba) -> None:
    probe = smb(world, samba)
    probe["smb"]["tables"] = ["BTW.DBF", "ADMIN.DBF"]
    ask(world, probe, fence=True, fence_tables=["GROOTBOEK.DBF", "DAGBOEK.DBF"])
    reached, go = hold_up(world)
    with samba.workstation() as workstation, samba.workstation("root") as colleague:
        workstation.open_table(TABLE)
        running = world.start_borgmatic("create")
        until(reached.exists)
        colleague.open_table("Administraties/BAKKER26/DAGBOEK.DBF")
        with pytest.raises(SharingViolation):
            colleague.open_table("Administraties/Klant 1/DAGBOEK.DBF")
        go.touch()
        said, _ = running.communicate()

    assert running.returncode == 0, said
    assert any(line.startswith("BAKKER26: in use") for line in outcome(world)["in_use"])


def test_a_guard_that_was_killed_is_an_error_of_the_night(world: World, samba: Samba) -> None:
    ask(world, {"samba": {"config": str(samba.config)}}, **services(world))
    reached, go = hold_up(world)
    running = world.start_borgmatic("create")
    until(reached.exists)
    guard = json.loads((world.state / "administrations" / "run" / "run.json").read_text())["guard"]
    os.kill(guard["pid"], signal.SIGKILL)
    go.touch()
    said, _ = running.communicate()

    assert running.returncode == 1
    assert "the process that watches over the backup was ended from outside" in said
    assert note_services(world).read_text() == "stopped\nstarted\n"
    assert not world.archives()[0].endswith(".unverified")


def test_an_overdue_folder_is_not_hidden_by_a_night_in_which_everybody_is_in(
    world: World, samba: Samba
) -> None:
    sets = {"administrations": {"select": ["BAKKER26", "KLANT1"], "overdue_after": "3s"}}
    sets["administrations"]["borgmatic"] = str(world.borgmatic_file())
    world.configure(sets={**sets, "system": {"folders": ["program", "system", "extra"]}})
    with samba.workstation() as workstation:
        workstation.open_table(TABLE)
        assert before_backup(world).returncode == 0
        time.sleep(3)
        workstation.open_table("Administraties/Klant 1/GROOTBOEK.DBF")
        done = world.borgmatic("create")

    assert done.returncode == 1
    assert "BAKKER26, overdue, was copied though in use" in done.stderr


def test_nothing_is_put_back_anew_where_somebody_is(world: World, samba: Samba, lost: Path) -> None:
    with samba.workstation() as workstation:
        workstation.open_file("Administraties/BAKKER26", 0, folder=True)
        done = world.avplugin("restore", "--yes", "BAKKER26", "--new", lost)

    assert done.returncode == 75
    assert list(lost.iterdir()) == []


def test_who_comes_in_while_a_folder_is_extracted_keeps_it_from_its_place(
    world: World, samba: Samba, lost: Path
) -> None:
    slow = world.folder / "slow"
    slow.mkdir()
    borg = shutil.which("borg", path=world.environment["PATH"])
    reached, go = world.folder / "reached", world.folder / "go"
    wait = f"touch {reached}; until [ -e {go} ]; do sleep 0.05; done"
    (slow / "borg").write_text(
        f'#!/bin/sh\ncase " $* " in *" extract "*) {wait} ;; esac\nexec {borg} "$@"\n'
    )
    (slow / "borg").chmod(0o755)
    restoring = subprocess.Popen(
        ["avplugin", "restore", "--yes", "BAKKER26", "--original"],
        env={**world.environment, "PATH": f"{slow}:{world.environment['PATH']}"},
        cwd=world.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    until(reached.exists)
    with samba.workstation() as workstation:
        workstation.open_file("Administraties/BAKKER26", 0, folder=True)
        go.touch()
        said, _ = restoring.communicate()

    assert restoring.returncode == 75, said
    assert "has the folder open" in said
    assert list(lost.iterdir()) == []


def test_the_last_copy_of_who_is_left_out_is_kept_from_pruning_until_there_is_a_new_one(
    world: World, samba: Samba
) -> None:
    world.keep(daily=1)
    assert world.borgmatic("create").returncode == 0
    [first] = world.archives()
    world.working_day()
    with samba.workstation() as workstation:
        workstation.open_table(TABLE)
        assert world.borgmatic("create", "prune").returncode == 0
        held, _ = world.archives()
        assert held == f"{first}.hold"
        newest = world.avplugin_json("snapshots", "BAKKER26")[0]
        assert (newest["archive"], newest["clean"]) == (held, True)

    assert world.borgmatic("create", "prune").returncode == 0

    [third] = world.archives()
    assert third not in {first, held}
