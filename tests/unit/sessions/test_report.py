"""The JSON document of `avplugin sessions --json`."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest

from avplugin.sessions.model import Answer, Doubt, Session, SessionKind
from avplugin.sessions.report import from_document, to_document


def make_session(*, writing: bool = True, table: str = "KLANT.DBF") -> Session:
    return Session(
        kind=SessionKind.USER,
        user="j.bakker",
        machine="BAKKER26",
        folder="TST",
        administration="TST",
        table=table,
        since="2026-11-22T19:15:37+01:00",
        way="samba",
        writing=writing,
        note="by phone",
    )


def make_document() -> dict[str, Any]:
    doubt = Doubt("samba", "B", "its server is off")
    return to_document(Answer((make_session(),), frozenset({"TST"}), (doubt,)), ["TST", "B"])


@pytest.mark.parametrize(
    "answer",
    [
        Answer((), frozenset({"TST", "B"})),
        Answer((make_session(),), frozenset({"TST", "B"})),
        Answer((make_session(writing=False),), frozenset({"TST", "B"})),
        Answer((make_session(table="caf\udc82.dbf"),), frozenset({"TST", "B"})),
        Answer((make_session(),), frozenset({"TST"}), (Doubt("samba", "B", "it is off"),)),
        Answer((), frozenset(), (Doubt("samba", "", "it is off"),)),
    ],
)
def test_an_answer_comes_back_as_it_was(answer: Answer) -> None:
    text = json.dumps(to_document(answer, ["TST", "B"]))

    assert from_document(json.loads(text), ["TST", "B"]) == answer


@pytest.mark.parametrize(
    ("sessions", "covers", "doubts", "word"),
    [
        ((), {"TST"}, (), "nobody"),
        ((make_session(writing=False),), {"TST"}, (), "nobody"),
        ((make_session(),), {"TST"}, (), "somebody"),
        ((make_session(),), set(), (Doubt("smb", "", "off"),), "somebody"),
        ((), {"TST"}, (Doubt("smb", "TST", "off"),), "unknown"),
        ((make_session(writing=False),), set(), (), "unknown"),
    ],
)
def test_one_word_says_what_the_answer_comes_to(
    sessions: tuple[Session, ...], covers: set[str], doubts: tuple[Doubt, ...], word: str
) -> None:
    document = to_document(Answer(sessions, frozenset(covers), doubts), ["TST"])

    assert document["answer"] == word


def test_a_folder_that_no_way_covers_stands_among_what_is_unknown() -> None:
    document = to_document(Answer((), frozenset({"A"})), ["A", "B"])

    (entry,) = document["unknown"]
    assert entry["folder"] == "B"


def test_a_document_says_when_it_was_made_in_utc() -> None:
    checked = datetime.datetime.fromisoformat(make_document()["checked"])

    assert checked.utcoffset() == datetime.timedelta()
    assert abs(datetime.datetime.now(datetime.UTC) - checked) < datetime.timedelta(minutes=1)


def test_covers_may_be_all_that_was_asked() -> None:
    assert from_document({**make_document(), "covers": "all"}, ["A", "B"]).covers == {"A", "B"}


def test_keys_of_another_version_are_passed_over() -> None:
    document = make_document()
    document["more"] = 1
    document["sessions"][0]["more"] = 1

    assert from_document(document, []).sessions == (make_session(),)


@pytest.mark.parametrize("key", ["answer", "checked", "sessions", "covers", "unknown"])
def test_a_key_that_is_missing_is_named(key: str) -> None:
    document = make_document()
    del document[key]

    with pytest.raises(ValueError, match=f"^{key} is missing$"):
        from_document(document, [])


@pytest.mark.parametrize("key", [*(make_document()["sessions"][0])])
def test_a_key_of_a_session_that_is_missing_or_of_another_type_is_named(key: str) -> None:
    document = make_document()
    document["sessions"][0][key] = 1
    with pytest.raises(ValueError, match=rf"^sessions\[0\]\.{key} is "):
        from_document(document, [])
    del document["sessions"][0][key]
    with pytest.raises(ValueError, match=rf"^sessions\[0\]\.{key} is missing$"):
        from_document(document, [])


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"answer": "none"}, "answer is 'none'"),
        ({"answer": "nobody"}, "its answer is nobody, but .* it is somebody"),
        ({"answer": "unknown"}, "its answer is unknown, but"),
        ({"answer": "somebody", "sessions": []}, "it is unknown"),
        ({"answer": "nobody", "sessions": []}, "it is unknown"),
        ({"answer": "unknown", "sessions": [], "unknown": []}, "it is nobody"),
        ({"checked": "yesterday"}, "checked is 'yesterday'"),
        ({"checked": "2026-11-22T19:15:37"}, "checked is without a time zone"),
        ({"checked": 1}, "checked is no text"),
        ({"sessions": {}}, "sessions is no list"),
        ({"sessions": [1]}, r"sessions\[0\] is no object"),
        ({"covers": "some"}, "covers is neither"),
        ({"covers": [1]}, "covers is neither"),
        ({"unknown": [{"way": "x", "folder": ""}]}, r"unknown\[0\]\.why is missing"),
    ],
)
def test_a_document_with_a_fault_is_refused_and_the_fault_named(
    change: dict[str, Any], fault: str
) -> None:
    with pytest.raises(ValueError, match=fault):
        from_document({**make_document(), **change}, [])


@pytest.mark.parametrize(
    ("key", "value"), [("kind", "robot"), ("since", "noon"), ("writing", "yes"), ("writing", None)]
)
def test_a_session_with_a_value_that_cannot_be_is_refused(key: str, value: object) -> None:
    document = make_document()
    document["sessions"][0][key] = value

    with pytest.raises(ValueError, match=rf"^sessions\[0\]\.{key} is "):
        from_document(document, [])


@pytest.mark.parametrize("document", [None, [], "nobody", 0])
def test_what_is_no_object_is_no_document(document: object) -> None:
    with pytest.raises(ValueError, match="the document is no object"):
        from_document(document, [])
