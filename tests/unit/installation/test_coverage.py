from pathlib import Path

import pytest

from avplugin.installation.coverage import Coverage, Reach
from avplugin.installation.windows_path import Drives


@pytest.fixture
def office(tmp_path: Path) -> Path:
    for name in ("Layouts/logo.bmp", "Admins/BAKKER/T.DBF", "Other/x y.pdf", "Other/brief.doc"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    return tmp_path


def coverage(office: Path, *ignored: str) -> Coverage:
    stored = [str(office / "Layouts"), str(office / "Admins/BAKKER")]
    return Coverage(Drives({"V:\\": str(office)}), stored, ignored)


@pytest.mark.parametrize(
    ("written", "reach"),
    [
        (r"V:\Layouts\logo.bmp", Reach.COVERED),
        (r"v:/LAYOUTS/Logo.BMP", Reach.COVERED),
        (r"V:\layouts", Reach.COVERED),
        (r"V:\Admins", Reach.COVERED),  # only what is around it
        (r"V:\Other", Reach.OUTSIDE),
        (r"V:\Other\x y.pdf", Reach.OUTSIDE),
        (r"V:\Layouts\gone.bmp", Reach.NOTHING),
        (r"V:\Gone\gone.bmp", Reach.NOTHING),
        (r"Z:\logo.bmp", Reach.NO_DRIVE),
        (r"\\elders\share\logo.bmp", Reach.NO_DRIVE),
        (r"V:\Layouts\..\Other\x y.pdf", Reach.UNCLEAR),
    ],
)
def test_a_path_is_covered_outside_or_leads_nowhere(
    office: Path, written: str, reach: Reach
) -> None:
    judgement = coverage(office).judge(written)

    assert judgement.reach is reach
    assert bool(judgement.local) == (reach in {Reach.COVERED, Reach.OUTSIDE})
    assert bool(judgement.why) == (reach in {Reach.NO_DRIVE, Reach.UNCLEAR})


def test_the_rest_of_a_sentence_is_not_part_of_a_path(office: Path) -> None:
    judge = coverage(office).judge

    assert judge(r"V:\Other\brief.doc, en bel hem").written == r"V:\Other\brief.doc"
    assert judge(r"V:\Other\x y.pdf").written == r"V:\Other\x y.pdf"
    gone = judge(r"V:\Other\weg.doc voor meer")
    assert (gone.reach, gone.written) == (Reach.NOTHING, r"V:\Other\weg.doc")


def test_a_link_that_leads_out_of_a_stored_folder_is_outside(office: Path) -> None:
    (office / "Layouts/link.bmp").symlink_to(office / "Other/x y.pdf")

    assert coverage(office).judge(r"V:\Layouts\link.bmp").reach is Reach.OUTSIDE


def test_two_names_that_are_one_to_windows_are_unclear(office: Path) -> None:
    (office / "Layouts/LOGO.BMP").write_text("")

    assert coverage(office).judge(r"V:\Layouts\logo.bmp").reach is Reach.UNCLEAR


def test_what_is_ignored_counts_as_covered_with_all_below_it(office: Path) -> None:
    judge = coverage(office, "Z:\\backup", r"V:\Other\*.pdf").judge

    assert judge(r"z:\BACKUP\admins\a.zip").reach is Reach.COVERED
    assert judge(r"Z:\backup2\a.zip").reach is Reach.NO_DRIVE
    assert judge(r"V:\Other\x y.pdf").reach is Reach.COVERED
    assert judge(r"V:\Other\brief.doc").reach is Reach.OUTSIDE
