"""Where the secret of a login comes from; a wrong one is told without it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from avplugin.configuration.mail import Login
from avplugin.mail.error import MailError
from avplugin.mail.login import find_secret

SECRET = "geheim-9d41"


def printing(text: str, code: int = 0) -> Login:
    script = f"import sys; sys.stdout.write({text!r}); sys.stderr.write({text!r}); sys.exit({code})"
    return Login("kantoor", token_command=(sys.executable, "-c", script))


@pytest.mark.parametrize("text", [f"{SECRET}\n", f"\ufeff{SECRET}\r\nmore", SECRET])
def test_the_first_line_of_a_file_is_the_password(tmp_path: Path, text: str) -> None:
    (tmp_path / "secret").write_text(text)

    secret = find_secret(Login("kantoor", password_file=tmp_path / "secret"))

    assert (secret.username, secret.text, secret.is_token) == ("kantoor", SECRET, False)
    assert SECRET not in repr(secret)


def test_a_credential_of_systemd_is_found_as_borgmatic_finds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mail").write_text(f"{SECRET}\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))

    assert find_secret(Login("kantoor", credential="{credential systemd mail}")).text == SECRET


def test_outside_of_a_unit_systemd_is_asked_for_the_credential(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "systemd-creds"
    program.write_text(f'#!/bin/sh\n[ "$2" = /etc/credstore.encrypted/elders ] && echo {SECRET}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)

    assert find_secret(Login("kantoor", credential="{credential systemd elders}")).text == SECRET
    with pytest.raises(MailError, match="ended with exit status 1"):
        find_secret(Login("kantoor", credential="{credential systemd niet-daar}"))


def test_a_token_is_what_the_command_prints() -> None:
    secret = find_secret(printing(f"{SECRET}\n"))
    answer = secret.xoauth2()

    assert secret.is_token
    assert answer() == f"user=kantoor\1auth=Bearer {SECRET}\1\1"
    assert answer(b"{}") == ""


@pytest.mark.parametrize(
    "login",
    [
        printing(f"{SECRET} {SECRET}"),
        printing(f"{SECRET}\n{SECRET}"),
        printing(SECRET, 3),
        printing(f"{SECRET}\u00e9"),
        Login("kantoor", password_variable="SOME_PASSWORD"),
    ],
)
def test_no_secret_stands_in_what_is_said_of_it(
    login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_PASSWORD", f"{SECRET}\x01")

    with pytest.raises(MailError) as caught:
        find_secret(login)

    assert SECRET not in str(caught.value).replace(str(login.token_command), "")
    assert len(str(caught.value).splitlines()) <= 2
