import datetime
import pathlib

from index_walk import walk_index
from table_reader import read_records

from avplugin.foxpro.container import build_container
from avplugin.foxpro.table import Field

DAY = datetime.date(2026, 11, 22)


def test_a_container_lists_its_tables_and_their_columns(tmp_path: pathlib.Path) -> None:
    fields = [Field("DEB_CODE", "C", 10), Field("SALDO", "N", 12, 2)]
    files = build_container([("debiteur.dbf", fields)], updated=DAY)
    (tmp_path / "C.DBC").write_bytes(files.table)
    (tmp_path / "C.DCT").write_bytes(files.memo)

    records = read_records(tmp_path / "C.DBC")
    listed = {record["OBJECTNAME"]: record for record in records}
    table = listed["debiteur"]
    assert files.table[28] == 0x07
    assert table["OBJECTTYPE"] == "Table"
    assert b"debiteur.dbf\0" in bytes(str(table["PROPERTY"]), "cp1252")
    assert listed["saldo"]["PARENTID"] == table["OBJECTID"]
    assert [record["OBJECTID"] for record in records] == list(range(1, len(records) + 1))
    walked = walk_index(files.index)
    assert len(walked["OBJECTNAME"].entries) == len(records)
    assert len(walked["OBJECTTYPE"].entries) == len(records)
