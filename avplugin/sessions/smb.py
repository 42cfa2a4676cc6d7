"""Who is in, asked of a file server over SMB: a table that somebody writes cannot be fenced off.

Every table is opened so that nobody else may write to it, and closed at once. The server refuses
that while somebody has the table open for writing. It does not say who.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import os
import time

from smbprotocol.header import NtStatus

from avplugin.configuration.sessions import SmbProbe
from avplugin.installation.windows_path import one_line
from avplugin.sessions.model import (
    Answer,
    CannotFindOut,
    Doubt,
    Place,
    Question,
    Session,
    session_in,
)
from avplugin.sessions.smb_share import (
    ShareError,
    SharePaths,
    UnsendableNameError,
    open_share,
    status_name,
)

# Somebody has the file. MS-ERREF 2.3.1; which of them when: MS-FSA 2.1.5.1.2.
_IN_USE = {
    NtStatus.STATUS_SHARING_VIOLATION: "",
    NtStatus.STATUS_DELETE_PENDING: "the file goes when it is closed",
    NtStatus.STATUS_PENDING: "held by a client that does not answer",
}
_NOT_THERE = {
    NtStatus.STATUS_NO_SUCH_FILE,
    NtStatus.STATUS_OBJECT_NAME_NOT_FOUND,
    NtStatus.STATUS_OBJECT_PATH_NOT_FOUND,
}


@dataclasses.dataclass(frozen=True, slots=True)
class _Inquiry:
    """What is to be asked about one folder: paths in the share, and what they are in the folder.

    `troubles` are sentences about what cannot be asked.
    """

    place: Place
    files: dict[str, bytes]
    troubles: tuple[str, ...]


def find_sessions(probe: SmbProbe, question: Question) -> Answer:
    """Find out who has files open in the folders that lie in the probe's share.

    Raise CannotFindOut if no folder of the installation lies there, or the share cannot be used.
    """
    deadline = time.monotonic() + question.limit
    paths = SharePaths(probe, question.drives)
    inquiries = [
        _inquire(probe, place, paths, exclusive=question.exclusive)
        for place in question.places
        if paths.has(os.fsencode(place.folder.path))
    ]
    if question.places and not inquiries:
        if any(paths.has(os.fsencode(folder.path)) for folder in question.folders):
            return Answer((), frozenset())  # these are another server's
        raise CannotFindOut(
            rf"no folder is known to lie in \\{one_line(probe.server)}"
            rf"\{one_line(probe.share)}."
            "\nSay with `folder` where this share is on this machine, or name it in `drives`."
        )
    try:
        said, silence = _ask(probe, inquiries, deadline, exclusive=question.exclusive)
    except ShareError as error:
        raise CannotFindOut(str(error)) from error
    doubts = []
    for inquiry in inquiries:
        troubles = _troubles(probe, inquiry, said, silence)
        if troubles:
            doubts.append(Doubt(probe.name, inquiry.place.folder.label, _some(troubles)))
    doubtful = {doubt.folder for doubt in doubts}
    return Answer(
        sessions=tuple(
            _session(probe, inquiry, path, said[path], exclusive=question.exclusive)
            for inquiry in inquiries
            for path in inquiry.files
            if said.get(path) in _IN_USE
        ),
        covers=frozenset(inquiry.place.folder.label for inquiry in inquiries) - doubtful,
        doubts=tuple(doubts),
    )


def _inquire(probe: SmbProbe, place: Place, paths: SharePaths, *, exclusive: bool) -> _Inquiry:
    """Return what is to be asked about a folder that lies in the share."""
    candidates = place.files if exclusive else place.tables
    chosen = candidates
    # The patterns name tables that everybody who is in has open. Where none of them is, as in the
    # system folder, all are tried. A restore replaces all files.
    if probe.tables and not exclusive:
        named = tuple(path for path in candidates if _matches(path, probe.tables))
        chosen = named or candidates
    files: dict[str, bytes] = {}
    troubles = []
    folder = os.fsencode(place.folder.path)
    if exclusive and os.path.isdir(folder):  # noqa: PTH112 - bytes, as the system has it
        chosen = (*chosen, b"")  # the folder itself, which an Explorer window holds
    for path in chosen:
        try:
            files[paths.find(b"%s/%s" % (folder, path)) or ""] = path
        except UnsendableNameError as error:
            troubles.append(f"{error} (rename it)")
    return _Inquiry(place, files, tuple(troubles))


def _matches(path: bytes, patterns: tuple[str, ...]) -> bool:
    name = os.fsdecode(path.rpartition(b"/")[2]).lower()
    return any(fnmatch.fnmatchcase(name, pattern.lower()) for pattern in patterns)


def _ask(
    probe: SmbProbe, inquiries: list[_Inquiry], deadline: float, *, exclusive: bool
) -> tuple[dict[str, int], str]:
    """Return what the server said of each path, and why it did not speak of the others.

    Raise ShareError if it does not let us ask.
    """
    asked = dict.fromkeys(path for inquiry in inquiries for path in inquiry.files)
    said: dict[str, int] = {}
    share = open_share(probe, deadline)
    try:
        for opened in share.try_files(asked, deadline, exclusive=exclusive):
            said[opened.path] = opened.status
    except ShareError as error:
        return said, str(error).partition("\n")[0]
    finally:
        share.drop()
    return said, ""


def _troubles(
    probe: SmbProbe, inquiry: _Inquiry, said: dict[str, int], silence: str
) -> tuple[str, ...]:
    """Return a sentence for everything that keeps the folder from being found empty."""
    troubles = list(inquiry.troubles)
    for path in inquiry.files:
        status = said.get(path)
        file = rf"\\{one_line(probe.server)}\{one_line(probe.share)}\{one_line(path)}"
        if status == NtStatus.STATUS_ACCESS_DENIED:
            troubles.append(
                f"{one_line(probe.username)} may not read {file} (give that user read rights)"
            )
        elif status in _NOT_THERE and not _is_here(inquiry, path):
            continue  # deleted since the folder was listed, as temporary tables are
        elif status in _NOT_THERE:
            troubles.append(f"{file} does not exist (do `folder` or `drives` lead elsewhere?)")
        elif status not in {None, NtStatus.STATUS_SUCCESS, *_IN_USE}:
            troubles.append(
                f"the server says {status_name(status or 0)} to {file} (look at it on the server)"
            )
    unasked = sum(path not in said for path in inquiry.files)
    if unasked:
        troubles.append(f"{silence} (no answer about {unasked} of {len(inquiry.files)} files)")
    return tuple(troubles)


def _is_here(inquiry: _Inquiry, path: str) -> bool:
    """Return whether the file that is called so in the share is seen on this machine."""
    folder = os.fsencode(inquiry.place.folder.path)
    return os.path.lexists(b"%s/%s" % (folder, inquiry.files[path]))


def _some(troubles: tuple[str, ...]) -> str:
    """Return the first sentence and how many there are besides."""
    more = len(troubles) - 1
    return f"{troubles[0]} and {more} more" if more else troubles[0]


def _session(
    probe: SmbProbe, inquiry: _Inquiry, path: str, status: int, *, exclusive: bool
) -> Session:
    table = os.fsdecode(inquiry.files[path])
    note = _IN_USE[status]
    if table and exclusive and not note:
        note = "perhaps only reading"
    return session_in(
        (inquiry.place.folder, table),
        way=probe.name,
        user="",
        machine="",
        since="",
        writing=bool(table),
        note=note,
    )
