"""The number that tells this installation from another one of the same name."""

from __future__ import annotations

import uuid
from pathlib import Path

from avplugin.state.files import StateError, locked, read_json, write_json


def read_installation_id(state: Path) -> str | None:
    """Return the installation's number, or None if none was given yet. Raise StateError."""
    document = read_json(state / "installation.json")
    if document is None:
        return None
    known = document.get("id") if isinstance(document, dict) else None
    if not isinstance(known, str) or not known:
        raise StateError(
            f"{state / 'installation.json'} is damaged.\n"
            "Remove it: the next backup makes it good from the repository."
        )
    return known


def ensure_installation_id(state: Path, adopted: str | None = None) -> str:
    """Return the installation's number; where there is none, take `adopted`, or a new one."""
    with locked(state / "installation.lock"):
        known = read_installation_id(state)
        if known is None:
            known = adopted or uuid.uuid4().hex
            write_json(state / "installation.json", {"id": known})
        return known


def adopt_installation_id(state: Path, adopted: str) -> None:
    """Take over the number of an installation whose archives are to be continued."""
    with locked(state / "installation.lock"):
        write_json(state / "installation.json", {"id": adopted})
