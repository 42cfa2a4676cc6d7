import pathlib
import shutil
import time

import pypdf
import pytest

from avplugin.demo.office import Office, generate_office, open_office
from avplugin.demo.working_day import play_working_day
from avplugin.errors import AvpluginError


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Office:
    folder = tmp_path_factory.mktemp("office") / "kantoor"
    return generate_office(folder, administrations=6, size=300_000)


@pytest.fixture
def office(template: Office, tmp_path: pathlib.Path) -> Office:
    shutil.copytree(template.folder, tmp_path / "kantoor")
    return open_office(tmp_path / "kantoor")


def contents(folder: pathlib.Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_half_of_the_administrations_change_and_nothing_else_does(office: Office) -> None:
    before = contents(office.folder)
    day = play_working_day(office.folder)
    after = contents(office.folder)

    changed = {name for name in after if before.get(name) != after[name]}
    touched = [each for each in office.administrations if each.code in day.administrations]
    assert len(touched) == 3
    for each in touched:
        assert f"Administraties/{each.folder.name}/MUTATIE.DBF" in changed
    allowed = [folder for each in touched for folder in (each.folder, *each.copy_documents)]
    for name in changed:
        assert any((office.folder / name).is_relative_to(folder) for folder in allowed), name
    assert before.keys() <= after.keys()


def test_files_are_changed_in_place_and_only_grow(office: Office) -> None:
    inodes = {path: path.stat().st_ino for path in office.folder.rglob("*")}
    before = contents(office.folder)
    day = play_working_day(office.folder)
    after = contents(office.folder)

    assert all(path.stat().st_ino == inode for path, inode in inodes.items())
    for name in before:
        old, new = before[name], after[name]
        assert len(new) >= len(old)
        different = sum(1 for one, other in zip(old, new, strict=False) if one != other)
        assert different <= max(len(old) // 4, 3 * 512), name
        if name.endswith(".DBF") and len(new) > 20_000:
            assert different < len(old) // 30, name
    pages = sum(
        before[name][place : place + 512] != after[name][place : place + 512]
        for name in before
        if name.endswith(".CDX")
        for place in range(0, len(after[name]), 512)
    )
    assert pages == day.index_pages_rewritten > 20


def test_a_day_counts_what_it_did(office: Office) -> None:
    before = contents(office.folder)
    day = play_working_day(office.folder)
    after = contents(office.folder)

    def records(files: dict[str, bytes]) -> int:
        return sum(
            int.from_bytes(content[4:8], "little")
            for name, content in files.items()
            if name.endswith(".DBF")
        )

    assert records(after) - records(before) == day.records_appended > 20
    assert day.records_updated > 10
    assert day.memo_blocks_added > 0
    new = {office.folder / name for name in after.keys() - before.keys()}
    assert new == set(day.documents_added)
    assert new
    for path in new:
        assert path.stem in pypdf.PdfReader(path, strict=True).pages[0].extract_text()


def test_the_date_of_last_update_moves_on_and_the_file_times_are_those_of_now(
    office: Office,
) -> None:
    start = time.time() - 2
    day = play_working_day(office.folder)
    (touched, *_) = [each for each in office.administrations if each.code in day.administrations]
    path = touched.folder / "MUTATIE.DBF"

    assert path.read_bytes()[1:4] == bytes([26, 3, 3])
    assert path.stat().st_mtime > start


def test_the_same_seed_does_the_same_work(
    office: Office, template: Office, tmp_path: pathlib.Path
) -> None:
    shutil.copytree(template.folder, tmp_path / "second")
    shutil.copytree(template.folder, tmp_path / "third")
    for folder, seed in ((office.folder, 5), (tmp_path / "second", 5), (tmp_path / "third", 6)):
        play_working_day(folder, seed=seed)
        play_working_day(folder, seed=seed + 1)

    assert contents(office.folder) == contents(tmp_path / "second")
    assert contents(office.folder) != contents(tmp_path / "third")


def test_packing_removes_deleted_records_and_leaves_the_old_table_beside_it(
    office: Office,
) -> None:
    day = play_working_day(office.folder, pack=True)

    (code,) = {name.split("/")[0] for name in day.tables_packed}
    assert {f"{code}/MUTATIE", f"{code}/DEBITEUR"} <= set(day.tables_packed)
    (folder,) = [each.folder for each in office.administrations if each.code == code]
    for table in [name.split("/")[1] for name in day.tables_packed]:
        packed, old = ((folder / f"{table}{ending}").read_bytes() for ending in (".DBF", ".BAK"))
        start, length = (int.from_bytes(old[at : at + 2], "little") for at in (8, 10))
        assert len(packed) < len(old)
        assert b"*" in old[start::length]
        assert b"*" not in packed[start::length]


def test_those_that_are_not_busy_have_a_tenth_of_the_work(tmp_path: pathlib.Path) -> None:
    days = []
    for busy in (1.0, 0.0):
        folder = tmp_path / str(busy)
        generate_office(folder, administrations=4, size=1_500_000)
        days.append(play_working_day(folder, share=1.0, busy=busy))

    full, one = (day.records_appended for day in days)
    assert full / 4 < one < full / 2


def test_people_work_in_the_share_of_the_administrations_that_is_asked_for(office: Office) -> None:
    assert len(play_working_day(office.folder, share=0.3).administrations) == 2


def test_an_administration_that_is_gone_is_passed_over(office: Office) -> None:
    for each in office.administrations[1:]:
        shutil.rmtree(each.folder)

    assert play_working_day(office.folder).administrations == ("BAKKER26",)


@pytest.mark.parametrize("spoil", ["DEMO.txt", "administraties.dbf"])
def test_what_is_not_known_to_be_a_demo_office_is_never_written_in(
    office: Office, spoil: str
) -> None:
    (office.folder / spoil).write_text("something else")
    before = contents(office.folder)

    with pytest.raises(AvpluginError, match="is no demo office"):
        play_working_day(office.folder)
    (office.folder / spoil).unlink()
    with pytest.raises(AvpluginError, match="is no demo office"):
        play_working_day(office.folder)
    before.pop(spoil)
    assert contents(office.folder) == before


@pytest.mark.parametrize("name", ["MUTATIE.DBF", "FACTUUR.CDX", "FACTUUR.FPT"])
def test_a_damaged_file_is_told_in_a_sentence(office: Office, name: str) -> None:
    for each in office.administrations:
        (each.folder / name).write_bytes(b"")

    with pytest.raises(AvpluginError, match="cannot play a working day in"):
        play_working_day(office.folder)
