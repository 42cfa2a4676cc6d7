"""Putting folders back over others: what was there is kept, and everything can be undone."""

from __future__ import annotations

import datetime
import json
import shutil
from pathlib import Path

import pytest
from conftest import TABLE, World, make_world, tree
from terminal import Terminal

from avplugin.demo.executable import executable


@pytest.fixture(scope="module")
def snapshot(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An office whose administrations lie in the program folder, with a snapshot of both sets."""
    world = make_world(template, tmp_path_factory.mktemp("snapshot") / "world")
    (world.office / "Programma" / "Administraties").mkdir()
    daughter = world.office / "Programma" / "Administraties" / "DOCHTER"
    shutil.copytree(world.administrations / "Klant 2", daughter)
    world.edit(
        world.configuration,
        lambda document: document["administrations"].append(
            {"code": "DOCHTER", "name": "Dochter", "folder": str(daughter)}
        ),
    )
    done = world.run(
        *("borgmatic", "--config", world.borgmatic_file("system")),
        *("--config", world.borgmatic_file(), "create"),
    )
    assert done.returncode == 0, done.stderr
    shutil.rmtree(world.folder / "borg")
    return world.folder


@pytest.fixture
def office(snapshot: Path, tmp_path: Path) -> World:
    """A copy of it, to do anything with; as on another machine its folders have other places."""
    return make_world(snapshot, tmp_path / "world")


def work(folder: Path) -> dict[bytes, tuple[object, ...]]:
    """Let somebody work in a folder; return what it is afterwards."""
    table = next(path for path in sorted(folder.glob("*.DBF")))
    table.write_bytes(table.read_bytes() + b"work since the snapshot")
    (folder / "SINDSDIEN.TXT").write_text("new")
    return tree(folder)


def kept_of(folder: Path) -> list[Path]:
    return sorted(folder.parent.glob(f"{folder.name.replace('[', '[[]')}.before-restore-*"))


def leftovers(world: World) -> list[Path]:
    return [*world.folder.rglob("*.avplugin-restore-*"), *world.folder.rglob("*.avplugin-aside")]


def refuses(world: World, *words: str | Path, status: int = 1) -> str:
    """Run a restore that must be refused in a line or two and change nothing."""
    before = tree(world.office)
    done = world.avplugin("restore", *words)
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert tree(world.office) == before
    return done.stderr


# What belongs to something else


def test_administrations_in_the_program_folder_keep_their_place_and_contents(
    office: World,
) -> None:
    program = office.office / "Programma"
    inside = [program / "Systeem", program / "Administraties" / "DOCHTER"]
    inodes = [folder.stat().st_ino for folder in inside]
    worked = [work(folder) for folder in inside]
    new_client = program / "Administraties" / "NIEUW"
    new_client.mkdir()
    (new_client / "GROOTBOEK.DBF").write_bytes(TABLE)
    office.edit(
        office.configuration,
        lambda document: document["administrations"].append(
            {"code": "NIEUW", "folder": str(new_client)}
        ),
    )
    original = (program / "avwin.exe").read_bytes()
    (program / "avwin.exe").write_bytes(b"broken")
    (program / "virus.dll").touch()

    done = office.avplugin("restore", "program", "--original", "--yes")

    assert done.returncode == 0, done.stderr
    assert "Stays as it is  Administraties/DOCHTER, Administraties/NIEUW, Systeem" in done.stdout
    assert [folder.stat().st_ino for folder in inside] == inodes
    assert [tree(folder) for folder in inside] == worked
    assert (new_client / "GROOTBOEK.DBF").read_bytes() == TABLE
    assert (program / "avwin.exe").read_bytes() == original
    assert not (program / "virus.dll").exists()
    [kept] = kept_of(program)
    assert (kept / "virus.dll").exists()
    assert (kept / "avwin.exe").read_bytes() == b"broken"

    assert office.avplugin("restore", "--undo", "--yes").returncode == 0

    assert [folder.stat().st_ino for folder in inside] == inodes
    assert [tree(folder) for folder in inside] == worked
    assert (new_client / "GROOTBOEK.DBF").read_bytes() == TABLE
    assert (program / "avwin.exe").read_bytes() == b"broken"
    assert (program / "virus.dll").exists()
    assert leftovers(office) == []


# Replacing, and undoing that


def test_a_folder_that_holds_data_changes_places_with_the_snapshot_and_back(
    office: World,
) -> None:
    folder = office.administrations / "BAKKER26"
    was = tree(folder)
    worked = work(folder)

    answer = office.avplugin_json("restore", "BAKKER26", "--original", "--yes")

    assert tree(folder) == was
    [kept] = kept_of(folder)
    assert tree(kept) == worked
    assert answer["restored"][0]["kept"] == str(kept)
    # What is kept is no administration, and no folder of the demo's pattern.
    assert "before-restore" not in json.dumps(office.avplugin_json("administrations"))

    looked = office.avplugin("restore", "--undo", "--dry-run")
    assert tree(folder) == was
    assert f"Comes back  {kept}" in looked.stdout
    undone = office.avplugin("restore", "--undo", "--yes")

    assert undone.returncode == 0, undone.stderr
    assert tree(folder) == worked
    [kept] = kept_of(folder)
    assert tree(kept) == was
    assert f"What was there till now is {kept}" in undone.stdout
    again = refuses(office, "--undo", "--yes")
    assert "has been undone already" in again
    assert leftovers(office) == []


def test_copy_documents_elsewhere_are_replaced_and_undone_with_their_administration(
    office: World,
) -> None:
    folders = [office.administrations / "Klant [12]", office.office / "Kopiedocumenten" / "KLANT12"]
    was = [tree(folder) for folder in folders]
    (folders[1] / "LATER.PDF").touch()
    worked = [work(folders[0]), tree(folders[1])]

    done = office.avplugin("restore", "KLANT12", "--original", "--yes")
    assert done.returncode == 0, done.stderr
    assert [tree(folder) for folder in folders] == was
    assert [tree(kept_of(folder)[0]) for folder in folders] == worked

    assert office.avplugin("restore", "--undo", "--yes").returncode == 0
    assert [tree(folder) for folder in folders] == worked

    alone = office.avplugin("restore", "KLANT12", "--original", "--yes", "--without-copy-documents")
    assert alone.returncode == 0, alone.stderr
    assert [tree(folder) for folder in folders] == [was[0], worked[1]]
    assert leftovers(office) == []


def test_copy_documents_inside_can_be_left_as_they_are(office: World) -> None:
    folder = office.administrations / "BAKKER26"
    was = tree(folder)
    (folder / "KOPIEDOC" / "LATER.PDF").touch()
    documents = tree(folder / "KOPIEDOC")
    work(folder)

    done = office.avplugin("restore", "BAKKER26", "--original", "--yes", "--without-copy-documents")

    assert done.returncode == 0, done.stderr
    assert "Stays as it is  KOPIEDOC" in done.stdout
    assert tree(folder / "KOPIEDOC") == documents
    assert {path: one for path, one in tree(folder).items() if b"KOPIEDOC" not in path} == {
        path: one for path, one in was.items() if b"KOPIEDOC" not in path
    }


def test_if_one_folder_cannot_be_replaced_none_is(office: World) -> None:
    documents = office.office / "Kopiedocumenten" / "KLANT12"
    aside = office.folder / "aside"
    documents.rename(aside)
    documents.symlink_to(aside)

    said = refuses(office, "KLANT12", "--new", documents, "--yes")
    assert "is a symbolic link" in said
    documents.unlink()
    documents.touch()
    said = refuses(office, "KLANT12", "--original", "--yes")

    assert f"{documents} is a file" in said


def test_an_undo_is_refused_where_what_was_put_back_has_been_replaced_or_the_old_one_removed(
    office: World,
) -> None:
    assert "there is no restore to undo" in refuses(office, "--undo", "--yes")
    folder = office.administrations / "BAKKER26"
    assert office.avplugin("restore", "BAKKER26", "--original", "--yes").returncode == 0
    [kept] = kept_of(folder)
    folder.rename(office.folder / "moved")
    folder.mkdir()
    assert "is no longer what it put there" in refuses(office, "--undo", "--yes")
    folder.rmdir()
    (office.folder / "moved").rename(folder)
    kept.rename(office.folder / "old")
    assert f"{kept} is not there any more" in refuses(office, "--undo", "--yes")


def test_what_no_configuration_knows_is_not_replaced(office: World, snapshot: Path) -> None:
    # The office of the snapshot is still there; in this one the folder is gone from the pattern.
    shutil.rmtree(office.administrations / "BAKKER26")
    before = tree(snapshot / "office")

    said = refuses(office, "BAKKER26", "--original", "--yes")

    assert "no configuration says that it is that folder now" in said
    assert tree(snapshot / "office") == before


def test_undoing_the_restore_of_a_lost_folder_takes_it_away_again(office: World) -> None:
    folder = office.office / "Programma" / "Administraties" / "DOCHTER"
    was = tree(folder)
    shutil.rmtree(folder)
    assert office.avplugin("restore", "DOCHTER", "--original", "--yes").returncode == 0
    assert kept_of(folder) == []

    undone = office.avplugin("restore", "--undo", "--yes")

    assert undone.returncode == 0, undone.stderr
    assert not folder.exists()
    assert tree(kept_of(folder)[0]) == was


def test_undoing_takes_no_folder_along_that_has_come_into_it_since(office: World) -> None:
    program = office.office / "Programma"
    office.edit(
        office.configuration,
        # A Windows path of a folder that is missing cannot be told.
        lambda document: document["installation"].update(program=str(program)),
    )
    shutil.rmtree(program)
    assert office.avplugin("restore", "program", "--original", "--yes").returncode == 0
    new_client = program / "NIEUW"
    new_client.mkdir()
    (new_client / "GROOTBOEK.DBF").write_bytes(TABLE)
    office.edit(
        office.configuration,
        lambda document: document["administrations"].append(
            {"code": "NIEUW", "folder": str(new_client)}
        ),
    )

    undone = office.avplugin("restore", "--undo", "--yes")

    assert undone.returncode == 0, undone.stderr
    assert "Stays as it is  NIEUW" in undone.stdout
    assert [path.name for path in program.iterdir()] == ["NIEUW"]
    assert (new_client / "GROOTBOEK.DBF").read_bytes() == TABLE


def test_each_folder_has_an_undo_of_its_own_and_a_new_folder_none(office: World) -> None:
    folder = office.administrations / "BAKKER26"
    worked = work(folder)
    for words in (["BAKKER26", "--original"], ["KLANT2", "--original"], ["KLANT1", "--new", "new"]):
        assert office.avplugin("restore", *words, "--yes").returncode == 0

    assert "Restored    KLANT2" in office.avplugin("restore", "--undo", "--dry-run").stdout
    assert office.avplugin("restore", "bakker26", "--undo", "--yes").returncode == 0

    assert tree(folder) == worked
    assert "no restore of KLANT1 to undo" in refuses(office, "KLANT1", "--undo", "--yes")


def test_what_restores_have_kept_is_nobodys(office: World) -> None:
    system = office.office / "Programma" / "Systeem"
    assert office.avplugin("restore", "system", "--original", "--yes").returncode == 0
    [kept] = kept_of(system)
    staging = system.with_name(".Systeem.avplugin-restore-00000000")
    shutil.copytree(kept, staging)
    (office.office / "Programma" / "avwin.ini").write_text("changed")
    assert office.borgmatic("create", set_name="system").returncode == 0

    program = next(
        part
        for part in office.avplugin_json("snapshots")[0]["folders"]
        if part["label"] == "program"
    )
    assert program["tables"] == 0
    assert office.avplugin("restore", "program", "--original", "--yes").returncode == 0
    assert kept.exists()
    assert staging.exists()


def test_a_new_folder_inside_one_that_is_somebodys_is_refused(office: World) -> None:
    taken = (
        office.administrations / "BAKKER26" / "new",
        office.repository / "data" / "new",
        office.state / "new",
    )
    for folder in taken:
        said = refuses(office, "KLANT2", "--new", folder, "--yes")
        assert "would be taken for a part of" in said
    assert "on this machine" in refuses(office, "KLANT2", "--new", r"V:\NIEUW", "--yes", status=2)
    assert "is a mount point" in refuses(office, "KLANT2", "--new", "/", "--yes")


# Into another administration


def test_into_another_administration_with_the_copy_documents_in_its_places(office: World) -> None:
    target = office.administrations / "BAKKER26"
    source = office.administrations / "Klant [12]"
    elsewhere = office.office / "Kopiedocumenten" / "KLANT12"
    was = tree(target)
    terminal = Terminal(office, "avplugin", "restore", "klant12", "--into", "bakker26")
    terminal.read_until("Type its code")
    terminal.type("BAKKER25\n")
    assert terminal.end() == 130
    assert "another code" in terminal.shown
    assert tree(target) == was

    terminal = Terminal(office, "avplugin", "restore", "klant12", "--into", "bakker26")
    terminal.read_until("Type its code")
    terminal.type("Bakker26\n")
    assert terminal.end() == 0, terminal.shown

    now = tree(target)
    documents = tree(elsewhere)
    assert {
        path.removeprefix(b"/KOPIEDOC"): one[:3]
        for path, one in now.items()
        if path.startswith(b"/KOPIEDOC")
    } == {path: one[:3] for path, one in documents.items()}
    books = tree(source)
    assert {path: now[path] for path in books if path} == {
        path: one for path, one in books.items() if path
    }
    assert len(now) == len(books) + len(documents)
    assert tree(kept_of(target)[0]) == was
    assert leftovers(office) == []


def test_into_from_inside_to_elsewhere_and_what_cannot_be_meant(office: World) -> None:
    target = office.administrations / "Klant [12]"
    documents = office.office / "Kopiedocumenten" / "KLANT12"
    source = tree(office.administrations / "BAKKER26")

    done = office.avplugin("restore", "BAKKER26", "--into", "KLANT12", "--yes")

    assert done.returncode == 0, done.stderr
    inside = tree(office.administrations / "BAKKER26" / "KOPIEDOC")
    assert {path: one[:3] for path, one in tree(documents).items()} == {
        path: one[:3] for path, one in inside.items()
    }
    assert set(tree(target)) == {path for path in source if not path.startswith(b"/KOPIEDOC")}
    own = refuses(office, "BAKKER26", "--into", "bakker26", "--yes", status=2)
    assert "--original puts it back" in own
    unknown = refuses(office, "BAKKER26", "--into", "NIEMAND", "--yes", status=2)
    assert "there is no administration NIEMAND" in unknown
    assert "is none" in refuses(office, "system", "--into", "KLANT12", "--yes", status=2)


# Asking, and looking only


def test_nothing_is_done_without_a_yes(office: World) -> None:
    assert "add --yes" in refuses(office, "BAKKER26", "--original", status=2)
    looked = office.avplugin("restore", "BAKKER26", "--original", "--dry-run")
    assert looked.returncode == 0
    assert "  There now     " in looked.stdout
    assert "Nothing was changed" in looked.stdout
    before = tree(office.office)
    for answer, status in (("n\n", 130), ("\n", 130), ("x\nj\n", 0)):
        terminal = Terminal(office, "avplugin", "restore", "BAKKER26", "--original")
        terminal.read_until("Put it back now?")
        assert tree(office.office) == before
        terminal.type(answer)
        assert terminal.end() == status, terminal.shown
    assert len(kept_of(office.administrations / "BAKKER26")) == 1


def test_the_check_page_speaks_dutch(office: World) -> None:
    done = office.avplugin("--language", "nl", "restore", "BAKKER26", "--original", "--dry-run")

    assert "  Reservekopie  " in done.stdout
    assert "  Staat er nu  " in done.stdout


# Which version


def test_the_moment_is_understood_as_people_write_it(office: World) -> None:
    [entry] = [
        one for one in office.avplugin_json("snapshots") if "-administrations-" in one["archive"]
    ]
    for moment in ("vandaag", "today", f"{datetime.datetime.now():%d-%m-%Y}"):
        done = office.avplugin(
            *("restore", "BAKKER26", "--original", "--dry-run", "--at", moment),
            LANG="nl_NL.UTF-8",
        )
        assert done.returncode == 0, done.stderr
        assert entry["archive"] in done.stdout
    before = refuses(office, "BAKKER26", "--original", "--at", "17-11-2020 18:00", "--yes")
    assert "no clean snapshot of 2020-11-17 18:00 or before holds BAKKER26" in before
    assert refuses(office, "BAKKER26", "--original", "--at", "later", "--yes", status=2)
    both = refuses(
        office, "BAKKER26", "--original", "--at", "today", "--archive", "x", "--yes", status=2
    )
    assert "give one of them" in both


def test_another_version_of_accountview_is_refused_unless_accepted(office: World) -> None:
    program = office.office / "Programma" / "avwin.exe"
    program.write_bytes(executable("12.0.0.1", {}))

    said = refuses(office, "BAKKER26", "--original", "--yes")
    assert "what is put back is of AccountView 11.2.0.415, the program is 12.0.0.1 now" in said
    new = office.avplugin("restore", "BAKKER26", "--new", office.folder / "new", "--yes")
    accepted = office.avplugin("restore", "BAKKER26", "--original", "--yes", "--other-version")

    for done in (new, accepted):
        assert done.returncode == 0
        assert "not supported by AccountView" in done.stderr


def test_an_unverified_archive_comes_back_only_on_demand_and_with_its_reason(
    office: World,
) -> None:
    clean = next(name for name in office.archives() if "-administrations-" in name)
    done = office.borg("rename", f"{office.repository}::{clean}", f"{clean}.unverified")
    assert done.returncode == 0, done.stderr

    refused = refuses(office, "BAKKER26", "--original", "--yes", "--archive", f"{clean}.unverified")
    assert "its run ended before the proof" in refused
    assert "no clean snapshot holds BAKKER26" in refuses(office, "BAKKER26", "--original", "--yes")
    done = office.avplugin("restore", "BAKKER26", "--original", "--yes", "--unverified")

    assert done.returncode == 0
    assert "NOT proven clean: its run ended before the proof" in done.stderr


def test_the_next_repository_is_offered_where_the_first_cannot_be_reached(office: World) -> None:
    (office.folder / "etc" / "borgmatic.d" / "include").mkdir(exist_ok=True)
    [include] = (office.folder / "etc" / "borgmatic.d" / "include").glob("*.yaml")
    shutil.copytree(office.repository, office.folder / "second.borg")
    office.repository.rename(office.folder / "away")
    office.edit(
        include,
        lambda document: document["repositories"].append(
            {"path": str(office.folder / "second.borg"), "label": "second"}
        ),
    )

    named = refuses(office, "BAKKER26", "--original", "--yes", "--repository", "local")
    done = office.avplugin("restore", "BAKKER26", "--original", "--yes")

    assert "does not exist" in named
    assert "--repository second" in named
    assert done.returncode == 0, done.stderr
    assert f"the repository {office.repository} does not exist" in done.stderr
    assert ", second\n" in done.stdout
