"""The JSON document of `avplugin --json sessions`, which other programs may print too."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

from avplugin.sessions.model import Answer, Doubt, Session, SessionKind

_ANSWERS = ("nobody", "somebody", "unknown")
_WORDS = ("user", "machine", "folder", "administration", "table", "since", "way", "note")
_LONGEST = 2000  # characters of a name or a reason
_BYTES = {chr(code) for code in range(0xDC80, 0xDD00)}  # of a name that is not UTF-8: PEP 383
_DOUBT_WORDS = ("way", "folder", "why")


def to_document(answer: Answer, asked: Iterable[str]) -> dict[str, Any]:
    """Return the document for an answer about the folders with the labels `asked`.

    Its `answer` is *somebody* when anybody has something open for writing; otherwise *unknown* when
    there is a doubt or a folder of which nobody knows; otherwise *nobody*. Readers do not count.
    `checked` is now, in UTC.
    """
    doubts = [*answer.doubts, *_uncovered(answer, asked)]
    return {
        "answer": _word(answer.sessions, doubts),
        "checked": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "sessions": [
            {
                "kind": session.kind.value,
                **{word: getattr(session, word) for word in _WORDS},
                "writing": session.writing,
            }
            for session in answer.sessions
        ],
        "covers": sorted(answer.covers),
        "unknown": [{word: getattr(doubt, word) for word in _DOUBT_WORDS} for doubt in doubts],
    }


def from_document(document: object, asked: Iterable[str]) -> Answer:
    """Return the answer that a document is, about the folders with the labels `asked`.

    `covers` may be the word *all* instead of a list. Keys that are not known are passed over. Raise
    ValueError, naming the first fault, if the document is not complete or contradicts itself.
    """
    top = _mapping(document, "the document")
    word = _one_of(top, "answer", "", _ANSWERS)
    if _moment(_text(top, "checked", ""), "checked").tzinfo is None:
        raise ValueError("checked is without a time zone")
    sessions = tuple(
        _session(_mapping(entry, f"sessions[{number}]"), f"sessions[{number}].")
        for number, entry in enumerate(_list(top, "sessions"))
    )
    doubts = tuple(
        _doubt(_mapping(entry, f"unknown[{number}]"), f"unknown[{number}].")
        for number, entry in enumerate(_list(top, "unknown"))
    )
    if word != _word(sessions, doubts):
        raise ValueError(
            f"its answer is {word}, but by its sessions and what it does not know it is"
            f" {_word(sessions, doubts)}"
        )
    return Answer(sessions, _covers(top, asked), doubts)


def _uncovered(answer: Answer, asked: Iterable[str]) -> list[Doubt]:
    doubted = {doubt.folder for doubt in answer.doubts}
    return [
        Doubt("", label, "no way of finding out covers it")
        for label in asked
        if label not in answer.covers and not doubted & {label, ""}
    ]


def _word(sessions: Iterable[Session], doubts: Iterable[Doubt]) -> str:
    if any(session.writing for session in sessions):
        return "somebody"
    return "unknown" if any(True for _ in doubts) else "nobody"


def _session(entry: Mapping[str, Any], where: str) -> Session:
    kind = _one_of(entry, "kind", where, [kind.value for kind in SessionKind])
    words = {word: _text(entry, word, where) for word in _WORDS}
    if words["since"]:
        _moment(words["since"], f"{where}since")
    writing = _value(entry, "writing", where)
    if not isinstance(writing, bool):
        raise ValueError(f"{where}writing is neither true nor false")
    return Session(kind=SessionKind(kind), writing=writing, **words)


def _doubt(entry: Mapping[str, Any], where: str) -> Doubt:
    return Doubt(**{word: _text(entry, word, where) for word in _DOUBT_WORDS})


def _covers(top: Mapping[str, Any], asked: Iterable[str]) -> frozenset[str]:
    covers = _value(top, "covers", "")
    if covers == "all":
        return frozenset(asked)
    if not isinstance(covers, list) or not all(isinstance(label, str) for label in covers):
        raise ValueError('covers is neither a list of labels nor "all"')
    return frozenset(covers)


def _mapping(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{where} is no object")
    return value


def _list(entry: Mapping[str, Any], key: str) -> list[Any]:
    value = _value(entry, key, "")
    if not isinstance(value, list):
        raise ValueError(f"{key} is no list")
    return value


def _text(entry: Mapping[str, Any], key: str, where: str) -> str:
    value = _value(entry, key, where)
    if not isinstance(value, str):
        raise ValueError(f"{where}{key} is no text")
    if len(value) > _LONGEST:
        raise ValueError(f"{where}{key} is {len(value)} characters long")
    if not all(character.isprintable() or character in _BYTES for character in value):
        raise ValueError(f"{where}{key} holds characters that cannot be shown")
    return value


def _one_of(entry: Mapping[str, Any], key: str, where: str, known: Iterable[str]) -> str:
    value = _text(entry, key, where)
    if value not in known:
        raise ValueError(f"{where}{key} is {value!r}, not one of {', '.join(known)}")
    return value


def _value(entry: Mapping[str, Any], key: str, where: str) -> Any:
    if key not in entry:
        raise ValueError(f"{where}{key} is missing")
    return entry[key]


def _moment(text: str, where: str) -> datetime.datetime:
    try:
        return datetime.datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{where} is {text!r}, not a time in the form of ISO 8601") from error
