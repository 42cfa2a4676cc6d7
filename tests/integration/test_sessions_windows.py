"""Who is in, asked of a Windows machine: the script it is sent, and what its answers mean."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from avplugin.configuration.sessions import WindowsProbe
from avplugin.installation.model import Folder, Kind
from avplugin.sessions.model import (
    Answer,
    CannotFindOut,
    Place,
    Question,
    Session,
    SessionKind,
)
from avplugin.sessions.windows import find_sessions
from avplugin.shipped import shipped_folder

STAND_IN = Path(__file__).parents[1] / "stand_ins" / "windows_machine.py"
SCRIPT = shipped_folder("hooks") / "windows" / "sessions.ps1"

READS, WRITES, DELETES = 0x120089, 0x12019F, 0x110080

DENIED = 0x80070005 - (1 << 32)
MISSING = 0x80070002 - (1 << 32)
LOCKED = 0x80070021 - (1 << 32)
UNREADABLE = 0x80070570 - (1 << 32)

DUTCH_ERROR = (
    "Kan methode niet aanroepen. Aanroepen van methoden wordt in deze taalmodus geweigerd.\r\n"
    "Op regel:1 teken:1\r\n"
    "+ & ([ScriptBlock]::Create([Console]::In.ReadLine()))\r\n"
    "+ ~~~\r\n"
    "    + CategoryInfo          : InvalidOperation: (:) [], RuntimeException\r\n"
)


def folder(
    code: str, path: str, kind: Kind = Kind.ADMINISTRATION, windows_path: str = ""
) -> Folder:
    return Folder(kind, code, code, path, windows_path or path)


BAKKER = folder("BAKKER26", "/srv/av/bakker26")
SLAGER = folder("SLAGER26", "/srv/av/Slager [26]")
SYSTEM = folder("", "/srv/av", Kind.SYSTEM)


class WindowsMachine:
    """A stand-in for a machine that has /srv/av as D:\\AV; attributes are what it has."""

    def __init__(self, where: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._file = where / "machine.json"
        commands = where / "commands"
        commands.mkdir()
        for name in ("powershell.exe", "ssh"):
            program = commands / name
            program.write_text(f"#!{sys.executable} -IS\n{STAND_IN.read_text()}")
            program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{commands}:{os.environ['PATH']}")
        monkeypatch.setenv("WINDOWS_MACHINE", str(self._file))
        self.probe = WindowsProbe(via="wsl", folders={"/srv/av": "D:\\AV"})
        self.exclusive = False
        self.limit = 20.0
        self._world: dict[str, Any] = {
            "script": str(SCRIPT),
            "answers": True,
            "hangs": False,
            "broken_off": False,
            "status": 0,
            "before": "",
            "after": "",
            "errors_printed": "",
            "nonce": "",
            "instead": "",
            "changed": {},
            "left_out": [],
            "most_files": 100_000,
            "errors": [],
            "processes": [],
            "services": [],
            "open_files": [],
            "held": [],
            "read": [],
            "codes": {},
            "unseen": [],
        }

    def has(self, **what: Any) -> None:
        """Change what the machine has, or how it behaves."""
        assert what.keys() <= self._world.keys()
        self._world.update(what)

    def ask(self, *places: Place, folders: Iterable[Folder] = (BAKKER, SLAGER, SYSTEM)) -> Answer:
        self._file.write_text(json.dumps(self._world))
        asked = places or (Place(BAKKER, (b"DAGBOEK.DBF", b"DAGBOEK.CDX", b"dir/sub.dbf")),)
        question = Question(asked, tuple(folders), {}, self.exclusive, self.limit)
        return find_sessions(self.probe, question)

    @property
    def words(self) -> list[str]:
        """The command that was run."""
        words: list[str] = json.loads(self._file.with_suffix(".called").read_text())["words"]
        return words

    @property
    def asked(self) -> list[dict[str, Any]]:
        """The JSON documents that were sent."""
        given: str = json.loads(self._file.with_suffix(".called").read_text())["given"]
        lines = given.partition("\n\n")[0].split("\n")[1:]
        return [json.loads(line) for line in lines]


@pytest.fixture
def windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WindowsMachine:
    return WindowsMachine(tmp_path, monkeypatch)


def opened(path: str, user: str = "KANTOOR\\anna", permissions: int | None = WRITES) -> Any:
    return {"path": path, "user": user, "machine": "10.0.0.7", "permissions": permissions}


def process(**what: Any) -> Any:
    return {
        "id": 4711,
        "program": "avwin",
        "session": 3,
        "user": "KANTOOR\\anna",
        "client": "",
        "state": 0,
        "disconnected": None,
        "last_input": None,
        "started": "2026-03-02T08:00:00Z",
        "command_line": '"C:\\AV\\avwin.exe"',
    } | what


def service(**what: Any) -> Any:
    return {
        "name": "AVBackoffice",
        "display_name": "AccountView Backoffice Server",
        "state": 4,
        "account": ".\\avservice",
        "process": 4711,
    } | what


def failure(part: str, message: str = "Toegang geweigerd.") -> Any:
    cause = "System.UnauthorizedAccessException"
    return {"part": part, "type": cause, "code": DENIED, "message": message}


def only(answer: Answer) -> Session:
    (session,) = answer.sessions
    return session


# What is asked, and how


def test_nobody_has_a_table_open(windows: WindowsMachine) -> None:
    assert windows.ask() == Answer((), frozenset({"BAKKER26"}))


def test_the_script_is_told_what_to_look_for(windows: WindowsMachine) -> None:
    windows.probe = dataclasses.replace(
        windows.probe, programs=("avwin.exe", "avé.exe"), services=("Back*",)
    )
    windows.ask()
    what, files = windows.asked
    assert what["programs"] == ["avwin.exe", "avé.exe"]
    assert what["services"] == ["Back*"]
    assert set(what["roots"]) == {"D:\\AV", "D:\\AV\\bakker26", "D:\\AV\\Slager [26]"}
    assert what["share"] == "Read"
    assert files == {"folder": "D:\\AV\\bakker26", "files": ["DAGBOEK.DBF", "dir\\sub.dbf"]}


def test_the_script_stops_trying_files_before_the_limit_ends_it(windows: WindowsMachine) -> None:
    windows.ask()
    assert 1 <= windows.asked[0]["seconds"] < windows.limit


def test_an_exclusive_question_tries_every_file_alone(windows: WindowsMachine) -> None:
    windows.exclusive = True
    windows.has(read=["D:\\AV\\bakker26\\DAGBOEK.CDX"])
    assert only(windows.ask()).table == "DAGBOEK.CDX"
    assert windows.asked[0]["share"] == "None"


def test_readers_are_nobody_unless_the_question_is_exclusive(windows: WindowsMachine) -> None:
    windows.has(read=["D:\\AV\\bakker26\\DAGBOEK.DBF"])
    assert windows.ask().sessions == ()


def test_powershell_is_found_where_wsl_has_it_if_the_path_lacks_it(
    windows: WindowsMachine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "commands" / "powershell.exe"
    away = tmp_path / "away" / "powershell.exe"
    away.parent.mkdir()
    program.rename(away)
    monkeypatch.setattr("avplugin.sessions.windows_script._POWERSHELL", str(away))
    assert windows.ask().covers == {"BAKKER26"}


def test_a_server_is_asked_over_ssh_without_a_password(windows: WindowsMachine) -> None:
    windows.probe = dataclasses.replace(windows.probe, via="ssh://KANTOOR\\beheer@srv01:2222")
    assert windows.ask().covers == {"BAKKER26"}
    *words, command = windows.words[1:]
    assert words[-6:] == ["-l", "KANTOOR\\beheer", "-p", "2222", "--", "srv01"]
    assert "BatchMode=yes" in words
    assert "-T" in words
    assert command.startswith("powershell.exe -NoProfile -NonInteractive ")


def test_a_user_may_have_an_at_sign_and_a_server_an_ipv6_address(windows: WindowsMachine) -> None:
    windows.probe = dataclasses.replace(windows.probe, via="ssh://anna@kantoor.nl@[fe80::1]")
    windows.ask()
    assert windows.words[-5:-1] == ["-l", "anna@kantoor.nl", "--", "fe80::1"]


@pytest.mark.parametrize(
    "via", ["ssh://-oProxyCommand=x", "ssh://-la@host", "ssh://a@-b", "http://a@b", "ssh://a@b/c"]
)
def test_what_is_no_server_is_not_handed_to_ssh(windows: WindowsMachine, via: str) -> None:
    windows.probe = dataclasses.replace(windows.probe, via=via)
    with pytest.raises(CannotFindOut, match="is no Windows machine"):
        windows.ask()


def test_sixty_thousand_tables_are_tried_in_one_run(windows: WindowsMachine) -> None:
    places = []
    for number in range(60):
        code = f"A{number}"
        files = tuple(b"TABEL%04d.DBF" % table for table in range(1001))
        places.append(Place(folder(code, f"/srv/av/{code}"), files))
    windows.has(held=["D:\\AV\\A59\\TABEL1000.DBF"])
    answer = windows.ask(*places, folders=[place.folder for place in places])
    assert only(answer).table == "TABEL1000.DBF"
    assert len(answer.covers) == 60


# What the answer means


def test_a_held_table_is_somebody_who_writes(windows: WindowsMachine) -> None:
    windows.has(held=["D:\\AV\\bakker26\\dir\\sub.dbf"])
    answer = windows.ask()
    assert only(answer) == Session(
        SessionKind.USER, "", "", "BAKKER26", "BAKKER26", "dir/sub.dbf", "", "windows", True
    )
    assert answer.covers == {"BAKKER26"}


def test_a_locked_table_is_held_too(windows: WindowsMachine) -> None:
    windows.has(codes={"D:\\AV\\bakker26\\DAGBOEK.DBF": LOCKED})
    assert only(windows.ask()).table == "DAGBOEK.DBF"


def test_who_has_a_held_table_open_over_the_network_is_named_once(windows: WindowsMachine) -> None:
    windows.has(
        held=["D:\\AV\\bakker26\\DAGBOEK.DBF"],
        open_files=[opened("d:\\av\\Bakker26\\dagboek.dbf")],
    )
    session = only(windows.ask())
    assert (session.user, session.machine) == ("KANTOOR\\anna", "10.0.0.7")
    assert (session.folder, session.table, session.writing) == ("BAKKER26", "dagboek.dbf", True)


def test_somebody_else_holds_a_table_that_is_only_read_over_the_network(
    windows: WindowsMachine,
) -> None:
    windows.has(
        held=["D:\\AV\\bakker26\\DAGBOEK.DBF"],
        open_files=[opened("D:\\AV\\bakker26\\DAGBOEK.DBF", permissions=READS)],
    )
    sessions = windows.ask().sessions
    assert {(one.user, one.writing) for one in sessions} == {("KANTOOR\\anna", False), ("", True)}


def test_where_windows_does_not_say_how_a_file_is_open_the_held_table_does(
    windows: WindowsMachine,
) -> None:
    windows.has(
        held=["D:\\AV\\bakker26\\DAGBOEK.DBF"],
        open_files=[
            opened("D:\\AV\\bakker26\\DAGBOEK.DBF", permissions=None),
            opened("D:\\AV\\bakker26\\dir\\sub.dbf", "KANTOOR\\bert", permissions=None),
        ],
    )
    sessions = windows.ask().sessions
    assert {(one.user, one.writing) for one in sessions} == {
        ("KANTOOR\\anna", True),
        ("KANTOOR\\bert", False),
    }


def test_who_may_delete_an_index_is_writing(windows: WindowsMachine) -> None:
    windows.has(open_files=[opened("D:\\AV\\bakker26\\DAGBOEK.CDX", permissions=DELETES)])
    assert only(windows.ask()).writing


def test_files_open_in_a_folder_that_was_not_asked_about_keep_its_name(
    windows: WindowsMachine,
) -> None:
    windows.has(open_files=[opened("D:\\AV\\slager [26]\\X.DBF"), opened("D:\\AV\\SYS.DBF")])
    assert {one.folder for one in windows.ask().sessions} == {"SLAGER26", "system"}


def test_a_reader_explains_why_a_file_cannot_be_had_alone(windows: WindowsMachine) -> None:
    windows.exclusive = True
    windows.has(
        read=["D:\\AV\\bakker26\\DAGBOEK.DBF"],
        open_files=[opened("D:\\AV\\bakker26\\DAGBOEK.DBF", permissions=READS)],
    )
    session = only(windows.ask())
    assert (session.user, session.writing) == ("KANTOOR\\anna", False)


def test_a_folder_can_be_a_whole_drive(windows: WindowsMachine) -> None:
    windows.probe = dataclasses.replace(windows.probe, folders={"/srv/av/bakker26": "E:\\"})
    windows.has(held=["E:\\DAGBOEK.DBF"], open_files=[opened("E:\\DAGBOEK.DBF")])
    assert only(windows.ask()).user == "KANTOOR\\anna"
    assert windows.asked[0]["roots"] == ["E:"]


def test_files_elsewhere_are_no_sessions(windows: WindowsMachine) -> None:
    windows.has(open_files=[opened("D:\\AVX\\SYS.DBF"), opened("\\PIPE\\x"), opened("")])
    assert windows.ask().sessions == ()


def test_folders_and_documents_count_only_for_an_exclusive_question(
    windows: WindowsMachine,
) -> None:
    windows.has(open_files=[opened("D:\\AV\\bakker26\\"), opened("D:\\AV\\bakker26\\brief.docx")])
    assert windows.ask().sessions == ()
    windows.exclusive = True
    sessions = windows.ask().sessions
    assert {(one.table, one.writing) for one in sessions} == {("", False), ("brief.docx", False)}


def test_a_program_that_runs_is_logged_in_anywhere(windows: WindowsMachine) -> None:
    windows.has(processes=[process(client="THUIS-PC")])
    session = only(windows.ask())
    assert session.kind is SessionKind.USER
    assert (session.user, session.machine) == ("KANTOOR\\anna", "THUIS-PC")
    assert (session.folder, session.table, session.writing) == ("", "", True)
    assert session.since.startswith("2026-03-0")


def test_a_program_about_which_nothing_may_be_asked_is_logged_in(windows: WindowsMachine) -> None:
    windows.has(processes=[process(user="", state=None, started=None, command_line="")])
    session = only(windows.ask())
    assert (session.user, session.machine, session.writing) == ("", "SRV01", True)


@pytest.mark.parametrize(
    "command_line",
    ["C:\\AV\\avwin.exe -Embedding", '"C:\\A V\\avwin.exe" /AUTOMATION', "avwin.exe -embedding -x"],
)
def test_a_program_that_com_started_is_a_com_link(
    windows: WindowsMachine, command_line: str
) -> None:
    windows.has(processes=[process(command_line=command_line)])
    assert only(windows.ask()).kind is SessionKind.COM_LINK


def test_a_folder_named_like_a_com_option_makes_no_com_link(windows: WindowsMachine) -> None:
    windows.has(processes=[process(command_line="C:\\x-Embedding\\avwin.exe")])
    assert only(windows.ask()).kind is SessionKind.USER


@pytest.mark.parametrize(
    ("what", "note"),
    [
        ({"state": 4, "disconnected": "2026-03-01T12:30:00Z"}, "disconnected since 2026-03-01 "),
        ({"state": 4}, "disconnected"),
        ({"state": 0, "last_input": "2026-03-02T12:10:00Z"}, "idle since 2026-03-02 "),
    ],
)
def test_a_session_left_alone_is_said_to_be(
    windows: WindowsMachine, what: dict[str, Any], note: str
) -> None:
    windows.has(processes=[process(**what)])
    assert only(windows.ask()).note.startswith(note)


def test_a_session_in_use_has_no_note(windows: WindowsMachine) -> None:
    windows.has(processes=[process(last_input="2026-03-02T16:50:00Z")])
    assert only(windows.ask()).note == ""


@pytest.mark.parametrize("state", [2, 3, 4, 5, 6, 7])
def test_a_service_that_is_not_stopped_is_a_backoffice_server(
    windows: WindowsMachine, state: int
) -> None:
    windows.has(services=[service(state=state)])
    session = only(windows.ask())
    assert session.kind is SessionKind.BACKOFFICE_SERVER
    assert (session.user, session.machine, session.folder) == (".\\avservice", "SRV01", "")


def test_a_stopped_service_is_nobody(windows: WindowsMachine) -> None:
    windows.has(services=[service(state=1, process=0)])
    assert windows.ask().sessions == ()


def test_the_program_of_a_service_is_one_session(windows: WindowsMachine) -> None:
    windows.has(processes=[process(session=0)], services=[service()])
    session = only(windows.ask())
    assert session.kind is SessionKind.BACKOFFICE_SERVER
    assert session.since


# What is not known


def test_without_administrator_rights_names_are_missing_and_tables_still_tried(
    windows: WindowsMachine,
) -> None:
    windows.has(errors=[failure("open_files")], held=["D:\\AV\\bakker26\\DAGBOEK.DBF"])
    answer = windows.ask()
    assert "administrators" in only(answer).note
    assert "Toegang geweigerd" in only(answer).note
    assert answer.covers == {"BAKKER26"}
    assert answer.doubts == ()


@pytest.mark.parametrize("part", ["processes", "services", "something new"])
def test_programs_that_cannot_be_listed_leave_everything_in_doubt(
    windows: WindowsMachine, part: str
) -> None:
    windows.has(errors=[failure(part)])
    answer = windows.ask()
    assert [doubt.folder for doubt in answer.doubts] == [""]
    assert part in answer.doubts[0].why
    assert answer.covers == frozenset()


@pytest.mark.parametrize(
    ("code", "says"),
    [(DENIED, "may not be read"), (MISSING, "is not on SRV01"), (UNREADABLE, "0x80070570")],
)
def test_a_table_that_cannot_be_tried_is_a_doubt_about_its_folder(
    windows: WindowsMachine, code: int, says: str
) -> None:
    windows.has(codes={"D:\\AV\\bakker26\\DAGBOEK.DBF": code})
    answer = windows.ask(Place(BAKKER, (b"DAGBOEK.DBF",)), Place(SLAGER, (b"DAGBOEK.DBF",)))
    assert [doubt.folder for doubt in answer.doubts] == ["BAKKER26"]
    assert says in answer.doubts[0].why
    assert "D:\\AV\\bakker26\\DAGBOEK.DBF" in answer.doubts[0].why
    assert answer.covers == {"SLAGER26"}


def test_many_faults_of_a_folder_are_one_doubt(windows: WindowsMachine) -> None:
    windows.has(
        codes={
            "D:\\AV\\bakker26\\DAGBOEK.DBF": DENIED,
            "D:\\AV\\bakker26\\dir\\sub.dbf": DENIED,
        }
    )
    (doubt,) = windows.ask().doubts
    assert "and 1 more" in doubt.why


def test_a_folder_that_cannot_be_seen_there_is_a_doubt(windows: WindowsMachine) -> None:
    windows.has(unseen=["D:\\AV\\bakker26"])
    answer = windows.ask(Place(BAKKER, ()))
    assert "D:\\AV\\bakker26 cannot be seen" in answer.doubts[0].why
    assert answer.covers == frozenset()


def test_tables_not_tried_in_time_are_a_doubt(windows: WindowsMachine) -> None:
    windows.has(most_files=1)
    answer = windows.ask()
    assert "1 files" in answer.doubts[0].why
    assert answer.covers == frozenset()


@pytest.mark.parametrize("name", [b"caf\xe9.dbf", b"a:b.dbf", b"x /t.dbf", b"NUL.dbf"])
def test_a_name_that_windows_cannot_hold_is_a_doubt(windows: WindowsMachine, name: bytes) -> None:
    windows.has(held=["D:\\AV\\bakker26\\B.DBF"])
    answer = windows.ask(Place(BAKKER, (b"A.DBF", name, b"B.DBF")))
    assert [doubt.folder for doubt in answer.doubts] == ["BAKKER26"]
    assert only(answer).table == "B.DBF"
    assert answer.covers == frozenset()


def test_names_outside_ascii_reach_windows_whole(windows: WindowsMachine) -> None:
    windows.has(held=["D:\\AV\\bakker26\\café €.DBF"])
    assert only(windows.ask(Place(BAKKER, ("café €.DBF".encode(),)))).table == "café €.DBF"


def test_a_folder_without_a_name_there_is_not_covered(windows: WindowsMachine) -> None:
    elsewhere = folder("ELDERS26", "/data/elders26")
    answer = windows.ask(Place(BAKKER, (b"A.DBF",)), Place(elsewhere, (b"A.DBF",)))
    assert answer == Answer((), frozenset({"BAKKER26"}))


def test_if_no_folder_has_a_name_there_nothing_is_known(windows: WindowsMachine) -> None:
    elsewhere = folder("ELDERS26", "/data/elders26")
    with pytest.raises(CannotFindOut, match=r"what /data/elders26 is called there"):
        windows.ask(Place(elsewhere, (b"A.DBF",)), folders=[elsewhere])


def test_a_folder_of_another_machine_is_simply_not_covered(windows: WindowsMachine) -> None:
    elsewhere = folder("ELDERS26", "/data/elders26")
    assert windows.ask(Place(elsewhere, (b"A.DBF",))) == Answer((), frozenset())


# What is no answer


def test_what_is_printed_around_the_answer_does_not_matter(windows: WindowsMachine) -> None:
    windows.has(
        before=b"\xef\xbb\xbfWelkom, Ren\x82! {\r\n".hex(),
        after="WAARSCHUWING: het wachtwoord verloopt }\r\n".encode("cp850").hex(),
        errors_printed=b"#< CLIXML\r\n".hex(),
        status=1,
    )
    assert windows.ask() == Answer((), frozenset({"BAKKER26"}))


@pytest.mark.parametrize("encoding", ["cp850", "utf-8"])
def test_without_an_answer_the_last_words_are_told(windows: WindowsMachine, encoding: str) -> None:
    said = "Eén regel\r\nHet bestand is geïnfecteerd.\r\n\r\n"
    windows.has(answers=False, status=1, errors_printed=said.encode(encoding).hex())
    with pytest.raises(CannotFindOut, match=r"gave no answer: Het bestand is geïnfecteerd\.\n"):
        windows.ask()


def test_of_an_error_of_powershell_the_sentence_is_told(windows: WindowsMachine) -> None:
    windows.has(answers=False, status=1, errors_printed=DUTCH_ERROR.encode("cp850").hex())
    with pytest.raises(CannotFindOut, match=r"in deze taalmodus geweigerd\.\nTry by hand"):
        windows.ask()


def test_constrained_language_mode_is_named(windows: WindowsMachine) -> None:
    said = f"{DUTCH_ERROR}    + FullyQualifiedErrorId : MethodInvocationNotSupported" + (
        "InConstrainedLanguage\r\n"
    )
    windows.has(answers=False, status=1, errors_printed=said.encode().hex())
    with pytest.raises(CannotFindOut, match="Constrained Language Mode is on"):
        windows.ask()


def test_silence_is_no_answer(windows: WindowsMachine) -> None:
    windows.has(answers=False, status=255)
    with pytest.raises(CannotFindOut, match="gave no answer: exit status 255"):
        windows.ask()


def test_half_an_answer_is_none(windows: WindowsMachine) -> None:
    windows.has(broken_off=True)
    with pytest.raises(CannotFindOut, match="broke off its answer"):
        windows.ask()


def test_an_answer_to_another_question_is_none(windows: WindowsMachine) -> None:
    windows.has(nonce="0123456789abcdef")
    with pytest.raises(CannotFindOut, match="gave no answer"):
        windows.ask()


@pytest.mark.parametrize("text", ["", "[]", "null", "{", '{"version": 1', "\ud83d", "[" * 50_000])
def test_what_is_no_document_is_no_answer(windows: WindowsMachine, text: str) -> None:
    windows.has(instead=text.encode("ascii", "replace").decode() or " ")
    with pytest.raises(CannotFindOut, match="cannot be read"):
        windows.ask()


@pytest.mark.parametrize(
    "key", ["version", "computer", "now", "errors", "processes", "services", "open_files", "lists"]
)
def test_a_part_that_is_missing_makes_no_answer(windows: WindowsMachine, key: str) -> None:
    windows.has(left_out=[key])
    with pytest.raises(CannotFindOut, match="cannot be read"):
        windows.ask()


@pytest.mark.parametrize(
    "changed",
    [
        {"version": 2},
        {"version": True},
        {"computer": None},
        {"processes": {}},
        {"processes": [process(id="4711")]},
        {"processes": [process(state=True)]},
        {"processes": [{}]},
        {"services": [service(state="Running")]},
        {"open_files": [opened("x", permissions=1.5)]},  # type: ignore[arg-type]
        {"open_files": ["x"]},
        {"errors": ["x"]},
        {"lists": [{"found": 1, "tried": 2, "failed": []}]},
        {"lists": [{"found": True, "tried": 2, "failed": [3]}]},
    ],
    ids=str,
)
def test_a_part_of_another_kind_makes_no_answer(
    windows: WindowsMachine, changed: dict[str, Any]
) -> None:
    windows.has(changed=changed)
    with pytest.raises(CannotFindOut, match="cannot be read"):
        windows.ask()


@pytest.mark.parametrize(
    "lists",
    [
        [],
        [{"found": True, "tried": 2, "failed": []}] * 2,
        [{"found": True, "tried": 2, "failed": [{"file": 2, "code": 0}]}],
        [{"found": True, "tried": 2, "failed": [{"file": -1, "code": 0}]}],
        [{"found": True, "tried": 3, "failed": []}],
        [{"found": True, "tried": -1, "failed": []}],
    ],
)
def test_an_answer_about_other_files_is_none(
    windows: WindowsMachine, lists: list[dict[str, Any]]
) -> None:
    windows.has(changed={"lists": lists})
    with pytest.raises(CannotFindOut, match="other files"):
        windows.ask()


def test_a_time_that_is_none_makes_no_answer(windows: WindowsMachine) -> None:
    windows.has(processes=[process(started="gisteren")])
    with pytest.raises(CannotFindOut, match="gisteren"):
        windows.ask()


def test_a_machine_that_does_not_answer_is_given_up_at_the_limit(windows: WindowsMachine) -> None:
    windows.has(hangs=True)
    windows.limit = 0.5
    started = time.monotonic()
    with pytest.raises(CannotFindOut, match=r"did not answer within 0\.5 s"):
        windows.ask()
    assert time.monotonic() - started < 5


def test_without_powershell_it_is_told_what_is_missing(
    windows: WindowsMachine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "commands" / "powershell.exe").unlink()
    with pytest.raises(CannotFindOut, match=r"powershell\.exe cannot be started"):
        windows.ask()
