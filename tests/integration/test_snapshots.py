"""What avplugin snapshots says there is, out of real repositories."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import COMMANDS, World, make_world
from terminal import Terminal

KILLED = "its run ended before the proof"


@pytest.fixture(scope="module")
def history(template: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Two clean nights, one in which a table changed while it was copied, and a killed one.

    BAKKER26 is another one each night but the last; the others stay as they are. Tests leave the
    repository as it is.
    """
    world = make_world(template, tmp_path_factory.mktemp("snapshots") / "world")
    table = world.administrations / "BAKKER26" / "GROOTBOEK.DBF"
    borgmatic = world.borgmatic_file()
    as_shipped = borgmatic.read_text()
    both = ["borgmatic", "--config", str(world.borgmatic_file("system"))]
    done = world.run(*both, "--config", borgmatic, "create")
    assert done.returncode == 0, done.stderr
    table.write_bytes(table.read_bytes() + b"2")
    done = world.borgmatic("create")
    assert done.returncode == 0, done.stderr
    table.write_bytes(table.read_bytes() + b"3")
    modified = table.stat().st_mtime_ns
    hook = '- after: action\n  when: [create]\n  states: [finish]\n  run: ["{}"]'
    world.add_hook(hook.format(f"printf X >> '{table}'"), first=True)
    assert world.borgmatic("create").returncode == 1
    table.write_bytes(table.read_bytes()[:-1])
    os.utime(table, ns=(modified, modified))
    borgmatic.write_text(as_shipped)
    world.add_hook(hook.format("kill -9 $PPID"), first=True)
    world.borgmatic("create")
    borgmatic.write_text(as_shipped)
    assert [name.endswith(".unverified") for name in world.archives()] == [
        *(False, False, False),
        *(True, True),
    ]
    return world


def passphrase(world: World) -> str:
    return (world.folder / "etc" / "passphrase").read_text().strip()


def elsewhere(
    *words: str | Path, home: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run avplugin on a machine that knows nothing: another home, no configuration, bare PATH."""
    home.mkdir(exist_ok=True)
    return subprocess.run(
        [COMMANDS / "avplugin", *words],
        env={"PATH": "/usr/bin:/bin", "HOME": str(home), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_of_a_folder_each_distinct_version_is_one_line_newest_first(history: World) -> None:
    names = [name for name in history.archives() if "-administrations-" in name]

    done = history.avplugin("snapshots", "bakker26")
    title, head, *lines = done.stdout.splitlines()

    assert done.returncode == 0, done.stderr
    assert title == "BAKKER26 (Bakkerij Van Dijk 2026): distinct versions, newest first"
    assert head.split() == [
        *("Taken", "Size", "Files", "Tables", "Archives", "Proven", "State"),
        *("Repository", "Archive"),
    ]
    *lines, why = lines
    assert [line.split()[-1] for line in lines] == [names[3], names[1], names[0]]
    assert " not clean " in lines[0]
    assert why == f"{names[3]}: not clean: {KILLED}"
    assert all(" clean " in line and "not clean" not in line for line in lines[1:])
    assert all(" kB " in line and line.split()[-2] == "local" for line in lines)


def test_a_version_that_a_clean_archive_holds_is_clean_whatever_else_holds_it(
    history: World,
) -> None:
    names = history.archives()
    newest_clean = next(name for name in reversed(names) if not name.endswith(".unverified"))

    [version] = history.avplugin_json("snapshots", "KLANT2")

    assert version["clean"] is True
    assert version["reason"] == ""
    assert version["archive"] == newest_clean
    assert version["archives"] == 4


def test_all_snapshots_are_listed_with_why_they_are_not_clean(history: World) -> None:
    done = history.avplugin("snapshots")
    lines = done.stdout.splitlines()[1:]

    assert done.returncode == 0, done.stderr
    assert [line.split()[-1] for line in lines[:5]] == [*reversed(history.archives())]
    assert [" not clean " in line for line in lines[:5]] == [True, True, False, False, False]
    assert all(" local " in line for line in lines[:5])
    assert lines[5:] == [
        f"{history.archives()[-1]}: not clean: {KILLED}",
        f"{history.archives()[-2]}: not clean: BAKKER26 changed while it was copied: GROOTBOEK.DBF",
    ]


def test_the_system_folder_has_versions_too(history: World) -> None:
    [version] = history.avplugin_json("snapshots", "system")

    assert set(version) == {
        *("label", "name", "time", "first", "archive", "archives", "repository", "clean"),
        *("reason", "bytes", "files", "tables", "sessions", "table_health", "damaged"),
        *("fingerprint", "proven", "failure"),
    }
    assert version["label"] == "system"
    assert version["tables"] == 4
    assert version["time"] == version["first"]


def test_json_has_what_every_snapshot_holds(history: World) -> None:
    newest, *_, oldest = history.avplugin_json("snapshots")

    assert set(newest) == {
        *("archive", "id", "time", "series", "repository", "clean", "reason", "sessions"),
        *("accountview_version", "folders", "left_out"),
    }
    assert (newest["clean"], newest["reason"]) == (False, KILLED)
    assert (oldest["clean"], oldest["reason"]) == (True, "")
    assert [part["label"] for part in oldest["folders"]] == ["extra:Layouts", "program", "system"]
    assert set(oldest["folders"][0]) == {
        *("label", "kind", "code", "name", "bytes", "files", "tables", "sessions"),
        *("table_health", "damaged", "proven", "failure"),
    }


def test_the_catalogue_can_be_deleted_any_time(history: World) -> None:
    before = history.avplugin("snapshots").stdout
    for file in history.state.glob("catalogue.sqlite*"):
        file.unlink()

    assert history.avplugin("snapshots").stdout == before
    (history.state / "catalogue.sqlite").write_bytes(b"nonsense" * 1000)
    assert history.avplugin("snapshots").stdout == before


def test_what_no_snapshot_holds_is_an_error_in_two_lines(history: World) -> None:
    done = history.avplugin("snapshots", "NIEMAND")

    assert done.returncode == 1
    assert done.stderr.startswith("avplugin: no snapshot holds NIEMAND.\n")
    assert len(done.stderr.splitlines()) == 2


def test_a_repository_out_of_reach_is_warned_about_and_the_other_one_listed(
    history: World,
) -> None:
    include = history.folder / "etc" / "borgmatic.d" / "include" / "accountview.yaml"
    as_shipped = include.read_text()
    away = history.folder / "away.borg"
    include.write_text(
        as_shipped.replace(
            "repositories:\n", f"repositories:\n    - path: {away}\n      label: away\n"
        )
    )
    try:
        both = history.avplugin("snapshots")
        one = history.avplugin("snapshots", "--repository", "local")
        other = history.avplugin("snapshots", "--repository", "away")
    finally:
        include.write_text(as_shipped)

    assert both.returncode == 0
    assert len(both.stdout.splitlines()) == 8
    assert both.stderr == f"warning: the repository {away} does not exist.\n"
    assert (one.returncode, one.stdout, one.stderr) == (0, both.stdout, "")
    assert other.returncode == 1
    assert other.stdout == ""
    assert f"the repository {away} does not exist" in other.stderr


# On a machine that knows nothing


def test_a_new_machine_lists_the_same_with_the_repository_and_its_passphrase_only(
    history: World, tmp_path: Path
) -> None:
    done = elsewhere(
        *("--json", "snapshots", "BAKKER26", "--repository", history.repository),
        home=tmp_path / "home",
        BORG_PASSPHRASE=passphrase(history),
    )
    here = history.avplugin("--json", "snapshots", "BAKKER26").stdout

    assert done.returncode == 0, done.stderr
    assert done.stdout.replace(str(history.repository), "local").splitlines() == [
        line.replace("BAKKER26 changed while it was copied: GROOTBOEK.DBF", KILLED)
        for line in here.splitlines()
    ]


def test_in_a_terminal_the_passphrase_is_asked_for_and_not_shown(
    history: World, tmp_path: Path
) -> None:
    environment = {
        "AVPLUGIN_CONFIG": "",
        "HOME": str(tmp_path),
        "BORG_BASE_DIR": str(tmp_path / "borg"),
    }
    words = ("avplugin", "snapshots", "KLANT2", "--repository", history.repository)
    outcomes = []
    for answer in (passphrase(history), "wrong", ""):
        terminal = Terminal(history, *words, **environment)
        terminal.read_until(f"Passphrase of {history.repository}: ")
        terminal.type(f"{answer}\n")
        outcomes.append((terminal.end(), terminal.shown))

    right, wrong, nothing = outcomes
    assert right[0] == 0, right[1]
    assert passphrase(history) not in right[1]
    assert "distinct versions, newest first" in right[1]
    assert wrong[0] == 1
    assert nothing[0] == 1
    assert "wants another passphrase" in wrong[1]
    assert "wants another passphrase" in nothing[1]


def test_where_nobody_can_be_asked_a_missing_passphrase_is_an_error(
    history: World, tmp_path: Path
) -> None:
    done = elsewhere("snapshots", "--repository", history.repository, home=tmp_path / "home")

    assert done.returncode == 1
    assert "wants another passphrase" in done.stderr
    assert "BORG_PASSPHRASE" in done.stderr


def test_archives_that_avplugin_did_not_make_are_never_called_clean(
    history: World, tmp_path: Path
) -> None:
    repository = tmp_path / "other.borg"
    shutil.copytree(history.repository, repository)
    home = tmp_path / "home"
    forged = tmp_path / "avplugin" / "20260101T000000Z-1" / "run.json"
    forged.parent.mkdir(parents=True)
    forged.write_text('{"avplugin_manifest": 1, "type": "run"')
    environment = {
        **{"PATH": history.environment["PATH"], "HOME": str(home)},
        "BORG_PASSPHRASE": passphrase(history),
    }
    for name in ("papers", "laptop-2030-01-01T00:00:00", "accountview-system-2030-01-01T00:00:00"):
        subprocess.run(
            ["borg", "create", f"{repository}::{name}", "avplugin"],
            cwd=tmp_path,
            env=environment,
            check=True,
            capture_output=True,
        )

    done = elsewhere("snapshots", "--repository", repository, home=home, **environment)
    lines = done.stdout.splitlines()[1:]

    assert done.returncode == 0, done.stderr
    assert "papers" not in done.stdout
    assert all(" not clean " in line for line in lines[:2])
    assert done.stdout.count("not clean: it holds no manifest of avplugin") == 2
    refused = elsewhere(
        *("restore", "--yes", "system", "--archive", "accountview-system-2030-01-01T00:00:00"),
        *("--repository", repository, "--new", tmp_path / "new"),
        home=home,
        **environment,
    )
    assert refused.returncode == 1
    assert not (tmp_path / "new").exists()


def test_an_empty_repository_is_no_error(world: World) -> None:
    done = world.avplugin("snapshots")

    assert done.returncode == 0
    assert done.stdout == "There are no snapshots yet: 'avplugin backup' makes one.\n"
    assert world.avplugin_json("snapshots") == []


def test_without_a_configuration_it_says_how_to_do_without(tmp_path: Path) -> None:
    assert not os.path.lexists("/etc/avplugin/accountview.yaml")

    for words in (["snapshots"], ["restore", "--yes", "BAKKER26", "--new", "x"]):
        done = elsewhere(*words, home=tmp_path / "home")
        assert done.returncode == 1
        assert "no configuration" in done.stderr
        assert "--repository URL" in done.stderr


def test_a_repository_that_is_not_there_is_named_on_a_new_machine_too(tmp_path: Path) -> None:
    done = elsewhere("snapshots", "--repository", tmp_path / "none", home=tmp_path / "home")

    assert done.returncode == 1
    assert f"the repository {tmp_path / 'none'} does not exist" in done.stderr
