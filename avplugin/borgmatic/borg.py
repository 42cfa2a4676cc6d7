"""Run Borg on a repository, with borgmatic's settings for it, and understand what it answers."""

from __future__ import annotations

import ast
import contextlib
import datetime
import fcntl
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from avplugin.borgmatic.archive import Archive
from avplugin.borgmatic.configuration import Repository
from avplugin.borgmatic.early_borg import start_early
from avplugin.errors import AvpluginError

if TYPE_CHECKING:
    from threading import Thread

OLDEST_BORG = (1, 4, 5)
TOO_NEW_BORG = (2,)  # another program: its commands take other words

# What Borg calls these errors; an archive does not exist once another run has renamed it.
_UNAVAILABLE = frozenset(
    {
        *("Repository.DoesNotExist", "Repository.PathPermissionDenied", "Archive.DoesNotExist"),
        *("LockTimeout", "LockError", "LockErrorT", "LockFailed"),
        *("PassphraseWrong", "NoPassphraseFailure", "PasscommandFailure"),
        *("ConnectionClosed", "ConnectionClosedWithHint", "ConnectionBrokenWithHint"),
        *("Cache.RepositoryAccessAborted", "Signal.SIGTERM", "Signal.SIGHUP"),
    }
)

# What `prune --list` says of an archive, from Borg 1.1 to 1.4: "Would prune:", "Pruning archive
# (1/3):", "Keeping archive (rule: daily #1):" or "Keeping checkpoint archive:", a name and a time,
# and the archive's id.
_JUDGED = re.compile(r"(?P<verdict>Would prune|Pruning|Keeping)\b.*\[(?P<id>[0-9a-f]{64})\]\s*")

_BLOCK = 1 << 20  # bytes of a file that are handed on at once

# File too large, no space, read-only, over quota: as Borg writes them in warnings about a file.
_NO_ROOM = re.compile(r"\[Errno (27|28|30|122)\]")
_IN_EXTRACTION = ", in extract_item\n"  # a line of a traceback of Borg's


class BorgError(AvpluginError):
    """Borg did not do what it was asked."""


class RepositoryUnavailable(BorgError):  # noqa: N818 - named for what is wrong
    """The repository cannot be used at this moment, which says nothing about what is in it."""


class DestinationFull(BorgError):  # noqa: N818 - as above
    """What came out of an archive could not be written, which says nothing about the archive."""


class Item(NamedTuple):
    """One thing in an archive's list: Borg's letter for its type, its size in bytes, its path."""

    type: str
    size: int
    path: bytes


class Listing(NamedTuple):
    """A repository: its id, how it is encrypted, and its archives, checkpoints included."""

    id: str
    encryption: str
    archives: tuple[Archive, ...]


class Sizes(NamedTuple):
    """Bytes as stored: what no other archive shares with this one, and of all archives together.

    `id` is that of the archive.
    """

    new: int
    repository: int
    id: str


def list_archives(repository: Repository) -> Listing:
    """Return the repository's archives, in the order in which they were made.

    Raise BorgError if the repository does not exist, is locked, cannot be reached, or its
    passphrase is another one.
    """
    return _listing(_run(repository, _list_words(repository)))


class BegunListing:
    """The answer to what list_archives asks, begun beside all else."""

    def __init__(self, repository: Repository) -> None:
        self._running = Running(repository, _list_words(repository))
        self._answer: Listing | None = None

    def wait(self) -> Listing:
        """Return the answer; raise what list_archives does."""
        if self._answer is None:
            self._answer = _listing(self._running.wait())
        return self._answer

    def __enter__(self) -> BegunListing:
        """Return it; on the way out Borg is ended if nobody has waited for it."""
        return self

    def __exit__(self, *_: object) -> None:
        if self._running.process.returncode is None:
            self._running.end()


def _list_words(repository: Repository) -> list[str]:
    return ["list", "--consider-checkpoints", "--json", repository.path]


def _listing(answer: bytes) -> Listing:
    document = json.loads(answer)
    archives = tuple(
        Archive(
            name=entry["name"],
            id=entry["id"],
            time=datetime.datetime.fromisoformat(entry["start"]).replace(tzinfo=datetime.UTC),
        )
        for entry in document["archives"]
    )
    return Listing(document["repository"]["id"], document["encryption"]["mode"], archives)


class Judged(NamedTuple):
    """What Borg's prune would do now: ids of archives, checkpoints included."""

    kept: frozenset[str]
    pruned: frozenset[str]


class ItemList:
    """An archive's list, in its own order: objects would take several times more.

    `data` has for each item its path, a NUL, Borg's letter and the size in digits, a NUL.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __iter__(self) -> Iterator[Item]:
        for path, found in self.pairs():
            yield Item(found[:1].decode("ascii"), int(found[1:]), path)

    def __contains__(self, path: bytes) -> bool:
        return path in self._data and any(path == other for other, _ in self.pairs())

    def pairs(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield each path with Borg's letter and the size in one, as they are written."""
        parts = iter(self._data.split(b"\0"))
        return zip(parts, parts, strict=False)


def list_items(repository: Repository, archive: str) -> ItemList:
    """Return the list of all that is in the archive. Raise BorgError if it cannot be read."""
    words = ["list", "--format", "{bpath!a} {type}{size}{NL}", f"{repository.path}::{archive}"]
    data = bytearray()
    for line in io.BytesIO(_run(repository, words)):
        path, _, found = line.rstrip(b"\n").rpartition(b" ")
        data += b"%s\0%s\0" % (_unquoted(path), found)
    return ItemList(bytes(data))


def read_files(repository: Repository, archive: str, path: str) -> bytes:
    """Return the contents of all files below `path` in the archive, one behind the other."""
    words = ["extract", "--stdout", f"{repository.path}::{archive}", f"pp:{path}"]
    return _run(repository, words, accept_warnings=True)


def export_key(repository: Repository) -> str:
    """Return the repository's key as text to be printed and typed in again; it is encrypted.

    Raise BorgError if it cannot be read, or the repository has none.
    """
    return _run(repository, ["key", "export", "--paper", repository.path]).decode().strip()


def rename_archive(repository: Repository, archive: str, name: str) -> None:
    """Give the archive another name; its id changes with it. Raise BorgError."""
    _run(repository, ["rename", f"{repository.path}::{archive}", name])


def delete_archives(repository: Repository, archives: Sequence[str]) -> None:
    """Delete the archives; their space comes back with borgmatic's next compact."""
    _run(repository, ["delete", repository.path, *archives])


def judge_archives(repository: Repository, options: Sequence[str]) -> Judged:
    """Return what `borg prune` with these options would keep and what it would remove.

    Borg cuts days, weeks and months by the local time, so this one call does not run in UTC. Raise
    BorgError, also if Borg says two things of one archive.
    """
    found: dict[str, set[str]] = {"kept": set(), "pruned": set()}

    def note(document: dict[str, Any]) -> None:
        said = _JUDGED.fullmatch(str(document.get("message", "")))
        if said is not None and document.get("name") == "borg.output.list":
            found["kept" if said["verdict"] == "Keeping" else "pruned"].add(said["id"])

    words = ["prune", "--dry-run", "--list", *options, repository.path]
    _run(repository, words, on_log=note, in_utc=False)
    if found["kept"] & found["pruned"]:
        raise BorgError(f"Borg would both keep and prune the same archive of {repository.path}.")
    return Judged(frozenset(found["kept"]), frozenset(found["pruned"]))


def archive_sizes(repository: Repository, archive: str) -> Sizes:
    """Return what the archive takes. Raise BorgError if that cannot be found out."""
    document = json.loads(_run(repository, ["info", "--json", f"{repository.path}::{archive}"]))
    [found] = document["archives"]
    return Sizes(
        new=found["stats"]["deduplicated_size"],
        repository=document["cache"]["stats"]["unique_csize"],
        id=found["id"],
    )


def extract(
    repository: Repository,
    archive: str,
    paths: Iterable[str],
    without: Iterable[str],
    destination: Path,
    progress: Callable[[int], None] | None,
) -> list[str]:
    """Extract what lies below `paths` but not below `without` into the folder `destination`.

    Paths are those in the archive, and stay as they are below `destination`. Where one lies inside
    another, the inner one says what becomes of it. `progress` is called with the bytes done so
    far; None saves Borg from adding up how many there are in the archive. Return Borg's warnings.
    Raise BorgError if anything could not be extracted: the chunks' own digests prove the contents.
    If `destination` is why, that is DestinationFull.
    """
    options, roots = _chosen_paths(paths, without)
    options = [*(["--progress"] if progress else []), *options]
    words = ["extract", *options, f"{repository.path}::{archive}", *roots]
    warnings: list[str] = []
    failures: list[str] = []

    def note(document: dict[str, Any]) -> None:
        if progress and document.get("msgid") == "extract" and "current" in document:
            progress(int(document["current"]))
        elif document.get("levelname") == "WARNING":
            warnings.append(str(document.get("message")))
        elif _IN_EXTRACTION in (said := str(document.get("message"))):
            # Of what the file's buffer still held Borg makes no warning, but a traceback.
            failures.extend(line for line in said.splitlines() if line.startswith("OSError"))

    # Options of borgmatic's own may choose more than the paths do.
    is_plain = not (repository.settings.get("extra_borg_options") or {}).get("extract")
    module = "avplugin.borgmatic.choosing_borg" if is_plain and _is_own(repository) else None
    try:
        _run(repository, words, folder=destination, on_log=note, module=module)
    except BorgError as error:
        full = next((said for said in warnings + failures if _NO_ROOM.search(said)), None)
        if full is None:
            raise
        raise DestinationFull(f"{destination} has no room left: {full}") from error
    return warnings


class StreamedItem(NamedTuple):
    """One thing that comes out of an archive; times are nanoseconds since 1970."""

    item: Item
    modified: int
    blocks: Iterator[bytes]  # a file's contents; to be read before the next item


class _CutOff(Exception):  # noqa: N818 - named for what happened to the stream
    """Borg ended before it had written all; how it ended says why."""


@contextlib.contextmanager
def streamed(
    repository: Repository, archive: str, paths: Iterable[str], without: Iterable[str]
) -> Iterator[Iterator[StreamedItem]]:
    """Yield what lies below `paths` but not below `without`, item by item, with its contents.

    Paths are as of extract. What was read counts only once the block has ended: raise BorgError
    then if anything could not be read. The chunks' own digests prove the contents. It is the Borg
    of this Python environment, whatever borgmatic's local_path says.
    """
    options, roots = _chosen_paths(paths, without)
    words = ["export-tar", *options, f"{repository.path}::{archive}", "-", *roots]
    program = [sys.executable, "-P", "-m", "avplugin.borgmatic.streaming_borg"]
    messages: list[dict[str, Any]] = []

    def listen(stream: IO[bytes]) -> None:
        messages.extend(map(_log_line, stream))

    import threading  # noqa: PLC0415 - only where Borg runs

    with _environment(repository) as environment:
        environment["TZ"] = "UTC"
        process = _start(repository, [*program, *_with_common(repository, words)], environment)
        stdout, stderr = process.stdout, process.stderr
        assert stdout is not None and stderr is not None  # noqa: S101 - for mypy
        _widen(stdout)
        listener = threading.Thread(target=listen, args=(stderr,))
        listener.start()
        cut_off = False
        try:
            # Closed first, since a Borg that cannot write on does not end either.
            with process, _ended_with_us(process), contextlib.closing(stdout):
                try:
                    yield _items(stdout)
                except _CutOff:
                    cut_off = True
                if not cut_off and stdout.read(1):
                    raise BorgError(f"not all of {archive} was read.")
        finally:
            listener.join()
    if process.returncode != 0:
        kind = RepositoryUnavailable if _is_unavailable(process.returncode, messages) else BorgError
        raise kind(_explain(repository, process.returncode, messages))
    if cut_off:
        raise BorgError(f"what Borg wrote of {archive} cannot be understood.")


def check_archives(repository: Repository, pattern: str) -> None:
    """Check the archives whose names match the glob pattern, as borgmatic's check `archives` does.

    Raise BorgError that says what is wrong with them, RepositoryUnavailable if that cannot be told.
    """
    said: list[str] = []

    def note(document: dict[str, Any]) -> None:
        if document.get("levelname") in {"ERROR", "CRITICAL"} and document.get("message"):
            said.append(str(document["message"]).strip().splitlines()[0])

    words = ["check", "--archives-only", "--glob-archives", pattern, repository.path]
    try:
        _run(repository, words, on_log=note)
    except RepositoryUnavailable:
        raise
    except BorgError as error:
        raise BorgError(said[0] if said else str(error)) from error


def read_each_file(repository: Repository, archive: str, path: str) -> dict[str, bytes]:
    """Return the contents of the files below `path` in the archive, by their paths in it."""
    import tarfile  # noqa: PLC0415

    words = ["export-tar", f"{repository.path}::{archive}", "-", f"pp:{path}"]
    data = _run(repository, words, accept_warnings=True)
    found: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        for member in tar:
            file = tar.extractfile(member)
            if file is not None:
                found[member.name] = file.read()
    return found


def compact(repository: Repository) -> None:
    """Free all that can be freed, however little it is. Raise BorgError."""
    _run(repository, ["compact", "--threshold", "0", repository.path])


def run_inside(
    repository: Repository,
    words: Sequence[str],
    environment: Mapping[str, str],
    on_log: Callable[[dict[str, Any]], None],
) -> bytes:
    """Run Borg with the parts of inside_borg.py in place of its own. Raise BorgError.

    It is the Borg of this Python environment, whatever borgmatic's local_path says.
    """
    module = "avplugin.borgmatic.inside_borg"
    return _run(repository, words, on_log=on_log, module=module, variables=environment)


def check_borg_version(repository: Repository) -> None:
    """Raise BorgError if Borg is missing, or of a version that avplugin does not know."""
    answer = own_version(repository)
    if answer is None:
        answer = _run(repository, ["--version"], common=False).decode("utf-8", "replace").strip()
    words = answer.split()[-1].split(".") if answer else []
    numbers = tuple(int("".join(filter(str.isdigit, word)) or 0) for word in words[:3])
    if not OLDEST_BORG <= numbers < TOO_NEW_BORG:
        oldest = ".".join(str(number) for number in OLDEST_BORG)
        raise BorgError(
            f"{_program(repository)[0]} is {answer or 'no Borg'}; avplugin needs Borg 1, from"
            f" {oldest} on.\nInstall it with 'pip install \"borgbackup<2\"', or point borgmatic's"
            " local_path at one."
        )


def own_version(repository: Repository) -> str | None:
    """Return the version of the Borg of this Python environment, if that is the one to be run.

    It is known without starting it.
    """
    if not _is_own(repository):
        return None
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

    try:
        return version("borgbackup")
    except PackageNotFoundError:
        return None


def _is_own(repository: Repository) -> bool:
    program = _program(repository)
    found = shutil.which(program[0], path=_search_path())
    return len(program) == 1 and found == str(Path(sys.executable).with_name("borg"))


def cache_folder(repository: Repository) -> Path:
    """Return the folder in which Borg keeps what it knows of this and other repositories.

    Source: Borg's documentation of environment variables, BORG_CACHE_DIR.
    """

    def said(setting: str, variable: str) -> str:
        return str(repository.settings.get(setting) or os.environ.get(variable) or "")

    if named := said("borg_cache_directory", "BORG_CACHE_DIR"):
        return Path(named).absolute()
    if base := said("borg_base_directory", "BORG_BASE_DIR"):
        return Path(base).absolute() / ".cache" / "borg"
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache).absolute() / "borg"


def _chosen_paths(paths: Iterable[str], without: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return options and arguments that choose what lies below `paths` but not below `without`.

    Where one lies inside another, the inner one says what becomes of it.
    """
    wanted = list(dict.fromkeys(paths))
    roots = [path for path in wanted if not _lies_in_any(path, wanted)]
    # Borg takes the first pattern that matches, and fails if a root is never the one.
    patterns = {path: f"--exclude=pp:{path}" for path in without}
    patterns |= {path: f"--pattern=+ pp:{path}" for path in wanted if path not in roots}
    inner_first = sorted(patterns, key=lambda one: -one.count("/"))
    return [patterns[path] for path in inner_first], [f"pp:{path}" for path in roots]


def _items(stream: IO[bytes]) -> Iterator[StreamedItem]:
    """Yield what streaming_borg.py writes. Raise _CutOff where it ends early, or makes no sense."""
    for line in stream:
        try:
            document = json.loads(line)
            path = bytes.fromhex(document["path"])
            item = Item(str(document["type"]), int(document["size"]), path)
            modified = int(document["modified"])
        except (ValueError, KeyError, TypeError) as error:
            raise _CutOff from error
        left = item.size if item.type == "-" else 0
        blocks = _blocks(stream, left)
        yield StreamedItem(item, modified, blocks)
        for _ in blocks:  # what nobody wanted to read
            pass


def _blocks(stream: IO[bytes], left: int) -> Iterator[bytes]:
    while left:
        data = stream.read(min(left, _BLOCK))
        if not data:
            raise _CutOff
        left -= len(data)
        yield data


def _widen(stream: IO[bytes]) -> None:
    """Let a pipe hold more, so that both sides wait less often; it is no harm if it cannot."""
    with contextlib.suppress(OSError):
        fcntl.fcntl(stream, fcntl.F_SETPIPE_SZ, _BLOCK)


def _lies_in_any(path: str, others: Collection[str]) -> bool:
    return any(str(parent) in others for parent in PurePosixPath(path).parents)


def _program(repository: Repository) -> list[str]:
    return shlex.split(str(repository.settings.get("local_path") or "borg"))


class Running:
    """A Borg at work beside all else; to be waited for or ended.

    Borg's log is read as JSON lines once it is waited for, and `on_log` gets every line.
    """

    def __init__(
        self,
        repository: Repository,
        words: Sequence[str],
        *,
        folder: Path | None = None,
        common: bool = True,
        in_utc: bool = True,
        module: str | None = None,
        variables: Mapping[str, str] | None = None,
        is_asked: bool = False,
    ) -> None:
        """Start it. Raise BorgError if there is no Borg.

        Times are asked for `in_utc` as a rule: Borg's JSON has no time zone. `module` is what to
        run in the place of Borg's program, with the Borg of this Python environment; `variables`
        are for its environment besides. One that `is_asked` has a standard input, and its standard
        output is read by whoever asks.
        """
        self._repository = repository
        program = [sys.executable, "-P", "-m", module] if module else _program(repository)
        words = _with_common(repository, words) if common else words
        with _environment(repository) as environment:
            if in_utc:
                environment["TZ"] = "UTC"
            environment.update(variables or {})
            where = folder or repository.settings.get("working_directory")
            early = None
            if module or _is_own(repository):
                early = start_early(words, environment, where, module=module, is_asked=is_asked)
            self.process = early or _start(
                repository,
                [*program, *words],
                environment,
                folder,
                stdin=subprocess.PIPE if is_asked else subprocess.DEVNULL,
            )
        self._output: list[bytes] = []
        self._reader = None if is_asked else self._read_beside()

    def _read_beside(self) -> Thread:
        """Read standard output beside all else, so that neither pipe can fill up."""
        import threading  # noqa: PLC0415 - only where Borg runs

        stream = self.process.stdout
        assert stream is not None  # noqa: S101 - for mypy
        read = iter(lambda: stream.read(1 << 20), b"")
        reader = threading.Thread(target=lambda: self._output.extend(read))
        reader.start()
        return reader

    def wait(
        self,
        *,
        on_log: Callable[[dict[str, Any]], None] | None = None,
        accept_warnings: bool = False,
    ) -> bytes:
        """Return its standard output. Raise BorgError unless it ends in 0."""
        messages: list[dict[str, Any]] = []
        assert self.process.stderr is not None  # noqa: S101 - for mypy
        try:
            for line in self.process.stderr:
                document = _log_line(line)
                messages.append(document)
                if on_log is not None:
                    on_log(document)
        except BaseException:
            self.end()
            raise
        self._close()
        status = self.process.returncode
        failed = status != 0
        if failed and accept_warnings and (status == 1 or status >= 100):
            failed = False
        if failed:
            kind = RepositoryUnavailable if _is_unavailable(status, messages) else BorgError
            raise kind(_explain(self._repository, status, messages))
        return b"".join(self._output)

    def end(self) -> None:
        """End it, whether it is done or not."""
        self.process.terminate()
        self._close()

    def _close(self) -> None:
        self.process.wait()
        if self._reader is not None:
            self._reader.join()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):  # it does not hear any more
                    stream.close()


def _run(
    repository: Repository,
    words: Sequence[str],
    *,
    folder: Path | None = None,
    on_log: Callable[[dict[str, Any]], None] | None = None,
    accept_warnings: bool = False,
    common: bool = True,
    in_utc: bool = True,
    module: str | None = None,
    variables: Mapping[str, str] | None = None,
) -> bytes:
    """Run Borg to its end and return its standard output. Raise BorgError unless it ends in 0."""
    running = Running(
        repository,
        words,
        folder=folder,
        common=common,
        in_utc=in_utc,
        module=module,
        variables=variables,
    )
    return running.wait(on_log=on_log, accept_warnings=accept_warnings)


def _start(
    repository: Repository,
    command: Sequence[str],
    environment: Mapping[str, str],
    folder: Path | None = None,
    *,
    stdin: int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start Borg with pipes for what it writes. Raise BorgError if there is none."""
    try:
        return subprocess.Popen(
            command,
            env=environment,
            cwd=folder or repository.settings.get("working_directory"),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            close_fds=False,  # the passphrase comes through an inherited pipe
        )
    except OSError as error:
        raise BorgError(
            f"cannot start Borg ({command[0]}): {error.strerror}.\n"
            "Install it with 'pip install borgbackup', or put its folder on PATH."
        ) from error


def _with_common(repository: Repository, words: Sequence[str]) -> list[str]:
    """Return a command's words with the options that go with each of them."""
    return [words[0], *_common_options(repository, words[0]), *words[1:]]


def _common_options(repository: Repository, action: str) -> list[str]:
    settings = repository.settings
    options = ["--log-json"]
    if settings.get("lock_wait"):
        options += ["--lock-wait", str(settings["lock_wait"])]
    if settings.get("remote_path"):
        options += ["--remote-path", str(settings["remote_path"])]
    if settings.get("umask"):
        options += ["--umask", str(settings["umask"])]
    extra = (settings.get("extra_borg_options") or {}).get(action, "")
    return [*options, *shlex.split(extra)]


def _search_path() -> str:
    """Return where Borg is looked for: as borgmatic does, or else in this Python environment."""
    own_commands = str(Path(sys.executable).parent)
    return os.pathsep.join([os.environ.get("PATH", os.defpath), own_commands])


@contextlib.contextmanager
def _environment(repository: Repository) -> Iterator[dict[str, str]]:
    """Yield the environment for one call of Borg; the passphrase's pipe is closed afterwards."""
    from borgmatic.borg.environment import make_environment  # noqa: PLC0415 - 0.1 s

    try:
        environment: dict[str, str] = make_environment(dict(repository.settings))
    except (ValueError, OSError, subprocess.CalledProcessError) as error:
        raise BorgError(
            f"cannot get the passphrase of {repository}: {str(error).splitlines()[0].rstrip('.')}."
        ) from error
    environment["PATH"] = _search_path()
    # Borg tests itself whenever it starts, which can take longer than what it is asked. The Borg
    # that borgmatic starts each night does so; this one need not again.
    environment.setdefault("BORG_SELFTEST", "disabled")
    own_descriptor = environment.get("BORG_PASSPHRASE_FD")
    if own_descriptor == os.environ.get("BORG_PASSPHRASE_FD"):
        own_descriptor = None
    try:
        yield environment
    finally:
        if own_descriptor is not None:
            with contextlib.suppress(OSError):
                os.close(int(own_descriptor))


@contextlib.contextmanager
def _ended_with_us(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """End Borg when the block is left before Borg is done, as when somebody stops avplugin."""
    try:
        yield
    except BaseException:
        process.terminate()
        process.wait()
        raise


def _log_line(line: bytes) -> dict[str, Any]:
    text = line.decode("utf-8", "replace").strip()
    _, brace, rest = text.partition('{"')  # a question of Borg's stands before it, without a break
    try:
        document = json.loads(brace + rest)
    except ValueError:
        document = None
    return document if isinstance(document, dict) else {"message": text, "levelname": "ERROR"}


def _unquoted(literal: bytes) -> bytes:
    """Return the bytes of a path that Borg wrote as a Python literal.

    Written plainly, Borg would put a question mark for every byte of a name that is not UTF-8.
    """
    if b"\\" in literal:
        text: str = ast.literal_eval(literal.decode("ascii"))
        return os.fsencode(text)
    return literal[1:-1]


def _is_unavailable(status: int, messages: Sequence[dict[str, Any]]) -> bool:
    """Return whether Borg did not get to what was asked, whatever state the archives are in."""
    ids = {entry.get("msgid") for entry in messages}
    return status < 0 or bool(ids & _UNAVAILABLE)  # below 0: a signal, as when memory ran out


def _explain(repository: Repository, status: int, messages: Sequence[dict[str, Any]]) -> str:
    """Return what went wrong and what to do, in one or two lines."""
    spoken = [entry for entry in messages if entry.get("message") and "levelname" in entry]
    loud = [entry for entry in spoken if entry["levelname"] in {"WARNING", "ERROR", "CRITICAL"}]
    ids = {entry.get("msgid") for entry in loud}
    path = repository.path
    if ids & {"Repository.DoesNotExist", "Repository.InvalidRepository"}:
        return (
            f"the repository {path} does not exist.\n"
            "Check its name and whether its disk is mounted; a new one is made once, with"
            " 'borgmatic repo-create --encryption repokey-blake2'."
        )
    if ids & {"LockTimeout", "LockError", "LockFailed"}:
        return (
            f"the repository {path} is locked by another Borg process.\n"
            "Wait for it to end; if none runs any more, 'borgmatic break-lock' frees it."
        )
    if ids & {"PassphraseWrong", "NoPassphraseFailure", "PasscommandFailure"}:
        return (
            f"the repository {path} wants another passphrase.\n"
            "Check encryption_passphrase (or encryption_passcommand) in borgmatic's configuration,"
            " or BORG_PASSPHRASE."
        )
    # Behind an error that Borg did not expect comes how it got there.
    told = [entry for entry in loud if not str(entry["message"]).startswith("Traceback ")] or loud
    said = str(told[-1]["message"]).strip().splitlines()[0] if told else f"exit status {status}"
    if not loud and status < 0:
        said = f"ended by signal {-status}"
    return f"Borg failed on the repository {path}: {said}"
