"""What a person sees of a configuration that is missing or wrong, with the real command."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import World

RIGHT = """
installation: {name: office, program: /srv/p, system: /srv/s}
administrations: [{code: A, folder: /srv/a}]
sessions: {assume_nobody: true}
"""


@pytest.fixture
def bare(tmp_path: Path) -> World:
    """A user without any configuration."""
    world = World(tmp_path)
    del world.environment["AVPLUGIN_CONFIG"]
    return world


def test_without_a_configuration_the_places_are_named_and_nothing_is_made(bare: World) -> None:
    done = bare.avplugin("administrations")

    assert done.returncode == 1
    assert done.stderr == (
        "avplugin: no configuration: /etc/avplugin/accountview.yaml and"
        f" {bare.folder}/home/.config/avplugin/accountview.yaml are not there,"
        " or closed to this user.\n"
        "Name one with --config FILE or $AVPLUGIN_CONFIG; configs/accountview.yaml is a start.\n"
    )
    assert list(bare.folder.iterdir()) == []


def test_the_users_own_place_is_found_and_others_go_before_it(bare: World) -> None:
    own = bare.folder / "home" / ".config" / "avplugin" / "accountview.yaml"
    own.parent.mkdir(parents=True)
    own.write_text("own: x\n")
    (bare.folder / "named.yaml").write_text("named: x\n")
    (bare.folder / "option.yaml").write_text("option: x\n")

    said = [
        bare.avplugin("administrations"),
        bare.avplugin("administrations", AVPLUGIN_CONFIG="named.yaml"),
        bare.avplugin("--config", "option.yaml", "administrations", AVPLUGIN_CONFIG="named.yaml"),
    ]

    for done, file, key in zip(
        said,
        (own, bare.folder / "named.yaml", bare.folder / "option.yaml"),
        ("own", "named", "option"),
        strict=True,
    ):
        assert done.returncode == 1
        assert f"{file}: {key}: is not known; known here: installation," in done.stderr


def test_every_fault_has_its_line_with_file_and_key(bare: World) -> None:
    file = bare.folder / "accountview.yaml"
    file.write_text(
        r"""
instalation: {name: office}
administrations:
  - regster: {file: a.csv, code: Code, folder: Map}
  - {code: 26, folder: admins/26}
drives: {'F:\': /srv, 'f:/': /mnt}
"""
    )

    done = bare.avplugin("--config", file, "administrations")

    assert (done.returncode, done.stdout) == (1, "")
    lines = done.stderr.removeprefix("avplugin: ").splitlines()
    assert all(line.startswith(f"{file}: ") for line in lines)
    assert [line.removeprefix(f"{file}: ").split(": ")[0] for line in lines] == [
        "administrations[0].regster",
        "administrations[1].code",
        "administrations[1].folder",
        "instalation",
        "sessions",
        "drives.f:/",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", " holds no settings; configs/accountview.yaml shows what belongs in it."),
        (b"a: [\n", " line 2 is not right YAML: "),
        ("a: é".encode("cp1252"), " is not UTF-8 text: save it as UTF-8."),
    ],
)
def test_a_hook_says_it_in_one_line_and_ends_in_1(
    bare: World, content: bytes, message: str
) -> None:
    """Never in 75, which borgmatic takes for a success."""
    file = bare.folder / "accountview.yaml"
    file.write_bytes(content)

    for hook in ("before-backup", "after-backup"):
        done = bare.avplugin("--config", file, hook, "administrations")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith(f"avplugin: {file}{message}")
        assert len(done.stderr.splitlines()) == 1
    behind = bare.avplugin("--config", file, "failed-backup", "administrations")
    assert (behind.returncode, behind.stdout, behind.stderr) == (0, "", "")


def test_a_set_without_borgmatics_configuration_says_where_it_was_looked_for(bare: World) -> None:
    file = bare.folder / "accountview.yaml"
    file.write_text(
        f"{RIGHT}\nsets: {{all: {{folders: [program], select: all, borgmatic: gone.yaml}}}}\n"
    )

    done = bare.avplugin("--config", file, "before-backup", "all")

    assert done.returncode == 1
    assert done.stderr == (
        f"avplugin: borgmatic's configuration {bare.folder}/gone.yaml does not exist.\n"
        "Copy one from configs/borgmatic.d/, or name another with 'borgmatic' of the set.\n"
    )
