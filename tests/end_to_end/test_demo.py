"""The demo, played as `./run demo` plays it, and the command that makes its office."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import COMMANDS, tree

from avplugin.shipped import shipped_folder


def run(*words: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command as a user without any configuration would."""
    return subprocess.run(
        [str(word) for word in words],
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder)},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )


def play(*words: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    return run(sys.executable, "-m", "avplugin.demo.story", *words, folder=folder)


def demo(*words: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    return run(COMMANDS / "avplugin", "demo", *words, folder=folder)


def test_the_story_ends_well_and_says_that_every_byte_was_compared(tmp_path: Path) -> None:
    stage = tmp_path / "my&demo"
    done = play("my&demo", folder=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("byte by byte") == 2
    assert f"AVPLUGIN_CONFIG='{stage}/etc/accountview.yaml'" in done.stdout
    assert {path.name for path in stage.iterdir()} >= {"office", "etc", "accountview.borg"}
    assert list(tmp_path.iterdir()) == [stage]
    shipped = shipped_folder("configs")
    used = [shipped / "accountview.yaml", *(shipped / "borgmatic.d").rglob("*.yaml")]
    assert len(used) == 4
    for file in used:
        ours = (stage / "etc" / file.relative_to(shipped)).read_text()
        ours = ours.replace(f"cat '{stage}/etc/passphrase'", "cat /etc/avplugin/passphrase")
        for place, mine in (
            ("/etc/borgmatic.d", "etc/borgmatic.d"),
            ("/etc/avplugin", "etc"),
            ("/srv/accountview", "office"),
            ("/var/lib/avplugin", "state"),
            ("/var/backups/accountview.borg", "accountview.borg"),
        ):
            ours = ours.replace(f"{stage}/{mine}/", f"{place}/")
            ours = ours.replace(f"{stage}/{mine}\n", f"{place}\n")
        assert ours == file.read_text(), f"{file} is not what the demo ran with"


def test_a_folder_that_holds_something_is_refused(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()

    full = play("full", folder=tmp_path)
    file = play("full/file", folder=tmp_path)

    assert (full.returncode, file.returncode) == (1, 1)
    assert full.stderr == f"avplugin demo: {tmp_path / 'full'} is not empty. Name another folder.\n"
    assert "cannot be used" in file.stderr
    assert "may have no blank" in play("my demo", folder=tmp_path).stderr
    assert not (tmp_path / "my demo").exists()
    assert play("--wrong", folder=tmp_path).returncode == 2


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    options = ("--administrations", "3", "--size", "60")
    for folder, seed in (("one", "5"), ("two", "5"), ("three", "6")):
        assert demo(folder, *options, "--seed", seed, folder=tmp_path).returncode == 0
    one, two, three = (tree(tmp_path / name) for name in ("one", "two", "three"))
    for made in (one, two):  # but for the register, which is as if exported just now
        kind, _, *rest = made[b"/administraties.dbf"]
        made[b"/administraties.dbf"] = (kind, 0, *rest)
    assert one == two
    assert one != three

    for folder in ("one", "two"):
        done = demo(folder, "--working-day", "--seed", "9", folder=tmp_path)
        assert done.returncode == 0, done.stderr
        assert "record" in done.stdout
    first, second = tree(tmp_path / "one"), tree(tmp_path / "two")
    assert {path: entry[2] for path, entry in first.items()} == {
        path: entry[2] for path, entry in second.items()
    }
    assert first != one


def test_its_options_say_how_large_the_office_is(tmp_path: Path) -> None:
    done = run(
        *(COMMANDS / "avplugin", "--json", "demo", "office"),
        *("--administrations", "3", "--size", "200", "--files", "40"),
        folder=tmp_path,
    )

    answer = json.loads(done.stdout)
    assert len(answer["administrations"]) == 3
    assert answer["files"] > 3 * 40
    assert answer["bytes"] > 3 * 150_000
    assert Path(answer["register"]).is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["office", "--administrations", "0"], "administrations"),
        (["office", "--files", "3"], "files"),
        (["office", "--files", "4000"], "files"),
        (["office", "--size", "0"], "size"),
        (["office", "--pack"], "--working-day"),
        (["full"], "full"),
        (["full/file"], "full/file"),
        (["full", "--working-day"], "full"),
        (["missing", "--working-day"], "missing"),
    ],
)
def test_what_cannot_be_made_is_told_in_a_line_or_two(
    tmp_path: Path, words: list[str], said: str
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    before = tree(tmp_path)

    done = demo(*words, folder=tmp_path)

    assert done.returncode in {1, 2}
    assert said in done.stderr.splitlines()[-1] + done.stderr.splitlines()[0]
    assert "Traceback" not in done.stderr
    assert tree(tmp_path) == before
