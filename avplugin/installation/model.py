"""Installation, administration and folder: values, with no knowledge of where they came from."""

from __future__ import annotations

import dataclasses
import enum


class Kind(enum.StrEnum):
    """What a folder holds; the values stand in manifests."""

    PROGRAM = "program"
    SYSTEM = "system"
    EXTRA = "extra"
    ADMINISTRATION = "administration"
    COPY_DOCUMENTS = "copy-documents"

    @property
    def is_of_administration(self) -> bool:
        """Whether the folder belongs to one administration, and not to all of them."""
        return self in {Kind.ADMINISTRATION, Kind.COPY_DOCUMENTS}


@dataclasses.dataclass(frozen=True, slots=True)
class Folder:
    """One folder of the installation that is backed up and restored as a whole.

    `code` is the administration's code for an administration and its copy documents, the
    name of an extra folder, and empty for the program and system folders. `path` is the
    folder on this machine, absolute, with symbolic links resolved. `windows_path` is what the
    configuration or the register says, as written there.
    """

    kind: Kind
    code: str
    name: str
    path: str
    windows_path: str
    number: int = 0  # an administration can have several folders of copy documents

    @property
    def label(self) -> str:
        """The folder's name in messages and manifests: unique within an installation."""
        if self.kind is Kind.ADMINISTRATION:
            return self.code
        if self.kind is Kind.COPY_DOCUMENTS:
            ordinal = f" ({self.number + 1})" if self.number else ""
            return f"copy documents of {self.code}{ordinal}"
        if self.kind is Kind.EXTRA:
            return f"extra:{self.code}"
        return self.kind.value


@dataclasses.dataclass(frozen=True, slots=True)
class BadFolder:
    """A folder that cannot be backed up, and why.

    `place` is the path as written, or where it should have stood (a line of a register).
    `path` is the place on this machine where that could be worked out, else empty.
    """

    kind: Kind
    code: str
    label: str
    place: str
    reason: str
    path: str = ""

    @property
    def why(self) -> str:
        """The reason, with the place where it does not name that itself."""
        return self.reason if self.place in self.reason else f"{self.reason}: {self.place}"


@dataclasses.dataclass(frozen=True, slots=True)
class Administration:
    """The books of one company for one fiscal year."""

    code: str
    name: str
    folder: Folder | None  # None where the folder is bad; it then stands in Installation.bad
    copy_documents: tuple[Folder, ...]
    source: str  # what named it: a glob, a register with its line, the configuration


@dataclasses.dataclass(frozen=True, slots=True)
class Installation:
    """One AccountView installation as found on this machine now."""

    name: str
    system_folders: tuple[Folder, ...]  # program, system and extra
    administrations: tuple[Administration, ...]
    bad: tuple[BadFolder, ...]

    @property
    def folders(self) -> tuple[Folder, ...]:
        """All folders, good ones only."""
        found = list(self.system_folders)
        for administration in self.administrations:
            if administration.folder is not None:
                found.append(administration.folder)
            found.extend(administration.copy_documents)
        return tuple(found)


def code_key(code: str) -> str:
    """Return the form in which two codes are the same code to AccountView.

    AccountView keeps codes in a FoxPro character field: padded with blanks, and upper case.
    """
    return code.strip().upper()
