import dataclasses
import datetime
import os
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from avplugin.borgmatic.archive import Archive
from avplugin.borgmatic.borg import Listing, RepositoryUnavailable
from avplugin.borgmatic.configuration import BorgmaticConfiguration, Repository
from avplugin.configuration.mail import Encryption, MailServer
from avplugin.configuration.packages import PackageSettings
from avplugin.doctor import (
    borgmatic_files,
    clock,
    drives,
    free_space,
    mail,
    own_backups,
    repositories,
    schedule,
    secret_files,
    versions,
)
from avplugin.doctor.finding import Finding, of_error, some_of, warning
from avplugin.errors import AvpluginError
from avplugin.installation.model import Administration, Folder, Installation, Kind
from avplugin.installation.scan import scan_folder
from avplugin.restore import mounts
from avplugin.schedule.model import Present
from avplugin.state.emergency_sheet import (
    EmergencySheet,
    note_emergency_sheet,
    read_emergency_sheet,
)
from avplugin.state.files import StateError

NOW = datetime.datetime(2026, 11, 26, 8, 0, tzinfo=datetime.UTC)


def said(findings: Iterable[Finding], *levels: str) -> str:
    """Return what the findings of some levels say, or of warnings and errors, a line each."""
    wanted = levels or ("warning", "error")
    chosen = [one for one in findings if one.level in wanted]
    return "\n".join(f"{one.level}: {one.what}. {one.advice}" for one in chosen)


def installation(*folders: Path) -> Installation:
    found = [Folder(Kind.EXTRA, path.name, path.name, str(path), "") for path in folders]
    return Installation("accountview", tuple(found), (), ())


def borgmatic(file: Path, **settings: Any) -> BorgmaticConfiguration:
    repository = Repository("/backup.borg", "", settings)
    return BorgmaticConfiguration(file, settings, (repository,))


def test_an_error_of_several_lines_becomes_what_and_advice() -> None:
    finding = of_error(AvpluginError("it is locked.\nWait.\nOr break the lock."))

    assert (finding.what, finding.advice) == ("it is locked", "Wait. Or break the lock.")


def test_a_long_list_ends_in_a_line_that_counts_the_rest() -> None:
    all_of_them = [warning(str(number)) for number in range(5)]

    assert some_of(all_of_them, 5, "{} more") == all_of_them
    assert [one.what for one in some_of(all_of_them, 3, "{} more")] == ["0", "1", "2", "2 more"]


# versions


def test_commands_that_a_night_does_not_find_are_an_error_once_there_is_a_schedule(
    tmp_path: Path,
) -> None:
    cron = tmp_path / "avplugin"
    cron.write_text(f'MAILTO=me\nPATH="{tmp_path}/bin"\n0 2 * * * root borgmatic create\n')

    assert "warning: a night does not find" in said(versions.check([], []))
    assert f"error: a night does not find borgmatic on its PATH ({tmp_path}/bin)" in said(
        versions.check([], [cron])
    )


@pytest.mark.parametrize("form", ["PATH={}", "Environment=PATH={}", 'Environment="PATH={}"'])
def test_another_borgmatic_that_a_night_finds_has_to_be_of_a_version_that_fits(
    tmp_path: Path, form: str
) -> None:
    program = tmp_path / "bin" / "borgmatic"
    program.parent.mkdir()
    service = tmp_path / "avplugin-create.service"
    service.write_text(f"[Service]\n{form.format(program.parent)}\n")
    for version, fits in (("1.8.3", False), ("2.1.10", True), ("2.2.0", False)):
        program.write_text(f"#!/bin/sh\necho {version}\n")
        program.chmod(0o755)

        assert (said(versions.check([], [service])) == "") == fits, version


def test_a_borg_that_is_missing_is_told(tmp_path: Path) -> None:
    configuration = borgmatic(tmp_path / "x.yaml", local_path="/nowhere/borg")

    assert "error: cannot start Borg (/nowhere/borg)" in said(versions.check([configuration], []))


# borgmatic's files


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"borg_exit_codes": [{"code": 1, "treat_as": "error"}]}, "warnings 100, 107"),
        ({"bootstrap": {"store_config_files": True}}, "passphrases in them too"),
        ({"files_cache": "mtime,size"}, "files_cache: mtime,size"),
        ({"retries": 3}, "retries: 3"),
        ({"source_directories": ["/etc"]}, "source_directories stores more"),
        ({"exclude_patterns": ["*.tmp"]}, "exclude_patterns can leave files out"),
        ({"checks": [{"name": "disabled"}]}, "checks are disabled"),
        ({"sqlite_databases": [{"name": "x", "path": "/x"}]}, "sqlite_databases has Borg wait"),
    ],
)
def test_settings_that_make_for_worse_nights_are_warned_about(
    settings: dict[str, Any], text: str
) -> None:
    shipped = {
        "borg_exit_codes": [{"code": code, "treat_as": "error"} for code in (1, 100, 107)],
        "bootstrap": {"store_config_files": False},
        "files_cache": "ctime,size,inode",
        "checks": [{"name": "repository"}],
        "unsafe_skip_path_validation_before_create": True,
    }
    assert list(borgmatic_files._weaknesses(shipped)) == []

    [(what, advice)] = borgmatic_files._weaknesses({**shipped, **settings})
    assert text in what
    assert advice


def test_without_keep_prune_fails(tmp_path: Path) -> None:
    def retention(**settings: Any) -> list[Finding]:
        return list(borgmatic_files._retention(borgmatic(tmp_path / "x.yaml", **settings)))

    assert "no keep_* says what to keep" in said(retention(keep_exclude_tags=True, keep_daily=0))
    assert "keep_daily 3" in said(retention(keep_daily=3), "fine")


# drives and mounts


@pytest.fixture
def mounted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A share at tmp_path/av with a folder in it."""
    share = tmp_path / "av"
    (share / "admins" / "BAKKER").mkdir(parents=True)
    mountinfo = tmp_path / "mountinfo"
    lines = ["1 0 8:1 / / rw - ext4 /dev/sda1 rw", f"2 1 0:9 / {share} rw - cifs //server/av rw"]
    mountinfo.write_text("\n".join(lines) + "\n")
    monkeypatch.setattr(mounts, "_MOUNTS", mountinfo)
    return share


def test_a_share_that_is_mounted_has_to_stand_in_fstab(mounted: Path, tmp_path: Path) -> None:
    there = installation(mounted / "admins" / "BAKKER")
    fstab = tmp_path / "fstab"

    missing = said(drives.check({"V:\\": str(mounted)}, there, fstab))
    assert f"warning: {mounted} is mounted (cifs), but does not stand in fstab" in missing

    fstab.write_text(f"# comment\n//server/av {mounted} cifs _netdev 0 0\n")
    assert said(drives.check({"V:\\": str(mounted)}, there, fstab)) == ""


def test_what_stands_in_fstab_has_to_be_mounted(mounted: Path, tmp_path: Path) -> None:
    fstab = tmp_path / "fstab"
    gone = tmp_path / "my docs"
    gone.mkdir()
    fstab.write_text(
        f"//s/av {mounted} cifs x\n//s/d {str(gone).replace(' ', chr(92) + '040')} cifs x\n"
    )

    text = said(drives.check({"G:\\": str(gone)}, installation(), fstab))
    assert f"error: G:\\ is {gone}, which is empty" in text
    assert f"error: {gone} stands in fstab (cifs), but is not mounted. mount {gone}" in text
    assert str(mounted) not in text  # no folder of AccountView's lies there
    fstab.write_text(f"//s/other {tmp_path}/other cifs noauto 0 0\n")
    assert "stands in fstab" not in said(drives.check({"G:\\": str(gone)}, installation(), fstab))


def test_a_drive_that_leads_nowhere_is_an_error(tmp_path: Path) -> None:
    text = said(drives.check({"F:\\": str(tmp_path / "gone")}, installation()))

    assert (
        f"error: F:\\ is {tmp_path}/gone, which cannot be read: No such file or directory" in text
    )


# repositories


def listing(encryption: str = "repokey-blake2", *archives: Archive) -> Listing:
    return Listing("id1", encryption, archives)


def test_where_a_repository_lies_is_known_from_its_path() -> None:
    def local(path: str) -> Path | None:
        return repositories.local_path(Repository(path, "", {}))

    assert local("/srv/a.borg") == local("file:///srv/a.borg") == Path("/srv/a.borg")
    assert local("ssh://me@host/./a.borg") is local("me@host:a.borg") is None


def test_a_repository_beside_the_books_or_in_them_is_told(tmp_path: Path) -> None:
    (tmp_path / "books" / "a.borg").mkdir(parents=True)

    def place(path: Path) -> str:
        asked = [(Repository(str(path), "local", {}), listing())]
        return said(repositories.check(asked, installation(tmp_path / "books"), None))

    assert "error: local: it lies inside extra:books" in place(tmp_path / "books" / "a.borg")
    assert "warning: local: it lies on the same disk as extra:books" in place(tmp_path / "a.borg")
    assert "same disk" not in place(Path("/proc/a.borg"))


def test_a_repository_beside_administrations_is_an_error(tmp_path: Path) -> None:
    share = tmp_path / "share"
    folder = Folder(Kind.ADMINISTRATION, "A", "A", str(share / "A"), "")
    administration = Administration("A", "A", folder, (), "x")
    office = Installation("accountview", (), (administration,), ())

    def place(path: Path) -> str:
        asked = [(Repository(str(path), "local", {}), listing())]
        return said(repositories.check(asked, office, None))

    assert f"error: local: it lies beside the administrations, in {share}," in place(
        share / "a.borg"
    )
    assert "beside the administrations" in place(share / "backups" / "a.borg")
    assert "beside" not in place(tmp_path / "a.borg")


def test_encryption_and_the_emergency_sheet_are_looked_at() -> None:
    def about(answer: Listing | AvpluginError, *on_sheet: str) -> str:
        sheet = EmergencySheet(NOW, frozenset(on_sheet)) if on_sheet else None
        asked = [(Repository("ssh://h/a", "away", {}), answer)]
        return said(repositories.check(asked, None, sheet))

    assert about(listing(), "id1") == ""
    assert "warning: away: no emergency sheet is noted" in about(listing(), "another")
    assert "its key lies on this machine only" in about(listing("keyfile-blake2"))
    assert "warning: away: it is not encrypted" in about(listing("none"), "id1")
    locked = about(RepositoryUnavailable("the repository a is locked.\nWait."))
    assert locked == "error: the repository a is locked. Wait."
    assert "Log in there with ssh" in about(RepositoryUnavailable("Connection closed"))


def test_a_passphrase_that_only_this_shell_knows_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def about(**settings: str) -> str:
        asked = [(Repository("ssh://h/a", "away", settings), listing())]
        return said(repositories.check(asked, None, EmergencySheet(NOW, frozenset(["id1"]))))

    assert about() == ""
    monkeypatch.setenv("BORG_PASSPHRASE", "secret")
    assert about(encryption_passcommand="cat /x") == ""
    assert "error: away: its passphrase comes from $BORG_PASSPHRASE of this shell" in about()


def test_emergency_sheets_add_up_and_a_damaged_note_is_told(tmp_path: Path) -> None:
    assert read_emergency_sheet(tmp_path) is None
    note_emergency_sheet(tmp_path, ["b"])
    note_emergency_sheet(tmp_path, ["a"])

    sheet = read_emergency_sheet(tmp_path)
    assert sheet is not None
    assert sheet.repositories == {"a", "b"}
    assert abs(datetime.datetime.now(datetime.UTC) - sheet.made) < datetime.timedelta(minutes=1)

    (tmp_path / "emergency_sheet.json").write_text('{"made": 3}')
    with pytest.raises(StateError, match="make the emergency sheet again"):
        read_emergency_sheet(tmp_path)
    note_emergency_sheet(tmp_path, ["c"])


# schedule


CRON = Present("cron", ("/etc/cron.d/avplugin",))


def test_a_schedule_is_proven_by_a_night_that_started_with_nobody_at_a_terminal() -> None:
    def about(days_ago: float | None) -> str:
        at = None if days_ago is None else NOW - datetime.timedelta(days=days_ago)
        return said(schedule.check([CRON], [], {"system": at}, NOW))

    assert about(1) == ""
    assert "no night of the set system was started by a schedule yet" in about(None)
    assert "Is the schedule still there" in about(3)


def test_no_schedule_two_of_them_and_one_with_a_fault_are_told() -> None:
    def about(installed: list[Present], *others: str) -> str:
        return said(schedule.check(installed, others, {}, NOW))

    assert "nothing starts the nights by itself" in about([])
    assert about([CRON]) == about([], "/etc/crontab") == ""
    assert "started by /etc/crontab as well" in about([CRON], "/etc/crontab")
    off = about([Present("systemd", ("a.timer",), "a.timer is not enabled")])
    assert "it may not start. a.timer is not enabled" in off


# clock


def test_a_clock_behind_what_has_been_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_answer() -> Iterator[Finding]:
        yield from ()

    monkeypatch.setattr(clock, "_synchronised", no_answer)
    known = [("the archive a", NOW), ("the archive b", NOW - datetime.timedelta(days=1))]

    assert said(clock.check(NOW, known)) == said(clock.check(NOW, [])) == ""
    behind = said(clock.check(NOW - datetime.timedelta(hours=1), known))
    assert behind.startswith("error: the clock says")
    assert "but the archive a is of" in behind
    assert "long ago" in said(clock.check(NOW.replace(year=1970), []))


@pytest.mark.parametrize(("answer", "text"), [("no", "nothing keeps the clock right"), ("yes", "")])
def test_systemd_is_asked_whether_the_clock_is_kept_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, text: str
) -> None:
    program = tmp_path / "timedatectl"
    program.write_text(f"#!/bin/sh\necho {answer}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    assert text in said(clock.check(NOW, []))
    assert bool(text) == bool(said(clock.check(NOW, [])))


# free space


def test_too_little_room_is_an_error_and_little_a_warning(tmp_path: Path) -> None:
    free = os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize
    missing = tmp_path / "not" / "there"

    def about(least: int, wanted: int) -> str:
        return said(free_space.check(iter([free_space.Need("it", missing, least, wanted)])))

    assert about(0, free // 2) == ""
    assert about(free // 2, free * 2).startswith("warning: it: ")
    assert about(free * 2, free * 4).startswith("error: it: ")


def test_a_first_backup_needs_more_room_than_a_night(tmp_path: Path) -> None:
    def wanted(*, is_empty: bool) -> int:
        local = {"local": (tmp_path, is_empty)}
        found = free_space.needs(tmp_path, None, {}, local, data=10**9, largest=10**6)
        return next(need.wanted for need in found if "repository" in need.what)

    assert wanted(is_empty=True) == 500_000_000
    assert wanted(is_empty=False) == 50_000_000


# mail


def test_a_mail_server_that_is_not_reached_is_an_error_and_no_report_a_warning() -> None:
    server = MailServer("127.0.0.1", 9, Encryption.NONE, "av@example.com")

    assert said(mail.check(None, ())).startswith("warning: nobody is mailed")
    text = said(mail.check(server, ["me@example.com"]))
    assert text.startswith("error: the mail server 127.0.0.1:9 cannot be reached")


# secrets


def test_a_passphrase_that_others_can_read_is_told(tmp_path: Path) -> None:
    @dataclasses.dataclass
    class Stub:
        probes: tuple[object, ...] = ()
        mail: None = None
        packages: PackageSettings = dataclasses.field(default_factory=PackageSettings)

    passphrase = tmp_path / "my passphrase"
    passphrase.write_text("secret")
    inline = tmp_path / "inline.yaml"
    inline.write_text("encryption_passphrase: secret")
    configurations = [
        borgmatic(tmp_path / "a.yaml", encryption_passcommand=f"cat '{passphrase}'"),
        borgmatic(inline, encryption_passphrase="secret"),
        borgmatic(tmp_path / "b.yaml", encryption_passphrase="{credential file /x}"),
    ]
    holder: Any = Stub()
    holder.sessions = Stub()

    def about() -> str:
        return said(secret_files.check(holder, configurations))

    passphrase.chmod(0o604)
    inline.chmod(0o640)
    text = about()
    assert f"{passphrase} holds the passphrase, and everybody can read it" in text
    assert f"{inline} holds the passphrase, and its group can read it. chmod 600 {inline}" in text
    assert "secret" not in text
    passphrase.chmod(0o600)
    inline.chmod(0o600)
    assert about() == ""
    passphrase.unlink()
    assert "cannot be read: No such file or directory" in about()


# AccountView's own backups


def test_backups_of_accountview_inside_a_folder_are_found_by_their_two_folders(
    tmp_path: Path,
) -> None:
    def about() -> str:
        contents = {str(tmp_path): scan_folder(str(tmp_path))}
        return said(own_backups.check(installation(tmp_path), contents))

    for name in ("Admins", "System"):
        (tmp_path / "Backup" / name).mkdir(parents=True)
    assert about() == ""
    file = tmp_path / "Backup" / "Admins" / "BAKKER26.001"
    file.write_bytes(b"no archive")
    assert about() == ""
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("x", "y")
    assert f"in {tmp_path}/Backup: all of it is stored twice" in about()

    (tmp_path / "Backup" / "Admins" / "MUTATIE.DBF").write_bytes(b"")
    assert about() == ""  # administrations that are in use lie there
