import contextlib
import os
import tempfile
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from avplugin.installation.locate import (
    AdministrationSource,
    Explicit,
    FolderGlob,
    Register,
    locate_installation,
)
from avplugin.installation.model import BadFolder, Folder, Installation, Kind
from avplugin.installation.register import RegisterError
from avplugin.installation.windows_path import Drives


@pytest.fixture
def office(tmp_path: Path) -> Path:
    """The server's folder: F: to AccountView, and \\\\server\\av to its services."""
    folder = tmp_path / "accountview"
    (folder / "admins").mkdir(parents=True)
    return folder.resolve()


def folder_with_a_table(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "GROOTBK.DBF").write_bytes(b"\x30")
    return folder


def located(
    office: Path,
    *administrations: AdministrationSource,
    program: str | None = None,
    system: str | None = None,
    extra: Sequence[str] = (),
    copy_documents_backup: Callable[[str], bool] = lambda _code: True,
) -> Installation:
    return locate_installation(
        name="accountview",
        program=program,
        system=system,
        extra=extra,
        administrations=administrations,
        drives=Drives({"F:\\": str(office), r"\\server\av": str(office)}),
        copy_documents_backup=copy_documents_backup,
    )


def explicit(code: str, folder: Path | str, *copy_documents: Path | str) -> Explicit:
    return Explicit(code, f"Name of {code}", str(folder), tuple(map(str, copy_documents)))


def register(office: Path, *rows: str) -> Register:
    file = office / "administraties.csv"
    file.write_text("\n".join(("CODE;NAAM;MAP;KOPIEDOC", *rows)) + "\n", encoding="utf-8")
    return Register(str(file), "code", "naam", "map", "kopiedoc")


def codes(installation: Installation) -> list[str]:
    return [administration.code for administration in installation.administrations]


def paths(installation: Installation) -> dict[str, str]:
    return {folder.label: folder.path for folder in installation.folders}


def reasons(installation: Installation) -> dict[str, str]:
    return {bad.label: bad.reason for bad in installation.bad}


def only_bad(installation: Installation) -> BadFolder:
    (bad,) = installation.bad
    return bad


# program, system and extra folders


def test_program_system_and_extra_folders_come_from_windows_or_local_paths(office: Path) -> None:
    program = folder_with_a_table(office / "Progs" / "AccountView")
    system = folder_with_a_table(program / "System")
    layouts = folder_with_a_table(office / "layouts")
    installation = located(
        office,
        program=r"F:\PROGS\accountview",
        system=str(system),
        extra=[r"\\server\av\layouts\\"],
    )
    assert installation.bad == ()
    assert installation.system_folders == (
        Folder(Kind.PROGRAM, "", "program", str(program), r"F:\PROGS\accountview"),
        Folder(Kind.SYSTEM, "", "system", str(system), str(system)),
        Folder(Kind.EXTRA, "layouts", "layouts", str(layouts), r"\\server\av\layouts\\"),
    )


def test_extra_folders_of_one_name_are_numbered(office: Path) -> None:
    extra = [str(folder_with_a_table(office / part / "Layouts")) for part in "ab"]
    extra += ["F:\\a\\LAYOUTS\\", "F:\\"]
    labels = [folder.label for folder in located(office, extra=extra).system_folders]
    assert labels == ["extra:Layouts", "extra:Layouts-2", "extra:LAYOUTS-3", "extra:F"]


def test_an_empty_extra_folder_is_fine_but_an_empty_program_or_system_folder_is_not(
    office: Path,
) -> None:
    empty = str(office / "admins")
    installation = located(office, program=empty, system=empty, extra=[empty])
    assert reasons(installation) == {"program": "is empty", "system": "is empty"}
    assert list(paths(installation)) == ["extra:admins"]


def test_what_cannot_be_found_is_bad_under_its_own_label(office: Path) -> None:
    (office / "file").touch()
    installation = located(
        office, program="F:\\none", system=str(office / "file"), extra=["Q:\\layouts", "layouts"]
    )
    found = reasons(installation)
    assert found["program"] == rf"does not exist: F:\none (no none in {office})"
    assert found["system"] == "is a file, not a folder"
    assert found["extra:layouts"] == r"no drive maps Q:\layouts (add Q:\ to drives)"
    assert found["extra:layouts-2"].startswith("not an absolute path: layouts")
    assert [bad.kind for bad in installation.bad] == [
        Kind.PROGRAM,
        Kind.SYSTEM,
        Kind.EXTRA,
        Kind.EXTRA,
    ]


def test_the_root_of_the_machine_is_no_folder_of_accountview(office: Path) -> None:
    (office / "root").symlink_to("/")
    installation = located(office, program="/", extra=["F:\\root"])
    assert set(reasons(installation).values()) == {"is the root folder of this machine"}


# sources


def test_sources_of_all_kinds_mix_in_their_order(office: Path) -> None:
    for code in ("A", "B", "C", "D"):
        folder_with_a_table(office / "admins" / code)
    installation = located(
        office,
        explicit("D", r"F:\admins\d"),
        register(office, r"C;Firma C;F:\ADMINS\c;", r"B;;\\SERVER\av\admins\B;"),
        FolderGlob(str(office / "admins" / "*")),
    )
    assert installation.bad == ()
    assert [(a.code, a.name, a.source) for a in installation.administrations] == [
        ("D", "Name of D", "configuration"),
        ("C", "Firma C", "administraties.csv line 2"),
        ("B", "B", "administraties.csv line 3"),
        ("A", "A", str(office / "admins" / "*")),
    ]
    assert paths(installation) == {code: str(office / "admins" / code) for code in "DCBA"}
    folder = installation.administrations[1].folder
    assert folder is not None
    assert folder.windows_path == r"F:\ADMINS\c"


def test_the_first_source_that_names_a_code_wins_even_where_it_is_wrong(office: Path) -> None:
    folder_with_a_table(office / "admins" / "bakker26")
    installation = located(
        office, explicit("BAKKER26 ", "F:\\none"), FolderGlob(str(office / "admins" / "*"))
    )
    assert codes(installation) == ["BAKKER26"]
    assert installation.administrations[0].folder is None
    assert only_bad(installation).label == "BAKKER26"


def test_a_code_that_stands_twice_in_a_register_is_left_out_with_both_places(
    office: Path,
) -> None:
    folder_with_a_table(office / "admins" / "A")
    installation = located(
        office,
        register(office, r"A;;F:\admins\A;", r"X;first;F:\admins\A;", r"x ;second;F:\none;"),
        explicit("X", office / "admins" / "A"),
    )
    assert codes(installation) == ["A"]
    bad = only_bad(installation)
    assert (bad.kind, bad.code, bad.label) == (Kind.ADMINISTRATION, "X", "X")
    assert bad.place == "administraties.csv line 3 and administraties.csv line 4"
    assert bad.reason == f"code X stands twice: {bad.place}"
    assert bad.path == str(office / "admins" / "A")


def test_a_code_that_stands_twice_in_the_configuration_is_left_out(office: Path) -> None:
    one, two = (folder_with_a_table(office / "admins" / name) for name in ("one", "two"))
    source = FolderGlob(str(office / "admins" / "*"))
    installation = located(office, explicit("X", one), source, explicit("x", two))
    assert codes(installation) == ["one", "two"]
    assert only_bad(installation).reason == f"code X stands twice: {one} and {two}"


def test_two_folders_whose_names_differ_in_case_only_are_left_out(office: Path) -> None:
    for name in ("Bakker", "BAKKER", "Jansen"):
        folder_with_a_table(office / "admins" / name)
    installation = located(office, FolderGlob(str(office / "admins" / "*")))
    assert codes(installation) == ["Jansen"]
    assert f"{office}/admins/BAKKER and {office}/admins/Bakker" in only_bad(installation).reason


def test_a_double_code_in_a_source_that_lost_is_nobodys_business(office: Path) -> None:
    folder_with_a_table(office / "admins" / "A")
    installation = located(
        office,
        FolderGlob(str(office / "admins" / "*")),
        register(office, r"A;;F:\x;", r"A;;F:\y;"),
    )
    assert codes(installation) == ["A"]
    assert installation.bad == ()


def test_rows_without_code_or_folder_are_named_and_the_others_go_on(office: Path) -> None:
    folder_with_a_table(office / "admins" / "A")
    installation = located(
        office, register(office, r";Zonder code;F:\admins\A;", "B;Zonder map;;", r"A;;F:\admins\A;")
    )
    assert reasons(installation) == {
        "administraties.csv line 2": "no code given",
        "B": "no folder given",
    }
    assert [bad.place for bad in installation.bad] == [f"administraties.csv line {n}" for n in "23"]
    assert list(paths(installation)) == ["A"]


def test_a_register_may_stand_on_a_windows_path(office: Path) -> None:
    folder_with_a_table(office / "admins" / "A")
    register(office, r"A;;F:\admins\A;")
    source = Register(r"F:\Administraties.CSV", "CODE", None, "MAP", None)
    assert codes(located(office, source)) == ["A"]
    for missing in (r"F:\none.csv", r"Q:\administraties.csv", str(office / "none.csv")):
        with pytest.raises(RegisterError, match="register "):
            located(office, Register(missing, "CODE", None, "MAP", None))


def test_two_administrations_may_share_a_folder(office: Path) -> None:
    folder = folder_with_a_table(office / "admins" / "A")
    installation = located(office, explicit("A", folder), explicit("B", folder))
    assert paths(installation) == {"A": str(folder), "B": str(folder)}


def test_a_code_that_breaks_the_line_is_refused(office: Path) -> None:
    folder = folder_with_a_table(office / "admins" / "A")
    bad = only_bad(located(office, explicit("A\x07B", folder)))
    assert (bad.label, bad.reason) == (
        "A\\x07B",
        "the code has characters that cannot be shown",
    )


# folder globs


def test_a_glob_passes_over_what_is_no_administration(office: Path) -> None:
    for name in (
        "BAKKER26",
        ".avplugin-staging",
        "BAKKER26.before-restore-20261122-020000",
        "@eaDir",
        "#recycle",
        "$RECYCLE.BIN",
        "lost+found",
        "System Volume Information",
    ):
        folder_with_a_table(office / "admins" / name)
    (office / "admins" / "administraties.dbf").touch()
    (office / "admins" / "lijst").symlink_to(office / "admins" / "administraties.dbf")
    for pattern in (str(office / "admins" / "*"), f"{office}/admins//*/", r"F:\ADMINS\*"):
        installation = located(office, FolderGlob(pattern))
        assert codes(installation) == ["BAKKER26"]
        assert installation.bad == ()


def test_a_glob_finds_links_under_the_links_name(office: Path) -> None:
    target = folder_with_a_table(office / "elsewhere" / "real")
    (office / "admins" / "JANSEN26").symlink_to(target)
    installation = located(office, FolderGlob(str(office / "admins" / "*")))
    assert paths(installation) == {"JANSEN26": str(target)}


def test_a_link_to_nowhere_is_named(office: Path) -> None:
    (office / "admins" / "JANSEN26").symlink_to(office / "disk that is gone")
    bad = only_bad(located(office, FolderGlob(str(office / "admins" / "*"))))
    assert (bad.label, bad.reason) == ("JANSEN26", "does not exist")


@pytest.mark.parametrize("start", ["{office}/", "F:\\"])
def test_folders_named_with_glob_characters_are_found_and_can_be_named(
    office: Path, start: str
) -> None:
    names = ["Klant 1", "Klant 2", "Klant [12]", "caféteria", "café*", "zoals dit?", "zoals dit1"]
    for name in names:
        folder_with_a_table(office / "admins" / name)
    start = start.format(office=office) + "admins" + start[-1]

    def found(pattern: str) -> list[str]:
        installation = located(office, FolderGlob(start + pattern))
        assert installation.bad == ()
        return codes(installation)

    assert found("*") == sorted(names)
    assert found("Klant [12]") == ["Klant [12]"]
    assert found("café*") == ["café*"]
    assert found("zoals dit?") == ["zoals dit?"]
    assert found("Klant [1]") == ["Klant 1"]
    assert found("Klant ?") == ["Klant 1", "Klant 2"]


def test_a_folder_called_star_does_not_hide_the_others(office: Path) -> None:
    for name in ("*", "A", "B"):
        folder_with_a_table(office / "admins" / name)
    assert codes(located(office, FolderGlob(f"{office}/admins/*"))) == ["*", "A", "B"]


def test_globs_may_stand_in_the_middle(office: Path) -> None:
    folder_with_a_table(office / "klanten [nl]" / "2025" / "admins" / "A")
    folder_with_a_table(office / "klanten [nl]" / "2026" / "Admins" / "B")
    folder_with_a_table(office / "klanten [nl]" / "2026" / "ander" / "C")
    (office / "klanten [nl]" / "file").touch()
    local = located(office, FolderGlob(f"{office}/klanten [nl]/*/[Aa]dmins/*"))
    assert codes(local) == ["A", "B"]
    windows = located(office, FolderGlob(r"f:\KLANTEN [NL]\20*\ADMINS\?"))
    assert codes(windows) == ["A", "B"]
    assert windows.bad == ()
    folder = windows.administrations[1].folder
    assert folder is not None
    assert folder.windows_path == r"f:\KLANTEN [NL]\2026\Admins\B"


def test_a_pattern_may_name_one_folder(office: Path) -> None:
    folder_with_a_table(office / "admins" / "BAKKER26")
    for pattern in (f"{office}/admins/BAKKER26/", r"F:\admins\BAKKER26"):
        assert codes(located(office, FolderGlob(pattern))) == ["BAKKER26"]


def test_codes_are_composed_however_the_folder_stores_its_accents(office: Path) -> None:
    folder_with_a_table(office / "admins" / unicodedata.normalize("NFD", "Café26"))
    pattern = f"{office}/admins/" + unicodedata.normalize("NFC", "Café*")
    installation = located(office, FolderGlob(pattern))
    assert codes(installation) == [unicodedata.normalize("NFC", "Café26")]
    assert installation.bad == ()


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("{office}/admins/*", "matches no folder"),
        ("{office}/admins/[", "matches no folder"),
        ("{office}/none/*", "does not exist: {office}/none"),
        ("{office}/none", "does not exist: {office}/none"),
        ("{office}/file/*", "is a file, not a folder: {office}/file"),
        (r"F:\admins\*", "matches no folder"),
        (r"F:\none\*", r"does not exist: F:\none (no none in {office})"),
        (r"F:\none", r"does not exist: F:\none (no none in {office})"),
        (r"Q:\admins\*", r"no drive maps Q:\admins (add Q:\ to drives)"),
        (r"F:\..\*", r"goes up with ..: F:\..\*"),
        ("admins/*", "not an absolute path: admins/* "),
        ("/a\0b/*", "not a path: /a\\x00b/*"),
    ],
)
def test_a_glob_that_matches_nothing_is_named(office: Path, pattern: str, reason: str) -> None:
    (office / "file").touch()
    (office / "admins" / ".hidden").mkdir()
    pattern = pattern.format(office=office)
    bad = only_bad(located(office, FolderGlob(pattern)))
    assert (bad.kind, bad.code) == (Kind.ADMINISTRATION, "")
    assert bad.label == bad.place == pattern.replace("\0", "\\x00")
    assert bad.reason.startswith(reason.format(office=office))


def test_the_root_as_a_pattern_is_bad(office: Path) -> None:
    assert only_bad(located(office, FolderGlob("/"))).reason == "is the root folder of this machine"


# bad folders


def test_one_bad_folder_does_not_stop_the_others(office: Path) -> None:
    good = folder_with_a_table(office / "admins" / "GOOD")
    (office / "admins" / "EMPTY").mkdir()
    (office / "file").touch()
    installation = located(
        office,
        explicit("GONE", office / "gone"),
        explicit("FILE", "F:\\file"),
        explicit("EMPTY", "F:\\admins\\empty"),
        explicit("NODRIVE", "Q:\\x"),
        explicit("GOOD", good),
    )
    assert codes(installation) == ["GONE", "FILE", "EMPTY", "NODRIVE", "GOOD"]
    assert paths(installation) == {"GOOD": str(good)}
    assert [(bad.label, bad.place, bad.reason, bad.path) for bad in installation.bad] == [
        ("GONE", f"{office}/gone", "does not exist", f"{office}/gone"),
        ("FILE", "F:\\file", "is a file, not a folder", f"{office}/file"),
        ("EMPTY", "F:\\admins\\empty", "is empty", f"{office}/admins/EMPTY"),
        ("NODRIVE", "Q:\\x", "no drive maps Q:\\x (add Q:\\ to drives)", ""),
    ]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (" Bakker", "white space"),
        ("Bakker ", "white space"),
        ("Bakker\u00a0", "white space"),
        ("Bakker\n26", "line break"),
        ("Bakker\u202826", "line break"),
        ("Bakker\x8526", "line break"),
        ("Bakker\udce926", "not valid UTF-8"),
    ],
)
def test_a_name_that_a_pattern_file_cannot_express_is_bad(
    office: Path, name: str, reason: str
) -> None:
    folder_with_a_table(office / "admins" / name)
    folder_with_a_table(office / "admins" / "GOOD")
    by_glob = located(office, FolderGlob(f"{office}/admins/*"))
    by_name = located(
        office, explicit("GOOD", "F:\\admins\\good"), explicit("X", f"{office}/admins/{name}")
    )
    inside = located(
        office, FolderGlob(f"{office}/*/GOOD"), explicit("X", f"{office}/admins/{name}/.")
    )
    for installation in (by_glob, by_name, inside):
        assert list(paths(installation)) == ["GOOD"]
        bad = only_bad(installation)
        assert reason in bad.reason
        for text in (bad.label, bad.place, bad.reason, bad.code):
            assert text.encode().decode().splitlines() == [text]


def test_a_bad_name_further_up_is_bad_too(office: Path) -> None:
    folder_with_a_table(office / "admins " / "A")
    installation = located(office, explicit("A", f"{office}/admins /A"))
    assert only_bad(installation).reason == (
        "has white space before or after its name: 'admins ' (rename it)"
    )


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that any user may go into; pytest's own belong to one user only."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder).resolve()


@contextlib.contextmanager
def rights_of_an_ordinary_user() -> Iterator[None]:
    """Root may read everything, so root becomes nobody for the time of the look."""
    if os.geteuid() != 0:
        yield
        return
    os.setegid(65534)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


def test_folders_without_the_right_to_read_or_enter_are_bad(public_folder: Path) -> None:
    office = public_folder
    for name in ("GOOD", "SHUT", "LISTONLY", "ENTERONLY"):
        folder_with_a_table(office / "admins" / name)
    folder_with_a_table(office / "closed" / "A")
    modes = {"admins/SHUT": 0o000, "admins/LISTONLY": 0o444, "admins/ENTERONLY": 0o111, "closed": 0}
    for name, mode in modes.items():
        (office / name).chmod(mode)
    try:
        with rights_of_an_ordinary_user():
            installation = located(
                office,
                FolderGlob(f"{office}/admins/*"),
                FolderGlob(f"{office}/closed/*"),
                explicit("INSIDE", f"{office}/closed/A"),
                explicit("WINDOWS", "F:\\closed\\A"),
            )
    finally:
        for name in modes:
            (office / name).chmod(0o755)

    reason = "cannot be read (this user has no right to it)"
    assert list(paths(installation)) == ["GOOD"]
    assert reasons(installation) == {
        "ENTERONLY": reason,
        "LISTONLY": reason,
        "SHUT": reason,
        f"{office}/closed/*": f"{reason}: {office}/closed",
        "INSIDE": reason,
        "WINDOWS": f"cannot be listed, Permission denied: {office}/closed"
        r" (on the way to F:\closed\A)",
    }


def test_a_folder_below_a_glob_that_cannot_be_looked_into_is_named(public_folder: Path) -> None:
    folder_with_a_table(public_folder / "north" / "admins" / "A")
    (public_folder / "south").mkdir(mode=0o000)
    pattern = f"{public_folder}/*/admins/*"
    try:
        with rights_of_an_ordinary_user():
            installation = located(public_folder, FolderGlob(pattern))
    finally:
        (public_folder / "south").chmod(0o755)
    assert codes(installation) == ["A"]
    assert reasons(installation) == {
        pattern: f"cannot be read, Permission denied: {public_folder}/south"
    }


# copy documents


def test_copy_documents_are_folders_of_their_own(office: Path) -> None:
    folder = folder_with_a_table(office / "admins" / "A")
    (folder / "KOPIEDOC").mkdir()
    (office / "docs").mkdir()
    installation = located(office, explicit("A", folder, r"F:\admins\a\kopiedoc", office / "docs"))
    assert installation.bad == ()
    (administration,) = installation.administrations
    assert administration.copy_documents == (
        Folder(
            Kind.COPY_DOCUMENTS,
            "A",
            "Name of A",
            str(folder / "KOPIEDOC"),
            r"F:\admins\a\kopiedoc",
        ),
        Folder(
            Kind.COPY_DOCUMENTS, "A", "Name of A", str(office / "docs"), str(office / "docs"), 1
        ),
    )


def test_a_missing_folder_of_copy_documents_leaves_the_administration_good(office: Path) -> None:
    folder = folder_with_a_table(office / "admins" / "A")
    (office / "docs").mkdir()
    installation = located(office, explicit("A", folder, "F:\\none", "F:\\docs"))
    assert list(paths(installation)) == ["A", "copy documents of A (2)"]
    bad = only_bad(installation)
    assert (bad.kind, bad.code, bad.label) == (Kind.COPY_DOCUMENTS, "A", "copy documents of A")


def test_copy_documents_are_kept_where_the_administration_is_missing(office: Path) -> None:
    (office / "docs").mkdir()
    installation = located(office, explicit("A", "F:\\none", "F:\\docs"))
    assert list(paths(installation)) == ["copy documents of A"]
    assert only_bad(installation).kind is Kind.ADMINISTRATION


def test_copy_documents_that_are_not_backed_up_are_found_but_not_missed(office: Path) -> None:
    folder = folder_with_a_table(office / "admins" / "A")
    (office / "docs").mkdir()
    installation = located(
        office,
        explicit("A", folder, "F:\\docs", "F:\\none"),
        explicit("B", folder, "F:\\none"),
        copy_documents_backup=lambda code: code == "B",
    )
    assert list(paths(installation)) == ["A", "copy documents of A", "B"]
    assert list(reasons(installation)) == ["copy documents of B"]


def test_copy_documents_in_the_administrations_own_folder_are_said_once(office: Path) -> None:
    folder = folder_with_a_table(office / "admins" / "A")
    (office / "docs").mkdir()
    (office / "link").symlink_to(folder)
    installation = located(
        office, explicit("A", folder, r"F:\admins\a", "F:\\link", "F:\\docs", "F:\\DOCS")
    )
    assert installation.bad == ()
    assert list(paths(installation)) == ["A", "copy documents of A (3)"]


def test_a_thousand_administrations_are_found_in_a_moment(office: Path) -> None:
    rows = []
    for number in range(1000):
        folder_with_a_table(office / "admins" / f"Klant{number}")
        rows.append(rf"KLANT{number};Klant {number};F:\ADMINS\KLANT{number}\;")
    listings: list[str] = []
    scandir = os.scandir

    def counted(folder: object) -> object:
        listings.append(str(folder))
        return scandir(str(folder))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "scandir", counted)
        installation = located(office, register(office, *rows))
    assert len(installation.folders) == 1000
    assert listings.count(str(office / "admins")) == 1
