"""What `./run demo` shows: two nights of an office, a loss, and the proof that it is made good.

Every command it runs is printed first, as a user would type it. The configuration is configs/ as
shipped, with nothing but its folders changed to those of the demo.
"""

from __future__ import annotations

import filecmp
import os
import re
import secrets
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from avplugin.demo.office import Office, generate_office
from avplugin.errors import AvpluginError
from avplugin.shipped import shipped_folder

LOST = "BAKKER26"

# The folders that configs/ names, and where they are in the demo.
_PLACES = {
    "/etc/avplugin": "etc",
    "/etc/borgmatic.d": "etc/borgmatic.d",
    "/srv/accountview": "office",
    "/var/lib/avplugin": "state",
    "/var/backups/accountview.borg": "accountview.borg",
}


def install_configuration(folder: Path) -> Path:
    """Copy configs/ below `folder` with its folders changed; return accountview.yaml's path.

    A passphrase is made up and kept in a file that only this user can read.
    """
    target = folder / "etc"
    alternatives = shutil.ignore_patterns(
        *("sessions", "cron", "systemd", "task-scheduler")  # not for this folder
    )
    shutil.copytree(shipped_folder("configs"), target, ignore=alternatives)
    for file in [path for path in target.rglob("*") if path.is_file()]:
        text = file.read_text(encoding="utf-8")
        passphrase_file = shlex.quote(str(target / "passphrase"))
        text = text.replace("cat /etc/avplugin/passphrase", f"cat {passphrase_file}")
        for place, mine in _PLACES.items():
            text = text.replace(place, str(folder / mine))
        file.write_text(text, encoding="utf-8")
    passphrase = target / "passphrase"
    passphrase.touch(mode=0o600)
    passphrase.write_text(secrets.token_urlsafe(24) + "\n", encoding="ascii")
    return target / "accountview.yaml"


class Stage:
    """The demo's folder, and the environment its commands run in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.office = folder / "office"
        self.borgmatic = folder / "etc" / "borgmatic.d"
        own_commands = str(Path(sys.executable).parent)
        self.environment = {
            **os.environ,
            "PATH": os.pathsep.join([own_commands, os.environ.get("PATH", os.defpath)]),
            "AVPLUGIN_CONFIG": str(folder / "etc" / "accountview.yaml"),
            # Borg's cache and keys stay in the demo's folder too.
            "BORG_BASE_DIR": str(folder / "borg"),
        }
        for name in ("BORG_PASSPHRASE", "BORG_PASSCOMMAND", "BORG_PASSPHRASE_FD", "BORG_REPO"):
            self.environment.pop(name, None)

    def run(self, *words: str, quiet: bool = False) -> None:
        """Print a command and run it; raise AvpluginError unless it ends in 0."""
        print(f"\n$ {shlex.join(words)}", flush=True)
        done = subprocess.run(
            words, env=self.environment, check=False, capture_output=quiet, stdin=subprocess.DEVNULL
        )
        if done.returncode != 0:
            if quiet:
                sys.stderr.write(done.stderr.decode("utf-8", "replace"))
            raise AvpluginError(f"the demo ends here: that command ended in {done.returncode}.")


def tell(text: str) -> None:
    """Print what happens next."""
    print(f"\n== {text}", flush=True)


def play(folder: Path) -> None:
    """Play the whole story below `folder`; raise AvpluginError if anything is not as promised."""
    stage = Stage(folder)
    tell("An AccountView office: program, system tables, eight administrations, copy documents.")
    office = generate_office(stage.office)
    print(f"{stage.office}: {', '.join(part.code for part in office.administrations)}")
    install_configuration(folder)
    tell("An encrypted Borg repository, made once.")
    administrations = str(stage.borgmatic / "accountview-administrations.yaml")
    system = str(stage.borgmatic / "accountview-system.yaml")
    repository = ["repo-create", "--encryption", "repokey-blake2"]
    stage.run("borgmatic", "--config", administrations, *repository, quiet=True)
    tell("The first night: borgmatic, as cron starts it; avplugin's hooks do the rest.")
    stage.run("borgmatic", "--config", system, "--config", administrations, "create")
    tell("A working day: records changed and added, memos written, index pages rewritten.")
    stage.run("avplugin", "demo", str(stage.office), "--working-day", "--seed", "2")
    tell("The second night. The system set did not change; by hand this time, with progress.")
    stage.run("avplugin", "backup", "administrations")
    stage.run("avplugin", "snapshots")
    stage.run("avplugin", "snapshots", LOST)
    _lose_and_restore(stage, office)
    _restore_the_day_before(stage)


def _lose_and_restore(stage: Stage, office: Office) -> None:
    tell(f"The folder of {LOST} is lost.")
    lost = next(part for part in office.administrations if part.code == LOST)
    kept = stage.folder / "as-it-was"
    shutil.copytree(lost.folder, kept, symlinks=True)
    shutil.rmtree(lost.folder)
    print(f"{lost.folder} is gone.")
    stage.run("avplugin", "restore", "--yes", LOST, "--original")
    files = compare_trees(kept, lost.folder)
    tell(f"Compared {files} files byte by byte with a copy made before the loss: all the same.")


def _restore_the_day_before(stage: Stage) -> None:
    tell(f"{LOST} as it was before that day, beside the present one.")
    clean = _oldest_snapshot(stage)
    new = stage.folder / f"{LOST} before"
    stage.run("avplugin", "restore", "--yes", LOST, "--archive", clean, "--new", str(new))
    pristine = stage.folder / "pristine"
    office = generate_office(pristine)
    twin = next(part for part in office.administrations if part.code == LOST)
    files = compare_trees(twin.folder, new)
    tell(f"Compared {files} files byte by byte with the office as it was first made: all the same.")


def _oldest_snapshot(stage: Stage) -> str:
    import json  # noqa: PLC0415

    words = ["avplugin", "--json", "snapshots", LOST]
    answer = subprocess.run(words, env=stage.environment, check=True, capture_output=True).stdout
    versions = json.loads(answer)
    oldest: str = versions[-1]["archive"]
    return oldest


def compare_trees(one: Path, other: Path) -> int:
    """Compare two folders: names, bytes and modification times; return how many files there are.

    Raise AvpluginError that names the first difference.
    """
    names = sorted(str(path.relative_to(one)) for path in one.rglob("*"))
    if names != sorted(str(path.relative_to(other)) for path in other.rglob("*")):
        raise AvpluginError(f"{one} and {other} do not hold the same names.")
    files = [name for name in names if (one / name).is_file()]
    for name in files:
        left, right = one / name, other / name
        if not filecmp.cmp(left, right, shallow=False):
            raise AvpluginError(f"{left} and {right} differ.")
        if left.stat().st_mtime_ns != right.stat().st_mtime_ns:
            raise AvpluginError(f"{left} and {right} have different times.")
    return len(files)


def main() -> None:
    """Play the story in the folder named on the command line, or in a temporary one."""
    words = sys.argv[1:]
    if len(words) > 1 or any(word.startswith("-") for word in words):
        sys.stderr.write(
            "usage: ./run demo [DIR]\nDIR is kept; without it everything is removed.\n"
        )
        sys.exit(0 if words in (["-h"], ["--help"]) else 2)
    try:
        if words:
            _play_in(Path(words[0]).absolute())
        else:
            with tempfile.TemporaryDirectory(prefix="avplugin-demo-") as folder:
                play(Path(folder))
    except AvpluginError as error:
        sys.stderr.write(f"avplugin demo: {error}\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def _play_in(folder: Path) -> None:
    if re.search(r"[\s*?\[]", str(folder)):
        raise AvpluginError(
            f"{folder}: the state folder in it may have no blank, *, ? or [ in its path.\n"
            "Name another folder."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise AvpluginError(f"{folder} is not empty. Name another folder.")
    except OSError as error:
        raise AvpluginError(f"{folder} cannot be used: {error.strerror}.") from error
    play(folder)
    tell(f"Everything is still in {folder}. To go on with it:")
    print(f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH")
    print(f"export AVPLUGIN_CONFIG={shlex.quote(str(folder / 'etc' / 'accountview.yaml'))}")
    print(f"export BORG_BASE_DIR={shlex.quote(str(folder / 'borg'))}")


if __name__ == "__main__":
    main()
