"""How many system calls, each a round trip on a slow share, do the hooks make for each file?"""

from __future__ import annotations

from pathlib import Path

from bench.answer import Answer, Table
from bench.bench import Bench
from bench.calls import Calls, count_calls, refuse_without_strace, traced_command
from bench.nights import SHARE
from bench.office import BenchOffice
from bench.peers.borgmatic import WithAvplugin

_SIZE = 400_000  # bytes of an administration: what is in it does not count
_QUIET = "before-backup, nothing changed"
_CHANGED = ", a tenth changed"


class _Traced(WithAvplugin):
    """avplugin with strace in front of its hooks."""

    @property
    def record(self) -> Path:
        """The file that strace writes."""
        return self.folder / "calls"

    def _hook_words(self) -> list[str]:
        return traced_command(self.record, ["avplugin"])

    def night(self) -> dict[str, Calls]:
        """Make a backup and return the calls of its hooks, by their names."""
        self.record.unlink(missing_ok=True)
        self.back_up([])
        with self.record.open("rb") as lines:
            return count_calls(lines, self._office.roots)


def ask(bench: Bench) -> Answer:
    """Answer with a night in which a tenth of the administrations changed, and with a quiet one."""
    refuse_without_strace()
    tables = []
    for count in bench.settings.nights_of:
        folder = bench.folder / f"round-trips-{count}"
        office = BenchOffice(
            folder / "office", administrations=count, size=bench.settings.size or _SIZE
        )
        peer = _Traced(office)
        peer.prepare()
        peer.night()
        office.next_day(SHARE)
        nights = {f"{hook}{_CHANGED}": calls for hook, calls in peer.night().items()}
        [nights[_QUIET]] = peer.night().values()
        files = sum(path.is_file() for root in office.roots for path in root.rglob("*"))
        title = f"{count} administrations, {files} files"

        def per_file(
            what: str, nights: dict[str, Calls] = nights, files: int = files
        ) -> dict[str, list[float]]:
            return {name: [getattr(calls, what) / files] for name, calls in nights.items()}

        tables += [
            Table(
                f"System calls in the office's folders, a file: {title}",
                "calls",
                _QUIET,
                per_file("below"),
            ),
            Table("Of those, a stat", "calls", _QUIET, per_file("stats")),
            Table(
                "All, those of starting and of Borg with them", "calls", _QUIET, per_file("every")
            ),
        ]
    return Answer(tables)
