"""What Borg is asked before it prunes, and how its answer is understood."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from avplugin.borgmatic.borg import BorgError, judge_archives
from avplugin.borgmatic.configuration import BorgmaticConfigurationError, Repository
from avplugin.borgmatic.prune import judge, refuse_other_rules

A, B, C = ("a" * 64, "b" * 64, "c" * 64)


@pytest.fixture
def borg(tmp_path: Path) -> Repository:
    """A repository of a Borg that notes how it is called and says what stands in a file.

    A stand-in, since only one version of Borg can be installed.
    """
    program = tmp_path / "borg"
    program.write_text(
        f'#!/bin/sh\nprintf \'%s \' "$TZ" "$@" >>{tmp_path}/called\necho >>{tmp_path}/called\n'
        f"cat {tmp_path}/said >&2\n"
    )
    program.chmod(0o755)
    (tmp_path / "called").touch()
    return Repository("/srv/repository", "", {"local_path": str(program)})


def says(repository: Repository, *lines: str) -> None:
    said = "".join(
        '{"type": "log_message", "levelname": "INFO", "name": "borg.output.list", '
        f'"message": "{line}"}}\n'
        for line in lines
    )
    (Path(repository.settings["local_path"]).parent / "said").write_text(said)


def called(repository: Repository) -> list[str]:
    return (Path(repository.settings["local_path"]).parent / "called").read_text().splitlines()


@pytest.mark.parametrize(
    ("keeping", "pruning"),
    [
        # Borg 1.1, 1.2 and 1.4
        (
            "Keeping archive:                         x   Sun, 2026-11-22 02:00:00 [{}]",
            "Would prune:",
        ),
        (
            "Keeping archive (rule: daily #1):        x   Sun, 2026-11-22 02:00:00 [{}]",
            "Would prune:",
        ),
        ("Keeping archive (rule: yearly[oldest] #2): x [{}]", "Pruning archive (1/1):"),
    ],
)
def test_what_each_borg_says_of_keeping_and_pruning_is_understood(
    borg: Repository, keeping: str, pruning: str
) -> None:
    says(
        borg,
        keeping.format(A),
        f"{pruning:<40} [x] Keeping   Sun, 2026-11-22 02:00:00 [{B}]",
        f"Keeping checkpoint archive:  x.checkpoint  Sun, 2026-11-22 02:00:00 [{C}]",
        "Something else that says [1]",
    )

    judged = judge_archives(borg, ["--keep-daily", "1"])

    assert (set(judged.kept), set(judged.pruned)) == ({A, C}, {B})


def test_an_archive_that_is_both_kept_and_pruned_is_an_error(borg: Repository) -> None:
    says(borg, f"Keeping archive: x [{A}]", f"Would prune: x [{A}]")

    with pytest.raises(BorgError, match="both keep and prune"):
        judge_archives(borg, [])


@pytest.mark.parametrize(
    ("within", "later"),
    [("2d", "47H"), ("1w", "167H"), ("1m", "743H"), ("3H", "2H"), ("1y", "8759H")],
)
def test_what_falls_out_of_keep_within_in_an_hour_counts_as_pruned(
    borg: Repository, monkeypatch: pytest.MonkeyPatch, within: str, later: str
) -> None:
    monkeypatch.setenv("TZ", "Europe/Amsterdam")
    says(borg, f"Keeping archive: x [{A}]")
    settings = {**borg.settings, "keep_within": within, "keep_yearly": 1}

    judge(Repository(borg.path, "", settings))

    first, second = called(borg)
    assert f"--keep-within {within} --keep-yearly 1" in first
    assert f"--keep-within {later} --keep-yearly 1" in second
    assert {first.split()[0], second.split()[0]} == {"Europe/Amsterdam"}


@pytest.mark.parametrize("within", ["1H", "5x", "x"])
def test_a_span_of_an_hour_or_of_unknown_length_keeps_nothing_for_sure(
    borg: Repository, within: str
) -> None:
    says(borg, f"Keeping archive: x [{A}]")

    judged = judge(Repository(borg.path, "", {**borg.settings, "keep_within": within}))

    assert (set(judged.kept), set(judged.pruned)) == (set(), {A})


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["prune", "--keep-daily", "1"], "--keep-daily"),
        (["prune", "--keep-within=1d"], "--keep-within"),
        (["prune", "-a", "*"], "-a"),
        (["prune", "--match", "*"], "--match"),
        (["prune", "--glob-archives=*"], "--glob-archives"),
        (["--prefix", "x", "prune"], "--prefix"),
        (["--archive-name-format", "x", "prune"], "--archive-name-format"),
        (["--extra-borg-options.prune", "x", "prune"], "--extra-borg-options.prune"),
        (["--override", "keep_daily=1", "--", "prune"], "--override keep_daily"),
        (["--override=retention.keep_daily=1"], "--override retention.keep_daily"),
        (["--override", "extra_borg_options={prune: --keep-daily 1}"], "--override extra_borg"),
    ],
)
def test_rules_on_the_command_line_are_refused(words: list[str], named: str) -> None:
    with pytest.raises(BorgmaticConfigurationError, match=re.escape(f"called with {named}")):
        refuse_other_rules(["borgmatic", *words])


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["/usr/bin/python3", "/usr/bin/borgmatic", "--config", "x.yaml", "prune", "compact"],
        ["borgmatic", "--verbosity", "-1", "--list", "--stats", "prune", "--repository", "a"],
        ["borgmatic", "--keep-exclude-tags", "--log-json", "prune"],
        ["borgmatic", "--override", "lock_wait=5", "--extra-borg-options.create", "x", "prune"],
        ["borgmatic", "--monitoring-verbosity", "1", "--mariadb-databases", "[]", "prune"],
    ],
)
def test_other_words_on_the_command_line_are_nobodys_business(words: list[str]) -> None:
    refuse_other_rules(words)
