"""What need not be asked, because it can be seen."""

from __future__ import annotations

import os
from pathlib import Path

from avplugin.errors import AvpluginError
from avplugin.installation.register import read_columns
from avplugin.installation.windows_path import Drives, is_windows_path
from avplugin.setup.answers import ASSUME_NOBODY, SAMBA, WSL
from avplugin.setup.columns import guess_columns
from avplugin.setup.given import Given


def complete(given: Given) -> None:
    """Make paths absolute, and tell the register's columns by what is in them.

    Raise AvpluginError if the register cannot be read, or a column cannot be told.
    """
    if given.sessions and given.sessions not in {ASSUME_NOBODY, SAMBA, WSL}:
        given.sessions = _absolute(given.sessions)
    if not given.register:
        return
    given.register = _absolute(given.register)
    if given.column_code and given.column_folder:
        return
    file = Drives(given.drives).resolve(given.register)
    guess = guess_columns(read_columns(Path(file)))
    given.column_code = given.column_code or guess.code
    given.column_folder = given.column_folder or guess.folder
    given.column_name = given.column_name or guess.name
    given.column_copy_documents = given.column_copy_documents or guess.copy_documents
    for option, column in (
        ("--column-code", given.column_code),
        ("--column-folder", given.column_folder),
    ):
        if column is None:
            raise AvpluginError(
                f"no column of {given.register} looks like it: name it with {option}."
            )


def _absolute(path: str) -> str:
    if is_windows_path(path):
        return path
    return os.path.abspath(os.path.expanduser(path))  # noqa: PTH100, PTH111 - links stay
