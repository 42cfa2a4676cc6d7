"""Which folders a session blocks."""

from __future__ import annotations

import pytest

from avplugin.configuration.sessions import People
from avplugin.installation.model import Folder, Kind
from avplugin.sessions.blocking import Verdict, describe, judge
from avplugin.sessions.model import Answer, Doubt, Place, Session, SessionKind

PROGRAM = Folder(Kind.PROGRAM, "", "", "/av", "")
SYSTEM = Folder(Kind.SYSTEM, "", "", "/av/sys", "")
BAKKER = Folder(Kind.ADMINISTRATION, "BAKKER26", "Bakkerij", "/adm/bakker", "")
BAKKER_DOCUMENTS = Folder(Kind.COPY_DOCUMENTS, "bakker26 ", "Bakkerij", "/doc/bakker", "")
SLAGER = Folder(Kind.ADMINISTRATION, "SLAGER26", "Slager", "/adm/slager", "")
TWIN = Folder(Kind.ADMINISTRATION, "BAKKER27", "Bakkerij", "/adm/bakker", "")
FOLDERS = (PROGRAM, SYSTEM, BAKKER, BAKKER_DOCUMENTS, SLAGER, TWIN)

ALL_KINDS = frozenset(kind.value for kind in SessionKind)


def in_folder(folder: Folder | None, **more: object) -> Session:
    """Return a session of somebody who writes in the folder; None: it is not known where."""
    values: dict[str, object] = {
        "kind": SessionKind.USER,
        "user": "jan",
        "machine": "PC7",
        "folder": folder.label if folder else "",
        "administration": folder.code if folder else "",
        "table": "GROOTBOEK.DBF" if folder else "",
        "since": "",
        "way": "windows",
        "writing": True,
        **more,
    }
    return Session(**values)  # type: ignore[arg-type]


def verdict(
    *sessions: Session,
    kinds: frozenset[str] = ALL_KINDS,
    ignore: People | None = None,
    doubts: tuple[Doubt, ...] = (),
    covers: frozenset[str] | None = None,
    readers: bool = False,
) -> Verdict:
    """Judge all folders, each with a table in it."""
    covered = frozenset(folder.label for folder in FOLDERS) if covers is None else covers
    return judge(
        Answer(sessions, covered, doubts),
        [Place(folder, (b"A.DBF",)) for folder in FOLDERS],
        FOLDERS,
        kinds=kinds,
        ignore=ignore or People(),
        readers=readers,
    )


@pytest.mark.parametrize(
    ("where", "blocked"),
    [
        (SLAGER, {"SLAGER26", "program", "system"}),
        (SYSTEM, {"system"}),
        (PROGRAM, {"program"}),
        (
            BAKKER,
            {"BAKKER26", "BAKKER27", "copy documents of bakker26 ", "program", "system"},
        ),
        (None, {folder.label for folder in FOLDERS}),
    ],
)
def test_a_session_blocks_what_it_is_in_and_what_it_shares(
    where: Folder | None, blocked: set[str]
) -> None:
    assert set(verdict(in_folder(where)).busy) == blocked


def test_a_folder_that_this_configuration_does_not_know_is_taken_for_any_folder() -> None:
    kapper = Folder(Kind.ADMINISTRATION, "KAPPER26", "Kapper", "/adm/kapper", "")

    found = verdict(in_folder(kapper))

    assert set(found.busy) == {folder.label for folder in FOLDERS}


def test_readers_count_only_where_they_are_asked_for() -> None:
    reader = in_folder(SLAGER, writing=False)

    assert verdict(reader).is_free
    assert "SLAGER26" in verdict(reader, readers=True).busy


def test_a_kind_that_does_not_block_the_set_is_not_in_the_way() -> None:
    server = in_folder(None, kind=SessionKind.BACKOFFICE_SERVER)

    assert verdict(server, kinds=frozenset({"user"})).is_free
    assert not verdict(server).is_free


@pytest.mark.parametrize(
    "ignore",
    [People(users=("JAN",)), People(machines=("pc*",)), People(users=("j?n",))],
)
def test_who_is_ignored_is_not_in_the_way_but_what_they_write_need_not_show(
    ignore: People,
) -> None:
    found = verdict(in_folder(SLAGER), ignore=ignore)

    assert found.is_free
    assert [session.user for session in found.unseen] == ["jan"]
    assert not verdict(in_folder(SLAGER, way="samba"), ignore=ignore).unseen


def test_a_user_is_ignored_with_the_domain_or_without() -> None:
    for user in (r"KANTOOR\jan", "jan"):
        assert verdict(in_folder(SLAGER, user=user), ignore=People(users=("jan",))).is_free
    assert verdict(
        in_folder(SLAGER, user=r"KANTOOR\jan"), ignore=People(users=(r"kantoor\*",))
    ).is_free


def test_an_empty_name_is_not_ignored_by_a_pattern_that_fits_everything() -> None:
    nameless = in_folder(SLAGER, user="", machine="")

    assert not verdict(nameless, ignore=People(users=("*",), machines=("*",))).is_free


def test_a_doubt_about_everything_is_a_doubt_about_each_folder() -> None:
    found = verdict(doubts=(Doubt("smb", "", "wrong password"),))

    assert set(found.unknown) == {folder.label for folder in FOLDERS}
    assert "smb could not find out who is in: wrong password" in found.unknown.values()


def test_a_doubt_about_one_folder_leaves_the_others_free() -> None:
    found = verdict(doubts=(Doubt("smb", "SLAGER26", "no rights"),))

    assert set(found.unknown) == {"SLAGER26", "program", "system"}


def test_a_doubt_about_a_folder_that_is_not_known_here_is_a_doubt_about_all() -> None:
    found = verdict(doubts=(Doubt("command", "slager26", "no rights"),))

    assert set(found.unknown) == {folder.label for folder in FOLDERS}


def test_a_folder_that_no_way_covers_is_not_free() -> None:
    found = verdict(covers=frozenset({"program", "system"}))

    assert found.unknown["SLAGER26"] == "no way of finding out who is in looks at /adm/slager"


def test_a_folder_without_anything_to_open_needs_no_way_to_cover_it() -> None:
    place = Place(BAKKER_DOCUMENTS, ())

    found = judge(Answer((), frozenset()), [place], FOLDERS, kinds=ALL_KINDS, ignore=People())

    assert found.is_free


def test_who_is_in_is_said_in_one_line() -> None:
    some = [in_folder(SLAGER, table=f"{number}.DBF") for number in range(5)]

    assert describe([*some, some[0]]) == (
        "jan on PC7 has 0.DBF open; jan on PC7 has 1.DBF open; jan on PC7 has 2.DBF open and 2 more"
    )
    assert str(in_folder(None, kind=SessionKind.COM_LINK)) == "jan (COM link) on PC7 is logged in"
    assert str(in_folder(None, kind=SessionKind.BACKOFFICE_SERVER, user="", machine="")) == (
        "a Backoffice Server is logged in"
    )
