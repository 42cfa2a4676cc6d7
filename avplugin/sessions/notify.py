"""Telling people that a backup waits for them; nobody is ever logged off."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from avplugin.configuration.sessions import Sessions
from avplugin.sessions.child import ChildError, run_command
from avplugin.sessions.model import Session

_LIMIT = 30.0  # seconds for one message
_AT_ONCE = 16

BEGIN, END = "begin", "end"  # of waiting


class Notifier:
    """Runs the command `notify` once per moment for each user and machine.

    `complain` is told when it fails: a message that does not arrive is no reason to stop.
    """

    def __init__(self, settings: Sessions, complain: Callable[[str], None]) -> None:
        self._command = settings.notify
        self._complain = complain
        self._told: set[tuple[str, str, str]] = set()

    def tell(self, moment: str, sessions: Iterable[Session], left: float) -> None:
        """Tell everybody in these sessions who is known by name; `left` seconds they have."""
        if not self._command:
            return
        people: dict[tuple[str, str, str], dict[str, None]] = {}
        for session in sessions:
            key = (moment, session.user, session.machine)
            if (session.user or session.machine) and key not in self._told:
                codes = people.setdefault(key, {})
                codes |= dict.fromkeys(filter(None, [session.administration]))
        self._told |= people.keys()
        # One whose machine is off must not keep the others from hearing it in time.
        with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
            for failure in pool.map(
                lambda one: self._run(one, ", ".join(people[one]), left), people
            ):
                if failure:
                    self._complain(failure)

    def _run(self, whom: tuple[str, str, str], administrations: str, left: float) -> str:
        """Run the command; return what went wrong, or nothing."""
        moment, user, machine = whom
        words = {
            "{user}": user,
            "{machine}": machine,
            "{administration}": administrations,
            "{moment}": moment,
            "{minutes}": str(math.ceil(left / 60)),
        }
        command = [_fill(word, words) for word in self._command]
        try:
            ended = run_command(command, limit=min(_LIMIT, max(left, 1.0)))
        except ChildError as error:
            return f"sessions.notify: {error}"
        return (
            f"sessions.notify: {command[0]} failed: {ended.complaint}" if ended.status != 0 else ""
        )


def _fill(word: str, values: dict[str, str]) -> str:
    """Return the word with what stands in braces filled in; a value is not looked at again."""
    parts = []
    while word:
        name = next((name for name in values if word.startswith(name)), word[0])
        parts.append(values.get(name, name))
        word = word[len(name) :]
    return "".join(parts)
