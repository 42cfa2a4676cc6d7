"""What is started and when, out of the settings."""

from __future__ import annotations

import dataclasses
import datetime
import re
from pathlib import Path

import pytest
from schedules import ACCOUNT, PROGRAMS

from avplugin.configuration.load import load_configuration
from avplugin.configuration.mail import ReportSettings
from avplugin.configuration.model import Configuration
from avplugin.configuration.window import Window
from avplugin.schedule import cron, systemd, task_scheduler
from avplugin.schedule.model import Daily, Every
from avplugin.schedule.plan import Plan, Wishes, find_programs, plan_schedule
from avplugin.shipped import shipped_folder


@pytest.fixture
def shipped() -> Configuration:
    """configs/accountview.yaml."""
    return load_configuration(str(shipped_folder("configs") / "accountview.yaml"))


def limited(
    configuration: Configuration,
    *,
    interval: float | None = None,
    hours: tuple[str, str] | None = None,
    names: tuple[str, ...] = ("system", "administrations"),
) -> Configuration:
    """The configuration with an interval or hours in some of its sets."""
    window = Window(*map(datetime.time.fromisoformat, hours)) if hours else None
    sets = {
        name: dataclasses.replace(part, interval=interval, window=window) if name in names else part
        for name, part in configuration.sets.items()
    }
    return dataclasses.replace(configuration, sets=sets)


def plan(configuration: Configuration, scheduler: str = "cron", **wishes: Daily | Every) -> Plan:
    return plan_schedule(configuration, Wishes(**wishes), PROGRAMS, scheduler)  # type: ignore[arg-type]


def whens(plan: Plan) -> dict[str, Daily | Every]:
    return {start.name: start.when for start in plan.schedule.starts}


def test_without_interval_or_hours_there_is_one_start_a_night(shipped: Configuration) -> None:
    assert whens(plan(shipped)) == {"create": Daily(2, 0), "prune": Daily(6, 30)}


def test_with_an_interval_or_hours_there_is_a_start_every_ten_minutes(
    shipped: Configuration,
) -> None:
    assert whens(plan(limited(shipped, interval=86400)))["create"] == Every(10)
    assert whens(plan(limited(shipped, hours=("20:00", "06:00"))))["create"] == Every(10)
    assert whens(plan(limited(shipped, interval=86400), backup=Daily(3, 0)))["create"] == Daily(
        3, 0
    )


@pytest.mark.parametrize(
    ("hours", "prune"),
    [
        (("20:00", "06:00"), Daily(6, 30)),
        (("22:00", "02:00"), Daily(6, 30)),
        (("20:00", "07:45"), Daily(8, 15)),
        (("18:00", "23:45"), Daily(6, 30)),
        (("12:00", "13:00"), Daily(13, 30)),
    ],
)
def test_pruning_comes_behind_the_hours_of_the_backup(
    shipped: Configuration, hours: tuple[str, str], prune: Daily
) -> None:
    assert whens(plan(limited(shipped, hours=hours)))["prune"] == prune


def test_a_set_without_an_interval_is_warned_about_where_starts_are_frequent(
    shipped: Configuration,
) -> None:
    one = limited(shipped, interval=86400, names=("administrations",))

    assert any("the set system has no interval" in warning for warning in plan(one).warnings)
    assert not any("no interval" in warning for warning in plan(shipped).warnings)


def test_not_now_every_ten_minutes_is_neither_mailed_nor_logged(shipped: Configuration) -> None:
    often = limited(shipped, interval=86400)

    def words(configuration: Configuration, scheduler: str) -> str:
        return " ".join(plan(configuration, scheduler).schedule.starts[0].words)

    assert words(often, "cron").endswith("borgmatic --verbosity -1 create")
    assert words(shipped, "cron").endswith("borgmatic create")
    assert words(often, "systemd").endswith("borgmatic create")
    assert "--log-file-verbosity -1" in words(often, "task-scheduler")
    assert "--log-file-verbosity 0" in words(shipped, "task-scheduler")


def test_commands_are_named_by_their_links_in_the_usual_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, usual, other = (tmp_path / name for name in ("venv", "usual", "other"))
    for folder in (own, usual, other):
        folder.mkdir()
    for name in ("avplugin", "borgmatic", "borg"):
        (own / name).touch(mode=0o755)
        (other / name).touch(mode=0o755)
    (usual / "avplugin").symlink_to(shipped_folder("hooks") / "avplugin")
    (usual / "borgmatic").symlink_to(own / "borgmatic")
    monkeypatch.setenv("PATH", str(own))
    monkeypatch.setattr("avplugin.schedule.plan._USUAL_PATH", f"{other}:{usual}")

    found = find_programs()

    assert found.avplugin == str(usual / "avplugin")
    assert found.borgmatic == str(usual / "borgmatic")
    assert found.path == f"{own}:{other}:{usual}"  # for borg, which has no link


def test_the_outcome_of_the_night_is_mailed_where_somebody_is_to_get_it(
    shipped: Configuration,
) -> None:
    told = dataclasses.replace(shipped, report=ReportSettings(mail_to=("a@b.nl",)))

    found = plan(told).schedule

    assert [start.name for start in plan(shipped).schedule.starts] == ["create", "prune"]
    assert [start.name for start in found.starts] == ["create", "prune", "report"]
    line = cron.documents(found)[0].text.splitlines()[-1]
    assert line == (
        "*/10 * * * * root flock --nonblock /run/avplugin-report.lock /usr/local/bin/avplugin"
        " report --mail >/dev/null"
    )
    (service,) = (
        one.text for one in systemd.documents(found) if one.file_name == "avplugin-report.service"
    )
    assert "\nExecStart=/usr/local/bin/avplugin report --mail\nSuccessExitStatus=75\n" in service
    tasks = task_scheduler.documents(dataclasses.replace(found, windows=ACCOUNT))
    wakes = [re.findall("<WakeToRun>(.*)<", task.text) for task in tasks]
    assert wakes == [["true"], ["true"], ["false"]]  # nobody is woken for mail
