"""How many snapshots of chosen administrations stay."""

from __future__ import annotations

import datetime

from shelf import FIRST_NIGHT, Shelf, folder

from avplugin.backup.chosen import too_many


def test_of_each_administration_those_made_last_stay() -> None:
    shelf = Shelf()
    names = [shelf.put(folder(label), number=number) for number, label in enumerate("AABA", 1)]

    assert [one.name for one in too_many(shelf, shelf.archives(), keep=2)] == [names[0]]


def test_one_made_while_the_clock_was_behind_does_not_go_before_older_ones() -> None:
    shelf = Shelf()
    first = shelf.put(folder("A", fingerprint="1"), number=1)
    shelf.put(folder("A", fingerprint="2"), number=2)
    long_ago = FIRST_NIGHT - datetime.timedelta(days=2000)
    shelf.put(folder("A", fingerprint="3"), number=3, when=long_ago)

    assert [one.name for one in too_many(shelf, shelf.archives(), keep=2)] == [first]
