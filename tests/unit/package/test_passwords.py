"""Where a package's password comes from, and which will do."""

from __future__ import annotations

from pathlib import Path

import pytest

from avplugin.configuration.packages import PackageSettings
from avplugin.package.passwords import (
    VARIABLE,
    PasswordError,
    check_new_password,
    given_password,
    why_no_password,
)


def test_what_is_nearest_to_the_command_goes_first(tmp_path: Path) -> None:
    for name in ("option", "configured"):
        (tmp_path / name).write_text(f"{name}\n")
    by_file = PackageSettings(password_file=tmp_path / "configured")
    by_variable = PackageSettings(password_variable="KANTOOR")
    environment = {VARIABLE: "variable", "KANTOOR": "kantoor"}

    assert given_password(tmp_path / "option", by_file, environment) == "option"
    assert given_password(None, by_file, environment) == "variable"
    assert given_password(None, by_file, {}) == "configured"
    assert given_password(None, by_variable, {"KANTOOR": "kantoor"}) == "kantoor"
    assert given_password(None, PackageSettings(), {}) is None


@pytest.mark.parametrize("data", [b"geheim en meer", b"\xef\xbb\xbfgeheim en meer\r\nrest"])
def test_the_first_line_of_a_file_is_the_password_as_notepad_writes_it(
    tmp_path: Path, data: bytes
) -> None:
    (tmp_path / "pw").write_bytes(data)

    assert given_password(tmp_path / "pw", PackageSettings(), {}) == "geheim en meer"


@pytest.mark.parametrize("data", [b"", b"\nrest", b"caf\xe9", None])
def test_a_file_without_a_password_is_an_error_and_not_a_package_without_one(
    tmp_path: Path, data: bytes | None
) -> None:
    if data is not None:
        (tmp_path / "pw").write_bytes(data)

    with pytest.raises(PasswordError, match=str(tmp_path / "pw")):
        given_password(tmp_path / "pw", PackageSettings(), {})


@pytest.mark.parametrize(
    ("settings", "environment"),
    [
        (PackageSettings(), {VARIABLE: ""}),
        (PackageSettings(password_variable="KANTOOR"), {}),
        (PackageSettings(password_variable="KANTOOR"), {"KANTOOR": ""}),
    ],
)
def test_a_variable_that_is_empty_is_an_error(
    settings: PackageSettings, environment: dict[str, str]
) -> None:
    with pytest.raises(PasswordError):
        given_password(None, settings, environment)


@pytest.mark.parametrize("password", ["", " xyzzy", "xyzzy ", "café", "x\ty", "x\x00", "x" * 100])
def test_what_others_could_not_type_is_refused(password: str) -> None:
    assert why_no_password(password)
    with pytest.raises(PasswordError) as refused:
        check_new_password(password)
    assert not password or password not in str(refused.value)


@pytest.mark.parametrize("password", ["geheim", "twee woorden", "x" * 99, "!\"#$%&'()*+,-./:;<=>"])
def test_what_others_can_type_will_do(password: str) -> None:
    check_new_password(password)
