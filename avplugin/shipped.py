"""Where the files that come with avplugin are: configs/ and hooks/."""

from __future__ import annotations

from pathlib import Path


def shipped_folder(name: str) -> Path:
    """Return the folder `configs` or `hooks`: the checkout's own, or the installed package's.

    An editable install copies both when it is made; the checkout's are the ones that are edited.
    """
    package = Path(__file__).parent
    checkout = package.parent
    if (checkout / "pyproject.toml").exists() and (checkout / name).is_dir():
        return checkout / name
    return package / name
