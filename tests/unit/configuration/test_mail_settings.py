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
    assert mail.username is None


def test_everything_can_be_said(tmp_path: Path) -> None:
    configuration = load(
        tmp_path,
        f"{SERVER}, port: 2525, {USER}, password_file: secret}}",
        "report: {mail_to: [a@example.nl], at: '16:00', language: nl}",
        "unregistered: {ignore: ['*.oud']}",
    )

    mail, report = configuration.mail, configuration.report
    assert mail is not None
    assert mail.password_file == tmp_path / "secret"
    assert (mail.port, mail.sender, mail.username) == (2525, "av@example.nl", "kantoor")
    assert (report.mail_to, report.language) == (("a@example.nl",), "nl")
    assert report.at == datetime.time(16)
    assert configuration.unregistered_ignored == ("*.oud",)


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
        (f"{SERVER}, {USER}}}", "mail: must hold either password_file or password_variable"),
        (
            f"{SERVER}, {USER}, password_file: a, password_variable: B}}",
            "mail: must hold either password_file or password_variable",
        ),
        (f"{SERVER}, password_file: a}}", "mail: must hold username together with its password"),
        (f"{SERVER}, password: geheim}}", "mail.password: is not known; did you mean password_"),
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
