"""The version of AccountView, out of the version resource of avwin.exe."""

from __future__ import annotations

from pathlib import Path

PROGRAM_FILE = "avwin.exe"


def accountview_version(program_folder: str) -> str:
    """Return the file version of avwin.exe such as 11.2.0.415, or "" if it cannot be told.

    A version that cannot be told stops no backup: it only warns at a restore.
    """
    import pefile  # noqa: PLC0415 - only where the version is asked for

    try:
        program = next(
            path for path in Path(program_folder).iterdir() if path.name.lower() == PROGRAM_FILE
        )
        with pefile.PE(str(program), fast_load=True) as image:
            image.parse_data_directories(
                directories=[pefile.DIRECTORY_ENTRY["IMAGE_DIRECTORY_ENTRY_RESOURCE"]]
            )
            fixed = image.VS_FIXEDFILEINFO[0]
            high, low = int(fixed.FileVersionMS), int(fixed.FileVersionLS)
    except (OSError, StopIteration, pefile.PEFormatError, AttributeError, IndexError):
        return ""
    return ".".join(str(part) for part in (high >> 16, high & 0xFFFF, low >> 16, low & 0xFFFF))
