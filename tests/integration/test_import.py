"""Packages put back into a real office: whole, the same, and never over data without a way back."""

from __future__ import annotations

import email.message
import io
import json
import os
import shlex
import shutil
import signal
import time
import zipfile
import zlib
from pathlib import Path

import pytest
from calling import call
from conftest import TABLE, World, group_has_ended, tree, until
from hostile_packages import CORPUS, Raw, honest, raw_zip
from packages import PASSWORD, PASSWORD_GIVEN, pack
from seven_zip import seven_zip
from terminal import Terminal

from avplugin.package.read import peek
from avplugin.sessions.model import Answer, Session, SessionKind
from avplugin.sessions.report import to_document

BAKKER, KLANT2, VANDIJK = "BAKKER26", "KLANT2", "VANDIJK"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """The folder of an administration in another office, with copy documents inside."""
    return make_administration(tmp_path / "elders" / BAKKER)


def make_administration(folder: Path) -> Path:
    (folder / "RAPPORT" / "LEEG").mkdir(parents=True)
    (folder / "KOPIEDOC").mkdir()
    (folder / "GROOTBOEK.DBF").write_bytes(TABLE + b"\x1a")
    (folder / "GROOTBOEK.FPT").write_bytes(b"memo" * 5000)
    (folder / "Köpie ë.txt").write_bytes(b"")
    (folder / "KOPIEDOC" / "Factuur 1.pdf").write_bytes(b"%PDF")
    (folder / "RAPPORT" / "lijst.frx").write_bytes(b"x" * 2_000_000)
    os.utime(folder / "GROOTBOEK.DBF", ns=(1, 1_234_567_890_123_456_789))
    os.utime(folder / "RAPPORT" / "LEEG", ns=(1, 1_111_111_111_000_000_001))
    return folder


def inside(folder: Path) -> dict[str, Path]:
    """Return the places in a package of an administration with copy documents in its folder."""
    return {BAKKER: folder, f"{BAKKER}/KOPIEDOC": folder / "KOPIEDOC"}


def outside(folder: Path, documents: Path) -> dict[str, Path]:
    """Return the places in a package of an administration with copy documents elsewhere."""
    return {BAKKER: folder, f"{BAKKER}-kopiedocumenten": documents}


def contents(folder: Path) -> dict[bytes, object]:
    """Return all in a folder with its time and contents; of directories, which change, neither."""
    return {
        path: (entry[2] is not None and entry[1], entry[2])
        for path, entry in tree(folder).items()
        if path
    }


@pytest.fixture
def package(elsewhere: Path, tmp_path: Path) -> Path:
    """A package of it, with a password."""
    file = tmp_path / "pakket.zip"
    pack(file, BAKKER, inside(elsewhere))
    return file


def refuses(world: World, *words: str | Path, **environment: str) -> str:
    """Return what an import says that must fail, and leave the office as it is."""
    before = tree(world.office)
    done = call(world, "import", *words, "--yes", **(environment or PASSWORD_GIVEN))
    assert done.returncode in {1, 2}
    said = [line for line in done.stderr.splitlines() if not line.startswith("warning: ")]
    assert len(said) <= 2
    assert {path: entry[2] for path, entry in tree(world.office).items()} == {
        path: entry[2] for path, entry in before.items()
    }
    return done.stderr


# Where it goes


def test_a_package_takes_the_place_of_the_administration_and_an_undo_brings_that_back(
    world: World, elsewhere: Path, package: Path
) -> None:
    place = world.administrations / BAKKER
    before = tree(place)

    done = world.avplugin("import", package, "--original", "--yes", **PASSWORD_GIVEN)

    assert done.returncode == 0, done.stderr
    assert contents(place) == contents(elsewhere)
    assert (place / "RAPPORT" / "LEEG").stat().st_mtime_ns == 1_111_111_111_000_000_001
    assert world.avplugin("restore", "--undo", "--yes").returncode == 0
    assert tree(place) == before


def test_a_package_goes_into_another_administration_but_not_by_its_own_code(
    world: World, elsewhere: Path, package: Path
) -> None:
    assert "is its own code" in refuses(world, package, "--into", "bakker26")

    done = call(world, "import", package, "--into", KLANT2, "--yes", **PASSWORD_GIVEN)

    assert done.returncode == 0, done.stderr
    assert contents(world.administrations / "Klant 2") == contents(elsewhere)


def test_a_new_folder_gets_all_and_it_is_said_what_to_set_in_accountview(
    world: World, elsewhere: Path, package: Path, tmp_path: Path
) -> None:
    new = tmp_path / "nieuw" / "Bakker"
    new.parent.mkdir()

    done = call(world, "import", package, "--new", new, "--yes", **PASSWORD_GIVEN)

    assert done.returncode == 0, done.stderr
    assert contents(new) == contents(elsewhere)
    assert list(new.parent.iterdir()) == [new]
    assert f"Map administratie is to be {new}; where the package comes from" in done.stdout
    assert f"Kopiedoc) is to be {new}/KOPIEDOC; where" in done.stdout
    assert "holds no owners and permissions" in done.stderr


@pytest.mark.parametrize("where", ["--original", "--new"])
def test_what_to_set_is_a_windows_path_though_folders_are_configured_by_paths_of_this_machine(
    world: World, package: Path, where: str
) -> None:
    world.configure(administrations=[{"folders": str(world.administrations / "*")}])
    new = [world.administrations / "Nieuw"] if where == "--new" else []

    done = call(world, "import", package, where, *new, "--yes", **PASSWORD_GIVEN)

    assert done.returncode == 0, done.stderr
    place = rf"V:\Administraties\{'Nieuw' if new else BAKKER}"
    assert rf"Kopiedoc) is to be {place}\KOPIEDOC" in done.stdout
    assert ("Map administratie is to be " in done.stdout) == bool(new)
    assert f"Map administratie is to be {place}; where" in done.stdout or not new


def test_copy_documents_from_outside_go_inside_where_this_office_has_them_there(
    world: World, elsewhere: Path, tmp_path: Path
) -> None:
    documents = tmp_path / "documenten"
    (elsewhere / "KOPIEDOC").rename(documents)
    file = tmp_path / "pakket.zip"
    pack(file, BAKKER, outside(elsewhere, documents))

    done = call(world, "import", file, "--original", "--yes", **PASSWORD_GIVEN)

    assert done.returncode == 0, done.stderr
    place = world.administrations / BAKKER
    assert contents(place / "KOPIEDOC") == contents(documents)
    assert (place / "RAPPORT" / "lijst.frx").exists()
    assert [path.name for path in world.administrations.glob("*kopiedoc*")] == []
    said = next(line for line in done.stdout.splitlines() if line.startswith("Map kopiedoc"))
    assert "BAKKER26" in said.upper()
    assert said.endswith(r"; where the package comes from it was G:\elders")


def test_copy_documents_from_inside_go_outside_where_this_office_has_them_there(
    world: World, elsewhere: Path, package: Path
) -> None:
    done = call(world, "import", package, "--into", VANDIJK, "--yes", **PASSWORD_GIVEN)

    assert done.returncode == 0, done.stderr
    outside_here = world.office / "Kopiedocumenten" / VANDIJK
    assert contents(outside_here) == contents(elsewhere / "KOPIEDOC")
    place = world.administrations / "Van Dijk & Zonen VOF"
    assert (place / "GROOTBOEK.FPT").read_bytes() == b"memo" * 5000
    assert not (place / "KOPIEDOC").exists()
    assert world.avplugin("restore", "--undo", "--yes").returncode == 0
    assert not (outside_here / "Factuur 1.pdf").exists()


def test_copy_documents_that_were_no_folder_of_their_own_there_are_put_back_as_one_here(
    world: World, elsewhere: Path, tmp_path: Path
) -> None:
    (elsewhere / "KOPIEDOC").rename(elsewhere / "KopieDoc")
    file = tmp_path / "pakket.zip"
    pack(file, BAKKER, {BAKKER: elsewhere})

    done = call(world, "import", file, "--original", "--yes", **PASSWORD_GIVEN)

    assert done.returncode == 0, done.stderr
    place = world.administrations / BAKKER
    assert contents(place / "KOPIEDOC") == contents(elsewhere / "KopieDoc")
    assert not (place / "KopieDoc").exists()
    assert "stays as it is" not in done.stderr


def test_copy_documents_stay_as_they_are_if_that_is_wanted(world: World, package: Path) -> None:
    documents = world.administrations / BAKKER / "KOPIEDOC"
    before = tree(documents)

    words = ("import", package, "--original", "--without-copy-documents", "--yes")
    done = call(world, *words, **PASSWORD_GIVEN)

    assert done.returncode == 0, done.stderr
    assert tree(documents) == before
    assert (world.administrations / BAKKER / "RAPPORT" / "lijst.frx").exists()


def test_whoever_could_write_the_old_folder_can_write_the_new_one(
    world: World, package: Path
) -> None:
    place = world.administrations / BAKKER
    place.chmod(0o2770)
    (place / "GROOTBOEK.DBF").chmod(0o664)
    for file in place.iterdir():
        if file.is_file() and file.name != "GROOTBOEK.DBF":
            file.chmod(0o660)
    if os.geteuid() == 0:
        for path in (place, *place.rglob("*")):
            os.chown(path, 1234, 2345)
            path.chmod(path.stat().st_mode | 0o2000 if path.is_dir() else path.stat().st_mode)

    done = call(world, "import", package, "--original", "--yes", **PASSWORD_GIVEN)

    assert done.returncode == 0, done.stderr
    modes = {path.name: oct(path.stat().st_mode)[-4:] for path in (place, *place.iterdir())}
    assert modes[BAKKER] == "2770"
    assert modes["GROOTBOEK.DBF"] == "0664"
    assert modes["Köpie ë.txt"] == "0660"
    assert modes["RAPPORT"] == "2770"
    if os.geteuid() == 0:
        owners = {(path.stat().st_uid, path.stat().st_gid) for path in (place, *place.rglob("*"))}
        assert owners == {(1234, 2345)}


def test_nothing_is_done_without_saying_where_to_or_yes(world: World, package: Path) -> None:
    for words in ((), ("--original",)):
        done = call(world, "import", package, *words, **PASSWORD_GIVEN)
        assert done.returncode == 2

    before = tree(world.office)
    done = call(world, "--json", "import", package, "--original", "--dry-run", **PASSWORD_GIVEN)

    answer = json.loads(done.stdout)
    assert tree(world.office) == before
    assert answer["code"] == BAKKER
    assert answer["installation"] == "Kantoor De Vries"
    assert [target["path"] for target in answer["targets"]] == [str(world.administrations / BAKKER)]


def test_the_page_says_what_it_is_and_that_no_name_proves_anything(
    world: World, package: Path
) -> None:
    words = ("--language", "nl", "import", package, "--original", "--dry-run")
    done = call(world, *words, **PASSWORD_GIVEN)

    assert "Kantoor De Vries op devries, avplugin 1.0" in done.stdout
    assert "kantoor-administrations-2026-11-26T02:00:00" in done.stdout
    assert "geen naam bewijst wie dat was" in done.stderr


def test_in_json_it_says_what_was_put_back_and_what_is_to_be_set(
    world: World, package: Path, tmp_path: Path
) -> None:
    words = ("--json", "import", package, "--new", tmp_path / "nieuw", "--yes")

    answer = json.loads(call(world, *words, **PASSWORD_GIVEN).stdout)

    assert [one["path"] for one in answer["restored"]] == [str(tmp_path / "nieuw")]
    assert answer["encrypted"] is True
    assert {one["kind"] for one in answer["to_set"]} == {"administration", "copy-documents"}


def test_a_person_is_asked_where_to_and_has_to_type_the_other_code(
    world: World, elsewhere: Path, tmp_path: Path
) -> None:
    file = tmp_path / "pakket.zip"
    pack(file, BAKKER, inside(elsewhere), None)
    terminal = Terminal(world, "avplugin", "import", file)
    terminal.read_until("In a new folder")
    assert str(world.administrations / BAKKER) in terminal.shown
    terminal.type("2\n")
    terminal.read_until("Code of the other administration:")
    terminal.type("klant2\n")
    terminal.read_until("Type its code to go on:")
    terminal.type("KLANT2\n")

    assert terminal.end() == 0, terminal.shown
    assert contents(world.administrations / "Klant 2") == contents(elsewhere)


# What is refused


def test_nothing_is_put_back_while_somebody_is_in(world: World, package: Path) -> None:
    labels = [BAKKER, f"copy documents of {BAKKER}"]
    session = Session(
        *(SessionKind.USER, "jan", "PC7", BAKKER, BAKKER, "GROOTBOEK", "", "portal"), writing=False
    )
    said = to_document(Answer((session,), frozenset(labels)), labels)
    (world.folder / "said.json").write_text(json.dumps(said))
    script = f"cat {shlex.quote(str(world.folder / 'said.json'))}"
    world.configure(sessions={"probes": [{"command": ["sh", "-c", script]}]})
    before = tree(world.office)

    done = call(world, "import", package, "--original", "--yes", **PASSWORD_GIVEN)

    assert done.returncode == 75, done.stderr
    assert "nothing is put back while somebody is in" in done.stdout
    assert "jan" in done.stdout
    assert tree(world.office) == before


def test_a_script_can_name_the_only_administration_that_it_takes(
    world: World, package: Path
) -> None:
    said = refuses(world, package, "--original", "--code", KLANT2)
    assert said == f"avplugin: pakket.zip is a package of {BAKKER}, not of {KLANT2}.\n"

    words = ("import", package, "--original", "--code", "bakker26", "--yes")
    assert call(world, *words, **PASSWORD_GIVEN).returncode == 0


def test_a_wrong_password_is_said_to_be_wrong_and_no_more(world: World, package: Path) -> None:
    said = refuses(world, package, "--original", AVPLUGIN_PACKAGE_PASSWORD="Geheim 2026")
    assert said == "avplugin: wrong password.\n"

    assert "has a password: give it by" in refuses(world, package, "--original", NOTHING="")


def test_a_password_comes_out_of_a_file(world: World, package: Path, tmp_path: Path) -> None:
    file = tmp_path / "wachtwoord"
    file.write_text(f"{PASSWORD}\r\nniet dit\n")

    words = ("import", package, "--new", tmp_path / "nieuw", "--yes", "--password-file", file)

    assert call(world, *words).returncode == 0


def test_a_person_has_three_tries_at_the_password(world: World, package: Path) -> None:
    terminal = Terminal(world, "avplugin", "import", package, "--original")
    for number, password in enumerate(("een", "twee", PASSWORD)):
        terminal.read_until("Password of pakket.zip")
        terminal.shown = ""
        terminal.type(f"{password}\n")
        if number < 2:
            terminal.read_until("wrong password.")
    terminal.read_until("Put it back now? [y/N]")
    assert PASSWORD not in terminal.shown
    terminal.type("n\n")
    assert terminal.end() == 130

    terminal = Terminal(world, "avplugin", "import", package, "--original")
    for password in ("een", "twee", "drie"):
        terminal.read_until("Password of pakket.zip")
        terminal.shown = ""
        terminal.type(f"{password}\n")
    assert terminal.end() == 1
    assert "avplugin: wrong password." in terminal.shown


def test_books_of_another_version_are_taken_only_if_that_is_wanted(
    world: World, tmp_path: Path
) -> None:
    file = tmp_path / "pakket.zip"
    file.write_bytes(CORPUS["of another version"].make(honest(tmp_path)))
    assert "AccountView does not support that" in refuses(world, file, "--original")

    words = ("import", file, "--original", "--other-version", "--yes")
    assert call(world, *words, **PASSWORD_GIVEN).returncode == 0


def test_a_package_that_has_no_room_is_refused_before_anything_is_taken_out(
    world: World, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.statvfs

    def nearly_full(path: str) -> os.statvfs_result:
        fields = list(real(path))
        fields[4] = 2_000_000 // fields[1]  # blocks that are free
        return os.statvfs_result(fields)

    monkeypatch.setattr(os, "statvfs", nearly_full)
    assert "bytes free; 20" in refuses(world, package, "--original")


def test_a_disk_that_is_full_while_taking_out_leaves_nothing(
    world: World, package: Path, tmp_path: Path
) -> None:
    # A limit on the size of files (in blocks of 512 bytes) is met where a full disk is.
    limited = ["sh", "-c", 'ulimit -f 200; exec "$@"', "sh"]

    done = world.run(
        *limited,
        "avplugin",
        "import",
        package,
        "--yes",
        "--new",
        tmp_path / "nieuw",
        **PASSWORD_GIVEN,
    )

    assert done.returncode == 1
    assert done.stderr.startswith("avplugin: ") or "warning: " in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("*nieuw*"))


@pytest.mark.usefixtures("adopting")
def test_an_import_that_was_killed_leaves_what_the_next_one_clears_up(
    world: World, elsewhere: Path, tmp_path: Path
) -> None:
    for number in range(30):
        (elsewhere / f"GROOT{number}.DBF").write_bytes(os.urandom(2_000_000))
    file = tmp_path / "pakket.zip"
    pack(file, BAKKER, inside(elsewhere), None)
    before = tree(world.administrations / BAKKER)
    process = world.start_avplugin("import", file, "--original", "--yes")
    staging = f".{BAKKER}.avplugin-restore-*"
    until(lambda: any(path.is_file() for path in world.administrations.glob(f"{staging}/**/*")))
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert group_has_ended(process.pid)

    assert tree(world.administrations / BAKKER) == before
    assert list(world.administrations.glob(staging))
    done = world.avplugin("import", file, "--original", "--yes")

    assert done.returncode == 0, done.stderr
    assert "was cut off before it had changed anything" in done.stderr
    assert contents(world.administrations / BAKKER) == contents(elsewhere)
    assert not list(world.administrations.glob(staging))


# Other files than packages


def test_a_package_in_a_saved_mail_is_taken_out_of_it(
    world: World, elsewhere: Path, package: Path, tmp_path: Path
) -> None:
    message = email.message.EmailMessage()
    message["From"] = "klant@voorbeeld.nl"
    message.set_content("Bijgaand.")
    message.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="brief.pdf")
    message.add_attachment(
        package.read_bytes(), maintype="application", subtype="zip", filename="pakket.zip"
    )
    mail = tmp_path / "bericht.eml"
    mail.write_bytes(bytes(message))

    words = ("import", mail, "--new", tmp_path / "nieuw", "--yes")
    done = call(world, *words, **PASSWORD_GIVEN)

    assert done.returncode == 0, done.stderr
    assert f"pakket.zip, {mail}" in done.stdout
    assert contents(tmp_path / "nieuw") == contents(elsewhere)


def test_what_is_no_file_is_refused_at_once(world: World, tmp_path: Path) -> None:
    pipe = tmp_path / "pijp.zip"
    os.mkfifo(pipe)
    assert "is no file" in refuses(world, pipe, "--original")
    assert "is no file" in refuses(world, tmp_path, "--original")
    assert "No such file" in refuses(world, tmp_path / "weg.zip", "--original")


# Zips of other programs


def explorer_zip(folder: Path, file: Path, top: str = BAKKER) -> None:
    """Write what Explorer would: no folders but empty ones, names in the code page of DOS."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(folder.rglob("*")):
            if path.is_file() or not any(path.iterdir()):
                packed.write(path, f"{top}/{path.relative_to(folder)}")
    data = file.read_bytes()
    utf8, dos = "Köpie ë".encode(), b"K\x94pie \x89"
    assert data.count(utf8) == 2
    file.write_bytes(as_in_dos(data, utf8, dos))


def as_in_dos(data: bytes, utf8: bytes, dos: bytes) -> bytes:
    """Return a ZIP in which a name is written in code page 850, and not said to be UTF-8."""
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        members = [(info, packed.read(info)) for info in packed.infolist()]
    raw = [
        Raw(info.filename, content, raw_name=info.filename.encode().replace(utf8, dos), flags=0)
        for info, content in members
    ]
    return raw_zip(raw)


def test_a_zip_that_explorer_made_is_taken_with_a_code(
    world: World, elsewhere: Path, tmp_path: Path
) -> None:
    file = tmp_path / "Bakker van de klant.zip"
    explorer_zip(elsewhere, file, "Bakker (kopie)")
    assert "was not made by 'avplugin export'" in refuses(world, file, "--original")

    done = call(world, "import", file, "--plain", "bakker26", "--original", "--yes")

    assert done.returncode == 0, done.stderr
    assert "another program made this zip" in done.stderr
    assert "is the folder of" not in done.stderr  # letter case does not make it another's
    place = world.administrations / BAKKER
    found = {path: entry[2] for path, entry in tree(place).items() if path}
    assert found == {path: entry[2] for path, entry in tree(elsewhere).items() if path}
    moment = time.localtime((place / "GROOTBOEK.DBF").stat().st_mtime)
    assert moment[:5] == (2025, 11, 26, 0, 0)  # as the list of members says it, in local time


def test_what_is_doubted_of_a_zip_of_another_program_is_said_in_dutch(
    world: World, elsewhere: Path, tmp_path: Path
) -> None:
    explorer_zip(elsewhere, tmp_path / "a.zip", "Bakker")

    words = ("import", tmp_path / "a.zip", "--plain", BAKKER, "--original", "--dry-run")
    done = call(world, "--language", "nl", *words)

    assert done.returncode == 0, done.stderr
    assert "NIET bewezen goed: deze zip is gemaakt met een ander programma" in done.stderr


@pytest.mark.parametrize("method", ["AES256", "ZipCrypto"])
def test_a_zip_that_7_zip_made_with_a_password_is_taken_with_a_code(
    method: str, world: World, elsewhere: Path, tmp_path: Path
) -> None:
    (elsewhere / "RAPPORT" / "lijst.frx").write_bytes(os.urandom(100_000))
    file = tmp_path / "bakker.zip"
    assert not seven_zip(
        "a", "-tzip", f"-mem={method}", file, elsewhere, password=PASSWORD
    ).returncode

    words = ("import", file, "--plain", BAKKER, "--new", tmp_path / "nieuw", "--yes")
    done = call(world, *words, AVPLUGIN_PACKAGE_PASSWORD="fout")
    assert (done.returncode, done.stderr) == (1, "avplugin: wrong password.\n")
    done = call(world, *words, **PASSWORD_GIVEN)

    assert done.returncode == 0, done.stderr
    found = {path: entry[2] for path, entry in tree(tmp_path / "nieuw").items() if path}
    assert found == {path: entry[2] for path, entry in tree(elsewhere).items() if path}


def write_zip(file: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in members.items():
            packed.writestr(name, data)
    return file


def test_a_zip_without_one_folder_of_tables_is_refused(
    world: World, package: Path, tmp_path: Path
) -> None:
    file = tmp_path / "a.zip"
    plain = ("--plain", BAKKER, "--original")
    assert "holds no tables" in refuses(world, write_zip(file, **{"x/a.txt": b""}), *plain)
    two = {"a/X.DBF": TABLE, "b/X.DBF": TABLE}
    assert "several folders with tables (a, b)" in refuses(world, write_zip(file, **two), *plain)
    more = {"a/X.DBF": TABLE, "brief.doc": b""}
    assert "more than the folder a: brief.doc" in refuses(world, write_zip(file, **more), *plain)
    assert "import it without --plain" in refuses(world, package, *plain)
    bad = write_zip(file, **{"a/X.DBF": TABLE})
    crc = zlib.crc32(TABLE).to_bytes(4, "little")
    bad.write_bytes(bad.read_bytes().replace(crc, b"CRC!"))
    assert "its checksum is another" in refuses(world, bad, *plain)


@pytest.mark.parametrize(
    "name", ["../X.DBF", "/X.DBF", "a/CON", "a/x:y", "a/GROOTBOEK.dbf", "a\\..\\X.DBF"]
)
def test_a_zip_of_another_program_is_looked_at_as_closely(
    name: str, world: World, tmp_path: Path
) -> None:
    file = write_zip(tmp_path / "a.zip", **{"a/GROOTBOEK.DBF": TABLE, name: TABLE})

    assert "is not taken" in refuses(world, file, "--plain", BAKKER, "--original")


def test_tables_at_the_top_of_a_zip_are_the_administration(world: World, tmp_path: Path) -> None:
    file = write_zip(tmp_path / "a.zip", **{"GROOTBOEK.DBF": TABLE, "RAPPORT/x.frx": b"1"})

    done = call(world, "import", file, "--plain", BAKKER, "--new", tmp_path / "n", "--yes")

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "n" / "RAPPORT" / "x.frx").read_bytes() == b"1"


# A look without a password


def test_a_peek_says_whose_package_it_seems_to_be(
    package: Path, elsewhere: Path, tmp_path: Path
) -> None:
    assert peek(package) == (True, True, BAKKER)
    assert peek(package.read_bytes()) == (True, True, BAKKER)
    open_package = tmp_path / "open.zip"
    pack(open_package, BAKKER, inside(elsewhere), None)
    assert peek(open_package) == (True, False, BAKKER)
    explorer_zip(elsewhere, tmp_path / "a.zip")
    assert peek(tmp_path / "a.zip") == (False, False, "")
    assert peek(b"%PDF-1.4") == (False, False, "")


def test_what_export_packs_import_puts_back(world: World, tmp_path: Path) -> None:
    documents = world.office / "Kopiedocumenten" / VANDIJK
    books = world.administrations / "Van Dijk & Zonen VOF"
    before = contents(books), contents(documents)
    done = call(world, "export", "--live", VANDIJK, tmp_path / "uit.zip", **PASSWORD_GIVEN)
    assert done.returncode == 0, done.stderr
    (books / "GROOTBOEK.DBF").write_bytes(TABLE)
    shutil.rmtree(documents)
    documents.mkdir()

    done = call(world, "import", tmp_path / "uit.zip", "--original", "--yes", **PASSWORD_GIVEN)

    assert done.returncode == 0, done.stderr
    assert (contents(books), contents(documents)) == before
    assert not [line for line in done.stdout.splitlines() if line.startswith("Map ")]
