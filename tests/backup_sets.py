"""Sets as accountview.yaml describes them."""

from __future__ import annotations

from pathlib import Path

from avplugin.configuration.model import BackupSet
from avplugin.configuration.sessions import OnBusy

# All administrations, with no interval and no window.
PLAIN = BackupSet(
    name="administrations",
    folders=(),
    select=("*",),
    borgmatic=Path("x.yaml"),
    only_changed=True,
    on_busy=OnBusy.LEAVE_OUT,
    blocked_by=frozenset(),
    overdue_after=2 * 86400.0,
)
