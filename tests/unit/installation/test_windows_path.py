import os
import unicodedata
from pathlib import Path

import pytest

from avplugin.errors import AvpluginError
from avplugin.installation.windows_path import (
    AmbiguousNameError,
    Drives,
    DrivesError,
    MissingFolderError,
    NoDriveError,
    NotAPathError,
    PathError,
    UnreadableFolderError,
    UpwardPathError,
    is_windows_path,
    name_key,
    one_line,
    split_windows_path,
)


@pytest.fixture
def share(tmp_path: Path) -> Path:
    """The folder that F: and the share of server av are here."""
    folder = tmp_path / "share"
    (folder / "Admins" / "Bakker26").mkdir(parents=True)
    return folder


@pytest.mark.parametrize(
    "text",
    ["F:\\", "F:/", "f:", "F:\\admins\\x", "C:/Progs", r"\\server\share", "//server/share"],
)
def test_drives_and_network_paths_are_windows_paths(text: str) -> None:
    assert is_windows_path(text)


@pytest.mark.parametrize(
    "text",
    ["", "/", "/srv/av", "///srv/av", "admins", "F:admins", "FF:\\", "1:\\", "\\", "\\\\", "//"],
)
def test_other_texts_are_not_windows_paths(text: str) -> None:
    assert not is_windows_path(text)


@pytest.mark.parametrize(
    ("windows_path", "components"),
    [
        ("F:", ("F:",)),
        ("F:\\", ("F:",)),
        ("F:\\admins\\bakker26\\", ("F:", "admins", "bakker26")),
        ("F:/admins//bakker26/.", ("F:", "admins", "bakker26")),
        ("F:\\admins. \\bakker26 ", ("F:", "admins", "bakker26")),
        (r"\\server\av\admins", ("\\\\server", "av", "admins")),
        ("//server/av//admins/", ("\\\\server", "av", "admins")),
        (r"\\\\server\\av", ("\\\\server", "av")),
    ],
)
def test_a_windows_path_splits_as_windows_reads_it(
    windows_path: str, components: tuple[str, ...]
) -> None:
    assert split_windows_path(windows_path) == components


@pytest.mark.parametrize("windows_path", ["F:\\a\\..\\b", "F:\\..", "F:\\a\\.. ", "F:\\a\\...\\b"])
def test_a_path_that_goes_up_is_refused(windows_path: str) -> None:
    with pytest.raises(UpwardPathError, match=r"goes up with \.\."):
        split_windows_path(windows_path)


@pytest.mark.parametrize(
    "written",
    [
        r"F:\Admins\Bakker26",
        r"f:\ADMINS\bakker26",
        "F:/admins/BAKKER26/",
        "F:\\\\admins\\.\\bakker26\\\\",
        "F:\\admins.\\bakker26 ",
        r"\\SERVER\AV\admins\bakker26",
        "//server/av/admins/bakker26",
    ],
)
def test_a_windows_path_leads_to_the_folder_whatever_its_spelling(
    share: Path, written: str
) -> None:
    drives = Drives({"F:\\": str(share), r"\\server\av": str(share)})
    assert drives.to_local(written) == str(share / "Admins" / "Bakker26")


def test_the_longest_prefix_wins_and_only_at_whole_components(tmp_path: Path) -> None:
    for folder in ("f/docs/x", "docs/x", "f/docs2/x"):
        (tmp_path / folder).mkdir(parents=True)
    drives = Drives({"F:": str(tmp_path / "f"), "f:/DOCS/": str(tmp_path / "docs")})
    assert drives.to_local(r"F:\docs\x") == str(tmp_path / "docs" / "x")
    assert drives.to_local(r"F:\docs2\x") == str(tmp_path / "f" / "docs2" / "x")
    assert drives.to_local("F:\\docs") == str(tmp_path / "docs")


def test_a_drive_may_be_the_root_of_this_machine(tmp_path: Path) -> None:
    assert Drives({"Z:": "/"}).to_local("Z:" + str(tmp_path)) == str(tmp_path)


def test_a_path_without_a_drive_says_what_to_add(share: Path) -> None:
    drives = Drives({"F:\\": str(share)})
    with pytest.raises(NoDriveError) as caught:
        drives.to_local(r"g:\docs\bakker26")
    assert str(caught.value) == r"no drive maps g:\docs\bakker26 (add G:\ to drives)"
    with pytest.raises(NoDriveError, match=r"\(add \\\\server\\av to drives\)"):
        drives.to_local(r"\\server\av\admins")


def test_two_names_that_differ_in_case_only_are_ambiguous_even_for_the_exact_name(
    share: Path,
) -> None:
    (share / "Admins" / "BAKKER26").mkdir()
    with pytest.raises(AmbiguousNameError) as caught:
        Drives({"F:": str(share)}).to_local(r"F:\Admins\Bakker26")
    assert str(caught.value) == (
        f"BAKKER26 differs only in case from Bakker26 in {share}/Admins (rename one)"
    )


def test_names_match_however_their_accents_are_stored(share: Path) -> None:
    stored = unicodedata.normalize("NFD", "Café")
    (share / stored).mkdir()
    assert Drives({"F:": str(share)}).to_local("F:\\CAFÉ") == str(share / stored)
    (share / unicodedata.normalize("NFC", "Café")).mkdir()
    with pytest.raises(AmbiguousNameError, match="only in how its accents are stored"):
        Drives({"F:": str(share)}).to_local("F:\\CAFÉ")


def test_names_are_the_same_only_where_windows_says_so() -> None:
    assert name_key("Müller ÿ") == name_key("MÜLLER Ÿ")
    assert name_key("Straße") != name_key("STRASSE")
    assert name_key("\N{LATIN SMALL LETTER DOTLESS I}") != name_key("I")
    assert name_key("\N{LATIN SMALL LETTER LONG S}") != name_key("S")


def test_a_missing_component_names_the_deepest_existing_folder(share: Path) -> None:
    with pytest.raises(MissingFolderError) as caught:
        Drives({"F:": str(share)}).to_local(r"F:\admins\jansen26\docs")
    assert str(caught.value) == (
        rf"does not exist: F:\admins\jansen26\docs (no jansen26 in {share}/Admins)"
    )


def test_a_file_on_the_way_is_named(share: Path) -> None:
    (share / "file.txt").touch()
    with pytest.raises(MissingFolderError, match=f"is a file, not a folder: {share}/file.txt"):
        Drives({"F:": str(share)}).to_local(r"F:\file.txt\x")


def test_a_drive_whose_folder_is_gone_is_named(tmp_path: Path) -> None:
    drives = Drives({"F:": str(tmp_path / "gone")})
    assert drives.to_local("F:\\") == str(tmp_path / "gone")
    for _again in range(2):
        with pytest.raises(MissingFolderError, match=f"does not exist: {tmp_path}/gone"):
            drives.to_local(r"F:\x")


def test_a_folder_that_cannot_be_listed_is_an_error_of_its_own(
    share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(folder: str) -> None:
        raise PermissionError(13, "Permission denied", folder)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(
        UnreadableFolderError, match=f"cannot be listed, Permission denied: {share}"
    ):
        Drives({"F:": str(share)}).to_local(r"F:\Admins")


def test_a_thousand_folders_in_one_parent_cost_one_listing(
    share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1000):
        (share / "Admins" / f"Klant{number}").mkdir()
    listed: list[str] = []
    scandir = os.scandir

    def counted(folder: str) -> object:
        listed.append(folder)
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", counted)
    drives = Drives({"F:": str(share)})
    for number in range(1000):
        drives.to_local(rf"F:\ADMINS\KLANT{number}")
    assert listed == [str(share), f"{share}/Admins"]


def test_two_keys_for_one_prefix_are_refused() -> None:
    with pytest.raises(DrivesError, match=r"f:/ and F:\\ are the same folder"):
        Drives({"F:\\": "/a", "f:/": "/b"})


@pytest.mark.parametrize("key", ["", "/srv/av", "admins", "F:admins", "\\server", "F:\\..\\x"])
def test_a_key_that_is_no_windows_path_is_refused(key: str) -> None:
    with pytest.raises(DrivesError, match="drives: "):
        Drives({key: "/srv"})


def test_resolve_takes_windows_and_local_paths_and_follows_links(share: Path) -> None:
    link = share / "link"
    link.symlink_to(share / "Admins" / "Bakker26")
    drives = Drives({"F:": str(share)})
    real = os.path.realpath(share / "Admins" / "Bakker26")
    assert drives.resolve(r"F:\LINK") == real
    assert drives.resolve(str(link)) == real
    assert drives.resolve("/no/such/folder") == "/no/such/folder"


@pytest.mark.parametrize("text", ["admins/x", "", "~", "F:admins", "/a\0b", "/a\ud800b", "F:\\a\0"])
def test_resolve_refuses_what_is_no_absolute_path(text: str) -> None:
    with pytest.raises(NotAPathError):
        Drives({"F:": "/srv"}).resolve(text)


def test_a_loop_of_links_is_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    Drives({}).resolve(str(tmp_path / "a"))


def test_messages_stay_on_one_line() -> None:
    assert one_line("Café 26\n\udce9\u2028") == "Café 26\\n\\udce9\\u2028"
    with pytest.raises(PathError) as caught:
        Drives({}).resolve("F:\\a\nb")
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, AvpluginError)
