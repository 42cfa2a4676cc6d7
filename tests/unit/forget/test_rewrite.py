"""What goes from an archive and what stays, by the paths of its own manifest."""

from __future__ import annotations

import dataclasses
import json

import pytest
from shelf import RUN, folder, manifest

from avplugin.borgmatic.archive import Archive
from avplugin.borgmatic.erase import Order, is_dropped, unfinished
from avplugin.forget.rewrite import is_named, make_order, shared_paths
from avplugin.installation.model import Kind
from avplugin.state.manifest import FolderManifest, Manifest, manifest_files, read_manifest
from avplugin.state.traces import Traces

WEG = folder("WEG")
PAPERS = dataclasses.replace(
    WEG, kind=Kind.COPY_DOCUMENTS, label="copy documents of WEG", path="/srv/docs/weg"
)
TRACES = Traces("WEG", ("Weg BV",), ("WEG", PAPERS.label), ("/srv/WEG", "/srv/docs/weg"))


def order_for(*parts: FolderManifest, run: str = "") -> tuple[Manifest, Order, dict[str, bytes]]:
    """Return the manifest, what becomes of its archive, and the files that are left of it."""
    described = Manifest(dataclasses.replace(RUN, configuration=run), parts)
    files = {f"avplugin/{name}": data for name, data in manifest_files(described).items()}
    order = make_order(described, files, TRACES)
    left = {name: order.replaced.get(name, data) for name, data in files.items()}
    return described, order, {name: left[name] for name in left if not is_dropped(name, order)}


def left_of(*parts: FolderManifest, run: str = "") -> Manifest:
    return read_manifest(b"".join(order_for(*parts, run=run)[2].values()))


def test_a_folder_of_another_administration_inside_it_stays() -> None:
    inner = folder("ANDER", path="/srv/WEG/diep/ANDER")
    _, order, _ = order_for(WEG, inner)
    assert is_dropped("srv/WEG/A.DBF", order)
    assert is_dropped("srv/WEG/diep/B.DBF", order)
    assert not is_dropped("srv/WEG/diep/ANDER", order)
    assert not is_dropped("srv/WEG/diep/ANDER/A.DBF", order)
    assert not is_dropped("srv/WEG/diep", order)  # it leads there


def test_its_documents_inside_a_folder_that_stays_go() -> None:
    inner = folder("ANDER", path="/srv/WEG/ANDER")
    papers = dataclasses.replace(PAPERS, path="/srv/WEG/ANDER/kopie")
    _, order, _ = order_for(WEG, inner, papers)
    assert is_dropped("srv/WEG/ANDER/kopie/1.pdf", order)
    assert not is_dropped("srv/WEG/ANDER/A.DBF", order)


def test_a_folder_that_another_administration_has_too_stays() -> None:
    shared = folder("ANDER", path="/srv/docs/weg")
    described, order, _ = order_for(WEG, PAPERS, shared)
    assert not is_dropped("srv/docs/weg/1.pdf", order)
    assert shared_paths(described, "weg") == {"/srv/docs/weg"}


@pytest.mark.parametrize("name", ["WEG2", "WEG.BAK", "WEG [1]", "weg", "xWEG", "WE"])
def test_a_neighbour_with_a_name_much_like_it_stays(name: str) -> None:
    _, order, _ = order_for(WEG, folder("ANDER"))
    assert not is_dropped(f"srv/{name}/A.DBF", order)
    assert not is_dropped(f"srv/{name}", order)


@pytest.mark.parametrize("name", ["a*b", "[a-z]", "a?", "{1}", " begin", "a\\b", "\udcff", "!x"])
def test_a_name_with_signs_means_itself(name: str) -> None:
    _, order, _ = order_for(folder("WEG", path=f"/srv/{name}"))
    assert is_dropped(f"srv/{name}/A.DBF", order)
    assert not is_dropped("srv/aab/A.DBF", order)
    assert not is_dropped("srv/a/A.DBF", order)
    again = Order.from_json(json.loads(json.dumps(order.to_json())))
    assert is_dropped(f"srv/{name}/A.DBF", again)


def test_folders_that_led_to_it_alone_go_as_well() -> None:
    _, order, _ = order_for(folder("WEG", path="/srv/klant/Jansen/WEG"), folder("ANDER"))
    assert is_dropped("srv/klant/Jansen", order)
    assert is_dropped("srv/klant", order)
    assert not is_dropped("srv", order)


def test_a_folder_that_led_to_it_inside_one_that_stays_is_part_of_that() -> None:
    around = folder("extra:x", kind=Kind.EXTRA, path="/srv/klant")
    _, order, _ = order_for(folder("WEG", path="/srv/klant/Jansen/WEG"), around)
    assert not is_dropped("srv/klant/Jansen", order)


def test_where_it_was_left_out_nothing_was_stored_and_nothing_goes() -> None:
    _, order, files = order_for(folder("WEG", left_out="does not exist"), folder("ANDER"))
    assert not is_dropped("srv/WEG/A.DBF", order)
    assert not any("WEG" in name for name in files)


def test_what_is_left_of_the_manifest_does_not_name_it() -> None:
    around = folder(
        "extra:x",
        kind=Kind.EXTRA,
        path="/srv",
        inside=("/srv/WEG", "/srv/WEG.before-restore-20261122-020000", "/srv/ANDER"),
        sessions="jan (PC3) is in WEG",
    )
    inner = folder("INNER", path="/srv/WEG/INNER")
    left = left_of(WEG, PAPERS, around, folder("ANDER"), inner, run="- code: WEG\n")
    assert left.run.configuration == ""
    assert [part.label for part in left.folders] == ["ANDER", "INNER", "extra:x"]
    parts = {part.label: part for part in left.folders}
    assert parts["extra:x"].inside == ("/srv/ANDER", "/srv/WEG/INNER")
    assert parts["extra:x"].sessions == "jan (PC3) is in (forgotten)"
    assert not is_named(left, TRACES)


def test_a_configuration_that_does_not_name_it_stays() -> None:
    assert left_of(WEG, run="- code: WEGEN\n").run.configuration == "- code: WEGEN\n"


@pytest.mark.parametrize(
    "part",
    [
        folder("ANDER", sessions="jan is in weg"),
        folder("ANDER", path="/srv", inside=("/srv/WEG",)),
        folder("weg", left_out="in use"),
    ],
)
def test_an_archive_that_only_names_it_is_found(part: FolderManifest) -> None:
    assert is_named(manifest(part), TRACES)
    assert not is_named(manifest(folder("ANDER")), TRACES)


def test_what_borg_left_of_a_recreate_is_told_from_other_archives() -> None:
    names = ["a-1", "a-1.recreate", "a-1.recreate.checkpoint", "b.recreate", "a-2", "a-1.recreated"]
    archives = [Archive(name, name, None) for name in names]  # type: ignore[arg-type]
    found = [half.name for half, _ in unfinished(archives)]
    assert found == ["a-1.recreate", "a-1.recreate.checkpoint"]
