"""Who is in, asked of any program that prints the JSON of `avplugin sessions --json`."""

from __future__ import annotations

import dataclasses
import datetime
import json
import shlex

from avplugin.configuration.sessions import CommandProbe
from avplugin.errors import NotNow
from avplugin.sessions.child import ChildError, ask_program
from avplugin.sessions.model import Answer, CannotFindOut, Question
from avplugin.sessions.report import from_document

_NOW = 600.0  # seconds by which two machines' clocks may differ
_MOST_QUOTED = 200  # characters of what a program complains of


def find_sessions(probe: CommandProbe, question: Question) -> Answer:
    """Ask the program of the configuration who is in.

    Its exit status has to be 0 when nobody is in, and 75 when somebody is or when it does not know
    of every folder. Every session and doubt it reports gets the name of this way. Raise
    CannotFindOut if the program fails, as `avplugin sessions` does with exit status 1 when it
    cannot find out, or if what it prints is not such a document or contradicts itself.
    """
    command = shlex.join(probe.command)
    try:
        ended = ask_program(probe.command, limit=question.limit)
    except ChildError as error:
        raise CannotFindOut(f"{error}.\nTry it by hand: {command}") from error
    if ended.status not in (0, NotNow.exit_status):
        raise CannotFindOut(
            f"{command} failed: {ended.complaint[:_MOST_QUOTED]}.\nIts exit status has to be 0 when"
            f" nobody is in and {NotNow.exit_status} when somebody is."
        )
    try:
        document = json.loads(ended.output)
        answer = from_document(document, (place.folder.label for place in question.places))
        age = datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(
            document["checked"]
        )
        if abs(age.total_seconds()) > _NOW:
            raise ValueError(f"it is of {document['checked']}, not of now")
        free = document["answer"] == "nobody"
        if free != (ended.status == 0):
            raise ValueError(
                f"its answer is {document['answer']}, and its exit status {ended.status}"
            )
    except (ValueError, RecursionError) as error:
        raise CannotFindOut(
            f"{command} gives a malformed answer: {error}.\nIt has to print what 'avplugin sessions"
            " --json' prints."
        ) from error
    return Answer(
        tuple(dataclasses.replace(session, way=probe.name) for session in answer.sessions),
        answer.covers,
        tuple(dataclasses.replace(doubt, way=probe.name) for doubt in answer.doubts),
    )
