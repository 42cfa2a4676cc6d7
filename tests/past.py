"""Nights that never were: state as months of backups leave it behind, for status and report."""

from __future__ import annotations

import dataclasses
import datetime
import os
from collections.abc import Sequence
from pathlib import Path

import yaml

from avplugin.borgmatic.archive import Archive
from avplugin.installation.model import Kind
from avplugin.state.catalogue import Catalogue
from avplugin.state.drills import DRILL, Drilled, DrillsFile
from avplugin.state.files import write_json
from avplugin.state.manifest import NOBODY, NOT_CHECKED, FolderManifest, Manifest, RunManifest
from avplugin.state.outcomes import CLEAN, FAILED, NOT_NOW, UNCHANGED, UNVERIFIED, Outcome
from avplugin.state.run import SetState
from avplugin.state.waiting import WaitingList

REPOSITORY_ID = "ab" * 32
MB = 1_000_000


class Past:
    """An office that there is only on paper: accountview.yaml, borgmatic's files, and its state.

    It has one repository, and the sets `system` and `administrations`, as configs/ has them.
    """

    def __init__(self, folder: Path, now: datetime.datetime, codes: Sequence[str]) -> None:
        self.folder = folder
        self.now = now
        self.codes = tuple(codes)
        self.state = folder / "state"
        self.repository = folder / "repository.borg"
        self.register = folder / "administraties.csv"
        self.configuration = folder / "accountview.yaml"
        self.settings: dict[str, object] = {}
        self.repository.mkdir(parents=True)
        (self.repository / "config").write_text(f"[repository]\nid = {REPOSITORY_ID}\n")
        self.register.write_text("Code;Map\n" + "".join(f"{c};/x/{c}\n" for c in self.codes))
        os.utime(self.register, (now.timestamp() - 86400, now.timestamp() - 86400))
        for name in ("system", "administrations"):
            borgmatic = {"repositories": [{"path": str(self.repository), "label": "nas"}]}
            (folder / f"{name}.yaml").write_text(yaml.safe_dump(borgmatic))
        self.configure()

    def configure(self, **settings: object) -> None:
        """Write accountview.yaml with these settings besides."""
        self.settings |= settings
        document = {
            "installation": {"name": "kantoor", "program": "/x/program", "system": "/x/system"},
            "administrations": [
                {"register": {"file": str(self.register), "code": "Code", "folder": "Map"}}
            ],
            "state": str(self.state),
            "sets": {
                "system": {
                    "folders": ["program", "system"],
                    "borgmatic": str(self.folder / "system.yaml"),
                },
                "administrations": {
                    "select": "all",
                    "borgmatic": str(self.folder / "administrations.yaml"),
                },
            },
            "sessions": {"probes": [{"command": ["true"]}]},
        }
        self.configuration.write_text(
            yaml.safe_dump({**document, **self.settings}, sort_keys=False)
        )

    def night(self, ago: int, hour: int = 2) -> datetime.datetime:
        """Return the moment of a night: 0 is the last one before now, by the clock on the wall."""
        last = self.now.astimezone().replace(tzinfo=None) - datetime.timedelta(hours=hour)
        day = last.date() - datetime.timedelta(days=ago)
        local = datetime.datetime.combine(day, datetime.time(hour))
        return local.astimezone(datetime.UTC)

    def outcome(self, ago: int, status: str = CLEAN, **fields: object) -> Outcome:
        """Return an outcome of a night."""
        begun = self.night(ago)
        known: dict[str, object] = {
            "run": f"run-{ago}",
            "repository": str(self.repository),
            "repository_id": REPOSITORY_ID,
            "started": begun.isoformat(),
            "ended": (begun + datetime.timedelta(minutes=3)).isoformat(),
            "status": status,
            "archive": self.archive(ago).name if status == CLEAN else "",
            "folders": len(self.codes),
            "files": 100 * len(self.codes),
            "size": MB * len(self.codes),
        }
        if status == CLEAN:
            size = (500 - ago) * 20 * MB
            known |= {"new": 20 * MB, "repository_size": size}
        return Outcome(**{**known, **fields})  # type: ignore[arg-type]

    def archive(self, ago: int, set_name: str = "administrations") -> Archive:
        """Return the clean archive of a night."""
        begun = self.night(ago)
        name = f"kantoor-{set_name}-{begun.astimezone():%Y-%m-%dT%H:%M:%S}"
        return Archive(name, f"{set_name}-{ago}", begun)

    def write(self, outcomes: Sequence[Outcome], set_name: str = "administrations") -> None:
        """Write what a set came to, oldest first, and that a schedule started it last night."""
        state = SetState(self.state, set_name)
        write_json(state.outcomes_file, [dataclasses.asdict(one) for one in outcomes])
        state.note_start()
        start = self.night(0).timestamp()
        os.utime(state.folder / "last-start-by-schedule", (start, start))

    def write_archives(
        self,
        archives: Sequence[tuple[Archive, Sequence[FolderManifest]]],
        others: Sequence[Archive] = (),
        seen: int = 0,
    ) -> None:
        """Write what the repository holds, and the manifests of all but the `others`."""
        with Catalogue.open(self.state) as catalogue:
            for archive, folders in archives:
                catalogue.add(
                    REPOSITORY_ID, archive.id, Manifest(self._run(archive), tuple(folders))
                )
            listed = [*(archive for archive, _ in archives), *others]
            catalogue.note_listed(REPOSITORY_ID, self.night(seen).isoformat(), listed)

    def folders(self, **special: FolderManifest) -> list[FolderManifest]:
        """Return manifests of all administrations; `special` ones by code."""
        return [special.get(code) or self.part(code) for code in self.codes]

    def part(self, code: str, **fields: object) -> FolderManifest:
        """Return the manifest of an administration."""
        known: dict[str, object] = {
            "kind": Kind.ADMINISTRATION,
            "code": code,
            "name": f"Klant {code}",
            "label": code,
            "windows_path": f"F:\\{code}",
            "path": f"/x/{code}",
            "fingerprint": f"f-{code}",
            "list_digest": f"l-{code}",
            "files": 100,
            "size": MB,
            "tables": 30,
            "sessions": NOBODY,
            "table_health": "sound",
        }
        return FolderManifest(**{**known, **fields})  # type: ignore[arg-type]

    def system_parts(self) -> list[FolderManifest]:
        """Return manifests of the program and system folders."""
        return [
            self.part("", kind=kind, label=kind.value, name=kind.value, path=f"/x/{kind.value}")
            for kind in (Kind.PROGRAM, Kind.SYSTEM)
        ]

    def quiet_months(self, nights: int = 40) -> None:
        """Write nights in which all went well: a tenth of the administrations changed in each."""
        outcomes = [self.outcome(nights, changed=self.codes)]
        for ago in range(nights - 1, -1, -1):
            outcomes.append(self.outcome(ago, changed=self.codes[ago % 10 :: 10]))
        self.write(outcomes)
        system = [
            dataclasses.replace(one, folders=2, changed=(), archive=f"kantoor-system-{number}")
            for number, one in enumerate(outcomes)
        ]
        system[0] = dataclasses.replace(system[0], changed=("program", "system"))
        self.write(system, "system")
        self.write_archives(
            [
                (self.archive(0), self.folders()),
                (self.archive(1), self.folders()),
                (self.archive(0, "system"), self.system_parts()),
            ]
        )
        self._note_drills(3)

    def bad_weeks(self) -> None:
        """Write five weeks in which nearly everything goes wrong that can, and it did not end."""
        names = self.codes
        outcomes = [self.outcome(34, changed=names)]
        for ago in range(33, -1, -1):
            fields: dict[str, object] = {"changed": names[ago % 4 :: 4]}
            status = CLEAN
            if ago in {20, 21}:
                status, fields = NOT_NOW, {"people": ("PIET on WS-2",), "reasons": ("put off",)}
            elif ago == 15:
                status, fields = FAILED, {"reasons": ("borgmatic's create failed",)}
            elif ago == 14:
                status = UNVERIFIED
                fields = {"reasons": ("BAKKER26 changed while it was copied",)}
            elif ago == 10:
                continue
            elif ago in {8, 9}:
                status, fields = UNCHANGED, {}
            elif ago < 5:
                fields["left_out"] = (f"{names[0]}: is not there: /x/{names[0]}",)
            if ago < 4:
                fields["in_use"] = (f"{names[1]}: in use: MARIEKE on WS-1 has DAGBOEK.DBF open",)
                fields["people"] = ("MARIEKE on WS-1",)
            outcomes.append(self.outcome(ago, status, **fields))
        self.write(outcomes)
        self.write(
            [
                dataclasses.replace(one, folders=2, changed=(), left_out=(), in_use=(), people=())
                for one in outcomes
                if one.status == CLEAN
            ],
            "system",
        )
        bad = self.part(names[2], damaged={"DAGBOEK.DBF": "DAGBOEK.DBF is cut off"})
        gone = self.part(names[0], left_out=f"is not there: /x/{names[0]}", sessions=NOT_CHECKED)
        used = self.part(names[1], left_out="in use", sessions="MARIEKE on WS-1")
        ill = {names[2]: dataclasses.replace(bad, table_health="damaged")}
        self.write_archives(
            [
                (self.archive(0), self.folders(**ill, **{names[0]: gone, names[1]: used})),
                (self.archive(7), self.folders(**ill)),
                (self.archive(12), self.folders()),
                (self.archive(0, "system"), self.system_parts()),
            ]
        )
        waiting = WaitingList(SetState(self.state, "administrations").folder)
        waiting.note(
            str(self.repository),
            {names[1]: "MARIEKE on WS-1 has DAGBOEK.DBF open"},
            self.night(3).isoformat(),
        )
        drilled = Drilled(
            *(names[3], self.night(2), self.archive(3).name, self.night(3), "f", "l"),
            *(100, MB, 30, 5120),
        )
        drills = DrillsFile(self.state)
        failed = dataclasses.replace(
            drilled, label=names[4], failure="DAGBOEK.DBF holds 3 records less than its header says"
        )
        drills.add(REPOSITORY_ID, "kantoor-administrations", [drilled, failed])
        self._note_drills(2)

    def _note_drills(self, ago: int) -> None:
        for name in ("kantoor-administrations", "kantoor-system"):
            DrillsFile(self.state).note_done(
                REPOSITORY_ID, name, DRILL, self.night(ago), str(self.repository)
            )

    @staticmethod
    def _run(archive: Archive) -> RunManifest:
        return RunManifest(
            run=archive.id,
            installation="kantoor",
            installation_id="1",
            set="administrations",
            host="server",
            started=archive.time.isoformat(),
            avplugin_version="1",
            accountview_version="",
            program="",
            system="",
            configuration="",
        )
