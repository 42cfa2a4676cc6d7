"""Where the brake is on, and what was accepted."""

from __future__ import annotations

from pathlib import Path

import pytest

from avplugin.state.brake import Braked, BrakeFile, Loss
from avplugin.state.files import StateError

LOSSES = {"A": Loss(20, 3, ("btw", "dag\udce9"), "first"), "B": Loss(9, 9, (), "first", True)}
BRAKED = Braked("local", "id", "2026-11-22T02:00:00+00:00", ("one", "two"), LOSSES)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    BrakeFile(tmp_path).put_on("/r", BRAKED)

    assert BrakeFile(tmp_path).braked("/r") == BRAKED
    assert BrakeFile(tmp_path).braked("/other") is None
    assert BrakeFile(tmp_path).all_braked() == {"/r": BRAKED}


def test_the_copy_is_noted_while_the_brake_is_on(tmp_path: Path) -> None:
    file = BrakeFile(tmp_path)
    file.note_copy("/r", "early")
    file.put_on("/r", BRAKED)
    file.note_copy("/r", "archive.unverified")

    noted = file.braked("/r")

    assert noted is not None
    assert noted.copy == "archive.unverified"


def test_what_was_accepted_counts_for_the_same_repository_until_there_is_a_clean_copy(
    tmp_path: Path,
) -> None:
    file = BrakeFile(tmp_path)
    file.accept("/r")
    assert file.accepted("/r", "id") == {}

    file.put_on("/r", BRAKED)
    file.accept("/r")

    assert file.braked("/r") is None
    assert file.accepted("/r", "id") == LOSSES
    assert file.accepted("/r", "another disk") == {}
    assert file.accepted("/other", "id") == {}

    file.forget_accepted("/r", keep={"B"})
    assert file.accepted("/r", "id") == {"B": LOSSES["B"]}
    file.forget_accepted("/r", keep=())
    assert file.accepted("/r", "id") == {}
    assert (tmp_path / "brake.json").read_text() == "{}\n"


def test_a_brake_that_goes_off_leaves_the_other_repositories_alone(tmp_path: Path) -> None:
    file = BrakeFile(tmp_path)
    for repository in ("/r", "/other"):
        file.put_on(repository, BRAKED)

    file.take_off("/r")

    assert set(file.all_braked()) == {"/other"}


def test_nothing_is_written_where_there_is_nothing_to_say(tmp_path: Path) -> None:
    file = BrakeFile(tmp_path)
    file.take_off("/r")
    file.forget_accepted("/r", keep=())

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ['["/r"]', '{"/r": 1}', '{"/r": {"braked": {"since": ""}}}'])
def test_a_damaged_file_is_an_error_that_says_what_to_do(tmp_path: Path, content: str) -> None:
    (tmp_path / "brake.json").write_text(content)

    with pytest.raises(StateError, match=r"brake\.json is damaged\.\nRemove it and make a backup"):
        BrakeFile(tmp_path).all_braked()


@pytest.mark.parametrize("text", ["[1]", "1", '"x"', "true"])
def test_a_file_that_is_something_else_is_no_brake_that_is_off(tmp_path: Path, text: str) -> None:
    (tmp_path / "brake.json").write_text(text)

    with pytest.raises(StateError, match="is damaged"):
        BrakeFile(tmp_path).braked("/srv/office.borg")
