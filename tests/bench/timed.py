"""Run a command and add what it cost to a file, a line of JSON: `timed.py FILE COMMAND ...`.

It stands before hooks in borgmatic's configuration too, so it needs nothing but Python itself.
"""

from __future__ import annotations

import os
import sys
import time


def main() -> None:
    """Do it, and end as the command did."""
    record, *words = sys.argv[1:]
    began = time.monotonic()
    pid = os.posix_spawnp(words[0], words, os.environ)
    _, status, used = os.wait4(pid, 0)  # of a process that waits for its own, these count too
    seconds = time.monotonic() - began
    processor = used.ru_utime + used.ru_stime
    with open(record, "a", encoding="ascii") as file:  # noqa: PTH123 - pathlib takes 10 ms
        name = "".join(words[1:2]).replace("\\", "").replace('"', "")
        file.write(f'["{name}", {seconds}, {processor}, {used.ru_maxrss * 1024}]\n')
    sys.exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
