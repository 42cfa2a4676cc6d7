"""What borgmatic's prune would remove from a repository, asked of Borg before it does.

The options come out of borgmatic's own function, so that Borg is asked what it will be told.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence

from avplugin.borgmatic import borg
from avplugin.borgmatic.borg import Judged
from avplugin.borgmatic.configuration import BorgmaticConfigurationError, Repository

# Words on borgmatic's command line that change what its prune removes; none of them reaches a hook.
_DECIDING = re.compile(
    r"-a|--(keep-(?!exclude)|ma?(t|=|$)|g(l|=|$)|prefix|archive-name-format|constants"
    r"|extra-borg-options(\.prune|=|$))"  # options of actions may be cut short: --match
)
_OVERRIDDEN = re.compile(
    r"(\w+\.)*(keep_|match_archives|prefix|archive_name_format|constants)|.*prune"
)
_HOURS = {"H": 1, "d": 24, "w": 24 * 7, "m": 24 * 31, "y": 24 * 365}  # as in `borg help prune`


def prune_options(repository: Repository) -> list[str]:
    """Return the options with which borgmatic would call `borg prune` on the repository.

    Those that every call of Borg gets, `extra_borg_options` too, are not among them.
    """
    from borgmatic.borg.prune import make_prune_flags  # noqa: PLC0415 - 0.1 s

    version = ".".join(str(number) for number in borg.OLDEST_BORG)
    flags: tuple[str, ...] = make_prune_flags(dict(repository.settings), None, version)
    return list(flags)


def judge(repository: Repository) -> Judged:
    """Return what borgmatic's prune would keep in the repository and what it would remove.

    `keep_within` counts from the moment at which Borg is asked. What an hour from now it would
    remove is therefore among what it removes. Raise BorgError.
    """
    options = prune_options(repository)
    now = borg.judge_archives(repository, options)
    later = _an_hour_later(options)
    if later == options:
        return now
    every = now.kept | now.pruned
    kept = now.kept & borg.judge_archives(repository, later).kept if later else frozenset[str]()
    return Judged(kept, every - kept)


def refuse_other_rules(words: Sequence[str]) -> None:
    """Raise BorgmaticConfigurationError if borgmatic's command line says what prune removes.

    A hook is not told, and would ask Borg what its configuration file says.
    """
    for word in _deciding(words):
        raise BorgmaticConfigurationError(
            f"borgmatic was called with {word}, which avplugin cannot take into account.\n"
            "Write in borgmatic's configuration what is to be kept, and prune without it."
        )


def _deciding(words: Sequence[str]) -> Iterator[str]:
    for before, word in itertools.pairwise(["", *words]):
        override = word.removeprefix("--override=") if before != "--override" else word
        is_override = before == "--override" or word != override
        if is_override and _OVERRIDDEN.match(override):
            yield f"--override {override.partition('=')[0]}"
        elif not is_override and _DECIDING.match(word):
            yield word.partition("=")[0]


def _an_hour_later(options: Sequence[str]) -> list[str]:
    """Return options that keep what these ones will keep in an hour; empty if that is nothing.

    A span of one hour, or one in units that are not known, keeps nothing any more.
    """
    changed: list[str] = []
    for name, value in zip(options[::2], options[1::2], strict=True):
        if name == "--keep-within":
            number = value[:-1]
            hours = int(number) * _HOURS.get(value[-1:], 0) - 1 if number.isdecimal() else 0
            if hours > 0:
                changed += [name, f"{hours}H"]
        else:
            changed += [name, value]
    rules = [name for name in changed[::2] if name.startswith("--keep-")]
    return changed if rules else []
