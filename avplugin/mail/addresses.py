"""Mail addresses that somebody typed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from avplugin.errors import UsageError

# A dot-atom and a host name: RFC 5322, 3.4.1, without comments and quotes, which could hide a
# second address. RFC 5321, 4.5.3.1, has the lengths.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"(?=.{{1,64}}@){_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*")
_LONGEST = 254  # characters


def check_addresses(texts: Sequence[str]) -> tuple[str, ...]:
    """Return the addresses, each once, in the order they were given.

    Raise UsageError for what is no plain address such as naam@kantoor.nl: one with a name before
    it, several in one, or anything that would end up as another line in a message.
    """
    for text in texts:
        if not _ADDRESS.fullmatch(text) or len(text) > _LONGEST:
            raise UsageError(
                f"{text!r} is no address such as naam@kantoor.nl; for several, say --to for each."
            )
    return tuple(dict.fromkeys(texts))
