"""Windows' Task Scheduler for tests, as WSL sees it: `schtasks.exe`, `whoami.exe` and `wslpath`.

The tasks, as Windows would keep them, stand in the JSON file named by WINDOWS_TASKS; so does, under
`refuses`, that this user is no administrator.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from xml.etree import ElementTree

NAMESPACE = "http://schemas.microsoft.com/windows/2004/02/mit/task"
SHARE = "\\\\wsl.localhost\\Debian"


def main() -> None:
    match Path(sys.argv[0]).name, sys.argv[1:]:
        case "whoami.exe", []:
            sys.stdout.write("kantoor\\beheerder\r\n")
        case "wslpath", ["-w", path]:
            sys.stdout.write(SHARE + path.replace("/", "\\") + "\n")
        case "schtasks.exe", [action, "/TN", name, *rest]:
            schtasks(action, name, rest)
        case _:
            sys.exit(f"these are not the words: {sys.argv}")


def schtasks(action: str, name: str, rest: list[str]) -> None:
    file = Path(os.environ["WINDOWS_TASKS"])
    world = json.loads(file.read_text())
    match action, rest:
        case "/Create", ["/XML", path, "/F", *account]:
            refuse(world)
            world["tasks"][name] = taken(path, account)
        case "/Query", ["/XML"]:
            if name not in world["tasks"]:
                sys.exit("ERROR: The system cannot find the file specified.")
            sys.stdout.buffer.write(world["tasks"][name].encode("cp1252"))
        case "/Delete", ["/F"]:
            refuse(world)
            del world["tasks"][name]
        case _:
            sys.exit("ERROR: Invalid syntax.")
    file.write_text(json.dumps(world))


def refuse(world: dict[str, object]) -> None:
    if world["refuses"]:
        sys.exit("ERROR: Access is denied.")


def taken(path: str, account: list[str]) -> str:
    """Return the task in other words, as Windows gives it back."""
    local = Path(path.removeprefix(SHARE).replace("\\", "/"))
    if not all(folder.stat().st_mode & 0o005 == 0o005 for folder in local.parents) or not (
        local.stat().st_mode & 0o004
    ):
        sys.exit("ERROR: Access is denied.")  # Windows is not root
    data = local.read_bytes()
    if not data.startswith(b"\xff\xfe"):
        sys.exit("ERROR: The task XML is malformed.")
    task = ElementTree.fromstring(data.decode("utf-16"))  # noqa: S314
    logon = task.findtext(f".//{{{NAMESPACE}}}LogonType")
    user = task.findtext(f".//{{{NAMESPACE}}}UserId")
    wanted = ["/RU", user, "/RP", "*"] if logon == "Password" else []
    if account != wanted:
        sys.exit("ERROR: The user name or password is incorrect.")
    ElementTree.register_namespace("", NAMESPACE)
    text = ElementTree.tostring(task, encoding="unicode")
    return '<?xml version="1.0" encoding="UTF-16"?>\r\n' + text


if __name__ == "__main__":
    main()
