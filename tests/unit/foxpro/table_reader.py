"""Tables as dbfread, a program of others, reads them."""

import pathlib
import shutil
import tempfile
from typing import Any

from dbfread.dbf import DBF


class ReadTable:
    """The records of a table, in order, and apart from them those marked as deleted."""

    def __init__(self, path: pathlib.Path) -> None:
        # dbfread takes brackets in a folder's name for a pattern, and looks for .FPT only.
        with tempfile.TemporaryDirectory() as folder:
            copy = pathlib.Path(folder, "copy.dbf")
            shutil.copy(path, copy)
            for ending in (".FPT", ".DCT"):
                if path.with_suffix(ending).exists():
                    shutil.copy(path.with_suffix(ending), copy.with_suffix(".fpt"))
            opened = DBF(copy, load=True)
        self.records: list[dict[str, Any]] = opened.records
        self.deleted: list[dict[str, Any]] = opened.deleted


def read_records(path: pathlib.Path) -> list[dict[str, Any]]:
    return ReadTable(path).records
