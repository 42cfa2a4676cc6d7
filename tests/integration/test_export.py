"""Packages out of real archives and of live folders, opened with the real 7-Zip."""

from __future__ import annotations

import contextlib
import datetime
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
from conftest import TABLE, World, group_has_ended, make_world, tree, until
from pyzipper.zipfile_aes import AESZipFile
from samba import serving
from seven_zip import seven_zip, unpack
from terminal import Terminal

from avplugin.installation.scan import scan_folder
from avplugin.package.manifest import PackageManifest, package_manifest_from_json

pytestmark = pytest.mark.usefixtures("adopting")
PASSWORD = "Boekhouding 2026!"
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounts need root")


@pytest.fixture(scope="module")
def backed_up(template: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    """An office with a clean snapshot. Tests leave it as they found it."""
    world = make_world(template, tmp_path_factory.mktemp("export") / "world")
    folder = world.administrations / "BAKKER26"
    (folder / "LEEG" / "LEGER").mkdir(parents=True)
    (folder / "Crédit é ü.txt").write_bytes("Krediet".encode("cp1252"))
    (folder / "GROOT.BAK").write_bytes(bytes(range(256)) * 12_000)
    (folder / "GROOT.BAK").touch()
    os.utime(folder / "GROOT.BAK", ns=(1, 1_234_567_890_123_456_789))
    os.utime(folder / "LEEG", ns=(1, 1_111_111_111_000_000_001))
    (folder / "TWEEDE NAAM.BAK").hardlink_to(folder / "GROOT.BAK")
    odd(world, "LINK26", lambda one: (one / "naar buiten").symlink_to("/etc/passwd"))
    odd(world, "PUNT26", lambda one: (one / "factuur.").touch())
    odd(world, "CON26", lambda one: (one / "con.txt").touch())
    odd(world, "CASE26", lambda one: ((one / "a.txt").touch(), (one / "A.TXT").touch()))
    done = world.run("borgmatic", "--config", world.borgmatic_file(), "create")
    assert done.returncode == 0, done.stderr
    (world.folder / "pw").write_text(f"{PASSWORD}\n")
    return world


def odd(world: World, code: str, make: Any) -> None:
    """Add an administration with something in it that no package can have."""
    folder = world.office / "Raar" / code
    folder.mkdir(parents=True)
    (folder / "GROOTBOEK.DBF").write_bytes(TABLE)
    make(folder)
    world.edit(
        world.configuration,
        lambda document: document["administrations"].append({"code": code, "folder": str(folder)}),
    )


@pytest.fixture
def office(backed_up: World) -> Iterator[World]:
    """The same; and after the test it is looked whether the office is as it was."""
    before = tree(backed_up.office)
    kept = backed_up.configuration.read_text()
    yield backed_up
    backed_up.configuration.write_text(kept)
    assert tree(backed_up.office) == before
    assert not list(backed_up.folder.rglob("*avplugin-export-*"))


def export(world: World, *words: str | Path, **environment: str) -> Path:
    """Export with the password, which must succeed, and return the one package."""
    done = world.avplugin(
        "--json", "export", *words, "--password-file", world.folder / "pw", **environment
    )
    assert done.returncode == 0, done.stderr
    [package] = json.loads(done.stdout)["packages"]
    return Path(package["file"])


def refuses(world: World, *words: str | Path, status: int = 1) -> str:
    """Export, which must fail in a line or two, and return what was said."""
    done = world.avplugin("export", *words, "--password-file", world.folder / "pw")
    assert done.returncode == status, done.stdout
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) <= 4, done.stderr
    return done.stderr or done.stdout  # that somebody is in is no error


def clean_archive(world: World) -> str:
    return next(name for name in world.archives() if "-administrations-" in name)


@contextlib.contextmanager
def before_the_password(world: World, *words: str | Path) -> Iterator[subprocess.Popen[str]]:
    """Start a live export, which has scanned the folder when the block begins, and waits.

    It gets the password behind the block.
    """
    pipe = world.folder / "password"
    os.mkfifo(pipe)
    started = world.start_avplugin("export", *words, "--live", "--password-file", pipe)
    descriptors: list[int] = []

    def is_awaited() -> bool:
        with contextlib.suppress(OSError):
            descriptors.append(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
        return bool(descriptors) or started.poll() is not None

    until(is_awaited)
    assert descriptors, started.communicate()
    yield started
    os.write(descriptors[0], f"{PASSWORD}\n".encode())
    os.close(descriptors[0])
    pipe.unlink()


def manifest_of(package: Path, password: str = PASSWORD) -> PackageManifest:
    with AESZipFile(package) as opened:
        opened.setpassword(password.encode())
        return package_manifest_from_json(opened.read("avplugin.json"))


def contents(folder: Path) -> dict[str, bytes | None]:
    """Return what files hold, and None for folders, by path."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


# What is in a package


def test_seven_zip_gets_the_whole_folder_out_with_the_password_and_nothing_without(
    office: World, tmp_path: Path
) -> None:
    package = export(office, "bakker26", tmp_path / "BAKKER26.zip")

    source = office.administrations / "BAKKER26"
    out = unpack(package, tmp_path / "out", PASSWORD)
    assert contents(out / "BAKKER26") == contents(source)
    assert sorted(path.name for path in out.iterdir()) == [
        "BAKKER26",
        "LEESMIJ.txt",
        "README.txt",
        "avplugin.json",
    ]
    for path in source.rglob("*"):
        there = (out / "BAKKER26" / path.relative_to(source)).stat().st_mtime_ns
        assert there // 100 == path.stat().st_mtime_ns // 100  # Windows' own 100 ns
    for password in ("", "Boekhouding 2026"):
        refused = seven_zip("x", f"-o{tmp_path / 'niets'}", package, password=password)
        assert refused.returncode != 0
    read = [path for path in (tmp_path / "niets").rglob("*") if path.is_file()]
    assert {path.name for path in read if path.stat().st_size} == {"LEESMIJ.txt", "README.txt"}


def test_the_manifest_says_what_a_scan_finds_after_unpacking(office: World, tmp_path: Path) -> None:
    package = export(office, "BAKKER26", tmp_path)

    manifest = manifest_of(package)
    out = unpack(package, tmp_path / "out", PASSWORD)
    for file in manifest.files:
        os.utime(out / file.path, ns=(0, file.modified))
    for part in manifest.folders:
        inside = [os.fsencode(f"{out}{path}") for path in part.inside]
        found = scan_folder(str(out / part.archived_path), inside)
        assert found.list_digest == part.list_digest
        assert found.fingerprint == part.fingerprint
        assert (found.files, found.size, found.tables) == (part.files, part.size, part.tables)
    times = {directory.path: directory.modified for directory in manifest.directories}
    assert times["BAKKER26/LEEG"] == 1_111_111_111_000_000_001
    assert {file.path: file.modified for file in manifest.files}["BAKKER26/GROOT.BAK"] == (
        1_234_567_890_123_456_789
    )
    assert [part.label for part in manifest.folders] == ["BAKKER26", "copy documents of BAKKER26"]
    assert manifest.folder.inside == ("/BAKKER26/KOPIEDOC",)
    assert manifest.folder.windows_path
    assert manifest.snapshot == next(
        name for name in office.archives() if "administrations" in name
    )


def test_nothing_in_a_package_names_other_clients_or_places_of_this_machine(
    office: World, tmp_path: Path
) -> None:
    package = export(office, "BAKKER26", tmp_path)

    with AESZipFile(package) as opened:
        opened.setpassword(PASSWORD.encode())
        said = b"".join(opened.read(name) for name in ("avplugin.json", "LEESMIJ.txt"))
    assert str(office.folder).encode() not in said
    assert b"KLANT" not in said


def test_a_folder_that_is_configured_by_its_path_on_this_machine_is_not_named_either(
    office: World, tmp_path: Path
) -> None:
    office.configure(administrations=[{"folders": str(office.administrations / "*")}])

    package = export(office, "BAKKER26", tmp_path, "--live")

    with AESZipFile(package) as opened:
        opened.setpassword(PASSWORD.encode())
        assert str(office.folder).encode() not in opened.read("avplugin.json")


def test_the_same_snapshot_makes_the_same_package(office: World, tmp_path: Path) -> None:
    one = export(office, "BAKKER26", tmp_path / "one.zip")
    other = export(office, "BAKKER26", tmp_path / "other.zip", TZ="UTC")

    with AESZipFile(one) as first, AESZipFile(other) as second:
        for opened in (first, second):
            opened.setpassword(PASSWORD.encode())
        assert first.namelist() == second.namelist()
        assert first.namelist()[:2] == ["LEESMIJ.txt", "README.txt"]
        assert all(first.read(name) == second.read(name) for name in first.namelist())


def test_copy_documents_of_another_place_have_a_folder_of_their_own(
    office: World, tmp_path: Path
) -> None:
    package = export(office, "KLANT12", tmp_path, "--copy-documents")

    out = unpack(package, tmp_path / "out", PASSWORD)
    assert contents(out / "KLANT12") == contents(office.administrations / "Klant [12]")
    assert contents(out / "KLANT12-kopiedocumenten") == contents(
        office.office / "Kopiedocumenten" / "KLANT12"
    )
    assert "Kopiedocumenten" in (out / "LEESMIJ.txt").read_text("utf-8-sig").replace(
        "kopiedocumenten", "Kopiedocumenten"
    )


@pytest.mark.parametrize("way", ["option", "configuration"])
def test_copy_documents_stay_behind_if_that_is_wanted(
    office: World, tmp_path: Path, way: str
) -> None:
    words = ["--without-copy-documents"] if way == "option" else []
    if way == "configuration":
        office.configure(copy_documents={"administrations": {"bakker26": {"export": False}}})

    package = export(office, "BAKKER26", tmp_path, *words)

    out = unpack(package, tmp_path / "out", PASSWORD)
    own = contents(office.administrations / "BAKKER26")
    assert contents(out / "BAKKER26") == {
        path: data for path, data in own.items() if not path.startswith("KOPIEDOC")
    }
    assert len(manifest_of(package).folders) == 1


def test_without_a_password_everybody_can_open_it_and_that_is_said(
    office: World, tmp_path: Path
) -> None:
    done = office.avplugin("export", "BAKKER26", tmp_path / "open.zip", "--no-password")

    assert done.returncode == 0
    assert "WITHOUT a password" in done.stderr
    out = unpack(tmp_path / "open.zip", tmp_path / "out")
    assert contents(out / "BAKKER26") == contents(office.administrations / "BAKKER26")
    assert "GEEN" in (out / "LEESMIJ.txt").read_text("utf-8-sig")


def test_from_a_repository_alone_no_configuration_is_needed(office: World, tmp_path: Path) -> None:
    done = office.avplugin(
        *("export", "BAKKER26", tmp_path, "--repository", office.repository, "--no-password"),
        AVPLUGIN_CONFIG="",
        **passphrase(office),
    )

    assert done.returncode == 0, done.stderr
    [package] = tmp_path.glob("BAKKER26-*.zip")
    assert seven_zip("t", package).returncode == 0


# Which version, how many, and where to


def test_several_codes_make_a_file_each_and_one_that_fails_stops_no_other(
    office: World, tmp_path: Path
) -> None:
    done = office.avplugin(
        *("--json", "export", "NIEMAND", "BAKKER26", "LINK26", "KLANT2", tmp_path / "nieuw"),
        *("--yes", "--password-file", office.folder / "pw"),
    )

    assert done.returncode == 1
    answer = json.loads(done.stdout)
    assert [one["code"] for one in answer["packages"]] == ["BAKKER26", "KLANT2"]
    assert [one["code"] for one in answer["failed"]] == ["NIEMAND", "LINK26"]
    assert "2 of 4 packages could not be made: NIEMAND, LINK26" in done.stderr
    there = sorted(path.name for path in (tmp_path / "nieuw").iterdir())
    assert there == sorted(Path(one["file"]).name for one in answer["packages"])
    when = answer["packages"][0]["time"]
    assert there[0].startswith(f"BAKKER26-{when[:10]}T")


def test_a_snapshot_that_is_not_clean_is_packed_only_if_asked_for(
    office: World, tmp_path: Path
) -> None:
    clean = clean_archive(office)
    unverified = f"{clean}.unverified"
    office.borg("rename", f"{office.repository}::{clean}", unverified)
    try:
        said = refuses(office, "BAKKER26", tmp_path)
        package = export(office, "BAKKER26", tmp_path, "--unverified")
    finally:
        office.borg("rename", f"{office.repository}::{unverified}", clean)

    assert "no clean snapshot holds BAKKER26" in said
    assert manifest_of(package).doubt


def test_what_is_no_administration_is_not_packed(office: World, tmp_path: Path) -> None:
    said = refuses(office, "copy documents of BAKKER26", tmp_path, status=2)
    path = refuses(office, "BAKKER26/GROOTBOEK.DBF", tmp_path, status=2)

    assert "is no administration" in said
    assert "is a path" in path
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_is_replaced_only_by_force(office: World, tmp_path: Path) -> None:
    file = tmp_path / "BAKKER26.zip"
    file.write_text("van een ander")

    said = refuses(office, "BAKKER26", file)
    assert file.read_text() == "van een ander"
    export(office, "BAKKER26", file, "--force")

    assert f"{file} is there already" in said
    assert seven_zip("t", file, password=PASSWORD).returncode == 0


def test_a_missing_folder_is_made_only_by_somebody_who_says_so(
    office: World, tmp_path: Path
) -> None:
    said = refuses(office, "BAKKER26", tmp_path / "een" / "twee", status=2)
    assert list(tmp_path.iterdir()) == []
    export(office, "BAKKER26", tmp_path / "een" / "twee", "--yes")

    assert "does not exist: add --yes to make it" in said
    assert len(list((tmp_path / "een" / "twee").iterdir())) == 1


def test_no_package_goes_where_it_would_be_taken_for_something_else(office: World) -> None:
    places = {
        office.administrations / "BAKKER26" / "uit": "BAKKER26",
        office.office / "Raar" / "CON26": "CON26",
        office.repository: "repository",
        office.state / "x": "avplugin's own folder",
    }
    for place, what in places.items():
        said = refuses(office, "BAKKER26", place, "--yes")
        assert what in said
        assert "Name a folder outside of it" in said


def test_a_folder_that_a_pattern_would_find_is_not_made(office: World) -> None:
    pattern = f"{office.office}/Raar/*"
    office.configure(administrations=[{"folders": pattern}])

    said = refuses(office, "CON26", office.office / "Raar" / "pakketten", "--yes")

    assert "be taken for one" in said


@pytest.mark.parametrize(
    ("code", "name"),
    [("LINK26", "naar buiten"), ("PUNT26", "factuur."), ("CON26", "con.txt"), ("CASE26", "a.txt")],
)
def test_what_windows_cannot_have_is_refused_by_name(
    office: World, tmp_path: Path, code: str, name: str
) -> None:
    said = refuses(office, code, tmp_path)
    live = refuses(office, code, tmp_path, "--live")

    assert name in said
    assert name in live
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "words",
    [
        ["BAKKER26"],
        ["BAKKER26", "c:\\backup\\"],
        ["BAKKER26", "KLANT2", "een.zip"],
        ["BAKKER26", "x.zip", "--at", "gisteren", "--archive", "x"],
        ["BAKKER26", "x.zip", "--live", "--at", "gisteren"],
        ["BAKKER26", "x.zip", "--no-password", "--ask-password"],
        ["BAKKER26", "x.zip"],
    ],
)
def test_what_cannot_be_meant_is_wrong_usage(office: World, words: list[str]) -> None:
    done = office.avplugin("export", *words)

    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert not (office.folder / "x.zip").exists()


# The password


def test_the_password_is_asked_for_twice_and_never_shown(office: World, tmp_path: Path) -> None:
    terminal = Terminal(office, "avplugin", "export", "BAKKER26", tmp_path / "map", LANG="nl_NL")
    terminal.read_until("Map aanmaken?")
    terminal.type("j\n")
    for asked, typed in (
        ("Wachtwoord van het pakket", "café"),
        ("accenten", ""),
        ("Wachtwoord van het pakket: ", PASSWORD),
        ("nog een keer, ter bevestiging: ", "anders"),
        ("twee verschillende", ""),
        ("Wachtwoord van het pakket: ", PASSWORD),
        ("nog een keer, ter bevestiging: ", PASSWORD),
    ):
        terminal.read_until(asked)
        terminal.shown = terminal.shown.partition(asked)[2]
        if typed:
            time.sleep(0.2)  # until the terminal is silent
            terminal.type(f"{typed}\n")
    status = terminal.end()

    assert status == 0, terminal.shown
    assert PASSWORD not in terminal.shown
    assert "stand van" in terminal.shown
    [package] = (tmp_path / "map").iterdir()
    assert seven_zip("t", package, password=PASSWORD).returncode == 0


def test_a_password_comes_from_the_environment_or_the_configuration(
    office: World, tmp_path: Path
) -> None:
    office.configure(packages={"password_file": str(office.folder / "pw")})
    configured = office.avplugin("export", "BAKKER26", tmp_path / "a.zip")
    given = office.avplugin(
        "export", "BAKKER26", tmp_path / "b.zip", AVPLUGIN_PACKAGE_PASSWORD="van de omgeving"
    )

    assert (configured.returncode, given.returncode) == (0, 0)
    assert seven_zip("t", tmp_path / "a.zip", password=PASSWORD).returncode == 0
    assert seven_zip("t", tmp_path / "b.zip", password="van de omgeving").returncode == 0


@pytest.mark.parametrize("password", ["", "café", " voor"])
def test_a_password_that_nobody_could_type_makes_no_package(
    office: World, tmp_path: Path, password: str
) -> None:
    done = office.avplugin(
        "export", "BAKKER26", "KLANT2", tmp_path, AVPLUGIN_PACKAGE_PASSWORD=password
    )

    assert done.returncode == 1
    assert len(done.stderr.splitlines()) <= 2
    assert list(tmp_path.iterdir()) == []


# Bad days


def test_one_that_is_killed_leaves_no_package_and_the_next_one_clears_up(
    office: World, tmp_path: Path
) -> None:
    words = ("export", "BAKKER26", "KLANT2", tmp_path, "--password-file", office.folder / "pw")
    started = office.start_avplugin(*words)
    until(lambda: list(tmp_path.glob(".avplugin-export-*")))
    os.killpg(started.pid, signal.SIGKILL)
    started.communicate()
    assert group_has_ended(started.pid)
    left = list(tmp_path.iterdir())
    assert left

    package = export(office, "KLANT2", tmp_path, "--force")

    assert all(
        path.name.startswith(".avplugin-export-")
        or seven_zip("t", path, password=PASSWORD).returncode == 0
        for path in left
        if path.exists()
    )
    assert not list(tmp_path.glob(".avplugin-export-*"))
    assert seven_zip("t", package, password=PASSWORD).returncode == 0


@needs_root
def test_a_disk_that_is_full_is_told_and_leaves_nothing(office: World, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    script = f'mount -t tmpfs -o size=16k none {small} && "$@"; echo $?; ls -A {small} >&2'

    done = office.run(
        *("unshare", "--mount", "sh", "-c", script, "sh"),
        *("avplugin", "export", "BAKKER26", small, "--no-password"),
    )

    assert done.stdout.strip() == "1"
    assert f"{small} has no room left for the package" in done.stderr
    assert "export-" not in done.stderr


def test_an_archive_that_is_not_what_its_manifest_says_makes_no_package(
    office: World, tmp_path: Path
) -> None:
    copy = shutil.copytree(office.repository, tmp_path / "copy.borg")
    path = str(office.administrations / "BAKKER26" / "INSTEL.DBF").lstrip("/")
    archive = f"{copy}::{clean_archive(office)}"
    done = office.run(
        "borg", "recreate", "--exclude", f"pf:{path}", archive, **apart(office, tmp_path)
    )
    assert done.returncode == 0, done.stderr

    said = refuses_from(office, copy, tmp_path / "uit")

    assert "BAKKER26 came out of" in said


def test_a_repository_that_has_lost_a_part_of_a_file_makes_no_package(
    office: World, tmp_path: Path
) -> None:
    copy = damaged_copy(office, tmp_path)

    said = refuses_from(office, copy, tmp_path / "uit")

    assert said.splitlines()[-1].startswith("avplugin: Borg failed on the repository")
    assert str(copy) in said


def test_a_file_of_which_a_repair_has_put_zeros_in_place_makes_no_package(
    office: World, tmp_path: Path
) -> None:
    copy = damaged_copy(office, tmp_path)
    repaired = office.run(
        *("borg", "check", "--repair", "--verbose", copy),
        **apart(office, tmp_path),
        BORG_CHECK_I_KNOW_WHAT_I_AM_DOING="YES",
    )
    assert "problems found" in repaired.stderr

    said = refuses_from(office, copy, tmp_path / "uit")

    assert "put zeros in their place" in said


def damaged_copy(world: World, folder: Path) -> Path:
    """Return a copy of the repository without a part of a file that has two names."""
    copy = shutil.copytree(world.repository, folder / "copy.borg")
    environment = apart(world, folder)
    listed = world.run(
        *("borg", "debug", "dump-archive", f"{copy}::{clean_archive(world)}", "-"), **environment
    )
    items = json.loads(listed.stdout)["_items"]
    [item] = [one for one in items if one["path"].endswith(".BAK") and "chunks" in one]
    lost = item["chunks"][0][0].removeprefix("\x7f")  # how Borg marks bytes
    done = world.run("borg", "debug", "delete-obj", copy, lost, **environment)
    assert done.returncode == 0, done.stderr
    return copy


def passphrase(world: World) -> dict[str, str]:
    return {"BORG_PASSPHRASE": (world.folder / "etc" / "passphrase").read_text().strip()}


def apart(world: World, folder: Path) -> dict[str, str]:
    """Return an environment whose Borg takes a copy for no move of the repository."""
    return {**passphrase(world), "BORG_BASE_DIR": str(folder / "borg")}


def refuses_from(world: World, repository: Path, into: Path) -> str:
    into.mkdir()
    done = world.avplugin(
        *("export", "BAKKER26", into, "--repository", repository, "--no-password"),
        **apart(world, repository.parent),
    )
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stderr
    assert list(into.iterdir()) == []
    return done.stderr


# As it lies there now


def test_a_live_package_is_the_folder_as_it_lies_there(office: World, tmp_path: Path) -> None:
    office.configure(sessions={"probes": [{"command": nobody(office)}]})

    package = export(office, "BAKKER26", tmp_path, "--live")

    manifest = manifest_of(package)
    out = unpack(package, tmp_path / "out", PASSWORD)
    assert contents(out / "BAKKER26") == contents(office.administrations / "BAKKER26")
    assert manifest.snapshot == ""
    assert manifest.folder.sessions == "nobody"
    assert manifest.folder.table_health == "sound"


def nobody(world: World, *sessions: dict[str, object]) -> list[str]:
    """Return a command that says who is in: nobody, or these."""
    answer = world.folder / "sessions.json"
    answer.write_text(
        json.dumps(
            {
                "answer": "somebody" if sessions else "nobody",
                "checked": datetime.datetime.now(datetime.UTC).isoformat(),
                "sessions": sessions,
                "covers": "all",
                "unknown": [],
            }
        )
    )
    return ["sh", "-c", f"cat {answer}; ! grep -q '\"somebody\"' {answer} || exit 75"]


def test_a_live_package_takes_along_copy_documents_that_no_backup_has(
    office: World, tmp_path: Path
) -> None:
    office.configure(copy_documents={"backup": False, "export": True})

    package = export(office, "KLANT12", tmp_path, "--live")

    out = unpack(package, tmp_path / "out", PASSWORD)
    assert contents(out / "KLANT12-kopiedocumenten")


def test_somebody_who_has_a_table_open_means_not_now(office: World, tmp_path: Path) -> None:
    target = tmp_path / "uit"
    target.mkdir()
    with serving(tmp_path / "samba", office.office) as samba:
        office.configure(sessions={"probes": [{"samba": {"config": str(samba.config)}}]})
        with samba.workstation() as client:
            client.open_table("Administraties/BAKKER26/GROOTBOEK.DBF")
            said = refuses(office, "BAKKER26", target, "--live", status=75)
            other = export(office, "KLANT2", target, "--live")

    assert "BAKKER26 is not packed while somebody is in it" in said
    assert [path.name for path in target.iterdir()] == [other.name]


def test_who_is_in_is_found_out_before_anything_else(office: World, tmp_path: Path) -> None:
    office.configure(sessions={"probes": [{"command": nobody(office, piet())}]})
    pipe = office.folder / "password"
    os.mkfifo(pipe)  # who reads it waits for ever

    done = office.avplugin("export", "BAKKER26", tmp_path, "--live", "--password-file", pipe)

    pipe.unlink()
    assert done.returncode == 75
    assert "PIET on WS-2 has GROOTBOEK.DBF open" in done.stdout
    assert list(tmp_path.iterdir()) == []


def piet() -> dict[str, object]:
    return {
        **{"kind": "user", "user": "PIET", "machine": "WS-2", "folder": "BAKKER26"},
        **{"administration": "BAKKER26", "table": "GROOTBOEK.DBF", "since": ""},
        **{"way": "command", "writing": True, "note": ""},
    }


@pytest.mark.parametrize("change", ["written", "written with its old time", "new file", "gone"])
def test_a_folder_that_moves_while_it_is_packed_makes_no_package(
    office: World, tmp_path: Path, change: str
) -> None:
    table = office.administrations / "BAKKER26" / "GROOTBOEK.DBF"
    other = table.with_name("NIEUW.DBF")
    kept = table.read_bytes(), table.stat()
    folder_time = table.parent.stat().st_mtime_ns
    with before_the_password(office, "BAKKER26", tmp_path) as started:
        if change == "new file":
            other.touch()
        elif change == "gone":
            table.unlink()
        else:
            table.write_bytes(bytes(reversed(kept[0])))
            if "old time" in change:
                os.utime(table, ns=(kept[1].st_atime_ns, kept[1].st_mtime_ns))
    _, said = started.communicate(timeout=60)
    other.unlink(missing_ok=True)
    table.write_bytes(kept[0])
    table.chmod(kept[1].st_mode & 0o7777)
    os.utime(table, ns=(kept[1].st_atime_ns, kept[1].st_mtime_ns))
    os.utime(table.parent, ns=(folder_time, folder_time))

    assert started.returncode == 1
    assert "BAKKER26" in said
    assert list(tmp_path.iterdir()) == []


def test_somebody_who_comes_in_while_it_is_packed_makes_no_package(
    office: World, tmp_path: Path
) -> None:
    office.configure(sessions={"probes": [{"command": nobody(office)}]})
    with before_the_password(office, "BAKKER26", tmp_path) as started:
        nobody(office, piet())
    told, said = started.communicate(timeout=60)

    assert started.returncode == 75, said
    assert "somebody is in" in told
    assert said == ""
    assert list(tmp_path.iterdir()) == []
