"""Find, read and check accountview.yaml."""

from __future__ import annotations

import dataclasses
import datetime
import difflib
import functools
import os
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from avplugin.configuration.duration import seconds
from avplugin.configuration.load_sessions import (
    faults_of_sessions,
    make_sessions,
    read_blocked_by,
    read_on_busy,
)
from avplugin.configuration.mail import faults_of_mail, make_mail_server, make_report
from avplugin.configuration.model import (
    CHOSEN,
    BackupSet,
    BrakeLimits,
    Configuration,
    DrillSettings,
)
from avplugin.configuration.packages import make_packages
from avplugin.configuration.window import Window
from avplugin.errors import AvpluginError
from avplugin.installation.locate import AdministrationSource, Explicit, FolderGlob, Register
from avplugin.installation.windows_path import Drives, DrivesError, is_windows_path, one_line
from avplugin.state.checked_configuration import CheckedConfiguration

DEFAULT_SETS: Mapping[str, Mapping[str, Any]] = {
    "system": {"folders": ["program", "system", "extra"]},
    "administrations": {"select": "all"},
}

WHY_SESSIONS = (
    "is missing: a copy of tables that somebody has open is worthless, so it has to be said how to"
    " find out who is logged in (probes). Write 'sessions: {assume_nobody: true}' if you make sure"
    " yourself that nobody is"
)


_SCHEMA = Path(__file__).with_name("schema.yaml")

_SIMPLE_FAULTS = {
    "minLength": "is empty",
    "minItems": "is empty",
    "minProperties": "is empty",
    "maxItems": "is too long a list",
    "uniqueItems": "says something twice",
}


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
        return _from_home(named).absolute()
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    places = [Path("/etc/avplugin/accountview.yaml"), home / "avplugin" / "accountview.yaml"]
    for place in places:
        if os.path.exists(place):  # noqa: PTH110 - false also where this user may not look
            return place
    looked = " and ".join(str(place) for place in places)
    raise ConfigurationError(
        f"no configuration: {looked} are not there, or closed to this user.\n"
        "Name one with --config FILE or $AVPLUGIN_CONFIG; configs/accountview.yaml is a start."
    )


def load_configuration(chosen: str | None = None) -> Configuration:
    """Read and check accountview.yaml and return what it says.

    Raise ConfigurationError that lists every fault of the file, each with its path of keys.
    """
    file = find_configuration(chosen)
    text = _read(file)
    document = _parse(file, text)
    state = document.get("state")
    known_state = Path(state) if isinstance(state, str) else default_state_folder()
    checked = CheckedConfiguration(known_state, text, _SCHEMA.read_bytes())
    was_right = checked.is_known()
    faults = [] if was_right else _schema_faults(document)
    if not faults and not was_right:
        checked.remember()
    faults += _faults_beyond_the_schema(document)
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
            f"cannot read the configuration {file}: {error.strerror}.\n"
            "It is the file that --config or $AVPLUGIN_CONFIG names, or the one in its usual place."
        ) from error


def _parse(file: Path, text: str) -> dict[str, Any]:
    import yaml  # noqa: PLC0415 - commands that need no configuration start without it

    from avplugin.configuration.yaml_loader import StrictLoader  # noqa: PLC0415

    try:
        document = yaml.load(text, Loader=StrictLoader)  # noqa: S506 - derived from SafeLoader
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{file}{_explain_yaml(error)}") from error
    except RecursionError as error:
        raise ConfigurationError(f"{file} is not right YAML: it is nested too deeply.") from error
    if not isinstance(document, dict):
        raise ConfigurationError(
            f"{file} holds no settings; configs/accountview.yaml shows what belongs in it."
        )
    return document


def _explain_yaml(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    where = f" line {mark.line + 1}" if mark else ""
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "no YAML"
    hint = ""
    if "escape" in problem:
        hint = r". Write Windows paths in single quotes: 'F:\admins'"
    elif "constructor for the tag" in problem:
        hint = ". Text that begins with ! belongs in quotes"
    elif r"'\t'" in problem:
        hint = ". Indent with blanks, not with tabs"
    return f"{where} is not right YAML: {problem}{hint}."


@functools.cache
def load_schema() -> dict[str, Any]:
    """Return the JSON Schema of accountview.yaml."""
    import yaml  # noqa: PLC0415 - as above

    text = _SCHEMA.read_text(encoding="utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # in C, where PyYAML has it: 0.08 s less
    schema: dict[str, Any] = yaml.load(text, Loader=loader)  # noqa: S506 - both are safe
    return schema


def _schema_faults(document: Mapping[str, Any]) -> list[_Fault]:
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - as above

    errors = list(Draft202012Validator(load_schema()).iter_errors(document))
    misspelled = {
        (*error.absolute_path, meant)
        for error in errors
        for _, meant in _unknown_keys(error)
        if meant
    }
    faults = [fault for error in errors for fault in _explain(error, misspelled)]
    return sorted(dict.fromkeys(faults), key=lambda fault: fault.key)


def _unknown_keys(error: Any) -> Iterator[tuple[Any, str]]:
    """Yield each key that the schema does not know, with the known one nearest to it or nothing."""
    if error.validator == "additionalProperties":
        known = error.schema["properties"]
        for name in [name for name in error.instance if name not in known]:
            yield name, next(iter(difflib.get_close_matches(str(name), known, n=1)), "")


def _explain(error: Any, misspelled: Container[tuple[Any, ...]]) -> Iterator[_Fault]:
    """Turn what jsonschema found into what a person has to change.

    A key that is there, but `misspelled`, is one fault and not missing as well.
    """
    path = tuple(error.absolute_path)
    value, wanted = error.instance, error.validator_value
    if "propertyNames" in error.absolute_schema_path:
        path = (*path, str(value))
    key = _key_path(path)
    must = error.schema.get("must", "")
    match error.validator:
        case "additionalProperties":
            known = error.schema["properties"]
            for name, meant in _unknown_keys(error):
                hint = f"did you mean {meant}?" if meant else f"known here: {', '.join(known)}"
                yield _Fault(_key_path((*path, str(name))), f"is not known; {hint}")
        case "required":
            for name in wanted:
                if name not in value and (*path, name) not in misspelled:
                    text = WHY_SESSIONS if name == "sessions" else "is missing"
                    yield _Fault(_key_path((*path, name)), text)
        case "oneOf" | "anyOf" | "dependentRequired":
            known = error.schema["properties"]
            if isinstance(value, dict) and not any((*path, name) in misspelled for name in known):
                yield _Fault(key, f"must {must}")
        case "type":
            yield _Fault(key, _explain_type(value, wanted))
        case simple if simple in _SIMPLE_FAULTS:
            yield _Fault(key, _SIMPLE_FAULTS[simple])
        case _:
            shown = "what it says" if error.schema.get("secret") else f"'{one_line(str(value))}'"
            yield _Fault(key, f"{shown} cannot be used: it must {must}")


def _explain_type(value: Any, wanted: str | Sequence[str]) -> str:
    names = {
        "string": "text",
        "array": "a list",
        "object": "a group of settings",
        "boolean": "true or false",
        "integer": "a whole number",
    }
    name = " or ".join(names[kind] for kind in ([wanted] if isinstance(wanted, str) else wanted))
    if value is None:
        return f"is empty; it must be {name}"
    if "string" in wanted and not isinstance(value, (dict, list)):
        return f"must be {name}; YAML takes it for something else unless it stands in quotes"
    return f"must be {name}"


def _key_path(path: Iterable[str | int]) -> str:
    """Return the path of keys as text, such as administrations[0].folder."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return one_line("".join(parts).removeprefix("."))


def _faults_beyond_the_schema(document: Mapping[str, Any]) -> Iterator[_Fault]:
    """Yield what JSON Schema cannot say; what it can is not looked at twice."""
    drives = document.get("drives", {})
    if isinstance(drives, dict):
        accepted: dict[str, str] = {}
        for windows_path in [key for key in drives if isinstance(key, str)]:
            try:
                Drives({**accepted, windows_path: ""})
            except DrivesError as error:
                text = str(error).removeprefix("drives: ")
                yield _Fault(_key_path(("drives", windows_path)), text)
            else:
                accepted[windows_path] = ""
    sets = document.get("sets", DEFAULT_SETS)
    if isinstance(sets, dict) and sets:
        parts = [part if isinstance(part, dict) else {} for part in sets.values()]
        if all("select" in part and "folders" not in part for part in parts):
            yield _Fault("sets", "none of them holds the program, system and extra folders")
        if CHOSEN in sets:
            yield _Fault(
                _key_path(("sets", CHOSEN)),
                "is the name of what 'avplugin backup --administration' makes: take another one",
            )
        for name, part in zip(sets, parts, strict=True):
            if part.get("from") is not None and part.get("from") == part.get("until"):
                yield _Fault(
                    _key_path(("sets", name, "until")),
                    "is the same time as from; leave out both if a backup may begin at any hour",
                )
    for key, text in faults_of_mail(document):
        yield _Fault(key, text)
    if isinstance(document.get("sessions"), dict):
        for key, text in faults_of_sessions(document["sessions"], sets):
            yield _Fault(key, text)


def _make_configuration(file: Path, text: str, document: Mapping[str, Any]) -> Configuration:
    installation = document["installation"]
    copy_documents = document.get("copy_documents", {})
    state = document.get("state")
    brake = document.get("brake", {})
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
            name: _make_set(file, name, part, document["sessions"])
            for name, part in document.get("sets", DEFAULT_SETS).items()
        },
        copy_documents_backup=copy_documents.get("backup", True),
        copy_documents_backup_of=_single(copy_documents, "backup"),
        copy_documents_export=copy_documents.get("export", True),
        copy_documents_export_of=_single(copy_documents, "export"),
        sessions=make_sessions(document["sessions"], lambda named: file.parent / _from_home(named)),
        brake=BrakeLimits(percent=brake.get("percent", 10), least=brake.get("least", 3)),
        drill=_make_drill(document.get("drill", {})),
        keep_chosen=document.get("chosen", {}).get("keep", 10),
        ignored_references=tuple(document.get("references", {}).get("ignore", ())),
        unregistered_ignored=tuple(document.get("unregistered", {}).get("ignore", ())),
        report=make_report(document.get("report", {})),
        mail=make_mail_server(document.get("mail"), lambda named: file.parent / _from_home(named)),
        packages=make_packages(
            document.get("packages", {}), lambda named: file.parent / _from_home(named)
        ),
    )


def _single(copy_documents: Mapping[str, Any], key: str) -> dict[str, bool]:
    """Return what is said of the copy documents of single administrations, by code."""
    found = copy_documents.get("administrations", {})
    return {code: part[key] for code, part in found.items() if key in part}


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
            outdated_after=seconds(register.get("outdated_after", "60d")),
        )
    return Explicit(
        code=source["code"],
        name=source.get("name", source["code"]),
        folder=source["folder"],
        copy_documents=tuple(source.get("copy_documents", ())),
    )


def _make_set(
    file: Path, name: str, part: Mapping[str, Any], sessions: Mapping[str, Any]
) -> BackupSet:
    select = part.get("select")
    if select == "all":
        select = ["*"]
    named = part.get("borgmatic", f"/etc/borgmatic.d/accountview-{name}.yaml")
    return BackupSet(
        name=name,
        folders=tuple(part.get("folders", ())),
        select=tuple(select or ()),
        borgmatic=file.parent / _from_home(named),
        only_changed=part.get("only_changed", True),
        on_busy=read_on_busy(sessions, name, holds_system_folders="folders" in part),
        blocked_by=read_blocked_by(sessions, name),
        overdue_after=seconds(part.get("overdue_after", "2d")),
        interval=seconds(part["interval"]) if "interval" in part else None,
        window=_make_window(part),
        keep_versions=part.get("keep_versions", 1),
        keep_retired=seconds(part.get("keep_retired", "7y")),
    )


def _make_window(part: Mapping[str, Any]) -> Window | None:
    if "from" not in part:
        return None
    begin, end = (datetime.time.fromisoformat(part[key]) for key in ("from", "until"))
    return Window(begin, end)


def _make_drill(part: Mapping[str, Any]) -> DrillSettings:
    folder = part.get("folder")
    return DrillSettings(
        every=seconds(part.get("every", "2w")),
        sample=part.get("sample", 3),
        folder=Path(folder) if folder else None,
    )


def _from_home(path: str) -> Path:
    """Return the path with a ~ expanded, unless it names nobody's home."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 - pathlib's raises for an unknown user
