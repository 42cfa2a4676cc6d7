"""Another installation's archives are left alone, whatever they are called."""

from __future__ import annotations

import datetime
from types import SimpleNamespace
from typing import Any, cast

from shelf import folder, manifest

from avplugin.borgmatic.archive import Archive
from avplugin.forget.plan import is_ours

NOW = datetime.datetime(2026, 11, 22, tzinfo=datetime.UTC)
OFFICE = cast(Any, SimpleNamespace(installation_name="office"))
SOURCE = cast(Any, SimpleNamespace(series=("office-administrations",)))


def archive(series: str) -> Archive:
    return Archive(f"{series}-2026-11-22T02:00:00", series, NOW)


def test_the_manifest_says_whose_archive_it_is() -> None:
    ours = manifest(folder("WEG"))
    assert is_ours(OFFICE, SOURCE, archive("office-administrations"), ours)
    assert is_ours(OFFICE, SOURCE, archive("office-old-set"), ours)
    other = cast(Any, SimpleNamespace(installation_name="off"))
    assert not is_ours(other, SOURCE, archive("office-administrations"), ours)


def test_without_a_manifest_only_a_series_of_ours_is_ours() -> None:
    assert is_ours(OFFICE, SOURCE, archive("office-administrations"), None)
    assert not is_ours(OFFICE, SOURCE, archive("office-2-administrations"), None)
