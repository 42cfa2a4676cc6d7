"""The outcome of a night by mail, through real mail servers."""

from __future__ import annotations

import datetime
import json
import os
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest
from conftest import COMMANDS
from mail_server import PASSWORD, USER, MailServer
from past import Past

from avplugin.state.outcomes import NOT_NOW
from avplugin.state.run import SetState

# aiosmtpd's own, about a server that asks for a login over TLS from the first byte on.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH")

TO = ["kantoor@example.com", "beheer@example.com"]


@pytest.fixture
def past(tmp_path: Path) -> Past:
    """An office whose last night is over, and was not told yet."""
    now = datetime.datetime.now().astimezone()
    made = Past(tmp_path, now, ["BAKKER26", "SLAGER26"])
    made.quiet_months(10)
    note_told(made, 2)
    return made


def note_told(past: Past, ago: int) -> None:
    """Note that the night before another one was told last."""
    night = past.night(ago).astimezone().date() - datetime.timedelta(days=1)
    (past.state / "mailed.json").write_text(json.dumps({"night": str(night), "sent": ""}))


def configure(past: Past, port: int, encryption: str, **mail: Any) -> None:
    secret = past.folder / "secret"
    secret.write_text(f"{PASSWORD}\n")
    known = {"server": "localhost", "port": port, "encryption": encryption, "from": "av@example.nl"}
    if encryption != "none":
        known |= {"username": USER, "password_file": str(secret)}
    past.configure(mail={**known, **mail}, report={"mail_to": TO, "language": "nl", "at": "07:30"})


def report(
    past: Past,
    *words: str,
    trusting: Path | None = None,
    command: tuple[str, ...] = ("report",),
) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": f"{COMMANDS}:{os.environ['PATH']}",
        "HOME": str(past.folder),
        "LANG": "C.UTF-8",
        "AVPLUGIN_CONFIG": str(past.configuration),
    }
    if trusting is not None:
        environment["SSL_CERT_FILE"] = str(trusting)
    done = subprocess.run(
        ["avplugin", *command, *words],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "Traceback" not in done.stderr
    assert PASSWORD not in done.stdout + done.stderr
    return done


@pytest.mark.parametrize("encryption", ["starttls", "tls", "none"])
def test_a_night_is_mailed_once_with_the_page(past: Past, encryption: str) -> None:
    with MailServer(past.folder, encryption=encryption) as server:
        configure(past, server.port, encryption)

        first = report(past, "--mail", trusting=server.authority)
        second = report(past, "--mail", trusting=server.authority)

        assert first.returncode == 0, first.stderr
        assert (second.returncode, second.stdout, second.stderr) == (75, "", "")
        [(recipients, message)] = server.got
    assert recipients == TO
    assert "alles is veilig" in message["Subject"]
    assert message["From"] == "av@example.nl"
    body = message.get_body(("plain",))
    assert body is not None
    assert "Alles is veilig. U hoeft niets te doen." in body.get_content()
    assert "administrations in nas: Backup gemaakt en goed bevonden" in body.get_content()
    [page] = message.iter_attachments()
    assert page.get_content_type() == "text/html"
    assert '<html lang="nl">' in page.get_content()


def test_a_bad_night_names_who_was_in_the_way_and_what_to_do(past: Past) -> None:
    known = SetState(past.state, "administrations").outcomes()
    put_off = [past.outcome(ago, NOT_NOW, people=("PIET on WS-2",)) for ago in range(6, -1, -1)]
    past.write([*known[:-7], *put_off])
    with MailServer(past.folder, encryption="none") as server:
        configure(past, server.port, "none")

        done = report(past, "--mail", "--language", "en")

        assert done.returncode == 0, done.stderr
        [(_, message)] = server.got
    assert "PLEASE LOOK AT THIS" in message["Subject"]
    body = message.get_body(("plain",))
    assert body is not None
    text = body.get_content()
    assert "overdue: the last clean backup is of" in text
    assert "In the way: PIET on WS-2." in text
    assert "See to it that everybody closes AccountView" in text


def test_now_sends_though_the_night_was_told(past: Past) -> None:
    with MailServer(past.folder, encryption="none") as server:
        configure(past, server.port, "none")
        assert report(past, "--mail").returncode == 0

        assert report(past, "--mail", "--now").returncode == 0

        assert len(server.got) == 2


def test_the_nights_before_mailing_was_set_up_are_not_told(past: Past) -> None:
    (past.state / "mailed.json").unlink()
    for name in ("system", "administrations"):
        past.write(SetState(past.state, name).outcomes()[:-1], name)
    with MailServer(past.folder, encryption="none") as server:
        configure(past, server.port, "none")

        assert report(past, "--mail").returncode == 75

        assert server.got == []
    assert json.loads((past.state / "mailed.json").read_text())["sent"] == ""


def test_a_server_that_is_gone_is_an_error_and_the_next_start_tries_again(past: Past) -> None:
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        configure(past, port, "none")
        done = report(past, "--mail")
    assert done.returncode == 1
    assert f"the mail server localhost:{port} cannot be reached" in done.stderr

    with MailServer(past.folder, encryption="none") as server:
        configure(past, server.port, "none")
        assert report(past, "--mail").returncode == 0
        assert len(server.got) == 1


@pytest.mark.parametrize("encryption", ["starttls", "tls"])
def test_a_certificate_that_nobody_vouches_for_ends_it_before_the_login(
    past: Past, encryption: str
) -> None:
    with MailServer(past.folder, encryption=encryption) as server:
        configure(past, server.port, encryption)

        done = report(past, "--mail")

        assert done.returncode == 1
        assert "has no valid certificate" in done.stderr
        assert server.got == []


def test_a_certificate_for_another_name_is_not_taken(past: Past) -> None:
    with MailServer(
        past.folder, encryption="starttls", certificate_for="elsewhere.example.com"
    ) as server:
        configure(past, server.port, "starttls")

        done = report(past, "--mail", trusting=server.authority)

        assert done.returncode == 1
        assert "has no valid certificate" in done.stderr
        assert server.got == []


def test_a_login_that_is_refused_says_whose(past: Past) -> None:
    with MailServer(past.folder, encryption="starttls") as server:
        configure(past, server.port, "starttls", username="someone")

        done = report(past, "--mail", trusting=server.authority)

        assert done.returncode == 1
        assert "does not let someone in" in done.stderr
        assert server.got == []


def test_a_server_without_encryption_gets_no_password(past: Past) -> None:
    with MailServer(past.folder, encryption="none") as server:
        configure(past, server.port, "starttls")

        done = report(past, "--mail")

        assert done.returncode == 1
        assert "cannot do what accountview.yaml asks for" in done.stderr


@pytest.mark.parametrize(
    ("refused", "messages"), [((TO[1],), 1), ((TO[0], TO[1]), 0)], ids=["one", "all"]
)
def test_an_address_that_is_refused_is_named(
    past: Past, refused: tuple[str, ...], messages: int
) -> None:
    with MailServer(past.folder, encryption="none", refuses=refused) as server:
        configure(past, server.port, "none")

        done = report(past, "--mail")
        again = report(past, "--mail")

        assert done.returncode == 1
        assert f"does not deliver to {refused[0]}" in done.stderr
        # Those who got it do not get it every ten minutes from now on.
        assert len(server.got) == messages
        assert again.returncode == (75 if messages else 1)


def test_a_password_file_that_is_not_there_is_told_without_a_connection(past: Past) -> None:
    configure(past, 1, "starttls", password_file=str(past.folder / "none"))

    done = report(past, "--mail")

    assert done.returncode == 1
    assert f"cannot be read from the file {past.folder / 'none'}" in done.stderr


def test_doctor_logs_in_at_the_mail_server_and_sends_nothing(past: Past) -> None:
    def found() -> list[tuple[str, str]]:
        done = report(past, trusting=server.authority, command=("--json", "doctor"))
        concerns = [one for one in json.loads(done.stdout)["findings"] if one["concern"] == "mail"]
        return [(one["level"], one["what"].partition(";")[0]) for one in concerns]

    with MailServer(past.folder, encryption="starttls") as server:
        configure(past, server.port, "starttls")
        where = f"the mail server localhost:{server.port}"
        assert found() == [("fine", f"localhost:{server.port} takes mail for {', '.join(TO)}")]

        configure(past, server.port, "starttls", username="someone")
        [(level, what)] = found()
        assert level == "error"
        assert what.startswith(f"{where} does not let someone in")
        assert server.got == []


def test_without_anybody_to_tell_it_says_what_to_write(past: Past) -> None:
    done = report(past, "--mail")

    assert done.returncode == 1
    assert "does not say who gets mail" in done.stderr
    assert report(past).returncode == 2
    assert report(past, "--html", "x.html", "--now").returncode == 2
