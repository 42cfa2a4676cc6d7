"""What accountview.yaml says about packages."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


@dataclasses.dataclass(frozen=True, slots=True)
class PackageSettings:
    """Where the password of packages comes from if nobody says another."""

    password_file: Path | None = None
    password_variable: str | None = None  # the name of an environment variable


def make_packages(packages: Mapping[str, Any], to_file: Callable[[str], Path]) -> PackageSettings:
    """Return what `packages` says, which the schema has checked."""
    file = packages.get("password_file")
    return PackageSettings(to_file(file) if file else None, packages.get("password_variable"))
