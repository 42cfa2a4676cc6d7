"""What is mounted where, and whether permissions can be put back there."""

from __future__ import annotations

from pathlib import Path

import pytest

from avplugin.restore import mounts

# As Linux, and WSL, write them.
MOUNTINFO = r"""22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
30 22 0:40 / /mnt/c rw,noatime - 9p C:\134 rw,dirsync,aname=drvfs;path=C:\;uid=1000,mmap
31 22 0:41 / /srv/een\040map rw - cifs //server/av rw,vers=3.1.1
32 22 0:42 / /srv/guest rw - 9p share rw,trans=virtio
33 32 8:2 / /srv/guest/usb rw - vfat /dev/sdb1 rw
34 33 8:3 / /srv/guest/usb rw - ext4 /dev/sdc1 rw
"""


@pytest.fixture(autouse=True)
def _mounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "mountinfo"
    file.write_text(MOUNTINFO)
    monkeypatch.setattr(mounts, "_MOUNTS", file)


@pytest.mark.parametrize(
    ("folder", "said"),
    [
        ("/srv/av", ""),
        ("/mnt/c/AccountView", "come from the folder above, as Windows does it"),
        ("/mnt/cd", ""),
        ("/srv/een map/admins", "come from the folder above, as Windows does it"),
        ("/srv/guest/admins", ""),
        ("/srv/guest/usb/admins", ""),  # the last of two on one place counts
    ],
)
def test_where_permissions_are_inherited_it_is_said(folder: str, said: str) -> None:
    warning = mounts.permissions_warning(Path(folder))

    assert said in warning
    assert bool(said) == bool(warning)


def test_mounts_are_found_at_a_folder_and_below_it() -> None:
    assert mounts.mounts_at_or_below(Path("/srv/guest")) == [
        Path("/srv/guest"),
        Path("/srv/guest/usb"),
        Path("/srv/guest/usb"),
    ]
    assert mounts.mounts_at_or_below(Path("/srv/een map/admins")) == []
