import json
import os
from pathlib import Path

from conftest import World

from avplugin.foxpro.open_table import OpenTable

FORGOTTEN = r"V:\Huisstijl\logo english.bmp: no configured folder covers it"
COUNT = "what tables name and no configured folder covers: 1, in 1 places"


def night(world: World, set_name: str = "system") -> str:
    """Call before-backup as borgmatic does, and end the run; return the warnings."""
    done = world.avplugin("before-backup", set_name)
    assert done.returncode == 0, done.stderr
    world.avplugin("failed-backup", set_name)
    return done.stderr


def notes(world: World, set_name: str = "system") -> dict[str, object]:
    document: dict[str, object] = json.loads(
        (world.state / set_name / "references.json").read_text()
    )
    return document


def write_logo(world: World, path: str, number: int = 1) -> Path:
    file = world.office / "Programma/Systeem/TAALCODE.DBF"
    opened = OpenTable(file)
    opened.update(number, {"LOGO": path})
    opened.write(opened.header.updated)
    return file


def test_what_no_folder_covers_is_told_once_as_new_and_counted_each_night(world: World) -> None:
    first = night(world)
    assert f"system: TAALCODE.DBF, field LOGO, names {FORGOTTEN}" in first
    assert COUNT in first
    assert "Layouts" not in first

    second = night(world)
    assert "TAALCODE.DBF" not in second
    assert COUNT in second

    write_logo(world, r"C:\Users\Anneke\logo.bmp")
    third = night(world)
    assert r"names C:\Users\Anneke\logo.bmp: 'drives' does not say where that is" in third
    assert FORGOTTEN not in third
    assert "covers: 2, in 2 places" in third


def test_what_is_covered_after_all_is_told_no_more_and_is_new_when_it_is_lost_again(
    world: World,
) -> None:
    night(world)
    world.configure(references={"ignore": [r"V:\Huisstijl"]})
    assert "configured folder covers" not in night(world)

    world.configure(references=None)
    assert FORGOTTEN in night(world)


def test_a_table_put_back_with_its_old_time_is_read_again(world: World) -> None:
    file = world.office / "Programma/Systeem/TAALCODE.DBF"
    before = file.stat()
    night(world)
    write_logo(world, "V:\\Huisstijl2\\x.bmp", 2)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    (world.office / "Programma/avwin.ini").write_text("changed")
    (world.office / "Programma/Systeem/new.txt").write_text("the folder has changed")
    (world.office / "Huisstijl2").mkdir()
    (world.office / "Huisstijl2/x.bmp").write_text("")

    said = night(world)
    assert r"V:\Huisstijl2\x.bmp" in said
    assert COUNT in said  # and no longer the one before


def test_damaged_notes_do_not_keep_a_backup_from_beginning(world: World) -> None:
    night(world)
    file = world.state / "system" / "references.json"
    for text in ("{", "[]", '{"looks": {"system": {}}, "told": []}'):
        file.write_text(text)

        said = night(world)
        assert "references.json is damaged" in said
        assert FORGOTTEN in said
        assert "looks" in notes(world)


def test_a_table_that_has_gone_names_nothing_any_more(world: World) -> None:
    night(world)
    file = world.office / "Programma/Systeem/TAALCODE.DBF"
    for path in (file, file.with_suffix(".FPT"), file.with_suffix(".CDX")):
        path.unlink()

    said = night(world)
    assert "configured folder covers" not in said
