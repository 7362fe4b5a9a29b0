"""Anchors of chains in a SQLite file."""

from __future__ import annotations

from .anchors import Anchor, Anchors
from .migrate import named_queries
from .sqlite_database import SqliteDatabase

_Q = named_queries("sqlite")


class SqliteAnchors(Anchors):
    """Keeps anchors in a SQLite file."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    def get(self, run_id: str) -> Anchor | None:
        """Return a run's anchor, None without one."""
        rows = self._database.rows(_Q["anchor"], (run_id,))
        return Anchor(*rows[0]) if rows else None

    def put(self, run_id: str, anchor: Anchor) -> None:
        """Keep a run's anchor."""
        with self._database.write() as connection:
            connection.execute(_Q["put_anchor"], (run_id, anchor.length, anchor.head, anchor.seal))

    def drop(self, run_id: str) -> None:
        """Forget a run's anchor."""
        with self._database.write() as connection:
            connection.execute(_Q["drop_anchor"], (run_id,))
