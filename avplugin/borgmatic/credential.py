"""A secret that borgmatic's credential hooks find: in systemd, a file, a password manager."""

from __future__ import annotations

import logging
import subprocess
from pathlib import Path

from avplugin.errors import AvpluginError


class CredentialError(AvpluginError):
    """A credential could not be had."""


def read_credential(text: str, folder: Path) -> str:
    """Return what a text such as `{credential systemd NAME}` stands for in borgmatic.

    A path in it is relative to `folder`. Raise CredentialError; no secret stands in it.
    """
    from borgmatic.hooks.credential.parse import resolve_credential  # noqa: PLC0415 - 0.2 s

    # Its hooks log what goes wrong as well, and without a handler that would be printed.
    logging.getLogger("borgmatic").addHandler(logging.NullHandler())
    try:
        secret = resolve_credential(text, {"working_directory": str(folder)})
    except subprocess.CalledProcessError as error:
        program = error.cmd[0] if isinstance(error.cmd, (list, tuple)) else "the program"
        raise CredentialError(
            f"{text} cannot be had: {program} ended with exit status {error.returncode}"
        ) from None
    except (OSError, ValueError, AttributeError) as error:
        raise CredentialError(f"{text} cannot be had: {str(error).splitlines()[0]}") from error
    return str(secret)
