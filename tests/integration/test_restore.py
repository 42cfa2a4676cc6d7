"""Putting folders back out of real archives: whole, the same, and never over data."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from conftest import COMMANDS, TABLE, World, group_has_ended, make_world, tree

pytestmark = pytest.mark.usefixtures("adopting")


def make_odd(folder: Path) -> None:
    """Put things in a folder that are easily lost on the way."""
    (folder / "LEEG").mkdir(mode=0o750)
    (folder / "DIEP" / "DIEPER").mkdir(parents=True)
    (folder / "DIEP" / "DIEPER" / "NOTITIE.TXT").write_bytes(b"onder")
    (folder / "GROOT.BAK").hardlink_to(folder / "GROOTBOEK.DBF")
    (folder / "link naar tabel").symlink_to("GROOTBOEK.DBF")
    (folder / "link naar niets").symlink_to("/nergens/heen")
    Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.txt")).write_bytes(b"windows-1252")
    (folder / ".verborgen").touch()
    (folder / "KASBOEK.DBF").write_bytes(TABLE)
    (folder / "KASBOEK.DBF").chmod(0o640)
    os.utime(folder / "KASBOEK.DBF", ns=(1, 1_234_567_890_123_456_789))
    os.utime(folder / "LEEG", ns=(1, 1_111_111_111_000_000_001))
    folder.chmod(0o2771)
    os.utime(folder, ns=(1, 1_222_222_222_000_000_002))


@pytest.fixture(scope="module")
def backed_up(template: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    """An office with a clean snapshot of both sets. Tests leave it as they found it."""
    world = make_world(template, tmp_path_factory.mktemp("restore") / "world")
    make_odd(world.administrations / "BAKKER26")
    daughter = world.administrations / "Klant 1" / "Dochter"
    daughter.mkdir()
    (daughter / "GROOTBOEK.DBF").write_bytes(TABLE)
    world.edit(
        world.configuration,
        lambda document: document["administrations"].append(
            {"code": "DOCHTER", "folder": str(daughter)}
        ),
    )
    done = world.run(
        *("borgmatic", "--config", world.borgmatic_file("system")),
        *("--config", world.borgmatic_file(), "create"),
    )
    assert done.returncode == 0, done.stderr
    return world


@pytest.fixture
def office(backed_up: World) -> Iterator[World]:
    """The same; and after the test it is looked whether the office is as it was."""
    before = tree(backed_up.office)
    yield backed_up
    assert tree(backed_up.office) == before
    assert not list(backed_up.folder.rglob("*.avplugin-restore-*"))


def clean_archive(world: World, set_name: str = "administrations") -> str:
    return next(name for name in reversed(world.archives()) if f"-{set_name}-" in name)


def without(found: dict[bytes, tuple[object, ...]], inner: bytes) -> dict[bytes, object]:
    return {path: entry for path, entry in found.items() if not path.startswith(inner)}


def await_staging(folder: Path) -> Path:
    """Wait until a restore has something in its staging folder beside a target in `folder`."""
    for _ in range(2000):
        for staging in folder.glob(".*.avplugin-restore-*"):
            if any(path.is_file() for path in staging.rglob("*")):
                return staging
        time.sleep(0.005)
    raise AssertionError("no restore began")


# What comes back


def test_all_that_a_folder_is_comes_back_in_a_new_one(office: World, tmp_path: Path) -> None:
    new = tmp_path / "BAKKER26 terug"

    done = office.avplugin("restore", "--yes", "BAKKER26", "--new", new)

    assert done.returncode == 0, done.stderr
    assert tree(new) == tree(office.administrations / "BAKKER26")
    assert [path.name for path in tmp_path.iterdir()] == [new.name]
    assert f"Put back: BAKKER26, {new}" in done.stdout
    assert f"  Snapshot      {clean_archive(office)}, local\n" in done.stdout
    assert "Bestand > Administraties" in done.stdout
    assert done.stderr == (
        "avplugin: warning: BAKKER26: symbolic links lead out of the folder:"
        " link naar niets -> /nergens/heen\n"
    ).removeprefix("avplugin: ")


def test_codes_know_no_letter_case_and_the_folder_may_have_glob_characters(
    office: World, tmp_path: Path
) -> None:
    done = office.avplugin(
        "restore", "--yes", "klant12", "--new", "nieuw [12]*", "--repository", "local"
    )

    assert done.returncode == 0, done.stderr
    new = office.folder / "nieuw [12]*"
    documents = office.folder / "nieuw [12]*-kopiedocumenten"
    assert tree(new) == tree(office.administrations / "Klant [12]")
    assert tree(documents) == tree(office.office / "Kopiedocumenten" / "KLANT12")
    shutil.rmtree(new)
    shutil.rmtree(documents)


@pytest.mark.parametrize("by_pattern", [False, True])
def test_copy_documents_that_a_pattern_would_call_an_administration_are_told(
    office: World, tmp_path: Path, by_pattern: bool
) -> None:
    configuration = tmp_path / "accountview.yaml"
    text = office.configuration.read_text()
    if by_pattern:
        document = yaml.safe_load(text)
        document["administrations"].insert(0, {"folders": f"{office.administrations}/*"})
        text = yaml.safe_dump(document)
    configuration.write_text(text)

    done = office.avplugin(
        *("restore", "KLANT12", "--new", office.administrations / "NIEUW", "--dry-run"),
        AVPLUGIN_CONFIG=str(configuration),
    )

    assert done.returncode == 0, done.stderr
    assert ("NIEUW-kopiedocumenten will lie beside" in done.stderr) is by_pattern


def test_an_empty_folder_may_be_there_already(office: World, tmp_path: Path) -> None:
    new = tmp_path / "leeg"
    new.mkdir(mode=0o700)

    assert office.avplugin("restore", "--yes", "KLANT2", "--new", new).returncode == 0
    assert tree(new) == tree(office.administrations / "Klant 2")


@pytest.mark.parametrize("empty", [False, True])
def test_a_lost_folder_goes_back_with_the_copy_documents_inside(office: World, empty: bool) -> None:
    lost = office.administrations / "BAKKER26"
    before = tree(lost)
    parent = lost.parent.stat()
    shutil.rmtree(lost)
    if empty:
        lost.mkdir()

    done = office.avplugin("restore", "--yes", "BAKKER26", "--original")

    assert done.returncode == 0, done.stderr
    assert tree(lost) == before
    os.utime(lost.parent, ns=(parent.st_atime_ns, parent.st_mtime_ns))


def test_copy_documents_elsewhere_go_back_with_the_administration(office: World) -> None:
    places = [office.administrations / "Klant [12]", office.office / "Kopiedocumenten" / "KLANT12"]
    before = [tree(place) for place in places]
    parents = [place.parent.stat().st_mtime_ns for place in places]
    for place in places:
        shutil.rmtree(place)

    answer = office.avplugin_json("restore", "--yes", "KLANT12", "--original")

    assert [tree(place) for place in places] == before
    assert [part["path"] for part in answer["restored"]] == [str(place) for place in places]
    assert [part["label"] for part in answer["restored"]] == [
        "KLANT12",
        "copy documents of KLANT12",
    ]
    documents = [path for path in places[1].rglob("*") if path.is_file()]
    assert answer["restored"][1]["files"] == len(documents) > 0
    assert answer["archive"] == clean_archive(office)
    assert set(answer) == {"archive", "time", "repository", "restored", "warnings"}
    for place, modified in zip(places, parents, strict=True):
        os.utime(place.parent, ns=(modified, modified))


def test_an_administration_inside_another_is_neither_brought_back_nor_lost_with_it(
    office: World,
) -> None:
    outer = office.administrations / "Klant 1"
    before = tree(outer)
    parent = outer.parent.stat().st_mtime_ns
    modified = outer.stat().st_mtime_ns
    shutil.rmtree(outer)

    refused = office.avplugin("restore", "--yes", "DOCHTER", "--original")
    assert office.avplugin("restore", "--yes", "KLANT1", "--original").returncode == 0
    alone = tree(outer)
    assert office.avplugin("restore", "--yes", "DOCHTER", "--original").returncode == 0
    os.utime(outer, ns=(modified, modified))
    os.utime(outer.parent, ns=(parent, parent))

    assert refused.returncode == 1
    assert f"{outer} does not exist" in refused.stderr
    assert alone == without(before, b"/Dochter")
    assert tree(outer) == before


def test_the_inner_administration_keeps_its_place_and_contents_when_the_outer_one_is_replaced(
    office: World,
) -> None:
    outer = office.administrations / "Klant 1"
    inner = (outer / "Dochter").stat().st_ino
    before = tree(outer)
    parent = outer.parent.stat().st_mtime_ns
    added = outer / "Dochter" / "SINDSDIEN.DBF"
    modified = added.parent.stat().st_mtime_ns
    added.write_bytes(TABLE)
    (outer / "GROOTBOEK.DBF").unlink()
    (outer / "LATER.TXT").touch()

    done = office.avplugin("restore", "--yes", "KLANT1", "--original")

    assert done.returncode == 0, done.stderr
    assert "Stays as it is  Dochter" in done.stdout
    assert (outer / "Dochter").stat().st_ino == inner
    assert added.read_bytes() == TABLE
    added.unlink()
    os.utime(outer / "Dochter", ns=(modified, modified))
    assert tree(outer) == before
    [kept] = outer.parent.glob("Klant 1.before-restore-*")
    assert (kept / "LATER.TXT").exists()
    assert not (kept / "Dochter").exists()
    shutil.rmtree(kept)
    os.utime(outer.parent, ns=(parent, parent))


def test_program_system_and_extra_folders_come_back_each_by_its_name(
    office: World, tmp_path: Path
) -> None:
    for name in ("program", "SYSTEM", "extra:layouts"):
        done = office.avplugin("restore", "--yes", name, "--new", tmp_path / name)
        assert done.returncode == 0, done.stderr

    assert "Bestand > Administraties" not in done.stdout
    program = office.office / "Programma"
    assert tree(tmp_path / "program") == without(tree(program), b"/Systeem")
    assert tree(tmp_path / "SYSTEM") == tree(program / "Systeem")
    assert tree(tmp_path / "extra:layouts") == tree(office.office / "Layouts")


# What is refused


def refuses(world: World, *words: str | Path, **environment: str) -> str:
    """Run a restore that must be refused in a line or two; return what it said."""
    before = tree(world.folder / "etc") | tree(world.office)
    done = world.avplugin("restore", "--yes", *words, **environment)
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stderr.startswith("avplugin: ")
    assert len(done.stderr.splitlines()) <= 2
    assert tree(world.folder / "etc") | tree(world.office) == before
    return done.stderr


def test_a_new_folder_that_holds_data_is_not_touched(office: World, tmp_path: Path) -> None:
    (tmp_path / "one hidden file").mkdir()
    (tmp_path / "one hidden file" / ".x").touch()

    said = refuses(office, "BAKKER26", "--new", tmp_path / "one hidden file")

    assert "holds data, and --new never replaces any" in said
    assert list(tree(tmp_path)) == [b"", b"/one hidden file", b"/one hidden file/.x"]


def test_what_is_no_folder_is_no_target(office: World, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    (tmp_path / "dangling").symlink_to("nowhere")
    before = tree(tmp_path)

    def said(target: str) -> str:
        return refuses(office, "KLANT2", "--new", tmp_path / target)

    assert "is a file" in said("file")
    assert "is a symbolic link" in said("link")
    assert "is a symbolic link" in said("dangling")
    assert f"{tmp_path / 'missing'} does not exist" in said("missing/new")
    assert f"{tmp_path / 'file'} does not exist" in said("file/new")
    assert "/proc is a mount point" in refuses(office, "KLANT2", "--new", "/proc")
    assert "/ is a mount point" in refuses(office, "KLANT2", "--new", "/")
    assert tree(tmp_path) == before


def test_a_parent_folder_that_this_user_may_not_write_in_is_named(
    office: World, tmp_path: Path
) -> None:
    parent = tmp_path / "read-only"
    parent.mkdir(mode=0o555)
    # Root may write everywhere, unless it gives up the capability.
    obey = ["setpriv", "--bounding-set", "-dac_override"] if os.geteuid() == 0 else []

    done = office.run(*obey, "avplugin", "restore", "--yes", "KLANT2", "--new", parent / "new")

    assert done.returncode == 1
    assert str(parent) in done.stderr
    assert list(parent.iterdir()) == []


def test_a_path_is_refused_with_the_reason(office: World) -> None:
    done = office.avplugin("restore", r"BAKKER26\GROOTBOEK.DBF", "--original")

    assert done.returncode == 2
    assert "only whole folders are restored" in done.stderr
    assert len(done.stderr.splitlines()) == 2


def test_where_to_has_to_be_said_once(office: World) -> None:
    for words in ([], ["--original", "--new", "x"], ["--new", ""]):
        done = office.avplugin("restore", "--yes", "BAKKER26", *words)
        assert done.returncode == 2
        assert "--new" in done.stderr
        assert "Traceback" not in done.stderr


def test_what_no_snapshot_holds_is_told_in_two_lines(office: World) -> None:
    archive = clean_archive(office)

    assert "no clean snapshot holds NIEMAND" in refuses(office, "NIEMAND", "--original")
    assert f"{archive} does not hold system" in refuses(
        office, "system", "--archive", archive, "--new", "x"
    )
    assert "there is no snapshot nonsense" in refuses(
        office, "KLANT1", "--archive", "nonsense", "--new", "x"
    )


# Which snapshot


def test_the_newest_clean_snapshot_counts_and_a_newer_unverified_one_does_not(
    world: World, tmp_path: Path
) -> None:
    table = world.administrations / "BAKKER26" / "GROOTBOEK.DBF"
    assert world.borgmatic("create").returncode == 0
    first = tree(table.parent)
    [clean] = world.archives()
    (world.administrations / "Klant 2").rename(world.folder / "gone")
    table.write_bytes(table.read_bytes() + b"second")
    second = tree(table.parent)
    # Klant 2 is missing: the night ends in 1, with a clean archive of all the others.
    assert world.borgmatic("create").returncode == 1
    world.add_hook(
        "- after: action\n  when: [create]\n  states: [finish]\n"
        f"  run: [\"printf X >> '{table}'\"]",
        first=True,
    )
    (table.parent / "NIEUW.TXT").touch()
    assert world.borgmatic("create").returncode == 1
    unverified = world.archives()[-1]
    world.borg("rename", f"{world.repository}::{clean}", f"{clean}.hold")

    for words in (["--new", "newest"], ["--new", "older", "--archive", clean]):
        assert world.avplugin("restore", "--yes", "BAKKER26", *words).returncode == 0
    refused = world.avplugin("restore", "--yes", "BAKKER26", "--new", "x", "--archive", unverified)
    older = world.avplugin("restore", "--yes", "KLANT2", "--new", "two")

    assert tree(world.folder / "newest") == second
    assert tree(world.folder / "older") == first
    assert refused.returncode == 1
    assert f"{unverified} is not clean: BAKKER26 changed while it was copied" in refused.stderr
    assert older.returncode == 0
    assert f"  Snapshot      {clean}.hold, local\n" in older.stdout
    assert tree(world.folder / "two") == tree(world.folder / "gone")


# Bad days


def test_if_the_second_folder_cannot_be_put_back_the_first_is_not_either(
    office: World, tmp_path: Path
) -> None:
    blocked = tmp_path / "new-kopiedocumenten"
    blocked.touch()

    assert f"{blocked} is a file" in refuses(office, "KLANT12", "--new", tmp_path / "new")
    assert list(tmp_path.iterdir()) == [blocked]


def test_a_restore_killed_at_any_moment_leaves_the_target_alone_and_the_next_one_works(
    office: World, tmp_path: Path
) -> None:
    new = tmp_path / "new"
    whole = tree(office.administrations / "BAKKER26")
    killed = 0
    for moment in range(10):
        process = office.start_avplugin("restore", "--yes", "BAKKER26", "--new", new)
        time.sleep(0.05 + moment * 0.06)  # a whole one takes from 0.3 s on
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        assert group_has_ended(process.pid)
        killed += process.returncode == -signal.SIGKILL
        assert office.avplugin("restore", "--recover").returncode == 0
        found = tree(new)
        assert found in ({}, whole)
        if found:
            shutil.rmtree(new)

    assert killed
    assert office.avplugin("restore", "--yes", "BAKKER26", "--new", new).returncode == 0
    assert tree(new) == whole
    assert list(tmp_path.iterdir()) == [new]


def test_a_folder_that_only_looks_like_what_a_restore_left_is_never_removed(
    office: World, tmp_path: Path
) -> None:
    stranger = tmp_path / ".new.avplugin-restore-00000000"
    (stranger / "srv").mkdir(parents=True)
    (stranger / "srv" / "GROOTBOEK.DBF").touch()

    assert office.avplugin("restore", "--yes", "KLANT2", "--new", tmp_path / "new").returncode == 0

    assert sorted(path.name for path in tmp_path.iterdir()) == [stranger.name, "new"]
    assert (stranger / "srv" / "GROOTBOEK.DBF").exists()


def test_of_two_restores_to_one_place_at_once_one_wins_and_the_other_says_so(
    office: World, tmp_path: Path
) -> None:
    new = tmp_path / "new"
    both = [office.start_avplugin("restore", "--yes", "BAKKER26", "--new", new) for _ in range(2)]
    said = [process.communicate()[1] for process in both]

    assert sorted(process.returncode for process in both) == [0, 1]
    loser = next(text for text, process in zip(said, both, strict=True) if process.returncode)
    assert loser.startswith("avplugin: ")
    assert len(loser.splitlines()) <= 2
    assert tree(new) == tree(office.administrations / "BAKKER26")
    assert list(tmp_path.iterdir()) == [new]


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


@pytest.mark.parametrize(
    ("number", "status", "whole_group"),
    [(signal.SIGINT, 130, True), (signal.SIGINT, 130, False), (signal.SIGTERM, 143, False)],
)
def test_a_restore_that_is_stopped_clears_up_and_leaves_the_target_alone(
    slow: World, tmp_path: Path, number: int, status: int, whole_group: bool
) -> None:
    target = tmp_path / "here" / "new"
    target.parent.mkdir()
    process = slow.start_avplugin("restore", "--yes", "BAKKER26", "--new", target)
    await_staging(target.parent)

    (os.killpg if whole_group else os.kill)(process.pid, number)
    said = process.communicate(timeout=20)[1]

    assert process.returncode == status
    assert said.strip() == "avplugin: stopped."
    assert list(target.parent.iterdir()) == []
    assert group_has_ended(process.pid)


def test_while_borg_outlives_a_killed_restore_its_staging_is_left_alone(
    slow: World, office: World, tmp_path: Path
) -> None:
    target = tmp_path / "here" / "new"
    target.parent.mkdir()
    process = slow.start_avplugin("restore", "--yes", "BAKKER26", "--new", target)
    staging = await_staging(target.parent)
    process.kill()
    process.wait()

    assert office.avplugin("restore", "--yes", "KLANT2", "--new", target).returncode == 0
    assert staging.exists()
    os.killpg(process.pid, signal.SIGKILL)
    assert group_has_ended(process.pid)
    shutil.rmtree(target)
    assert office.avplugin("restore", "--yes", "KLANT2", "--new", target).returncode == 0
    assert list(target.parent.iterdir()) == [target]


def test_a_disk_that_is_full_while_extracting_leaves_nothing(office: World, tmp_path: Path) -> None:
    # A limit on the size of files (in blocks of 512 bytes) is met where a full disk is.
    words = ["sh", "-c", 'ulimit -f 8; exec "$@"', "sh", "avplugin", "restore", "--yes", "BAKKER26"]

    done = office.run(*words, "--new", tmp_path / "new")

    assert done.returncode == 1
    assert done.stderr.startswith("avplugin: ")
    assert len(done.stderr.splitlines()) <= 2
    assert list(tmp_path.iterdir()) == []


def test_a_locked_repository_is_said_to_be_locked_after_seconds(
    office: World, tmp_path: Path
) -> None:
    began = time.monotonic()
    with subprocess.Popen(
        ["borg", "with-lock", str(office.repository), "sleep", "60"],
        env={
            **office.environment,
            "BORG_PASSPHRASE": (office.folder / "etc" / "passphrase").read_text().strip(),
        },
        process_group=0,
    ) as holder:
        while not (office.repository / "lock.exclusive").exists():
            time.sleep(0.01)
        said = refuses(office, "KLANT2", "--new", tmp_path / "new")
        os.killpg(holder.pid, signal.SIGTERM)

    assert "KLANT2 is not put back: the repository" in said
    assert "is locked by another Borg process" in said
    assert time.monotonic() - began < 20
    assert list(tmp_path.iterdir()) == []


def test_another_passphrase_is_said_to_be_another(office: World, tmp_path: Path) -> None:
    passphrase = office.folder / "etc" / "passphrase"
    right = passphrase.read_text()
    passphrase.write_text("wrong\n")
    try:
        said = refuses(office, "KLANT2", "--new", tmp_path / "new")
    finally:
        passphrase.write_text(right)

    assert "wants another passphrase" in said


def test_out_of_a_damaged_repository_nothing_is_put_back(office: World, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.borg"
    shutil.copytree(office.repository, damaged)
    for segment in (damaged / "data" / "0").iterdir():
        data = bytearray(segment.read_bytes())
        if len(data) > 20_000:  # contents of files; manifests lie in front of them
            for offset in range(len(data) // 2, len(data), 500):
                data[offset] ^= 0xFF
            segment.write_bytes(data)
    passphrase = (office.folder / "etc" / "passphrase").read_text().strip()

    said = refuses(
        office,
        *("VANDIJK", "--repository", damaged, "--new", tmp_path / "new"),
        BORG_PASSPHRASE=passphrase,
        BORG_BASE_DIR=str(tmp_path / "borg"),
    )

    assert f"VANDIJK is not put back: Borg failed on the repository {damaged}: " in said
    assert not list(tmp_path.glob("*new*"))


def test_a_new_machine_needs_the_repository_and_its_passphrase_only(
    office: World, tmp_path: Path
) -> None:
    passphrase = (office.folder / "etc" / "passphrase").read_text().strip()
    home = tmp_path / "home"
    home.mkdir()
    bare = {"PATH": "/usr/bin:/bin", "HOME": str(home), "BORG_PASSPHRASE": passphrase}

    done = subprocess.run(
        [
            *(COMMANDS / "avplugin", "restore", "--yes", "BAKKER26"),
            *("--repository", "world/accountview.borg", "--new", tmp_path / "new"),
        ],
        env=bare,
        cwd=office.folder.parent,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert tree(tmp_path / "new") == tree(office.administrations / "BAKKER26")
