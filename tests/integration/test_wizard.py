"""The restore wizard in a real terminal, from the first question to the folder on disk."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import World, make_world, tree
from terminal import Terminal, Tmux

DUTCH = "nl_NL.UTF-8"
Open = Callable[..., Tmux]


@pytest.fixture(scope="module")
def backed_up(template: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    """An office with a clean night, a day's work, and another clean night."""
    world = make_world(template, tmp_path_factory.mktemp("wizard") / "world")
    done = world.run(
        *("borgmatic", "--config", world.borgmatic_file("system")),
        *("--config", world.borgmatic_file(), "create"),
    )
    assert done.returncode == 0, done.stderr
    shutil.copytree(bakker(world), world.folder / "first night", symlinks=True)
    (bakker(world) / "NIEUW.TXT").write_text("second night")
    assert world.borgmatic("create").returncode == 0
    (bakker(world) / "NIEUW.TXT").write_text("today")
    return world


@pytest.fixture
def office(backed_up: World) -> Iterator[World]:
    """The same, to do with as a test likes: afterwards all is as it was, in the same place."""
    as_it_was = backed_up.folder.with_name("as it was")
    shutil.copytree(backed_up.folder, as_it_was, symlinks=True)
    yield backed_up
    shutil.rmtree(backed_up.folder)
    as_it_was.rename(backed_up.folder)


@pytest.fixture
def open_wizard(office: World, tmp_path: Path) -> Iterator[Open]:
    """What starts avplugin restore in a tmux."""
    opened: list[Tmux] = []

    def start(*words: str | Path, **environment: str) -> Tmux:
        opened.append(Tmux(office, tmp_path, "avplugin", *words, **environment))
        return opened[-1]

    yield start
    for tmux in opened:
        tmux.end()


def bakker(world: World) -> Path:
    return world.administrations / "BAKKER26"


def test_an_older_version_goes_back_in_its_place_in_dutch(office: World, open_wizard: Open) -> None:
    today = tree(bakker(office))
    wizard = open_wizard("restore", LANG=DUTCH)

    first = wizard.wait_for("Uw keuze:")
    assert "Welke administratie of andere map wilt u terugzetten?" in first
    assert "Eetcafé d'Oude Brug (tot 2025)" in first
    found = wizard.answer("bakkerij", "Uw keuze:")
    assert "CAFEOUD" not in found
    versions = wizard.answer("1", "Ongewijzigd sinds")
    assert "in orde" in versions
    places = wizard.answer("2", "oorspronkelijke plaats")
    assert str(bakker(office)) in places.replace("\n   ", "")
    assert "Hier staan nu gegevens" in places
    assert "kopiedocumenten" in wizard.answer("1", "[J/n]")
    wizard.answer("", "Nu terugzetten? [j/N]")
    done = wizard.answer("j", "ended with")

    assert "ended with 0" in done
    assert "Teruggezet: BAKKER26" in done
    assert tree(bakker(office)) == tree(office.folder / "first night")
    [kept] = office.administrations.glob("BAKKER26.before-restore-*")
    assert tree(kept) == today


def test_what_is_lost_goes_back_by_pressing_enter(office: World, open_wizard: Open) -> None:
    shutil.rmtree(bakker(office))
    wizard = open_wizard("--language", "en", "restore", "bakker26", LANG=DUTCH)

    wizard.wait_for("Which version of BAKKER26 (Bakkerij Van Dijk 2026)?")
    assert "It is missing or empty now." in wizard.answer("1", "Your choice [1]:")
    wizard.answer("", "Put back the copy documents too")
    wizard.answer("", "Put it back now? [y/N]")
    assert "ended with 0" in wizard.answer("y", "ended with")

    assert (bakker(office) / "NIEUW.TXT").read_text() == "second night"


def test_in_the_place_of_another_administration_its_code_is_typed_twice(
    office: World, open_wizard: Open
) -> None:
    other = office.administrations / "Klant 2"
    wizard = open_wizard("restore", "BAKKER26")

    wizard.wait_for("Which version")
    wizard.answer("2", "In the place of another administration")
    wizard.answer("2", "Code of the other administration:")
    wizard.answer("klant2", "Put back the copy documents too")
    wizard.answer("n", "Type its code")
    assert "ended with 0" in wizard.answer("KLANT2", "ended with")

    assert (other / "GROOTBOEK.DBF").read_bytes() == (
        office.folder / "first night" / "GROOTBOEK.DBF"
    ).read_bytes()


def test_a_new_folder_and_only_that(office: World, open_wizard: Open, tmp_path: Path) -> None:
    before = tree(office.office)
    wizard = open_wizard("restore")

    wizard.wait_for("Your choice:")
    wizard.answer("KLANT2", "Which version")
    wizard.answer("1", "In a new folder")
    wizard.answer("3", "New folder:")
    wizard.answer(str(tmp_path / "Klant é"), "Put it back now?")  # there are no copy documents
    assert "ended with 0" in wizard.answer("y", "ended with")

    assert tree(tmp_path / "Klant é") == tree(office.administrations / "Klant 2")
    assert tree(office.office) == before


def test_a_list_that_is_longer_than_the_terminal_comes_in_pages(
    office: World, open_wizard: Open
) -> None:
    wizard = open_wizard("restore")
    wizard.wait_for("Your choice:")
    wizard.resize(60, 12)

    first = wizard.answer("b", "Page 1 of 2")
    assert "1  BAKKER26" in first
    assert len(first.splitlines()) <= 12
    assert max(map(len, first.splitlines())) <= 60
    second = wizard.answer("", "Page 2 of 2")
    assert "extra:Layouts" in second
    assert "BAKKER26" not in second
    assert "Page 1 of 2" in wizard.answer("", "Page 1 of 2")


@pytest.mark.parametrize(
    ("key", "steps"),
    [("C-c", ()), ("C-d", ("BAKKER26",)), ("C-c", ("BAKKER26", "1", "1", ""))],
)
def test_ctrl_c_and_ctrl_d_stop_at_every_question_and_nothing_is_changed(
    office: World, open_wizard: Open, key: str, steps: tuple[str, ...]
) -> None:
    before = tree(office.office)
    wizard = open_wizard("restore")
    wizard.wait_for("Your choice:")
    for step, then in zip(steps, ("version", "original", "copy documents", "now?"), strict=False):
        wizard.answer(step, then)

    wizard.press(key)

    shown = wizard.wait_for("ended with").splitlines()
    assert shown[-2:] == ["avplugin: stopped.", "ended with 130"]
    assert tree(office.office) == before


def test_q_stops(office: World, open_wizard: Open) -> None:
    wizard = open_wizard("restore")
    wizard.wait_for("Your choice:")

    shown = wizard.answer("q", "ended with").splitlines()

    assert shown[-2:] == ["avplugin: stopped.", "ended with 130"]


def test_a_copy_that_was_not_proven_clean_is_taken_only_after_a_yes(
    office: World, open_wizard: Open
) -> None:
    table = bakker(office) / "GROOTBOEK.DBF"
    office.add_hook(
        "- after: action\n  when: [create]\n  states: [finish]\n"
        f"  run: [\"printf X >> '{table}'\"]",
        first=True,
    )
    assert office.borgmatic("create").returncode == 1
    wizard = open_wizard("restore", "BAKKER26")

    listed = wizard.wait_for("Your choice:")
    assert "NOT proven clean: BAKKER26 changed while it was copied" in listed
    assert "Its tables may not fit each other" in wizard.answer("1", "Take it all the same? [y/N]")
    wizard.answer("", "Which version")
    wizard.answer("1", "Take it all the same? [y/N]")
    wizard.answer("y", "In a new folder")
    wizard.answer("3", "New folder:")
    wizard.answer(str(office.folder / "new"), "copy documents too")
    assert "NOT proven clean" in wizard.answer("n", "Put it back now?")
    assert "ended with 0" in wizard.answer("y", "ended with")

    assert (office.folder / "new" / "NIEUW.TXT").read_text() == "today"


def test_a_repository_that_cannot_be_reached_is_told_and_another_one_serves(
    office: World, open_wizard: Open
) -> None:
    common = office.folder / "etc" / "borgmatic.d" / "include" / "accountview.yaml"
    gone = office.folder / "gone.borg"
    common.write_text(
        common.read_text().replace(
            "      label: local\n", f'      label: local\n    - path: "{gone}"\n', 1
        )
    )
    wizard = open_wizard("restore", "KLANT1")

    shown = wizard.wait_for("Your choice")

    assert "gone.borg" in shown.replace("\n   ", "").replace("\n", "")


def test_a_terminal_that_has_only_ascii_gets_only_ascii(office: World) -> None:
    terminal = Terminal(
        office, "avplugin", "restore", LC_ALL="C", LANG=DUTCH, PYTHONIOENCODING="ascii"
    )

    terminal.read_until("Your choice:")
    terminal.type("eetcafe\n")
    terminal.read_until(r"1  CAFEOUD  Eetcaf\xe9 d'Oude Brug")
    terminal.type("CAFÉ\n")
    terminal.read_until("try it without accents")
    terminal.type("q\n")

    assert terminal.end() == 130
    assert terminal.shown.replace("CAFÉ", "").isascii()  # typed, that is shown by the terminal
