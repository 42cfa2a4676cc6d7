"""What does an archive's own list of files and chunks add to the repository?"""

from __future__ import annotations

from bench.answer import Answer, Table
from bench.bench import Bench
from bench.office import BenchOffice
from bench.peers.borg import Borg

_CHUNKERS = ("fixed,4096", "fixed,8192", "fixed,16384", "fixed,65536", "buzhash,19,23,21,4095")
_AGAINST = "fixed,16384"
_COMPRESSION = "zstd,3"
_EVERY = 10  # a file in every tenth administration


def ask(bench: Bench) -> Answer:
    """Touch files without changing them: what is new then is what describes them."""
    count = bench.settings.days_of
    folder = bench.folder / "metadata"
    office = BenchOffice(folder / "office", administrations=count, size=bench.size(count))
    peers = {chunker: Borg(office, folder, chunker, _COMPRESSION) for chunker in _CHUNKERS}
    for peer in peers.values():
        peer.prepare()
        peer.back_up([])
        peer.back_up([])  # what it takes note of later about files that were new just then
    unchanged = {chunker: [_growth(peer)] for chunker, peer in peers.items()}
    touched = office.administrations[::_EVERY]
    for administration in touched:
        (administration.folder / "MUTATIE.DBF").touch()
    one_file = {chunker: [_growth(peer)] for chunker, peer in peers.items()}
    for administration in touched:
        for path in administration.folder.glob("*.*"):
            path.touch()
    all_files = {chunker: [_growth(peer)] for chunker, peer in peers.items()}
    title = f"{count} administrations of {bench.size(count) / 1e6:.1f} MB"
    of = f"in {len(touched)} of them"
    return Answer(
        [
            Table(f"An archive in which nothing changed: {title}", "MB", _AGAINST, unchanged),
            Table(f"One file touched {of}, its content as it was", "MB", _AGAINST, one_file),
            Table(f"All files touched {of}, their content as it was", "MB", _AGAINST, all_files),
        ]
    )


def _growth(peer: Borg) -> int:
    before = peer.size()
    peer.back_up([])
    return peer.size() - before
