"""Write a first configuration, all of its files or none."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from avplugin.errors import AvpluginError
from avplugin.setup.answers import Places
from avplugin.setup.files import existing
from avplugin.state.files import make_folder, write_atomically

# Without those that look alike in somebody's handwriting. Six times five of them are 148 bits.
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP = 6, 5


def write_configuration(files: Mapping[Path, str], places: Places, *, force: bool) -> list[str]:
    """Write the files, and a passphrase if there is none; return what was done, line by line.

    With `force` files that are there are kept as FILE.old; a passphrase is never replaced, since
    without it no backup can be read. Raise AvpluginError, with all as it was, if that fails.
    """
    refuse_existing(files, force=force)
    written: list[Path] = []
    kept: list[tuple[Path, Path]] = []
    done = []
    try:
        for file in (*files, places.passphrase):
            make_folder(file.parent)
        if places.passphrase.exists():
            done.append(f"{places.passphrase}: kept, with the passphrase in it.")
        else:
            write_atomically(places.passphrase, f"{make_up_passphrase()}\n".encode("ascii"))
            written.append(places.passphrase)
            done.append(f"{places.passphrase}: a new passphrase, for this user only.")
        # accountview.yaml comes last: with it, there is a configuration.
        for file in sorted(files, key=lambda one: one == places.configuration):
            if file.exists() or file.is_symlink():
                old = file.with_name(f"{file.name}.old")
                file.replace(old)
                kept.append((file, old))
                done.append(f"{old}: what was there before.")
            write_atomically(file, files[file].encode())
            written.append(file)
            done.append(f"{file}: written.")
    except BaseException as error:  # Ctrl-C too
        _take_back(written, kept)
        if not isinstance(error, OSError):
            raise
        raise AvpluginError(f"cannot write {error.filename}: {error.strerror}.") from error
    return done


def refuse_existing(files: Mapping[Path, str], *, force: bool) -> None:
    """Raise AvpluginError if one of the files is there already, unless `force`."""
    there = existing(files)
    if there and not force:
        raise AvpluginError(
            f"there is a configuration already: {', '.join(map(str, there))}.\n"
            "Change it by hand, or write it anew with --force, which keeps the old as FILE.old."
        )


def require_writable(places: Places) -> None:
    """Raise AvpluginError, before anybody is asked, if this user cannot write the configuration."""
    for place in (places.configuration.parent, places.borgmatic, places.state):
        there = next(folder for folder in (place, *place.parents) if folder.exists())
        if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
            raise AvpluginError(
                f"{place} cannot be written to by you: put sudo before the command, or name a"
                " place of yours with --config FILE."
            )


def make_up_passphrase() -> str:
    """Return a passphrase that can be written down by hand and typed in again."""
    groups = ("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))
    return "-".join(groups)


def _take_back(written: list[Path], kept: list[tuple[Path, Path]]) -> None:
    with contextlib.suppress(OSError):
        for file in written:
            file.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        for file, old in kept:
            old.replace(file)
