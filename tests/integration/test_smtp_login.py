"""Sending through real mail servers that let nobody in without a token."""

from __future__ import annotations

import sys
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import pytest
from mail_server import PASSWORD, USER, MailServer

from avplugin.configuration.mail import Encryption, Login
from avplugin.configuration.mail import MailServer as Settings
from avplugin.mail.error import MailError
from avplugin.mail.smtp import log_in, send

# aiosmtpd's own, about a server that asks for a login over TLS from the first byte on.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH")

TOKEN = "ya29.a0-token_9d41"


def settings(server: MailServer, login: Login, encryption: str = "starttls") -> Settings:
    return Settings(
        "localhost", server.port, Encryption(encryption), "av@example.nl", login, server.authority
    )


def printing(text: str) -> Login:
    return Login(USER, token_command=(sys.executable, "-c", f"print({text!r})"))


def message(size: int = 10) -> EmailMessage:
    made = EmailMessage(policy=SMTP)
    made["From"], made["To"], made["Subject"] = "av@example.nl", "jan@klant.nl", "x"
    made.set_content("x " * (size // 2))
    return made


@pytest.mark.parametrize("encryption", ["starttls", "tls"])
def test_a_token_out_of_a_command_lets_somebody_in(tmp_path: Path, encryption: str) -> None:
    with MailServer(tmp_path, encryption=encryption, token=TOKEN) as server:
        send(settings(server, printing(TOKEN), encryption), message())

        assert [recipients for recipients, _ in server.got] == [["jan@klant.nl"]]


def test_a_token_that_is_refused_is_told_and_not_shown(tmp_path: Path) -> None:
    with (
        MailServer(tmp_path, encryption="starttls", token="another") as server,
        pytest.raises(MailError, match=f"does not let {USER} in") as caught,
    ):
        send(settings(server, printing(TOKEN)), message())

    assert TOKEN not in str(caught.value)
    assert server.got == []


def test_a_password_works_beside_tokens(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(PASSWORD)
    login = Login(USER, credential="{credential file secret}", folder=tmp_path)
    with MailServer(tmp_path, encryption="tls", token=TOKEN) as server:
        log_in(settings(server, login, "tls"))


def test_a_message_that_the_server_will_not_take_is_not_sent(tmp_path: Path) -> None:
    with (
        MailServer(tmp_path, encryption="starttls", token=TOKEN, largest=50_000) as server,
        pytest.raises(MailError, match=r"takes messages of 50\.0 kB at the most, and this one"),
    ):
        send(settings(server, printing(TOKEN)), message(100_000))

    assert server.got == []


def test_a_server_without_tokens_is_told(tmp_path: Path) -> None:
    with (
        MailServer(tmp_path, encryption="none") as server,
        pytest.raises(MailError, match="it has no XOAUTH2"),
    ):
        send(settings(server, printing(TOKEN), "none"), message())
