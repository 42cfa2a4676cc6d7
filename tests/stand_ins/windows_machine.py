"""A Windows machine for tests, in two programs: `powershell.exe`, and `ssh` to a server.

Knows the part of PowerShell that finds the script on standard input, and answers as the script
would. What the machine has, and how it misbehaves, stands in the file named by WINDOWS_MACHINE;
how it was called is written beside it.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from pathlib import Path
from typing import Any

SHARING_VIOLATION = 0x80070020 - (1 << 32)

WORDS = ["-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-Command"]
COMMAND = "& ([ScriptBlock]::Create([Console]::In.ReadLine()))"
READER = (
    "$given = @(while ($line = [Console]::In.ReadLine()) { $line }); "
    "& ([ScriptBlock]::Create([Console]::In.ReadToEnd())) $given"
)


def main() -> None:
    machine = Path(os.environ["WINDOWS_MACHINE"])
    world = json.loads(machine.read_text())
    given = sys.stdin.buffer.read().decode("ascii")
    machine.with_suffix(".called").write_text(json.dumps({"words": sys.argv, "given": given}))

    say(world["errors_printed"], sys.stderr.buffer)
    if world["hangs"]:
        time.sleep(60)
    if world["answers"]:
        asked, lists, script = read(given)
        if script != Path(world["script"]).read_text():
            sys.exit("this is not the script")
        text = answer(world, asked, lists)
        if world["broken_off"]:
            text = text[: len(text) // 2]
        say(world["before"], sys.stdout.buffer)
        sys.stdout.buffer.write(text.encode("ascii").replace(b"\n", b"\r\n"))
        say(world["after"], sys.stdout.buffer)
    sys.stdout.buffer.flush()
    sys.exit(world["status"])


def say(hexadecimal: str, stream: Any) -> None:
    stream.write(bytes.fromhex(hexadecimal))
    stream.flush()


def read(given: str) -> tuple[Any, list[Any], str]:
    """Do what the command line and the first line tell PowerShell to do."""
    if command_of(sys.argv) != [*WORDS, COMMAND]:
        sys.exit(f"these are not the words: {sys.argv}")
    first, _, rest = given.partition("\n")
    if first != READER:
        sys.exit(f"this is not the reader: {first}")
    lines, _, script = rest.partition("\n\n")
    asked, *lists = [json.loads(line) for line in lines.split("\n")]
    return asked, lists, script


def command_of(words: list[str]) -> list[str]:
    if Path(words[0]).name == "powershell.exe":
        return words[1:]
    # What cmd.exe and PowerShell make alike of a command: words, and text between double quotes
    # as it is. Anything that one of them would replace or act on is refused.
    command = words[-1]
    if re.search(r'[%`$^!\\]|""', command) or re.search(
        r"[&|<>();]", re.sub('"[^"]*"', "", command)
    ):
        sys.exit(f"a shell would read this differently: {command}")
    program, *rest = [quoted or word for quoted, word in re.findall(r'"([^"]*)"|(\S+)', command)]
    return rest if program == "powershell.exe" else []


def answer(world: Any, asked: Any, lists: list[Any]) -> str:
    document = {
        "version": 1,
        "computer": "SRV01",
        "now": "2026-03-02T17:00:00Z",
        "errors": world["errors"],
        "processes": world["processes"],
        "services": world["services"],
        "open_files": world["open_files"],
        "lists": [try_files(world, asked["share"], one) for one in lists],
    }
    document.update(world["changed"])
    for key in world["left_out"]:
        del document[key]
    nonce = world["nonce"] or asked["nonce"]
    text = world["instead"] or json.dumps(document)
    return f"\navplugin answer {nonce}\n{text}\navplugin end {nonce}\n"


def try_files(world: Any, share: str, one: Any) -> Any:
    """Open the files of a list: `held` are open for writing, `read` for reading."""
    folder = one["folder"].rstrip("\\")
    if folder in world["unseen"]:
        return {"found": False, "tried": 0, "failed": []}
    files = one["files"][: world["most_files"]]
    failed = []
    for number, file in enumerate(files):
        path = f"{folder}\\{file}"
        code = world["codes"].get(path)
        if path in world["held"] or (path in world["read"] and share == "None"):
            code = SHARING_VIOLATION
        if code is not None:
            failed.append({"file": number, "code": code})
    return {"found": True, "tried": len(files), "failed": failed}


main()
