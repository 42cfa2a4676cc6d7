import datetime
import hashlib
import pathlib
import struct

import pefile
import pypdf
import pytest
from dbfread.dbf import DBF

from avplugin.demo.office import Office, generate_office, open_office, write_register
from avplugin.errors import AvpluginError


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    return generate_office(tmp_path_factory.mktemp("office") / "kantoor", size=150_000)


def digest(folder: pathlib.Path) -> str:
    """Return a digest over every path, modification time and byte below a folder."""
    result = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        result.update(f"{name} {path.stat().st_mtime_ns}\n".encode())
        if path.is_file():
            result.update(path.read_bytes())
    return result.hexdigest()


def test_the_same_arguments_make_the_same_office_to_the_byte(tmp_path: pathlib.Path) -> None:
    for name, seed in (("one", 3), ("two", 3), ("three", 4)):
        generate_office(tmp_path / name, administrations=4, seed=seed, size=100_000)

    assert digest(tmp_path / "one") == digest(tmp_path / "two")
    assert digest(tmp_path / "one") != digest(tmp_path / "three")


def test_every_file_and_folder_has_a_time_in_the_same_working_day(office: Office) -> None:
    times = [path.stat().st_mtime for path in office.folder.rglob("*")]
    first, last = (datetime.datetime.fromtimestamp(f(times), datetime.UTC) for f in (min, max))

    assert first.date() == last.date() == datetime.date(2026, 3, 2)
    assert first.hour >= 8
    assert last.hour < 17


def test_the_first_administrations_have_the_folders_that_go_wrong_elsewhere(
    office: Office,
) -> None:
    administrations = office.folder / "Administraties"

    found = [(each.code, each.folder.name) for each in office.administrations]
    assert found == [
        ("BAKKER26", "BAKKER26"),
        ("SLAGER26", "SLAGER26"),
        ("CAFE26", "CAFE26"),
        ("KLANT12", "Klant [12]"),
        ("KLANT1", "Klant 1"),
        ("KLANT2", "Klant 2"),
        ("CAFEOUD", "café-oud"),
        ("VANDIJK", "Van Dijk & Zonen VOF"),
    ]
    assert set(administrations.iterdir()) == {each.folder for each in office.administrations}


def test_copy_documents_lie_inside_elsewhere_or_nowhere(office: Office) -> None:
    places = [each.copy_documents for each in office.administrations[:4]]

    assert places == [
        (office.folder / "Administraties/BAKKER26/KOPIEDOC",),
        (office.folder / "Kopiedocumenten/SLAGER26",),
        (office.folder / "Administraties/CAFE26/KOPIEDOC",),
        (),
    ]
    for (folder,) in places[:3]:
        for path in folder.iterdir():
            pages = pypdf.PdfReader(path, strict=True).pages
            assert len(pages) == 1
            assert path.stem in pages[0].extract_text()
    texts = pypdf.PdfReader(next(places[2][0].iterdir())).pages[0].extract_text()
    assert "Café 't Hoekje & Zn." in texts


def test_a_document_says_where_each_of_its_objects_begins(office: Office) -> None:
    content = next((office.folder / "Kopiedocumenten/SLAGER26").iterdir()).read_bytes()
    start = int(content.split(b"startxref\n")[1].split(b"\n")[0])
    lines = content[start:].split(b"trailer")[0].splitlines(keepends=True)

    assert lines[:3] == [b"xref\n", b"0 7\n", b"0000000000 65535 f \n"]
    for number, line in enumerate(lines[3:], 1):
        assert len(line) == 20
        assert content[int(line[:10]) :].startswith(b"%d 0 obj\n" % number)


def test_another_program_reads_the_register_with_all_forms_of_paths(office: Office) -> None:
    rows = list(DBF(office.register))

    assert office.register == office.folder / "administraties.dbf"
    assert [row["ADM_MAP"] for row in rows[:4]] == [
        r"\\KANTOOR\AccountView\Administraties\BAKKER26",
        "\\\\kantoor\\accountview\\administraties\\slager26\\",
        r"V:\Administraties\CAFE26",
        "V:/Administraties/Klant [12]",
    ]
    assert [row["ADM_DOC"] for row in rows[:4]] == [
        r"\\KANTOOR\AccountView\Administraties\BAKKER26\KOPIEDOC",
        "\\\\kantoor\\accountview\\kopiedocumenten\\slager26\\",
        r"V:\Administraties\CAFE26\KOPIEDOC",
        "",
    ]
    assert [row["ADM_CODE"] for row in rows] == [each.code for each in office.administrations]
    assert [row["ADM_NAME"] for row in rows] == [each.name for each in office.administrations]
    assert rows[2]["ADM_NAME"] == "Café 't Hoekje & Zn."


def test_the_program_tells_its_version_as_windows_programs_do(office: Office) -> None:
    with pefile.PE(office.program / "avwin.exe") as program:
        (table,) = program.FileInfo[0][0].StringTable
        fixed = program.VS_FIXEDFILEINFO[0]
        sections = [section.Name.rstrip(b"\0") for section in program.sections]
        warnings = program.get_warnings()

    assert table.entries[b"ProductName"] == b"AccountView"
    assert table.entries[b"FileVersion"] == b"11.2.0.415"
    assert table.entries[b"ProductVersion"] == b"11.2.0.415"
    assert (fixed.FileVersionMS, fixed.FileVersionLS) == (11 << 16 | 2, 415)
    assert sections == [b".text", b".rsrc"]
    assert warnings == []


def test_the_texts_of_a_version_say_that_they_are_texts_and_how_long(office: Office) -> None:
    content = (office.program / "avwin.exe").read_bytes()
    key = "ProductVersion\0".encode("utf-16-le")
    value = "11.2.0.415\0".encode("utf-16-le")
    at = content.index(key)

    length, characters, is_text = struct.unpack("<HHH", content[at - 6 : at])
    assert (characters, is_text) == (11, 1)
    assert content[at - 6 : at - 6 + length].endswith(value)


def test_the_system_folder_lies_in_the_program_folder_and_lists_administrations(
    office: Office,
) -> None:
    rows = list(DBF(office.system / "ADMIN.DBF"))

    assert office.system == office.program / "Systeem"
    assert len(rows) == 8
    assert len(list(office.extra[0].iterdir())) == 5


def test_an_administration_has_the_number_of_files_and_about_the_bytes_asked_for(
    tmp_path: pathlib.Path,
) -> None:
    for files, size in ((29, 400_000), (30, 100_000), (31, 200_000), (120, 600_000)):
        office = generate_office(tmp_path / str(files), administrations=2, files=files, size=size)
        for administration in office.administrations:
            found = [path for path in administration.folder.iterdir() if path.is_file()]
            assert len(found) == files
            assert sum(path.stat().st_size for path in found) == pytest.approx(size, rel=0.2)


def test_two_thousand_administrations_have_two_thousand_codes_and_folders(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Only the names matter here; tables of 2,000 administrations take a minute.
    monkeypatch.setattr("avplugin.demo.office._Builder._make_administration", lambda *_: None)
    office = generate_office(tmp_path / "office", administrations=2000, size=20_000)

    assert len({each.code for each in office.administrations}) == 2000
    assert len({each.folder.name.casefold() for each in office.administrations}) == 2000
    assert max(len(each.code) for each in office.administrations) <= 12


def test_an_office_is_found_again_from_its_register(office: Office) -> None:
    assert open_office(office.folder) == office


def test_a_register_can_be_written_anew(office: Office, tmp_path: pathlib.Path) -> None:
    write_register(tmp_path / "r.dbf", office.administrations[:2])

    rows = list(DBF(tmp_path / "r.dbf"))
    assert [row["ADM_CODE"] for row in rows] == ["BAKKER26", "SLAGER26"]


def test_a_folder_in_use_is_refused_and_left_alone(tmp_path: pathlib.Path) -> None:
    (tmp_path / "precious.txt").write_text("keep")

    with pytest.raises(AvpluginError, match="is not empty"):
        generate_office(tmp_path)
    assert list(tmp_path.iterdir()) == [tmp_path / "precious.txt"]


def test_an_empty_folder_is_filled(tmp_path: pathlib.Path) -> None:
    assert generate_office(tmp_path, administrations=1, size=50_000).program.is_dir()


def test_numbers_out_of_range_are_refused(tmp_path: pathlib.Path) -> None:
    for arguments in (
        {"administrations": 0},
        {"administrations": 2001},
        {"size": 1},
        {"files": 28},
    ):
        with pytest.raises(AvpluginError, match=next(iter(arguments))):
            generate_office(tmp_path / "office", **arguments)
    assert not (tmp_path / "office").exists()


def test_a_place_that_cannot_be_written_is_named(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").write_text("")

    for place in (tmp_path / "file", tmp_path / "file" / "office"):
        with pytest.raises(AvpluginError, match=r"cannot make a demo office in .*file"):
            generate_office(place)
