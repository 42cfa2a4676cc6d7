"""What a scan of a folder sees, and what its fingerprints give away."""

from __future__ import annotations

import os
import pickle
import shutil
import socket
from pathlib import Path

import pytest

from avplugin.installation.scan import Contents, FolderUnreadable, scan_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An administration's folder with a table, its memo and an inner folder."""
    folder = tmp_path / "admin"
    (folder / "KOPIEDOC").mkdir(parents=True)
    (folder / "GROOTBOEK.DBF").write_bytes(b"0" * 100)
    (folder / "GROOTBOEK.FPT").write_bytes(b"1" * 50)
    (folder / "KOPIEDOC" / "factuur 1.pdf").write_bytes(b"2" * 7)
    return folder


def scan(folder: Path, *boundaries: Path) -> Contents:
    return scan_folder(str(folder), [os.fsencode(path) for path in boundaries])


def paths(contents: Contents) -> list[bytes]:
    return [entry.path for entry in contents.entries]


def test_a_scan_lists_the_folder_itself_and_all_that_is_in_it(folder: Path) -> None:
    (folder / "link").symlink_to("/nowhere")
    os.mkfifo(folder / "pipe")

    contents = scan(folder)

    assert [(entry.path, entry.type, entry.size) for entry in contents.entries] == [
        (b"", "d", 0),
        (b"GROOTBOEK.DBF", "-", 100),
        (b"GROOTBOEK.FPT", "-", 50),
        (b"KOPIEDOC", "d", 0),
        (b"KOPIEDOC/factuur 1.pdf", "-", 7),
        (b"link", "l", len("/nowhere")),
        (b"pipe", "p", 0),
    ]
    assert (contents.files, contents.size, contents.tables) == (3, 157, 1)


def test_a_link_to_a_folder_is_not_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "file").touch()
    (folder / "link").symlink_to(tmp_path / "elsewhere")

    assert b"link" in paths(scan(folder))
    assert b"link/file" not in paths(scan(folder))


def test_a_socket_is_left_out_because_borg_stores_none(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = scan(folder)
    monkeypatch.chdir(folder)  # a socket's path may have 100 bytes
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")

        assert before.difference(scan(folder)) == []


def test_names_that_are_no_text_are_listed_as_they_are(folder: Path) -> None:
    os.close(os.open(os.fsencode(folder) + b"/caf\xe9\n.dbf", os.O_CREAT))

    contents = scan(folder)

    assert b"caf\xe9\n.dbf" in paths(contents)
    assert contents.tables == 2


def test_boundaries_are_left_out_with_all_below_them(folder: Path) -> None:
    (folder / "KOPIEDOC2").mkdir()

    contents = scan(folder, folder / "KOPIEDOC", folder / "gone")

    assert paths(contents) == [b"", b"GROOTBOEK.DBF", b"GROOTBOEK.FPT", b"KOPIEDOC2"]


def test_the_fingerprint_survives_a_copy_that_keeps_times(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy, symlinks=True)
    os.utime(copy / "KOPIEDOC", (1, 1))

    assert scan(copy).fingerprint == scan(folder).fingerprint
    assert scan(copy).list_digest == scan(folder).list_digest


def test_size_time_name_and_type_change_the_fingerprint(folder: Path) -> None:
    table = folder / "GROOTBOEK.DBF"
    seen = [scan(folder)]

    os.utime(table, ns=(1, table.stat().st_mtime_ns + 1))
    seen.append(scan(folder))
    modified = table.stat().st_mtime_ns
    table.write_bytes(b"0" * 101)
    os.utime(table, ns=(1, modified))
    seen.append(scan(folder))
    table.rename(folder / "Grootboek.dbf")
    seen.append(scan(folder))
    (folder / "empty").mkdir()
    seen.append(scan(folder))
    (folder / "empty").rmdir()
    os.mkfifo(folder / "empty")
    seen.append(scan(folder))

    assert len({contents.fingerprint for contents in seen}) == len(seen)
    assert seen[0].list_digest == seen[1].list_digest
    assert len({contents.list_digest for contents in seen}) == len(seen) - 1


def test_a_name_cannot_be_mistaken_for_another_files_facts(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for folder, names in ((one, ("a", "b")), (other, ("a\n-b", "b"))):
        folder.mkdir()
        for name in names:
            (folder / name).touch()
            os.utime(folder / name, (1, 1))

    assert scan(one).fingerprint != scan(other).fingerprint


def test_a_file_written_with_its_old_time_put_back_is_seen(folder: Path) -> None:
    table = folder / "GROOTBOEK.DBF"
    before = scan(folder)

    modified = table.stat().st_mtime_ns
    table.write_bytes(b"X" * 100)
    os.utime(table, ns=(modified, modified))

    assert scan(folder).fingerprint == before.fingerprint
    assert before.difference(scan(folder)) == ["GROOTBOEK.DBF"]


def test_a_file_replaced_by_its_like_is_seen_by_its_inode(folder: Path) -> None:
    before = scan(folder)
    table = next(entry for entry in before.entries if entry.path == b"GROOTBOEK.DBF")
    replaced = Contents(
        tuple(
            entry._replace(inode=entry.inode + 1) if entry is table else entry
            for entry in before.entries
        )
    )

    assert before.difference(replaced) == ["GROOTBOEK.DBF"]


def test_what_came_and_what_went_is_named(folder: Path) -> None:
    before = scan(folder)

    (folder / "GROOTBOEK.FPT").unlink()
    (folder / "KOPIEDOC" / "new.pdf").touch()

    assert before.difference(scan(folder)) == ["GROOTBOEK.FPT", "KOPIEDOC/new.pdf"]


def test_a_folders_own_time_is_no_difference(folder: Path) -> None:
    before = scan(folder)

    (folder / "~temporary.tmp").touch()
    (folder / "~temporary.tmp").unlink()

    assert before.difference(scan(folder)) == []
    assert before.fingerprint == scan(folder).fingerprint


def test_a_folder_that_is_gone_or_is_none_is_unreadable(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(FolderUnreadable, match=r"cannot be read: .*gone: No such file"):
        scan(tmp_path / "gone")
    with pytest.raises(FolderUnreadable, match="is not a folder"):
        scan(folder / "GROOTBOEK.DBF")
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(FolderUnreadable, match="is not a folder"):
        scan(tmp_path / "link")


def test_a_file_that_this_user_cannot_open_makes_the_folder_unreadable(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os, "access", lambda path, _: not path.endswith(b".pdf"))

    with pytest.raises(FolderUnreadable, match=r"cannot be read: .*/KOPIEDOC/factuur 1\.pdf"):
        scan(folder)
    assert scan(folder, folder / "KOPIEDOC").files == 2


def test_compact_contents_are_the_same_and_need_not_be_unpacked_for_their_numbers(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (b"caf\xe9\n '-' 1.dbf", b" spaces .DBC", b".dbf"):
        os.close(os.open(os.fsencode(folder) + b"/" + name, os.O_CREAT))
    os.utime(folder / "GROOTBOEK.FPT", ns=(-1, -1))  # before 1970
    (folder / "link.dbf").symlink_to("/nowhere")
    (folder / "folder.dbf").mkdir()
    plain = scan(folder)

    fingerprint = plain.fingerprint
    compact = pickle.loads(pickle.dumps(plain.compact()))  # noqa: S301 - its own

    assert compact == plain
    assert compact.entries == plain.entries
    assert compact.list_digest == plain.list_digest
    assert compact.files_that_end_in((b".dbf",)) == plain.files_that_end_in((b".dbf",))
    monkeypatch.setattr(Contents, "entries", property(lambda _: pytest.fail("it was unpacked")))
    assert (compact.files, compact.size, compact.tables) == (6, 157, 4)
    assert compact.fingerprint == fingerprint


def test_contents_that_differ_in_anything_at_all_are_not_equal(folder: Path) -> None:
    entries = scan(folder).entries
    for change in (
        {"path": b"other"},
        {"type": "l"},
        {"size": 1},
        {"modified": 1},
        {"changed": 1},
        {"inode": 1},
        {"links": 9},
    ):
        assert Contents(entries) != Contents((*entries[:-1], entries[-1]._replace(**change)))
