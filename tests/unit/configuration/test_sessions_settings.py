"""The part `sessions` of accountview.yaml."""

from __future__ import annotations

from pathlib import Path

import pytest

from avplugin.configuration.duration import human_duration, seconds
from avplugin.configuration.load import ConfigurationError, load_configuration
from avplugin.configuration.model import Configuration
from avplugin.configuration.sessions import (
    CommandProbe,
    OnBusy,
    People,
    SambaProbe,
    SmbProbe,
    WindowsProbe,
)
from avplugin.shipped import shipped_folder

EXAMPLES = sorted((shipped_folder("configs") / "sessions").glob("*.yaml"))
REST = """
installation: {name: accountview, program: /p, system: /s}
administrations: [{folders: /srv/accountview/admins/*}]
"""


def load(folder: Path, sessions: str, more: str = "") -> Configuration:
    """Load a configuration with this for `sessions`."""
    file = folder / "accountview.yaml"
    text = sessions if sessions.lstrip().startswith(("sessions:", "#")) else f"sessions: {sessions}"
    file.write_text(f"{REST}{more}\n{text}\n")
    return load_configuration(str(file))


def fault(folder: Path, sessions: str) -> str:
    """Return what is wrong with it, without the name of the file."""
    with pytest.raises(ConfigurationError) as caught:
        load(folder, sessions)
    return str(caught.value).replace(f"{folder / 'accountview.yaml'}: ", "")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_a_right_configuration(tmp_path: Path, example: Path) -> None:
    assert load(tmp_path, example.read_text()).sessions.probes


def test_every_way_of_finding_out_has_an_example() -> None:
    assert [path.stem for path in EXAMPLES] == ["samba", "smb", "windows-ssh", "windows-wsl"]


def test_probes_are_read_with_their_limits(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        "{probes: [{samba: {}}, {smb: {server: s, share: av, username: u, password_file: pw},"
        " limit: 2m}, {windows: {via: wsl, programs: [av.exe]}}, {command: [ask, me], limit: 1s}]}",
    ).sessions.probes

    assert found == (
        SambaProbe("", 45.0),
        SmbProbe("s", "av", "u", tmp_path / "pw", None, limit=120.0),
        WindowsProbe("wsl", {}, programs=("av.exe",)),
        CommandProbe(("ask", "me"), 1.0),
    )


def test_a_set_of_administrations_leaves_out_and_any_other_is_put_off(tmp_path: Path) -> None:
    sets = load(tmp_path, "{probes: [{samba: {}}]}").sets

    assert sets["administrations"].on_busy is OnBusy.LEAVE_OUT
    assert sets["system"].on_busy is OnBusy.POSTPONE
    assert sets["system"].blocked_by == {"user", "com_link", "backoffice_server"}
    assert sets["system"].overdue_after == 2 * 86400


def test_what_happens_can_be_said_for_all_sets_or_for_one(tmp_path: Path) -> None:
    for said, wanted in (
        ("fail", {"system": "fail", "administrations": "fail"}),
        ("{administrations: fail}", {"system": "postpone", "administrations": "fail"}),
    ):
        sets = load(tmp_path, f"{{probes: [{{samba: {{}}}}], on_busy: {said}}}").sets
        assert {name: str(part.on_busy) for name, part in sets.items()} == wanted


def test_each_set_has_its_own_kinds_and_time(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        "{probes: [{samba: {}}], blocks: {a: [user]}, known_as: {com_link: {users: [api]}}}",
        "sets: {a: {folders: [program, system, extra], overdue_after: 12h}}",
    )

    assert found.sets["a"].blocked_by == {"user"}
    assert found.sets["a"].overdue_after == 12 * 3600
    assert found.sessions.known_as == {"com_link": People(("api",))}


@pytest.mark.parametrize(
    ("sessions", "said"),
    [
        ("{}", "sessions: must hold either probes or 'assume_nobody: true'"),
        ("{assume_nobody: true, probes: [{samba: {}}]}", "sessions: must hold either probes"),
        ("{probes: []}", "sessions.probes: is empty"),
        ("{probes: [{}]}", "sessions.probes[0]: must hold one of samba, smb, windows and command"),
        ("{probes: [{samba: {}, command: [x]}]}", "sessions.probes[0]: must hold one of samba"),
        ("{probes: [{sambo: {}}]}", "sessions.probes[0].sambo: is not known; did you mean samba?"),
        (
            "{probes: [{smb: {server: s, share: av, username: u}}]}",
            "sessions.probes[0].smb: must hold either password_file or password_variable",
        ),
        (
            "{probes: [{smb: {server: s, share: av, username: u, password: x}}]}",
            "sessions.probes[0].smb.password: is not known",
        ),
        (
            r"{probes: [{smb: {server: '\\s', share: av, username: u, password_file: x}}]}",
            r"sessions.probes[0].smb.server: '\\s' cannot be used",
        ),
        (
            "{probes: [{smb: {server: s, share: a, username: u, password_file: x, port: 0}}]}",
            "sessions.probes[0].smb.port: '0' cannot be used: it must be a port",
        ),
        ("{probes: [{windows: {via: 'ssh://-oX@h'}}]}", "it must be wsl, or ssh://USER@HOST"),
        ("{probes: [{command: []}]}", "sessions.probes[0].command: is empty"),
        ("{probes: [{command: ask me}]}", "sessions.probes[0].command: must be a list"),
        ("{probes: [{samba: {}}], wait: 5}", "sessions.wait: must be text"),
        ("{probes: [{samba: {}}], wait: '5'}", "it must be a number with s, m, h, d or w"),
        ("{probes: [{samba: {}, limit: 0s}]}", "sessions.probes[0].limit: '0s' cannot be used"),
        ("{probes: [{samba: {}}], on_busy: skip}", "it must be leave_out, postpone or fail"),
        ("{probes: [{samba: {}}], on_busy: {x: fail}}", "sessions.on_busy.x: there is no such set"),
        ("{probes: [{samba: {}}], blocks: {x: []}}", "sessions.blocks.x: there is no such set"),
        ("{probes: [{samba: {}}], blocks: {system: [robot]}}", "it must be user, com_link or"),
        ("{probes: [{samba: {}}], quiesce: [x]}", "quiesce only together with resume"),
        ("{probes: [{samba: {}}], notify: [x]}", "sessions.notify: has no effect without wait"),
        (
            "{probes: [{samba: {}}], wait: 5m, notify: [msg, '{admin}']}",
            "sessions.notify: {admin} stands for nothing; known: {user}, {machine}",
        ),
        ("{probes: [{samba: {}}], fence: true}", "sessions.fence: needs a probe of the kind smb"),
        ("{probes: [{samba: {}}], fence_tables: [x]}", "has no effect without 'fence: true'"),
        ("{probes: [{samba: {}}], ignore: {}}", "sessions.ignore: is empty"),
        ("{assume_nobody: true, wait: 5m}", "sessions.wait: has no effect with assume_nobody"),
    ],
)
def test_a_fault_is_told_with_its_place(tmp_path: Path, sessions: str, said: str) -> None:
    assert said in fault(tmp_path, sessions)


@pytest.mark.parametrize(
    ("text", "length"), [("0s", 0), ("45s", 45), ("30m", 1800), ("12h", 43200), ("1w", 604800)]
)
def test_durations_are_read(text: str, length: float) -> None:
    assert seconds(text) == length


@pytest.mark.parametrize(
    ("length", "text"),
    [(45, "45 seconds"), (1800, "30 minutes"), (7200, "2 hours"), (172800, "2 days")],
)
def test_durations_are_said(length: float, text: str) -> None:
    assert human_duration(length) == text
