"""What accountview.yaml says about mail and the report."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from avplugin.configuration.load import ConfigurationError, load_configuration
from avplugin.configuration.mail import Encryption
from avplugin.configuration.model import Configuration

SERVER = "mail: {server: smtp.example.com, from: av@example.nl"
USER = "username: kantoor"


def load(folder: Path, *lines: str) -> Configuration:
    file = folder / "accountview.yaml"
    known = [
        "installation: {name: kantoor, program: /p, system: /s}",
        "administrations: [{folders: /a/*}]",
        "sessions: {assume_nobody: true}",
    ]
    file.write_text("\n".join([*known, *lines]))
    return load_configuration(str(file))


@pytest.mark.parametrize(
    ("encryption", "port"), [("starttls", 587), ("tls", 465), (None, 587)], ids=str
)
def test_the_port_follows_from_the_encryption(
    tmp_path: Path, encryption: str | None, port: int
) -> None:
    said = f", encryption: {encryption}" if encryption else ""
    mail = load(tmp_path, f"{SERVER}{said}}}").mail

    assert mail is not None
    assert (mail.encryption, mail.port) == (encryption or "starttls", port)
    assert mail.login is None


def test_everything_can_be_said(tmp_path: Path) -> None:
    configuration = load(
        tmp_path,
        f"{SERVER}, port: 2525, {USER}, password_file: secret}}",
        "report: {mail_to: [a@example.nl], at: '16:00', language: nl}",
        "unregistered: {ignore: ['*.oud']}",
    )

    mail, report = configuration.mail, configuration.report
    assert mail is not None
    assert mail.login is not None
    assert mail.login.password_file == tmp_path / "secret"
    assert (mail.port, mail.sender, mail.login.username) == (2525, "av@example.nl", "kantoor")
    assert mail.imap is None
    assert (report.mail_to, report.language) == (("a@example.nl",), "nl")
    assert report.at == datetime.time(16)
    assert configuration.unregistered_ignored == ("*.oud",)


def test_the_mailbox_has_server_and_login_of_the_mail_server_unless_it_says_otherwise(
    tmp_path: Path,
) -> None:
    plain = load(tmp_path, f"{SERVER}, {USER}, token_command: [token, '1'], imap: {{}}}}").mail
    own = load(
        tmp_path,
        f"{SERVER}, {USER}, password: '{{credential file a b}}', attachment_limit: 30 MB,"
        " certificate_authorities: ca.pem, imap: {server: imap.example.com, encryption: starttls,"
        " username: in, password_variable: IN, folder: Boeken}}",
    ).mail

    assert plain is not None and plain.imap is not None
    assert plain.imap.login == plain.login
    assert plain.imap.login.token_command == ("token", "1")
    assert (plain.imap.server, plain.imap.port) == ("smtp.example.com", 993)
    assert plain.attachment_limit == 20_000_000
    assert own is not None and own.imap is not None and own.login is not None
    assert own.login.credential == "{credential file a b}"
    assert own.attachment_limit == 30_000_000
    assert own.imap.login.password_variable == "IN"
    assert (own.imap.server, own.imap.port, own.imap.folder) == ("imap.example.com", 143, "Boeken")
    assert own.authorities == own.imap.authorities == tmp_path / "ca.pem"


def test_without_a_word_nobody_is_mailed(tmp_path: Path) -> None:
    configuration = load(tmp_path)

    assert configuration.mail is None
    assert configuration.report.mail_to == ()
    assert configuration.report.at == datetime.time(7, 30)


@pytest.mark.parametrize("server", ["localhost", "127.0.0.1", "'::1'"])
def test_this_machine_needs_no_encryption(tmp_path: Path, server: str) -> None:
    line = f"mail: {{server: {server}, from: av@example.nl, encryption: none}}"
    mail = load(tmp_path, line).mail

    assert mail is not None
    assert (mail.encryption, mail.port) == (Encryption.NONE, 25)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (f"{SERVER}, encryption: none}}", "mail.encryption: can be none for a server on this mach"),
        (f"{SERVER}, encryption: ssl}}", "mail.encryption: 'ssl' cannot be used: it must be start"),
        (f"{SERVER}, {USER}}}", "mail: must hold one of password_file, password_variable, passw"),
        (
            f"{SERVER}, {USER}, password_file: a, password_variable: B}}",
            "mail: must hold one of password_file, password_variable, password and token_command",
        ),
        (f"{SERVER}, password_file: a}}", "mail: must hold username together with its password"),
        (
            f"{SERVER}, {USER}, password: 'geheim'}}",
            "mail.password: what it says cannot be used: it must be a credential in quotes",
        ),
        (f"{SERVER}, {USER}, password: ''}}", "mail.password: what it says cannot be used"),
        (f"{SERVER}, token_command: [a]}}", "mail: must hold username together with its password"),
        (f"{SERVER}, {USER}, token_command: a b}}", "mail.token_command: must be a list"),
        (f"{SERVER}, attachment_limit: 20}}", "mail.attachment_limit: must be text"),
        (
            f"{SERVER}, attachment_limit: 0MB}}",
            "mail.attachment_limit: '0MB' cannot be used: it mu",
        ),
        (f"{SERVER}, imap: {{}}}}", "mail.imap.username: is missing: a mailbox wants a login"),
        (
            f"{SERVER}, imap: {{{USER}}}}}",
            "mail.imap: must hold one of password_file, password_variable, password and token_com",
        ),
        (
            f"{SERVER}, imap: {{{USER}, password_file: a, encryption: none}}}}",
            "mail.imap.encryption: can be none for a server on this machine only",
        ),
        (
            f"{SERVER}, imap: {{{USER}, password_file: a, forder: b}}}}",
            "mail.imap.forder: is not known; did you mean folder?",
        ),
        (f"{SERVER}, port: 0}}", "mail.port: '0' cannot be used: it must be a port"),
        ("mail: {server: smtp.example.com}", "mail.from: is missing"),
        ("mail: {server: a b, from: a@b.nl}", "mail.server: 'a b' cannot be used: it must be a s"),
        ("mail: {server: a, from: 'A <a@b.nl>'}", "mail.from: 'A <a@b.nl>' cannot be used: it"),
        ('mail: {server: a, from: "a@b.nl\\n"}', "mail.from: 'a@b.nl\\n' cannot be used: it mu"),
        ("report: {mail_to: [a@b.nl]}", "mail: is missing: report.mail_to needs a mail server"),
        ("report: {mail_to: []}", "report.mail_to: is empty"),
        ("report: {mail_to: a@b.nl}", "report.mail_to: must be a list"),
        ("report: {at: 7:30}", "report.at: must be text"),
        ("report: {language: de}", "report.language: 'de' cannot be used: it must be nl or en"),
        ("unregistered: {ignore: OUD*}", "unregistered.ignore: must be a list"),
    ],
)
def test_a_fault_is_told_in_one_line_with_its_key(tmp_path: Path, line: str, fault: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, line)

    [said] = str(caught.value).splitlines()
    assert said.removeprefix(f"{tmp_path / 'accountview.yaml'}: ").startswith(fault)
