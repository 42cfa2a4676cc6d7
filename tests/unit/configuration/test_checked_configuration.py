"""A right accountview.yaml is checked against the schema once, and again when anything changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from avplugin.configuration import load
from avplugin.configuration.load import ConfigurationError, load_configuration

TEXT = """\
installation: {{name: accountview, program: /srv/av, system: /srv/av/system}}
administrations: [{{folders: /srv/admins/*}}]
sessions: {{assume_nobody: true}}
state: {state}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "state").mkdir()
    file = tmp_path / "accountview.yaml"
    file.write_text(TEXT.format(state=tmp_path / "state"))
    return file


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The documents that were checked against the schema."""
    found: list[object] = []
    real = load._schema_faults

    def check(document: dict[str, object]) -> list[load._Fault]:
        found.append(document)
        return real(document)

    monkeypatch.setattr(load, "_schema_faults", check)
    return found


def test_what_was_right_is_not_checked_again(file: Path, checks: list[object]) -> None:
    first, again = load_configuration(str(file)), load_configuration(str(file))

    assert first == again
    assert len(checks) == 1


def test_a_changed_text_is_checked_and_refused(file: Path, checks: list[object]) -> None:
    load_configuration(str(file))
    file.write_text(file.read_text() + "drives: 5\n")

    for _ in range(2):
        with pytest.raises(ConfigurationError, match="drives"):
            load_configuration(str(file))

    assert len(checks) == 3


def test_another_schema_checks_anew(
    file: Path, checks: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_configuration(str(file))
    newer = tmp_path / "schema.yaml"
    newer.write_text(load._SCHEMA.read_text() + "# of a later version\n")
    monkeypatch.setattr(load, "_SCHEMA", newer)

    load_configuration(str(file))

    assert len(checks) == 2


def test_nothing_is_made_where_there_is_no_state_yet(file: Path, checks: list[object]) -> None:
    state = file.parent / "state"
    state.rmdir()

    load_configuration(str(file))

    assert not state.exists()
    assert len(checks) == 1
