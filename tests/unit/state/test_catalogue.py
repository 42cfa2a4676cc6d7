"""The catalogue: a cache of manifests that nobody has to look after."""

from __future__ import annotations

import dataclasses
import datetime
import sqlite3
import threading
from pathlib import Path

import pytest

from avplugin.borgmatic.archive import Archive
from avplugin.installation.model import Kind
from avplugin.state.catalogue import Catalogue, Summary
from avplugin.state.files import StateError
from avplugin.state.manifest import FolderManifest, Manifest, RunManifest

FILE = "catalogue.sqlite"


def manifest(run: str, *codes: str) -> Manifest:
    folders = tuple(
        FolderManifest(Kind.ADMINISTRATION, code, code, code, "", f"/srv/{code}") for code in codes
    )
    return Manifest(RunManifest(run, "o", "1", "s", "h", "t", "1", "", "/p", "/s", "yaml"), folders)


def test_what_was_added_is_there_for_the_next_command(tmp_path: Path) -> None:
    with Catalogue.open(tmp_path) as catalogue:
        catalogue.add("R", "a", manifest("1", "BAKKER26", "VRIES"))
        catalogue.add("R", "b", None)

    with Catalogue.open(tmp_path) as catalogue:
        assert [catalogue.knows(archive) for archive in "abc"] == [True, True, False]
        assert catalogue.manifest("a") == manifest("1", "BAKKER26", "VRIES")
        assert catalogue.manifest("b") is None
        assert list(catalogue.folder("bakker26")) == ["a"]
        assert catalogue.folder("nobody") == {}


def test_adding_again_replaces(tmp_path: Path) -> None:
    with Catalogue.open(tmp_path) as catalogue:
        catalogue.add("R", "a", manifest("1", "A", "B"))
        catalogue.add("R", "a", manifest("2", "B"))

        assert catalogue.manifest("a") == manifest("2", "B")
        assert catalogue.folder("A") == {}


def test_of_every_folder_the_first_archive_that_it_is_stored_in_is_found(tmp_path: Path) -> None:
    def without(lost: str, *codes: str) -> Manifest:
        found = manifest("1", lost, *codes)
        bad = dataclasses.replace(found.folders[0], left_out="does not exist")
        return dataclasses.replace(found, folders=(bad, *found.folders[1:]))

    with Catalogue.open(tmp_path) as catalogue:
        catalogue.add("R", "old", manifest("1", "a", "b", "c"))
        catalogue.add("R", "new", without("a", "B"))
        catalogue.add("R", "newest, not asked for", manifest("1", "a", "b", "c"))
        catalogue.add("R", "never", without("d"))
        catalogue.add("R", "none", None)

        found = catalogue.first_of_each(["never", "none", "unknown", "new", "old"])

    assert sorted((part.label, archive) for archive, part in found) == [
        *(("B", "new"), ("a", "old"), ("c", "old")),
    ]


def test_archives_that_are_gone_are_forgotten_in_their_own_repository_only(tmp_path: Path) -> None:
    with Catalogue.open(tmp_path) as catalogue:
        for archive, repository in (("a", "R"), ("b", "R"), ("c", "S")):
            catalogue.add(repository, archive, manifest(archive, "A"))

        catalogue.forget_others("R", ["b", "d"])

        assert [catalogue.knows(archive) for archive in "abc"] == [False, True, True]
        assert sorted(catalogue.folder("A")) == ["b", "c"]


def damaged(file: Path) -> None:
    file.write_bytes(b"no database at all" * 1000)


def cut_off(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:5000])


def overwritten(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[100:] = b"\xff" * len(data[100:])
    file.write_bytes(data)


def of_another_version(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("DROP TABLE folder")
        connection.execute("PRAGMA user_version = 99")
    connection.close()


@pytest.mark.parametrize("harm", [damaged, cut_off, overwritten, of_another_version])
def test_a_catalogue_that_cannot_be_used_is_made_anew(tmp_path: Path, harm: object) -> None:
    with Catalogue.open(tmp_path) as catalogue:
        catalogue.add("R", "a", manifest("1", "A"))
    assert callable(harm)
    harm(tmp_path / FILE)

    for known in (False, True):
        with Catalogue.open(tmp_path) as catalogue:
            assert catalogue.knows("b") == known
            assert not catalogue.knows("a")
            catalogue.add("R", "b", manifest("2", "A"))


def test_damage_that_shows_late_is_an_error_once(tmp_path: Path) -> None:
    with Catalogue.open(tmp_path) as catalogue:
        for number in range(100):
            catalogue.add("R", str(number), manifest("1", "A", "B", "C", "D"))
    data = bytearray((tmp_path / FILE).read_bytes())
    for page in range(20, len(data) // 4096, 3):
        data[page * 4096 : (page + 1) * 4096] = b"\xff" * 4096
    (tmp_path / FILE).write_bytes(data)

    with (
        pytest.raises(StateError, match=r"cannot read the catalogue .*\n.*nothing is lost"),
        Catalogue.open(tmp_path) as catalogue,
    ):
        catalogue.folder("A")

    with Catalogue.open(tmp_path) as catalogue:
        assert catalogue.folder("A") == {}


def test_a_catalogue_that_somebody_holds_for_long_is_not_removed(tmp_path: Path) -> None:
    with Catalogue.open(tmp_path) as catalogue:
        catalogue.add("R", "a", manifest("1", "A"))
    with (
        pytest.raises(StateError, match="database is locked"),
        Catalogue.open(tmp_path),
    ):
        raise sqlite3.OperationalError("database is locked")

    with Catalogue.open(tmp_path) as catalogue:
        assert catalogue.knows("a")


@pytest.mark.parametrize("place", ["state/below", "catalogue.sqlite"])
def test_where_nothing_can_be_written_the_catalogue_lives_in_memory(
    tmp_path: Path, place: str
) -> None:
    (tmp_path / "state").touch()
    (tmp_path / FILE).mkdir()
    folder = tmp_path / "state" if place == "state/below" else tmp_path

    for _ in range(2):
        with Catalogue.open(folder) as catalogue:
            assert not catalogue.knows("a")
            catalogue.add("R", "a", manifest("1", "A"))
            assert catalogue.knows("a")


def test_writers_at_the_same_time_wait_for_each_other(tmp_path: Path) -> None:
    failures = []

    def write(number: int) -> None:
        try:
            for turn in range(10):
                with Catalogue.open(tmp_path) as catalogue:
                    catalogue.add("R", f"{number}-{turn}", manifest("1", "A"))
        except Exception as error:
            failures.append(error)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert failures == []
    with Catalogue.open(tmp_path) as catalogue:
        assert len(catalogue.folder("A")) == 40


def test_what_a_repository_was_seen_to_hold_is_remembered_with_when(tmp_path: Path) -> None:
    begun = datetime.datetime(2026, 11, 22, 2, 0, 0, 123, tzinfo=datetime.UTC)
    held = Archive("av-a-2026-11-22T02:00:00.hold", "1", begun)
    with Catalogue.open(tmp_path) as catalogue:
        assert catalogue.listed("repo") is None
        catalogue.note_listed("repo", "2026-11-25T02:00:00+00:00", [])
        catalogue.note_listed("repo", "2026-11-26T02:00:00+00:00", [held])

    with Catalogue.open(tmp_path) as catalogue:
        listed = catalogue.listed("repo")
        assert listed is not None
        assert listed.archives == (held,)
        assert listed.seen == datetime.datetime(2026, 11, 26, 2, tzinfo=datetime.UTC)
        assert catalogue.listed("other") is None


def test_what_an_archive_holds_in_all_is_known_without_its_manifest(tmp_path: Path) -> None:
    found = manifest("1", "A", "B", "C")
    a, b, c = found.folders
    a = dataclasses.replace(a, size=100, tables=3)
    b = dataclasses.replace(b, size=20, tables=4)
    c = dataclasses.replace(c, left_out="does not exist")
    with Catalogue.open(tmp_path) as catalogue:
        catalogue.add("R", "a", dataclasses.replace(found, folders=(a, b, c)))
        catalogue.add("R", "b", None)

        assert catalogue.summary("a") == Summary(2, 120, 7, ("C",))
        assert catalogue.summary("b") is None
        assert catalogue.holds_manifest("a")
        assert not catalogue.holds_manifest("b")


def test_a_catalogue_of_before_there_were_summaries_gets_them(tmp_path: Path) -> None:
    with Catalogue.open(tmp_path) as catalogue:
        catalogue.add("R", "a", manifest("1", "A"))
    with sqlite3.connect(tmp_path / FILE) as connection:
        connection.execute("DROP TABLE summary")

    with Catalogue.open(tmp_path) as catalogue:
        assert catalogue.summary("a") == Summary(1, 0, 0, ())
        assert catalogue.summary("a") == Summary(1, 0, 0, ())


def test_what_is_erased_is_named_in_no_summary(tmp_path: Path) -> None:
    found = manifest("1", "A", "B")
    bad = dataclasses.replace(found.folders[0], left_out="does not exist")
    with Catalogue.open(tmp_path) as catalogue:
        catalogue.add("R", "a", dataclasses.replace(found, folders=(bad, found.folders[1])))
        assert catalogue.summary("a") == Summary(1, 0, 0, ("A",))
        catalogue.erase({"a"})

        assert catalogue.summary("a") == Summary(1, 0, 0, ())
