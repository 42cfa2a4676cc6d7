"""Where a folder is put back: where it was, into another administration, or to a new folder."""

from __future__ import annotations

import dataclasses
from pathlib import Path


@dataclasses.dataclass(frozen=True, slots=True)
class Original:
    """Where the folder lies, or lay, in the installation."""


@dataclasses.dataclass(frozen=True, slots=True)
class Into:
    """In the place of the administration with another code."""

    code: str


@dataclasses.dataclass(frozen=True, slots=True)
class New:
    """At a new folder, missing or empty now."""

    folder: Path


Where = Original | Into | New
