"""borgmatic: with avplugin's hooks, with the same settings without them, with Borg's defaults."""

from __future__ import annotations

import abc
import re
import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path

from avplugin.demo.office import DemoAdministration
from avplugin.demo.story import install_configuration
from bench.office import BenchOffice
from bench.peers.peer import plain_environment, size_of
from bench.spent import Spent, output_of, read_record, run, timed_command

_PASSPHRASE = "nobody's"


class Borgmatic(abc.ABC):
    """One repository, and what borgmatic needs to copy an office into it."""

    name = "borgmatic"

    def __init__(self, office: BenchOffice, folder: Path) -> None:
        self._office = office
        self.folder = folder
        self.repository = folder / "accountview.borg"
        self.file = folder / "borgmatic.yaml"

    def prepare(self) -> None:
        """Make the configuration and the repository."""
        self.environment = plain_environment(
            self.folder,
            BORG_BASE_DIR=str(self.folder / "borg"),
            # The second repository of a pair is a copy of the first.
            BORG_RELOCATED_REPO_ACCESS_IS_OK="yes",
        )
        self._configure()
        self._make_repository()

    def run(self, *words: str) -> Spent:
        """Run borgmatic, which has to succeed."""
        return run(["borgmatic", "--config", self.file, *words], self.environment, self.folder)

    def back_up(self, changed: Sequence[DemoAdministration]) -> Spent:  # noqa: ARG002 - it sees itself
        """Make one archive, as a schedule would."""
        return self.run("create")

    def size(self) -> int:
        """Return how many bytes the repository takes."""
        return size_of(self.repository)

    def borg(self, *words: str | Path) -> str:
        """Return what Borg itself prints."""
        environment = {**self.environment, "BORG_PASSPHRASE": self.passphrase()}
        return output_of(["borg", *words], environment, self.folder)

    def passphrase(self) -> str:
        """Return the repository's passphrase."""
        return _PASSPHRASE

    @abc.abstractmethod
    def _configure(self) -> None:
        """Write borgmatic's configuration."""

    def _make_repository(self) -> None:
        self.run("repo-create", "--encryption", "repokey-blake2")


class WithDefaults(Borgmatic):
    """borgmatic as somebody sets it up who knows nothing of FoxPro: Borg's own chunks and lz4."""

    name = "borgmatic, Borg's defaults"

    def __init__(self, office: BenchOffice, folder: Path) -> None:
        super().__init__(office, folder / "defaults")

    def _configure(self) -> None:
        roots = "\n".join(f"    - {root}" for root in self._office.roots)
        self.file.write_text(
            f"source_directories:\n{roots}\n"
            f"repositories:\n    - path: {self.repository}\n"
            f'encryption_passphrase: "{_PASSPHRASE}"\n'
        )


class WithAvplugin(Borgmatic):
    """configs/ as shipped, with avplugin's hooks. `folder` is the office's own parent."""

    name = "avplugin"

    def __init__(self, office: BenchOffice) -> None:
        super().__init__(office, office.folder.parent)
        self.file = self.folder / "etc" / "borgmatic.d" / "accountview-administrations.yaml"
        self._record = self.folder / "hooks.json"

    def _configure(self) -> None:
        configuration = install_configuration(self.folder)
        self.environment["AVPLUGIN_CONFIG"] = str(configuration)
        text = self.file.read_text()
        words = shlex.join(self._hook_words())
        self.file.write_text(text.replace("['avplugin ", f"['{words} "))

    def _hook_words(self) -> list[str]:
        """Return what stands in the hooks for the word `avplugin`."""
        return timed_command(self._record, ["avplugin"])

    def passphrase(self) -> str:
        """Return the repository's passphrase."""
        return (self.folder / "etc" / "passphrase").read_text().strip()

    def hooks(self) -> list[tuple[str, Spent]]:
        """Return what each hook has cost since this was last asked, in the order they ran."""
        found = read_record(self._record)
        self._record.unlink()
        return found


_UNCHECKED = "unsafe_skip_path_validation_before_create: true\n"


class WithoutHooks(Borgmatic):
    """The same file of borgmatic's without its hooks, on a copy of the other's repository.

    Nor with the line that only the hooks make safe: borgmatic checks the paths itself.
    """

    name = "borgmatic without hooks"
    checks_paths = True

    def __init__(self, office: BenchOffice, other: WithAvplugin) -> None:
        super().__init__(office, other.folder / self.name.replace(" ", "-"))
        self._other = other

    def _make_repository(self) -> None:
        """Copy what the other one has, its cache included: both shall know the same."""
        shutil.copytree(self._other.repository, self.repository)
        shutil.copytree(self._other.folder / "borg", self.folder / "borg")

    def _configure(self) -> None:
        roots = "\n".join(f"    - {root}" for root in self._office.roots)
        text, _, _ = self._other.file.read_text().partition("commands:")
        text = re.sub(
            r"patterns_from:\n.*\n", lambda _: f"source_directories:\n{roots}\n", text, count=1
        )
        include = self._other.file.parent / "include" / "accountview.yaml"
        text = text.replace("include/accountview.yaml", "include.yaml")
        self.file.write_text(text)
        shared = include.read_text().replace(str(self._other.repository), str(self.repository))
        if self.checks_paths:
            _, found, _ = shared.partition(_UNCHECKED)
            assert found, "both would be the same"
            shared = shared.replace(_UNCHECKED, "")
        (self.folder / "include.yaml").write_text(shared)

    def passphrase(self) -> str:
        """Return the repository's passphrase."""
        return self._other.passphrase()


class WithoutHooksOrCheck(WithoutHooks):
    """The same, and nobody checks the paths: the least that borgmatic can do."""

    name = "borgmatic without hooks or check"
    checks_paths = False
