"""Restores on bad days: odd places, hostile repositories, people who come in, half a restore."""

from __future__ import annotations

import dataclasses
import errno
import io
import json
import os
import shutil
import signal
import subprocess
import tarfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from conftest import World, make_world, tree
from samba import Samba, serving

from avplugin.configuration.load import load_configuration
from avplugin.installation.model import Kind
from avplugin.installation.scan import Contents, Entry
from avplugin.restore import put_back, swap
from avplugin.restore.check import prepare
from avplugin.restore.choose import Wanted, choose_snapshot
from avplugin.restore.targets import RestoreError
from avplugin.restore.where import Original
from avplugin.restore.who_is_in import nobody_in
from avplugin.snapshots.sources import configured_sources
from avplugin.state.manifest import FolderManifest, Manifest, RunManifest, manifest_files
from avplugin.state.restores import RestoreJournal, Stage

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount, and start smbd")


@pytest.fixture(scope="module")
def snapshot(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An office with a snapshot of its administrations."""
    world = make_world(template, tmp_path_factory.mktemp("snapshot") / "world")
    table = world.administrations / "Van Dijk & Zonen VOF" / "GROOTBOEK.DBF"
    os.utime(table, ns=(1, 1_700_000_000_123_456_789))
    done = world.borgmatic("create")
    assert done.returncode == 0, done.stderr
    shutil.rmtree(world.folder / "borg")
    return world.folder


@pytest.fixture
def office(snapshot: Path, tmp_path: Path) -> World:
    """A copy of it, to do anything with."""
    return make_world(snapshot, tmp_path / "world")


def refuses(world: World, *words: str | Path, before: tuple[str, ...] = ()) -> str:
    """Run a restore that must be refused in a line or two and change nothing."""
    was = tree(world.office)
    done = world.run(*before, "avplugin", "restore", *words, "--yes")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert tree(world.office) == was
    assert not list(world.folder.rglob("*.avplugin-*"))
    return done.stderr


# Odd places


def mounted(*commands: str) -> tuple[str, ...]:
    """Return what runs a command where these have been run first, with mounts of its own."""
    script = " && ".join((*commands, 'exec "$@"'))
    return ("unshare", "--mount", "sh", "-c", script, "sh")


@needs_root
def test_a_target_that_is_a_mount_point_or_has_one_inside_is_refused(office: World) -> None:
    folder = office.administrations / "BAKKER26"
    inside = folder / "KOPIEDOC"
    aside = office.folder / "aside"
    shutil.copytree(folder, aside)

    bound = refuses(
        office, "BAKKER26", "--original", before=mounted(f"mount --bind '{aside}' '{folder}'")
    )
    inner = refuses(
        office, "BAKKER26", "--original", before=mounted(f"mount -t tmpfs none '{inside}'")
    )

    assert f"{folder} is a mount point" in bound
    assert f"{inside} is mounted inside {folder}" in inner


@needs_root
def test_a_folder_that_stays_may_be_mounted(office: World) -> None:
    folder = office.administrations / "BAKKER26"
    (folder / "SINDSDIEN.TXT").touch()
    documents = tree(folder / "KOPIEDOC")

    done = office.run(
        *mounted(f"mount -t tmpfs none '{folder / 'KOPIEDOC'}'"),
        *("avplugin", "restore", "BAKKER26", "--original", "--yes", "--without-copy-documents"),
    )

    assert done.returncode == 0, done.stderr
    assert not (folder / "SINDSDIEN.TXT").exists()
    assert tree(folder / "KOPIEDOC") == documents  # below the mount


@needs_root
def test_a_read_only_disk_and_one_that_is_too_small_are_refused_before_extracting(
    office: World,
) -> None:
    administrations = office.administrations
    read_only = refuses(
        office,
        "BAKKER26",
        "--original",
        before=mounted(
            f"mount --bind '{administrations}' '{administrations}'",
            f"mount -o remount,bind,ro '{administrations}'",
        ),
    )
    small = office.folder / "small"
    small.mkdir()
    too_small = refuses(
        office,
        *("BAKKER26", "--new", small / "new"),
        before=mounted(f"mount -t tmpfs -o size=16k none '{small}'"),
    )

    assert f"{administrations} cannot be written to" in read_only
    assert f"{small} has 16384 bytes free" in too_small


@needs_root
def test_a_disk_that_keeps_whole_seconds_only_gets_them_and_a_warning(
    office: World, tmp_path: Path
) -> None:
    image, disk = tmp_path / "image", tmp_path / "disk"
    disk.mkdir()
    with image.open("wb") as file:
        file.truncate(20_000_000)
    # An inode of 128 bytes has no room for parts of a second.
    subprocess.run(["mkfs.ext2", "-q", "-I", "128", image], check=True, capture_output=True)

    done = office.run(
        *mounted(f"mount -o loop '{image}' '{disk}'"),
        *("sh", "-c", f'avplugin restore VANDIJK --new {disk}/new --yes; cp -a {disk}/new "$0"'),
        tmp_path / "seen",
    )

    assert done.returncode == 0, done.stderr
    assert "could not keep all modification times exactly" in done.stderr
    original = tree(office.administrations / "Van Dijk & Zonen VOF")
    seen = tree(tmp_path / "seen")
    assert {path: one[2] for path, one in seen.items()} == {
        path: one[2] for path, one in original.items()
    }


def test_without_root_all_comes_back_and_owners_are_told_to_be_this_users(office: World) -> None:
    # In a namespace of its own this process is nobody, and may set no owner.
    before = ("unshare", "--user") if os.geteuid() == 0 else ()
    folder = office.administrations / "BAKKER26"
    was = tree(folder)
    (folder / "SINDSDIEN.TXT").touch()

    done = office.run(*before, "avplugin", "restore", "BAKKER26", "--original", "--yes")

    assert done.returncode == 0, done.stderr
    assert "owners could not be set, since this is not root" in done.stderr
    assert tree(folder) == was


# Permissions


def test_access_lists_and_extended_attributes_come_back(office: World) -> None:
    folder = office.administrations / "BAKKER26"
    table = folder / "GROOTBOEK.DBF"
    # The same bytes that setfacl writes: version 2, then tag, permissions and id of each entry.
    acl = bytes.fromhex(
        "02000000 01000700ffffffff 02000500 0a000000 04000500ffffffff"
        " 10000700ffffffff 20000000ffffffff"
    )
    os.setxattr(folder, "system.posix_acl_access", acl)
    os.setxattr(table, "user.DOSATTRIB", b"0x20")
    if os.geteuid() == 0:
        os.setxattr(table, "security.NTACL", b"\x04\x00\x04\x00windows")
    wanted = attributes(folder), attributes(table)
    assert wanted[0]
    (folder / "SINDSDIEN.TXT").touch()  # else nothing has changed
    assert office.borgmatic("create").returncode == 0
    os.removexattr(folder, "system.posix_acl_access")
    os.removexattr(table, "user.DOSATTRIB")

    assert office.avplugin("restore", "BAKKER26", "--original", "--yes").returncode == 0

    assert (attributes(folder), attributes(table)) == wanted


def attributes(path: Path) -> dict[str, bytes]:
    return {name: os.getxattr(path, name) for name in os.listxattr(path)}


# A repository is not trusted input


@dataclasses.dataclass(frozen=True)
class Hostile:
    """A repository with an archive that avplugin takes for clean, made by an enemy."""

    world: World
    outside: Path  # what the enemy is after

    def restore(self) -> subprocess.CompletedProcess[str]:
        return self.world.avplugin(
            *("restore", "PRIJS26", "--repository", self.world.folder / "hostile.borg"),
            *("--new", self.world.folder / "new", "--yes"),
            BORG_PASSPHRASE="known to the enemy",
        )


Member = tuple[str, bytes, str]  # path in the archive, type of tarfile's, contents or target


def make_hostile(world: World, members: list[Member], besides: Sequence[Member] = ()) -> Hostile:
    """Make the repository; its manifest says what the archive holds, but for what is besides."""
    outside = world.folder / "outside"
    outside.mkdir()
    (outside / "passwd").write_text("root")
    repository = world.folder / "hostile.borg"
    environment = {"BORG_PASSPHRASE": "known to the enemy"}
    made = world.run("borg", "init", "-e", "repokey-blake2", repository, **environment)
    assert made.returncode == 0, made.stderr

    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name, data_of_file in manifest_of("srv/PRIJS26", members).items():
            add(tar, (f"avplugin/{name}", tarfile.REGTYPE, data_of_file.decode()))
        for path, kind, content in (*members, *besides):
            there = str(outside)
            add(tar, (path.replace("OUTSIDE", there), kind, content.replace("OUTSIDE", there)))
    (world.folder / "hostile.tar").write_bytes(data.getvalue())
    done = world.run(
        *("borg", "import-tar", f"{repository}::av-administrations-2026-11-01T02:00:00"),
        world.folder / "hostile.tar",
        **environment,
    )
    assert done.returncode == 0, done.stderr
    return Hostile(world, outside)


def add(tar: tarfile.TarFile, member: Member) -> None:
    path, kind, content = member
    info = tarfile.TarInfo(path)
    info.type = kind
    info.mtime = 1_700_000_000
    info.mode = 0o755 if kind == tarfile.DIRTYPE else 0o644
    data = b""
    if kind in {tarfile.SYMTYPE, tarfile.LNKTYPE}:
        info.linkname = content
    elif kind == tarfile.REGTYPE:
        data = content.encode()
        info.size = len(data)
    elif kind == tarfile.CHRTYPE:
        info.devmajor, info.devminor = 1, 3
    tar.addfile(info, io.BytesIO(data))


def manifest_of(folder: str, members: list[Member]) -> dict[str, bytes]:
    """Return the files of a manifest that fits what lies in the folder, as an enemy writes it."""
    letters = {
        tarfile.DIRTYPE: "d",
        tarfile.REGTYPE: "-",
        tarfile.LNKTYPE: "-",
        tarfile.SYMTYPE: "l",
        tarfile.CHRTYPE: "c",
        tarfile.FIFOTYPE: "p",
    }
    entries = []
    for path, kind, content in members:
        if path == folder or path.startswith(f"{folder}/"):
            letter = letters[kind]
            size = 4 if kind == tarfile.LNKTYPE else len(content) if letter in "-l" else 0
            inside = path.removeprefix(folder).lstrip("/").encode()
            entries.append(Entry(inside, letter, size, 1_700_000_000_000_000_000, 0, 0, 1))
    contents = Contents(tuple(sorted(entries)))
    part = FolderManifest(
        kind=Kind.ADMINISTRATION,
        code="PRIJS26",
        name="Gewonnen!",
        label="PRIJS26",
        windows_path="",
        path=f"/{folder}",
        fingerprint=contents.fingerprint,
        list_digest=contents.list_digest,
        files=contents.files,
        size=contents.size,
        tables=1,
    )
    run = RunManifest("run", "av", "id", "administrations", "h", "2026", "1", "", "", "", "")
    return manifest_files(Manifest(run, (part,)))


ROOT: Member = ("srv/PRIJS26", tarfile.DIRTYPE, "")
GOOD: Member = ("srv/PRIJS26/GROOTBOEK.DBF", tarfile.REGTYPE, "books")


def test_an_archive_without_tricks_comes_back(office: World) -> None:
    hostile = make_hostile(office, [ROOT, GOOD])

    done = hostile.restore()

    assert done.returncode == 0, done.stderr
    assert (office.folder / "new" / "GROOTBOEK.DBF").read_text() == "books"


@pytest.mark.parametrize(
    "members",
    [
        pytest.param(
            [
                ("srv/PRIJS26/map", tarfile.SYMTYPE, "OUTSIDE"),
                ("srv/PRIJS26/map/passwd", tarfile.REGTYPE, "evil"),
            ],
            id="through a symbolic link",
        ),
        pytest.param(
            [("srv/PRIJS26/../../../outside/passwd", tarfile.REGTYPE, "evil")], id="up and out"
        ),
        pytest.param([("srv/PRIJS26/nul", tarfile.CHRTYPE, "")], id="a device"),
        pytest.param(
            [("srv/PRIJS26/hard", tarfile.LNKTYPE, "../../../../../outside/passwd")],
            id="a hard link out",
        ),
    ],
)
def test_what_no_administration_holds_is_refused_and_nothing_outside_is_touched(
    office: World, members: list[Member]
) -> None:
    hostile = make_hostile(office, [ROOT, GOOD, *members])

    done = hostile.restore()

    assert done.returncode == 1, done.stdout
    assert "PRIJS26" in done.stderr or "Borg failed" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) <= 2
    assert (hostile.outside / "passwd").read_text() == "root"
    assert (hostile.outside / "passwd").stat().st_nlink == 1
    assert not (office.folder / "new").exists()
    assert not list(office.folder.glob(".new*"))


def test_an_absolute_path_is_none_of_the_folder_and_writes_nowhere(office: World) -> None:
    hostile = make_hostile(office, [ROOT, GOOD, ("OUTSIDE/passwd", tarfile.REGTYPE, "evil")])

    hostile.restore()

    assert (hostile.outside / "passwd").read_text() == "root"


def test_a_link_that_leads_out_comes_back_as_a_link_and_is_told(office: World) -> None:
    hostile = make_hostile(office, [ROOT, GOOD, ("srv/PRIJS26/map", tarfile.SYMTYPE, "/etc")])

    done = hostile.restore()

    assert done.returncode == 0, done.stderr
    assert "symbolic links lead out of the folder: map -> /etc" in done.stderr
    assert (office.folder / "new" / "map").readlink() == Path("/etc")


def test_a_link_of_the_snapshot_is_not_followed_to_where_a_folder_stays(office: World) -> None:
    program = office.office / "Programma"
    old_place = office.folder / "old place"
    shutil.copytree(office.administrations / "Klant 2", old_place / "NIEUW")
    (program / "Klanten").symlink_to(old_place)
    assert office.borgmatic("create", set_name="system").returncode == 0
    (program / "Klanten").unlink()
    shutil.copytree(old_place, program / "Klanten")
    (old_place / "NIEUW" / "ALLEEN HIER.TXT").touch()
    office.edit(
        office.configuration,
        lambda document: document["administrations"].append(
            {"code": "NIEUW", "folder": str(program / "Klanten" / "NIEUW")}
        ),
    )

    before = {path: one[2] for path, one in tree(office.office).items()}
    done = office.avplugin("restore", "program", "--original", "--yes")

    assert done.returncode == 1
    assert "has to stay a folder" in done.stderr
    assert {path: one[2] for path, one in tree(office.office).items()} == before
    assert (old_place / "NIEUW" / "ALLEEN HIER.TXT").exists()


def test_who_stops_avplugin_in_the_moment_of_the_swap_is_told_what_was_done(
    office: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in office.environment.items():
        monkeypatch.setenv(name, value)
    exchange = swap._exchange

    def stopped(one: str, other: str) -> bool:
        done = exchange(one, other)
        os.kill(os.getpid(), signal.SIGINT)
        return done

    monkeypatch.setattr(swap, "_exchange", stopped)
    configuration = load_configuration(str(office.configuration))
    journal = RestoreJournal(configuration.state)
    with configured_sources(configuration, None, print) as sources:
        choice = choose_snapshot(sources, Wanted("BAKKER26"))
        preparation = prepare(choice, Original(), configuration, other_version=False)
        done = put_back.put_back(preparation, journal, lambda _: None, lambda: None)

    assert Path(done.folders[0].kept).is_dir()
    assert [restore.stage for restore in journal.restores()] == [Stage.DONE]


def test_a_journal_that_cannot_be_understood_is_kept_and_removes_nothing(office: World) -> None:
    precious = office.folder / "precious.avplugin-restore-00000000"
    precious.mkdir()
    assert office.avplugin("restore", "BAKKER26", "--original", "--yes").returncode == 0
    [file] = (office.state / "restore").glob("*.json")
    document = json.loads(file.read_text())
    document["stage"] = "extracting"
    document["owner"]["pid"] = 1
    document["folders"][0]["staging"] = str(precious)
    file.write_text(json.dumps(document))
    assert office.avplugin("restore", "--recover").returncode == 0
    assert precious.exists()

    file.write_text("{")
    said = office.avplugin("restore", "--recover")

    assert said.returncode == 1
    assert "keep it, but elsewhere" in said.stderr
    assert file.exists()


def test_more_in_the_archive_than_its_manifest_says_is_refused(office: World) -> None:
    virus: Member = ("srv/PRIJS26/VIRUS.EXE", tarfile.REGTYPE, "evil")
    hostile = make_hostile(office, [ROOT, GOOD], besides=[virus])

    refused = hostile.restore()

    assert refused.returncode == 1
    assert "PRIJS26 came out with 2 files" in refused.stderr
    assert not (office.folder / "new").exists()


# People


@pytest.fixture
def samba(office: World, tmp_path: Path) -> Iterator[Samba]:
    """A server that shares the office; the configuration asks it who is in."""
    with serving(tmp_path / "samba", office.office) as server:
        office.configure(sessions={"probes": [{"samba": {"config": str(server.config)}}]})
        yield server


@needs_root
def test_who_comes_in_during_the_swap_is_named_and_what_he_wrote_is_told(
    office: World, samba: Samba, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in office.environment.items():
        monkeypatch.setenv(name, value)
    folder = office.administrations / "BAKKER26"
    was = tree(folder)
    configuration = load_configuration(str(office.configuration))
    journal = RestoreJournal(configuration.state)
    with (
        samba.workstation() as workstation,
        configured_sources(configuration, None, print) as sources,
    ):
        choice = choose_snapshot(sources, Wanted("BAKKER26"))
        preparation = prepare(choice, Original(), configuration, other_version=False)
        with nobody_in(configuration, put_back.folders_of(preparation.targets)) as look:

            def look_and_let_in() -> None:
                look()
                if not opened:
                    opened.append(workstation.open_table("Administraties/BAKKER26/GROOTBOEK.DBF"))

            def write_and_clear_up(*words):  # type: ignore[no-untyped-def]
                opened[0].write(b"too late", 0)
                opened[0].flush()
                return clear_up(*words)

            opened: list = []  # type: ignore[type-arg]
            clear_up = put_back.clear_up
            monkeypatch.setattr(put_back, "clear_up", write_and_clear_up)
            done = put_back.put_back(preparation, journal, lambda _: None, look_and_let_in)

    [kept] = folder.parent.glob("BAKKER26.before-restore-*")
    assert tree(folder) == was
    assert (kept / "GROOTBOEK.DBF").read_bytes().startswith(b"too late")
    told = "\n".join(done.warnings)
    assert f"somebody has written in the folder that was there, now {kept}: GROOTBOEK.DBF" in told
    assert "somebody came in while the folders changed places" in told
    assert "games" in told


@needs_root
def test_a_server_that_refuses_the_rename_is_tried_again_and_then_who_it_is_because_of_is_named(
    office: World, samba: Samba, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in office.environment.items():
        monkeypatch.setenv(name, value)
    before = tree(office.office)
    configuration = load_configuration(str(office.configuration))
    tries = 0

    def refuse(*_: object) -> bool:
        nonlocal tries
        tries += 1
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(swap, "_renameat2", refuse)
    monkeypatch.setattr(swap, "_PATIENCE", 0.5)
    with (
        samba.workstation() as workstation,
        configured_sources(configuration, None, print) as sources,
    ):
        choice = choose_snapshot(sources, Wanted("BAKKER26"))
        preparation = prepare(choice, Original(), configuration, other_version=False)
        journal = RestoreJournal(configuration.state)
        with nobody_in(configuration, put_back.folders_of(preparation.targets)) as look:

            def look_and_let_in() -> None:
                look()
                workstation.open_table("Administraties/BAKKER26/GROOTBOEK.DBF")

            with pytest.raises(RestoreError, match=r"In the way: BAKKER26: .*games") as refused:
                put_back.put_back(preparation, journal, lambda _: None, look_and_let_in)

    assert "Everything is as it was before" in str(refused.value)
    assert tries > 1
    assert {path: one[:3:2] for path, one in tree(office.office).items()} == {
        path: one[:3:2] for path, one in before.items()
    }
    assert journal.restores() == []


@needs_root
def test_an_undo_waits_for_nobody_to_be_in(office: World, samba: Samba) -> None:
    assert office.avplugin("restore", "BAKKER26", "--original", "--yes").returncode == 0
    was = tree(office.office)
    with samba.workstation() as workstation:
        workstation.open_table("Administraties/BAKKER26/GROOTBOEK.DBF", writing=False)
        busy = office.avplugin("restore", "--undo", "--yes")

    assert busy.returncode == 75
    assert "BAKKER26" in busy.stdout
    assert tree(office.office) == was


# Half a restore


def cut_off(world: World, patch: pytest.MonkeyPatch, at: Callable[[], None]) -> None:
    """Start a restore over BAKKER26 that calls `at`, which ends it, when all is ready."""
    child = os.fork()
    if child == 0:
        try:
            for name, value in world.environment.items():
                patch.setenv(name, value)
            configuration = load_configuration(str(world.configuration))
            with configured_sources(configuration, None, print) as sources:
                choice = choose_snapshot(sources, Wanted("BAKKER26"))
                preparation = prepare(choice, Original(), configuration, other_version=False)
                put_back.put_back(
                    preparation, RestoreJournal(configuration.state), lambda _: None, at
                )
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)


def die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_every_command_tells_of_a_restore_that_was_cut_off_until_it_is_finished(
    office: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = office.administrations / "BAKKER26"
    was = tree(folder)
    (folder / "SINDSDIEN.TXT").touch()
    with monkeypatch.context() as patch:
        patch.setattr("avplugin.restore.swap.Move.do", die)  # the last step
        cut_off(office, patch, lambda: None)
    [restore] = RestoreJournal(office.state).cut_off()
    assert restore.stage is Stage.SWAPPING

    listed = office.avplugin("administrations")
    refused = office.avplugin("restore", "VANDIJK", "--original", "--yes")
    night = office.borgmatic("create")

    assert "a restore of BAKKER26 from " in listed.stderr
    assert "was cut off: 'avplugin restore --recover' finishes it" in listed.stderr
    assert refused.returncode == 1
    assert "do that first" in refused.stderr
    assert night.returncode == 1
    assert "BAKKER26: a restore of BAKKER26" in night.stdout + night.stderr

    done = office.avplugin("restore", "--recover")
    assert done.returncode == 0, done.stderr
    assert "Finished: BAKKER26 from " in done.stdout
    assert done.stderr == ""
    assert tree(folder) == was
    [kept] = folder.parent.glob("BAKKER26.before-restore-*")
    assert (kept / "SINDSDIEN.TXT").exists()
    assert office.avplugin("administrations").stderr == ""
    assert "No restore was cut off" in office.avplugin("restore", "--recover").stdout


def test_a_restore_that_was_cut_off_before_the_swap_is_cleared_up_by_the_next_one(
    office: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tree(office.office)
    cut_off(office, monkeypatch, die)
    assert list(office.administrations.glob(".*"))

    told = office.avplugin("sessions")
    done = office.avplugin("restore", "VANDIJK", "--new", office.folder / "new", "--yes")

    assert "nothing was changed yet" in told.stderr
    assert done.returncode == 0, done.stderr
    assert "was cut off before it had changed anything" in done.stderr
    assert not list(office.administrations.glob(".*"))
    after = tree(office.office)
    assert {path: one[2] for path, one in after.items()} == {
        path: one[2] for path, one in before.items()
    }


def test_a_cut_off_restore_whose_folders_were_moved_since_is_left_to_a_person(
    office: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = office.administrations / "BAKKER26"
    with monkeypatch.context() as patch:
        patch.setattr("avplugin.restore.swap.Move.do", die)
        cut_off(office, patch, lambda: None)
    folder.rename(office.folder / "moved by hand")

    done = office.avplugin("restore", "--recover")

    assert done.returncode == 1
    assert "can neither be finished nor taken back" in done.stderr
    assert "Nothing was removed" in done.stderr
    assert (office.folder / "moved by hand" / "GROOTBOEK.DBF").exists()
    assert list(office.administrations.glob(".BAKKER26.avplugin-restore-*"))
