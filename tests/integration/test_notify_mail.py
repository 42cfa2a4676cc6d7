"""hooks/notify-mail. A small program stands in for sendmail."""

from __future__ import annotations

import email
import email.policy
import os
import subprocess
from email.message import EmailMessage
from pathlib import Path

import pytest

from avplugin.shipped import shipped_folder


@pytest.fixture
def sendmail(tmp_path: Path) -> Path:
    """A folder for PATH with a sendmail that keeps the mail in `mail`."""
    program = tmp_path / "sendmail"
    program.write_text(f'#!/bin/sh\n[ "$*" = "-t -i" ] && cat >{tmp_path}/mail\n')
    program.chmod(0o755)
    return tmp_path


def notify(sendmail: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run notify-mail."""
    return subprocess.run(
        [shipped_folder("hooks") / "notify-mail", *words],
        env={"PATH": f"{sendmail}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )


def mail(sendmail: Path) -> EmailMessage:
    """Return the mail that was sent."""
    data = (sendmail / "mail").read_bytes()
    return email.message_from_bytes(data, EmailMessage, policy=email.policy.default)


def test_the_mail_says_who_where_what_and_how_long_in_both_languages(sendmail: Path) -> None:
    done = notify(sendmail, "kantoor@example.nl", "jan", "PC7", "BAKKER26", "begin", "30")

    assert done.returncode == 0, done.stderr
    sent = mail(sendmail)
    assert sent["To"] == "kantoor@example.nl"
    assert sent["Subject"] == "AccountView: jan is nog ingelogd"
    body = sent.get_content()
    assert "jan op PC7 heeft BAKKER26 nog open. De backup wacht nog hoogstens 30 min." in body
    assert "jan on PC7 still has BAKKER26 open. The backup waits for at most 30 more min." in body


def test_the_last_message_says_what_happens_next(sendmail: Path) -> None:
    notify(sendmail, "kantoor@example.nl", "jan", "PC7", "BAKKER26", "end", "5")

    assert "Binnen 5 min. wacht de backup niet langer." in mail(sendmail).get_content()


def test_a_name_cannot_become_a_header(sendmail: Path) -> None:
    notify(sendmail, "a@example.nl", "jan\nBcc: b@example.nl", "", "", "begin", "30")

    sent = mail(sendmail)
    assert sent["Bcc"] is None
    assert "Bcc: b@example.nl" in sent["Subject"]


def test_too_few_words_are_wrong_usage(sendmail: Path) -> None:
    done = notify(sendmail, "a@example.nl")

    assert done.returncode == 2
    assert "usage: notify-mail ADDRESS USER" in done.stderr
