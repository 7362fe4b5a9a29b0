"""Commands: an inbox for a host, each command taken once, read by a cursor.

Who steers runs from elsewhere appends commands; the host reads them in order and applies them, and
keeps its place in a cursor store. A command that is sent twice, by its `command_id`, counts once.
Nothing in the kernel applies commands by itself.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from ..core.clock import utc_now_iso
from ..core.errors import StoreDamaged
from ..core.jsonsafe import decode, encode
from .files import FolderLock, Sync, made_folder, read_if_there, write_whole
from .line_file import LineFile

log = logging.getLogger(__name__)
PAGE = 1000


@dataclass(frozen=True)
class CommandRecord:
    """A command; `payload` is a JSON object, `seq` its place in the store once it is there."""

    command_id: str
    run_id: str
    type: str
    payload: dict[str, Any]
    ts: str
    client_id: str | None = None
    seq: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the command as a plain object, in the order of the fields."""
        return {name: getattr(self, name) for name in _FIELDS}


_FIELDS = tuple(CommandRecord.__dataclass_fields__)


@dataclass(frozen=True)
class CommandAppendResult:
    """What became of a command: taken, or known already, and its place."""

    accepted: bool
    duplicate: bool
    seq: int


class CommandStore(Protocol):
    """Keeps commands in the order they came; places are 1, 2, 3..."""

    def append(self, record: CommandRecord) -> CommandAppendResult:
        """Take a command, unless one with its id is there.

        A blank id becomes a random one, a blank time becomes now. Raises ValueError for a blank run or
        type and for a payload that is not a JSON object.
        """
        ...

    def list_after(self, *, after: int, limit: int = PAGE) -> tuple[list[CommandRecord], int]:
        """Return commands with seq > after, and the cursor to go on from; a limit below 1 means 1000."""
        ...

    def get_last_seq(self) -> int:
        """Return the place of the last command, 0 without one."""
        ...


class CommandCursorStore(Protocol):
    """Keeps how far one reader of commands has come."""

    def load(self) -> int:
        """Return the cursor, 0 without one."""
        ...

    def save(self, cursor: int) -> None:
        """Keep the cursor."""
        ...


class InMemoryCommandStore:
    """Keeps commands as long as the process lives."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._seqs: dict[str, int] = {}
        self._lock = threading.Lock()

    def append(self, record: CommandRecord) -> CommandAppendResult:
        """Take a command, unless one with its id is there."""
        made = checked(record)
        with self._lock:
            known = self._seqs.get(made.command_id)
            if known is not None:
                return CommandAppendResult(False, True, known)
            made = replace(made, seq=len(self._texts) + 1)
            self._texts.append(encode(made.to_json()))
            self._seqs[made.command_id] = made.seq
            return CommandAppendResult(True, False, made.seq)

    def list_after(self, *, after: int, limit: int = PAGE) -> tuple[list[CommandRecord], int]:
        """Return commands with seq > after, and the cursor to go on from."""
        with self._lock:
            start = max(int(after), 0)
            texts = self._texts[start : start + page_size(limit)]
        return page([decode(text) for text in texts], after)

    def get_last_seq(self) -> int:
        """Return the place of the last command, 0 without one."""
        with self._lock:
            return len(self._texts)


class InMemoryCommandCursorStore:
    """Keeps a cursor as long as the process lives."""

    def __init__(self, initial: int = 0) -> None:
        self._cursor = int(initial)

    def load(self) -> int:
        """Return the cursor."""
        return self._cursor

    def save(self, cursor: int) -> None:
        """Keep the cursor."""
        self._cursor = int(cursor)


class JsonlCommandStore:
    """Keeps commands in a file, one a line; several processes may append and read."""

    def __init__(
        self,
        base_dir: str | os.PathLike[str],
        *,
        filename: str = "commands.jsonl",
        sync: Sync | str = Sync.ALWAYS,
    ) -> None:
        folder = made_folder(base_dir)
        self._sync = Sync(sync) is not Sync.NEVER
        self._lock = FolderLock(folder / f".{filename}.lock")
        self._lines = LineFile(folder / filename)
        self._seqs: dict[str, int] = {}
        self._last = 0
        with self._lock:
            self._refresh()

    def append(self, record: CommandRecord) -> CommandAppendResult:
        """Take a command, unless one with its id is there; StoreFull if there is no room, nothing is taken then."""
        made = checked(record)
        with self._lock:
            self._refresh()
            known = self._seqs.get(made.command_id)
            if known is not None:
                return CommandAppendResult(False, True, known)
            made = replace(made, seq=self._last + 1)
            self._lines.append([encode(made.to_json())], sync=self._sync)
            self._last = made.seq
            self._seqs[made.command_id] = made.seq
            return CommandAppendResult(True, False, made.seq)

    def list_after(self, *, after: int, limit: int = PAGE) -> tuple[list[CommandRecord], int]:
        """Return commands with seq > after, and the cursor to go on from."""
        with self._lock:
            self._refresh()
            start = max(int(after), 0)
            found = self._lines.read(start, start + page_size(limit))
        return page(found, after)

    def get_last_seq(self) -> int:
        """Return the place of the last command, 0 without one."""
        with self._lock:
            self._refresh()
            return self._last

    def _refresh(self) -> None:
        anew, lines = self._lines.refresh()
        if anew:
            self._seqs, self._last = {}, 0
        for line in lines:
            self._last += 1
            if line.get("seq") != self._last:
                raise StoreDamaged(f"{self._lines.path} has no command {self._last} in its place.")
            self._seqs[str(line.get("command_id"))] = self._last


class JsonFileCommandCursorStore:
    """Keeps a cursor in a file: `{"cursor": n, "updated_at": time}`."""

    def __init__(self, path: str | os.PathLike[str], *, sync: Sync | str = Sync.ALWAYS) -> None:
        self._path = Path(path).expanduser()
        self._sync = Sync(sync) is not Sync.NEVER
        made_folder(self._path.parent)

    def load(self) -> int:
        """Return the cursor, 0 without a file; one that cannot be read counts as 0 and is logged."""
        body = read_if_there(self._path)
        if body is None:
            return 0
        try:
            return max(int(decode(body.decode())["cursor"]), 0)
        except (ValueError, TypeError, KeyError):
            log.warning("%s holds no cursor; commands are read from the beginning.", self._path)
            return 0

    def save(self, cursor: int) -> None:
        """Keep the cursor; whoever looks finds the old one or the new one."""
        body = json.dumps({"cursor": int(cursor), "updated_at": utc_now_iso()})
        write_whole(self._path, body.encode(), sync=self._sync)


def checked(record: CommandRecord) -> CommandRecord:
    """Return a command ready to be stored; raise ValueError naming what is wrong with it."""
    if not str(record.run_id or "").strip():
        raise ValueError("CommandRecord.run_id must be non-empty")
    if not str(record.type or "").strip():
        raise ValueError("CommandRecord.type must be non-empty")
    if not isinstance(record.payload, dict):
        raise ValueError("CommandRecord.payload must be a JSON-serializable dict")
    try:
        encode(record.payload, "payload")
    except TypeError as error:
        raise ValueError(f"CommandRecord.payload must be a JSON-serializable dict: {error}") from error
    return replace(
        record,
        command_id=str(record.command_id or "").strip() or os.urandom(16).hex(),
        ts=str(record.ts or "").strip() or utc_now_iso(),
    )


def page_size(limit: int) -> int:
    """Return how many commands a page holds at most."""
    return int(limit) if int(limit) > 0 else PAGE


def page(found: Sequence[dict[str, Any]], after: int) -> tuple[list[CommandRecord], int]:
    """Return commands and the cursor after them."""
    records = [CommandRecord(**{name: one[name] for name in _FIELDS if name in one}) for one in found]
    return records, records[-1].seq if records else after
