"""Put folders back: make them ready beside their places, prove them, and let them change places.

All folders of a restore or none. Until the last step everything lies in hidden staging folders on
the targets' own file systems; the journal of restores knows each step before it is done.
"""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import datetime
import functools
import os
import shutil
import signal
import stat
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from avplugin.borgmatic.process import this_process
from avplugin.errors import AvpluginError
from avplugin.installation.model import Folder
from avplugin.installation.scan import Contents, FolderUnreadable, scan_folder
from avplugin.restore.check import Preparation, locate
from avplugin.restore.mounts import permissions_warning
from avplugin.restore.permissions import take_over_permissions
from avplugin.restore.staging import kept_name, remove_staging, staging_folder, staging_for
from avplugin.restore.swap import LostTrack, SwapRefused, perform, plan_swap, swap_from_json
from avplugin.restore.targets import RestoreError, Target, check_target, plan_targets
from avplugin.restore.where import New
from avplugin.state.files import locked
from avplugin.state.restores import Restore, RestoreJournal, Stage, Swapped
from avplugin.wording import some

_WRITING_PAUSE = 0.3  # seconds


@dataclasses.dataclass(frozen=True, slots=True)
class PutBack:
    """What a restore did: its folders, and what a person should know besides.

    The `kept` of a folder is empty where nothing had to make way.
    """

    folders: tuple[Swapped, ...]
    warnings: tuple[str, ...]


def folders_of(targets: Sequence[Target]) -> list[Folder]:
    """Return the folders that a restore replaces, to find out who is in them."""
    return [
        Folder(part.folder.kind, part.folder.code, part.folder.name, str(part.path), "")
        for target in targets
        for part in target.parts
    ]


def put_back(
    preparation: Preparation,
    journal: RestoreJournal,
    progress: Callable[[int], None] | None,
    look: Callable[[], None],
) -> PutBack:
    """Extract the targets, prove them, and let them change places with what is there.

    `progress` is called with the bytes extracted so far, if anybody wants to know. `look` is called
    when all is ready; what it raises because somebody is in ends the restore. Raise AvpluginError
    with all targets as they were, LostTrack if that could not be had: then the journal knows more.
    """
    targets = preparation.targets
    now = datetime.datetime.now().astimezone()
    restore = journal.begin(
        Restore(
            number=0,
            what=f"{preparation.choice.folder.label} from {preparation.choice.origin.name}",
            started=now.astimezone(datetime.UTC).isoformat(timespec="seconds"),
            owner=this_process(),
            stage=Stage.EXTRACTING,
            folders=tuple(_swapped(target, kept) for target, kept in _kept(targets, now)),
            is_new=isinstance(preparation.where, New),
        )
    )
    swapped = False
    try:
        with contextlib.ExitStack() as stack:
            for folder in restore.folders:
                stack.enter_context(staging_folder(Path(folder.staging)))
            warnings = _make_ready(preparation, restore, progress)
            look()
            with locked(journal.lock), unstoppable():  # two restores do not swap at once
                before = [_scan_old(target) for target in targets]
                restore = _plan(preparation, restore)
                journal.note(restore)
                swap_folders(restore, look)
                swapped = True
                stack.close()  # the locks on the staging folders
                restore = clear_up(restore, journal)
    except LostTrack:
        raise
    except AvpluginError as error:
        if swapped:
            raise _put_back_but(restore, error) from error
        abandon(restore, journal)
        raise
    except BaseException:
        if not swapped:
            abandon(restore, journal)
        raise
    for old, folder in zip(before, restore.folders, strict=True):
        warnings += _look_again(old, folder)
    warnings += who_came_in(look)
    warnings += [permissions_warning(target.path.parent) for target in targets]
    if os.geteuid() != 0 and preparation.choice.origin.keeps_permissions:
        warnings.append(
            "owners could not be set, since this is not root: all files belong to this user"
        )
    return PutBack(restore.folders, tuple(dict.fromkeys(filter(None, warnings))))


def _put_back_but(restore: Restore, error: AvpluginError) -> AvpluginError:
    kept = ", ".join(folder.kept for folder in restore.folders if os.path.lexists(folder.kept))
    return RestoreError(
        f"{restore.what} is put back, and what was there is {kept or 'nothing'}, but that could not"
        f" be noted: {error}\n'avplugin restore --recover' does so once that is mended."
    )


def swap_folders(restore: Restore, look: Callable[[], None]) -> None:
    """Let all folders of a restore change places, as far as they have not yet.

    Where somebody has something open, `look` says who. Raise RestoreError with everything as it
    was, LostTrack if that could not be had.
    """
    try:
        swaps = [swap_from_json(folder.swap) for folder in restore.folders]
    except (KeyError, TypeError, AttributeError) as error:
        raise LostTrack(f"the journal of {restore.what} cannot be understood: {error!r}") from error
    try:
        perform(swaps)
    except SwapRefused as error:
        hint = f"{_who_has_it_open(look)} " if error.is_open else ""
        raise RestoreError(f"{error}.\n{hint}Everything is as it was before.") from error


def clear_up(restore: Restore, journal: RestoreJournal) -> Restore:
    """Remove what a restore whose folders have all changed places needs no more; note its end.

    Of what was there before only empty folders go.
    """
    folders = []
    for folder in restore.folders:
        remove_staging(Path(folder.staging), Path(folder.path))
        with contextlib.suppress(OSError):  # it holds something, or is not there
            Path(folder.kept).rmdir()
        kept = folder.kept if os.path.lexists(folder.kept) else ""
        folders.append(dataclasses.replace(folder, kept=kept))
    ended = dataclasses.replace(
        restore, stage=Stage.DONE, folders=tuple(folders), place=journal.next_place()
    )
    journal.note(ended)
    journal.tidy()
    return ended


def abandon(restore: Restore, journal: RestoreJournal) -> None:
    """Remove what a restore made ready whose targets are as they were, and forget it."""
    for folder in restore.folders:
        remove_staging(Path(folder.staging), Path(folder.path))
    journal.forget(restore)


def _who_has_it_open(look: Callable[[], None]) -> str:
    try:
        look()
    except AvpluginError as error:
        return f"In the way: {'; '.join(str(error).splitlines()[1:])}."
    return "Somebody may have something open in it, or this user may not move it."


def who_came_in(look: Callable[[], None]) -> list[str]:
    """Return a warning about those who are in now: they may have come in during the swap."""
    try:
        look()
    except AvpluginError as error:
        who = " ".join(str(error).splitlines()[1:])
        return [
            "somebody came in while the folders changed places, and may still work in the old one;"
            f" ask them to log out and in again: {who}"
        ]
    return []


@contextlib.contextmanager
def unstoppable() -> Iterator[None]:
    """Put off what somebody sends to stop avplugin until the block, which takes a moment, ends.

    Once it has succeeded there is nothing left to stop: it is better to tell what was done.
    """
    late: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    handlers = {number: signal.getsignal(number) for number in numbers}
    for number, handler in handlers.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, lambda came, _frame: late.append(came))
    try:
        yield
    except BaseException:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for came in late:
            os.kill(os.getpid(), came)
        raise
    for number, handler in handlers.items():
        signal.signal(number, handler)


def _kept(targets: Sequence[Target], now: datetime.datetime) -> Iterator[tuple[Target, Path]]:
    """Yield each target with a name for what is there now, no two the same."""
    taken: set[Path] = set()
    for target in targets:
        kept = kept_name(target.path, f"{now:%Y%m%d-%H%M%S}", taken)
        taken.add(kept)
        yield target, kept


def _swapped(target: Target, kept: Path) -> Swapped:
    return Swapped(
        label=target.folder.label,
        kind=target.folder.kind.value,
        code=target.folder.code,
        name=target.folder.name,
        path=str(target.path),
        kept=str(kept),
        staging=str(staging_for(target.path)),
        parts=tuple(str(part.path) for part in target.parts),
        stays=tuple(str(stay) for stay in target.stays),
    )


def _make_ready(
    preparation: Preparation, restore: Restore, progress: Callable[[int], None] | None
) -> list[str]:
    """Extract all targets into their staging folders; return warnings."""
    warnings: list[str] = []
    done = 0
    for target, folder in zip(preparation.targets, restore.folders, strict=True):
        staging = Path(folder.staging)
        with _written_meanwhile(staging):
            extracted = preparation.choice.origin.extract(
                [part.folder for part in target.parts],
                staging,
                progress and functools.partial(_add, progress, done),
            )
        warnings += extracted.warnings
        _bring_together(target, staging)
        warnings += _leave_out_what_stays(target, staging)
        if not preparation.choice.origin.keeps_permissions:
            warnings += take_over_permissions(target.path, staging / target.folder.archived_path)
        _sync_file_system(staging)
        done += target.size
    return warnings


def _bring_together(target: Target, staging: Path) -> None:
    """Put the folders inside the outermost one where they are to be in it.

    As a rule they are: only in another administration copy documents can lie elsewhere.
    """
    new = staging / target.folder.archived_path
    for part in target.parts[1:]:
        wanted = new / part.path.relative_to(target.path)
        ready = staging / part.folder.archived_path
        if ready != wanted:
            plain = _leads_nowhere_else(staging, ready) and _leads_nowhere_else(staging, wanted)
            if not plain or os.path.lexists(wanted):
                raise RestoreError(
                    f"{part.folder.label} cannot be put at {part.path}: the copy has something"
                    " else there.\nRestore --without-copy-documents, or with --new FOLDER."
                )
            wanted.parent.mkdir(parents=True, exist_ok=True)
            ready.rename(wanted)


def _leave_out_what_stays(target: Target, staging: Path) -> list[str]:
    """Remove from what is ready what lies where another folder keeps its place; return warnings."""
    warnings = []
    for stay in target.stays:
        ready = staging / target.folder.archived_path / stay.relative_to(target.path)
        if _leads_nowhere_else(staging, ready) and os.path.lexists(ready):
            warnings.append(f"{stay} is a folder of its own now, and stays as it is")
            shutil.rmtree(ready) if ready.is_dir() and not ready.is_symlink() else ready.unlink()
    return warnings


def _leads_nowhere_else(staging: Path, path: Path) -> bool:
    """Return whether a path in the staging folder is what it seems: through no symbolic link.

    What is not there yet is no link either.
    """
    for parent in reversed(path.relative_to(staging).parents):
        try:
            if not stat.S_ISDIR((staging / parent).lstat().st_mode):
                return False
        except FileNotFoundError:
            return True
    return ".." not in path.parts


def _add(progress: Callable[[int], None], before: int, now: int) -> None:
    progress(before + now)


def _scan_old(target: Target) -> Contents | None:
    try:
        return scan_folder(str(target.path), [os.fsencode(stay) for stay in target.stays])
    except FolderUnreadable:  # missing, or damaged
        return None


def _plan(preparation: Preparation, restore: Restore) -> Restore:
    """Return the restore with the steps of its swap, as the disk is at this moment."""
    now = plan_targets(preparation.choice, preparation.where, locate(preparation.configuration)[0])
    if now != preparation.targets:
        raise RestoreError(
            f"where {restore.what} goes, or what lies in there, has changed while it was"
            " extracted.\nStart the restore again."
        )
    folders = []
    for target, folder in zip(preparation.targets, restore.folders, strict=True):
        check_target(target, may_replace=not isinstance(preparation.where, New))
        new = Path(folder.staging) / target.folder.archived_path
        inode = new.lstat().st_ino
        try:
            swap = plan_swap(target.path, new, Path(folder.kept), target.stays)
        except FileExistsError as error:
            inside = Path(error.filename).relative_to(new)
            raise RestoreError(
                f"{target.path / inside} has to stay a folder, since other folders lie in it; in"
                " the copy it is none.\nRestore with --new FOLDER to another place."
            ) from error
        if swap.attributes:  # the folder itself stays where it is
            inode = target.path.lstat().st_ino
        folders.append(dataclasses.replace(folder, inode=inode, swap=swap.to_json()))
    return dataclasses.replace(restore, stage=Stage.SWAPPING, folders=tuple(folders))


def _look_again(old: Contents | None, folder: Swapped) -> list[str]:
    """Look at a folder that made way once more: who had a file open there writes on, unseen."""
    if old is None or not folder.kept:
        return []
    try:
        now = _files(scan_folder(folder.kept))
    except FolderUnreadable as error:
        return [f"{folder.label}: the folder that was there cannot be read: {error}"]
    before = _files(old)
    changed = [
        os.fsdecode(path)
        for path in sorted(before.keys() | now.keys())
        if before.get(path) != now.get(path)
    ]
    if not changed:
        return []
    return [
        f"{folder.label}: somebody has written in the folder that was there, now {folder.kept}:"
        f" {some(changed)}"
    ]


def _files(contents: Contents) -> dict[bytes, tuple[int, int]]:
    return {
        entry.path: (entry.size, entry.modified) for entry in contents.entries if entry.type == "-"
    }


@contextlib.contextmanager
def _written_meanwhile(path: Path) -> Iterator[None]:
    """Let the disk write while folders are extracted, so that there is little left to wait for."""
    done = threading.Event()

    def write() -> None:
        with contextlib.suppress(RestoreError, OSError):  # told where it counts, at the end
            while not done.wait(_WRITING_PAUSE):
                _sync_file_system(path)

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _sync_file_system(path: Path) -> None:
    """Have all that was extracted on the disk before a rename makes it count: syncfs(2)."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if libc.syncfs(descriptor) != 0:
            reason = os.strerror(ctypes.get_errno())
            raise RestoreError(f"{path} could not be written to disk: {reason}.")
    finally:
        os.close(descriptor)
