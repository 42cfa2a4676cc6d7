"""Whether borgmatic's file of a set keeps what avplugin promises."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from avplugin.borgmatic.configuration import BorgmaticConfiguration, check_promises
from avplugin.borgmatic.hooks import hook_faults
from avplugin.borgmatic.validate import faults_of
from avplugin.configuration.model import BackupSet, Configuration
from avplugin.doctor.finding import Finding, error, fine, warning
from avplugin.errors import AvpluginError
from avplugin.state.run import SetState

_AS_SHIPPED = "configs/borgmatic.d/ has these lines as they have to be."
_EXCLUDES = ("exclude_patterns", "exclude_from", "exclude_caches", "exclude_if_present")
_CODES = (1, 100, 107)
_UNCHECKED = "unsafe_skip_path_validation_before_create"


def check(
    configuration: Configuration, backup_set: BackupSet, borgmatic: BorgmaticConfiguration
) -> Iterator[Finding]:
    """Look at one file: borgmatic's own opinion, the promises, the hooks, and what weakens them."""
    findings = list(_findings(configuration, backup_set, borgmatic))
    if not findings:
        yield fine(f"{borgmatic.file} keeps the promises of the set {backup_set.name}")
    yield from findings
    yield from _retention(borgmatic)
    patterns = SetState(configuration.state, backup_set.name).patterns
    if not patterns.exists():
        yield fine(
            f"{patterns} is not written yet: until the first night, 'borgmatic --dry-run' fails"
            " without it"
        )


def _findings(
    configuration: Configuration, backup_set: BackupSet, borgmatic: BorgmaticConfiguration
) -> Iterator[Finding]:
    file = borgmatic.file
    for fault in faults_of(file):
        advice = f"Mend {file}."
        if "'keep_last'" in fault:
            advice += " keep_secondly is what borgmatic has for keep_last: it keeps as many."
        yield error(f"borgmatic refuses {file}: {fault}", advice)
    patterns = SetState(configuration.state, backup_set.name).patterns
    broken: dict[str, Finding] = {}
    for repository in borgmatic.repositories:
        try:
            check_promises(borgmatic, repository, configuration, backup_set, patterns)
        except AvpluginError as failure:
            broken.setdefault(str(failure), error(str(failure).replace("\n", " "), _AS_SHIPPED))
    yield from broken.values()
    for hook in hook_faults(borgmatic.settings, backup_set.name):
        yield (error if hook.is_needed else warning)(f"{file}: {hook.text}", _AS_SHIPPED)
    for text, advice in _weaknesses(borgmatic.settings):
        yield warning(f"{file}: {text}", advice)


def _weaknesses(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what is allowed, but makes for worse nights, with what to do."""
    entries = settings.get("borg_exit_codes") or ()
    treated = {one.get("code") for one in entries if one.get("treat_as") == "error"}
    missing = [str(code) for code in _CODES if code not in treated]
    if missing:
        yield (
            f"borg_exit_codes does not make errors of Borg's warnings {', '.join(missing)}, with"
            " which a file can be missing",
            _AS_SHIPPED,
        )
    if (settings.get("bootstrap") or {}).get("store_config_files", True):
        yield (
            "borgmatic stores its own files in each archive, passphrases in them too",
            "Set 'bootstrap: {store_config_files: false}'.",
        )
    if "ctime" not in str(settings.get("files_cache") or "ctime"):
        yield (
            f"files_cache: {settings['files_cache']} lets Borg pass over a file whose time was put"
            " back",
            "Remove it, unless a share has no change times.",
        )
    databases = [key for key in settings if key.endswith("_databases") and settings[key]]
    if databases and settings.get(_UNCHECKED):
        yield (
            f"with {_UNCHECKED}, {databases[0]} has Borg wait for ever at a named pipe or device",
            f"Remove {_UNCHECKED}, or copy the databases by a file of their own.",
        )
    if settings.get("retries"):
        yield (
            f"retries: {settings['retries']} has borgmatic repeat a night that is only put off",
            "Set it to 0; the next start of the schedule tries again.",
        )
    for key in ("source_directories", "patterns"):
        if settings.get(key):
            yield (
                f"{key} stores more than before-backup lists, so that no archive is proven clean",
                "Remove it: the folders stand in accountview.yaml.",
            )
    for key in _EXCLUDES:
        if settings.get(key):
            yield (
                f"{key} can leave files out, and their archive is not proven clean then",
                "Remove it from AccountView's sets.",
            )
    names = [one.get("name") for one in settings.get("checks") or ()]
    if "disabled" in names:
        yield (
            "checks are disabled, and restore drills with them",
            "List repository and archives under 'checks'.",
        )


def _retention(borgmatic: BorgmaticConfiguration) -> Iterator[Finding]:
    kept = {
        key: value
        for key, value in borgmatic.settings.items()
        if key.startswith("keep_") and key != "keep_exclude_tags" and value
    }
    if not kept:
        yield warning(
            f"{borgmatic.file}: no keep_* says what to keep, so that prune fails and all is kept",
            "Set keep_daily, keep_weekly, keep_monthly and keep_yearly.",
        )
        return
    said = ", ".join(f"{key} {value}" for key, value in kept.items())
    yield fine(f"{borgmatic.file}: of clean snapshots prune keeps {said}")
