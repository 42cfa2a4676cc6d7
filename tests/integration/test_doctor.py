import json
import os
import shutil
import subprocess
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from conftest import World, make_world, tree, without_privileges

from avplugin.configuration.load import load_configuration
from avplugin.doctor import clock
from avplugin.doctor.examine import examine
from avplugin.state.emergency_sheet import note_emergency_sheet


def doctor(world: World, *words: str) -> tuple[int, list[dict[str, str]]]:
    """Return the exit status and the findings."""
    done = world.avplugin("--json", "doctor", *words)
    assert done.stderr == ""
    document = json.loads(done.stdout)
    assert document["errors"] == sum(one["level"] == "error" for one in document["findings"])
    return done.returncode, document["findings"]


def lines(findings: list[dict[str, str]], *levels: str) -> list[str]:
    """Return the findings of some levels, or all warnings and errors."""
    wanted = levels or ("warning", "error")
    return [f"{one['concern']}: {one['what']}" for one in findings if one["level"] in wanted]


def test_a_good_world_has_only_warnings_and_nothing_is_changed(world: World) -> None:
    before = tree(world.folder / "etc"), tree(world.office), tree(world.state)
    done = world.avplugin("doctor")

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    told = done.stdout.splitlines()
    assert {line.split()[0] for line in told[:-1]} == {"fine", "warning"}
    assert told[-1].startswith("0 errors, ")
    assert (tree(world.folder / "etc"), tree(world.office), tree(world.state)) == before

    _, findings = doctor(world)
    concerns = dict.fromkeys(one["concern"] for one in findings)
    assert list(concerns) == [
        *("versions", "configuration", "borgmatic", "folders", "drives", "sessions"),
        *(
            "repositories",
            "schedule",
            "clock",
            "free space",
            "mail",
            "secrets",
            "own backups",
            "references",
        ),
    ]
    known = {
        "versions",
        "sessions",
        "repositories",
        "schedule",
        "clock",
        "folders",
        "references",
        "mail",
    }
    warned = {one["concern"] for one in findings if one["level"] == "warning"}
    assert warned <= known
    [reference] = [line for line in lines(findings) if line.startswith("references")]
    assert r"V:\Huisstijl\logo english.bmp lies in no configured folder" in reference
    assert "named by system TAALCODE.DBF LOGO" in reference
    assert "local: reached, and its passphrase is right; 0 archives" in "\n".join(
        lines(findings, "fine")
    )


class Ruin(NamedTuple):
    world: World
    status: int
    told: list[str]  # warnings and errors
    seconds: float


@pytest.fixture(scope="module")
def ruin(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ruin]:
    """A world with more than ten things wrong, and what doctor says of it."""
    world = make_world(template, tmp_path_factory.mktemp("doctor") / "world")
    shutil.rmtree(world.office / "Administraties" / "Klant 1")
    backups = world.office / "Layouts" / "Backup"
    for name in ("admins", "system"):
        (backups / name).mkdir(parents=True)
    with zipfile.ZipFile(backups / "admins" / "BAKKER26.zip", "w") as archive:
        archive.writestr("MUTATIE.DBF", "x" * 1000)
    (world.office / "Layouts" / "HALF.DBF").write_bytes(b"\x30\x1a\x0b")
    (world.folder / "etc" / "passphrase").chmod(0o644)

    def change(document: Any) -> None:
        document["drives"]["Q:\\"] = str(world.folder / "gone")
        document["drill"]["folder"] = str(world.folder / "no-room")
        document["sessions"] = {"probes": [{"command": ["false"]}]}
        document["sets"]["administrations"]["select"] = ["BAKKER26", "KLANT1"]

    world.edit(world.configuration, change)
    system = world.borgmatic_file("system")
    system.write_text(system.read_text().replace("avplugin after-backup", "avplugin after-party"))
    world.configure_borgmatic("keep_dayly: 3\nfiles_cache: mtime,size", "system")
    file = world.borgmatic_file()
    file.write_text(file.read_text().replace("sh:accountview-administrations-", "sh:anything-"))
    held = subprocess.Popen(
        ["borg", "with-lock", str(world.repository), "sh", "-c", "echo held; exec sleep 100"],
        env={
            **world.environment,
            "BORG_PASSPHRASE": (world.folder / "etc/passphrase").read_text().strip(),
        },
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert held.stdout is not None
    try:
        assert held.stdout.readline() == b"held\n"
        began = time.monotonic()
        status, findings = doctor(world)
        yield Ruin(world, status, lines(findings), time.monotonic() - began)
    finally:
        os.killpg(held.pid, 15)
        held.wait()
        held.stdout.close()


@pytest.mark.parametrize(
    "told",
    [
        "borgmatic: borgmatic refuses {file}: At the top level: Additional properties",
        "borgmatic: {file}: nothing calls 'avplugin after-backup': no archive is ever proven clean",
        "borgmatic: {file}: files_cache: mtime,size lets Borg pass over",
        "match_archives must be 'sh:accountview-administrations-",
        "folders: KLANT1: does not exist: ",
        "folders: CAFEOUD is in no set, and is not backed up",
        "folders: the folder for restore drills, ",
        "drives: Q:\\ is ",
        "sessions: command could not find out, about all: ",
        "sessions: no way finds out who is in system",
        "the repository {repository} is locked by another Borg process",
        "local: it lies on the same disk as program",
        "secrets: {passphrase} holds the passphrase, and everybody can read it",
        "own backups: extra:Layouts holds backups that AccountView makes itself",
        "references: tables that could not be searched for paths: extra:Layouts HALF.DBF",
    ],
)
def test_each_of_many_things_wrong_is_told(ruin: Ruin, told: str) -> None:
    text = told.format(
        file=ruin.world.borgmatic_file("system"),
        repository=ruin.world.repository,
        passphrase=ruin.world.folder / "etc" / "passphrase",
    )

    assert ruin.status == 1
    assert text in "\n".join(ruin.told)


def test_a_locked_repository_is_not_waited_for_as_long_as_a_night_would(ruin: Ruin) -> None:
    assert ruin.seconds < 60


def test_a_broken_configuration_is_told_once_and_versions_are_still_looked_at(
    world: World,
) -> None:
    for text in ("installation: [", "installation: {name: x}\n", ""):
        world.configuration.write_text(text)
        status, findings = doctor(world)

        assert status == 1
        [error] = [one for one in findings if one["level"] == "error"]
        assert error["concern"] == "configuration"
        [rest] = [line for line in lines(findings, "warning") if line.startswith("doctor: ")]
        assert "references could not be looked at, because" in rest
        assert "versions: borgmatic 2.1" in "\n".join(lines(findings, "fine"))


def test_a_register_that_cannot_be_read_keeps_nothing_else_from_being_looked_at(
    world: World,
) -> None:
    (world.office / "administraties.dbf").unlink()
    status, findings = doctor(world)

    assert status == 1
    assert [one["concern"] for one in findings if one["level"] == "error"] == ["configuration"]
    fine = "\n".join(lines(findings, "fine"))
    assert "borgmatic: " in fine
    assert "its passphrase is right" in fine
    assert "secrets: " in fine


def test_no_repository_yet_and_another_passphrase_are_errors_with_what_to_do(world: World) -> None:
    (world.folder / "etc" / "passphrase").write_text("another\n")
    _, findings = doctor(world)
    [wrong] = [one for one in findings if one["level"] == "error"]
    assert wrong["what"].endswith("wants another passphrase")
    assert "encryption_passphrase" in wrong["advice"]

    shutil.rmtree(world.repository)
    _, findings = doctor(world)
    [missing] = [one for one in findings if one["level"] == "error"]
    assert missing["what"].endswith("does not exist")
    assert "borgmatic repo-create" in missing["advice"]


def test_a_repository_on_an_emergency_sheet_is_fine_and_a_damaged_note_is_a_warning(
    world: World,
) -> None:
    done = world.borg("info", "--json", world.repository)
    note_emergency_sheet(world.state, [json.loads(done.stdout)["repository"]["id"]])
    _, findings = doctor(world)
    assert "repositories: local: on the emergency sheet of " in "\n".join(lines(findings, "fine"))

    (world.state / "emergency_sheet.json").write_text("{")
    status, findings = doctor(world)
    assert status == 0
    warned = "\n".join(lines(findings, "warning"))
    assert "emergency_sheet.json is damaged" in warned
    assert "local: no emergency sheet is noted" in warned


def test_keep_last_is_refused_with_what_to_write_instead(world: World) -> None:
    world.configure_borgmatic("keep_last: 3")
    _, findings = doctor(world)

    [refused] = [one for one in findings if one["level"] == "error"]
    assert "keep_last" in refused["what"]
    assert "keep_secondly" in refused["advice"]


def test_missing_and_broken_files_of_borgmatic_are_told_for_each_set(world: World) -> None:
    world.borgmatic_file("system").unlink()
    world.borgmatic_file().write_text("repositories: [")
    status, findings = doctor(world)

    assert status == 1
    errors = lines(findings, "error")
    assert any("accountview-system.yaml does not exist" in line for line in errors)
    assert any("accountview-administrations.yaml cannot be read" in line for line in errors)


def test_a_user_without_rights_is_told_what_he_cannot_read_and_who_he_is(world: World) -> None:
    closed = world.office / "Administraties" / "BAKKER26"
    closed.chmod(0o000)
    world.state.mkdir(exist_ok=True)
    world.state.chmod(0o500)
    done = world.run(*without_privileges(), "avplugin", "--json", "doctor")
    closed.chmod(0o755)
    world.state.chmod(0o700)

    assert done.returncode == 1, done.stderr
    errors = lines(json.loads(done.stdout)["findings"], "error")
    assert any(line.startswith("folders: BAKKER26: cannot be read") for line in errors)
    assert any(f"the state folder {world.state} cannot be written" in line for line in errors)

    if os.geteuid() == 0:
        os.chown(world.state, 65534, -1)
        _, findings = doctor(world)
        assert f"folders: the state folder {world.state} belongs to nobody" in "\n".join(
            lines(findings, "warning")
        )


def test_a_concern_that_fails_does_not_keep_the_others_from_being_looked_at(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Iterator[Any]:
        raise ZeroDivisionError("on purpose")
        yield

    monkeypatch.setattr(clock, "check", broken)
    for name, value in world.environment.items():
        monkeypatch.setenv(name, value)
    found = list(examine(lambda: load_configuration(str(world.configuration)), thorough=False))

    [error] = [finding for _, finding in found if finding.level == "error"]
    assert error.what == "this could not be looked at: ZeroDivisionError: on purpose"
    assert {name for name, _ in found} >= {"versions", "clock", "free space", "references"}


def test_a_night_without_a_terminal_proves_the_schedule_and_one_at_a_terminal_does_not(
    world: World,
) -> None:
    def proven() -> bool:
        _, findings = doctor(world)
        wanted = "schedule: the set system was last started without a terminal on "
        return any(line.startswith(wanted) for line in lines(findings, "fine"))

    words = ("avplugin", "before-backup", "system")
    in_terminal = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)"
    done = world.run("python3", "-c", in_terminal, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    world.avplugin("failed-backup", "system")
    assert not proven()

    done = world.run("setsid", "--wait", *words)
    assert done.returncode == 0, done.stderr
    world.avplugin("failed-backup", "system")
    assert proven()
