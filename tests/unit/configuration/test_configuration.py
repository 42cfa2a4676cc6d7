"""accountview.yaml: what it may say, and what a person is told when it says something else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from avplugin.configuration.load import (
    ConfigurationError,
    default_state_folder,
    find_configuration,
    load_configuration,
    load_schema,
)
from avplugin.configuration.model import BrakeLimits, Configuration, DrillSettings
from avplugin.configuration.packages import PackageSettings
from avplugin.errors import UsageError
from avplugin.installation.locate import Explicit, FolderGlob, Register
from avplugin.shipped import shipped_folder

INSTALLATION = r"installation: {name: accountview, program: 'C:\Progs', system: '\\srv\av\system'}"
ADMINISTRATIONS = "administrations: [{folders: /srv/accountview/admins/*}]"
SESSIONS = "sessions: {assume_nobody: true}"
ENTRY = "must hold either folders (a pattern for many), or register, or code and folder (for one)"
QUOTES = "must be text; YAML takes it for something else unless it stands in quotes"
FOLDER = r"it must be a path from / on, or a Windows path in single quotes such as 'F:\admins'"
STATE = "it must be a path from / on, without blanks, *, ?, [, . and .."
NO_DRIVE = r"(write F:\, F:\folder or \\server\share)"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "accountview.yaml"


def load(file: Path, *lines: str, **other: str) -> Configuration:
    """Load a right configuration with `lines` added and whole settings replaced."""
    settings = {
        "installation": INSTALLATION,
        "administrations": ADMINISTRATIONS,
        "sessions": SESSIONS,
    }
    file.write_text("\n".join([*{**settings, **other}.values(), *lines]) + "\n")
    return load_configuration(str(file))


def faults(file: Path, *lines: str, **other: str) -> list[str]:
    """Return the faults of such a configuration, without the file's name before each."""
    with pytest.raises(ConfigurationError) as caught:
        load(file, *lines, **other)
    said = str(caught.value).splitlines()
    assert all(line.startswith(f"{file}: ") for line in said)
    return [line.removeprefix(f"{file}: ") for line in said]


def refusal(file: Path, content: bytes) -> str:
    file.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(str(file))
    message = str(caught.value)
    assert str(file) in message
    return message


# where it is


def test_the_option_goes_before_the_environment_and_both_before_the_usual_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = tmp_path / "config" / "avplugin" / "accountview.yaml"
    usual.parent.mkdir(parents=True)
    usual.touch()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("AVPLUGIN_CONFIG", str(tmp_path / "environment.yaml"))

    assert find_configuration(str(tmp_path / "option.yaml")) == tmp_path / "option.yaml"
    assert find_configuration(None) == tmp_path / "environment.yaml"
    monkeypatch.delenv("AVPLUGIN_CONFIG")
    assert find_configuration(None) == usual


def test_without_any_file_the_places_that_were_tried_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AVPLUGIN_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))

    with pytest.raises(ConfigurationError) as caught:
        load_configuration()

    message = str(caught.value)
    assert f"/etc/avplugin/accountview.yaml and {tmp_path}/avplugin/accountview.yaml" in message
    assert "--config FILE or $AVPLUGIN_CONFIG" in message


def test_a_home_that_nobody_has_is_no_crash(file: Path) -> None:
    sets = "sets: {all: {folders: [program], select: all, borgmatic: ~nobody-at-all/borg.yaml}}"

    assert load(file, sets).sets["all"].borgmatic == file.parent / "~nobody-at-all/borg.yaml"
    with pytest.raises(ConfigurationError, match=r"cannot read .*: No such file or directory"):
        load_configuration("~nobody-at-all/accountview.yaml")


def test_a_named_file_that_is_missing_or_a_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"gone.yaml: No such file or directory\.\n.*--co"):
        load_configuration(str(tmp_path / "gone.yaml"))
    with pytest.raises(ConfigurationError, match="Is a directory"):
        load_configuration(str(tmp_path))


# what is no YAML


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds no settings; configs/accountview.yaml shows what belongs in it"),
        (b"# nothing but words\n", "holds no settings"),
        (b"- installation\n", "holds no settings"),
        (b"installation\n", "holds no settings"),
        (b"installation: [\n", " line 2 is not right YAML: "),
        (b"installation:\n\tname: x\n", " line 2 is not right YAML: .* with blanks, not with tabs"),
        (b'state: "F:\\kantoor"\n', r" line 1 is not .* Write Windows paths in single quotes: 'F:"),
        (b"state: !important\n", "line 1 .* begins with ! belongs in quotes"),
        (b"state: \x01\n", "is not right YAML: special characters are not allowed"),
        (b"a: 1\n---\nb: 1\n", " line 2 is not right YAML: .* another document"),
        (b"? [a]\n: b\n", " line 1 is not right YAML: found unhashable key"),
        (b"a: " + b"[" * 5000, "is not right YAML: it is nested too deeply"),
        ("installation: café\n".encode("cp1252"), "is not UTF-8 text: save it as UTF-8"),
        ("installation: x\n".encode("utf-16"), "is not UTF-8 text: save it as UTF-8"),
    ],
)
def test_what_is_no_configuration_is_refused_with_the_line_and_a_way_out(
    file: Path, content: bytes, message: str
) -> None:
    said = refusal(file, content)

    assert len(said.splitlines()) == 1
    with pytest.raises(ConfigurationError, match=message):
        load_configuration(str(file))


@pytest.mark.parametrize(
    ("lines", "line", "key"),
    [
        ([SESSIONS], 4, "sessions"),
        ([r"drives: {'F:\': /a, 'F:\': /b}"], 4, "F:\\"),
        (["sets:", "  system:", "    folders: [program]", "    folders: [system]"], 7, "folders"),
    ],
)
def test_a_key_that_stands_twice_is_refused_at_every_level(
    file: Path, lines: list[str], line: int, key: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(file, *lines)

    assert str(caught.value) == f"{file} line {line} is not right YAML: the key {key} stands twice."


def test_a_key_may_stand_beside_a_merged_one(file: Path) -> None:
    drives = load(file, r"drives: {<<: {'F:\': /a, 'G:\': /g}, 'F:\': /b}").drives

    assert drives == {"F:\\": "/b", "G:\\": "/g"}


def test_a_byte_order_mark_as_windows_editors_write_it_is_fine(file: Path) -> None:
    text = "\n".join([INSTALLATION, ADMINISTRATIONS, SESSIONS])
    file.write_bytes(b"\xef\xbb\xbf" + text.encode())

    assert load_configuration(str(file)).text == text


# what the schema refuses


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        (["sesion: x"], "sesion: is not known; did you mean sessions?"),
        (
            ["zzz: x"],
            "zzz: is not known; known here: installation, administrations, unregistered, drives,"
            " state, sets, copy_documents, packages, brake, chosen, drill, references, report,"
            " mail, sessions",
        ),
        (["1: x"], "1: is not known; known here: installation,"),
        (["sets: {all: {selct: all}}"], "sets.all.selct: is not known; did you mean select?"),
        (["sets: {a: {}}"], "sets.a: must hold folders (of program, system, extra), or select"),
        (
            ["sets: {a: {folders: [program], from: '02:00', until: '02:00'}}"],
            "sets.a.until: is the same time as from; leave out both",
        ),
        (
            ["sets: {a: {folders: [program], from: '02:00'}}"],
            "sets.a: must hold folders (of program, system, extra), or select (administrations), or"
            " both; and from only together with until",
        ),
        (
            ["sets: {a: {folders: [program], from: 22:00, until: '06:00'}}"],
            "sets.a.from: must be text; YAML takes it for something else unless it stands in",
        ),
        (
            ["sets: {a: {folders: [program], from: '24:00', until: '06:00'}}"],
            "sets.a.from: '24:00' cannot be used: it must be a time from '00:00' to '23:59'",
        ),
        (
            ["sets: {a: {folders: [program], interval: 0d}}"],
            "sets.a.interval: '0d' cannot be used: it must be a number above 0",
        ),
        (
            ["sets: {chosen: {folders: [program]}}"],
            "sets.chosen: is the name of what 'avplugin backup --administration' makes",
        ),
        (["sets:"], "sets: is empty; it must be a group of settings"),
        (["sets: {}"], "sets: is empty"),
        (["sets: {a: }"], "sets.a: is empty; it must be a group of settings"),
        (["sets: {a: {folders: []}}"], "sets.a.folders: is empty"),
        (["sets: {a: {folders: program}}"], "sets.a.folders: must be a list"),
        (["sets: {a: {folders: [extra, extra]}}"], "sets.a.folders: says something twice"),
        (
            ["sets: {a: {folders: [systm]}}"],
            "sets.a.folders[0]: 'systm' cannot be used: it must be program, system or extra",
        ),
        (["sets: {a: {folders: [program], select: []}}"], "sets.a.select: is empty"),
        (
            ["sets: {a: {folders: [program], select: BAKKER26}}"],
            "sets.a.select: 'BAKKER26' cannot be used: it must be all, or a list of codes and",
        ),
        (["sets: {a: {folders: [program], select: [26]}}"], f"sets.a.select[0]: {QUOTES}"),
        (
            ["sets: {a: {folders: [program], only_changed: 1}}"],
            "sets.a.only_changed: must be true or false",
        ),
        (
            ["sets: {Nightly: {folders: [program]}}"],
            "sets.Nightly: 'Nightly' cannot be used: it must be small letters, digits",
        ),
        (['sets: {"a\\n": {folders: [program]}}'], "sets.a\\n: 'a\\n' cannot be used: "),
        (["sets: {../a: {folders: [program]}}"], "sets.../a: '../a' cannot be used: "),
        (["sets: {26: {folders: [program]}}"], f"sets.26: {QUOTES}"),
        (
            ["sets: {a: {select: all}}"],
            "sets: none of them holds the program, system and extra folders",
        ),
        (
            ["brake: {percent: 0}"],
            "brake.percent: '0' cannot be used: it must be a percentage, from",
        ),
        (["brake: {percent: 10%}"], "brake.percent: must be a whole number"),
        (["brake: {least: 0}"], "brake.least: '0' cannot be used: it must be at least 1"),
        (["copy_documents: {bakup: true}"], "copy_documents.bakup: is not known; did you mean b"),
        (["copy_documents: {backup: 'yes'}"], "copy_documents.backup: must be true or false"),
        (
            ["copy_documents: {administrations: {26: {backup: false}}}"],
            f"copy_documents.administrations.26: {QUOTES}",
        ),
        (
            ["copy_documents: {administrations: {A: {}}}"],
            "copy_documents.administrations.A: is empty",
        ),
        (["drives: [a]"], "drives: must be a group of settings"),
        ([r"drives: {'F:\': srv}"], "drives.F:\\: 'srv' cannot be used: it must be a path from /"),
        ([r"drives: {'F:\': }"], "drives.F:\\: is empty; it must be text"),
        (["drives: {5: /srv}"], f"drives.5: {QUOTES}"),
        (["drives: {/srv: /srv}"], f"drives./srv: not a Windows path: /srv {NO_DRIVE}"),
        (["drives: {F: /srv}"], f"drives.F: not a Windows path: F {NO_DRIVE}"),
        ([r"drives: {'F:\..\a': /srv}"], rf"drives.F:\..\a: goes up with ..: F:\..\a {NO_DRIVE}"),
        (
            [r"drives: {'F:\': /a, 'f:/': /b}"],
            r"drives.f:/: f:/ and F:\ are the same folder (remove one)",
        ),
        (["state: var/lib"], f"state: 'var/lib' cannot be used: {STATE}"),
        (["state: /var/*"], f"state: '/var/*' cannot be used: {STATE}"),
        (["state: '/var/[av]'"], f"state: '/var/[av]' cannot be used: {STATE}"),
        (["state: /var/a b"], f"state: '/var/a b' cannot be used: {STATE}"),
        (["state: /var/./av"], f"state: '/var/./av' cannot be used: {STATE}"),
        (["state: /var/../av"], f"state: '/var/../av' cannot be used: {STATE}"),
        (["drill: {every: 0d}"], "drill.every: '0d' cannot be used: it must be a number above 0"),
        (["drill: {sample: -1}"], "drill.sample: '-1' cannot be used: it must be 0 or more"),
        (["drill: {sample: all}"], "drill.sample: must be a whole number"),
        (["drill: {folder: scratch}"], "drill.folder: 'scratch' cannot be used: it must be a path"),
        (["drill: {often: 1d}"], "drill.often: is not known; known here: every, sample, folder"),
        (['state: "/var/av\\n"'], f"state: '/var/av\\n' cannot be used: {STATE}"),
        (["state: /"], f"state: '/' cannot be used: {STATE}"),
        (["state: ~"], "state: is empty; it must be text"),
    ],
)
def test_a_fault_is_told_in_one_line_with_its_key(file: Path, lines: list[str], fault: str) -> None:
    [said] = faults(file, *lines)

    assert said.startswith(fault)


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ("{regster: {file: a, code: b, folder: c}}", ".regster: is not known; did you mean regi"),
        ("{folder: /srv/admins/*}", f": {ENTRY}"),
        ("{code: A}", f": {ENTRY}"),
        ("{name: A}", f": {ENTRY}"),
        ("{}", f": {ENTRY}"),
        ("{folders: /srv/*, code: A}", f": {ENTRY}"),
        ("{folders: /srv/*, register: {file: a, code: b, folder: c}}", f": {ENTRY}"),
        ("{register: {file: a, code: b, folder: c}, name: A}", f": {ENTRY}"),
        ("{code: A, foldr: /srv/a}", ".foldr: is not known; did you mean folder?"),
        ("/srv/a", ": must be a group of settings"),
        ("", ": is empty; it must be a group of settings"),
        ("{code: 26, folder: /srv/a}", f".code: {QUOTES}"),
        ("{code: 2026-01-01, folder: /srv/a}", f".code: {QUOTES}"),
        ("{code: no, folder: /srv/a}", f".code: {QUOTES}"),
        ("{code: , folder: /srv/a}", ".code: is empty; it must be text"),
        ("{code: '', folder: /srv/a}", ".code: is empty"),
        ("{code: A, folder: srv/a}", f".folder: 'srv/a' cannot be used: {FOLDER}"),
        (r"{code: A, folder: 'F:admins'}", f".folder: 'F:admins' cannot be used: {FOLDER}"),
        (r'{code: A, folder: "F:\\new\nadmins"}', r".folder: 'F:\new\nadmins' cannot be used: "),
        ("{code: A, folder: ''}", f".folder: '' cannot be used: {FOLDER}"),
        ("{folders: '*'}", f".folders: '*' cannot be used: {FOLDER}"),
        ("{code: A, folder: /a, copy_documents: /b}", ".copy_documents: must be a list"),
        ("{code: A, folder: /a, copy_documents: [b]}", ".copy_documents[0]: 'b' cannot be used: "),
        ("{register: a.dbf}", ".register: must be a group of settings"),
        ("{register: {file: a, code: b}}", ".register.folder: is missing"),
        ("{register: {fil: a, code: b, folder: c}}", ".register.fil: is not known; did you mean f"),
        ("{register: {file: 3, code: b, folder: c}}", f".register.file: {QUOTES}"),
        ("{register: {file: '', code: b, folder: c}}", ".register.file: '' cannot be used: it mus"),
        ("{register: {file: a, code: '', folder: c}}", ".register.code: is empty"),
    ],
)
def test_a_fault_of_an_administrations_entry_is_told_in_one_line(
    file: Path, entry: str, fault: str
) -> None:
    [said] = faults(file, administrations=f"administrations:\n  - {entry}")

    assert said.startswith(f"administrations[0]{fault}")


@pytest.mark.parametrize("name", ["a b", "-a", "a-", "à", "a/b", "a.b", "{now}", "a\\n", ""])
def test_an_installation_name_that_borg_or_a_pattern_could_misread_is_refused(
    file: Path, name: str
) -> None:
    [said] = faults(file, installation=f'installation: {{name: "{name}", program: /p, system: /s}}')

    assert said.startswith(
        f"installation.name: '{name}' cannot be used: it must be letters, digits"
    )


@pytest.mark.parametrize("name", ["a", "AccountView_2", "1-2"])
def test_an_installation_name_of_letters_and_digits_is_fine(file: Path, name: str) -> None:
    installation = f"installation: {{name: '{name}', program: /p, system: /s}}"

    assert load(file, installation=installation).installation_name == name


@pytest.mark.parametrize("value", ["false", "1", "'true'", "null", "never"])
def test_nobody_is_only_assumed_where_true_says_so(file: Path, value: str) -> None:
    [said] = faults(file, sessions=f"sessions: {{assume_nobody: {value}}}")

    assert said.startswith("sessions.assume_nobody: ")
    assert "cannot be used: it must be true; without it, probes say how" in said


def test_leaving_sessions_out_is_an_error_that_says_why(file: Path) -> None:
    [said] = faults(file, sessions="")

    assert said.startswith("sessions: is missing: a copy of tables that somebody has open is worth")
    assert "Write 'sessions: {assume_nobody: true}'" in said


def test_all_faults_of_a_file_are_told_at_once(file: Path) -> None:
    said = faults(
        file,
        "stat: /var",
        "drives: {srv: /srv}",
        "sets: {a: {select: all}}",
        installation="installation: {name: a b, programm: /p, system: s}",
        administrations="administrations: [{code: 3, folder: x}, {regster: 1}]",
        sessions="",
    )

    assert [line.split(": ")[0] for line in said] == [
        "administrations[0].code",
        "administrations[0].folder",
        "administrations[1].regster",
        "installation.name",
        "installation.programm",
        "installation.system",
        "sessions",
        "stat",
        "drives.srv",
        "sets",
    ]


# what it means


def test_what_may_be_left_out_has_a_default(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    configuration = load(file)

    assert configuration.state == default_state_folder()
    assert configuration.drives == {}
    assert configuration.extra == ()
    assert configuration.backs_up_copy_documents("A")
    assert configuration.exports_copy_documents("A")
    assert configuration.packages == PackageSettings()
    assert list(configuration.sets) == ["system", "administrations"]
    assert configuration.sets["system"].folders == ("program", "system", "extra")
    assert not configuration.sets["system"].selects("A")
    assert configuration.sets["administrations"].selects("A")
    assert configuration.sets["administrations"].only_changed
    assert configuration.drill == DrillSettings(every=14 * 86400, sample=3, folder=None)


def test_copy_documents_can_come_along_in_the_one_and_not_in_the_other(file: Path) -> None:
    configuration = load(
        file,
        "copy_documents: {export: false, administrations: {a: {export: true}, B: {backup: false}}}",
    )

    assert configuration.exports_copy_documents("A")
    assert not configuration.exports_copy_documents("B")
    assert configuration.backs_up_copy_documents("A")
    assert not configuration.backs_up_copy_documents("b")


def test_the_password_of_packages_comes_from_a_file_or_a_variable(file: Path) -> None:
    assert load(file, "packages: {password_file: pw}").packages.password_file == file.parent / "pw"
    assert load(file, "packages: {password_variable: PW}").packages.password_variable == "PW"
    [said] = faults(file, "packages: {password_variable: PW, password_file: pw}")
    assert said.endswith("it must hold password_file or password_variable, not both")
    [said] = faults(file, "packages: {password: geheim}")
    assert said.startswith("packages.password: is not known; did you mean password_")


def test_a_drill_can_be_as_rare_and_as_large_as_one_likes(file: Path) -> None:
    configuration = load(file, "drill: {every: 1d, sample: 0, folder: /mnt/scratch}")

    assert configuration.drill == DrillSettings(86400, 0, Path("/mnt/scratch"))
    assert configuration.brake == BrakeLimits(percent=10, least=3)
    assert load(file, "brake: {least: 5}").brake == BrakeLimits(percent=10, least=5)
    assert str(configuration.sets["system"].borgmatic) == "/etc/borgmatic.d/accountview-system.yaml"


def test_relative_files_start_at_the_folder_of_the_configuration(file: Path) -> None:
    configuration = load(
        file,
        "sets: {all: {folders: [program], select: all, borgmatic: borg.yaml}}",
        administrations="administrations: [{register: {file: a.dbf, code: A, folder: B}}]",
    )

    assert configuration.administrations == (
        Register(str(file.parent / "a.dbf"), "A", None, "B", None),
    )
    assert configuration.sets["all"].borgmatic == file.parent / "borg.yaml"


def test_sources_keep_their_order_and_their_windows_paths(file: Path) -> None:
    configuration = load(
        file,
        administrations=r"""
administrations:
  - {code: A, folder: 'F:\a', copy_documents: ['G:\a', /srv/a]}
  - folders: 'F:\*'
  - register: {file: 'F:\a.csv', code: C, name: N, folder: F, copy_documents: D}
""",
    )

    assert configuration.administrations == (
        Explicit("A", "A", "F:\\a", ("G:\\a", "/srv/a")),
        FolderGlob("F:\\*"),
        Register("F:\\a.csv", "C", "N", "F", "D"),
    )


def test_select_takes_codes_and_patterns_without_regard_to_case(file: Path) -> None:
    part = load(
        file, "sets: {a: {folders: [program], select: [bakker26, 'V*', 'Klant [12]']}}"
    ).sets["a"]

    assert [part.selects(code) for code in ("BAKKER26", "vries", "Klant [12]", "KLANT 1")] == [
        True
    ] * 4
    assert not part.selects("BAKKER25")


def test_copy_documents_of_one_administration_can_differ(file: Path) -> None:
    configuration = load(
        file,
        "copy_documents: {backup: false, administrations: {bakker26: {backup: true}}}",
    )

    assert configuration.backs_up_copy_documents("BAKKER26")
    assert not configuration.backs_up_copy_documents("BAKKER25")


def test_a_set_that_is_not_there_is_a_wrong_use_that_names_those_there_are(file: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no set nightly in .*; there are system, admin"):
        load(file).backup_set("nightly")


# the schema and the file that users copy


def described(schema: Any, key: str = "") -> Iterator[tuple[str, bool]]:
    """Yield every property of the schema with whether it is described."""
    if isinstance(schema, dict):
        for name, part in schema.get("properties", {}).items():
            yield f"{key}.{name}", bool(part.get("description", "").strip())
            yield from described(part, f"{key}.{name}")
        for name in ("items", "additionalProperties"):
            yield from described(schema.get(name), f"{key}[]")


def test_the_schema_is_one_and_describes_every_property() -> None:
    schema = load_schema()
    jsonschema.Draft202012Validator.check_schema(schema)

    properties = dict(described(schema))

    assert len(properties) > 25
    assert [key for key, is_described in properties.items() if not is_described] == []


def test_the_shipped_configuration_is_right_and_shows_every_top_level_key() -> None:
    file = shipped_folder("configs") / "accountview.yaml"

    configuration = load_configuration(str(file))

    assert configuration.installation_name == "accountview"
    assert yaml.safe_load(file.read_text()).keys() == load_schema()["properties"].keys()


# what is kept


def test_what_is_kept_is_said_for_each_set_and_has_defaults(file: Path) -> None:
    system = "folders: [program, system, extra]"
    sets = load(
        file,
        f"sets: {{a: {{{system}}}, b: {{select: all, keep_versions: 3, keep_retired: 10y}}}}",
    ).sets

    assert (sets["a"].keep_versions, sets["a"].keep_retired) == (1, 7 * 366 * 86400)
    assert (sets["b"].keep_versions, sets["b"].keep_retired) == (3, 10 * 366 * 86400)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("keep_versions: 0", "sets.a.keep_versions: '0' cannot be used: it must be at least 1"),
        ("keep_versions: many", "sets.a.keep_versions: must be a whole number"),
        ("keep_versions: true", "sets.a.keep_versions: must be a whole number"),
        ("keep_retired: 0y", "sets.a.keep_retired: '0y' cannot be used: it must be a number above"),
        ("keep_retired: 7", "sets.a.keep_retired: must be text"),
        ("keep_retired: 7j", "sets.a.keep_retired: '7j' cannot be used"),
        ("overdue_after: 1y", "sets.a.overdue_after: '1y' cannot be used"),
    ],
)
def test_what_cannot_be_kept_is_refused(file: Path, line: str, fault: str) -> None:
    [said] = faults(file, f"sets: {{a: {{folders: [program, system, extra], {line}}}}}")

    assert said.startswith(fault)
