"""EditLog: every change of every flow, kept in one SQLite file beside the runs.

A save is written here first, with the document it leads to and the mark `pending`; then the file of the
flow is replaced; then the mark goes. Whoever opens the log after a power cut finds the mark: where the
file was not replaced any more the rows go again (nobody was told that they are saved), so file and log agree. What other programs do to a file is seen at the next save
and becomes a row like any other.

Bounded: of each flow the newest MOST_ROWS rows, of these at most MOST_BYTES; versions keep the rest.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import RLock
from typing import Any

from abstractruntime.core.errors import StoreBusy, StoreDamaged, StoreError, StoreFull

from .library_changes import Change, ChangeError, Document, apply_all, same_value
from .library_difference import changes_to
from .library_edits import HOWS, MOST_LABEL, Command, Edit, Row, Stacks, stacks_of
from .library_text import revision_of

Json = Any
MOST_ROWS = 2000
SLACK = 200  # rows over the bound before the oldest are dropped together
MOST_BYTES = 16 * 1024 * 1024
OUTSIDE = "Changed outside the editor"
COLUMNS = "seq, at, actor, how, label, joins, before, after, changes, inverse"
TABLES = """
CREATE TABLE IF NOT EXISTS heads (
  flow_id TEXT PRIMARY KEY, revision TEXT NOT NULL, body BLOB NOT NULL, pending TEXT, first INTEGER
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS steps (
  flow_id TEXT NOT NULL, seq INTEGER NOT NULL, at TEXT NOT NULL, actor TEXT NOT NULL, how TEXT NOT NULL,
  label TEXT NOT NULL, joins INTEGER NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL,
  changes BLOB NOT NULL, inverse BLOB NOT NULL, PRIMARY KEY (flow_id, seq)
);
CREATE INDEX IF NOT EXISTS steps_outline ON steps (flow_id, seq, how, joins);
"""


class EditLog:
    """The log of one installation. Safe to call from several threads."""

    def __init__(self, path: Path, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._path, self._clock, self.lock = path, clock, RLock()
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self.db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self.db.execute("PRAGMA journal_mode = WAL")
            self.db.execute("PRAGMA synchronous = FULL")
            self.db.executescript(TABLES)
        except sqlite3.DatabaseError as error:
            raise StoreDamaged(f"The edit log {path} cannot be read: {error}.") from None

    def close(self) -> None:
        """Let go of the file."""
        with self.lock:
            self.db.close()

    def now(self) -> str:
        """Return this moment as text."""
        return self._clock().isoformat(timespec="milliseconds")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it is on the disk afterwards, or none."""
        with self.lock, _told(self._path):
            self.db.execute("BEGIN IMMEDIATE")
            try:
                yield self.db
                self.db.execute("COMMIT")
            finally:
                if self.db.in_transaction:
                    self.db.execute("ROLLBACK")

    # ---- saving -----------------------------------------------------------------------------------

    @contextmanager
    def saving(
        self, flow_id: str, before: Document | None, after: Document, edit: Edit
    ) -> Iterator[tuple[Document, bool]]:
        """Log a save around the writing of the file.

        Gives the document to write, and whether the log has the editor's own commands. When writing
        fails, the log is as it was.
        """
        held, first = self.head(flow_id), self.last(flow_id)
        with self.writing() as db:
            base = self._catch_up(flow_id, held, before)
            document, is_told = self._log(flow_id, base, after, edit)
            self._put_head(flow_id, document, revision_of(before) if before is not None else "", first)
            self._trim(flow_id)
        is_written = False
        try:
            yield document, is_told
            is_written = True
        finally:
            if not is_written:
                self._take_back(flow_id, first, held)
        with self.writing() as db:
            db.execute("UPDATE heads SET pending = NULL WHERE flow_id = ?", (flow_id,))

    def recover(self, read: Callable[[str], Document | None]) -> None:
        """Make log and files agree after a cut; `read` gives a flow's document as its file says."""
        with self.lock:
            found = self.db.execute("SELECT flow_id, pending, first FROM heads WHERE pending IS NOT NULL")
            left = found.fetchall()
        for flow_id, before, first in left:
            held = read(flow_id)
            if before == ("" if held is None else revision_of(held)):
                self._take_back(flow_id, first, held)
        with self.writing() as db:
            db.execute("UPDATE heads SET pending = NULL")

    def _take_back(self, flow_id: str, first: int, held: Document | None) -> None:
        """Forget a save that did not reach the file."""
        with self.writing() as db:
            db.execute("DELETE FROM steps WHERE flow_id = ? AND seq > ?", (flow_id, first))
            db.execute("DELETE FROM heads WHERE flow_id = ?", (flow_id,))
            if held is not None:
                self._put_head(flow_id, held)

    def head(self, flow_id: str) -> Document | None:
        """Return a flow as the log last knew it."""
        with self.lock:
            row = self.db.execute("SELECT body FROM heads WHERE flow_id = ?", (flow_id,)).fetchone()
        return None if row is None else unpack(row[0])

    def _catch_up(self, flow_id: str, held: Document | None, before: Document | None) -> Document:
        """Note what happened to the file since the last save; return the document to go on from."""
        if held is None or before is None:
            return before if before is not None else held if held is not None else {}
        if revision_of(held) != revision_of(before):
            changes = changes_to(held, before)
            self._append(flow_id, Command("do", OUTSIDE, tuple(changes)), "", held, changes)
        return before

    def _log(self, flow_id: str, base: Document, after: Document, edit: Edit) -> tuple[Document, bool]:
        """Write the commands of an edit; where they do not lead to the document, one that does."""
        if not base:
            return after, not edit.commands
        first = self.last(flow_id)
        if edit.commands:
            try:
                told = self._follow(flow_id, base, edit)
                if same_value(told, after):
                    return told, True
            except ChangeError:
                pass
            self.db.execute("DELETE FROM steps WHERE flow_id = ? AND seq > ?", (flow_id, first))
        changes = changes_to(base, after)
        if changes:
            command = Command("do", edit.label, tuple(changes))
            self._append(flow_id, command, edit.actor, base, changes)
        return after, not edit.commands

    def _follow(self, flow_id: str, document: Document, edit: Edit) -> Document:
        stacks = self.stacks(flow_id)
        for command in edit.commands:
            changes, label = self._meant(flow_id, stacks, command)
            document, seq = self._append(flow_id, command, edit.actor, document, changes, label)
            stacks.put(seq, command.how, command.joins)
        return document

    def _meant(self, flow_id: str, stacks: Stacks, command: Command) -> tuple[list[Change], str]:
        """Return what a command changes: an undo says only that it is one."""
        if command.how == "do":
            return list(command.changes), command.label
        stack = stacks.undone if command.how == "redo" else stacks.done
        if command.how not in HOWS or not stack:
            raise ChangeError(f"There is nothing to {command.how}.")
        rows = self.rows(flow_id, stack[-1])
        return [change for row in reversed(rows) for change in row.inverse], rows[-1].label

    def _append(
        self,
        flow_id: str,
        command: Command,
        actor: str,
        before: Document,
        changes: list[Change],
        label: str = "",
    ) -> tuple[Document, int]:
        after, inverse = apply_all(before, changes)
        seq = self.last(flow_id) + 1
        name = (label or command.label)[:MOST_LABEL]
        how = (command.how, name, command.joins and command.how == "do")
        revisions = (revision_of(before), revision_of(after))
        blobs = (pack(changes), pack(inverse))
        self.db.execute(
            f"INSERT INTO steps (flow_id, {COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (flow_id, seq, self.now(), actor, *how, *revisions, *blobs),
        )
        return after, seq

    def _put_head(self, flow_id: str, document: Document, pending: str | None = None, first: int = 0) -> None:
        self.db.execute(
            "INSERT OR REPLACE INTO heads (flow_id, revision, body, pending, first) VALUES (?, ?, ?, ?, ?)",
            (flow_id, revision_of(document), pack(document), pending, first),
        )

    def _trim(self, flow_id: str) -> None:
        """Drop the oldest rows of a flow that has many more than the bound, or heavier ones."""
        count, weight = self.db.execute(
            "SELECT count(*), coalesce(sum(length(changes) + length(inverse)), 0) FROM steps WHERE flow_id = ?",
            (flow_id,),
        ).fetchone()
        if count <= MOST_ROWS + SLACK and weight <= MOST_BYTES:
            return
        kept, least = 0, self.last(flow_id) + 1
        sizes = self.db.execute(
            "SELECT seq, length(changes) + length(inverse) FROM steps WHERE flow_id = ? ORDER BY seq DESC LIMIT ?",
            (flow_id, MOST_ROWS),
        )
        for seq, size in sizes.fetchall():
            kept += size
            if kept > MOST_BYTES:
                break
            least = seq
        self.db.execute("DELETE FROM steps WHERE flow_id = ? AND seq < ?", (flow_id, least))

    # ---- reading ----------------------------------------------------------------------------------

    def last(self, flow_id: str) -> int:
        """Return the number of a flow's newest row; 0 when it has none."""
        with self.lock:
            found = self.db.execute("SELECT max(seq) FROM steps WHERE flow_id = ?", (flow_id,)).fetchone()
        return int(found[0] or 0)

    def stacks(self, flow_id: str) -> Stacks:
        """Return what undo and redo would take."""
        with self.lock:
            rows = self.db.execute(
                "SELECT seq, how, joins FROM steps WHERE flow_id = ? ORDER BY seq", (flow_id,)
            ).fetchall()
        return stacks_of(rows)

    def rows(self, flow_id: str, seqs: list[int]) -> list[Row]:
        """Return some rows, in order."""
        marks = ", ".join("?" * len(seqs))
        return self._read(f"seq IN ({marks}) ORDER BY seq", flow_id, *seqs)

    def after(self, flow_id: str, seq: int, limit: int = MOST_ROWS) -> list[Row]:
        """Return the rows after one, in order."""
        return self._read("seq > ? ORDER BY seq LIMIT ?", flow_id, seq, limit)

    def newest(self, flow_id: str, before: int | None = None, limit: int = 100) -> list[Row]:
        """Return the newest rows, or those before one; the newest first."""
        least = before if before is not None else self.last(flow_id) + 1
        return self._read("seq < ? ORDER BY seq DESC LIMIT ?", flow_id, least, limit)

    def revision_seq(self, flow_id: str, revision: str) -> int | None:
        """Return the newest row after which a flow was at a revision; the one before it began with it."""
        with self.lock:
            held = self.db.execute("SELECT revision FROM heads WHERE flow_id = ?", (flow_id,)).fetchone()
            if held is not None and held[0] == revision:
                return self.last(flow_id)
            row = self.db.execute(
                "SELECT max(seq) FROM steps WHERE flow_id = ? AND after = ?", (flow_id, revision)
            ).fetchone()
            if row[0] is not None:
                return int(row[0])
            first = self.db.execute(
                "SELECT seq FROM steps WHERE flow_id = ? AND before = ? ORDER BY seq LIMIT 1",
                (flow_id, revision),
            ).fetchone()
        return None if first is None else int(first[0]) - 1

    def document_after(self, flow_id: str, seq: int) -> Document | None:
        """Return a flow as it was after a row (after `n - 1`: before row n); None when it is not known."""
        with self.lock:
            document, last = self.head(flow_id), self.last(flow_id)
            rows = self.after(flow_id, seq, last - seq) if 0 <= seq <= last else []
        if document is None or len(rows) != last - seq:
            return None
        for row in reversed(rows):
            document, _ = apply_all(document, row.inverse)
        return document

    def _read(self, where: str, flow_id: str, *values: Json) -> list[Row]:
        with self.lock:
            found = self.db.execute(
                f"SELECT {COLUMNS} FROM steps WHERE flow_id = ? AND {where}", (flow_id, *values)
            ).fetchall()
        return [_row(each) for each in found]


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Say what SQLite's errors mean."""
    try:
        yield
    except sqlite3.Error as error:
        kinds = {sqlite3.SQLITE_FULL: StoreFull, sqlite3.SQLITE_BUSY: StoreBusy}
        kind = kinds.get(getattr(error, "sqlite_errorcode", 0), StoreError)
        raise kind(f"The edit log {path} cannot be written: {error}.") from None


def pack(value: Json) -> bytes:
    """Return JSON as the log keeps it: small, order of keys kept."""
    return zlib.compress(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(), 1)


def unpack(body: bytes) -> Json:
    """Read what `pack` wrote; raise StoreDamaged."""
    try:
        return json.loads(zlib.decompress(body))
    except (zlib.error, ValueError) as error:
        raise StoreDamaged(f"A row of the edit log cannot be read: {error}.") from None


def _row(values: tuple[Json, ...]) -> Row:
    seq, at, actor, how, label, joins, before, after, changes, inverse = values
    return Row(seq, at, actor, how, label, bool(joins), before, after, unpack(changes), unpack(inverse))


def commands_of(said: Json) -> tuple[Command, ...]:
    """Read the commands that an editor sends; raise ChangeError for what is none."""
    if not isinstance(said, list):
        raise ChangeError("`commands` must be a list.")
    found = []
    for index, each in enumerate(said):
        changes = each.get("changes", []) if isinstance(each, Mapping) else None
        if not isinstance(changes, list) or not all(isinstance(change, Mapping) for change in changes):
            raise ChangeError(f"`commands[{index}].changes` must be a list of changes.")
        if each.get("how", "do") not in HOWS:
            raise ChangeError(f"`commands[{index}].how` must be one of {', '.join(HOWS)}.")
        label = each.get("label") if isinstance(each.get("label"), str) else ""
        found.append(Command(each.get("how", "do"), label or "", tuple(changes), each.get("joins") is True))
    return tuple(found)
