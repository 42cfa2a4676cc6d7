"""Make archives of one small file, a day apart: `many_archives.py REPOSITORY PREFIX COUNT FILE`.

One process does it with Borg's own command line: hundreds of starts of Borg would take minutes.
"""

from __future__ import annotations

import datetime
import sys

from borg.archiver import Archiver

_FIRST = datetime.datetime(2025, 1, 1, 2)


def main() -> None:
    """Make them."""
    repository, prefix, count, file = sys.argv[1:]
    for number in range(int(count)):
        when = (_FIRST + datetime.timedelta(days=number)).isoformat()
        archiver = Archiver()
        words = ["create", "--timestamp", when, f"{repository}::{prefix}-{when}", file]
        if archiver.run(archiver.get_args(["borg", *words], None)):
            sys.exit(f"{prefix}-{when} could not be made")


if __name__ == "__main__":
    main()
