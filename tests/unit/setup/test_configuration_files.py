"""The files that init writes: those of configs/, with whatever somebody answers in them."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from avplugin.borgmatic.configuration import check_promises, load_borgmatic_configuration
from avplugin.configuration.load import load_configuration
from avplugin.configuration.model import Configuration
from avplugin.errors import AvpluginError
from avplugin.installation.locate import FolderGlob, Register
from avplugin.setup.answers import Answers, Places, RegisterColumns
from avplugin.setup.files import configuration_files, needed_drives
from avplugin.setup.write import make_up_passphrase, write_configuration

ODD = 'it\'s: 100% #1 \\ "café"'

ANSWERS = Answers(
    name="accountview",
    program="\\\\KANTOOR\\AccountView\\Programma",
    system="/srv/accountview/Systeem",
    extra=(),
    administrations="/srv/accountview/Administraties/*",
    drives={},
    repository="/var/backups/accountview.borg",
    label="local",
    encryption="repokey-blake2",
    sessions="nobody",
)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """A folder with an odd name."""
    folder = tmp_path / "it's {repository} 100%"
    return Places(folder / "accountview.yaml", folder / "borgmatic.d", Path("/var/lib/avplugin"))


def written(answers: Answers, places: Places) -> Configuration:
    """Write the files, and read accountview.yaml as avplugin does."""
    write_configuration(configuration_files(answers, places), places, force=False)
    return load_configuration(str(places.configuration))


def test_odd_names_come_out_as_they_went_in(places: Places) -> None:
    register = RegisterColumns(f"/srv/{ODD}.dbf", code=ODD, folder="Map adm", name="y")
    answers = dataclasses.replace(
        ANSWERS,
        program=f"F:\\{ODD}",
        extra=(f"/srv/{ODD}", "/srv/null"),
        administrations=register,
        drives={"F:\\": f"/srv/{ODD}"},
        repository=f"/mnt/{ODD.replace(':', '')}",
        label=ODD,
    )

    found = written(answers, places)

    assert found.program == f"F:\\{ODD}"
    assert found.extra == (f"/srv/{ODD}", "/srv/null")
    assert found.drives == {"F:\\": f"/srv/{ODD}"}
    assert found.administrations == (
        Register(f"/srv/{ODD}.dbf", ODD, "y", "Map adm", copy_documents=None),
    )
    borgmatic = load_borgmatic_configuration(places.borgmatic / "accountview-system.yaml")
    (repository,) = borgmatic.repositories
    assert (repository.path, repository.label) == (answers.repository, ODD)


def test_borgmatics_files_keep_every_promise(places: Places) -> None:
    answers = dataclasses.replace(ANSWERS, name="kantoor-2")

    found = written(answers, places)

    assert found.administrations == (FolderGlob("/srv/accountview/Administraties/*"),)
    for name, part in found.sets.items():
        borgmatic = load_borgmatic_configuration(part.borgmatic)
        patterns = Path("/var/lib/avplugin") / name / "patterns"
        check_promises(borgmatic, borgmatic.repositories[0], found, part, patterns)
        hooks = [command["run"][0] for command in borgmatic.settings["commands"]]
        assert len(hooks) >= 5
        assert all(hook.startswith("avplugin --config ") for hook in hooks)


def test_in_the_usual_places_the_hooks_are_as_shipped(places: Places) -> None:
    usual = dataclasses.replace(places, configuration=Path("/etc/avplugin/accountview.yaml"))

    files = configuration_files(ANSWERS, usual)

    assert "Copy this file" not in files[usual.configuration]
    text = files[places.borgmatic / "accountview-system.yaml"]
    assert "run: ['avplugin before-backup system --borgmatic-config" in text
    common = files[places.borgmatic / "include" / "accountview.yaml"]
    assert "encryption_passcommand: 'cat /etc/avplugin/passphrase'" in common


@pytest.mark.parametrize("sessions", ["nobody", "samba", "wsl", "file"])
def test_each_way_of_finding_out_who_is_in_can_be_read(
    places: Places, tmp_path: Path, sessions: str
) -> None:
    if sessions == "file":
        sessions = str(tmp_path / "sessions.yaml")
        Path(sessions).write_text("sessions:\n  probes:\n    - command: [who]\n")

    found = written(dataclasses.replace(ANSWERS, sessions=sessions), places)

    assert len(found.sessions.probes) == (0 if sessions == "nobody" else 1)


def test_a_write_that_fails_half_way_leaves_all_as_it_was(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(ANSWERS, places)
    before = {file: file.read_text() for file in places.borgmatic.parent.rglob("*.yaml")}
    real = os.fsync
    calls = iter(range(1000))

    def full_disk(descriptor: int) -> None:
        if next(calls) >= 5:
            raise OSError(28, os.strerror(28))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full_disk)
    changed = configuration_files(dataclasses.replace(ANSWERS, name="other"), places)
    with pytest.raises(AvpluginError, match="No space left"):
        write_configuration(changed, places, force=True)
    monkeypatch.undo()

    files = [file for file in places.borgmatic.parent.rglob("*") if file.is_file()]
    assert {file: file.read_text() for file in files if file.suffix == ".yaml"} == before
    assert {file.name for file in files} == {*(file.name for file in before), "passphrase"}


def test_without_force_no_file_is_touched(places: Places) -> None:
    written(ANSWERS, places)

    with pytest.raises(AvpluginError, match="there is a configuration already"):
        written(dataclasses.replace(ANSWERS, name="other"), places)

    assert load_configuration(str(places.configuration)).installation_name == "accountview"


def test_drives_are_asked_for_once_each_and_as_they_are_written() -> None:
    paths = ["f:\\a", "F:/b", "\\\\srv\\av\\x", "//SRV/AV/y", "/srv/z", "V:\\known"]

    missing = needed_drives(paths, {"V:\\": "/nowhere"})

    assert missing == ["F:\\", "\\\\srv\\av"]


def test_a_passphrase_has_no_letters_that_look_alike_and_is_never_the_same() -> None:
    made = {make_up_passphrase() for _ in range(100)}

    assert len(made) == 100
    assert not set("".join(made)) & set("il1o0")
