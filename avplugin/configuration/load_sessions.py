"""The part `sessions` of accountview.yaml: its faults, and what it says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from avplugin.configuration.duration import seconds
from avplugin.configuration.sessions import (
    COM_LINK,
    PROGRAMS,
    SERVICES,
    CommandProbe,
    OnBusy,
    People,
    Probe,
    SambaProbe,
    Sessions,
    SmbProbe,
    WindowsProbe,
)

NOTIFY_NAMES = ("user", "machine", "administration", "moment", "minutes")
_KINDS = ("user", "com_link", "backoffice_server")
_ONLY_WITH_PROBES = ("wait", "on_busy", "blocks", "ignore", "known_as", "notify", "fence")


def faults_of_sessions(sessions: Mapping[str, Any], sets: Any) -> Iterator[tuple[str, str]]:
    """Yield a path of keys and a text for each setting that would have no effect.

    Somebody relies on each of them. What the schema can say is not looked at twice.
    """
    if "assume_nobody" in sessions:
        for key in _ONLY_WITH_PROBES:
            if sessions.get(key):
                yield f"sessions.{key}", "has no effect with assume_nobody: name probes"
    if sessions.get("notify") and "wait" not in sessions:
        yield "sessions.notify", "has no effect without wait: nobody is waited for"
    for word in sessions.get("notify") or ():
        for name in re.findall(r"\{(\w+)\}", word if isinstance(word, str) else ""):
            if name not in NOTIFY_NAMES:
                known = ", ".join(f"{{{one}}}" for one in NOTIFY_NAMES)
                yield "sessions.notify", f"{{{name}}} stands for nothing; known: {known}"
    if "fence_tables" in sessions and not sessions.get("fence"):
        yield "sessions.fence_tables", "has no effect without 'fence: true'"
    if sessions.get("fence") and not _has_smb(sessions.get("probes")):
        yield (
            "sessions.fence",
            "needs a probe of the kind smb: over its connection tables are held",
        )
    for key in ("on_busy", "blocks"):
        named = sessions.get(key)
        if isinstance(named, dict) and isinstance(sets, dict):
            for name in [name for name in named if name not in sets]:
                yield f"sessions.{key}.{name}", f"there is no such set; known: {', '.join(sets)}"


def read_on_busy(
    sessions: Mapping[str, Any], set_name: str, *, holds_system_folders: bool
) -> OnBusy:
    """Return what becomes of a set while somebody is in.

    The folders that all administrations share are all or nothing, unless told otherwise.
    """
    chosen = sessions.get("on_busy", {})
    if isinstance(chosen, str):
        return OnBusy(chosen)
    return OnBusy(
        chosen.get(set_name, OnBusy.POSTPONE if holds_system_folders else OnBusy.LEAVE_OUT)
    )


def read_blocked_by(sessions: Mapping[str, Any], set_name: str) -> frozenset[str]:
    """Return the kinds of sessions that block a set."""
    return frozenset(sessions.get("blocks", {}).get(set_name, _KINDS))


def make_sessions(part: Mapping[str, Any], to_file: Callable[[str], Path]) -> Sessions:
    """Return what `sessions` says; `to_file` makes a path of what stands there for a file."""
    return Sessions(
        probes=tuple(_make_probe(probe, to_file) for probe in part.get("probes", ())),
        wait=seconds(part.get("wait", "0s")),
        ignore=_make_people(part.get("ignore", {})),
        known_as={kind: _make_people(who) for kind, who in part.get("known_as", {}).items()},
        notify=tuple(part.get("notify", ())),
        quiesce=tuple(part.get("quiesce", ())),
        resume=tuple(part.get("resume", ())),
        fence=part.get("fence", False),
        fence_tables=tuple(part.get("fence_tables", ())),
        fence_limit=seconds(part.get("fence_limit", "6h")),
    )


def _has_smb(probes: Any) -> bool:
    return isinstance(probes, list) and any(
        isinstance(probe, dict) and "smb" in probe for probe in probes
    )


def _make_people(part: Mapping[str, Any]) -> People:
    return People(tuple(part.get("users", ())), tuple(part.get("machines", ())))


def _make_probe(part: Mapping[str, Any], to_file: Callable[[str], Path]) -> Probe:
    limit = seconds(part.get("limit", "45s"))
    if "samba" in part:
        return SambaProbe(config=part["samba"].get("config", ""), limit=limit)
    if "smb" in part:
        smb = part["smb"]
        password = smb.get("password_file")
        return SmbProbe(
            server=smb["server"],
            share=smb["share"],
            username=smb["username"],
            password_file=to_file(password) if password else None,
            password_variable=smb.get("password_variable"),
            port=smb.get("port", 445),
            folder=smb.get("folder", ""),
            tables=tuple(smb.get("tables", ())),
            limit=limit,
        )
    if "windows" in part:
        windows = part["windows"]
        return WindowsProbe(
            via=windows["via"],
            folders=windows.get("folders", {}),
            programs=tuple(windows.get("programs", PROGRAMS)),
            services=tuple(windows.get("services", SERVICES)),
            com_link=tuple(windows.get("com_link", COM_LINK)),
            limit=limit,
        )
    return CommandProbe(command=tuple(part["command"]), limit=limit)
