"""How fast are snapshots listed with 500 archives?"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import sys
import time
from pathlib import Path

from avplugin.borgmatic.archive import Series
from avplugin.state.catalogue import Catalogue
from avplugin.state.manifest import FolderManifest, Manifest
from bench import many_archives
from bench.answer import Answer, Bar, Table
from bench.bench import Bench
from bench.nights import SHARE
from bench.office import BenchOffice
from bench.peers.borgmatic import WithAvplugin
from bench.spent import Spent, output_of, run

_ARCHIVES = 500
_ADMINISTRATIONS = 200  # or more, where the command line says so
_SIZE = 50_000  # bytes of an administration: nobody looks into them
_ROUNDS = 5
_MOST = 1.0  # second
_ALL = "avplugin snapshots"
_ASKED = "avplugin snapshots, Borg asked"  # somebody has written into the repository
_BORG = "borg list"


def ask(bench: Bench) -> Answer:
    """Answer with real archives of one small file, and manifests of whole nights in the catalogue.

    The first night is a real one. The others hold its manifest with a tenth of the folders changed,
    as a catalogue has it that was filled night by night.
    """
    folder = bench.folder / "snapshots"
    count = max(bench.settings.days_of, _ADMINISTRATIONS)
    began = time.monotonic()
    office = BenchOffice(folder / "office", administrations=count, size=_SIZE)
    peer = WithAvplugin(office)
    peer.prepare()
    peer.back_up([])
    _make_archives(peer)
    folders = _fill_catalogue(peer)
    bench.say(f"made {_ARCHIVES} archives in {time.monotonic() - began:.0f} s")

    code = office.administrations[count // 2].code
    ways = {
        _BORG: ["borg", "list", "--json", str(peer.repository)],
        _ALL: ["avplugin", "snapshots"],
        "avplugin snapshots CODE": ["avplugin", "snapshots", code],
        "avplugin --json snapshots CODE": ["avplugin", "--json", "snapshots", code],
        "avplugin administrations": ["avplugin", "administrations"],
    }
    environment = {**peer.environment, "BORG_PASSPHRASE": peer.passphrase()}
    _check(output_of(ways["avplugin --json snapshots CODE"], environment, folder))
    spent: dict[str, list[Spent]] = {name: [] for name in (*ways, _ASKED)}
    for number in range(_ROUNDS):
        for name, words in ways.items():
            spent[name].append(run(words, environment, folder))
        # Another archive changes the repository, so that Borg has to be asked what it holds now.
        peer.borg("create", f"{peer.repository}::other-{number}", peer.file)
        spent[_ASKED].append(run(ways[_ALL], environment, folder))
    title = f"{_ARCHIVES} archives of {count} administrations, {folders} folders"
    seconds = {name: [one.seconds for one in each] for name, each in spent.items()}
    processor = {name: [one.processor for one in each] for name, each in spent.items()}
    memory = {name: [one.memory for one in each] for name, each in spent.items()}
    table = Table(f"Lists: {title}", "s", _BORG, seconds)
    return Answer(
        [
            table,
            Table("The same, processor time", "s", _BORG, processor),
            Table("The same, memory of the largest process", "MB", _BORG, memory),
        ],
        [
            Bar(f"{name}, {_ARCHIVES} archives", _MOST, table.median(name), "s")
            for name in (_ALL, "avplugin snapshots CODE")
        ],
    )


def _make_archives(peer: WithAvplugin) -> None:
    """Make all but the newest, which is there."""
    series = str(Series("accountview", "administrations"))
    environment = {**peer.environment, "BORG_PASSPHRASE": peer.passphrase()}
    environment["BORG_SELFTEST"] = "disabled"
    words: list[str | Path] = [sys.executable, many_archives.__file__, peer.repository, series]
    run([*words, str(_ARCHIVES - 1), peer.file], environment, peer.folder)


def _fill_catalogue(peer: WithAvplugin) -> int:
    """Add the manifests that the archives would hold; return how many folders each has."""
    listed = json.loads(peer.borg("list", "--json", peer.repository))
    archives = [archive["id"] for archive in listed["archives"]]  # the oldest first
    with Catalogue.open(peer.folder / "state") as catalogue:
        [last] = [archive for archive in archives if catalogue.knows(archive)]
        manifest = catalogue.manifest(last)
        assert manifest is not None, "a real night has one"
        folders = list(manifest.folders)
        step = round(1 / SHARE)
        for number, archive in enumerate(archives):
            if archive == last:
                continue
            for place in range(number % step, len(folders), step):
                folders[place] = _changed(folders[place], number)
            made = Manifest(dataclasses.replace(manifest.run, number=number + 1), tuple(folders))
            catalogue.add(listed["repository"]["id"], archive, made)
    return len(folders)


def _changed(part: FolderManifest, number: int) -> FolderManifest:
    fingerprint = hashlib.sha256(f"{part.label} {number}".encode()).hexdigest()
    return dataclasses.replace(part, fingerprint=fingerprint, size=part.size + number)


def _check(said: str) -> None:
    """Stop the bench if the versions are not those that were made."""
    versions = len(json.loads(said))
    if versions < _ARCHIVES * SHARE / 2:
        raise SystemExit(f"bench: there should be some {_ARCHIVES * SHARE:.0f} versions: {said}")
