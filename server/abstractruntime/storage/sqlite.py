"""The door to the SQLite backend."""

from __future__ import annotations

from .base import Capability, Stores
from .files import Sync, sync_option
from .sqlite_database import SqliteDatabase
from .sqlite_inbox import SqliteCommandCursorStore, SqliteCommandStore
from .sqlite_journal import SqliteJournal
from .sqlite_keepsakes import SqliteArtifactStore, SqliteSnapshotStore
from .sqlite_stores import SqliteLedgerStore, SqliteRunStore

__all__ = [
    "CAPABILITIES",
    "SqliteArtifactStore",
    "SqliteCommandCursorStore",
    "SqliteCommandStore",
    "SqliteDatabase",
    "SqliteJournal",
    "SqliteLedgerStore",
    "SqliteRunStore",
    "SqliteSnapshotStore",
]

CAPABILITIES = frozenset({Capability.QUERY, Capability.INDEX, Capability.JOURNAL, Capability.LEASE})


def open(url: str) -> Stores:
    """Open the stores of `sqlite:///absolute/path` or `sqlite:relative/path`, perhaps with `?sync=always`."""
    rest, _, options = url.partition(":")[2].partition("?")
    path = "/" + rest.lstrip("/") if rest.startswith("///") else rest
    if path in ("", "/") or path.startswith("//"):
        raise ValueError(f"{url!r} names no file. Write sqlite:///absolute/path or sqlite:relative/path.")
    database = SqliteDatabase(path, sync=sync_option(url, options, Sync.MARKED))
    return Stores(
        SqliteRunStore(database),
        SqliteLedgerStore(database),
        SqliteJournal(database),
        CAPABILITIES,
        {"database": database, "closers": (database.close,)},
        artifacts=SqliteArtifactStore(database),
        snapshots=SqliteSnapshotStore(database),
        commands=SqliteCommandStore(database),
        cursors=SqliteCommandCursorStore(database),
    )
