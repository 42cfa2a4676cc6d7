"""The ready files for schedulers in configs/: what avplugin writes when nothing was changed.

`python tests/schedules.py` writes them anew.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from avplugin.configuration.load import load_configuration
from avplugin.schedule.model import WindowsAccount
from avplugin.schedule.plan import Programs, Wishes, plan_schedule
from avplugin.schedule.present import SCHEDULERS
from avplugin.shipped import shipped_folder

# As README has them: links in /usr/local/bin, and the configuration in /etc.
PROGRAMS = Programs(
    "/usr/local/bin/avplugin",
    "/usr/local/bin/borgmatic",
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
)
ACCOUNT = WindowsAccount(
    "KANTOOR\\beheerder", "Debian", "C:\\Program Files\\WSL\\wsl.exe", has_password=False
)


def ready_files() -> dict[Path, bytes]:
    """Return what belongs in each of the files of configs/."""
    configs = shipped_folder("configs")
    shipped = load_configuration(str(configs / "accountview.yaml"))
    configuration = dataclasses.replace(shipped, file=Path("/etc/avplugin/accountview.yaml"))
    files = {}
    for scheduler in SCHEDULERS:
        windows = ACCOUNT if scheduler.NAME == "task-scheduler" else None
        plan = plan_schedule(configuration, Wishes(), PROGRAMS, scheduler.NAME, windows)
        for document in scheduler.documents(plan.schedule):
            files[configs / scheduler.NAME / document.file_name] = document.data
    return files


if __name__ == "__main__":
    for file, data in ready_files().items():
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(data)
