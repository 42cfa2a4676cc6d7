"""Find, read and check accountview.yaml."""

from __future__ import annotations

import dataclasses
import difflib
import functools
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from avplugin.configuration.model import BackupSet, Configuration
from avplugin.errors import AvpluginError
from avplugin.installation.locate import AdministrationSource, Explicit, FolderGlob, Register
from avplugin.installation.windows_path import is_windows_path

DEFAULT_SETS: Mapping[str, Mapping[str, Any]] = {
    "system": {"folders": ["program", "system", "extra"]},
    "administrations": {"select": "all"},
}

WHY_SESSIONS = (
    "is missing: a copy of tables that somebody has open is worthless, so it has to be said how to"
    " find out who is logged in. Write 'sessions: {assume_nobody: true}' if you make sure yourself"
    " that nobody is"
)


class ConfigurationError(AvpluginError):
    """accountview.yaml is missing, cannot be read, or says what cannot be meant."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Fault:
    key: str  # path of keys, such as installation.name
    text: str


def find_configuration(chosen: str | None) -> Path:
    """Return the path of accountview.yaml.

    `chosen` is what --config says; without it $AVPLUGIN_CONFIG, /etc/avplugin and
    $XDG_CONFIG_HOME/avplugin are tried in this order. Raise ConfigurationError if there is none.
    """
    named = chosen or os.environ.get("AVPLUGIN_CONFIG")
    if named:
        return Path(named).expanduser().absolute()
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    places = [Path("/etc/avplugin/accountview.yaml"), home / "avplugin" / "accountview.yaml"]
    for place in places:
        if place.exists():
            return place
    looked = " and ".join(str(place) for place in places)
    raise ConfigurationError(
        f"no configuration: {looked} do not exist.\n"
        "Name one with --config FILE or $AVPLUGIN_CONFIG; configs/accountview.yaml is a start."
    )


def load_configuration(chosen: str | None = None) -> Configuration:
    """Read and check accountview.yaml and return what it says.

    Raise ConfigurationError that lists every fault of the file, each with its path of keys.
    """
    file = find_configuration(chosen)
    text = _read(file)
    document = _parse(file, text)
    faults = list(_schema_faults(document))
    if not faults:
        faults = list(_faults_beyond_the_schema(document))
    if faults:
        lines = [f"{file}: {fault.key}: {fault.text}" for fault in faults]
        raise ConfigurationError("\n".join(lines))
    return _make_configuration(file, text, document)


def default_state_folder() -> Path:
    """Return where state is kept when the configuration does not say."""
    if os.geteuid() == 0:
        return Path("/var/lib/avplugin")
    home = os.environ.get("XDG_STATE_HOME")
    return Path(home or Path.home() / ".local" / "state") / "avplugin"


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file} is not UTF-8 text: save it as UTF-8.") from error
    except OSError as error:
        raise ConfigurationError(
            f"cannot read the configuration {file}: {error.strerror}."
        ) from error


def _parse(file: Path, text: str) -> dict[str, Any]:
    import yaml  # noqa: PLC0415 - commands that need no configuration start without it

    from avplugin.configuration.yaml_loader import StrictLoader  # noqa: PLC0415

    try:
        document = yaml.load(text, Loader=StrictLoader)  # noqa: S506 - derived from SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "cannot be parsed"
        raise ConfigurationError(f"{file}{where} is not right YAML: {problem}.") from error
    if not isinstance(document, dict):
        raise ConfigurationError(
            f"{file} holds no settings; configs/accountview.yaml shows what belongs in it."
        )
    return document


@functools.cache
def load_schema() -> dict[str, Any]:
    """Return the JSON Schema of accountview.yaml."""
    import yaml  # noqa: PLC0415 - as above

    text = Path(__file__).with_name("schema.yaml").read_text(encoding="utf-8")
    schema: dict[str, Any] = yaml.safe_load(text)
    return schema


def _schema_faults(document: Mapping[str, Any]) -> Iterator[_Fault]:
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - as above

    validator = Draft202012Validator(load_schema())
    errors = sorted(validator.iter_errors(document), key=lambda error: [str(p) for p in error.path])
    for error in errors:
        yield from _explain(error)


def _explain(error: Any) -> Iterator[_Fault]:
    """Turn what jsonschema found into what a person has to change."""
    key = _key_path(error.absolute_path)
    if error.validator == "additionalProperties":
        known = list(error.schema.get("properties", {}))
        for name in [name for name in error.instance if name not in known]:
            near = difflib.get_close_matches(str(name), known, n=1)
            hint = f"; did you mean {near[0]}?" if near else f"; known are {', '.join(known)}"
            yield _Fault(_join(key, str(name)), f"is not known{hint}")
    elif error.validator == "required":
        required = error.validator_value
        for name in [name for name in required if name not in error.instance]:
            if f"'{name}'" in error.message:
                text = WHY_SESSIONS if name == "sessions" else "is missing"
                yield _Fault(_join(key, name), text)
    elif error.validator == "anyOf" and error.context:
        yield from _explain_alternatives(error, key)
    elif error.validator == "type":
        yield _Fault(key, _explain_type(error))
    elif error.validator in {"minLength", "minItems", "minProperties"}:
        yield _Fault(key, "is empty")
    elif error.validator == "pattern":
        kind = "letters, digits, - and _ only, first and last a letter or digit"
        yield _Fault(key, f"{error.instance!r} cannot be used: {kind}")
    else:
        yield _Fault(key, error.message)


def _explain_alternatives(error: Any, key: str) -> Iterator[_Fault]:
    """Explain by the alternative that was most likely meant: the one whose keys are there."""
    branches: dict[Any, list[Any]] = {}
    for inner in error.context or ():
        branches.setdefault(inner.schema_path[0], []).append(inner)
    alternatives = error.validator_value

    def keys_missing(index: Any) -> int:
        wanted = alternatives[index].get("required", ())
        present = error.instance if isinstance(error.instance, dict) else ()
        return sum(name not in present for name in wanted)

    missing = {index: keys_missing(index) for index in branches}
    best = min(branches, key=lambda index: (missing[index], len(branches[index])))
    if isinstance(error.instance, dict) and missing[best] >= len(
        alternatives[best].get("required", ())
    ):
        choices = " or ".join("+".join(option["required"]) for option in alternatives)
        yield _Fault(key, f"needs {choices}")
        return
    if not isinstance(error.instance, dict) and error.parent is None:
        alternatives_text = " or ".join(
            str(option.get("const", "a list")) for option in alternatives
        )
        yield _Fault(key, f"must be {alternatives_text}")
        return
    for inner in branches[best]:
        yield from _explain(inner)


def _explain_type(error: Any) -> str:
    wanted = {
        "string": "text",
        "array": "a list",
        "object": "a group of settings",
        "boolean": "true or false",
    }
    name = wanted.get(str(error.validator_value), str(error.validator_value))
    if error.instance is None:
        return f"is empty; it must be {name}"
    if name == "text" and isinstance(error.instance, (int, float)):
        return f"must be text: write it in quotes, '{error.instance}'"
    return f"must be {name}"


def _key_path(path: Sequence[str | int]) -> str:
    text = ""
    for part in path:
        text = f"{text}[{part}]" if isinstance(part, int) else _join(text, str(part))
    return text or "the file"


def _join(key: str, name: str) -> str:
    return name if key in {"", "the file"} else f"{key}.{name}"


def _faults_beyond_the_schema(document: Mapping[str, Any]) -> Iterator[_Fault]:
    """Yield what JSON Schema cannot say."""
    for key, value in _folders_named(document):
        if not is_windows_path(value) and not Path(value).is_absolute():
            yield _Fault(key, f"{value!r} is neither a path from / on nor a Windows path")
    for windows_path, local in document.get("drives", {}).items():
        if not is_windows_path(windows_path):
            yield _Fault(f"drives.{windows_path}", "is not a Windows path such as 'F:\\'")
        if not Path(local).is_absolute():
            yield _Fault(f"drives.{windows_path}", f"{local!r} is not a path from / on")
    state = document.get("state")
    if state is not None and not re.fullmatch(r"(/[^*?\[\s/]+)+/?", state):
        yield _Fault("state", f"{state!r} must be a path from / on, without blanks, *, ? and [")
    has_folders = any("folders" in part for part in document.get("sets", DEFAULT_SETS).values())
    if not has_folders:
        yield _Fault("sets", "none of them holds the program, system and extra folders")


def _folders_named(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    installation = document["installation"]
    for name in ("program", "system"):
        yield f"installation.{name}", installation[name]
    for index, folder in enumerate(installation.get("extra", ())):
        yield f"installation.extra[{index}]", folder
    for index, source in enumerate(document["administrations"]):
        key = f"administrations[{index}]"
        for name in ("folders", "folder"):
            if name in source:
                yield f"{key}.{name}", source[name]
        for number, folder in enumerate(source.get("copy_documents", ())):
            yield f"{key}.copy_documents[{number}]", folder


def _make_configuration(file: Path, text: str, document: Mapping[str, Any]) -> Configuration:
    installation = document["installation"]
    copy_documents = document.get("copy_documents", {})
    state = document.get("state")
    return Configuration(
        file=file,
        text=text,
        installation_name=installation["name"],
        program=installation["program"],
        system=installation["system"],
        extra=tuple(installation.get("extra", ())),
        administrations=tuple(_make_source(file, source) for source in document["administrations"]),
        drives=dict(document.get("drives", {})),
        state=Path(state) if state else default_state_folder(),
        sets={
            name: _make_set(file, name, part)
            for name, part in document.get("sets", DEFAULT_SETS).items()
        },
        copy_documents_backup=copy_documents.get("backup", True),
        copy_documents_backup_of={
            code: part["backup"] for code, part in copy_documents.get("administrations", {}).items()
        },
    )


def _make_source(file: Path, source: Mapping[str, Any]) -> AdministrationSource:
    if "folders" in source:
        return FolderGlob(pattern=source["folders"])
    if "register" in source:
        register = source["register"]
        named = register["file"]
        return Register(
            file=named if is_windows_path(named) else str(file.parent / named),
            code=register["code"],
            name=register.get("name"),
            folder=register["folder"],
            copy_documents=register.get("copy_documents"),
        )
    return Explicit(
        code=source["code"],
        name=source.get("name", source["code"]),
        folder=source["folder"],
        copy_documents=tuple(source.get("copy_documents", ())),
    )


def _make_set(file: Path, name: str, part: Mapping[str, Any]) -> BackupSet:
    select = part.get("select")
    if select == "all":
        select = ["*"]
    named = part.get("borgmatic", f"/etc/borgmatic.d/accountview-{name}.yaml")
    return BackupSet(
        name=name,
        folders=tuple(part.get("folders", ())),
        select=tuple(select or ()),
        borgmatic=file.parent / Path(named).expanduser(),
        only_changed=part.get("only_changed", True),
    )
