"""Saying that what the brake is on for was meant."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from avplugin.configuration.model import Configuration
from avplugin.errors import AvpluginError
from avplugin.state.brake import Braked, BrakeFile
from avplugin.state.files import locked
from avplugin.state.run import SetState


@dataclasses.dataclass(frozen=True, slots=True)
class Brake:
    """A brake that is on: for which set and repository (its path), and why."""

    set: str
    path: str
    braked: Braked
    state: SetState


def find_brakes(configuration: Configuration, set_name: str | None) -> list[Brake]:
    """Return the brakes that are on, of one set or of all. Raise UsageError if there is no set."""
    names = [configuration.backup_set(set_name).name] if set_name else list(configuration.sets)
    states = {name: SetState(configuration.state, name) for name in names}
    return [
        Brake(name, path, braked, state)
        for name, state in states.items()
        for path, braked in BrakeFile(state.folder).all_braked().items()
    ]


def accept(brakes: Sequence[Brake]) -> None:
    """Take these brakes off: exactly what they are on for may be missing from now on.

    Raise AvpluginError if more is lost by now than they say.
    """
    for brake in brakes:
        with locked(brake.state.lock):
            file = BrakeFile(brake.state.folder)
            now = file.braked(brake.path)
            if now is None or now.losses != brake.braked.losses:
                raise AvpluginError(
                    f"{brake.set}: a backup has looked anew meanwhile, and it is not as it was"
                    " shown.\nStart 'avplugin accept' again."
                )
            file.accept(brake.path)
