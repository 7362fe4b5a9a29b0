"""Commands and cursors in a SQLite file."""

from __future__ import annotations

import builtins
from dataclasses import replace

from ..core.clock import utc_now_iso
from ..core.jsonsafe import decode, encode
from .commands import PAGE, CommandAppendResult, CommandRecord, checked, page, page_size
from .migrate import named_queries
from .sqlite_database import SqliteDatabase

_Q = named_queries("sqlite")


class SqliteCommandStore:
    """Keeps commands in a SQLite file; several processes may append and read."""

    def __init__(self, db: SqliteDatabase) -> None:
        self.db = db

    def append(self, record: CommandRecord) -> CommandAppendResult:
        """Take a command, unless one with its id is there; it survives a power cut once taken."""
        made = checked(record)
        values = (
            made.command_id,
            made.run_id,
            made.type,
            encode(made.payload, "payload"),
            made.ts,
            made.client_id,
        )
        with self.db.write(durable=True) as connection:
            row = connection.execute(_Q["command_seq"], (made.command_id,)).fetchone()
            if row is not None:
                return CommandAppendResult(False, True, int(row[0]))
            seq = connection.execute(_Q["add_command"], values).lastrowid
        return CommandAppendResult(True, False, int(seq or 0))

    def list_after(self, *, after: int, limit: int = PAGE) -> tuple[builtins.list[CommandRecord], int]:
        """Return commands with seq > after, and the cursor to go on from."""
        rows = self.db.rows(_Q["commands_after"], (int(after), page_size(limit)))
        found, _ = page([dict(row) for row in rows], after)
        records = [
            replace(one, payload=decode(row["payload_json"])) for one, row in zip(found, rows, strict=True)
        ]
        return records, records[-1].seq if records else after

    def get_last_seq(self) -> int:
        """Return the place of the last command, 0 without one."""
        return int(self.db.rows(_Q["last_command"])[0][0])


class SqliteCommandCursorStore:
    """Keeps the cursor of one reader in a SQLite file."""

    def __init__(self, db: SqliteDatabase, *, consumer_id: str = "gateway_runner") -> None:
        if not str(consumer_id or "").strip():
            raise ValueError("consumer_id must be non-empty")
        self.db = db
        self._consumer_id = str(consumer_id).strip()

    def load(self) -> int:
        """Return the cursor, 0 without one."""
        rows = self.db.rows(_Q["cursor"], (self._consumer_id,))
        return int(rows[0][0]) if rows else 0

    def save(self, cursor: int) -> None:
        """Keep the cursor."""
        with self.db.write(durable=True) as connection:
            connection.execute(_Q["put_cursor"], (self._consumer_id, int(cursor), utc_now_iso()))
