"""The world the tests live in: an office, its configuration, and a repository, all real."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import stat
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from avplugin.demo.office import generate_office
from avplugin.demo.story import install_configuration
from avplugin.demo.working_day import play_working_day

COMMANDS = Path(sys.executable).parent

# A Visual FoxPro table with one field and no records.
TABLE = (
    struct.pack("<B3sIHH16xBB2x", 0x30, b"\x1a\x0b\x16", 0, 328, 11, 0, 3)
    + struct.pack("<11scIB15x", b"CODE", b"C", 1, 10)
    + b"\r"
    + bytes(263)
)


class World:
    """An AccountView office below one folder, with configs/ as shipped, and what a user can run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.office = folder / "office"
        self.administrations = self.office / "Administraties"
        self.configuration = folder / "etc" / "accountview.yaml"
        self.state = folder / "state"
        self.repository = folder / "accountview.borg"
        self.environment = {
            "PATH": f"{COMMANDS}:{os.environ['PATH']}",
            "HOME": str(folder / "home"),
            "LANG": "C.UTF-8",
            # borgmatic's temporary files: with its bootstrap hook on, it removes those of every
            # other borgmatic that it finds there.
            "TMPDIR": str(folder / "tmp"),
            "AVPLUGIN_CONFIG": str(self.configuration),
            "BORG_BASE_DIR": str(folder / "borg"),
            # Half of the time that Borg takes to start: its test of itself, and pytest for that.
            "BORG_SELFTEST": "disabled",
            "PYTHONPATH": str(Path(__file__).with_name("stand_ins") / "no_pytest"),
        }

    def borgmatic_file(self, set_name: str = "administrations") -> Path:
        """Return borgmatic's configuration of a set."""
        return self.folder / "etc" / "borgmatic.d" / f"accountview-{set_name}.yaml"

    def run(self, *words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command as the user would; nothing is checked."""
        return subprocess.run(
            [str(word) for word in words],
            env={**self.environment, **environment},
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def borgmatic(
        self, *words: str, set_name: str = "administrations", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run borgmatic with the configuration of one set."""
        return self.run(
            "borgmatic", "--config", self.borgmatic_file(set_name), *words, **environment
        )

    def start_borgmatic(
        self, *words: str, set_name: str = "administrations", **environment: str
    ) -> subprocess.Popen[str]:
        """Start borgmatic as the leader of a process group and do not wait for it."""
        return subprocess.Popen(
            ["borgmatic", "--config", str(self.borgmatic_file(set_name)), *words],
            env={**self.environment, **environment},
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def start_avplugin(self, *words: str | Path) -> subprocess.Popen[str]:
        """Start avplugin in a process group of its own, as a shell does."""
        return subprocess.Popen(
            [str(COMMANDS / "avplugin"), *(str(word) for word in words)],
            env=self.environment,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        )

    def avplugin(self, *words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run avplugin."""
        return self.run("avplugin", *words, **environment)

    def avplugin_json(self, *words: str | Path) -> Any:
        """Run avplugin --json, which must succeed, and return its answer."""
        done = self.avplugin("--json", *words)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def borg(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """Run Borg itself, with the repository's passphrase."""
        passphrase = (self.folder / "etc" / "passphrase").read_text().strip()
        return self.run("borg", *words, BORG_PASSPHRASE=passphrase)

    def archives(self, repository: Path | None = None) -> list[str]:
        """Return the names of all archives, checkpoints included, oldest first."""
        done = self.borg("list", "--short", "--consider-checkpoints", repository or self.repository)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    def edit(self, file: Path, change: Callable[[Any], None]) -> None:
        """Change a YAML file that has no includes."""
        document = yaml.safe_load(file.read_text())
        change(document)
        file.write_text(yaml.safe_dump(document, allow_unicode=True))

    def configure(self, **settings: Any) -> None:
        """Set keys of accountview.yaml; None removes one."""

        def change(document: Any) -> None:
            for key, value in settings.items():
                if value is None:
                    document.pop(key, None)
                else:
                    document[key] = value

        self.edit(self.configuration, change)

    def configure_borgmatic(self, text: str, set_name: str = "administrations") -> None:
        """Add lines to borgmatic's configuration of one set; a key may stand in it only once."""
        with self.borgmatic_file(set_name).open("a") as file:
            file.write(f"\n{text}\n")

    def keep(self, **rules: int | str) -> None:
        """Have borgmatic prune by these rules, such as daily=1, and no others."""
        file = self.folder / "etc" / "borgmatic.d" / "include" / "accountview.yaml"
        lines = [line for line in file.read_text().splitlines() if not line.startswith("keep_")]
        lines += [f"keep_{name}: {value}" for name, value in rules.items()]
        file.write_text("\n".join(lines) + "\n")

    def add_hook(
        self, hook: str, set_name: str = "administrations", *, first: bool = False
    ) -> None:
        """Add one of borgmatic's command hooks, a YAML list item, before or behind avplugin's."""
        file = self.borgmatic_file(set_name)
        text = file.read_text()
        head, tail = text.split("commands:\n")
        hook = "".join(f"    {line}\n" for line in hook.strip().splitlines())
        file.write_text(
            f"{head}commands:\n{hook}{tail}" if first else f"{head}commands:\n{tail}{hook}"
        )

    def working_day(self, seed: int = 1) -> None:
        """Let people work for a day."""
        play_working_day(self.office, seed=seed)


def without_privileges() -> list[str]:
    """Return what to put before a command so that the mode of a file binds it, also for root."""
    if os.geteuid() != 0:
        return []
    rights = "-dac_override,-dac_read_search"
    return ["setpriv", f"--bounding-set={rights}", f"--inh-caps={rights}"]


def group_has_ended(group: int) -> bool:
    """Wait until no process of a group is left; those whose parents are gone are reaped here."""
    for _ in range(2000):
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-group, os.WNOHANG)[0]:
                pass
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.005)
    return False


def until(condition: Callable[[], object]) -> None:
    """Wait until something is so; fail after a minute."""
    for _ in range(600):
        if condition():
            return
        time.sleep(0.1)
    pytest.fail("it did not come to that within a minute")


@pytest.fixture
def adopting() -> Iterator[None]:
    """Processes that lose their parent become this one's children: see adopted()."""
    with adopted():
        yield


@contextlib.contextmanager
def adopted() -> Iterator[None]:
    """Processes that lose their parent become this one's children, for group_has_ended to reap.

    The first process of a machine may take seconds to notice that one has ended.
    """
    prctl, set_child_subreaper = ctypes.CDLL(None).prctl, 36  # prctl(2)
    prctl(set_child_subreaper, 1, 0, 0, 0)
    yield
    prctl(set_child_subreaper, 0, 0, 0, 0)


@pytest.fixture
def amsterdam(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The computer's clock is that of Amsterdam."""
    monkeypatch.setenv("TZ", "Europe/Amsterdam")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


# Borg that makes its key out of the passphrase in one round instead of 100,000: each of the tests'
# thousands of Borgs would take 0.03 s for it.
_INIT = """
import borg.constants
borg.constants.PBKDF2_ITERATIONS = 1
from borg.archiver import main
main()
"""


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An office with an empty repository, to be copied: making the repository takes seconds."""
    folder = tmp_path_factory.mktemp("template") / "world"
    (folder / "tmp").mkdir(parents=True)
    world = World(folder)
    generate_office(world.office, administrations=6, size=100_000)
    install_configuration(folder)
    passphrase = (folder / "etc" / "passphrase").read_text().strip()
    done = world.run(
        *(sys.executable, "-c", _INIT, "init", "--encryption", "repokey-blake2"),
        world.repository,
        BORG_PASSPHRASE=passphrase,
    )
    assert done.returncode == 0, done.stderr
    shutil.rmtree(folder / "borg")
    return folder


@pytest.fixture
def world(template: Path, tmp_path: Path) -> World:
    """A fresh office with configs/ as shipped and an empty repository."""
    return make_world(template, tmp_path / "world")


def make_world(template: Path, folder: Path) -> World:
    """Return a copy of the template world at `folder`, for fixtures that live longer."""
    shutil.copytree(template, folder, symlinks=True)
    for file in (folder / "etc").rglob("*.yaml"):
        file.write_text(file.read_text().replace(str(template), str(folder)))
    return World(folder)


def tree(folder: Path) -> dict[bytes, tuple[object, ...]]:
    """Return all that a folder is: of each path, itself included, type, mode, time and contents.

    Names of one file (hard links) show as such. A missing folder is an empty answer.
    """
    found: dict[bytes, tuple[object, ...]] = {}
    names: dict[int, list[bytes]] = {}
    root = os.fsencode(folder)
    pending = [root] if os.path.lexists(root) else []
    while pending:
        path = pending.pop()
        status = os.lstat(path)
        contents: object = None
        if stat.S_ISDIR(status.st_mode):
            pending += [entry.path for entry in os.scandir(path)]
        elif stat.S_ISLNK(status.st_mode):
            contents = Path(os.fsdecode(path)).readlink()
        else:
            contents = Path(os.fsdecode(path)).read_bytes()
            names.setdefault(status.st_ino, []).append(path[len(root) :])
        same = names.get(status.st_ino)
        found[path[len(root) :]] = (oct(status.st_mode), status.st_mtime_ns, contents, same)
    for same in names.values():
        same.sort()
    return found
