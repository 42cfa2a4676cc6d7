"""What the restore wizard asks, what it skips, and what it makes of the answers."""

from __future__ import annotations

import dataclasses
import datetime
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from avplugin.borgmatic import borg
from avplugin.borgmatic.archive import Archive
from avplugin.borgmatic.configuration import Repository
from avplugin.commands.context import Context
from avplugin.commands.wizard import Asked, ask
from avplugin.errors import AvpluginError
from avplugin.installation.model import Kind
from avplugin.restore.where import Into, New, Original
from avplugin.snapshots.reader import SnapshotReader
from avplugin.snapshots.sources import Source
from avplugin.state.catalogue import Catalogue
from avplugin.state.manifest import FolderManifest, Manifest, RunManifest

RUN = RunManifest("1", "office", "1", "s", "h", "t", "1", "", "/p", "/s", "yaml")
UNVERIFIED = ".unverified"


def administration(code: str, name: str = "", version: str = "1", **more: Any) -> FolderManifest:
    facts = {"size": 1_200_000, "tables": 29, "sessions": "nobody", "table_health": "sound", **more}
    folder = FolderManifest(Kind.ADMINISTRATION, code, name, code, "", f"/srv/{code}")
    return dataclasses.replace(folder, fingerprint=version, **facts)


def copy_documents(code: str) -> FolderManifest:
    label = f"copy documents of {code}"
    folder = FolderManifest(Kind.COPY_DOCUMENTS, code, "", label, "", f"/docs/{code}")
    return dataclasses.replace(folder, files=3, size=4000)


def system(kind: Kind, label: str, code: str = "") -> FolderManifest:
    return FolderManifest(kind, code, "", label, "", f"/srv/{label}", fingerprint="1")


class Desk:
    """Somebody at a terminal of 80 by 24, with repositories that hold what is put there."""

    def __init__(self, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
        self.catalogue = catalogue
        self._contents: dict[str, list[tuple[str, tuple[FolderManifest, ...]]]] = {}
        self.unreachable: list[str] = []
        self.place = Path("/nowhere")
        self.shown = ""
        monkeypatch.setattr(borg, "list_archives", self._list)
        monkeypatch.setenv("COLUMNS", "80")
        monkeypatch.setenv("LINES", "24")

    def night(
        self, *folders: FolderManifest, repository: str = "local", unverified: bool = False
    ) -> str:
        """Add an archive of the next night, and return its name."""
        nights = self._contents.setdefault(repository, [])
        state = UNVERIFIED if unverified else ""
        name = f"office-administrations-2026-11-{len(nights) + 1:02}T02:00:00{state}"
        nights.append((name, folders))
        return name

    def answers(self, *lines: str, language: str = "en", **words: Any) -> Asked:
        """Run the wizard; after the last line the terminal is closed."""
        words = {"label": None, "archive": None, **words}
        sources = [
            Source(
                SnapshotReader(Repository(f"/{name}.borg", name, {}), self.catalogue),
                series=None,
                state=Path("/nowhere"),
            )
            for name in self._contents
        ]

        @click.command()
        def command() -> Asked:
            context = Context(None, as_json=False, verbose=False, color=False, language=language)
            label, archive = words.pop("label"), words.pop("archive")
            more = {"unreachable": self.unreachable, **words}
            return ask(context, sources, label, archive, lambda _: self.place, **more)

        result = CliRunner().invoke(
            command, input="".join(f"{line}\n" for line in lines), standalone_mode=False
        )
        self.shown = result.output
        if result.exception is not None:
            raise result.exception
        assert isinstance(result.return_value, Asked)
        return result.return_value

    def _list(self, repository: Repository) -> borg.Listing:
        found = []
        for number, (name, folders) in enumerate(self._contents[repository.label]):
            taken = datetime.datetime(2026, 11, number + 1, 2, tzinfo=datetime.UTC)
            archive = Archive(name, f"{repository.label}:{name}", taken)
            self.catalogue.add(repository.label, archive.id, Manifest(RUN, folders))
            found.append(archive)
        return borg.Listing(repository.label, "repokey", tuple(found))


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    with Catalogue.open(tmp_path) as catalogue:
        yield Desk(catalogue, monkeypatch)
    monkeypatch.undo()
    time.tzset()


def lines_with(text: str, word: str) -> list[str]:
    return [line for line in text.splitlines() if word in line]


# The way through


def test_an_administration_a_version_a_place_and_its_copy_documents(desk: Desk) -> None:
    desk.night(administration("BAKKER26", "Bakkerij Van Dijk"))
    newest = desk.night(administration("BAKKER26", version="2"), copy_documents("BAKKER26"))

    asked = desk.answers("1", "1", "1", "")

    assert asked == Asked(
        source=asked.source,
        label="BAKKER26",
        archive=asked.archive,
        unverified=False,
        where=Original(),
        copy_documents=True,
    )
    assert asked.archive.name == newest
    assert "Put back the copy documents too (3 files, 4.0 kB)? [Y/n]" in desk.shown
    assert "Out of which repository?" not in desk.shown


def test_an_older_version_goes_to_a_new_folder_without_copy_documents(desk: Desk) -> None:
    older = desk.night(administration("BAKKER26"), copy_documents("BAKKER26"))
    desk.night(administration("BAKKER26", version="2"), copy_documents("BAKKER26"))

    asked = desk.answers("bakker26", "2", "3", "not/whole", "F:\\new", "/srv/new one", "n")

    assert asked.archive.name == older
    assert asked.where == New(Path("/srv/new one"))
    assert asked.copy_documents is False
    assert desk.shown.count("Type the whole path") == 2


def test_in_the_place_of_another_administration_its_code_is_asked(desk: Desk) -> None:
    desk.night(administration("BAKKER26"))

    asked = desk.answers("1", "1", "2", "", "bakker26 ", "b", "2", "VRIES26")

    assert asked.where == Into("VRIES26")
    assert len(lines_with(desk.shown, "That is its own code")) == 1


def test_everything_is_asked_in_dutch(desk: Desk) -> None:
    desk.night(administration("BAKKER26"), copy_documents("BAKKER26"))
    desk.night(administration("BAKKER26", version="2"), unverified=True)

    asked = desk.answers("1", "2", "1", "ja", language="nl")

    assert asked.where == Original()
    for word in (
        "Welke administratie",
        "Ongewijzigd sinds",
        "29, in orde",
        "niemand",
        "01-11-2026",
    ):
        assert word in desk.shown
    assert "NIET bewezen goed: its run ended before the proof" in desk.shown
    assert "oorspronkelijke plaats" in desk.shown
    assert "kopiedocumenten" in desk.shown
    for english in ("Which", "Your choice", "copy documents", "original", "Put back"):
        assert english not in desk.shown


def test_what_the_command_line_says_is_not_asked(desk: Desk) -> None:
    first = desk.night(administration("BAKKER26"), copy_documents("BAKKER26"))
    desk.night(administration("BAKKER26", version="2"), copy_documents("BAKKER26"))

    asked = desk.answers(
        label="bakker26", archive=first, where=Into("VRIES26"), copy_documents=False
    )

    assert (asked.label, asked.archive.name) == ("BAKKER26", first)
    assert (asked.where, asked.copy_documents) == (Into("VRIES26"), False)


def test_with_an_archive_only_its_folders_are_offered(desk: Desk) -> None:
    first = desk.night(administration("BAKKER26"), administration("OLD25"))
    desk.night(administration("BAKKER26", version="2"))

    asked = desk.answers("2", "3", "/srv/new", archive=f"{first}.hold")

    assert (asked.label, asked.archive.name) == ("OLD25", first)
    assert "Which version" not in desk.shown


# Which folder


def test_folders_are_listed_by_code_and_those_of_the_installation_behind(desk: Desk) -> None:
    desk.night(
        *(system(Kind.EXTRA, "extra:A", "A"), system(Kind.SYSTEM, "system")),
        *(administration("VRIES"), system(Kind.PROGRAM, "program"), administration("bakker")),
        copy_documents("VRIES"),
    )

    asked = desk.answers("4", "1", "2", "/srv/new")

    listed = desk.shown.partition("Newest snapshot\n")[2].split("\n")[:5]
    assert [line.split()[1] for line in listed] == [
        *("bakker", "VRIES", "program", "system", "extra:A")
    ]
    assert asked.label == "system"
    assert "In the place of another administration" not in desk.shown


def test_the_list_is_searched_by_code_and_name_and_b_shows_all_of_it_again(desk: Desk) -> None:
    desk.night(administration("KLANT1", "Klant één"), administration("KLANT2", "Klant twee"))

    asked = desk.answers("xyz", "EEN", "b", "twee", "1", "1", "1")

    assert asked.label == "KLANT2"
    assert "Nothing here has xyz in its code or name." in desk.shown
    assert desk.shown.count("Which administration") == 4


def test_a_code_that_is_a_number_is_told_from_the_number_of_a_line(desk: Desk) -> None:
    desk.night(administration("1"), administration("2"), administration("100"))

    asked = desk.answers("2", "=2", "1", "1")

    assert asked.label == "2"
    assert "type #2 for the line, =2 for the code" in desk.shown


def test_a_long_list_comes_in_pages_that_fit_the_terminal(desk: Desk) -> None:
    desk.night(*(administration(f"K{number:03}", "x" * 100) for number in range(40)))

    asked = desk.answers("", "", "", "39", "1", "1")

    assert asked.label == "K038"
    parts = desk.shown.split("Your choice:")[:4]
    for number, part in enumerate(parts):
        assert len(part.partition("\n\n")[2].splitlines()) <= 22
        assert f"Page {(1, 2, 3, 1)[number]} of 3; Enter shows the next one." in part
    assert max(map(len, desk.shown.splitlines())) < 80
    assert "K016" in parts[0]
    assert "K017" in parts[1]
    assert "K000" in parts[3]


def test_a_folder_with_clean_copies_is_shown_by_the_newest_of_these(desk: Desk) -> None:
    desk.night(administration("A"), administration("B"))
    desk.night(administration("B"), administration("C"), unverified=True)

    with pytest.raises(click.Abort):
        desk.answers("q")

    assert lines_with(desk.shown, "A ")[0].endswith("2026-11-01 02:00")
    assert lines_with(desk.shown, "B ")[0].endswith("2026-11-01 02:00")
    assert lines_with(desk.shown, "C ")[0].endswith("2026-11-02 02:00, NOT clean")


def test_names_cannot_send_escape_sequences(desk: Desk) -> None:
    desk.night(administration("A", "red \x1b[31m\x07\n2  FAKE \u202e", sessions="\x1b]0;x\x07"))

    desk.answers("1", "1", "1")

    assert not set("\x1b\x07\u202e") & set(desk.shown)
    assert r"red \x1b[31m\x07 2  FAKE \u202e" in desk.shown


# Which version


def test_a_version_tells_since_when_it_is_the_same_and_how_it_is(desk: Desk) -> None:
    desk.night(administration("A"))
    desk.night(administration("A"))
    desk.night(administration("A", version="2", sessions="not checked"))
    damaged = {"GROOTBOEK.DBF": "cut off", "GROOTBOEK.CDX": "cut off", "KAS.DBF": "cut off"}
    desk.night(administration("A", version="3", sessions="jan (KANTOOR1)", damaged=damaged))

    with pytest.raises(click.Abort):
        desk.answers("1", "q")

    lines = desk.shown.partition("Which version of A?\n")[2].split("\n")[1:4]
    assert [" ".join(line.split()) for line in lines] == [
        "1 2026-11-04 02:00 2026-11-04 02:00 1.2 MB 29, 2 damaged jan (KANTOOR1)",
        "2 2026-11-03 02:00 2026-11-03 02:00 1.2 MB 29, sound not checked",
        "3 2026-11-02 02:00 2026-11-01 02:00 1.2 MB 29, sound nobody",
    ]


def test_a_version_that_is_not_clean_is_taken_after_a_yes_only(desk: Desk) -> None:
    desk.night(administration("A"))
    unverified = desk.night(administration("A", version="2"), unverified=True)

    refused = desk.answers("1", "1", "", "1", "no", "2", "1")
    taken = desk.answers("1", "1", "perhaps", "yes", "1")

    assert (refused.unverified, refused.archive.is_clean) == (False, True)
    assert (taken.unverified, taken.archive.name) == (True, unverified)
    assert "NOT proven clean: its run ended before the proof." in desk.shown
    assert "Please answer with yes or no." in desk.shown


def test_an_archive_that_is_not_clean_asks_for_the_same_yes(desk: Desk) -> None:
    unverified = desk.night(administration("A"), unverified=True)

    asked = desk.answers("y", "1", label="A", archive=unverified)

    assert asked.unverified
    with pytest.raises(click.Abort):
        desk.answers("n", label="A", archive=unverified)


# Where to


@pytest.mark.parametrize("empty", [False, True])
def test_enter_chooses_the_original_place_where_nothing_is_there(
    desk: Desk, tmp_path: Path, empty: bool
) -> None:
    desk.night(administration("A"))
    desk.place = tmp_path / "A"
    if empty:
        desk.place.mkdir()

    asked = desk.answers("1", "1", "")

    assert asked.where == Original()
    assert "It is missing or empty now." in desk.shown
    assert str(desk.place) in desk.shown.replace("\n   ", "")


def test_enter_chooses_nothing_where_there_is_data(desk: Desk, tmp_path: Path) -> None:
    desk.night(administration("A"))
    (tmp_path / "table.dbf").touch()
    desk.place = tmp_path

    asked = desk.answers("1", "1", "", "1")

    assert asked.where == Original()
    assert "There is data in it now." in desk.shown
    assert "Type the number of a line." in desk.shown


# Several repositories


def test_a_repository_is_chosen_first_where_there_are_several(desk: Desk) -> None:
    desk.night(administration("A"))
    offsite = desk.night(administration("B"), repository="offsite")
    desk.night(administration("B", version="2"), repository="offsite")

    asked = desk.answers("2", "1", "2", "1")

    assert str(asked.source.reader.repository) == "offsite"
    assert (asked.label, asked.archive.name) == ("B", offsite)
    assert lines_with(desk.shown, "/offsite.borg")[0].split()[:3] == ["2", "offsite", "2026-11-02"]


def test_a_repository_that_cannot_be_reached_is_shown_and_has_no_number(desk: Desk) -> None:
    desk.night(administration("A"))
    desk.unreachable = ["cannot reach ssh://backup@host/./x.borg: Connection refused."]

    asked = desk.answers("2", "", "1", "1", "1")

    assert str(asked.source.reader.repository) == "local"
    [line] = lines_with(desk.shown.partition("Your choice")[0], "cannot be reached")
    assert line.startswith("-  ")
    assert "ssh://backup@host/./x.borg: Connection refused." in desk.shown


def test_an_archive_that_one_repository_holds_chooses_it(desk: Desk) -> None:
    desk.night(administration("A"))
    desk.night(administration("B"), repository="offsite")
    desk.unreachable = ["a third one"]
    only_there = desk.night(administration("B", version="2"), repository="offsite")

    asked = desk.answers("1", "1", archive=only_there)

    assert str(asked.source.reader.repository) == "offsite"


def test_a_folder_that_another_repository_holds_leads_back_to_the_question(desk: Desk) -> None:
    desk.night(administration("A"))
    desk.night(administration("B"), repository="offsite")

    asked = desk.answers("1", "2", "1", "1", label="b")

    assert str(asked.source.reader.repository) == "offsite"
    assert "There is nothing to put back in local." in desk.shown


# Back, stop, and nothing there


def test_b_goes_a_step_back_past_what_was_not_asked(desk: Desk) -> None:
    desk.night(administration("A"), copy_documents("A"))
    desk.night(administration("B"), repository="offsite")

    asked = desk.answers("2", "b", "1", "1", "B", "1", "1", "1", "b", "3", "b", "1", "n")

    assert (asked.label, asked.where, asked.copy_documents) == ("A", Original(), False)


def test_before_the_first_question_there_is_nothing_to_go_back_to(desk: Desk) -> None:
    desk.night(administration("A"))

    asked = desk.answers("b", "1", "b", "1", "1", "1")
    assert asked.label == "A"
    assert desk.shown.count("This is the first question.") == 1

    desk.answers("b", "1", "1", label="A")
    assert desk.shown.count("This is the first question.") == 1
    assert desk.shown.count("Which version") == 2


@pytest.mark.parametrize("before", [(), ("1",), ("1", "1"), ("1", "1", "3"), ("1", "1", "1")])
@pytest.mark.parametrize("stop", [("q",), ("Q",), ()])
def test_q_or_the_end_of_the_input_stops_at_every_question(
    desk: Desk, before: Sequence[str], stop: Sequence[str]
) -> None:
    desk.night(administration("A"), copy_documents("A"))

    with pytest.raises(click.Abort):
        desk.answers(*before, *stop)


@pytest.mark.parametrize(
    ("put", "words", "message"),
    [
        (lambda desk: desk.night(), {}, "local holds nothing to put back"),
        (
            lambda desk: desk.night(administration("A")),
            {"label": "B"},
            "no snapshot in local holds B",
        ),
        (
            lambda desk: desk.night(administration("A")),
            {"archive": "nonsense"},
            "there is no snapshot nonsense",
        ),
    ],
)
def test_where_there_is_nothing_to_choose_it_says_so(
    desk: Desk, put: Callable[[Desk], str], words: dict[str, str], message: str
) -> None:
    put(desk)

    with pytest.raises(AvpluginError, match=message) as refused:
        desk.answers("1", **words)

    assert len(str(refused.value).splitlines()) <= 2


def test_snapshots_that_cannot_be_read_are_told_and_do_not_hide_others(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.night(administration("A"))
    gone = desk.night(administration("A", version="2"))
    knows = desk.catalogue.knows
    monkeypatch.setattr(desk.catalogue, "knows", lambda one: not one.endswith(gone) and knows(one))

    def cannot_read(*_: object) -> bytes:
        raise borg.BorgError("damaged")

    monkeypatch.setattr(borg, "read_files", cannot_read)

    asked = desk.answers("1", "2", "1")

    assert asked.archive.name.startswith("office-administrations-2026-11-01")
    assert "1 snapshot could not be read" in desk.shown
