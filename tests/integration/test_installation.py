"""All ways to say where AccountView is, from accountview.yaml to what lies in the archive."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import dbf
import openpyxl
import pytest
from conftest import World

HEADER = ("Code", "Naam", "Map administratie", "Map kopiedoc")
COLUMNS = {
    "code": "CODE",
    "name": "Naam",
    "folder": "map administratie",
    "copy_documents": "Map kopiedoc",
}
Row = tuple[str, str, str, str]


def fill(*folders: Path) -> None:
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "TABLE.DBF").write_text(str(folder))


def csv(file: Path, delimiter: str, encoding: str, *rows: Row) -> dict[str, Any]:
    lines = [delimiter.join(f'"{cell}"' for cell in row) for row in (HEADER, *rows)]
    file.write_bytes("\r\n".join(lines).encode(encoding))
    return {"register": {"file": str(file), **COLUMNS}}


def xlsx(file: Path, *rows: Row) -> dict[str, Any]:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (HEADER, *rows):
        sheet.append(row)
    book.save(file)
    return {"register": {"file": file.name, **COLUMNS}}


def dbf_table(file: Path, *rows: Row) -> dict[str, Any]:
    with dbf.Table(
        str(file),
        "code C(12); naam C(40); map C(200); doc C(200)",
        codepage="cp1252",
        dbf_type="vfp",
    ).open(dbf.READ_WRITE) as table:
        for row in rows:
            table.append(row)
    return {"register": {"file": str(file), "code": "CODE", "folder": "MAP"}}


def stored(world: World, set_name: str) -> list[str]:
    """Return the files in the only archive of the set, without the manifest."""
    [archive] = [name for name in world.archives() if f"-{set_name}-" in name]
    assert re.fullmatch(rf"accountview-{set_name}-[-\d]+T[:\d]+", archive), "it is not clean"
    done = world.borg("list", "--format", "{type}{path}{NL}", f"{world.repository}::{archive}")
    assert done.returncode == 0, done.stderr
    paths = [f"/{line[1:]}" for line in done.stdout.splitlines() if line[0] != "d"]
    return sorted(path for path in paths if not path.startswith("/avplugin/"))


def tables(*folders: Path) -> list[str]:
    return sorted(f"{folder}/TABLE.DBF" for folder in folders)


# nights


def test_all_ways_to_name_a_folder_lead_into_the_archive_of_its_set_once(world: World) -> None:
    server = world.folder / "server"
    program = server / "Progs" / "AV"
    system = program / "Data"
    admins = system / "Admins"
    klanten = server / "Klanten & Co"
    fill(program, program / "Help", system, system / "Leeg", server / "Layouts")
    fill(admins / "BAKKER26", admins / "BAKKER26" / "Kopiedoc", admins / "Overig")
    fill(admins / "Overig" / "MUIS26", server / "Documenten" / "Café")
    fill(klanten / "Klant [12]", klanten / "Klant 1", klanten / "Klant 2", klanten / "@eaDir")
    fill(klanten / ".hidden", klanten / "Klant 1.before-restore-20261122-020000")
    fill(server / "café*", server / "café-oud", server / "elsewhere", server / "Dbf")
    fill(server / "Dbf" / "Kopie", server / "Apart")
    (klanten / "Koppel").symlink_to(server / "elsewhere")
    (server / "avlink").symlink_to(program)
    world.configure(
        installation={
            "name": "accountview",
            "program": str(server / "avlink"),
            "system": r"c:\PROGS\av/data",
            "extra": [str(server / "Layouts")],
        },
        drives={
            "C:\\": str(server),
            r"C:\Progs": str(server / "Progs"),
            r"\\KANTOOR\Share": str(server),
        },
        administrations=[
            {
                "code": "BAKKER26",
                "folder": r"C:\progs\AV\Data\ADMINS\bakker26" + "\\",
                "copy_documents": [r"\\kantoor\SHARE\Progs\av\data\admins\BAKKER26\KOPIEDOC"],
            },
            csv(
                world.configuration.with_name("a.csv"),
                ";",
                "cp1252",
                ("CAFE26", "Café Zürich", r"//KANTOOR/share/CAFÉ*", r"c:/documenten/CAFÉ"),
                ("BAKKER26", "of no account: named before", r"C:\gone", ""),
            ),
            csv(
                world.configuration.with_name("b.csv"),
                ",",
                "utf-8",
                ("MUIS26", "Muis, “De”", r"C:\Progs\AV\Data\Admins\Overig\MUIS26", ""),
                ("MUIS25", "shares a folder", r"c:\progs\av\data\admins\overig\muis26", ""),
            ),
            xlsx(
                world.configuration.with_name("c.xlsx"),
                ("DBF25", "Apart", r"C:\apart", r"C:\dbf\kopie"),
            ),
            dbf_table(
                world.configuration.with_name("d.dbf"), ("DBF26", "Dbf", r"\\kantoor\share\DBF", "")
            ),
            {"folders": f"{klanten}/*"},
        ],
        copy_documents={"backup": True, "administrations": {"cafe26": {"backup": False}}},
    )

    listed = world.avplugin_json("administrations")
    night = world.run(
        "borgmatic",
        *("--config", world.borgmatic_file("system")),
        *("--config", world.borgmatic_file("administrations"), "create"),
    )

    assert {entry["code"]: entry["folder"] for entry in listed["administrations"]} == {
        "BAKKER26": f"{admins}/BAKKER26",
        "CAFE26": f"{server}/café*",
        "MUIS26": f"{admins}/Overig/MUIS26",
        "MUIS25": f"{admins}/Overig/MUIS26",
        "DBF25": f"{server}/Apart",
        "DBF26": f"{server}/Dbf",
        "Klant 1": f"{klanten}/Klant 1",
        "Klant 2": f"{klanten}/Klant 2",
        "Klant [12]": f"{klanten}/Klant [12]",
        "Koppel": f"{server}/elsewhere",
    }
    assert [(part["label"], part["folder"]) for part in listed["system_folders"]] == [
        ("program", str(program)),
        ("system", str(system)),
        ("extra:Layouts", f"{server}/Layouts"),
    ]
    assert night.returncode == 0, night.stderr
    assert stored(world, "system") == tables(
        program,
        program / "Help",
        system,
        system / "Leeg",
        admins / "Overig",
        server / "Layouts",
    )
    assert stored(world, "administrations") == tables(
        admins / "BAKKER26",
        admins / "BAKKER26" / "Kopiedoc",
        server / "café*",
        admins / "Overig" / "MUIS26",
        server / "Dbf",
        server / "Dbf" / "Kopie",
        server / "Apart",
        klanten / "Klant [12]",
        klanten / "Klant 1",
        klanten / "Klant 2",
        server / "elsewhere",
    )


def test_bad_folders_are_named_and_left_out_and_the_others_are_stored(world: World) -> None:
    admins = world.folder / "server" / "admins"
    fill(admins / "BAKKER26", admins / "VISSER26", admins / "VRIES26", admins / "Slecht ")
    fill(admins / "twee\nregels", admins / "UNSELECTED", admins / "VRIES26" / "Kopiedoc")
    fill(world.folder / "server" / "Kopiedocumenten")
    (admins / "VLEEG26").mkdir()
    world.configure(
        drives={"F:\\": str(admins)},
        administrations=[
            csv(
                world.configuration.with_name("a.csv"),
                ";",
                "cp1252",
                ("BAKKER26", "Bakker", r"F:\bakker26", ""),
                ("VGONE26", "", r"F:\gone", ""),
                ("VDRIVE26", "", r"G:\admins\x", ""),
                ("VTWEE26", "", r"F:\visser26", ""),
                ("vtwee26", "", r"F:\vries26", ""),
                ("VNUL26", "", "", ""),
                ("", "Zonder code", r"F:\bakker26", ""),
                ("VRIES26", "", r"f:/VRIES26", str(world.folder / "server" / "Kopiedocumenten")),
            ),
            {
                "code": "V27",
                "folder": str(admins / "VRIES26"),
                "copy_documents": [r"F:\vries26\kopiedoc"],
            },
            {"folders": f"{admins}/*"},
        ],
        copy_documents={"backup": False},
        sets={
            "system": {"folders": ["program", "system", "extra"]},
            "administrations": {
                "select": ["bakker26", "V*", "Slecht*", "twee*", "GONE26"],
                "borgmatic": str(world.borgmatic_file()),
            },
        },
    )

    listed = world.avplugin("administrations")
    night = world.borgmatic("create")

    assert listed.returncode == 1
    assert "warning: UNSELECTED is in no set: it is never backed up" in listed.stderr
    assert night.returncode == 1
    for output in (listed.stderr, night.stderr):
        assert "Traceback" not in output
        assert r"VGONE26" in output
        assert r"does not exist: F:\gone" in output
        assert r"no drive maps G:\admins\x (add G:\ to drives)" in output
        assert "code VTWEE26 stands twice: a.csv line 5 and a.csv line 6" in output
        assert "VNUL26" in output
        assert "no folder given" in output
        assert "no code given" in output
        assert re.search(r"VLEEG26.*: is empty", output)
        assert "white space before or after its name" in output
        assert r"line break in its name: twee\nregels" in output
    assert "GONE26 is left out: is selected, but no administration has that code" in night.stderr
    assert "UNSELECTED" not in night.stderr
    assert stored(world, "administrations") == tables(
        admins / "BAKKER26", admins / "VISSER26", admins / "VRIES26"
    )


def test_a_register_that_cannot_be_read_stops_the_night_before_anything_is_stored(
    world: World,
) -> None:
    world.configure(
        administrations=[{"register": {"file": "/gone.dbf", "code": "A", "folder": "B"}}]
    )

    night = world.borgmatic("create")

    assert night.returncode == 1
    assert "avplugin: register /gone.dbf does not exist: export it there" in night.stderr
    assert world.archives() == []


# commands


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> World:
    """An installation without a repository, for what needs no night."""
    world = World(tmp_path_factory.mktemp("office"))
    fill(world.folder / "program", world.folder / "system", world.folder / "admins" / "A")
    world.configuration.parent.mkdir()
    world.configuration.write_text(
        f"""
installation: {{name: office, program: {world.folder}/program, system: {world.folder}/system}}
administrations: [{{folders: {world.folder}/admins/*}}]
state: {world.state}
sessions: {{assume_nobody: true}}
"""
    )
    return world


CUT_OFF_DBF = b"0\x1a\x0b\x16" + b"\x05\x00\x00\x00" + b"\x28\x01\x10\x00" + b"\0" * 20


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "does not exist"),
        (b"", "is empty"),
        (CUT_OFF_DBF, "is a DBF table whose header is cut off"),
        (b"%PDF-1.4 \n", "is a PDF"),
        (b"\xff\xfe\x01\0\0\0", "is neither DBF, CSV nor XLSX"),
        (
            b"Codes;Map\r\nA;F:\\a\r\n",
            "has no column Code but Codes, Map (nearest: Codes): correct",
        ),
        (b"Code;Map\r\n", "lists no administration"),
        (b"PK\x03\x04nothing", "is a zip file, but no XLSX"),
    ],
)
def test_a_register_that_is_none_is_named_with_what_to_do(
    office: World, content: bytes | None, message: str
) -> None:
    register = office.folder / "register.export"
    register.unlink(missing_ok=True)
    if content is not None:
        register.write_bytes(content)
    office.configure(
        administrations=[{"register": {"file": str(register), "code": "Code", "folder": "Map"}}]
    )

    done = office.avplugin("--json", "administrations")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"avplugin: register {register} ")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) <= 2


def test_names_that_differ_in_case_only_are_ambiguous_and_the_rest_is_listed(
    office: World,
) -> None:
    fill(office.folder / "both" / "Bakker", office.folder / "both" / "BAKKER")
    office.configure(
        drives={"F:\\": str(office.folder)},
        administrations=[
            {"code": "BAKKER", "folder": r"F:\both\bakker"},
            {"code": "A", "folder": r"f:\ADMINS\a"},
        ],
    )

    done = office.avplugin("administrations")

    assert done.returncode == 1
    assert "BAKKER: BAKKER differs only in case from Bakker in" in done.stderr
    assert f"{office.folder}/admins/A" in done.stdout


def test_a_loop_of_links_is_one_bad_folder_among_good_ones(office: World) -> None:
    fill(office.folder / "loops" / "GOOD")
    (office.folder / "loops" / "LOOP").symlink_to("LOOP")
    office.configure(administrations=[{"folders": f"{office.folder}/loops/*"}])

    done = office.avplugin("administrations")

    assert done.returncode == 1
    assert "LOOP: " in done.stderr
    assert "Traceback" not in done.stderr
    assert "GOOD" in done.stdout


def test_json_tells_what_is_bad_beside_what_is_good(office: World) -> None:
    office.configure(
        administrations=[
            {"folders": f"{office.folder}/admins/*"},
            {"code": "B", "folder": f"{office.folder}/gone"},
        ]
    )

    done = office.avplugin("--json", "administrations")

    assert done.returncode == 1
    answer = json.loads(done.stdout)
    assert [(entry["code"], entry["folder"] is None) for entry in answer["administrations"]] == [
        ("A", False),
        ("B", True),
    ]
    assert answer["bad"] == [
        {"label": "B", "place": f"{office.folder}/gone", "reason": "does not exist"}
    ]
    assert done.stderr == (
        f"avplugin: 1 folder cannot be backed up:\nB: does not exist: {office.folder}/gone\n"
    )
