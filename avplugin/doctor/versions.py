"""Whether the programs are there, of versions that fit, and where a night finds them."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from avplugin import __version__
from avplugin.borgmatic import borg
from avplugin.borgmatic.configuration import BorgmaticConfiguration
from avplugin.doctor.finding import Finding, error, fine, of_error, warning
from avplugin.errors import AvpluginError

# What configs/ and 'avplugin schedule' give; cron's own has /usr/bin and /bin only.
USUAL_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_PATH_LINE = re.compile(r"""^(?:Environment=)?["']?PATH=["']?([^"'\r\n]+)""", re.MULTILINE)
_LINK = (
    "Link them where a night looks, as README says in step 1, or set PATH in the schedule, as"
    " 'avplugin schedule install' does."
)


def _night_path(schedules: Iterable[Path]) -> str:
    """Return the PATH that a night gets: what the files of the schedule say, or the usual one."""
    for file in schedules:
        try:
            text = file.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        found = _PATH_LINE.search(text)
        if found is not None:
            return found[1].strip()
    return USUAL_PATH


def check(
    configurations: Sequence[BorgmaticConfiguration], schedules: Sequence[Path]
) -> Iterator[Finding]:
    """Look at this Python's packages, at Borg, and at what a night finds along its PATH.

    `schedules` are the files that start one; none is no error yet, as that comes next.
    """
    yield fine(f"avplugin {__version__} on Python {platform.python_version()}")
    yield from _borgmatic_here()
    yield from _borg(configurations)
    yield from _on_the_path(_commands(configurations), schedules)
    yield from _libyaml()


def _borgmatic_here() -> Iterator[Finding]:
    version = importlib.metadata.version("borgmatic")
    if _fits(version):
        yield fine(f"borgmatic {version}")
    else:
        yield error(
            f"borgmatic is {version}, and avplugin is made for borgmatic {_wanted()}",
            f"Install that one: pip install 'borgmatic{_wanted()}'.",
        )


def _wanted() -> str:
    """Return the range of borgmatic's versions that this avplugin is made for."""
    from packaging.requirements import Requirement  # noqa: PLC0415 - one of borgmatic's own

    for text in importlib.metadata.requires("avplugin") or ():
        requirement = Requirement(text)
        if requirement.name == "borgmatic":
            return str(requirement.specifier)
    return ""


def _fits(version: str) -> bool:
    from packaging.specifiers import SpecifierSet  # noqa: PLC0415 - as above

    return SpecifierSet(_wanted()).contains(version, prereleases=True)


def _borg(configurations: Sequence[BorgmaticConfiguration]) -> Iterator[Finding]:
    seen = set()
    for configuration in configurations:
        for repository in configuration.repositories:
            program = str(repository.settings.get("local_path") or "borg")
            if program in seen:
                continue
            seen.add(program)
            try:
                borg.check_borg_version(repository)
            except AvpluginError as failure:
                yield of_error(failure)
            else:
                yield fine(f"Borg ({program}) is of a version that fits")


def _commands(configurations: Sequence[BorgmaticConfiguration]) -> list[str]:
    """Return the commands that a night starts by name or by path."""
    named = ["borgmatic"]
    for configuration in configurations:
        settings = configuration.settings
        named.append(str(settings.get("local_path") or "borg"))
        for hook in settings.get("commands") or ():
            words = [word for text in hook.get("run") or () for word in str(text).split()]
            named += [word for word in words if word.rpartition("/")[2] == "avplugin"]
    return list(dict.fromkeys(named))


def _on_the_path(commands: Sequence[str], schedules: Sequence[Path]) -> Iterator[Finding]:
    path = _night_path(schedules)
    found = {name: shutil.which(name, path=path) for name in commands}
    missing = [name for name, place in found.items() if place is None]
    if missing:
        level = error if schedules else warning
        yield level(f"a night does not find {', '.join(missing)} on its PATH ({path})", _LINK)
    there = [place for place in found.values() if place is not None]
    if there:
        yield fine(f"a night finds {', '.join(there)}")
    borgmatic = found.get("borgmatic")
    if borgmatic is not None and not _is_ours(borgmatic):
        yield from _other_borgmatic(borgmatic)


def _is_ours(program: str) -> bool:
    """Return whether a command is the one of this Python environment."""
    return os.path.dirname(os.path.realpath(program)) == str(Path(sys.executable).parent)  # noqa: PTH120


def _other_borgmatic(program: str) -> Iterator[Finding]:
    try:
        done = subprocess.run(
            [program, "--version"], capture_output=True, text=True, check=False, timeout=60
        )
        version = done.stdout.strip()
        fits = _fits(version)
    except (OSError, ValueError, subprocess.TimeoutExpired) as failure:
        yield error(f"{program} cannot be started: {failure}")
        return
    if not fits:
        yield error(
            f"{program}, which a night starts, is borgmatic {version}; it has to be {_wanted()}",
            _LINK,
        )


def _libyaml() -> Iterator[Finding]:
    import yaml  # noqa: PLC0415

    # The second is ruamel.yaml's, with which borgmatic reads its schema.
    if yaml.__with_libyaml__ and importlib.util.find_spec("_ruamel_yaml") is not None:
        yield fine("YAML is read by libyaml in C")
    else:
        yield warning(
            "YAML is read by Python alone, so that each start takes twice as long",
            "pip install ruamel.yaml.clib, and pyyaml with libyaml.",
        )
