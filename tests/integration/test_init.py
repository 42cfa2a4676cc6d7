"""avplugin init: from nothing to a first backup, and a sheet of paper that brings it back."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import World, tree, without_privileges
from terminal import Tmux

from avplugin.configuration.load import load_configuration
from avplugin.demo.office import generate_office


def make_office(folder: Path) -> World:
    """An office without any configuration."""
    (folder / "tmp").mkdir(parents=True)
    (folder / "home").mkdir()
    world = World(folder)
    generate_office(world.office, administrations=3, size=50_000)
    return world


def all_but_temporary(world: World) -> dict[bytes, tuple[object, ...]]:
    """All that is in the world's folder, but for where temporary files were."""
    return {path: found for path, found in tree(world.folder).items() if path != b"/tmp"}


def options(world: World, **changed: str) -> list[str]:
    """Return what init has to be told of this office, in its simplest form."""
    said = {
        "program": str(world.office / "Programma"),
        "system": str(world.office / "Programma" / "Systeem"),
        "folders": f"{world.administrations}/*",
        "repository": str(world.repository),
        "sessions": "nobody",
        "state": str(world.state),
        **changed,
    }
    return [word for name, value in said.items() if value for word in (f"--{name}", value)]


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> World:
    """An office that was configured without a question, as somebody with Windows paths would."""
    world = make_office(tmp_path_factory.mktemp("init") / "it's")
    shared = f"\\\\KANTOOR\\AccountView={world.office}"
    done = world.avplugin(
        *("init", "--yes", "--encryption", "keyfile-blake2", "--drive", f"V:\\={world.office}"),
        *("--drive", shared, "--register", world.office / "administraties.dbf"),
        *("--extra", world.office / "Layouts", "--schedule", "none"),
        *options(
            world,
            program="\\\\KANTOOR\\AccountView\\Programma",
            system="\\\\kantoor\\accountview\\PROGRAMMA\\Systeem",
            folders="",
        ),
    )
    assert done.returncode == 0, done.stderr
    assert "things fine" in done.stdout
    call = f"avplugin --config {shlex.quote(str(world.configuration))}"
    assert f"No schedule yet: {call} schedule install --" in done.stdout
    assert f"nobody is logged in to AccountView: {call} backup; then" in done.stdout
    assert "error" not in done.stdout
    backed_up = world.avplugin("backup")
    assert backed_up.returncode == 0, backed_up.stderr
    return world


@pytest.fixture
def office(tmp_path: Path) -> World:
    """An office without any configuration."""
    return make_office(tmp_path / "world")


def test_the_first_backup_works_without_a_question(started: World) -> None:
    snapshots = started.avplugin_json("snapshots")

    assert {one["series"] for one in snapshots} == {
        "accountview-system",
        "accountview-administrations",
    }
    assert all(one["clean"] and not one["left_out"] for one in snapshots)
    labels = {folder["label"] for one in snapshots for folder in one["folders"]}
    assert {"program", "system", "extra:Layouts", "BAKKER26"} <= labels
    register = load_configuration(str(started.configuration)).administrations[0]
    assert (register.code, register.folder) == ("ADM_CODE", "ADM_MAP")  # type: ignore[union-attr]


def test_borgmatic_by_itself_finds_the_configuration(started: World) -> None:
    done = started.borgmatic("create", set_name="system", AVPLUGIN_CONFIG="")

    assert done.returncode == 0, done.stderr
    assert "nothing has changed" in done.stdout


def test_the_passphrase_is_nobodys_but_the_owners_and_on_no_sheet(started: World) -> None:
    passphrase = started.configuration.with_name("passphrase")
    sheet = started.configuration.with_name("emergency-sheet.txt")
    secret = passphrase.read_text().strip()

    for file in (passphrase, sheet):
        assert file.stat().st_mode & 0o777 == 0o600
    assert len(secret) == 35
    assert secret not in sheet.read_text()
    assert "write it here by hand" in sheet.read_text()
    assert "BORG PAPER KEY" in sheet.read_text()


def test_the_sheet_brings_everything_back_on_a_new_machine(started: World, tmp_path: Path) -> None:
    sheet = started.configuration.with_name("emergency-sheet.txt").read_text()
    typed = started.configuration.with_name("passphrase").read_text().strip()
    paper = sheet.split("BORG PAPER KEY v1\n")[1].split("\n\n")[0].splitlines()
    commands = [line.strip() for line in sheet.splitlines() if line.startswith("    ")]
    (tmp_path / "home").mkdir()
    environment = {
        "PATH": started.environment["PATH"],
        "HOME": str(tmp_path / "home"),
        "LANG": "C.UTF-8",
        "BORG_PASSPHRASE": typed,
        "BORG_RELOCATED_REPO_ACCESS_IS_OK": "no",
    }
    assert commands[:2] == ["./run setup", 'export PATH="$PWD/.venv/bin:$PATH"']

    for command in commands[2:]:
        done = subprocess.run(
            ["sh", "-c", command.replace("CODE", "BAKKER26").replace("NAME", "Layouts")],
            env=environment,
            cwd=tmp_path,
            input="".join(f"{line.split(':', 1)[1].strip()}\n" for line in paper),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"

    books = started.administrations / "BAKKER26"
    assert tree(tmp_path / "restored" / "BAKKER26") == tree(books)
    assert (tmp_path / "restored" / "program" / "avwin.exe").exists()
    assert (tmp_path / "restored" / "system").is_dir()


def test_the_sheet_is_made_again_and_noted(started: World, tmp_path: Path) -> None:
    noted = started.state / "emergency_sheet.json"
    before = json.loads(noted.read_text())

    shown = started.avplugin("--language", "nl", "init", "--sheet")
    written = started.avplugin("init", "--sheet", "--sheet-file", tmp_path / "sheet.txt")

    assert shown.returncode == written.returncode == 0, shown.stderr + written.stderr
    assert shown.stdout.startswith("NOODBLAD")
    assert "BORG PAPER KEY" in (tmp_path / "sheet.txt").read_text()
    after = json.loads(noted.read_text())
    assert after["made"] >= before["made"]
    assert after["repositories"] == before["repositories"]


def test_a_configuration_that_is_there_stays_as_it_is(started: World) -> None:
    before = tree(started.configuration.parent)

    done = started.avplugin("init", "--yes", *options(started))

    assert done.returncode == 1
    assert "there is a configuration already" in done.stderr
    assert "--force" in done.stderr
    assert tree(started.configuration.parent) == before


def test_written_anew_the_old_is_kept_and_so_is_the_passphrase(started: World) -> None:
    folder = started.configuration.parent
    old = started.configuration.read_text()
    passphrase = (folder / "passphrase").read_text()
    mode = ("--encryption", "keyfile-blake2")

    done = started.avplugin("init", "--yes", "--force", "--name", "other", *mode, *options(started))

    assert done.returncode == 0, done.stderr
    assert (folder / "accountview.yaml.old").read_text() == old
    assert "other" in started.configuration.read_text()
    assert (folder / "passphrase").read_text() == passphrase
    for file in folder.rglob("*.old"):
        file.rename(file.with_suffix(""))


def wrong(world: World, case: str) -> tuple[list[str], str]:
    """Return words that cannot be, and what has to be said of them."""
    inside = str(world.administrations / "BAKKER26")
    register = str(world.office / "administraties.dbf")
    drives = ["--drive", f"\\\\KANTOOR\\AccountView={world.office}"]
    cases: dict[str, tuple[list[str], str]] = {
        "missing folder": (options(world, program="/nowhere"), "program: does not exist: /nowhere"),
        "unknown drive": (options(world, system="F:\\Systeem"), "add F:\\ to drives"),
        "no administrations": (
            options(world, folders=f"{world.folder}/home/*"),
            "no administration has a folder",
        ),
        "missing register": (
            options(world, folders="", register="/nowhere.dbf"),
            "/nowhere.dbf does not exist",
        ),
        "wrong column": (
            [
                *(*drives, "--column-code", "CODE", "--column-folder", "ADM_MAP"),
                *options(world, folders="", register=register),
            ],
            "has no column CODE",
        ),
        "no register": (
            options(world, folders="", register=str(world.office / "Programma" / "avwin.exe")),
            "register",
        ),
        "repository inside": (options(world, repository=f"{inside}/b.borg"), "lies in AccountView"),
        "repository around": (options(world, repository=str(world.office)), "a folder that holds"),
        "state inside": (options(world, state=f"{inside}/state"), "lies in AccountView"),
        "relative repository": (options(world, repository="backups"), "neither a path"),
        "windows repository": (options(world, repository="E:\\backups"), "is a Windows path"),
        "colon": (options(world, repository="/mnt/a:b"), "another computer's name"),
        "password in the URL": (options(world, repository="ssh://a:b@c/d"), "password does not"),
        "bad name": (["--name", "a b", *options(world)], "installation.name"),
        "missing sessions file": (options(world, sessions="/nowhere.yaml"), "cannot read the"),
        "sessions without sessions": (
            options(world, sessions=str(world.office / "DEMO.txt")),
            "holds no 'sessions:'",
        ),
    }
    return cases[case]


@pytest.mark.parametrize(
    "case",
    [
        "missing folder",
        "unknown drive",
        "no administrations",
        "missing register",
        "wrong column",
        "no register",
        "repository inside",
        "repository around",
        "state inside",
        "relative repository",
        "windows repository",
        "colon",
        "password in the URL",
        "bad name",
        "missing sessions file",
        "sessions without sessions",
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_written(case: str, office: World) -> None:
    words, said = wrong(office, case)
    before = all_but_temporary(office)

    done = office.avplugin("init", "--yes", *words)

    assert done.returncode == 1, done.stdout
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "avplugin-init-" not in done.stderr  # where the draft was
    assert all_but_temporary(office) == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "--program, --system, --register or --folders, --repository, --sessions"),
        (["--register", "a", "--folders", "b"], "exclude each other"),
        (["--encryption", "none"], "--encryption is one of"),
        (["--drive", "F:"], "not of the form"),
    ],
)
def test_words_that_cannot_be_meant_are_refused(office: World, words: list[str], said: str) -> None:
    done = office.avplugin("init", *words)

    assert done.returncode == 2
    assert said in done.stderr


def test_who_may_not_write_there_is_told_before_any_question(office: World) -> None:
    (office.folder / "etc").mkdir(mode=0o500)

    done = office.run(*without_privileges(), "avplugin", "init", "--yes", *options(office))

    assert done.returncode == 1
    assert "put sudo before the command" in done.stderr
    assert list((office.folder / "etc").iterdir()) == []


def test_a_repository_that_cannot_be_made_leaves_a_configuration_and_says_what_to_do(
    office: World,
) -> None:
    office.repository.mkdir()
    (office.repository / "photo.jpg").touch()

    done = office.avplugin("init", "--yes", *options(office))

    assert done.returncode == 1
    assert "the repository could not be made" in done.stderr
    assert f"There is already something at {office.repository}" in done.stderr
    assert "repo-create --encryption repokey-blake2" in done.stderr
    assert f"  avplugin --config {office.configuration} init --sheet\n" in done.stderr
    assert office.configuration.exists()
    assert [file.name for file in office.repository.iterdir()] == ["photo.jpg"]


@pytest.fixture
def wizard(office: World, tmp_path: Path) -> Iterator[Tmux]:
    """Init in a terminal of 80 by 24."""
    words = ("avplugin", "init", "--state", office.state)
    tmux = Tmux(office, tmp_path, *words, LANG="nl_NL.UTF-8")
    yield tmux
    tmux.end()


def test_somebody_who_reads_help_info_gets_there_in_dutch(office: World, wizard: Tmux) -> None:
    wizard.wait_for("in Help > Info getoond:")
    assert "/nergens is er niet" in wizard.answer("/nergens", "is er niet")
    wizard.answer("\\\\KANTOOR\\AccountView\\Programma", "Waar is \\\\KANTOOR\\AccountView op")
    wizard.answer(str(office.office), "systeemtabellen")
    wizard.answer("b", "programmabestanden")
    wizard.answer("\\\\KANTOOR\\AccountView\\Programma", "systeemtabellen")
    wizard.answer("\\\\KANTOOR\\AccountView\\Programma\\Systeem", "Een extra map, of Enter")
    wizard.answer(str(office.office / "Layouts"), "Een extra map, of Enter")
    wizard.answer("", "Bestand, of map met /*:")
    wizard.answer("/nergens.dbf", "does not exist")
    columns = wizard.answer(str(office.office / "administraties.dbf"), "Uw keuze [1]:")
    assert "In welke kolom staat de code?" in columns
    assert "BAKKER26" in columns
    assert "Uw keuze [2]:" in wizard.answer("", "staat de naam")
    assert "Uw keuze [3]:" in wizard.answer("", "Map administratie")
    assert "Uw keuze [4]:" in wizard.answer("", "Map kopiedoc")
    wizard.answer("", "Waar is V:\\ op deze computer?")
    wizard.answer(str(office.office), "Hoe kan avplugin te weten komen")
    wizard.answer("4", "Pad of URL:")
    wizard.answer("backups", "neither a path")
    inside = wizard.answer(f"{office.office}/Layouts/av.borg", "Pad of URL:")
    assert "lies in AccountView's folder" in inside.replace("\n", "")
    summary = wizard.answer(str(office.repository), "Dit schrijven? [J/n]")
    assert re.search(r"Administraties +3$", summary, re.MULTILINE)
    assert not office.configuration.exists()
    wizard.answer("", "Elke nacht een reservekopie")
    done = wizard.answer("n", "ended with")

    assert "ended with 0" in done
    assert "probeer daarna iets terug te zetten" in done
    sheet = office.configuration.with_name("emergency-sheet.txt").read_text()
    assert sheet.startswith("NOODBLAD")
    assert office.repository.is_dir()
    listed = office.avplugin_json("administrations")
    assert listed["administrations"][0]["code"] == "BAKKER26"
    assert listed["bad"] == []
    assert len(listed["administrations"][0]["copy_documents"]) == 1


def test_who_stops_has_written_nothing(office: World, wizard: Tmux) -> None:
    before = tree(office.folder)
    wizard.wait_for("Help > Info getoond:")

    assert "ended with 130" in wizard.answer("q", "ended with")

    assert tree(office.folder) == before
