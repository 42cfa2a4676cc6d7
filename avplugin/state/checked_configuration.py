"""Remembers of one text of accountview.yaml that the schema has nothing against it.

The library that checks it takes longer to load than all else that a hook does at its start. What is
remembered is no more than a digest, of the text and of the schema: any other is checked.
"""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

from avplugin.state.files import StateError, write_atomically

_FILE = "configuration-checked"


class CheckedConfiguration:
    """What is remembered in one state folder about one text and one schema."""

    def __init__(self, state: Path, text: str, schema: bytes) -> None:
        self._file = state / _FILE
        digest = hashlib.sha256(schema)
        digest.update(b"\0" + text.encode("utf-8"))
        self._digest = digest.hexdigest().encode("ascii")

    def is_known(self) -> bool:
        """Return whether this text has been found right."""
        try:
            return self._file.read_bytes() == self._digest
        except OSError:
            return False

    def remember(self) -> None:
        """Note that it has been; where there is no state folder yet, or a closed one, not."""
        if self._file.parent.is_dir():
            with contextlib.suppress(StateError):
                write_atomically(self._file, self._digest)
