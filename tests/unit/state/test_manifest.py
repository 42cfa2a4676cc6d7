"""The manifest in an archive: what is written is read, by this version and by others."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avplugin.installation.model import BadFolder, Folder, Kind
from avplugin.installation.scan import Contents, Entry
from avplugin.state.manifest import (
    NOBODY,
    NOT_CHECKED,
    FolderManifest,
    Manifest,
    ManifestError,
    RunManifest,
    describe_folder,
    describe_left_out,
    folder_from_json,
    folder_to_json,
    manifest_files,
    read_manifest,
    run_from_json,
    run_to_json,
)

RUN = RunManifest(
    run="20261122T020000Z-0123456789ab",
    installation="office",
    installation_id="1",
    set="administrations",
    host="kantoor",
    started="2026-11-22T02:00:00+00:00",
    avplugin_version="1",
    accountview_version="11.2.0.415",
    program="/srv/p",
    system="/srv/s",
    configuration="# café\ninstallation: {}\n",
)


def folder(label: str, **facts: object) -> FolderManifest:
    part = FolderManifest(Kind.ADMINISTRATION, label, label, label, f"F:\\{label}", f"/srv/{label}")
    return dataclasses.replace(part, **facts)  # type: ignore[arg-type]


def files_of(*labels: str) -> dict[str, bytes]:
    return manifest_files(Manifest(RUN, tuple(folder(label) for label in labels)))


def test_what_is_written_is_read_in_any_order() -> None:
    manifest = Manifest(
        RUN,
        (
            folder("A", files=3, size=10**12, inside=("/srv/A/x", "/srv/A/y")),
            folder("B", left_out="does not exist"),
            folder("caf\udce9\u2028\n"),
        ),
    )

    data = b"".join(reversed(manifest_files(manifest).values()))

    assert read_manifest(data) == manifest
    assert [part.label for part in manifest.left_out] == ["B"]
    assert len(manifest.stored) == 2


labels = st.text(st.characters(), min_size=1, max_size=300)


@given(st.lists(labels, max_size=5))
def test_every_label_gets_a_file_of_its_own_that_any_file_system_takes(found: list[str]) -> None:
    files = files_of(*found, "A/../../B", "x" * 300, "x" * 299)

    assert len(files) == 1 + len(found) + 3
    assert f"{RUN.run}/run.json" in files
    for path in files.keys() - {f"{RUN.run}/run.json"}:
        assert path.startswith("folders/")
        name = path.removeprefix("folders/")
        assert "/" not in name
        assert name.isascii()
        assert name.isprintable()
        assert len(name) < 255


def test_every_file_is_one_line_so_that_they_can_be_read_one_behind_the_other() -> None:
    for data in files_of("a\nb\r\u2028\x85").values():
        assert data.endswith(b"\n")
        assert len(data.splitlines()) == 1
        assert json.loads(data)["avplugin_manifest"] == 1


def test_what_is_the_same_in_two_runs_is_the_same_file() -> None:
    """Borg takes it out of its files cache then; a new path would have it read and stored anew."""
    one, other = (
        manifest_files(Manifest(dataclasses.replace(RUN, run=run), (folder("A"),)))
        for run in ("1", "2")
    )

    assert one.keys() - other.keys() == {"1/run.json"}
    assert {name: other.get(name) for name in one.keys() - {"1/run.json"}} == {
        name: data for name, data in one.items() if name != "1/run.json"
    }


def test_one_client_can_be_erased_without_touching_the_others() -> None:
    both, one = files_of("A", "B"), files_of("A")

    assert {name: data for name, data in both.items() if name in one} == one


def with_changed(change: dict[str, object], without: str = "") -> bytes:
    documents = [json.loads(data) for data in files_of("A").values()]
    changed = [
        {key: value for key, value in {**document, **change}.items() if key != without}
        for document in documents
    ]
    return "".join(f"{json.dumps(document)}\n" for document in changed).encode()


def test_what_a_later_version_added_is_passed_over() -> None:
    later = b'{"avplugin_manifest": 1, "type": "signature", "of": "run"}\n'

    assert read_manifest(with_changed({"colour": "blue"}) + later) == Manifest(RUN, (folder("A"),))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "holds no manifest of avplugin"),
        (files_of("A")[f"{RUN.run}/run.json"] * 2, "holds two manifests"),
        (b"{\n", "holds a manifest that is no JSON"),
        (b"\xff\n", "holds a manifest that is no JSON"),
        (b"[]\n", "holds a manifest that avplugin did not write"),
        (b"{}\n", "holds a manifest that avplugin did not write"),
        (b'{"avplugin_manifest": 1}\n', "holds no manifest of avplugin"),
        (with_changed({"avplugin_manifest": 2}), "of version 2, which this avplugin does not know"),
        (with_changed({}, without="type"), "holds no manifest of avplugin"),
        (with_changed({"type": ["run"]}), "holds no manifest of avplugin"),
        (with_changed({}, without="run"), "holds a manifest that lacks something"),
        (with_changed({}, without="label"), "holds a manifest that lacks something"),
        (with_changed({}, without="kind"), "holds a manifest that lacks something"),
        (with_changed({}, without="inside"), "holds a manifest that lacks something"),
        (with_changed({"kind": "planet"}), "holds a manifest that .*planet"),
        (with_changed({"inside": 3}), "holds a manifest that "),
        (with_changed({"inside": [3]}), "in which inside cannot be"),
        (with_changed({"inside": ["/srv/A/../../home"]}), "a path that cannot be"),
        (with_changed({"inside": ["/home"]}), "is not in its folder"),
        (with_changed({"path": "/srv/A/../../home"}), "a path that cannot be"),
        (with_changed({"path": "srv/A"}), "a path that cannot be"),
        (with_changed({"path": "//srv/A"}), "a path that cannot be"),
        (with_changed({"path": "/"}), "a path that cannot be"),
        (with_changed({"path": "/srv/A\0"}), "a path that cannot be"),
        (with_changed({"path": None}), "in which path cannot be None"),
        (with_changed({"label": ["a"]}), "in which label cannot be"),
        (with_changed({"size": "x"}), "in which size cannot be"),
        (with_changed({"tables": -1}), "in which tables cannot be"),
        (with_changed({"damaged": {"a": 1}}), "in which damaged cannot be"),
    ],
)
def test_a_damaged_manifest_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(ManifestError, match=message):
        read_manifest(data)


def test_the_catalogues_text_gives_back_the_same() -> None:
    part = folder("café\n", inside=("/srv/café\n/a",), left_out="x")

    assert folder_from_json(folder_to_json(part)) == part
    assert run_from_json(run_to_json(RUN)) == RUN


def test_a_folder_is_described_with_what_is_in_it() -> None:
    contents = Contents((Entry(b"", "d", 0, 1, 1, 1, 2), Entry(b"A.DBF", "-", 5, 1, 1, 2, 1)))
    found = Folder(Kind.ADMINISTRATION, "A", "Name", "/srv/a", "F:\\a")

    part = describe_folder(found, contents, ["/srv/a/y", "/srv/a/x"], NOBODY)

    assert (part.files, part.size, part.tables) == (1, 5, 1)
    assert part.fingerprint == contents.fingerprint
    assert part.inside == ("/srv/a/x", "/srv/a/y")
    assert part.archived_path == "srv/a"
    assert not part.left_out


def test_a_folder_that_was_left_out_says_why() -> None:
    part = describe_left_out(
        BadFolder(Kind.ADMINISTRATION, "A", "A", "F:\\a", "is empty", "/a"), NOT_CHECKED
    )

    assert (part.left_out, part.windows_path, part.path) == (
        "is empty: F:\\a",
        "F:\\a",
        "/a",
    )
