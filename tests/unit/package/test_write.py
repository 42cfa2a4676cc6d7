"""Writing packages: what 7-Zip reads in them, and what is there when something goes wrong."""

from __future__ import annotations

import fcntl
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyzipper.zipfile_aes import AESZipFile
from seven_zip import seven_zip, unpack

from avplugin.package.manifest import PackedDirectory
from avplugin.package.write import (
    AlreadyThere,
    ExportError,
    PackageWriter,
    remove_unfinished,
)

PASSWORD = "Boekhouding 2026!"
MOMENT = 1_772_466_683_123_456_700  # odd seconds, and the 100 ns of NTFS
MB = 1 << 20


def contents(size: int) -> bytes:
    """Return bytes of which deflate finds some again further on, near and far."""
    chance = random.Random(size)  # noqa: S311 - the same each time
    words = [chance.randbytes(40) for _ in range(200)]
    return b"".join(chance.choice(words) for _ in range(size // 40 + 1))[:size]


def blocks(data: bytes, size: int = MB) -> Iterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


def write(file: Path, files: dict[str, bytes], password: str | None = PASSWORD) -> None:
    with PackageWriter(file, password) as writer:
        writer.add_text("LEESMIJ.txt", b"open", MOMENT, is_open=True)
        writer.add_directory(PackedDirectory("MAP", MOMENT))
        for path, data in files.items():
            writer.add_file(path, len(data), MOMENT, blocks(data))
        writer.publish()


FILES = {
    "MAP/leeg.dbf": b"",
    "MAP/een.dbf": b"x",
    "MAP/krap.dbf": contents(MB - 1),
    "MAP/vol.dbf": contents(MB),
    "MAP/over.dbf": contents(MB + 1),
    "MAP/groot.dbf": contents(5 * MB + 12_345),
    "MAP/Crédit é ü.txt": b"accenten",
    "MAP/blokje \N{BLACK SQUARE}.txt": b"unicode",
}


@pytest.mark.parametrize("password", [PASSWORD, None])
def test_seven_zip_gets_every_byte_and_time_out_again(tmp_path: Path, password: str | None) -> None:
    write(tmp_path / "P.zip", FILES, password)

    out = unpack(tmp_path / "P.zip", tmp_path / "out", password or "")

    found = {
        str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()
    }
    assert found == {"LEESMIJ.txt": b"open", **FILES}
    times = {path.name: path.stat().st_mtime_ns for path in [out / "MAP", *out.rglob("*.dbf")]}
    assert set(times.values()) == {MOMENT}


def test_without_the_password_or_with_another_one_nothing_but_the_open_file_is_read(
    tmp_path: Path,
) -> None:
    secret = b"IBAN NL00 BOEK 0123 4567 89 " * 20
    write(tmp_path / "P.zip", {"MAP/geheim.txt": secret, "MAP/leeg.txt": b""})

    for password in ("", "boekhouding 2026!"):
        done = seven_zip("t", tmp_path / "P.zip", password=password)
        assert done.returncode != 0
        assert "Wrong password" in done.stdout + done.stderr
    opened = seven_zip("e", "-so", tmp_path / "P.zip", "LEESMIJ.txt")
    assert opened.stdout == "open"
    listed = seven_zip("l", "-slt", tmp_path / "P.zip").stdout
    assert listed.count("AES-256 Deflate") == 2
    with AESZipFile(tmp_path / "P.zip") as package:
        # AE-2: a checksum of the contents would tell whether somebody guessed them.
        assert {info.CRC for info in package.infolist() if info.is_encrypted} == {0}
        assert {info.wz_aes_version for info in package.infolist() if info.is_encrypted} == {2}


def test_a_file_that_was_changed_on_the_way_is_noticed(tmp_path: Path) -> None:
    write(tmp_path / "P.zip", {"MAP/groot.dbf": contents(3 * MB)})
    data = bytearray((tmp_path / "P.zip").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "P.zip").write_bytes(data)

    done = seven_zip("t", tmp_path / "P.zip", password=PASSWORD)

    assert done.returncode != 0


def test_the_same_files_make_the_same_members_in_the_same_order(tmp_path: Path) -> None:
    for name in ("A.zip", "B.zip"):
        write(tmp_path / name, FILES)
    with (
        AESZipFile(tmp_path / "A.zip") as one,
        AESZipFile(tmp_path / "B.zip") as other,
    ):
        for package in (one, other):
            package.setpassword(PASSWORD.encode())
        assert one.namelist() == other.namelist()
        assert all(one.read(name) == other.read(name) for name in one.namelist())
        sizes = [[info.compress_size for info in package.infolist()] for package in (one, other)]
        assert sizes[0] == sizes[1]
    # but what is stored is never the same twice, else it would tell that two files are
    assert (tmp_path / "A.zip").read_bytes() != (tmp_path / "B.zip").read_bytes()


def test_sizes_that_only_zip64_knows_are_read_by_seven_zip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyzipper.zipfile.ZIP64_LIMIT", 1000)  # the real one is 2 GiB
    files = {f"MAP/{number}.dbf": contents(5000) for number in range(5)}

    write(tmp_path / "P.zip", files)

    out = unpack(tmp_path / "P.zip", tmp_path / "out", PASSWORD)
    assert all((out / name).read_bytes() == data for name, data in files.items())
    with AESZipFile(tmp_path / "P.zip") as package:
        assert package.infolist()[-1].extract_version == 45


def test_many_small_files_are_written_as_they_come(tmp_path: Path) -> None:
    files = {f"MAP/{number:05}.pdf": b"PDF %d" % number for number in range(3000)}

    with PackageWriter(tmp_path / "P.zip", None) as writer:
        for number, (path, data) in enumerate(files.items()):
            writer.add_file(path, len(data), MOMENT, blocks(data))
            if number == 2999:
                assert writer.size > 0
        writer.publish()

    assert seven_zip("t", tmp_path / "P.zip").returncode == 0
    assert "Files: 3000" in seven_zip("t", tmp_path / "P.zip").stdout


# When something goes wrong


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_breaks_off_leaves_nothing_behind(tmp_path: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield b"x" * MB
        assert left(tmp_path)[0].startswith(".avplugin-export-")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), PackageWriter(tmp_path / "P.zip", PASSWORD) as writer:
        writer.add_file("a", 2 * MB, MOMENT, broken())

    assert left(tmp_path) == []


@pytest.mark.parametrize("size", [3, 5])
def test_a_file_that_is_not_as_long_as_it_should_be_makes_no_package(
    tmp_path: Path, size: int
) -> None:
    with pytest.raises(ExportError), PackageWriter(tmp_path / "P.zip", None) as writer:
        writer.add_file("a", 4, MOMENT, iter([b"x" * size]))
        writer.publish()

    assert left(tmp_path) == []


def test_a_file_that_is_there_is_left_as_it_is_also_one_that_comes_meanwhile(
    tmp_path: Path,
) -> None:
    file = tmp_path / "P.zip"
    with pytest.raises(AlreadyThere), PackageWriter(file, None) as writer:
        writer.add_file("a", 1, MOMENT, iter([b"x"]))
        file.write_text("van een ander")
        writer.publish()
    with pytest.raises(AlreadyThere), PackageWriter(file, None):
        pass

    assert file.read_text() == "van een ander"
    assert left(tmp_path) == ["P.zip"]


def test_a_file_that_comes_in_the_last_moment_is_not_replaced_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "P.zip"
    with pytest.raises(AlreadyThere), PackageWriter(file, None) as writer:
        writer.add_file("a", 1, MOMENT, iter([b"x"]))
        file.write_text("van een ander")
        monkeypatch.setattr("avplugin.package.write.refuse_present", lambda *_, **__: None)
        writer.publish()

    assert file.read_text() == "van een ander"
    assert left(tmp_path) == ["P.zip"]


def test_a_file_is_replaced_only_when_the_new_one_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "P.zip"
    file.write_text("de vorige")
    with pytest.raises(ExportError), PackageWriter(file, None, replace=True) as writer:
        writer.add_file("a", 2, MOMENT, iter([b"x"]))
    assert file.read_text() == "de vorige"

    with PackageWriter(file, None, replace=True) as writer:
        writer.add_file("a", 1, MOMENT, iter([b"x"]))
        assert file.read_text() == "de vorige"
        writer.publish()

    assert seven_zip("t", file).returncode == 0
    assert left(tmp_path) == ["P.zip"]


@pytest.mark.parametrize("kind", ["folder", "link"])
def test_what_is_no_file_is_never_replaced(tmp_path: Path, kind: str) -> None:
    (tmp_path / "elders").write_text("elders")
    if kind == "folder":
        (tmp_path / "P.zip").mkdir()
    else:
        (tmp_path / "P.zip").symlink_to("elders")

    with pytest.raises(AlreadyThere), PackageWriter(tmp_path / "P.zip", None, replace=True):
        pass

    assert (tmp_path / "elders").read_text() == "elders"


def test_where_the_disk_has_no_hard_links_the_name_is_given_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")  # as FAT says it

    monkeypatch.setattr(os, "link", no_links)
    write(tmp_path / "P.zip", {"MAP/a": b"x"})

    assert left(tmp_path) == ["P.zip"]
    assert seven_zip("t", tmp_path / "P.zip", password=PASSWORD).returncode == 0


def test_left_overs_of_a_killed_export_go_and_those_of_one_at_work_stay(tmp_path: Path) -> None:
    killed = tmp_path / ".avplugin-export-0123abcd"
    killed.write_bytes(b"half")
    at_work = tmp_path / ".avplugin-export-89abcdef"
    others = tmp_path / ".avplugin-export-van-mij"
    others.touch()
    with at_work.open("wb") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        remove_unfinished(tmp_path)

    assert left(tmp_path) == [".avplugin-export-89abcdef", ".avplugin-export-van-mij"]


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    script = f"""
import sys
from pathlib import Path
sys.path[:0] = {sys.path!r}
from test_write import MB, contents, write
from avplugin.package.write import ExportError
try:
    write(Path({str(tmp_path)!r}) / "P.zip", {{"a": contents(9 * MB)}})
except ExportError as error:
    print(error)
"""
    words = ["sh", "-c", 'ulimit -f 100; exec "$@"', "sh", sys.executable, "-c", script]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)

    assert done.stdout.startswith(f"{tmp_path / 'P.zip'} would be larger than a file can be there")
    assert left(tmp_path) == []


def test_without_a_password_the_file_is_closed_to_others(tmp_path: Path) -> None:
    mask = os.umask(0o022)
    try:
        write(tmp_path / "open.zip", {"MAP/a": b"x"}, None)
        write(tmp_path / "dicht.zip", {"MAP/a": b"x"}, PASSWORD)
    finally:
        os.umask(mask)

    assert (tmp_path / "open.zip").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "dicht.zip").stat().st_mode & 0o777 == 0o644
