from typing import Any

import pytest

from avplugin.borgmatic.hooks import HOOKS, hook_faults

TAIL = "--borgmatic-config {configuration_filename} --repository {repository}"


def as_shipped() -> list[dict[str, Any]]:
    """Return the commands of configs/borgmatic.d/, as borgmatic reads them."""
    commands = []
    for hook in HOOKS:
        command: dict[str, Any] = {
            hook.moment: "action",
            "when": [hook.action],
            "run": [f"avplugin {hook.command} system {TAIL}"],
        }
        if hook.state:
            command["states"] = [hook.state]
        commands.append(command)
    return commands


def faults(commands: list[dict[str, Any]]) -> list[tuple[str, bool]]:
    return [
        (fault.text, fault.is_needed) for fault in hook_faults({"commands": commands}, "system")
    ]


def test_the_hooks_as_shipped_are_right_wherever_avplugin_lies() -> None:
    assert faults(as_shipped()) == []

    commands = as_shipped()
    for command in commands:
        command["run"] = [f"/opt/my\\ av/{command['run'][0]}"]
    assert faults(commands) == []


@pytest.mark.parametrize("number", range(len(HOOKS)))
def test_a_hook_that_is_missing_is_named_with_what_happens_without_it(number: int) -> None:
    commands = as_shipped()
    del commands[number]

    [(text, is_needed)] = faults(commands)
    assert text == f"nothing calls 'avplugin {HOOKS[number].command}': {HOOKS[number].without}"
    assert is_needed == (HOOKS[number].command != "after-check")


@pytest.mark.parametrize(
    ("number", "change", "said"),
    [
        (0, {"when": ["prune"]}, "has to stand under 'before: action, when: [create]'"),
        (1, {"states": ["fail"]}, "'after: action, when: [create], states: [finish]'"),
        (0, {"run": [f"avplugin before-backup administrations {TAIL}"]}, "for this set, system"),
        (1, {"run": ["avplugin after-backup system"]}, "is not told for what"),
        (
            1,
            {"run": ["echo avplugin after-backups system"]},
            "nothing calls 'avplugin after-backup'",
        ),
    ],
)
def test_a_hook_at_another_moment_or_for_another_set_is_told(
    number: int, change: dict[str, Any], said: str
) -> None:
    commands = as_shipped()
    commands[number].update(change)

    [(text, _)] = faults(commands)
    assert said in text


def test_a_hook_for_everything_that_stands_under_another_moment_is_told() -> None:
    commands = as_shipped()
    commands[0] = {"before": "everything", "when": ["create"], "run": commands[0]["run"]}

    [(text, _)] = faults(commands)
    assert "has to stand under" in text


def test_nothing_of_an_action_may_stand_behind_before_backup() -> None:
    other = {"before": "action", "when": ["create"], "run": ["mount /mnt/usb"]}
    assert faults([other, *as_shipped()]) == []
    assert faults([*as_shipped(), {**other, "when": ["check"]}]) == []
    assert faults([*as_shipped(), {**other, "before": "repository"}]) == []

    said = "behind 'avplugin before-backup' stands another hook: mount /mnt/usb"
    assert faults([*as_shipped(), other]) == [(said, True)]
    del other["when"]
    assert faults([*as_shipped(), other]) == [(said, True)]
