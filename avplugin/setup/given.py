"""Answers as far as they are known: what the command line gives, and what was asked."""

from __future__ import annotations

import dataclasses

from avplugin.errors import UsageError
from avplugin.setup.answers import Answers, RegisterColumns


@dataclasses.dataclass(slots=True)
class Given:
    """None, or an empty list, is what is not known yet."""

    name: str | None = None
    program: str | None = None
    system: str | None = None
    extra: list[str] = dataclasses.field(default_factory=list)
    register: str | None = None
    column_code: str | None = None
    column_name: str | None = None
    column_folder: str | None = None
    column_copy_documents: str | None = None
    folders: str | None = None
    drives: dict[str, str] = dataclasses.field(default_factory=dict)
    repository: str | None = None
    label: str | None = None
    encryption: str | None = None
    sessions: str | None = None

    def answers(self) -> Answers:
        """Return the answers; raise UsageError that names the options which are missing."""
        wanted = {
            "--program": self.program,
            "--system": self.system,
            "--register or --folders": self.register or self.folders,
            "--repository": self.repository,
            "--sessions": self.sessions,
        }
        if self.register:
            wanted["--column-code"] = self.column_code
            wanted["--column-folder"] = self.column_folder
        missing = [option for option, value in wanted.items() if not value]
        if missing:
            raise UsageError(
                f"nobody is here to be asked, and these are missing: {', '.join(missing)}."
            )
        administrations: RegisterColumns | str = self.folders or ""
        if self.register:
            administrations = RegisterColumns(
                file=self.register,
                code=self.column_code or "",
                folder=self.column_folder or "",
                name=self.column_name,
                copy_documents=self.column_copy_documents,
            )
        return Answers(
            name=self.name or "accountview",
            program=self.program or "",
            system=self.system or "",
            extra=tuple(self.extra),
            administrations=administrations,
            drives=dict(self.drives),
            repository=self.repository or "",
            label=self.label or "backup",
            encryption=self.encryption or "repokey-blake2",
            sessions=self.sessions or "",
        )

    @property
    def paths(self) -> list[str]:
        """All folders that were named so far, the register's own aside."""
        named = [self.program, self.system, *self.extra, self.folders, self.register]
        return [path for path in named if path]
