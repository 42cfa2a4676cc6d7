"""The sheet of paper with which somebody restores when this machine is gone."""

from __future__ import annotations

import datetime
import shlex
import textwrap
from typing import NamedTuple

from avplugin import __version__
from avplugin.borgmatic import borg
from avplugin.borgmatic.configuration import Repository, load_borgmatic_configuration
from avplugin.configuration.model import Configuration
from avplugin.language import Texts, date_and_time
from avplugin.state.emergency_sheet import note_emergency_sheet

_WIDTH = 78
_BLANK = "_" * 60


class Vault(NamedTuple):
    """A repository with what is needed to open it, but for the passphrase."""

    repository: Repository
    id: str
    encryption: str
    key: str  # as Borg prints it for paper; encrypted with the passphrase

    @property
    def needs_key(self) -> bool:
        """Whether the key is not in the repository itself, and is gone with this machine."""
        return self.encryption.startswith("keyfile")


def open_vaults(configuration: Configuration) -> list[Vault]:
    """Return the repositories of all sets, each once.

    Raise AvpluginError if one of them, or its key, cannot be read.
    """
    repositories: dict[str, Repository] = {}
    for part in configuration.sets.values():
        for repository in load_borgmatic_configuration(part.borgmatic).repositories:
            repositories.setdefault(repository.path, repository)
    vaults = []
    for repository in repositories.values():
        listing = borg.list_archives(repository)
        has_key = listing.encryption != "none"
        key = borg.export_key(repository) if has_key else ""
        vaults.append(Vault(repository, listing.id, listing.encryption, key))
    return vaults


def make_sheet(configuration: Configuration, vaults: list[Vault], texts: Texts) -> str:
    """Return the sheet as plain text of 78 columns, and note in the state that it was made.

    The passphrase does not stand on it: there is a line to write it by hand. Raise StateError if
    the state folder cannot be written to.
    """
    now = datetime.datetime.now(datetime.UTC)
    text = "\n".join([*_head(configuration, now, texts), *_body(vaults, texts)]) + "\n"
    note_emergency_sheet(configuration.state, (vault.id for vault in vaults))
    return text


def _head(configuration: Configuration, now: datetime.datetime, texts: Texts) -> list[str]:
    _ = texts.gettext
    title = _("EMERGENCY SHEET: backups of AccountView")
    about = _("Installation {name}, made on {date} by avplugin {version}.").format(
        name=configuration.installation_name, date=date_and_time(texts, now), version=__version__
    )
    keep = _(
        "Print this, write the passphrase on it by hand, and keep it somewhere else than this"
        " computer and the backups: in a safe, at home, at the notary's. Whoever has this sheet and"
        " can reach the backups can read all books. Without the passphrase nobody can, nor can you."
    )
    return [title, "=" * len(title), about, "", *_folded(keep), ""]


def _body(vaults: list[Vault], texts: Texts) -> list[str]:
    _ = texts.gettext
    lines = []
    for vault in vaults:
        repository = vault.repository
        lines += [
            *_titled(_("Where the backups are")),
            repository.path + (f"  ({repository.label})" if repository.label else ""),
            _("Borg repository {id}").format(id=vault.id),
            _("encrypted with {encryption}").format(encryption=vault.encryption),
            "",
        ]
        if repository.path.startswith("/"):
            lines += _folded(
                _("This is a disk of the computer itself. Which disk, and where it is kept:")
            )
        else:
            lines += _folded(_("How to log in there (name, key or password), and whom to call:"))
        lines += ["", _BLANK, "", *_passphrase(vault, texts), *_key(vault, texts)]
    return [*lines, *_steps(vaults[0], texts)] if vaults else lines


def _passphrase(vault: Vault, texts: Texts) -> list[str]:
    """Return a line to write on; what prints the passphrase may be said, itself it may not."""
    _ = texts.gettext
    lines = _titled(_("The passphrase: write it here by hand"))
    command = vault.repository.settings.get("encryption_passcommand")
    if command:
        lines.append(_("On the old computer, this shows it: {command}").format(command=command))
    return [*lines, "", _BLANK, ""]


def _key(vault: Vault, texts: Texts) -> list[str]:
    _ = texts.gettext
    if not vault.key:
        return []
    if vault.needs_key:
        why = _("The key is not in the repository: without these lines no backup can be read.")
    else:
        why = _(
            "The key is in the repository too. These lines are for the day on which that copy of it"
            " is damaged."
        )
    return [*_titled(_("The key, protected by the passphrase")), *_folded(why), "", vault.key, ""]


def _steps(vault: Vault, texts: Texts) -> list[str]:
    _ = texts.gettext
    url = shlex.quote(vault.repository.path)
    lines = [
        *_titled(_("Restoring on a new computer (Debian or Ubuntu, or WSL on Windows)")),
        *_folded(_("1. Get avplugin, and start this in its folder:")),
        "",
        "    ./run setup",
        '    export PATH="$PWD/.venv/bin:$PATH"',
        "",
        *_folded(_("2. Make the repository reachable: connect the disk, or log in once by ssh.")),
        "",
    ]
    step = 3
    if vault.needs_key:
        text = _("{step}. Type in the key from this sheet, line by line:")
        lines += [
            *_folded(text.format(step=step)),
            "",
            f"    borg key import --paper {url}",
            "",
        ]
        step += 1
    lines += [
        *_folded(_("{step}. See what there is. It asks for the passphrase.").format(step=step)),
        "",
        f"    avplugin snapshots --repository {url}",
        "",
        *_folded(
            _(
                "{step}. Put back the program folder, the system folder, each extra folder by its"
                " name, and each administration by its code, each in a new folder:"
            ).format(step=step + 1)
        ),
        "",
        "    mkdir -p restored",
        *(
            f"    avplugin restore --yes {what} --new {folder} --repository {url}"
            for what, folder in (
                ("program", "restored/program"),
                ("system", "restored/system"),
                (f"extra:{_('NAME')}", f"restored/{_('NAME')}"),
                (_("CODE"), f"restored/{_('CODE')}"),
            )
        ),
        "",
        *_folded(
            _(
                "More, such as all administrations at once and going on with the backups from the"
                " new computer: docs/restore.md in avplugin's folder, 'On a new machine'. An"
                " administration in a new place is registered in AccountView with Bestand >"
                " Administraties, Bewerken > Toevoegen, answer Nee."
            )
        ),
    ]
    return lines


def _titled(title: str) -> list[str]:
    return [title, "-" * len(title)]


def _folded(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False)
