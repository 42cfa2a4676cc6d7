"""The configuration as files: those of configs/, with the answers filled in."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path

from avplugin.errors import AvpluginError
from avplugin.setup.answers import ASSUME_NOBODY, SAMBA, WSL, Answers, Places, RegisterColumns
from avplugin.shipped import shipped_folder

_SETS = ("system", "administrations")
_COMMON = "include/accountview.yaml"


def configuration_files(answers: Answers, places: Places) -> dict[Path, str]:
    """Return what belongs in accountview.yaml and in borgmatic's files, by their places.

    Raise AvpluginError if the file with the sessions cannot be read.
    """
    files = {places.configuration: _accountview(answers, places)}
    files |= {
        places.borgmatic / f"accountview-{name}.yaml": _of_set(name, answers, places)
        for name in _SETS
    }
    files[places.borgmatic / _COMMON] = _common(answers, places)
    return files


def _accountview(answers: Answers, places: Places) -> str:
    text = _shipped("accountview.yaml")
    text = _replaced(
        text, r"# Copy this file to .*\. Windows paths are fine", "# Windows paths are fine"
    )
    text = _filled(text, "  name: accountview", f"  name: {_quoted(answers.name)}")
    for key in ("program", "system"):
        text = _replaced(text, rf"  {key}: '.*'", f"  {key}: {_quoted(getattr(answers, key))}")
    extra = "".join(f"\n    - {_quoted(folder)}" for folder in answers.extra) or " []"
    text = _replaced(text, r"  extra:(\n    - .*)+", f"  extra:{extra}")
    text = _replaced(text, r"  - register:\n(      .*\n)+", _source(answers.administrations))
    drives = "".join(
        f"\n  {_quoted(windows)}: {_quoted(folder)}" for windows, folder in answers.drives.items()
    )
    text = _replaced(text, r"drives:(\n  .*)+", f"drives:{drives or ' {}'}")
    text = _filled(text, "state: /var/lib/avplugin", f"state: {_quoted(str(places.state))}")
    for name in _SETS:
        file = str(places.borgmatic / f"accountview-{name}.yaml")
        text = _filled(
            text,
            f"    borgmatic: /etc/borgmatic.d/accountview-{name}.yaml",
            f"    borgmatic: {_quoted(file)}",
        )
    return _replaced(
        text, r"(# How to find out .*\n# .*\n)?sessions:\n(  .*\n?)+", _sessions(answers)
    )


def _source(administrations: RegisterColumns | str) -> str:
    if isinstance(administrations, str):
        return f"  - folders: {_quoted(administrations)}\n"
    columns = {
        "file": administrations.file,
        "code": administrations.code,
        "name": administrations.name,
        "folder": administrations.folder,
        "copy_documents": administrations.copy_documents,
    }
    return "".join(
        ["  - register:\n"]
        + [f"      {key}: {_quoted(value)}\n" for key, value in columns.items() if value]
    )


def _sessions(answers: Answers) -> str:
    if answers.sessions == ASSUME_NOBODY:
        return (
            "# You see to it yourself that nobody is in; every snapshot notes 'not checked'. The\n"
            "# files in configs/sessions/ show how to find out who is in.\n"
            "sessions:\n  assume_nobody: true\n"
        )
    if answers.sessions == SAMBA:
        return (
            "# Who is in, as this machine's own Samba says.\n"
            "sessions:\n  probes:\n    - samba: {}\n"
        )
    if answers.sessions == WSL:
        return (
            "# Who is in, as the Windows machine around this WSL says.\n"
            "sessions:\n  probes:\n    - windows: {via: wsl}\n      limit: 120s\n"
        )
    try:
        text = Path(answers.sessions).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise AvpluginError(f"cannot read the sessions in {answers.sessions}: {why}.") from error
    if not re.search(r"^sessions:", text, re.MULTILINE):
        raise AvpluginError(
            f"{answers.sessions} holds no 'sessions:'; configs/sessions/ shows what belongs in it."
        )
    return text.rstrip("\n") + "\n"


def _of_set(name: str, answers: Answers, places: Places) -> str:
    text = _shipped(f"borgmatic.d/accountview-{name}.yaml")
    text = _filled(
        text,
        f"    - /var/lib/avplugin/{name}/patterns",
        f"    - {_quoted(str(places.state / name / 'patterns'))}",
    )
    text = text.replace(f"accountview-{name}-", f"{answers.name}-{name}-")
    if places.is_usual:
        return text
    call = places.command.replace("'", "''")
    return text.replace("run: ['avplugin ", f"run: ['{call} ")


def _common(answers: Answers, places: Places) -> str:
    text = _shipped(f"borgmatic.d/{_COMMON}")
    text = _filled(
        text,
        "    - path: /var/backups/accountview.borg\n      label: local",
        f"    - path: {_quoted(answers.repository)}\n      label: {_quoted(answers.label)}",
    )
    command = f"cat {shlex.quote(str(places.passphrase))}"
    return _filled(
        text,
        "encryption_passcommand: cat /etc/avplugin/passphrase",
        f"encryption_passcommand: {_quoted(command)}",
    )


def _shipped(name: str) -> str:
    return (shipped_folder("configs") / name).read_text(encoding="utf-8")


def _filled(text: str, shipped: str, mine: str) -> str:
    """Return the text with the one place where it says what is shipped saying mine."""
    return _replaced(text, re.escape(shipped), mine)


def _replaced(text: str, pattern: str, mine: str) -> str:
    found = list(re.finditer(f"^{pattern}", text, re.MULTILINE))
    if len(found) != 1:
        raise AvpluginError(f"configs/ is not as avplugin ships it: where is {pattern!r}?")
    return text[: found[0].start()] + mine + text[found[0].end() :]


def _quoted(value: str) -> str:
    """Return a value as YAML reads it, bare if that is plainly the same."""
    if re.fullmatch(r"[A-Za-z/][A-Za-z0-9/_.-]*", value) and value.lower() not in _NO_TEXT:
        return value
    return "'" + value.replace("'", "''") + "'"


_NO_TEXT = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}


def existing(files: Iterable[Path]) -> list[Path]:
    """Return those that are there already."""
    return [file for file in files if file.exists() or file.is_symlink()]


def needed_drives(paths: Iterable[str], drives: Mapping[str, str]) -> list[str]:
    r"""Return the drives (`F:\`) and shares (`\\server\share`) of these paths that none covers."""
    from avplugin.installation.windows_path import (  # noqa: PLC0415
        Drives,
        NoDriveError,
        PathError,
        is_windows_path,
        name_key,
        split_windows_path,
    )

    known = Drives(drives)
    missing: dict[str, str] = {}  # by what Windows takes for the same
    for path in paths:
        if not is_windows_path(path):
            continue
        try:
            known.to_local(path)
        except NoDriveError:
            parts = split_windows_path(path)
            is_share = parts[0].startswith("\\")
            prefix = "\\".join(parts[:2]) if is_share else f"{parts[0].upper()}\\"
            missing.setdefault(name_key(prefix), prefix)
        except PathError:
            continue  # told with the folder itself
    return list(missing.values())
