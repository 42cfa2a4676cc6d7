"""Whether anybody is in before a backup: wait, leave out, put off, or go on all the same."""

from __future__ import annotations

import dataclasses
import datetime
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from avplugin.backup.call import Call
from avplugin.backup.due import due_since
from avplugin.backup.plan import Plan
from avplugin.configuration.duration import human_duration
from avplugin.configuration.sessions import OnBusy, People
from avplugin.errors import AvpluginError, NotNow
from avplugin.installation.model import Folder, Installation, Kind
from avplugin.installation.scan import Contents
from avplugin.sessions.blocking import Verdict, describe, judge
from avplugin.sessions.find_out import find_out
from avplugin.sessions.guard import FenceRefused, Guard
from avplugin.sessions.key_tables import key_tables
from avplugin.sessions.model import (
    Answer,
    Doubt,
    Labels,
    Place,
    Session,
    SessionKind,
    make_place,
    session_in,
)
from avplugin.sessions.notify import BEGIN, END, Notifier
from avplugin.sessions.overview import look_into
from avplugin.state.manifest import FolderManifest, Manifest
from avplugin.state.run import Run
from avplugin.state.waiting import WHOLE_SET, Waiting, WaitingList

_POLL = 15.0  # seconds between two looks while people are waited for
_LAST_CALL = 300.0  # seconds before the end of waiting


class PutOff(AvpluginError):  # noqa: N818 - named for what becomes of the backup
    """There is no backup, because somebody is in.

    `in_use` says in which folders and why, `people` who that is.
    """

    def __init__(self, message: str, in_use: Iterable[str], people: Iterable[str]) -> None:
        self.in_use = tuple(in_use)
        self.people = tuple(people)
        super().__init__(message)


class SomebodyIn(PutOff, NotNow):
    """There is no backup now, and later there may be."""


@dataclasses.dataclass(frozen=True, slots=True)
class Clearance:
    """What the sessions allow. Keys are labels of folders, values reasons.

    `in_use` and `unknown` are left out; `overdue` are those in use that waited too long, and of
    which there is a recent copy that is not clean. `despite` are copied all the same, so the
    archive will not be clean. `people` are those who are in the way.
    """

    in_use: Mapping[str, str] = dataclasses.field(default_factory=dict)
    unknown: Mapping[str, str] = dataclasses.field(default_factory=dict)
    overdue: Mapping[str, str] = dataclasses.field(default_factory=dict)
    despite: Mapping[str, str] = dataclasses.field(default_factory=dict)
    people: tuple[str, ...] = ()

    @property
    def left_out(self) -> dict[str, str]:
        """All that is not copied."""
        return {**self.in_use, **self.unknown}

    def joined(self, later: Clearance) -> Clearance:
        """Return this one with what was found out later."""
        return Clearance(
            {**self.in_use, **later.in_use},
            {**self.unknown, **later.unknown},
            {**self.overdue, **later.overdue},
            {**self.despite, **later.despite},
            tuple(dict.fromkeys((*self.people, *later.people))),
        )


def clear_the_way(
    call: Call, plan: Plan, guard: Guard | None, say: Callable[[str], None]
) -> Clearance:
    """Find out who is in, wait for them as configured, stop services, and say what may be copied.

    `say` is told what is waited for. Raise NotNow if the set is put off, AvpluginError if that is
    to be an error, or if it could not be found out who is in.
    """
    settings = call.configuration.sessions
    if not settings.probes:
        if guard is not None and settings.quiesce:
            guard.stop_services()
        return Clearance()
    count = len(plan.folders)
    places = [make_place(folder, plan.contents[folder.path]) for folder in plan.folders]
    verdict = look(call, places, plan.installation)
    stopped = False
    if guard is not None and settings.quiesce and _only_services(verdict):
        guard.stop_services()
        stopped = True
        verdict = _look_now(call, plan)
    verdict = _wait(call, verdict, lambda: _look_now(call, plan), say)
    in_vain = stopped or _is_in_vain(call, verdict, count)
    if guard is not None and settings.quiesce and not in_vain:
        guard.stop_services()
        verdict = _look_now(call, plan)
    return decide(call, verdict, [folder.label for folder in plan.folders])


def put_up_fence(
    call: Call, plan: Plan, guard: Guard, clearance: Clearance, say: Callable[[str], None]
) -> Clearance:
    """Have the guard hold the key tables of all folders to be copied; return what may be copied.

    Somebody who has one of them open came in at the last moment, and counts as one who is in. Raise
    as clear_the_way does, and GuardError if the fence cannot be put up.
    """
    if clearance.despite:
        return clearance  # somebody is in, so nothing can be proven
    while True:
        open_to_all = [one for one in plan.folders if one.label not in clearance.left_out]
        tables = _key_tables(call, plan, open_to_all)
        if not tables:
            say(f"{call.set.name}: there is no table that a fence could hold")
            return clearance
        try:
            bare = guard.put_up_fence(list(tables))
        except FenceRefused as error:
            clearance = clearance.joined(_came_in(call, plan, open_to_all, error.tables))
            if clearance.despite:
                return clearance
        else:
            for label in dict.fromkeys(tables[table].label for table in bare):
                say(f"{label} lies in no share of the probe smb, so the fence does not cover it")
            return clearance


def _key_tables(call: Call, plan: Plan, folders: Sequence[Folder]) -> dict[str, Folder]:
    """Return the paths of the tables to hold, each with its folder."""
    patterns = call.configuration.sessions.fence_tables
    return {
        table: folder
        for folder in folders
        for table in key_tables(folder, plan.contents[folder.path], patterns)
    }


def _came_in(call: Call, plan: Plan, folders: Sequence[Folder], tables: Sequence[str]) -> Clearance:
    """Return what may be copied now that somebody was met in these tables."""
    inside = Labels(folders)
    sessions = tuple(
        session_in(
            inside.find(os.fsencode(table)),
            way="fence",
            user="",
            machine="",
            since="",
            writing=True,
        )
        for table in tables
    )
    labels = [folder.label for folder in folders]
    verdict = judge(
        Answer(sessions, frozenset(labels)),
        [make_place(folder, plan.contents[folder.path]) for folder in folders],
        plan.installation.folders,
        kinds=frozenset(SessionKind),
        ignore=People(),
    )
    return decide(call, verdict, labels)


def _look_now(call: Call, plan: Plan) -> Verdict:
    """Look once more, into the folders as they are now: tables come and go while people work."""
    places, doubts = look_into(plan.folders, plan.installation)
    return look(call, places, plan.installation, doubts)


def look(
    call: Call,
    places: Sequence[Place],
    installation: Installation,
    doubts: Sequence[Doubt] = (),
) -> Verdict:
    """Return who is in the way of a backup of these places at this moment.

    Whoever is in an administration is in the way of the program, system and extra folders too, so
    that for these all administrations are asked about.
    """
    configuration = call.configuration
    asked = list(places)
    if call.set.folders:
        known = {place.folder.label for place in places}
        others = [
            folder
            for folder in installation.folders
            if folder.kind is Kind.ADMINISTRATION and folder.label not in known
        ]
        more, unread = look_into(others, installation)
        asked += more
        doubts = [*doubts, *unread]
    answer = find_out(configuration.sessions, asked, installation.folders, configuration.drives)
    return judge(
        dataclasses.replace(answer, doubts=(*answer.doubts, *doubts)),
        places,
        installation.folders,
        kinds=call.set.blocked_by,
        ignore=configuration.sessions.ignore,
    )


def decide(call: Call, verdict: Verdict, labels: Sequence[str]) -> Clearance:
    """Return what may be copied of the folders with these labels; note what has to wait.

    Raise NotNow or AvpluginError if it is nothing.
    """
    if verdict.is_free:
        return Clearance()
    waiting = WaitingList(call.state.folder)
    now = datetime.datetime.now(datetime.UTC)
    in_use = {label: f"in use: {describe(found)}" for label, found in verdict.busy.items()}
    blocked = {**in_use, **verdict.unknown}
    whole = call.set.on_busy is not OnBusy.LEAVE_OUT or len(blocked) == len(labels)
    who = {**blocked, **({WHOLE_SET: _who(verdict)} if whole else {})}
    since = min(due_since(call.set, call.last_good(), now), now)
    waiting.note(call.repository.path, who, since.isoformat(timespec="seconds"))

    entries = waiting.entries(call.repository.path)
    limit = call.set.overdue_after
    people = people_of(verdict.sessions)
    overdue = {label: entries[label] for label in who if entries[label].is_overdue(now, limit)}
    if any(entry.wants_copy(now, limit) for entry in overdue.values()):
        # The archive cannot be clean any more, so it may as well hold everything.
        return Clearance(despite=blocked, people=people)
    if whole:
        raise _put_off(call, verdict, next(iter(overdue.values()), None))
    return Clearance(
        in_use=in_use,
        unknown=verdict.unknown,
        overdue={label: _overdue(one) for label, one in overdue.items()},
        people=people,
    )


def people_of(sessions: Iterable[Session]) -> tuple[str, ...]:
    """Return who these are, each once."""
    return tuple(dict.fromkeys(session.person for session in sessions))


def who_came_in(
    call: Call, run: Run, manifest: Manifest, before: Mapping[str, Contents]
) -> list[str]:
    """Return a sentence for each folder of the run that somebody is in now, or may be.

    Raise AvpluginError if the list of administrations cannot be read.
    """
    settings = call.configuration.sessions
    if not settings.probes:
        return []
    installation = call.configuration.locate()
    known = {(folder.label, folder.path): folder for folder in installation.folders}
    places = [
        make_place(known.get((part.label, part.path)) or _as_folder(part), before[part.path])
        for part in manifest.stored
        if part.label not in run.despite
    ]
    verdict = look(call, places, installation)
    busy = [
        f"{label} was in use after the copy: {describe(found)}"
        for label, found in verdict.busy.items()
    ]
    unknown = [
        f"whether anybody came in cannot be known: {why}"
        for why in dict.fromkeys(verdict.unknown.values())
    ]
    unseen = (
        [
            f"{describe(verdict.unseen)}; that does not count as somebody, but what was written"
            " there need not show yet"
        ]
        if verdict.unseen
        else []
    )
    return busy + unknown + unseen


def _as_folder(part: FolderManifest) -> Folder:
    return Folder(part.kind, part.code, part.name, part.path, part.windows_path)


def _wait(
    call: Call, verdict: Verdict, ask: Callable[[], Verdict], say: Callable[[str], None]
) -> Verdict:
    """Ask until nobody is in the way or the time is over; a doubt is not waited for."""
    length = call.configuration.sessions.wait
    end = time.monotonic() + length
    notifier = Notifier(call.configuration.sessions, say)
    if length and verdict.busy and not verdict.unknown:
        who = describe(verdict.sessions)
        say(f"{call.set.name}: waiting up to {human_duration(length)} for people to leave: {who}")
    while verdict.busy and not verdict.unknown and (left := end - time.monotonic()) > 0:
        notifier.tell(BEGIN, verdict.sessions, left)
        if left <= min(_LAST_CALL, length / 5):
            notifier.tell(END, verdict.sessions, left)
        left = max(end - time.monotonic(), 0.0)
        time.sleep(min(_POLL, max(1.0, length / 10), left))
        verdict = ask()
    return verdict


def _only_services(verdict: Verdict) -> bool:
    """Return whether nobody is in the way but what can be stopped: waiting would be no use."""
    return bool(verdict.busy) and all(
        session.kind is not SessionKind.USER for session in verdict.sessions
    )


def _is_in_vain(call: Call, verdict: Verdict, places: int) -> bool:
    """Return whether there will be no backup whatever services are stopped.

    Nothing can be found out, or the set is put off because of somebody known by name.
    """
    if len(verdict.unknown) == places:
        return True
    return call.set.on_busy is not OnBusy.LEAVE_OUT and any(
        session.kind is SessionKind.USER and session.user for session in verdict.sessions
    )


def _put_off(call: Call, verdict: Verdict, overdue: Waiting | None) -> AvpluginError:
    lines = [f"{label}: {describe(found)}" for label, found in verdict.busy.items()]
    lines += dict.fromkeys(verdict.unknown.values())
    shown = "\n".join([*lines[:8], *([f"... and {len(lines) - 8} more"] if lines[8:] else [])])
    kind, why = PutOff, "no backup."
    if overdue is not None:
        why = f"no clean backup; {_overdue(overdue)}."
    elif call.set.on_busy is OnBusy.FAIL and not verdict.unknown:
        why = "no backup, since somebody is in."
    elif not verdict.unknown:
        kind, why = SomebodyIn, "put off, since somebody is in."
    said = (f"{label}: in use: {describe(found)}" for label, found in verdict.busy.items())
    return kind(f"{call.set.name}: {why}\n{shown}", said, people_of(verdict.sessions))


def _who(verdict: Verdict) -> str:
    said: Iterable[str] = dict.fromkeys(verdict.unknown.values())
    return "; ".join([describe(verdict.sessions)] if verdict.busy else said)


def _overdue(entry: Waiting) -> str:
    since = datetime.datetime.fromisoformat(entry.since).astimezone()
    return f"overdue, because since {since:%Y-%m-%d %H:%M} somebody was always in: {entry.who}"
