"""Who is in, asked of any program that prints the JSON of `avplugin --json sessions`."""

from __future__ import annotations

import dataclasses
import datetime
import json
import shlex

from avplugin.configuration.sessions import CommandProbe
from avplugin.errors import AvpluginError, NotNow
from avplugin.sessions.child import ChildError, ask_program
from avplugin.sessions.model import Answer, CannotFindOut, Question
from avplugin.sessions.report import from_document

_ANSWERS = {
    0: {"nobody"},
    NotNow.exit_status: {"somebody", "unknown"},
    AvpluginError.exit_status: {"unknown"},
}  # by exit status, as `avplugin sessions` has them
_NOW = 600.0  # seconds by which two machines' clocks may differ
_MOST_QUOTED = 200  # characters of what a program complains of


def find_sessions(probe: CommandProbe, question: Question) -> Answer:
    """Ask the program of the configuration who is in.

    Its exit status has to be 0 when nobody is in, 75 when somebody is, and 1 (or 75) when that is
    not known. Every session and doubt it reports gets the name of this way. Raise
    CannotFindOut if the program fails, or if what it prints is not such a document, is not of now,
    or contradicts itself.
    """
    command = shlex.join(probe.command)
    try:
        ended = ask_program(probe.command, limit=question.limit)
    except ChildError as error:
        raise CannotFindOut(f"{error}.\nTry it by hand: {command}") from error
    failed = CannotFindOut(
        f"{command} failed: {ended.complaint[:_MOST_QUOTED]}.\nIts exit status has to be 0 when"
        f" nobody is in, {NotNow.exit_status} when somebody is, and 1 when that is not known."
    )
    if ended.status not in _ANSWERS or (ended.status == 1 and not ended.output.strip()):
        raise failed
    try:
        if not ended.output.strip():
            raise ValueError("it printed nothing")
        document = json.loads(ended.output)
        answer = from_document(document, (place.folder.label for place in question.places))
        age = datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(
            document["checked"]
        )
        if abs(age.total_seconds()) > _NOW:
            raise ValueError(f"it is of {document['checked']}, not of now")
        if document["answer"] not in _ANSWERS[ended.status]:
            raise ValueError(
                f"its answer is {document['answer']}, and its exit status {ended.status}"
            )
    except (ValueError, RecursionError) as error:
        raise CannotFindOut(
            f"{command} gives a malformed answer: {error}.\nIt has to print what 'avplugin --json"
            " sessions' prints."
        ) from error
    return Answer(
        tuple(dataclasses.replace(session, way=probe.name) for session in answer.sessions),
        answer.covers,
        tuple(dataclasses.replace(doubt, way=probe.name) for doubt in answer.doubts),
    )
