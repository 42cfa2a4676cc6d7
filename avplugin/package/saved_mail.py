"""A package that is attached to a mail which somebody has saved as a file."""

from __future__ import annotations

import contextlib
import email
import email.policy
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from avplugin.mail.package_message import attached_package
from avplugin.package.manifest import PackageError
from avplugin.package.read import OpenZip, opened_zip

_LARGEST = 200_000_000  # bytes: mail servers take far less, and a mail is read into memory


@contextlib.contextmanager
def open_attached(file: Path) -> Iterator[OpenZip]:
    """Open the package in a saved mail. Raise PackageError or OSError."""
    data = _read(file)
    try:
        message = email.message_from_bytes(data, policy=email.policy.default)
        attached = attached_package(message)
    except PackageError as error:
        raise PackageError(f"{file.name}: {error}.") from error
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        # What Python's parser makes of a broken mail.
        raise PackageError(f"{file.name} is no mail that can be read.") from error
    with tempfile.TemporaryFile() as copy:
        copy.write(attached.data)
        copy.flush()
        yield opened_zip(copy.fileno(), attached.name, str(file.absolute()))


def _read(file: Path) -> bytes:
    descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as opened:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise PackageError(f"{file} is no file.")
        if status.st_size > _LARGEST:
            raise PackageError(
                f"{file.name} is too large for a mail.\nSave the attachment, and import that."
            )
        return opened.read()
