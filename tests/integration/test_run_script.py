"""./run on machines made of stand-ins: it finds only what a test has put on its PATH."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

RUN = Path(__file__).parents[2] / "run"
TOOLS = ("cat", "chmod", "cksum", "dirname", "env", "id", "mv", "rm", "sh")
LIBRARIES = ("libacl1-dev", "libssl-dev", "liblz4-dev", "libzstd-dev", "libxxhash-dev")

# Answers from the real Python what it can, and only notes what would change the machine.
PYTHON = """#!/bin/sh
case "$*" in
    *ensurepip*) exit {ensurepip} ;;
    *Python.h*) exit {headers} ;;
    '-I - '*) exit {has_borg} ;;
    *'-m venv '*)
        echo "make environment" >>'{calls}'
        /bin/mkdir -p '{venv}/bin'
        /bin/cp "$0" '{venv}/bin/python'
        ;;
    *'-m pip '*)
        while [ -e '{hold}' ]; do /bin/sleep 0.05; done
        echo "pip ${{*#*-m pip }}" >>'{calls}'
        {pip}
        ;;
    *'-m avplugin'*) echo "python $*, PATH=$PATH" >>'{calls}' ;;
    *) exec '{real}' "$@" ;;
esac
"""


class Machine:
    """A computer with a checkout on it, and only the commands given to it."""

    def __init__(self, folder: Path) -> None:
        self.commands = folder / "commands"
        self.commands.mkdir()
        self.checkout = folder / "the checkout"
        self.checkout.mkdir()
        self.hold = folder / "pip waits while this is here"
        self.calls_file = folder / "calls"
        self.sbin = folder / "sbin"
        self.sbin.mkdir()
        servers = "/usr/sbin:/sbin:/usr/lib/dovecot:/usr/libexec/dovecot"
        script = RUN.read_text().replace(servers, "/usr/sbin")
        self._write("run", script.replace("/usr/sbin", str(self.sbin)), self.checkout)
        (self.checkout / "pyproject.toml").write_text("[project]\n")
        for tool in TOOLS:
            real = shutil.which(tool, path="/usr/bin:/bin")
            assert real
            (self.commands / tool).symlink_to(real)

    @property
    def venv(self) -> Path:
        return self.checkout / ".venv"

    def add(self, name: str, script: str = "exit 0") -> None:
        """Add a command that notes how it was called, then does what the script says."""
        self._write(name, f"#!/bin/sh\necho \"{name} $*\" >>'{self.calls_file}'\n{script}\n")

    def add_python(
        self,
        name: str = "python3",
        *,
        ensurepip: bool = True,
        headers: bool = True,
        has_borg: bool = False,
        pip: str = "exit 0",
    ) -> None:
        script = PYTHON.format(
            ensurepip=int(not ensurepip),
            headers=int(not headers),
            has_borg=int(not has_borg),
            pip=pip,
            calls=self.calls_file,
            hold=self.hold,
            venv=self.venv,
            real=sys.executable,
        )
        self._write(name, script)
        if (self.venv / "bin" / "python").exists():
            (self.venv / "bin" / "python").write_text(script)

    def add_debian(self, installed: tuple[str, ...] = LIBRARIES, *, compiler: bool = True) -> None:
        """Make it a Debian on which these packages are installed."""
        lines = "".join(f"{package}) printf 'installed ' ;;\n" for package in installed)
        self._write(
            "dpkg-query",
            f'#!/bin/sh\nfor last; do :; done\ncase "$last" in\n{lines}*) exit 1 ;;\nesac\n',
        )
        self.add("apt-get")
        if compiler:
            self.add_compiler()

    def add_compiler(self) -> None:
        self._write("cc", "#!/bin/sh\nexec /bin/cat\n")
        self._write("pkg-config", "#!/bin/sh\nexit 0\n")

    def add_test_programs(self) -> None:
        for name in (
            "7z",
            "smbstatus",
            "testparm",
            "smbpasswd",
            "smbclient",
            "tmux",
            "cron",
            "chromium",
            "faketime",
            "imap",
            "lmtp",
            "systemd-analyze",
        ):
            self._write(name, "")
        self._write("smbd", "", self.sbin)

    def remove(self, name: str) -> None:
        (self.commands / name).unlink(missing_ok=True)
        (self.sbin / name).unlink(missing_ok=True)

    def become(self, uid: int) -> None:
        self._write("id", f"#!/bin/sh\necho {uid}\n")

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.checkout / "run", *words],
            cwd="/",
            env={"PATH": str(self.commands)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*words)
        output, errors = process.communicate(timeout=60)
        return subprocess.CompletedProcess(words, process.returncode, output, errors)

    def calls(self) -> list[str]:
        """What was called since this was last asked."""
        lines = self.calls_file.read_text().splitlines() if self.calls_file.exists() else []
        self.calls_file.unlink(missing_ok=True)
        return lines

    def _write(self, name: str, script: str, folder: Path | None = None) -> None:
        command = (folder or self.commands) / name
        command.unlink(missing_ok=True)
        command.write_text(script)
        command.chmod(0o755)


def wait_for_line(process: subprocess.Popen[str], words: str) -> None:
    """Read what a process says on standard error up to a line with these words."""
    assert process.stderr
    assert any(words in line for line in iter(process.stderr.readline, ""))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A computer with nothing but a shell."""
    return Machine(tmp_path)


@pytest.fixture
def complete(machine: Machine) -> Machine:
    """A Debian on which nothing is missing."""
    machine.add_python()
    machine.add_debian()
    machine.add_test_programs()
    return machine


@pytest.fixture
def held(complete: Machine) -> Iterator[Machine]:
    """A complete Debian on which pip waits."""
    complete.hold.touch()
    yield complete
    complete.hold.unlink(missing_ok=True)


@pytest.mark.parametrize("words", [(), ("nonsense",), ("setup", "now")])
def test_words_that_cannot_be_meant_get_the_usage_on_standard_error(
    machine: Machine, words: tuple[str, ...]
) -> None:
    done = machine.run(*words)

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("Usage: ./run setup")


def test_help_is_no_error(machine: Machine) -> None:
    done = machine.run("--help")

    assert done.returncode == 0
    assert done.stdout.startswith("Usage: ./run setup")
    assert done.stderr == ""


@pytest.mark.parametrize("old", ["Python 3.9.2", None])
def test_without_a_python_that_is_new_enough_it_says_so(machine: Machine, old: str | None) -> None:
    machine.add_debian()
    if old:
        machine.add("python3", f'case "$1" in --version) echo {old} ;; *) exit 1 ;; esac')

    done = machine.run("setup")

    assert done.returncode == 1
    assert "Python 3.11 or later" in done.stderr
    assert f"python3 is {old or 'missing'}" in done.stderr


def test_a_newer_python_beside_an_old_one_is_taken(complete: Machine) -> None:
    complete.add("python3", "exit 1")
    complete.add_python("python3.12")

    done = complete.run("setup")

    assert done.returncode == 0
    assert f"{complete.commands}/python3.12" in done.stderr


@pytest.mark.parametrize(
    ("manager", "package"),
    [
        ("dnf", "libacl-devel"),
        ("zypper", "libopenssl-devel"),
        ("pacman", "base-devel"),
        ("apk", "linux-headers"),
        ("emerge", "libacl1-dev"),
    ],
)
def test_another_distribution_gets_the_names_of_its_packages_and_installs_them_itself(
    machine: Machine, manager: str, package: str
) -> None:
    machine.add_python()
    machine.add(manager)

    done = machine.run("setup")

    assert done.returncode == 1
    assert package in done.stderr
    assert machine.calls() == []


def test_another_distribution_with_everything_in_place_just_goes_on(machine: Machine) -> None:
    machine.add_python()
    machine.add("dnf")
    machine.add_compiler()

    assert machine.run("setup").returncode == 0
    assert machine.calls() == ["make environment", "pip install --editable ."]


def test_without_sudo_an_administrator_gets_the_exact_command(machine: Machine) -> None:
    machine.add_python(ensurepip=False, headers=False)
    machine.add_debian(installed=("libacl1-dev", "libzstd-dev"), compiler=False)
    machine.become(1000)

    done = machine.run("setup")

    assert done.returncode == 1
    assert (
        '"apt-get update && apt-get install --no-install-recommends build-essential pkg-config'
        ' python3-dev python3-venv libssl-dev liblz4-dev libxxhash-dev"'
    ) in done.stderr
    assert machine.calls() == []


def test_only_what_is_missing_is_installed_and_with_sudo(machine: Machine) -> None:
    machine.add_python()
    machine.add_debian(installed=LIBRARIES[1:])
    machine.add("sudo", 'exec "$@"')
    machine.become(1000)

    done = machine.run("setup")

    assert done.returncode == 0
    assert "missing: libacl1-dev\n" in done.stderr
    sudo, apt_get, *rest = machine.calls()
    assert sudo.startswith("sudo env DEBIAN_FRONTEND=noninteractive apt-get ")
    assert apt_get.endswith(" install --yes --no-install-recommends libacl1-dev")
    assert rest == ["make environment", "pip install --editable ."]


def test_the_lists_of_packages_are_fetched_when_installing_without_them_fails(
    complete: Machine,
) -> None:
    complete.add_debian(installed=())
    complete.add(
        "apt-get",
        f"case \"$*\" in *update) : >'{complete.checkout}/lists' ;; esac\n"
        f"[ -e '{complete.checkout}/lists' ]",
    )
    complete.become(0)

    assert complete.run("setup").returncode == 0
    packages = " ".join(LIBRARIES)
    assert [line.split("300 ")[1] for line in complete.calls()[:3]] == [
        f"install --yes --no-install-recommends {packages}",
        "update",
        f"install --yes --no-install-recommends {packages}",
    ]


def test_packages_that_cannot_be_installed_are_an_error_with_the_reason(complete: Machine) -> None:
    complete.add_debian(installed=())
    complete.add("apt-get", "echo no such thing; exit 100")
    complete.become(0)

    done = complete.run("setup")

    assert done.returncode == 1
    assert "no such thing" in done.stderr
    assert not complete.venv.exists()


def test_the_first_start_tells_where_the_commands_are(complete: Machine) -> None:
    done = complete.run("setup")

    assert done.returncode == 0
    assert str(complete.venv / "bin") in done.stdout
    assert f"ln -sf '{complete.checkout}/hooks/avplugin'" in done.stdout


def test_a_second_start_has_nothing_to_do(complete: Machine) -> None:
    complete.run("setup")
    assert complete.calls() == ["make environment", "pip install --editable ."]

    done = complete.run("setup")

    assert done.returncode == 0
    assert done.stderr == ""
    assert complete.calls() == []


def test_the_test_tools_are_added_when_they_are_first_needed_and_stay(complete: Machine) -> None:
    complete.run("setup")
    complete.calls()
    complete.add("pytest")

    assert complete.run("test", "-k", "word").returncode == 0
    assert complete.calls() == ["pip install --editable .[test]", "pytest -k word"]
    assert complete.run("setup").returncode == 0
    assert complete.calls() == []


def test_a_changed_project_is_installed_into_the_environment_that_is_there(
    complete: Machine,
) -> None:
    complete.run("setup")
    complete.calls()
    (complete.checkout / "pyproject.toml").write_text("[project]\nname = 'changed'\n")

    assert complete.run("setup").returncode == 0
    assert complete.calls() == ["pip install --editable ."]


def test_headers_are_asked_for_only_while_borg_has_to_be_compiled(complete: Machine) -> None:
    complete.run("setup")
    complete.calls()
    (complete.checkout / "pyproject.toml").write_text("[project]\nname = 'changed'\n")
    complete.add_python(has_borg=True)
    complete.add_debian(installed=())

    assert complete.run("setup").returncode == 0
    assert complete.calls() == ["pip install --editable ."]


def test_a_checkout_that_moved_gets_a_new_environment(complete: Machine, tmp_path: Path) -> None:
    complete.run("setup")
    complete.calls()
    complete.checkout = complete.checkout.rename(tmp_path / "elsewhere")
    complete.add_python()

    assert complete.run("setup").returncode == 0
    assert complete.calls() == ["make environment", "pip install --editable ."]


def test_an_environment_whose_python_is_gone_is_made_anew(complete: Machine) -> None:
    complete.run("setup")
    complete.calls()
    (complete.venv / "bin" / "python").unlink()

    assert complete.run("setup").returncode == 0
    assert complete.calls() == ["make environment", "pip install --editable ."]


def test_an_installation_that_was_cut_short_is_done_again_from_the_start(
    held: Machine,
) -> None:
    first = held.start("setup")
    wait_for_line(first, "installing avplugin")
    first.kill()
    held.hold.unlink()
    first.communicate()
    held.calls()

    done = held.run("setup")

    assert done.returncode == 0
    assert "starting anew" in done.stderr
    assert held.calls()[-2:] == ["make environment", "pip install --editable ."]
    assert held.run("setup").stderr == ""


def test_an_installation_that_failed_shows_why_and_is_done_again(complete: Machine) -> None:
    complete.add_python(pip="echo the registry is closed; exit 1")
    failed = complete.run("setup")
    complete.add_python()
    complete.calls()

    assert failed.returncode == 1
    assert "the registry is closed" in failed.stderr
    assert complete.run("setup").returncode == 0
    assert complete.calls() == ["make environment", "pip install --editable ."]


def test_what_pip_says_is_not_shown_when_all_goes_well(complete: Machine) -> None:
    complete.add_python(pip="echo Collecting click")

    done = complete.run("setup")

    assert done.returncode == 0
    assert "Collecting" not in done.stderr + done.stdout


def test_of_two_starts_at_once_one_waits_and_then_has_nothing_to_do(held: Machine) -> None:
    first = held.start("setup")
    wait_for_line(first, "installing avplugin")
    second = held.start("setup")
    wait_for_line(second, "waiting for it")
    held.hold.unlink()

    for process in (first, second):
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert held.calls() == ["make environment", "pip install --editable ."]


def test_setup_and_demo_need_neither_samba_nor_tmux(complete: Machine) -> None:
    complete.remove("smbd")
    complete.remove("tmux")
    complete.add("python")

    assert complete.run("setup").returncode == 0
    assert complete.run("demo").returncode == 0
    assert not any("apt-get" in call for call in complete.calls())


@pytest.mark.parametrize(
    ("missing", "packages"),
    [
        ("smbd", "samba"),
        ("smbstatus", "samba"),
        ("testparm", "samba"),
        ("smbpasswd", "samba"),
        ("smbclient", "smbclient"),
        ("tmux", "tmux"),
        ("cron", "cron"),
        ("chromium", "chromium"),
        ("faketime", "faketime"),
        ("imap", "dovecot-imapd"),
        ("lmtp", "dovecot-lmtpd"),
        ("systemd-analyze", "systemd"),
        ("7z", "7zip"),
    ],
)
def test_what_the_tests_need_is_installed_for_the_tests_also_when_it_was_removed_later(
    complete: Machine, missing: str, packages: str
) -> None:
    complete.add("pytest")
    complete.become(0)
    assert complete.run("test", "-x").returncode == 0
    complete.calls()
    complete.remove(missing)

    done = complete.run("test", "-x")

    assert done.returncode == 0
    assert f"these packages are missing: {packages}\n" in done.stderr
    is_server = packages in {"samba", "cron", "dovecot-imapd", "dovecot-lmtpd"}
    assert ("systemctl disable smbd" in done.stderr) == is_server
    apt_get, pytest_call = complete.calls()
    assert apt_get.endswith(f" install --yes --no-install-recommends {packages}")
    assert pytest_call == "pytest -x"


def test_a_server_is_not_started_by_its_installation(complete: Machine) -> None:
    policy = complete.sbin / "policy-rc.d"
    kept = complete.sbin / "kept"
    complete.remove("smbd")
    complete.add("pytest")
    complete.add(
        "apt-get",
        f"for name in smbd smbd.service samba-ad-dc dovecot ssh; do\n"
        f"    '{policy}' $name start; echo $name $? >>'{complete.calls_file}'\ndone\n"
        f"/bin/cp '{policy}' '{kept}'",
    )
    complete.become(0)

    assert complete.run("test", "-x").returncode == 0
    assert complete.calls()[-6:-1] == [
        *("smbd 101", "smbd.service 101", "samba-ad-dc 101", "dovecot 101"),
        "ssh 0",
    ]
    assert not policy.exists()
    # What a start that was cut short leaves behind forbids nothing.
    assert subprocess.run([kept, "smbd", "start"], check=False).returncode == 0


def test_a_policy_of_the_machine_itself_stays_as_it_is(complete: Machine) -> None:
    policy = complete.sbin / "policy-rc.d"
    policy.write_text("its own")
    complete.remove("smbd")
    complete.add("pytest")
    complete.become(0)

    assert complete.run("test", "-x").returncode == 0
    assert policy.read_text() == "its own"


def test_samba_that_cannot_be_installed_is_an_error_and_leaves_no_policy(complete: Machine) -> None:
    complete.remove("smbd")
    complete.add("apt-get", "echo no such thing; exit 100")
    complete.become(0)

    done = complete.run("test")

    assert done.returncode == 1
    assert "no such thing" in done.stderr
    assert list(complete.sbin.iterdir()) == []


def test_another_distribution_is_told_what_the_tests_need(machine: Machine) -> None:
    machine.add_python()
    machine.add_compiler()
    machine.add_test_programs()
    machine.add("pytest")
    assert machine.run("test", "-x").returncode == 0
    machine.calls()
    machine.remove("smbclient")
    machine.remove("tmux")

    done = machine.run("test", "-x")

    assert done.returncode == 1
    assert "run: smbclient tmux\n" in done.stderr
    assert machine.calls() == []


def test_one_of_two_names_of_a_program_is_enough(complete: Machine) -> None:
    complete.add("pytest")
    complete.remove("cron")
    complete.add("crond")

    assert complete.run("test", "-x").returncode == 0
    assert not any("apt-get" in call for call in complete.calls())


def test_all_checks_run_and_the_first_that_fails_gives_the_exit_status(complete: Machine) -> None:
    complete.add("ruff", '[ "$1" = format ] && exit 3')
    complete.add("mypy", "exit 4")
    complete.add("pytest")

    done = complete.run("test")

    assert done.returncode == 1
    assert [line.split()[0] for line in complete.calls()[2:]] == ["ruff", "ruff", "mypy", "pytest"]
    complete.add("ruff")
    assert complete.run("test").returncode == 4
    complete.add("mypy")
    assert complete.run("test").returncode == 0


def test_the_demo_is_started_with_the_commands_of_the_environment_on_its_path(
    complete: Machine,
) -> None:
    (complete.commands / "python").symlink_to("python3")

    assert complete.run("demo", "--fast").returncode == 0
    assert complete.calls()[-1] == (
        f"python -m avplugin.demo.story --fast, PATH={complete.venv}/bin:{complete.commands}"
    )
