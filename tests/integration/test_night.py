"""A night with real borgmatic and real Borg: from the hooks to a clean name."""

from __future__ import annotations

import re

from conftest import World

CLEAN = re.compile(r"accountview-administrations-\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")


def test_borgmatic_create_alone_makes_a_clean_snapshot(world: World) -> None:
    done = world.borgmatic("create")

    assert done.returncode == 0, done.stderr
    [archive] = world.archives()
    assert CLEAN.fullmatch(archive)
    assert f"{archive} is clean" in done.stdout


def test_a_night_in_which_nothing_changed_makes_no_archive_and_says_so(world: World) -> None:
    assert world.borgmatic("create").returncode == 0

    done = world.borgmatic("create")

    assert done.returncode == 0
    assert "nothing has changed since the clean snapshot" in done.stdout
    assert len(world.archives()) == 1


def test_one_byte_changed_between_the_hooks_leaves_the_archive_unverified(world: World) -> None:
    table = world.administrations / "BAKKER26" / "GROOTBOEK.DBF"
    world.add_hook(
        f"""
- after: action
  when: [create]
  states: [finish]
  run: ["printf X | dd of='{table}' bs=1 seek=900 conv=notrunc"]
""",
        first=True,
    )

    done = world.borgmatic("create")

    assert done.returncode == 1
    [archive] = world.archives()
    assert archive.endswith(".unverified")
    assert "BAKKER26 changed while it was copied: GROOTBOEK.DBF" in done.stderr
