"""The PowerShell script, read as PowerShell reads it: no PowerShell runs where these tests do."""

from __future__ import annotations

import json
import re
import typing
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import tree_sitter_powershell
from tree_sitter import Language, Node, Parser

from avplugin.configuration.sessions import WindowsProbe
from avplugin.sessions import windows_script
from avplugin.sessions.child import ChildError
from avplugin.sessions.model import CannotFindOut
from avplugin.shipped import shipped_folder

SCRIPT = (shipped_folder("hooks") / "windows" / "sessions.ps1").read_bytes()

# All that the script runs, in small letters. Add-Type changes only the PowerShell that runs it.
COMMANDS = {
    "add-type",
    "convertfrom-json",
    "get-ciminstance",
    "get-service",
    "get-smbopenfile",
    "invoke-cimmethod",
    "new-object",
    "where-object",
    "set-strictmode",
}

GIVEN_BY_POWERSHELL = {"_", "null", "true", "false"}


def nodes(script: bytes) -> Iterator[Node]:
    parser = Parser(Language(tree_sitter_powershell.language()))
    waiting = [parser.parse(script).root_node]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(node.children)


def text(node: Node) -> str:
    return SCRIPT[node.start_byte : node.end_byte].decode()


def faults(script: bytes) -> list[str]:
    return [
        f"line {node.start_point.row + 1}"
        for node in nodes(script)
        if node.is_error or node.is_missing
    ]


def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return the documents that go to the script."""
    given: list[bytes] = []

    def ask(words: Sequence[str], **options: Any) -> typing.NoReturn:
        given.append(options["given"])
        raise ChildError("no Windows here")

    monkeypatch.setattr(windows_script, "ask_program", ask)
    with pytest.raises(CannotFindOut):
        windows_script.run_script(
            WindowsProbe(via="ssh://a@b", folders={}),
            roots=["D:\\é"],
            trials=[windows_script.Trial("D:\\é", ["x"])],
            exclusive=False,
            limit=10,
        )
    lines = given[0].partition(b"\n\n")[0].split(b"\n")
    return [json.loads(line) for line in lines[1:]]


def test_the_script_is_powershell() -> None:
    assert faults(SCRIPT) == []


@pytest.mark.parametrize(
    "broken", [SCRIPT.replace(b"}", b"", 1), SCRIPT[: len(SCRIPT) // 2], SCRIPT + b"\n$x = (1"]
)
def test_a_broken_script_would_be_seen(broken: bytes) -> None:
    assert faults(broken)


@pytest.mark.parametrize("line", [windows_script._COMMAND, windows_script._FIRST_LINE])
def test_what_starts_the_script_is_powershell_of_one_line(line: str) -> None:
    assert faults(line.encode()) == []
    assert "\n" not in line
    assert "$input" not in line.lower()  # PowerShell would read standard input itself


def test_the_script_is_ascii_for_any_code_page() -> None:
    assert SCRIPT.isascii()


def test_the_script_reads_all_that_it_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, files = sent(monkeypatch)
    script = SCRIPT.decode()
    assert set(re.findall(r"\$asked\.(\w+)", script)) == set(asked)
    assert set(re.findall(r"\$list\.(\w+)", script)) == set(files)


@pytest.mark.parametrize(
    "part",
    [
        windows_script.Report,
        windows_script.Process,
        windows_script.Service,
        windows_script.OpenFile,
        windows_script.Tried,
        windows_script.FailedFile,
        windows_script.Failure,
    ],
)
def test_the_script_answers_all_that_is_needed(part: Any) -> None:
    answered = [
        {text(key).strip("'") for key in keys(node)}
        for node in nodes(SCRIPT)
        if node.type == "hash_literal_expression"
    ]
    assert set(typing.get_type_hints(part)) in answered


def test_what_the_script_fills_in_later_is_part_of_its_answer() -> None:
    filled = set(re.findall(r"\$answer\.(\w+) = ", SCRIPT.decode()))
    parts = (windows_script.Process, windows_script.Service)
    assert filled <= set().union(*(typing.get_type_hints(part) for part in parts))


def keys(literal: Node) -> Iterator[Node]:
    """Yield the keys of a hash literal, not of those inside it."""
    for entries in literal.named_children:
        for entry in entries.named_children:
            yield from (part for part in entry.named_children if part.type == "key_expression")


def test_the_script_runs_nothing_that_changes_windows() -> None:
    own = {name.lower() for name in re.findall(r"^function ([\w-]+)", SCRIPT.decode(), re.M)}
    run = {text(node).lower() for node in nodes(SCRIPT) if node.type == "command_name"}
    assert run - own == COMMANDS
    assert set(re.findall(r"\[IO\.\w+\](?:::)?\$?\w*", SCRIPT.decode())) == {
        "[IO.Directory]::Exists",
        "[IO.File]::Open",
        "[IO.FileAccess]::Read",
        "[IO.FileMode]::Open",
        "[IO.FileShare]$asked",
    }


def test_every_variable_of_the_script_is_set_somewhere() -> None:
    script = SCRIPT.decode()
    used = {
        text(node).lstrip("$@{").rstrip("}").lower()
        for node in nodes(SCRIPT)
        if node.type == "variable"
    }
    assigned = {
        name.lower()
        for pattern in (
            r"\$(\w+) = ",
            r"foreach \(\$(\w+) in ",
            r"(?:param|function [\w-]+) ?\(([^)]*)\)",
        )
        for found in re.findall(pattern, script)
        for name in re.findall(r"\w+", re.sub(r"\[[\w.\[\]]+\] ", "", found))
    }
    assert used - assigned - GIVEN_BY_POWERSHELL == set()


def test_a_message_of_windows_is_only_shown() -> None:
    assert re.findall(r"^.*\.Message\b.*$", SCRIPT.decode(), re.M) == [
        "        message = [string]$cause.Message"
    ]
