"""The passwords of packages: where they come from, and which will do."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from avplugin.configuration.packages import PackageSettings
from avplugin.errors import AvpluginError
from avplugin.language import N_

VARIABLE = "AVPLUGIN_PACKAGE_PASSWORD"
_SHORT = 8


class PasswordError(AvpluginError):
    """There is no password, or it will not do."""


def read_password_file(file: Path) -> str:
    """Return the first line of a file. Raise PasswordError if there is none."""
    try:
        # Notepad writes a byte order mark.
        password = file.read_text("utf-8-sig").partition("\n")[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise PasswordError(
            f"the password file {file} cannot be read: {why}.\n"
            "Its first line is the password of the package."
        ) from error
    if not password:
        raise PasswordError(f"the first line of {file} is empty, and should be the password.")
    return password


def given_password(
    file: Path | None, settings: PackageSettings, environment: Mapping[str, str] = os.environ
) -> str | None:
    """Return the password of a file, else of $AVPLUGIN_PACKAGE_PASSWORD, else the configured one.

    None if none of them says any: then somebody has to be asked. Raise PasswordError for one that
    is named, and not there.
    """
    if file is not None:
        return read_password_file(file)
    if VARIABLE in environment:
        if not environment[VARIABLE]:
            raise PasswordError(f"the environment variable {VARIABLE} is empty.")
        return environment[VARIABLE]
    if settings.password_file is not None:
        return read_password_file(settings.password_file)
    if settings.password_variable is not None:
        password = environment.get(settings.password_variable)
        if not password:
            raise PasswordError(
                f"the environment variable {settings.password_variable}, which"
                " packages.password_variable names, holds no password."
            )
        return password
    return None


def why_no_password(password: str) -> str:
    """Return why this cannot be the password of a new package; empty if it can.

    It is a text for bookkeepers, to be translated. Whoever gets the package types the password
    into another program, and these do not agree on what é is.
    """
    if not password:
        return N_("it is empty")
    if not password.isascii() or not password.isprintable():
        return N_("it holds accents or other signs that programs do not agree on")
    if password != password.strip():
        return N_("it begins or ends with a blank, which gets lost when it is passed on")
    return N_("it is longer than the 99 characters that 7-Zip takes") if len(password) > 99 else ""


def check_new_password(password: str) -> None:
    """Raise PasswordError if this cannot be the password of a new package."""
    if why := why_no_password(password):
        raise PasswordError(
            f"that cannot be the password of a package: {why}.\n"
            "Take letters without accents, digits, signs, and blanks in between."
        )


def is_short(password: str) -> bool:
    """Return whether a password is so short that it can be guessed."""
    return len(password) < _SHORT
