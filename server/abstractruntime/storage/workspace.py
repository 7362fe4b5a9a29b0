"""A folder that flows may read and write, and nothing outside of it.

Every path is walked one folder at a time from the open root, never through a link: between looking and
opening there is no moment at which somebody could swap a folder for a link to elsewhere. Files are
replaced whole. Paths are relative, with forward slashes; errors show them so, never where the root is.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from .appended import FOLDER, MOST_APPENDED, Appended, is_there, read_trace, trace_name, trace_text

MIB = 1024 * 1024
LARGEST_READ = 8 * MIB
LARGEST_WRITE = 32 * MIB
DEEPEST = 32
_CLOSED = os.O_CLOEXEC | os.O_NOFOLLOW
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | _CLOSED


class WorkspaceError(ValueError):
    """A path cannot be used; the message says which and why."""


class FileMissing(WorkspaceError):
    """There is no such file, or no such folder on the way to it."""


@contextmanager
def _alone(folder: int) -> Iterator[None]:
    """Hold a folder against all others who write files in it, in this process or another."""
    fcntl.flock(folder, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(folder, fcntl.LOCK_UN)


@dataclass(frozen=True)
class Entry:
    """Something in a folder: its path below the root, its size in bytes, when it changed."""

    path: str
    is_folder: bool
    size: int
    modified_at: float


def parts_of(path: str, *, what: str = "path") -> tuple[str, ...]:
    """Read a relative path; () is the root itself. Raises WorkspaceError for one that leads elsewhere."""
    plain = path.strip().removeprefix("@")
    if "\0" in plain or "\\" in plain:
        raise WorkspaceError(f"The {what} '{_shown(path)}' holds a sign that paths may not have.")
    if plain.startswith(("/", "~")) or ":" in plain.split("/", 1)[0]:
        raise WorkspaceError(f"The {what} '{_shown(path)}' is not relative: it must lie in the workspace.")
    parts = tuple(part for part in plain.split("/") if part not in ("", "."))
    if ".." in parts:
        raise WorkspaceError(f"The {what} '{_shown(path)}' leads out of the workspace.")
    if len(parts) > DEEPEST or any(len(part.encode()) > 255 for part in parts):
        raise WorkspaceError(f"The {what} '{_shown(path)}' is too long.")
    return parts


def _shown(path: str) -> str:
    return "".join(sign if sign.isprintable() else "?" for sign in path[:120])


class Workspace:
    """The folder `root` (made when it is first written to); `within` is where paths begin below it.

    `ignored` paths, with all below them, are neither read nor written nor listed.
    """

    def __init__(self, root: Path, within: str = "", ignored: tuple[str, ...] = ()) -> None:
        self._root = root
        self._within = parts_of(within, what="workspace folder")
        self._ignored = tuple(parts_of(each, what="ignored path") for each in ignored)

    def read(self, path: str, largest: int = LARGEST_READ) -> bytes:
        """Return the bytes of a file. Raises WorkspaceError: absent, no file, a link, or too large."""
        parts = self._file_parts(path)
        with self._folder(parts[:-1], path) as folder:
            return self._bytes(parts[-1], folder, path, largest)

    def _bytes(self, name: str, folder: int, path: str, largest: int) -> bytes:
        handle = self._open(name, os.O_RDONLY | os.O_NONBLOCK | _CLOSED, folder, path)
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise WorkspaceError(f"Not a file: {_shown(path)}")
        with os.fdopen(handle, "rb") as file:
            body = file.read(largest + 1)
        if len(body) > largest:
            raise WorkspaceError(f"'{_shown(path)}' is larger than the {largest:,} bytes that may be read.")
        return body

    def write(self, path: str, body: bytes, largest: int = LARGEST_WRITE) -> str:
        """Replace a file whole, making its folders; return its path. Raises WorkspaceError."""
        if len(body) > largest:
            raise WorkspaceError(f"'{_shown(path)}' would be larger than the {largest:,} bytes allowed.")
        parts = self._file_parts(path)
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._folder(parts[:-1], path, make=True) as folder, _alone(folder):
            self._replace(parts[-1], folder, path, body)
        return "/".join(parts)

    def append(
        self, path: str, text: bytes, *, key: str, heading: bytes = b"", largest: int = LARGEST_WRITE
    ) -> tuple[str, int]:
        """Add lines at the end of a file, once for each key; return its path and its length.

        An absent or empty file begins with the heading. Nobody else who comes by a `Workspace` writes the file meanwhile,
        and whoever reads it finds it with all of the text or with none. Raises WorkspaceError.
        """
        parts = self._file_parts(path)
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._folder(parts[:-1], path, make=True) as folder, _alone(folder):
            try:
                old = self._bytes(parts[-1], folder, path, largest)
            except FileMissing:
                old = b""
            trace = trace_name((*self._within, *parts))
            with self._folder((FOLDER,), path, make=True, whole=True) as traces:
                known = self._known(trace, traces, path)
                if known and not is_there(known[-1], old):
                    known.pop()  # begun by a process that stopped before the file was replaced
                if any(each.key == key for each in known):
                    return "/".join(parts), len(old)
                start = heading if not old else b"" if old.endswith(b"\n") else b"\n"
                body = old + start + text
                if len(body) > largest:
                    raise WorkspaceError(
                        f"'{_shown(path)}' would be larger than the {largest:,} bytes allowed."
                    )
                known.append(Appended.of(key, len(old + start), text))
                self._replace(trace, traces, path, trace_text(known[-MOST_APPENDED:]))
            self._replace(parts[-1], folder, path, body)
        return "/".join(parts), len(body)

    def _known(self, trace: str, traces: int, path: str) -> list[Appended]:
        try:
            return read_trace(self._bytes(trace, traces, path, LARGEST_READ))
        except FileMissing:
            return []

    def _replace(self, name: str, folder: int, path: str, body: bytes) -> None:
        self._refuse_folder(name, folder, path)
        staged = f".{secrets.token_hex(8)}.tmp"
        handle = self._open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _CLOSED, folder, path)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            os.rename(staged, name, src_dir_fd=folder, dst_dir_fd=folder)
        except OSError as error:
            with suppress(FileNotFoundError):
                os.unlink(staged, dir_fd=folder)
            raise WorkspaceError(f"Cannot write '{_shown(path)}': {error.strerror}.") from None
        os.fsync(folder)

    def entries(self, path: str, *, depth: int, limit: int) -> tuple[list[Entry], bool]:
        """List a folder `depth` levels deep, by name; return at most `limit` entries, and whether cut."""
        found: list[Entry] = []
        for entry in self._walk(parts_of(path), path, depth):
            if len(found) == limit:
                return found, True
            found.append(entry)
        return found, False

    def _walk(self, parts: tuple[str, ...], path: str, depth: int) -> Iterator[Entry]:
        if not parts and not self._within and not self._root.is_dir():
            return
        with self._folder(parts, path) as folder:
            with os.scandir(folder) as listing:
                names = sorted((each.name for each in listing), key=str.casefold)
            for name in names:
                mine = (*parts, name)
                try:
                    about = os.stat(name, dir_fd=folder, follow_symlinks=False)
                except FileNotFoundError:
                    continue
                is_folder = stat.S_ISDIR(about.st_mode)
                if self._is_ignored(mine) or not (is_folder or stat.S_ISREG(about.st_mode)):
                    continue
                yield Entry("/".join(mine), is_folder, 0 if is_folder else about.st_size, about.st_mtime)
                if is_folder and depth > 1:
                    yield from self._walk(mine, "/".join(mine), depth - 1)

    def _file_parts(self, path: str) -> tuple[str, ...]:
        parts = parts_of(path)
        if not parts:
            raise WorkspaceError(f"Not a file: {_shown(path) or 'the workspace itself'}")
        if self._is_ignored(parts):
            raise WorkspaceError(f"'{_shown(path)}' is among the workspace_ignored_paths.")
        return parts

    def _is_ignored(self, parts: tuple[str, ...]) -> bool:
        if (*self._within, *parts)[:1] == (FOLDER,):
            return True
        return any(each and parts[: len(each)] == each for each in self._ignored)

    @contextmanager
    def _folder(
        self, parts: tuple[str, ...], path: str, *, make: bool = False, whole: bool = False
    ) -> Iterator[int]:
        try:
            here = os.open(self._root, _FOLDER & ~os.O_NOFOLLOW)
        except OSError:
            raise FileMissing(f"File not found: {_shown(path)}") from None
        try:
            for part in parts if whole else (*self._within, *parts):
                if make:
                    self._make(part, here, path)
                below = self._open(part, _FOLDER, here, path)
                os.close(here)
                here = below
            yield here
        finally:
            os.close(here)

    def _make(self, part: str, folder: int, path: str) -> None:
        try:
            os.mkdir(part, 0o700, dir_fd=folder)
        except FileExistsError:
            return
        except OSError as error:  # the folder above is gone meanwhile, or may not be written to
            raise WorkspaceError(f"Cannot make the folder of '{_shown(path)}': {error.strerror}.") from None

    def _open(self, name: str, flags: int, folder: int, path: str) -> int:
        try:
            return os.open(name, flags, dir_fd=folder)
        except FileNotFoundError:
            raise FileMissing(f"File not found: {_shown(path)}") from None
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENOTDIR):
                if self._is_link(name, folder):
                    raise WorkspaceError(
                        f"'{_shown(path)}' leads through a link, which is not followed."
                    ) from None
                raise WorkspaceError(f"Not a file: {_shown(path)}") from None
            raise WorkspaceError(f"Cannot open '{_shown(path)}': {error.strerror}.") from None

    def _is_link(self, name: str, folder: int) -> bool:
        try:
            return stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
        except OSError:
            return False

    def _refuse_folder(self, name: str, folder: int, path: str) -> None:
        try:
            about = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return
        if not stat.S_ISREG(about.st_mode):
            raise WorkspaceError(f"Not a file: {_shown(path)}")
