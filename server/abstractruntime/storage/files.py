"""Files that are written whole or not at all, by several threads and processes.

Power cuts. A policy says which writes reach the disk before they are reported as done:

    always   every one: the default of files
    marked   those that the engine marks durable: before and after an effect that leaves the
             process, at parks and ends. A plain `save` or `append` of a host is not marked.
             The default of SQLite.
    never    none: for tests, and for data that can be made again

Whatever the policy, the death of the process alone loses nothing that was reported as done, and
never leaves half of a file.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import threading
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

from ..core.errors import InvalidId, StoreError, StoreFull

if sys.platform != "win32":
    import fcntl

_NO_ROOM = frozenset({errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})
_LONGEST_NAME = 200
_TRIAL = 65_536  # bytes that are written to see whether there is room
MAKE_ROOM = "Make room on it: runs stay as they are until then, and go on from there."


class Sync(str, Enum):
    """Which writes reach the disk before they are reported as done."""

    ALWAYS = "always"
    MARKED = "marked"
    NEVER = "never"


def sync_option(url: str, options: str, usual: Sync) -> Sync:
    """Read `sync=always|marked|never` off the end of a URL; raise ValueError for anything else."""
    name, _, value = options.partition("=")
    known = [one.value for one in Sync]
    if not options:
        return usual
    if name != "sync" or value not in known:
        raise ValueError(f"{url!r} ends with an unknown option. Write ?sync= and one of {', '.join(known)}.")
    return Sync(value)


@contextlib.contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn failures of the file system into StoreFull or StoreError naming the file."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise StoreFull(f"The disk is full; {path} was not written. {MAKE_ROOM}") from error
        raise StoreError(f"{path} cannot be used: {error.strerror or error}.") from error


def is_full(folder: Path) -> bool:
    """Say whether a folder takes no more bytes, by trying: SQLite tells some of it as an I/O error."""
    trial = folder / f".{os.urandom(6).hex()}.tmp"
    try:
        handle = os.open(trial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            if sys.platform == "win32":
                taken = os.write(handle, bytes(_TRIAL))
            else:
                taken = os.pwrite(handle, bytes(_TRIAL), 0)  # as SQLite writes
            os.fsync(handle)
        finally:
            os.close(handle)
            trial.unlink(missing_ok=True)
    except OSError as error:
        return error.errno in _NO_ROOM
    return taken < _TRIAL


def made_folder(path: str | os.PathLike[str]) -> Path:
    """Return a folder, made with its parents; raise StoreError when it cannot be made."""
    folder = Path(path).expanduser()
    with told(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def write_whole(path: Path, body: bytes, *, sync: bool) -> None:
    """Replace a file; whoever looks finds the old one or the new one.

    Raises StoreFull or StoreError; the old file is then as it was.
    """
    staged = path.with_name(f".{path.name[:_LONGEST_NAME]}.{os.urandom(6).hex()}.tmp")
    with told(path):
        try:
            with open(staged, "xb") as file:
                file.write(body)
                if sync:
                    file.flush()
                    os.fsync(file.fileno())
            os.replace(staged, path)
        except OSError:
            with contextlib.suppress(OSError):
                staged.unlink(missing_ok=True)
            raise
        if sync:
            sync_folder(path.parent)


def append_whole(path: Path, body: bytes, *, sync: bool) -> None:
    """Add to the end of a file in one write; the caller holds the folder's lock.

    Raises StoreFull or StoreError; the file is then as long as it was.
    """
    with told(path):
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            before = os.fstat(handle).st_size
            try:
                _write_all(handle, body)
                if sync:
                    os.fsync(handle)
            except OSError:
                with contextlib.suppress(OSError):
                    os.ftruncate(handle, before)
                raise
        finally:
            os.close(handle)
        if sync and before == 0:
            sync_folder(path.parent)


def read_if_there(path: Path) -> bytes | None:
    """Return the content of a file, or None if there is none."""
    with told(path):
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None


def removed(path: Path) -> bool:
    """Remove a file; say whether there was one."""
    with told(path):
        try:
            path.unlink()
        except FileNotFoundError:
            return False
    return True


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def name_for(id: str, kind: str) -> str:
    """Return an id as part of a file name; letters, digits, `-`, `_` and dots inside stay as they are.

    Raises InvalidId for one that looks like a path, or is no text: such an id never came from us.
    """
    if not isinstance(id, str):
        raise InvalidId(f"{id!r:.40} cannot be the id of a {kind}: it is no text.")
    if not id or "/" in id or "\\" in id or "\0" in id or id.startswith("."):
        raise InvalidId(f"{id!r} cannot be the id of a {kind} in a file: it is empty or looks like a path.")
    name = "".join(sign if sign in _PLAIN else _escaped(sign) for sign in id)
    if len(name) > _LONGEST_NAME:
        raise InvalidId(f"{id[:40]!r}... is too long for the id of a {kind} in a file.")
    return name


def id_from(name: str) -> str:
    """Return the id that `name_for` made a name of."""
    parts = name.split("%")
    try:
        body = b"".join(
            [parts[0].encode(), *(bytes.fromhex(part[:2]) + part[2:].encode() for part in parts[1:])]
        )
        return body.decode()
    except ValueError:
        return name


class FolderLock:
    """Held by one thread of one process at a time; the same thread may take it again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = threading.RLock()
        self._depth = 0
        self._handle = -1

    @property
    def handle(self) -> int:
        """The open lock file, while the lock is held."""
        return self._handle

    def __enter__(self) -> FolderLock:
        with contextlib.ExitStack() as unless_held:
            self._thread.acquire()
            unless_held.callback(self._thread.release)
            if self._depth == 0:
                with told(self._path):
                    self._take()
            self._depth += 1
            unless_held.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if self._depth == 0:
            os.close(self._handle)  # which gives the lock back
            self._handle = -1
        self._thread.release()

    def _take(self) -> None:
        if sys.platform == "win32":
            raise StoreError("Stores in files need a POSIX system; here, use sqlite: or memory:.")
        with contextlib.ExitStack() as unless_held:
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
            unless_held.callback(os.close, handle)
            fcntl.flock(handle, fcntl.LOCK_EX)
            self._handle = handle
            unless_held.pop_all()


_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")


def _escaped(sign: str) -> str:
    return "".join(f"%{byte:02X}" for byte in sign.encode("utf-8", "surrogatepass"))


def _write_all(handle: int, body: bytes) -> None:
    view = memoryview(body)
    while view:
        view = view[os.write(handle, view) :]
