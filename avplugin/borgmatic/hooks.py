"""The commands that borgmatic has to call, as its configuration of a set lists them."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple


class Hook(NamedTuple):
    """One of avplugin's hooks: the moment it belongs to, and what happens without it."""

    command: str
    moment: str  # before or after
    action: str
    state: str  # finish, fail, or empty: always
    without: str
    is_needed: bool = True  # there is no good night without it

    def __str__(self) -> str:
        """Return how borgmatic's YAML calls the moment."""
        states = f", states: [{self.state}]" if self.state else ""
        return f"{self.moment}: action, when: [{self.action}]{states}"


HOOKS = (
    Hook("before-backup", "before", "create", "", "nothing says what is to be stored"),
    Hook("after-backup", "after", "create", "finish", "no archive is ever proven clean"),
    Hook("failed-backup", "after", "create", "fail", "what a failed run took is given back late"),
    Hook("before-prune", "before", "prune", "", "pruning can take what has to be kept"),
    Hook("after-check", "after", "check", "finish", "there are no restore drills", is_needed=False),
)


class HookFault(NamedTuple):
    """What is wrong with a hook, and whether there is no good night like this."""

    text: str
    is_needed: bool


def hook_faults(settings: Mapping[str, Any], set_name: str) -> Iterator[HookFault]:
    """Given borgmatic's settings, normalized, yield what is wrong with the hooks of a set."""
    commands = [one for one in settings.get("commands") or () if isinstance(one, Mapping)]
    for hook in HOOKS:
        called = [one for one in commands if _calls(one, hook.command)]
        fitting = [one for one in called if _is_at(one, hook)]
        if not called:
            yield HookFault(
                f"nothing calls 'avplugin {hook.command}': {hook.without}", hook.is_needed
            )
            continue
        if not fitting:
            yield HookFault(
                f"'avplugin {hook.command}' has to stand under '{hook}'", hook.is_needed
            )
            continue
        words = next(_words_calling(one, hook.command) for one in fitting)
        behind = words[words.index(hook.command) + 1 :]
        if set_name not in behind:
            yield HookFault(
                f"'avplugin {hook.command}' is not called for this set, {set_name}", hook.is_needed
            )
        elif "{repository}" not in behind or "{configuration_filename}" not in behind:
            yield HookFault(
                f"'avplugin {hook.command}' is not told for what: it needs --borgmatic-config"
                " {configuration_filename} --repository {repository}",
                False,
            )
    yield from _order_faults(commands)


def _order_faults(commands: Sequence[Mapping[str, Any]]) -> Iterator[HookFault]:
    """Yield what comes behind before-backup: one that ends in 75 would leave what that took."""
    before = [one for one in commands if "before" in one and _concerns(one, "create")]
    at = [number for number, one in enumerate(before) if _calls(one, "before-backup")]
    # Hooks for everything and for repositories run before any for an action.
    later = [one for one in before[at[0] + 1 :] if one["before"] == "action"] if at else []
    if later:
        text = "; ".join(str(run) for one in later for run in one.get("run") or ())
        yield HookFault(f"behind 'avplugin before-backup' stands another hook: {text}", True)


def _calls(command: Mapping[str, Any], name: str) -> bool:
    return bool(_words_calling(command, name))


def _words_calling(command: Mapping[str, Any], name: str) -> list[str]:
    """Return the words of the line that calls avplugin with this command; none if none does."""
    for text in command.get("run") or ():
        try:
            words = shlex.split(str(text))
        except ValueError:
            words = str(text).split()
        if name in words and any(word.rpartition("/")[2] == "avplugin" for word in words):
            return words
    return []


def _is_at(command: Mapping[str, Any], hook: Hook) -> bool:
    if command.get(hook.moment) != "action" or not _concerns(command, hook.action):
        return False
    return not hook.state or hook.state in (command.get("states") or [hook.state])


def _concerns(command: Mapping[str, Any], action: str) -> bool:
    return action in (command.get("when") or [action])
